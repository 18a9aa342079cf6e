"""What waits for a person: files that are held, unmatched, failed, stalled or missing, for those who may decide."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, or_, select, tuple_

from catalog.differing import differing
from catalog.errors import NotUnderstood
from catalog.file_sight import manageable, placed_group
from catalog.models.ingest import Directory, Fileset, Job, Root, Sighting
from catalog.models.people import ExperimenterGroup
from catalog.permissions import Acting
from catalog.places import absolute
from catalog.state_sql import joined, reason_column, state_column
from catalog.states import State

#: What `queue` shows when no state is named.
FOR_PEOPLE = (State.HELD, State.UNMATCHED, State.QUARANTINED, State.WAITING, State.STALLED, State.MISSING)
#: Not a state but a mark: a moved file whose new folder says another owner or group.
OWNER_DIFFERS = "owner-differs"
#: Not a state but a mark: a file whose bytes changed though nothing wrote it.
DAMAGED = "damaged"
STATES = (*(state.value for state in State), OWNER_DIFFERS, DAMAGED)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRow:
    """One file. ``group`` is where it is, or would be; ``next_try_at`` and ``attempts`` are those of its job."""

    path: str
    root: str
    state: str
    reason: str
    rule: str | None
    group: str | None
    size_bytes: int
    attempts: int
    next_try_at: datetime | None
    missing_since: datetime | None
    owner_differs: dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePage:
    """A page of the queue; ``next_after`` continues it, None at the end."""

    rows: tuple[QueueRow, ...]
    next_after: str | None


def queue(
    connection: Connection, acting: Acting, state: str | None = None, *, limit: int = 1000, after: str | None = None
) -> QueuePage:
    """Give the files of one state (or of all that wait for a person) that the viewer may decide about, by folder."""
    query = _query().where(manageable(acting), _wanted(state))
    if after is not None:
        query = query.where(tuple_(Sighting.directory_id, Sighting.name) > tuple_(*_parse_cursor(after)))
    rows = connection.execute(query.order_by(Sighting.directory_id, Sighting.name).limit(limit + 1)).mappings().all()
    shown = rows[:limit]
    next_after = f"{shown[-1]['directory_id']}-{bytes(shown[-1]['name']).hex()}" if len(rows) > limit else None
    return QueuePage(rows=tuple(_row(connection, acting, row) for row in shown), next_after=next_after)


def _wanted(state: str | None) -> ColumnElement[bool]:
    if state is None:
        return or_(state_column().in_([one.value for one in FOR_PEOPLE]), _differs(), _is_damaged())
    if state == OWNER_DIFFERS:
        return _differs()
    if state == DAMAGED:
        return _is_damaged()
    if state not in STATES:
        raise NotUnderstood(f"'{state}' is no state; there are {', '.join(STATES)}")
    return state_column() == state


def _differs() -> ColumnElement[bool]:
    return and_(Fileset.owner_differs.is_not(None), Fileset.removed_at.is_(None))


def _is_damaged() -> ColumnElement[bool]:
    is_there = and_(Sighting.damaged_since.is_not(None), Sighting.missing_since.is_(None))
    return and_(is_there, Fileset.removed_at.is_(None))


def _query() -> Any:
    return (
        select(
            Sighting.directory_id,
            Sighting.name,
            Sighting.size_bytes,
            Sighting.rule,
            Sighting.missing_since,
            Directory.path.label("directory_path"),
            Root.name.label("root"),
            Root.path.label("root_path"),
            ExperimenterGroup.name.label("group"),
            Job.attempts,
            Job.next_try_at,
            Fileset.owner_differs,
            state_column().label("state"),
            reason_column().label("reason"),
        )
        .select_from(joined())
        .outerjoin(ExperimenterGroup, ExperimenterGroup.id == placed_group())
    )


def _row(connection: Connection, acting: Acting, row: Any) -> QueueRow:
    folder, name = bytes(row["directory_path"]), bytes(row["name"])
    return QueueRow(
        path=absolute(bytes(row["root_path"]), folder + b"/" + name if folder else name),
        root=row["root"],
        state=row["state"],
        reason=row["reason"],
        rule=row["rule"],
        group=row["group"],
        size_bytes=row["size_bytes"],
        attempts=row["attempts"] or 0,
        next_try_at=row["next_try_at"],
        missing_since=row["missing_since"],
        owner_differs=differing(connection, acting, row["owner_differs"]),
    )


_CURSOR = re.compile(r"([0-9]{1,18})-((?:[0-9a-f]{2})*)")


def _parse_cursor(text: str) -> tuple[int, bytes]:
    found = _CURSOR.fullmatch(text)
    if found is None:
        raise NotUnderstood(f"'{text}' does not continue a list; take what the page before it gave for --after")
    return int(found[1]), bytes.fromhex(found[2])
