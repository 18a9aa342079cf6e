"""Look at people and groups: what an acting person sees of them, as documents."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from catalog.errors import NotFound
from catalog.membership_sql import in_force
from catalog.models.people import Experimenter, ExperimenterAlias, ExperimenterGroup, GroupAlias, Membership
from catalog.permissions import Acting
from catalog.visibility import visible


@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipShown:
    """One membership in force; ``sources`` are those that hold it, ``until`` the last day of all that end."""

    user: str
    group: str
    is_owner: bool
    sources: tuple[str, ...]
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserShown:
    """A user as another person sees him or her: of memberships only those in sight."""

    id: int
    name: str
    full_name: str | None
    email: str | None
    is_administrator: bool
    has_login: bool
    default_group: str | None
    aliases: tuple[str, ...]
    groups: tuple[MembershipShown, ...]
    source: str
    created_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupShown:
    """A group as a person sees it: of members only those in sight."""

    id: int
    name: str
    permissions: str
    description: str | None
    aliases: tuple[str, ...]
    members: tuple[MembershipShown, ...]
    source: str
    created_at: datetime


def list_users(connection: Connection, acting: Acting, *, only_administrators: bool = False) -> tuple[UserShown, ...]:
    """Give the users in sight, by name; closed ones only to administrators."""
    person = Experimenter.__table__
    query = select(person).where(visible(acting, person)).order_by(person.c.name)
    if only_administrators:
        query = query.where(person.c.is_administrator)
    return _users(connection, acting, query)


def show_user(connection: Connection, acting: Acting, name: str) -> UserShown:
    """Give one user in sight; raises NotFound."""
    person = Experimenter.__table__
    found = _users(connection, acting, select(person).where(visible(acting, person), person.c.name == name))
    if not found:
        raise NotFound(f"there is no user {name}; `coverslip user ls` shows the users you see")
    return found[0]


def list_groups(connection: Connection, acting: Acting) -> tuple[GroupShown, ...]:
    """Give the groups in sight, by name."""
    group = ExperimenterGroup.__table__
    return _groups(connection, acting, select(group).where(visible(acting, group)).order_by(group.c.name))


def show_group(connection: Connection, acting: Acting, name: str) -> GroupShown:
    """Give one group in sight; raises NotFound."""
    group = ExperimenterGroup.__table__
    found = _groups(connection, acting, select(group).where(visible(acting, group), group.c.name == name))
    if not found:
        raise NotFound(f"there is no group {name}; `coverslip group ls` shows the groups you see")
    return found[0]


def _users(connection: Connection, acting: Acting, query: Any) -> tuple[UserShown, ...]:
    rows = connection.execute(query).all()
    memberships = _memberships(connection, acting)
    by_user = defaultdict(list)
    for shown in memberships:
        by_user[shown.user].append(shown)
    aliases = _texts(connection, select(ExperimenterAlias.experimenter_id, ExperimenterAlias.alias))
    groups = dict(connection.execute(select(ExperimenterGroup.id, ExperimenterGroup.name)).all())
    seen_groups = {shown.group for shown in memberships}
    return tuple(
        UserShown(
            id=row.id,
            name=row.name,
            full_name=row.full_name,
            email=row.email,
            is_administrator=row.is_administrator,
            has_login=row.has_login,
            default_group=_if_seen(groups.get(row.default_group_id), seen_groups, acting),
            aliases=aliases.get(row.id, ()),
            groups=tuple(by_user[row.name]),
            source=row.source,
            created_at=row.created_at,
            closed_at=row.closed_at,
        )
        for row in rows
    )


def _if_seen(name: str | None, seen: set[str], acting: Acting) -> str | None:
    return name if acting.is_administrator or name in seen else None


def _groups(connection: Connection, acting: Acting, query: Any) -> tuple[GroupShown, ...]:
    rows = connection.execute(query).all()
    by_group = defaultdict(list)
    for shown in _memberships(connection, acting):
        by_group[shown.group].append(shown)
    aliases = _texts(connection, select(GroupAlias.group_id, GroupAlias.alias))
    return tuple(
        GroupShown(
            id=row.id,
            name=row.name,
            permissions=row.permissions,
            description=row.description,
            aliases=aliases.get(row.id, ()),
            members=tuple(by_group[row.name]),
            source=row.source,
            created_at=row.created_at,
        )
        for row in rows
    )


def _memberships(connection: Connection, acting: Acting) -> list[MembershipShown]:
    """Give the memberships in force and in sight, one for each person and group."""
    membership, person, group = Membership.__table__, Experimenter.__table__, ExperimenterGroup.__table__
    query = (
        select(person.c.name.label("person"), group.c.name.label("place"), membership)
        .join_from(membership, person, person.c.id == membership.c.experimenter_id)
        .join(group, group.c.id == membership.c.group_id)
        .where(visible(acting, membership), in_force(membership, acting.at))
        .order_by(person.c.name, group.c.name, membership.c.source)
    )
    together: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for row in connection.execute(query):
        together[row.person, row.place].append(row)
    return [_together(user, place, rows) for (user, place), rows in together.items()]


def _together(user: str, group: str, rows: list[Any]) -> MembershipShown:
    ends = [row.until_at for row in rows]
    return MembershipShown(
        user=user,
        group=group,
        is_owner=any(row.is_owner for row in rows),
        sources=tuple(row.source for row in rows),
        until=None if None in ends else max(ends),
    )


def _texts(connection: Connection, query: Any) -> dict[int, tuple[str, ...]]:
    found: dict[int, list[str]] = defaultdict(list)
    for number, text in connection.execute(query):
        found[number].append(text)
    return {number: tuple(sorted(texts)) for number, texts in found.items()}
