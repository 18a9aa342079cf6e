"""Writes the filesets of looks that are not catalogued (T1), in the caller's one transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from catalog.ids import new_ids
from catalog.looks import SeenFile, SeenFileset
from catalog.many import execute_many
from catalog.models.ingest import Fileset, Job
from catalog.set_files import SeenBefore, files_by_key, joined_to
from catalog.upserts import insert_unless_there

_INSERT_FILESET = insert(Fileset)
#: An old fileset, and the job that may be under way for it.
_WITH_JOB = select(Fileset, Job.state.label("job_state")).outerjoin(
    Job, (Job.fileset_id == Fileset.id) & (Job.kind == "import")
)


def record_filesets(
    connection: Connection, root_id: int, files: Sequence[SeenFile], before: SeenBefore, now: datetime
) -> dict[bytes, int]:
    """Insert or refresh filesets that are not catalogued; a removed one keeps its row and stays removed.

    A catalogued one of several files may get one more: then it is due, and its placement stays.
    """
    wanted = {file.fileset.key: file.fileset for file in files if file.fileset}
    if not wanted:
        return {}
    if not before.rows and all(one.grouping == "file" for one in wanted.values()):
        ids, wanted = _insert_new(connection, root_id, wanted, now)
        if not wanted:
            return ids
        return ids | _refreshed(connection, root_id, wanted, files_by_key(files), before, now)
    return _refreshed(connection, root_id, wanted, files_by_key(files), before, now)


def _insert_new(
    connection: Connection, root_id: int, wanted: dict[bytes, SeenFileset], now: datetime
) -> tuple[dict[bytes, int], dict[bytes, SeenFileset]]:
    """Insert filesets of new names, which nearly all are new themselves; gives their ids, and those that were there.

    Whether they are is not asked before: that costs as much as to insert them.
    """
    new = dict(zip(wanted, new_ids(connection, Fileset, len(wanted)), strict=True))
    rows = [_fileset_row(root_id, one, new[key], now) for key, one in wanted.items()]
    if execute_many(connection, insert_unless_there(connection, Fileset), rows) == len(rows):
        return new, {}
    query = select(Fileset.key, Fileset.id).where(Fileset.root_id == root_id, Fileset.key.in_(list(wanted)))
    found = {bytes(key): fileset_id for key, fileset_id in connection.execute(query)}
    ids = {key: fileset_id for key, fileset_id in new.items() if found[key] == fileset_id}
    return ids, {key: one for key, one in wanted.items() if key not in ids}


def _refreshed(
    connection: Connection,
    root_id: int,
    wanted: dict[bytes, SeenFileset],
    joined: Mapping[bytes, Sequence[SeenFile]],
    before: SeenBefore,
    now: datetime,
) -> dict[bytes, int]:
    query = _WITH_JOB.where(Fileset.root_id == root_id, Fileset.key.in_(list(wanted)))
    ids: dict[bytes, int] = {}
    for row in connection.execute(query).mappings().all():
        seen = wanted.pop(bytes(row["key"]))
        ids[seen.key] = row["id"]
        if row["grouping"] != "file" and seen.key in joined:
            seen = joined_to(seen, row, joined[seen.key], before)
        if row["removed_at"] is None and not _is_pending_so(row, seen):
            _refresh(connection, row["id"], seen, is_done=row["done_digest"] is not None)
    if wanted:
        several = {key: some for key, some in joined.items() if len(some) > 1 and key in wanted}
        wanted |= {key: joined_to(wanted[key], None, some, before) for key, some in several.items()}
        new = dict(zip(wanted, new_ids(connection, Fileset, len(wanted)), strict=True))
        execute_many(
            connection, _INSERT_FILESET, [_fileset_row(root_id, one, new[key], now) for key, one in wanted.items()]
        )
        ids |= new
    return ids


def _is_pending_so(row: RowMapping, seen: SeenFileset) -> bool:
    """Tell whether just this is already on its way: looking at it again must not make it wait again."""
    is_same = bytes(row["seen_digest"]) == seen.digest and row["placement"] == seen.document
    return is_same and (row["due_at"] is not None or row["job_state"] is not None)


def _fileset_row(root_id: int, fileset: SeenFileset, fileset_id: int, now: datetime) -> dict[str, Any]:
    return {
        "id": fileset_id,
        "root_id": root_id,
        "key": fileset.key,
        "placement": fileset.document,
        "owner_id": fileset.owner_id,
        "group_id": fileset.group_id,
        "seen_digest": fileset.digest,
        "due_at": fileset.due_at,
        "first_seen_at": now,
        "filed_by": fileset.filed_by,
        "grouping": fileset.grouping,
        "is_unread_index": fileset.grouping == "index",
        **_waiting(fileset),
    }


def _waiting(fileset: SeenFileset) -> dict[str, Any]:
    return {"neighbour": fileset.neighbour, "plate_key": fileset.plate_key, "marker": fileset.marker}


def _refresh(connection: Connection, fileset_id: int, seen: SeenFileset, *, is_done: bool) -> None:
    values: dict[str, Any] = {"seen_digest": seen.digest, "due_at": seen.due_at, "waits_for": None}
    if not is_done:
        values |= {
            "placement": seen.document,
            "owner_id": seen.owner_id,
            "group_id": seen.group_id,
            "filed_by": seen.filed_by,
            **_waiting(seen),
        }
    connection.execute(update(Fileset).where(Fileset.id == fileset_id).values(values))
    forget_jobs(connection, [fileset_id])


def forget_jobs(connection: Connection, fileset_ids: Sequence[int], *, kind: str | None = None) -> None:
    """Drop jobs that the look made stale, or those of a kind.

    One that is being read stays as void: its result is discarded.
    """
    mine = (Job.fileset_id.in_(list(fileset_ids)), *(() if kind is None else (Job.kind == kind,)))
    connection.execute(delete(Job).where(*mine, Job.state != "started"))
    connection.execute(update(Job).where(*mine, Job.state == "started").values(digest=b"", reason=None))
