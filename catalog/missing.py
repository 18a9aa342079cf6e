"""Marks what is no longer there (T8), and knows how much of a root went missing lately."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Exists, bindparam, case, delete, exists, func, select, update

from catalog.events import NewEvent, record
from catalog.fileset_looks import forget_jobs
from catalog.models.images import OriginalFile
from catalog.models.ingest import Directory, Fileset, Job, Sighting
from catalog.moves import MoveCandidate
from catalog.set_files import LOOK, digest_before, take_from
from catalog.store import drop_filesets

_BATCH = 500


def mark_missing(
    connection: Connection,
    root_id: int,
    keys: Sequence[tuple[int, bytes]],
    *,
    due_at: datetime,
    now: datetime,
    via: str,
) -> int:
    """Mark sightings (directory id, name) as missing; gives how many. One event per catalogued fileset.

    A file is missing when no place of it is left. While a copy in storage is known, its own path is gone and that is
    all; a copy in storage that is gone is forgotten while another place is left. Images of several files that have lost
    one are due at ``due_at`` (the ingest's steady time).

    The caller knows from a listing without an error that they are gone, and has asked the brake. What was only
    ignored or skipped is forgotten.
    """
    rows = _present(connection, keys)
    passing = [row for row in rows if row.disposition in ("ignored", "skipped")]
    lasting = [row for row in rows if row.disposition not in ("ignored", "skipped")]
    if passing:
        connection.execute(_FORGET, [{"b_directory": row.directory_id, "b_name": bytes(row.name)} for row in passing])
    if lasting:
        connection.execute(
            _MISS, [{"b_directory": row.directory_id, "b_name": bytes(row.name), "b_now": now} for row in lasting]
        )
    _take_out_of_sets(connection, lasting, due_at)
    _settle_filesets(connection, root_id, {row.fileset_id for row in lasting if row.fileset_id is not None}, now, via)
    _settle_copies(connection, root_id, [row for row in lasting if row.fileset_id is None], now, via)
    return len(lasting)


def _present(connection: Connection, keys: Sequence[tuple[int, bytes]]) -> list[Any]:
    by_directory: dict[int, list[bytes]] = {}
    for directory_id, name in keys:
        by_directory.setdefault(directory_id, []).append(name)
    rows: list[Any] = []
    for directory_id, names in by_directory.items():
        for start in range(0, len(names), _BATCH):
            query = (
                select(*_COLUMNS)
                .outerjoin(Fileset, Fileset.id == Sighting.fileset_id)
                .where(
                    Sighting.directory_id == directory_id,
                    Sighting.name.in_(names[start : start + _BATCH]),
                    Sighting.missing_since.is_(None),
                )
            )
            rows.extend(connection.execute(query))
    return rows


_COLUMNS = (
    Sighting.directory_id,
    Sighting.name,
    Sighting.disposition,
    Sighting.fileset_id,
    Sighting.original_file_id,
    Fileset.grouping,
    *(getattr(Sighting, column) for column in LOOK),
)


def _take_out_of_sets(connection: Connection, rows: Sequence[Any], due_at: datetime) -> None:
    """Take files that are gone out of what their filesets of several have seen.

    An image that is catalogued stays as it is, and what is left of its files is current. One that is not, or that was
    changing, is looked at again.
    """
    parts = [row for row in rows if row.grouping not in (None, "file")]
    if not parts:
        return
    ids = sorted({row.directory_id for row in parts})
    folders = dict(connection.execute(select(Directory.id, Directory.path).where(Directory.id.in_(ids))).all())
    digests: dict[int, list[bytes]] = {}
    for row in parts:
        folder, name = bytes(folders[row.directory_id]), bytes(row.name)
        path = folder + b"/" + name if folder else name
        digests.setdefault(row.fileset_id, []).append(digest_before(path, row))
    take_from(connection, digests)
    # What was held because one of them had its place is placed again when its folder is looked at next: no file
    # changes at the time -1.
    held = (Sighting.directory_id.in_(ids), Sighting.disposition == "held", Sighting.missing_since.is_(None))
    connection.execute(update(Sighting).where(*held).values(ctime_ns=-1))
    unsettled = list(
        connection.scalars(
            select(Fileset.id).where(
                Fileset.id.in_(list(digests)),
                Fileset.removed_at.is_(None),
                Fileset.done_digest.is_distinct_from(Fileset.seen_digest),
            )
        )
    )
    forget_jobs(connection, unsettled)
    # What is settling may have another file that has to be quiet first; what waits for files is quiet.
    again_at = case((Fileset.waits_for.is_(None), func.coalesce(Fileset.due_at, due_at)), else_=due_at)
    connection.execute(update(Fileset).where(Fileset.id.in_(unsettled)).values(due_at=again_at, waits_for=None))


_HERE = (Sighting.directory_id == bindparam("b_directory"), Sighting.name == bindparam("b_name"))
_MISS = (
    update(Sighting).where(*_HERE).values(missing_since=bindparam("b_now")).execution_options(synchronize_session=False)
)
_FORGET = delete(Sighting).where(*_HERE).execution_options(synchronize_session=False)


def _settle_filesets(connection: Connection, root_id: int, fileset_ids: set[int], now: datetime, via: str) -> None:
    """Wait no more for filesets without any file left."""
    ids = sorted(fileset_ids)
    for start in range(0, len(ids), _BATCH):
        part = ids[start : start + _BATCH]
        present = select(Sighting.fileset_id).where(Sighting.fileset_id.in_(part), Sighting.missing_since.is_(None))
        query = select(Fileset.id, Fileset.done_digest).where(Fileset.id.in_(part), Fileset.id.not_in(present))
        gone = connection.execute(query).all()
        gone_ids = [row.id for row in gone]
        connection.execute(update(Fileset).where(Fileset.id.in_(gone_ids)).values(due_at=None))
        connection.execute(delete(Job).where(Job.fileset_id.in_(gone_ids), Job.state.in_(("ready", "waiting"))))
        elsewhere = _filesets_elsewhere(connection, gone_ids)
        told = [row.id for row in gone if row.done_digest is not None]
        record(connection, *(_gone(one, root_id, one in elsewhere, now, via) for one in told))


def _filesets_elsewhere(connection: Connection, fileset_ids: Sequence[int]) -> set[int]:
    """Give those filesets each of whose files has a place left."""
    if not fileset_ids:
        return set()
    nowhere = select(OriginalFile.fileset_id).where(OriginalFile.fileset_id.in_(list(fileset_ids)), ~_has_place())
    return set(fileset_ids) - set(connection.scalars(nowhere))


def _has_place() -> Exists:
    place = Sighting.__table__.alias("place")
    return exists().where(place.c.original_file_id == OriginalFile.id, place.c.missing_since.is_(None))


def _settle_copies(connection: Connection, root_id: int, rows: Sequence[Any], now: datetime, via: str) -> None:
    """Forget places in storage that are gone while others are left; the last place of a file stays, as missing."""
    originals = sorted({row.original_file_id for row in rows if row.original_file_id is not None})
    for start in range(0, len(originals), _BATCH):
        part = originals[start : start + _BATCH]
        files = select(OriginalFile.id, OriginalFile.fileset_id, _has_place().label("is_left"))
        found = connection.execute(files.where(OriginalFile.id.in_(part))).all()
        left = {row.id for row in found if row.is_left}
        here = [row for row in rows if row.original_file_id in left]
        if here:
            connection.execute(_FORGET, [{"b_directory": row.directory_id, "b_name": bytes(row.name)} for row in here])
        lost = sorted({row.fileset_id for row in found if not row.is_left})
        record(connection, *(_gone(one, root_id, False, now, via) for one in lost))


def _gone(fileset_id: int, root_id: int, is_elsewhere: bool, now: datetime, via: str) -> NewEvent:
    return NewEvent(
        what="kept_elsewhere" if is_elsewhere else "missing",
        at=now,
        via=via,
        object_type="fileset",
        object_id=fileset_id,
        fileset_id=fileset_id,
        root_id=root_id,
    )


def forget_renamed(connection: Connection, candidate: MoveCandidate, due_at: datetime) -> None:
    """Forget a path whose file was never imported and is now known under another name.

    An imported one has joined another image there: its old path is missing, as the scan finds.
    """
    here = (Sighting.directory_id == candidate.directory_id, Sighting.name == candidate.name)
    query = select(*_COLUMNS, Sighting.missing_since).join(Fileset, Fileset.id == Sighting.fileset_id).where(*here)
    row = connection.execute(query).one_or_none()
    if row is None or row.original_file_id is not None:
        return
    connection.execute(delete(Sighting).where(*here))
    if row.missing_since is None:
        _take_out_of_sets(connection, [row], due_at)
    drop_filesets(connection, [row.fileset_id])
