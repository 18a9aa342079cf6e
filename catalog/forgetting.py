"""`forget`: drops the memory of files that are gone, deleted or failed, so that they are as if never seen."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, func, select, update

from catalog.acting import acting_again
from catalog.decisions import DecisionRow
from catalog.errors import NotFound
from catalog.events import NewEvent, record
from catalog.looks import due_at_once
from catalog.models.images import Image, OriginalFile
from catalog.models.ingest import Fileset, Job, Root, Sighting
from catalog.names import path_hash
from catalog.permissions import Acting
from catalog.places import absolute, at_or_below, not_seen, place_of
from catalog.queries.files import path_of
from catalog.set_files import digest_before, take_from
from catalog.state_sql import facts, facts_of
from catalog.states import State, state_of

FORGOTTEN = frozenset({State.MISSING, State.QUARANTINED, State.WAITING, State.STALLED, State.REMOVED})
_CATALOGUED = "its image is in the catalogue: that is never forgotten"


def forget(
    connection: Connection, acting: Acting, paths: Sequence[bytes], *, now: datetime, via: str
) -> tuple[DecisionRow, ...]:
    """Forget missing, failed and deleted files at these absolute paths (folders: all below); for administrators.

    What is imported stays, also while its file is missing. A file that is still there is new to the next scan.
    Raises NotFound for a path of which nothing is known.
    """
    fresh = acting_again(connection, acting, now=now)
    if not (fresh.is_administrator or fresh.is_system):
        raise NotFound("`forget` is for administrators")
    found: list[DecisionRow] = []
    for path in paths:
        place = place_of(connection, path)
        query = facts().add_columns(Root.path.label("root_path")).where(at_or_below(place))
        rows = connection.execute(query).mappings().all()
        if not rows:
            raise not_seen(path)
        is_folder = len(rows) > 1
        for row in rows:
            state = state_of(*facts_of(row)).state
            if state in FORGOTTEN or not is_folder:
                found.append(_forgotten(connection, fresh, row, state, now, via))
    return tuple(found)


def _forgotten(
    connection: Connection, acting: Acting, row: RowMapping, state: State, now: datetime, via: str
) -> DecisionRow:
    reason = None
    if state not in FORGOTTEN:
        reason = f"it is {state.value}; only what is gone, deleted or failed is forgotten"
    elif _has_images(connection, row):
        reason = _CATALOGUED
    else:
        _drop(connection, row, now)
        record(connection, _event(acting, row, state, now, via))
    return DecisionRow(
        path=absolute(bytes(row["root_path"]), path_of(row)),
        root=row["root_name"],
        state=state.value,
        done=reason is None,
        reason=reason,
    )


def _has_images(connection: Connection, row: RowMapping) -> bool:
    filesets = [one for one in (row["fileset_id"], row["original_fileset_id"]) if one is not None]
    return bool(connection.scalar(select(func.count()).where(Image.fileset_id.in_(filesets))))


def _drop(connection: Connection, row: RowMapping, now: datetime) -> None:
    fileset_id = row["fileset_id"]
    here = (Sighting.directory_id == row["directory_id"], Sighting.name == row["name"])
    seen = connection.execute(select(Sighting.__table__).where(*here)).one()
    connection.execute(delete(Sighting).where(*here))
    if fileset_id is None:
        return
    if _is_used(connection, fileset_id):
        if seen.missing_since is None:
            take_from(connection, {fileset_id: [digest_before(path_of(row), seen)]})
        connection.execute(update(Fileset).where(Fileset.id == fileset_id).values(due_at=due_at_once(now)))
        return
    connection.execute(delete(Job).where(Job.fileset_id == fileset_id))
    connection.execute(delete(OriginalFile).where(OriginalFile.fileset_id == fileset_id))
    connection.execute(delete(Fileset).where(Fileset.id == fileset_id))


def _is_used(connection: Connection, fileset_id: int) -> bool:
    others: Any = select(func.count()).where(Sighting.fileset_id == fileset_id)
    return bool(connection.scalar(others))


def _event(acting: Acting, row: RowMapping, state: State, now: datetime, via: str) -> NewEvent:
    return NewEvent(
        what="forgotten",
        at=now,
        via=via,
        acting=acting,
        root_id=row["root_id"],
        path_hash=path_hash(path_of(row)),
        before={"state": state.value},
    )
