"""Change users: add, set, close, administrators, and people found in paths who are not known yet."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from catalog.errors import FixedByFile, NotFound, Refused
from catalog.events import NewEvent, record
from catalog.given_names import bad_name, require_line, require_name
from catalog.membership_sql import in_force
from catalog.memberships import active_members, put_member
from catalog.models.people import Experimenter, ExperimenterAlias, ExperimenterGroup, Membership
from catalog.people_edit import (
    PeopleEdit,
    group_named,
    no_such_group,
    person_named,
    require_administrator,
    require_free,
)
from catalog.people_lock import people_change

_MOST_PROBLEMS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """A user to be made. ``until`` ends the memberships in ``groups`` by itself; ``place`` is FILE:LINE of a list."""

    name: str
    full_name: str | None = None
    email: str | None = None
    groups: tuple[str, ...] = ()
    default_group: str | None = None
    is_administrator: bool = False
    until: datetime | None = None
    aliases: tuple[str, ...] = ()
    place: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserChanges:
    """What is to be changed about a user; None leaves it, an empty text takes it away."""

    full_name: str | None = None
    email: str | None = None
    default_group: str | None = None
    aliases: tuple[str, ...] | None = None
    has_login: bool | None = None


def add_user(edit: PeopleEdit, user: NewUser) -> int:
    """Make a user with memberships by hand, for an administrator; give the id. Names are never used again."""
    require_administrator(edit, "add users")
    require_name(user.name)
    existing = select(Experimenter.closed_at).where(Experimenter.name == user.name)
    if (row := edit.connection.execute(existing).one_or_none()) is not None:
        closed = f"; it was closed on {row.closed_at:%Y-%m-%d}, and names are never used again" if row.closed_at else ""
        raise Refused(f"there is a user {user.name} already{closed}")
    for key, text in (("name", user.full_name), ("email", user.email)):
        require_line(text or "", f"the {key} of {user.name}")
    values = {"name": user.name, "full_name": user.full_name, "email": user.email, "created_at": edit.now}
    number = new_person(edit.connection, values)
    edit.note("user_added", "experimenter", number, after={"name": user.name})
    _join_all(edit, number, user)
    changes = UserChanges(default_group=user.default_group, aliases=user.aliases or None)
    set_user(edit, user.name, changes)
    if user.is_administrator:
        set_administrator(edit, user.name)
    return number


def add_users(edit: PeopleEdit, users: Iterable[NewUser]) -> tuple[int, ...]:
    """Make many users, all or none. Raises Refused with what is wrong with each of them, by its place."""
    numbers: list[int] = []
    problems: list[str] = []
    for user in users:
        try:
            with edit.connection.begin_nested():
                numbers.append(add_user(edit, user))
        except (Refused, FixedByFile, NotFound) as error:
            problems.append(f"{user.place}: {error}" if user.place else str(error))
    refuse_all(problems)
    return tuple(numbers)


def refuse_all(problems: list[str]) -> None:
    """Raise Refused with all problems of a list of people, each with its place; nothing where there are none."""
    if problems:
        more = len(problems) - _MOST_PROBLEMS
        others = [f"and {more} lines more"] if more > 0 else []
        raise Refused("; ".join([*problems[:_MOST_PROBLEMS], *others, "nobody was added"]))


def set_user(edit: PeopleEdit, name: str, changes: UserChanges) -> None:
    """Change what is said about a user: administrators anybody's, everybody one's own name, email, default group."""
    person = person_named(edit, name)
    is_own = person.id == edit.acting.experimenter_id and changes.aliases is None and changes.has_login is None
    if not is_own:
        require_administrator(edit, f"change the user {name}")
    values: dict[str, Any] = {}
    for column, key in (("full_name", "name"), ("email", "email")):
        if (value := getattr(changes, column)) is not None:
            require_free(edit, f"users.{name}.{key}")
            require_line(value, f"the {key} of {name}")
            values[column] = value or None
    if changes.default_group is not None:
        require_free(edit, f"users.{name}.default_group")
        values["default_group_id"] = _default_group(edit, person.id, name, changes.default_group)
    if changes.has_login is not None:
        values["has_login"] = changes.has_login
    if values:
        before = {column: getattr(person, column) for column in values}
        edit.connection.execute(update(Experimenter).where(Experimenter.id == person.id).values(values))
        edit.note("user_changed", "experimenter", person.id, before=before, after=values)
    if changes.aliases is not None:
        require_free(edit, f"users.{name}.aliases")
        _set_aliases(edit, person.id, changes.aliases)


def close_user(edit: PeopleEdit, name: str) -> None:
    """Close a user: no longer a member anywhere, not able to act; the data stays where it is. For administrators."""
    require_administrator(edit, "close users")
    person = person_named(edit, name)
    _require_not_in_file(edit, person.id, name)
    values = {"closed_at": edit.now, "is_administrator": False, "administrator_source": None}
    edit.connection.execute(update(Experimenter).where(Experimenter.id == person.id).values(values))
    edit.note("user_closed", "experimenter", person.id)


def set_administrator(edit: PeopleEdit, name: str, *, is_administrator: bool = True) -> None:
    """Make a user an administrator, or no longer one; for administrators, and not against the file."""
    require_administrator(edit, "name administrators")
    person = person_named(edit, name)
    require_free(edit, f"users.{name}.administrator")
    if person.is_administrator == is_administrator:
        return
    values = {"is_administrator": is_administrator, "administrator_source": "hand" if is_administrator else None}
    edit.connection.execute(update(Experimenter).where(Experimenter.id == person.id).values(values))
    edit.note("administrator_added" if is_administrator else "administrator_removed", "experimenter", person.id)


def create_unknown(
    connection: Connection, name: str, group_id: int, *, now: datetime, configuration_id: int | None = None
) -> int:
    """Make the user of ``people.unknown: create``: without a login, member of an existing group; give the id.

    Twice gives the same user, in any spelling. Raises Refused for a closed user's name, for somebody who is a user by
    now and no member of the group (a folder puts nobody into a group), and for what can't be a name.
    """
    people_change(connection)
    if problem := bad_name(name):
        raise Refused(f"{name!r} can't be made a user: it {problem}")
    row = _user_called(connection, name)
    if row is None:
        person_id = _insert_unknown(connection, name, now, configuration_id)
        membership = {"experimenter_id": person_id, "group_id": group_id, "source": "hand"}
        connection.execute(insert(Membership).values(**membership, is_owner=False, created_at=now))
        return person_id
    if row.closed_at is not None:
        raise Refused(f"the user {row.name} was closed on {row.closed_at:%Y-%m-%d}; names are never used again")
    membership_table = Membership.__table__
    here = membership_table.c.experimenter_id == row.id, membership_table.c.group_id == group_id
    if connection.scalar(select(membership_table.c.group_id).where(*here, in_force(membership_table, now))) is None:
        group = connection.scalar(select(ExperimenterGroup.name).where(ExperimenterGroup.id == group_id))
        raise Refused(f"'{row.name}' is not a member of group '{group}'")
    return int(row.id)


def _user_called(connection: Connection, name: str) -> Any:
    """Find a user by name, else the only one whose name is the same but for upper and lower case; None for nobody."""
    people = connection.execute(select(Experimenter.id, Experimenter.name, Experimenter.closed_at)).all()
    exact = [row for row in people if row.name == name]
    alike = [row for row in people if row.name.casefold() == name.casefold()]
    if not exact and len(alike) > 1:
        raise Refused(f"'{name}' may be any of {', '.join(sorted(row.name for row in alike))}: give the one an alias")
    return next(iter(exact or alike), None)


def new_person(connection: Connection, values: dict[str, Any]) -> int:
    """Insert an experimenter and give the id."""
    return int(connection.execute(insert(Experimenter).returning(Experimenter.id), values).scalar_one())


def _insert_unknown(connection: Connection, name: str, now: datetime, configuration_id: int | None) -> int:
    values = {"name": name, "has_login": False, "created_at": now}
    number = new_person(connection, values)
    event = NewEvent(
        what="user_added",
        at=now,
        via="daemon",
        object_type="experimenter",
        object_id=number,
        after={"name": name, "has_login": False, "because": "people.unknown: create"},
        configuration_id=configuration_id,
    )
    record(connection, event)
    return number


def _join_all(edit: PeopleEdit, person_id: int, user: NewUser) -> None:
    if user.until is not None and user.until <= edit.now:
        raise Refused(f"until {user.until:%Y-%m-%d} is past for {user.name}; give a day to come")
    if user.until is not None and not user.groups:
        raise Refused(f"until is when a membership ends, and {user.name} is put into no group; name one")
    for name in user.groups:
        group = group_named(edit, name)
        require_free(edit, f"groups.{name}.members")
        put_member(edit, person_id, group.id, source="hand", is_owner=False, until=user.until)


def _default_group(edit: PeopleEdit, person_id: int, name: str, group: str) -> int | None:
    if not group:
        return None
    found = group_named(edit, group)
    if person_id not in active_members(edit, found.id):
        if not edit.acting.is_administrator:
            raise no_such_group(group)
        raise Refused(f"{name} is not a member of {group}, so it can't be the default group; join it first")
    return int(found.id)


def _set_aliases(edit: PeopleEdit, person_id: int, aliases: tuple[str, ...]) -> None:
    for text in aliases:
        require_name(text)
    alias = ExperimenterAlias
    taken = dict(edit.connection.execute(select(alias.alias, alias.experimenter_id)).all())
    # Of closed users, too: a name comes before an alias, and is never used again.
    people = select(Experimenter.name, Experimenter.id).where(Experimenter.name.in_(aliases))
    names = dict(edit.connection.execute(people).all())
    for text in aliases:
        if names.get(text, person_id) != person_id:
            raise Refused(f"{text!r} is another user's name, so it can't be an alias")
        if taken.get(text, person_id) != person_id:
            raise Refused(f"{text!r} is another user's alias already")
    edit.connection.execute(delete(alias).where(alias.experimenter_id == person_id))
    if aliases:
        rows = [{"alias": text, "experimenter_id": person_id, "source": "hand"} for text in dict.fromkeys(aliases)]
        edit.connection.execute(insert(alias), rows)
    edit.note("aliases_set", "experimenter", person_id, after={"aliases": list(aliases)})


def _require_not_in_file(edit: PeopleEdit, person_id: int, name: str) -> None:
    require_free(edit, f"users.{name}")
    by_file = select(Membership.group_id).filter_by(experimenter_id=person_id, source="file")
    if edit.connection.execute(by_file).first() is not None:
        raise FixedByFile(f"{name} is a member of a group in the configuration file; take the name out there first")
