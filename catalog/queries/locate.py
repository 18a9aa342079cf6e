"""Where the files of an object lie, as this computer and others see it."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from catalog.models.images import Image
from catalog.models.ingest import Root
from catalog.names import display
from catalog.permissions import Acting
from catalog.queries.files import files_of
from catalog.queries.images import images_within
from catalog.references import ObjectReference

_AT_ONCE = 500

#: How other computers call a root's folder, by root and by a name for each computer.
SeenAs = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceDocument:
    """A place of a file of an image. ``path`` is absolute here; ``seen_as`` are the paths on other computers, by name.

    ``is_there`` is false for the last known place of a file that is missing; all else is null where none is known.
    """

    image_id: int
    root: str | None
    path: str | None
    is_there: bool
    size_bytes: int
    seen_as: Mapping[str, str]


def locate(
    connection: Connection, acting: Acting, reference: ObjectReference, seen_as: SeenAs
) -> tuple[PlaceDocument, ...]:
    """Give all places of the files of an object's images; raises NotFound for an object out of sight."""
    ids = images_within(connection, acting, reference)
    roots = {name: display(bytes(path)) for name, path in connection.execute(select(Root.name, Root.path))}
    found: list[PlaceDocument] = []
    for start in range(0, len(ids), _AT_ONCE):
        query = select(Image.id, Image.fileset_id).where(Image.id.in_(ids[start : start + _AT_ONCE]))
        rows = connection.execute(query.order_by(Image.id)).all()
        files = files_of(connection, acting, {row.fileset_id for row in rows})
        for row in rows:
            for place in files[row.fileset_id].locations:
                base = roots.get(place.root or "")
                found.append(
                    PlaceDocument(
                        image_id=row.id,
                        root=place.root,
                        path=None if base is None or place.path is None else joined(base, place.path),
                        is_there=place.is_there,
                        size_bytes=place.size_bytes,
                        seen_as={
                            name: joined(other, place.path)
                            for name, other in seen_as.get(place.root or "", {}).items()
                            if place.path is not None
                        },
                    )
                )
    return tuple(found)


def joined(base: str, path: str) -> str:
    r"""Put a root's folder, as some computer calls it, before a path below it; ``Z:\x`` takes backslashes."""
    if "\\" in base and "/" not in base:
        return base.rstrip("\\") + "\\" + path.replace("/", "\\")
    return base.rstrip("/") + "/" + path
