"""Label, macro, overview and thumbnail pictures inside files: written with the image, shown where a rule keeps them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from catalog.documents import AssociatedDocument, Picture
from catalog.models.images import AssociatedImage, Image
from catalog.models.ingest import Fileset
from catalog.permissions import Acting
from catalog.records import ImageRecord
from catalog.visibility import visible

KEEP = "keep"


def write_associated(connection: Connection, ids: Sequence[int], images: Sequence[ImageRecord]) -> None:
    """Write what files hold beside their images."""
    rows = [row for image_id, image in zip(ids, images, strict=True) for row in _rows(image_id, image)]
    if rows:
        connection.execute(insert(AssociatedImage), rows)


def _rows(image_id: int, image: ImageRecord) -> list[dict[str, Any]]:
    found = []
    for ordinal, one in enumerate(image.associated):
        picture = one.picture
        row = {
            "image_id": image_id,
            "ordinal": ordinal,
            "kind": one.kind,
            "media_type": picture.media_type if picture else None,
            "width_px": picture.width_px if picture else None,
            "height_px": picture.height_px if picture else None,
            "data": picture.data if picture else None,
            "failure": picture.failure if picture else None,
        }
        found.append(row)
    return found


def forget_pictures(connection: Connection, image_ids: Sequence[int], said: str) -> None:
    """Let go of pictures at once that a rule no longer keeps; with `drop` also of the knowledge that there are any."""
    if said == KEEP:
        return
    connection.execute(delete(AssociatedImage).where(AssociatedImage.image_id.in_(list(image_ids))))


def associated_of(connection: Connection, acting: Acting, image_id: int) -> tuple[AssociatedDocument, ...]:
    """Give the pictures that are kept beside an image in sight, each by a name of its own: `label`, `label 2`."""
    return tuple(document for document, _ in _kept(connection, acting, image_id))


def associated_picture(connection: Connection, acting: Acting, image_id: int, name: str) -> Picture | None:
    """Give one of them with its data; None where none of this name is kept."""
    return next(
        (picture for document, picture in _kept(connection, acting, image_id) if document.name == name.strip().lower()),
        None,
    )


def _kept(connection: Connection, acting: Acting, image_id: int) -> list[tuple[AssociatedDocument, Picture]]:
    query = (
        select(AssociatedImage.__table__, Fileset.placement)
        .join(Image, Image.id == AssociatedImage.image_id)
        .join(Fileset, Fileset.id == Image.fileset_id)
        .where(AssociatedImage.image_id == image_id, visible(acting, AssociatedImage), visible(acting, Image))
        .order_by(AssociatedImage.ordinal)
    )
    found: list[tuple[AssociatedDocument, Picture]] = []
    for row in connection.execute(query).mappings():
        is_kept = row["placement"].get("associated_images") == KEEP
        if not is_kept or (row["data"] is None and row["failure"] is None):
            continue
        number = 1 + sum(one.name.partition(" ")[0] == row["kind"] for one, _ in found)
        name = row["kind"] if number == 1 else f"{row['kind']} {number}"
        size = {"width_px": row["width_px"], "height_px": row["height_px"], "failure": row["failure"]}
        picture = Picture(image_id=image_id, media_type=row["media_type"], data=row["data"], **size)
        found.append((AssociatedDocument(name=name, **size), picture))
    return found
