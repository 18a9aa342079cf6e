"""Read the snapshot of people and groups that the ingest's pure decisions work on."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, select

from catalog.known_people import KnownGroup, KnownPeople, KnownPerson
from catalog.membership_sql import in_force
from catalog.models.people import Experimenter, ExperimenterAlias, ExperimenterGroup, GroupAlias, Membership


def known_people(connection: Connection, *, now: datetime) -> KnownPeople:
    """Give all people (closed ones marked), groups and the memberships in force at ``now``."""
    membership = Membership.__table__
    query = select(membership.c.experimenter_id, membership.c.group_id, membership.c.is_owner)
    rows = connection.execute(query.where(in_force(membership, now))).all()
    return KnownPeople(
        people=_people(connection),
        groups=_groups(connection),
        members=frozenset((person, group) for person, group, _ in rows),
        group_owners=frozenset((person, group) for person, group, is_owner in rows if is_owner),
    )


def _people(connection: Connection) -> tuple[KnownPerson, ...]:
    alias = ExperimenterAlias.__table__
    aliases = _collected(connection.execute(select(alias.c.experimenter_id, alias.c.alias).order_by(alias.c.alias)))
    person = Experimenter.__table__
    query = select(
        person.c.id, person.c.name, person.c.is_administrator, person.c.closed_at, person.c.default_group_id
    ).order_by(person.c.id)
    return tuple(
        KnownPerson(
            id=row.id,
            name=row.name,
            is_administrator=row.is_administrator,
            is_active=row.closed_at is None,
            default_group_id=row.default_group_id,
            aliases=aliases.get(row.id, ()),
        )
        for row in connection.execute(query)
    )


def _groups(connection: Connection) -> tuple[KnownGroup, ...]:
    alias = GroupAlias.__table__
    aliases = _collected(connection.execute(select(alias.c.group_id, alias.c.alias).order_by(alias.c.alias)))
    group = ExperimenterGroup.__table__
    query = select(group.c.id, group.c.name, group.c.permissions).order_by(group.c.id)
    return tuple(
        KnownGroup(id=row.id, name=row.name, permissions=row.permissions, aliases=aliases.get(row.id, ()))
        for row in connection.execute(query)
    )


def _collected(rows: Iterable[tuple[int, str]]) -> dict[int, tuple[str, ...]]:
    found: dict[int, list[str]] = defaultdict(list)
    for key, text in rows:
        found[key].append(text)
    return {key: tuple(texts) for key, texts in found.items()}
