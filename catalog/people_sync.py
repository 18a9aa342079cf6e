"""Keep the catalogue's people in step with the configuration file: what stands there is so, what left it is free."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from catalog.given_names import bad_name
from catalog.groups import change_level, new_group
from catalog.memberships import drop_member, put_member
from catalog.models.people import Experimenter, ExperimenterAlias, ExperimenterGroup, GroupAlias, Membership
from catalog.people_edit import PeopleEdit
from catalog.people_lock import people_change
from catalog.permissions import SYSTEM
from catalog.users import new_person
from config.settings import GroupSettings, Settings, UserSettings

VIA = "configuration"


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncReport:
    """What could not be done, as sentences for the log and `status`; everything else is in the events."""

    problems: tuple[str, ...] = ()


def sync_with_settings(
    connection: Connection, settings: Settings, *, now: datetime, configuration_id: int | None = None
) -> SyncReport:
    """Make people, groups, levels, names and memberships what the file says, in this writing transaction.

    What it leaves out stays as it is and becomes free; memberships, aliases and administrators that only the file
    gave go with their lines. Doing it again changes nothing.
    """
    people_change(connection)
    edit = PeopleEdit(
        connection=connection,
        acting=SYSTEM,
        now=now,
        via=VIA,
        configuration_id=configuration_id,
    )
    problems: list[str] = []
    people = _people(edit, settings, problems)
    groups = _groups(edit, settings, problems)
    _members(edit, settings, people, groups)
    for name, user in settings.users.items():
        if name in people:
            _user(edit, people[name], user, groups, problems)
    _administrators(edit, settings, people)
    _aliases(edit, settings, people, groups)
    return SyncReport(problems=tuple(problems))


def _named(settings: Settings) -> list[str]:
    """Give everybody whom the file names, once, in its order."""
    found = dict.fromkeys(settings.users)
    for group in settings.groups.values():
        found.update(dict.fromkeys((*(group.owners or ()), *(group.members or ()))))
    return list(found)


def _people(edit: PeopleEdit, settings: Settings, problems: list[str]) -> dict[str, int]:
    """Make who is missing; give the ids of the active people the file names."""
    person = Experimenter.__table__
    query = select(person.c.id, person.c.name, person.c.source, person.c.closed_at)
    known = {row.name: row for row in edit.connection.execute(query)}
    found: dict[str, int] = {}
    for name in _named(settings):
        row = known.get(name)
        if row is not None and row.closed_at is not None:
            problems.append(
                f"the user {name} was closed on {row.closed_at:%Y-%m-%d} and names are never used again;"
                f" take {name} out of the configuration file"
            )
        elif row is not None:
            found[name] = row.id
        elif problem := bad_name(name):
            problems.append(f"{name!r} in the configuration file can't be a user: it {problem}")
        else:
            found[name] = new_person(edit.connection, {"name": name, "source": "file", "created_at": edit.now})
            edit.note("user_added", "experimenter", found[name], after={"name": name})
    _set_sources(edit, Experimenter, set(found.values()))
    return found


def _groups(edit: PeopleEdit, settings: Settings, problems: list[str]) -> dict[str, int]:
    group = ExperimenterGroup.__table__
    known = {row.name: row for row in edit.connection.execute(select(group))}
    found: dict[str, int] = {}
    for name, wanted in settings.groups.items():
        row = known.get(name)
        if row is not None:
            found[name] = row.id
            _group(edit, row, wanted)
        elif problem := bad_name(name):
            problems.append(f"{name!r} in the configuration file can't be a group: it {problem}")
        else:
            level = {} if wanted.permissions is None else {"permissions": wanted.permissions.value}
            values = {"name": name, "description": wanted.description, "source": "file", **level}
            found[name] = new_group(edit, values)
    _set_sources(edit, ExperimenterGroup, set(found.values()))
    return found


def _group(edit: PeopleEdit, row: Any, wanted: GroupSettings) -> None:
    if wanted.permissions is not None:
        change_level(edit, row, wanted.permissions)
    if wanted.description is not None and wanted.description != row.description:
        values = {"description": wanted.description}
        edit.connection.execute(update(ExperimenterGroup).where(ExperimenterGroup.id == row.id).values(values))
        edit.note("group_changed", "experimenter_group", row.id, before={"description": row.description}, after=values)


def _set_sources(edit: PeopleEdit, model: Any, in_file: set[int]) -> None:
    """Mark as the file's what stands in it; what left it is free, as if made by hand."""
    query = select(model.id).where(model.source == "file")
    marked = set(edit.connection.execute(query).scalars())
    for source, numbers in (("file", in_file - marked), ("hand", marked - in_file)):
        if numbers:
            edit.connection.execute(update(model).where(model.id.in_(sorted(numbers))).values(source=source))


