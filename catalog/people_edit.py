"""What every change of people and groups shares: the transaction, who acts, what the file fixes, and the record."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from catalog.acting import acting_again
from catalog.engine import Catalogue
from catalog.errors import FixedByFile, NotAllowed, NotFound, Refused
from catalog.events import NewEvent, record
from catalog.models.people import Experimenter, ExperimenterGroup
from catalog.people_lock import people_change
from catalog.permissions import Acting, Action, group_roles, may, who_may
from config.settings import PermissionLevel, SourceMark


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleEdit:
    """A writing transaction that may change people. ``marks`` are the settings' marks: what the file fixes, by key."""

    connection: Connection
    acting: Acting
    now: datetime
    via: str
    marks: Mapping[str, SourceMark] = field(default_factory=dict)
    configuration_id: int | None = None

    def note(self, what: str, kind: str, number: int, **changes: Mapping[str, Any] | None) -> None:
        """Record one change of an ``experimenter`` or ``experimenter_group``; ``before`` and ``after`` as documents."""
        event = NewEvent(
            what=what,
            at=self.now,
            via=self.via,
            acting=self.acting,
            object_type=kind,
            object_id=number,
            before=changes.get("before"),
            after=changes.get("after"),
            configuration_id=self.configuration_id,
        )
        record(self.connection, event)


@contextmanager
def editing(
    catalogue: Catalogue, acting: Acting, *, now: datetime, via: str = "cli", marks: Mapping[str, SourceMark]
) -> Iterator[PeopleEdit]:
    """Give an edit in a writing transaction of its own, with the roles read again inside it."""
    with catalogue.writing() as connection:
        people_change(connection)
        fresh = acting_again(connection, acting, now=now)
        yield PeopleEdit(connection=connection, acting=fresh, now=now, via=via, marks=marks)


def require_administrator(edit: PeopleEdit, deed: str) -> None:
    """Refuse somebody who is no administrator; ``deed`` completes "only an administrator may"."""
    if not edit.acting.is_administrator:
        raise NotAllowed(f"{edit.acting.name} may not {deed}: only an administrator may")


def require_free(edit: PeopleEdit, *keys: str) -> None:
    """Refuse a change of what stands in the configuration file, naming file and line of the first such key."""
    for key in keys:
        if key in edit.marks:
            mark = edit.marks[key]
            raise FixedByFile(f"{key} is fixed by {mark.file}:{mark.line}; change it there, or take it out to free it")


def group_to_manage(edit: PeopleEdit, name: str) -> Row[Any]:
    """Give the group's row, when the acting person manages it; else NotFound (unseen) or NotAllowed."""
    group = ExperimenterGroup.__table__
    row = edit.connection.execute(select(group).where(group.c.name == name)).one_or_none()
    sees = row is not None and (edit.acting.is_administrator or row.id in edit.acting.member_of)
    if row is None or not sees:
        raise no_such_group(name)
    # The row's own level: the group may have been made in this very transaction.
    level = PermissionLevel(row.permissions)
    if not any(may(Action.MANAGE_GROUP, level, role) for role in group_roles(edit.acting, row.id)):
        able = who_may(Action.MANAGE_GROUP, level)
        raise NotAllowed(f"{edit.acting.name} may not change the group {name}; {able} may")
    return row


def person_named(edit: PeopleEdit, name: str, *, active: bool = True) -> Row[Any]:
    """Give an experimenter's row by the exact name; raises NotFound, and Refused for a closed one."""
    person = Experimenter.__table__
    row = edit.connection.execute(select(person).where(person.c.name == name)).one_or_none()
    if row is None:
        raise NotFound(f"there is no user {name}; `coverslip user ls` shows the users you see")
    if active and row.closed_at is not None:
        raise Refused(f"the user {name} was closed on {row.closed_at:%Y-%m-%d}; names are never used again")
    return row


def no_such_group(name: str) -> NotFound:
    """Say that a group does not exist, or is not seen."""
    return NotFound(f"there is no group {name}; `coverslip group ls` shows the groups you see")


def group_named(edit: PeopleEdit, name: str) -> Row[Any]:
    """Give a group's row by the exact name, for an administrator; raises NotFound."""
    group = ExperimenterGroup.__table__
    row = edit.connection.execute(select(group).where(group.c.name == name)).one_or_none()
    if row is None:
        raise no_such_group(name)
    return row
