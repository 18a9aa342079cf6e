"""Merges and divides catalogued filesets: files go from one to another, with what people noted; one event for each.

What is catalogued stays catalogued: the image that keeps its ids shows its old picture until its files were read
again. The caller holds the transaction and decides who keeps what (`ingest.keeping`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, or_, select, update

from catalog.adopting import named_sightings
from catalog.events import NewEvent, record
from catalog.filed import Filed, FilesetKeys
from catalog.filings import filing_of
from catalog.looks import due_at_once
from catalog.models.annotations import Annotation, AnnotationLink
from catalog.models.containers import Dataset, DatasetImageLink, WellSample
from catalog.models.images import Channel, Image, OriginalFile
from catalog.models.ingest import Fileset, Job
from catalog.queries.history import DIVIDED, RESTORE
from catalog.queries.objects import MERGED
from catalog.refiling import ApplyRun, event_of
from catalog.regroup_rows import generation_of, number_anew, read_anew, sightings_of, take
from catalog.row_documents import row_document


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPart:
    """Files that leave a fileset for one image: where that is filed, and what each file captures, by path."""

    keys: FilesetKeys
    document: Mapping[str, Any]
    owner: tuple[int, int]
    is_by_hand: bool
    captured: Mapping[bytes, str | None]


def noted_among(connection: Connection, page: Sequence[Filed]) -> set[int]:
    """Give those filesets whose images people named, annotated, described or put somewhere."""
    by_image = {image.id: filed.fileset_id for filed in page for image in filed.images}
    named = {filed.fileset_id for filed in page for image in filed.images if _is_edited(filed, image)}
    query = (
        select(AnnotationLink.image_id)
        .join(Annotation, Annotation.id == AnnotationLink.annotation_id)
        .where(AnnotationLink.image_id.in_(list(by_image)), Annotation.made_by == "hand")
        .distinct()
    )
    return named | {by_image[image_id] for image_id in connection.scalars(query) if image_id is not None}


def _is_edited(filed: Filed, image: Any) -> bool:
    return image.is_named_by_hand or image.is_owned_by_hand or not filed.is_in_place or len(image.datasets) > 1


def has_joined(connection: Connection, root_id: int) -> bool:
    """Tell whether a root has images whose files their names join."""
    query = select(Fileset.id).where(Fileset.root_id == root_id, Fileset.grouping == "names").limit(1)
    return connection.scalar(query) is not None


def sets_and_owners_of(connection: Connection, root_id: int, paths: Sequence[bytes]) -> list[int]:
    """Give the catalogued filesets of a root that are sets which describe themselves, or to which paths belong."""
    query = select(Fileset.id).where(
        Fileset.root_id == root_id,
        Fileset.grouping == "index",
        Fileset.done_digest.is_not(None),
        Fileset.removed_at.is_(None),
    )
    found = set(connection.scalars(query))
    named = named_sightings(connection, root_id, paths).values()
    return sorted(found | {one.fileset_id for one in named if one.is_done and one.fileset_id is not None})


def removed_keys(connection: Connection, root_id: int, keys: Sequence[bytes]) -> list[bytes]:
    """Give those of some keys under which a person removed images: they stay removed."""
    query = select(Fileset.key).where(
        Fileset.root_id == root_id, Fileset.key.in_(list(keys)), Fileset.removed_at.is_not(None)
    )
    return [bytes(key) for key in connection.scalars(query)]


def known_under(connection: Connection, root_id: int, key: bytes) -> tuple[int, bool] | None:
    """Give the fileset of this key, with whether it is catalogued; None where there is none that nobody removed."""
    query = select(Fileset.id, Fileset.done_digest.is_not(None)).where(
        Fileset.root_id == root_id, Fileset.key == key, Fileset.removed_at.is_(None)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else (row[0], bool(row[1]))


def absorb(
    connection: Connection,
    filed_id: int,
    keeper: Filed,
    captured: Mapping[bytes, str | None],
    run: ApplyRun,
) -> None:
    """Let the files of a fileset, catalogued or not, be part of another one: what people noted goes along.

    Its images go. Their ids are told where they went by `show` and `history`.
    """
    rows = sightings_of(connection, filed_id)
    fileset = dict(connection.execute(select(Fileset.__table__).where(Fileset.id == filed_id)).mappings().one())
    query = select(Image.__table__).where(Image.fileset_id == filed_id).order_by(Image.series)
    images = [dict(row) for row in connection.execute(query).mappings()]
    kept = {image.series: image for image in keeper.images}
    restore: dict[str, Any] = {
        "fileset": row_document(Fileset, fileset),
        "files": _files_restore(connection, rows),
        "keeper": keeper.fileset_id,
        "generation": generation_of(connection, keeper.fileset_id),
        "images": [],
    }
    for image in images:
        to = kept.get(image["series"]) or keeper.images[0]
        restore["images"].append(_hand_over(connection, image, to.id, fileset["placement"], run))
    rule = keeper.document["rule"]
    new = {path: captured.get(path, row.captured) for path, row in rows.items()}
    take(connection, rows, new, keeper.fileset_id, rule=rule, configuration_id=run.configuration_id)
    connection.execute(delete(Image).where(Image.fileset_id == filed_id))
    connection.execute(delete(Job).where(Job.fileset_id == filed_id))
    connection.execute(delete(Fileset).where(Fileset.id == filed_id))
    record(connection, _merged(keeper, rows, restore, run), *_gone(images, keeper, kept, run))


def _files_restore(connection: Connection, rows: Mapping[bytes, Any]) -> list[dict[str, Any]]:
    """Keep which files these were, as they were read."""
    ids = [row.original_file_id for row in rows.values() if row.original_file_id is not None]
    query = select(OriginalFile.id, OriginalFile.ordinal).where(OriginalFile.id.in_(ids))
    ordinals = {row.id: row.ordinal for row in connection.execute(query)}
    return [
        {
            "directory": row.directory_id,
            "name": bytes(row.name).hex(),
            "captured": row.captured,
            "rule": row.rule,
            "file": row.original_file_id,
            "ordinal": ordinals.get(row.original_file_id),
        }
        for _, row in sorted(rows.items())
    ]


def _hand_over(
    connection: Connection, image: Mapping[str, Any], to: int, document: Mapping[str, Any], run: ApplyRun
) -> dict[str, Any]:
    """Give what people did to an image to another one; returns how everything was."""
    restore = {
        "row": row_document(Image, image),
        "channels": _rows(connection, Channel, Channel.image_id == image["id"]),
        "links": _rows(connection, AnnotationLink, AnnotationLink.image_id == image["id"]),
        "datasets": _rows(connection, DatasetImageLink, DatasetImageLink.image_id == image["id"]),
        "samples": _rows(connection, WellSample, WellSample.image_id == image["id"]),
        "to": to,
        "was": _edits(connection, to),
    }
    restore["moved"] = _move_links(connection, image["id"], to)
    _move_places(connection, image["id"], to, document)
    _move_edits(connection, image, to, document, run)
    return restore


def _rows(connection: Connection, model: Any, where: Any) -> list[dict[str, Any]]:
    rows = connection.execute(select(model.__table__).where(where)).mappings()
    return [row_document(model, dict(row)) for row in rows]


def _move_links(connection: Connection, image_id: int, to: int) -> list[int]:
    """Put what people noted on the kept image, unless it is there already; gives the ids of these links."""
    had = AnnotationLink.__table__.alias("had")
    noted = (
        select(had.c.id)
        .where(
            had.c.image_id == to,
            had.c.annotation_id == AnnotationLink.annotation_id,
            had.c.owner_id == AnnotationLink.owner_id,
        )
        .exists()
    )
    by_hand = select(Annotation.id).where(
        or_(Annotation.made_by == "hand", Annotation.owner_id != AnnotationLink.owner_id)
    )
    mine = (AnnotationLink.image_id == image_id, AnnotationLink.annotation_id.in_(by_hand))
    ids = list(connection.scalars(select(AnnotationLink.id).where(*mine, ~noted)))
    connection.execute(update(AnnotationLink).where(AnnotationLink.id.in_(ids)).values(image_id=to))
    return ids


def _move_places(connection: Connection, image_id: int, to: int, document: Mapping[str, Any]) -> None:
    """Put the kept image also where a person put the one that goes; where a rule put that is no decision."""
    containers = filing_of(document).containers if "ownership" in document else ()
    by_rule = [one.origin_key for one in containers]
    within = DatasetImageLink.__table__.alias("within")
    linked = (
        select(within.c.image_id)
        .where(within.c.image_id == to, within.c.dataset_id == DatasetImageLink.dataset_id)
        .exists()
    )
    others = select(Dataset.id).where(or_(Dataset.origin_key.is_(None), Dataset.origin_key.not_in(by_rule)))
    mine = (DatasetImageLink.image_id == image_id, DatasetImageLink.dataset_id.in_(others))
    connection.execute(update(DatasetImageLink).where(*mine, ~linked).values(image_id=to))


def _edits(connection: Connection, image_id: int) -> dict[str, Any]:
    query = select(Image.name, Image.named_by, Image.description).where(Image.id == image_id)
    return dict(connection.execute(query).mappings().one())


def _move_edits(
    connection: Connection, image: Mapping[str, Any], to: int, document: Mapping[str, Any], run: ApplyRun
) -> None:
    now = _edits(connection, to)
    values: dict[str, Any] = {}
    if image["named_by"] == "hand" and now["named_by"] != "hand":
        values |= {"name": image["name"], "named_by": "hand"}
    if image["description"] not in (None, document.get("description")) and now["description"] is None:
        values["description"] = image["description"]
    if values:
        connection.execute(update(Image).where(Image.id == to).values(values | {"updated_at": run.now}))


def _merged(keeper: Filed, rows: Mapping[bytes, Any], restore: Mapping[str, Any], run: ApplyRun) -> NewEvent:
    images = [one["row"] for one in restore["images"]]
    before = {"images": [row["id"] for row in images], "image": images[0]["name"] if images else None}
    return event_of(
        keeper,
        MERGED,
        run,
        path=min(rows, default=None),
        before=before | {RESTORE: restore},
        after={"files": len(rows), "apply": run.id},
    )


def _gone(images: Sequence[Any], keeper: Filed, kept: Mapping[int, Any], run: ApplyRun) -> list[NewEvent]:
    return [
        NewEvent(
            what=MERGED,
            at=run.now,
            via=run.via,
            acting=run.acting,
            object_type="image",
            object_id=image["id"],
            before={"image": image["name"]},
            after={"into": (kept.get(image["series"]) or keeper.images[0]).id},
            configuration_id=run.configuration_id,
        )
        for image in images
    ]


def release(connection: Connection, filed: Filed, parts: Sequence[NewPart], run: ApplyRun) -> None:
    """Let files leave a fileset: for those that have their keys, or for new ones, which are due."""
    rows = sightings_of(connection, filed.fileset_id)
    for part in parts:
        _release(connection, filed, part, rows, run)
    number_anew(connection, filed.fileset_id)
    read_anew(connection, filed.fileset_id, run.now)


def _release(connection: Connection, filed: Filed, part: NewPart, rows: Mapping[bytes, Any], run: ApplyRun) -> None:
    fileset_id = _fileset_for(connection, filed, part, run)
    restore = {
        "files": _files_restore(connection, {path: rows[path] for path in part.captured}),
        "from": filed.fileset_id,
        "generation": generation_of(connection, filed.fileset_id),
        "to": fileset_id,
        "to_generation": generation_of(connection, fileset_id),
    }
    rule = part.document["rule"]
    take(connection, rows, part.captured, fileset_id, rule=rule, configuration_id=run.configuration_id)
    read_anew(connection, fileset_id, run.now)
    after = {"image": part.document["image"], "files": len(part.captured), "apply": run.id}
    path = min(part.captured)
    record(connection, event_of(filed, DIVIDED, run, path=path, before={RESTORE: restore}, after=after))


def _fileset_for(connection: Connection, filed: Filed, part: NewPart, run: ApplyRun) -> int:
    query = select(Fileset.id).where(Fileset.root_id == filed.root_id, Fileset.key == part.keys.key)
    known = connection.scalar(query)
    if known is not None:
        return known
    row = part.keys._asdict() | {
        "root_id": filed.root_id,
        "placement": dict(part.document),
        "owner_id": part.owner[0],
        "group_id": part.owner[1],
        "seen_digest": b"",
        "due_at": due_at_once(run.now),
        "first_seen_at": run.now,
        "filed_by": "hand" if part.is_by_hand else "rule",
    }
    return int(connection.execute(insert(Fileset).values(row).returning(Fileset.id)).scalar_one())