def _members(edit: PeopleEdit, settings: Settings, people: dict[str, int], groups: dict[str, int]) -> None:
    wanted = {
        (people[name], groups[group]): is_owner
        for group, name, is_owner in _memberships(settings)
        if name in people and group in groups
    }
    query = select(Membership.experimenter_id, Membership.group_id).where(Membership.source == "file")
    for person_id, group_id in set(edit.connection.execute(query).all()) - wanted.keys():
        drop_member(edit, person_id, group_id, source="file")
    for (person_id, group_id), is_owner in wanted.items():
        put_member(edit, person_id, group_id, source="file", is_owner=is_owner)


def _memberships(settings: Settings) -> Iterator[tuple[str, str, bool]]:
    """Give (group, person, is owner); an owner who is named as a member too comes last, as owner."""
    for name, group in settings.groups.items():
        yield from ((name, person, False) for person in group.members or ())
        yield from ((name, person, True) for person in group.owners or ())


def _user(edit: PeopleEdit, person_id: int, wanted: UserSettings, groups: dict[str, int], problems: list[str]) -> None:
    person = Experimenter.__table__
    row = edit.connection.execute(select(person).where(person.c.id == person_id)).one()
    values: dict[str, Any] = {"full_name": wanted.name, "email": wanted.email}
    if wanted.default_group is not None:
        values["default_group_id"] = _group_id(edit, wanted.default_group, groups)
        if values["default_group_id"] is None:
            problems.append(f"users: {row.name}: default_group: there is no group {wanted.default_group}")
    changed = {key: value for key, value in values.items() if value is not None and value != getattr(row, key)}
    if changed:
        edit.connection.execute(update(Experimenter).where(Experimenter.id == person_id).values(changed))
        before = {key: getattr(row, key) for key in changed}
        edit.note("user_changed", "experimenter", person_id, before=before, after=changed)


def _group_id(edit: PeopleEdit, name: str, groups: dict[str, int]) -> int | None:
    if name in groups:
        return groups[name]
    return edit.connection.execute(select(ExperimenterGroup.id).where(ExperimenterGroup.name == name)).scalar()


def _administrators(edit: PeopleEdit, settings: Settings, people: dict[str, int]) -> None:
    """Set who the file says is or is not one; who was one by the file alone is none when it says nothing any more."""
    said = {
        people[name]: user.administrator
        for name, user in settings.users.items()
        if name in people and user.administrator is not None
    }
    person = Experimenter.__table__
    query = select(person.c.id, person.c.is_administrator, person.c.administrator_source)
    for row in edit.connection.execute(query).all():
        by_file = row.administrator_source == "file"
        wanted = said.get(row.id, row.is_administrator and not by_file)
        source = "file" if said.get(row.id) else ("hand" if wanted else None)
        if (wanted, source) == (row.is_administrator, row.administrator_source):
            continue
        values = {"is_administrator": wanted, "administrator_source": source}
        edit.connection.execute(update(Experimenter).where(Experimenter.id == row.id).values(values))
        if wanted != row.is_administrator:
            edit.note("administrator_added" if wanted else "administrator_removed", "experimenter", row.id)


def _aliases(edit: PeopleEdit, settings: Settings, people: dict[str, int], groups: dict[str, int]) -> None:
    of_people = {alias: people[n] for n, user in settings.users.items() if n in people for alias in user.aliases}
    of_groups = {alias: groups[n] for n, group in settings.groups.items() if n in groups for alias in group.aliases}
    _replace(edit, ExperimenterAlias, "experimenter_id", of_people)
    _replace(edit, GroupAlias, "group_id", of_groups)


def _replace(edit: PeopleEdit, model: Any, column: str, wanted: dict[str, int]) -> None:
    """Make the file's aliases what it says; one that somebody else had by hand goes over to whom the file names."""
    table = model.__table__
    rows = {row.alias: row for row in edit.connection.execute(select(table))}
    right = {
        alias
        for alias, number in wanted.items()
        if alias in rows and (getattr(rows[alias], column), rows[alias].source) == (number, "file")
    }
    gone = {alias for alias, row in rows.items() if (row.source == "file" or alias in wanted) and alias not in right}
    if gone:
        edit.connection.execute(delete(model).where(table.c.alias.in_(sorted(gone))))
    missing = [{"alias": a, column: number, "source": "file"} for a, number in wanted.items() if a not in right]
    if missing:
        edit.connection.execute(insert(model), missing)
