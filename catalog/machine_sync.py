"""Keep groups and memberships in step with the machine's accounts, as the ingest read and guarded them."""

from datetime import datetime

from sqlalchemy import Connection, select

from catalog.given_names import bad_name
from catalog.groups import new_group
from catalog.machine_people import MachinePeople
from catalog.memberships import drop_member, put_member
from catalog.models.people import Experimenter, ExperimenterGroup, Membership
from catalog.people_edit import PeopleEdit
from catalog.people_lock import people_change
from catalog.permissions import SYSTEM
from catalog.users import new_person
from config.settings import PermissionLevel


def sync_system(connection: Connection, machine: MachinePeople, *, now: datetime) -> None:
    """Make people, groups and the memberships of source system what the machine says; new groups start private.

    Where the machine is not known, nobody is a member by it and nobody new is made. Closed users stay closed, and
    people and groups that left the machine keep their data. Doing it again changes nothing.
    """
    people_change(connection)
    edit = PeopleEdit(connection=connection, acting=SYSTEM, now=now, via="system")
    wanted = _memberships(edit, machine) if machine.is_known else set()
    query = select(Membership.experimenter_id, Membership.group_id).where(Membership.source == "system")
    held = set(edit.connection.execute(query).all())
    for person_id, group_id in sorted(held - wanted):
        drop_member(edit, person_id, group_id, source="system")
    for person_id, group_id in sorted(wanted - held):
        put_member(edit, person_id, group_id, source="system", is_owner=False)


def _memberships(edit: PeopleEdit, machine: MachinePeople) -> set[tuple[int, int]]:
    """Make who and what is missing; give the memberships as ids."""
    people = {person.name: _person(edit, person.name, person.full_name) for person in machine.people}
    groups = {name: _group(edit, name) for name in machine.groups if bad_name(name) is None}
    pairs = [(people.get(person), groups.get(group)) for person, group in machine.memberships]
    return {(person, group) for person, group in pairs if person is not None and group is not None}


def _group(edit: PeopleEdit, name: str) -> int:
    query = select(ExperimenterGroup.id).where(ExperimenterGroup.name == name)
    found = edit.connection.execute(query).scalar()
    if found is not None:
        return int(found)
    return new_group(edit, {"name": name, "permissions": PermissionLevel.PRIVATE.value, "source": "system"})


def _person(edit: PeopleEdit, name: str, full_name: str | None) -> int | None:
    """Give the id of an active user, made if missing; None for a closed one and for what can't be a name."""
    query = select(Experimenter.id, Experimenter.closed_at).where(Experimenter.name == name)
    row = edit.connection.execute(query).one_or_none()
    if row is not None:
        return int(row.id) if row.closed_at is None else None
    if bad_name(name) is not None:
        return None
    number = new_person(
        edit.connection, {"name": name, "full_name": full_name, "source": "system", "created_at": edit.now}
    )
    edit.note("user_added", "experimenter", number, after={"name": name})
    return number
