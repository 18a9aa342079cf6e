"""`accept` of a copy whose original is gone: the two become one again, as if the files had been moved.

A move across file systems is a copy and then a delete; the copy may be imported in between. Nothing but a person can
tell that from a copy that was made to be kept. Works inside one owner and group: nothing changes hands.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, delete, exists, select, update

from catalog.events import NewEvent, record
from catalog.lost_originals import LostOriginal, lost_original
from catalog.models.annotations import AnnotationLink
from catalog.models.containers import DatasetImageLink
from catalog.models.images import Image, OriginalFile
from catalog.models.ingest import Fileset, Job, NamedFile, Sighting
from catalog.moves import path_of_fileset, refile, rekey
from catalog.names import display, path_hash
from catalog.permissions import Acting, Action, may_on


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """What came of it; ``reason`` says why not."""

    done: bool
    reason: str | None = None


def join_copy(connection: Connection, acting: Acting, row: RowMapping, *, now: datetime, via: str) -> Joined | None:
    """Let the older images of the same content, whose file is gone, have this path; None when there are none.

    Ids, names and annotations are the older ones'; what people noted on the copy goes to them. The copy's images go.
    """
    copy_id = row["fileset_id"]
    # Of an image of several files the first that is asked for joins all; then this fileset is no more.
    copy = None if copy_id is None else connection.execute(_FILESET.where(Fileset.id == copy_id)).one_or_none()
    if copy is None or copy.done_digest is None:
        return None
    lost = lost_original(connection, copy)
    if lost is None:
        return None
    both = [copy_id, lost.fileset_id]
    images = connection.execute(select(Image.owner_id, Image.group_id).where(Image.fileset_id.in_(both)))
    if not all(may_on(acting, Action.DELETE, group_id=one.group_id, owner_id=one.owner_id) for one in images):
        return Joined(
            done=False, reason="the owner of the data, an owner of the group or an administrator may accept this"
        )
    if copy.done_digest != copy.seen_digest or copy.due_at is not None:
        return Joined(done=False, reason="it was written since it was read; accept it when it is imported")
    _join(connection, acting, copy, lost, now, via)
    return Joined(done=True)


_FILESET = select(
    Fileset.id,
    Fileset.root_id,
    Fileset.key,
    Fileset.placement,
    Fileset.owner_id,
    Fileset.group_id,
    Fileset.seen_digest,
    Fileset.done_digest,
    Fileset.due_at,
    Fileset.grouping,
    Fileset.neighbour,
    Fileset.plate_key,
    Fileset.marker,
)


def _join(connection: Connection, acting: Acting, copy: Any, lost: LostOriginal, now: datetime, via: str) -> None:
    known_id = lost.fileset_id
    old_path = path_of_fileset(connection, known_id)
    new_path = path_of_fileset(connection, copy.id)
    gone = _hand_over_notes(connection, copy.id, known_id)
    _point_files(connection, copy.id, lost)
    connection.execute(delete(Image).where(Image.fileset_id == copy.id))
    connection.execute(delete(OriginalFile).where(OriginalFile.fileset_id == copy.id))
    connection.execute(delete(NamedFile).where(NamedFile.fileset_id == known_id))
    connection.execute(update(NamedFile).where(NamedFile.fileset_id == copy.id).values(fileset_id=known_id))
    connection.execute(delete(Job).where(Job.fileset_id == copy.id))
    connection.execute(delete(Fileset).where(Fileset.id == copy.id))
    rekey(connection, known_id, copy.root_id, bytes(copy.key), bytes(copy.done_digest))
    beside = {"neighbour": copy.neighbour, "plate_key": copy.plate_key, "marker": copy.marker}
    connection.execute(update(Fileset).where(Fileset.id == known_id).values(beside))
    refile(connection, known_id, copy.placement, now=now)
    event = NewEvent(
        what="joined",
        at=now,
        via=via,
        acting=acting,
        object_type="fileset",
        object_id=known_id,
        fileset_id=known_id,
        root_id=copy.root_id,
        path_hash=path_hash(new_path),
        before={"path": display(old_path)},
        after={"path": display(new_path), "copies": gone},
    )
    record(connection, event)


def _hand_over_notes(connection: Connection, copy_id: int, known_id: int) -> list[int]:
    """Give the notes on the copy's images, and their places in datasets, to the older ones; gives the copy's ids."""
    known = {row.series: row.id for row in connection.execute(_images(known_id))}
    gone = []
    for row in connection.execute(_images(copy_id)).all():
        gone.append(row.id)
        if row.series not in known:
            continue
        to = known[row.series]
        had, within = AnnotationLink.__table__.alias("had"), DatasetImageLink.__table__.alias("within")
        noted = exists().where(
            had.c.image_id == to,
            had.c.annotation_id == AnnotationLink.annotation_id,
            had.c.owner_id == AnnotationLink.owner_id,
        )
        linked = exists().where(within.c.image_id == to, within.c.dataset_id == DatasetImageLink.dataset_id)
        connection.execute(update(AnnotationLink).where(AnnotationLink.image_id == row.id, ~noted).values(image_id=to))
        connection.execute(
            update(DatasetImageLink).where(DatasetImageLink.image_id == row.id, ~linked).values(image_id=to)
        )
    return gone


def _images(fileset_id: int) -> Any:
    return select(Image.id, Image.series).where(Image.fileset_id == fileset_id).order_by(Image.series)


def _point_files(connection: Connection, copy_id: int, lost: LostOriginal) -> None:
    """Let all places of the copy, those in storage too, be places of the older files, whose own paths are forgotten."""
    connection.execute(delete(Sighting).where(Sighting.fileset_id == lost.fileset_id))
    pairs = [{"b_copy": copy, "b_known": known} for copy, known in lost.files.items()]
    connection.execute(_POINT, pairs)
    connection.execute(update(Sighting).where(Sighting.fileset_id == copy_id).values(fileset_id=lost.fileset_id))


_POINT = (
    update(Sighting)
    .where(Sighting.original_file_id == bindparam("b_copy"))
    .values(original_file_id=bindparam("b_known"))
    .execution_options(synchronize_session=False)
)
