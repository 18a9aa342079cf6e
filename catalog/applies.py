"""Which `apply` there was: it begins and ends with an event, and is taken back with one. Each is known by its first."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from catalog.events import NewEvent, record, record_one
from catalog.models.ingest import Event
from catalog.permissions import Acting

BEGUN, ENDED, UNDONE = "apply_begun", "apply_ended", "apply_undone"
APPLY = "apply"


@dataclass(frozen=True, slots=True, kw_only=True)
class LastApply:
    """The last `apply` that was not taken back; ``is_ended`` is False for one that was stopped on its way."""

    id: int
    is_ended: bool
    options: Mapping[str, Any]
    configuration_id: int | None


def last_apply(connection: Connection) -> LastApply | None:
    """Give the newest `apply` that was not taken back."""
    undone = Event.__table__.alias().c
    taken_back = select(undone.id).where(
        undone.object_type == APPLY, undone.object_id == Event.id, undone.what == UNDONE
    )
    query = (
        select(Event.id, Event.after, Event.configuration_id)
        .where(Event.object_type == APPLY, Event.what == BEGUN, ~taken_back.exists())
        .order_by(Event.id.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    ended = select(Event.id).where(Event.object_type == APPLY, Event.object_id == row.id, Event.what == ENDED)
    return LastApply(
        id=row.id,
        is_ended=connection.scalar(ended.limit(1)) is not None,
        options=row.after or {},
        configuration_id=row.configuration_id,
    )


def last_applied(connection: Connection) -> int:
    """Give the newest event by which an `apply` ended or was taken back; 0 where there was none."""
    query = select(func.max(Event.id)).where(Event.object_type == APPLY, Event.what.in_((ENDED, UNDONE)))
    return connection.scalar(query) or 0


def begin_apply(
    connection: Connection,
    acting: Acting,
    options: Mapping[str, Any],
    *,
    configuration_id: int,
    now: datetime,
    via: str,
) -> int:
    """Begin, or go on with one like it that was stopped on its way; gives its id."""
    last = last_apply(connection)
    is_same = last is not None and (dict(last.options), last.configuration_id) == (dict(options), configuration_id)
    if last is not None and is_same and not last.is_ended:
        return last.id
    return record_one(
        connection,
        NewEvent(
            what=BEGUN,
            at=now,
            via=via,
            acting=acting,
            object_type=APPLY,
            after=options,
            configuration_id=configuration_id,
        ),
    )


def note_apply(
    connection: Connection, what: str, apply_id: int, acting: Acting, after: Mapping[str, Any], now: datetime, via: str
) -> None:
    """Record that an `apply` has ended, or was taken back."""
    event = NewEvent(what=what, at=now, via=via, acting=acting, object_type=APPLY, object_id=apply_id, after=after)
    record(connection, event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What an `apply` did to one fileset: the event, and how it was before."""

    event_id: int
    what: str
    fileset_id: int
    before: Mapping[str, Any]
    after: Mapping[str, Any]


def decisions_of(
    connection: Connection, apply_id: int, whats: tuple[str, ...], *, before_id: int | None, limit: int
) -> tuple[list[Decision], int | None]:
    """Give a page of what an `apply` did, newest first, and where the next page begins (None: there is none)."""
    query = select(Event.id, Event.what, Event.fileset_id, Event.before, Event.after).where(
        Event.id > apply_id, Event.what.in_(whats)
    )
    if before_id is not None:
        query = query.where(Event.id < before_id)
    rows = connection.execute(query.order_by(Event.id.desc()).limit(limit)).all()
    found = [
        Decision(event_id=row.id, what=row.what, fileset_id=row.fileset_id, before=row.before or {}, after=row.after)
        for row in rows
        if (row.after or {}).get(APPLY) == apply_id
    ]
    return found, rows[-1].id if len(rows) == limit else None
