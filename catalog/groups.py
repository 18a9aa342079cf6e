"""Change groups: add, set, and the permission level, with what that does to sight and links said first."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from catalog.errors import NotAllowed, NotFound, Refused
from catalog.given_names import require_name
from catalog.membership_sql import in_force
from catalog.memberships import put_member
from catalog.models.annotations import AnnotationLink
from catalog.models.containers import DatasetImageLink, ProjectDatasetLink, ScreenPlateLink, WellSample
from catalog.models.images import Image
from catalog.models.people import Experimenter, ExperimenterGroup, GroupAlias, Membership
from catalog.people_edit import (
    PeopleEdit,
    group_to_manage,
    person_named,
    require_administrator,
    require_free,
)
from catalog.permissions import Acting, Action, Role, may, may_in_group, who_may
from catalog.visibility import one_owner
from config.settings import PermissionLevel

_LINKS = (ProjectDatasetLink, DatasetImageLink, ScreenPlateLink, WellSample)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewGroup:
    """A group to be made."""

    name: str
    permissions: PermissionLevel = PermissionLevel.READ_ANNOTATE
    description: str | None = None
    owners: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SightChange:
    """How many other people's images a member sees more (negative: less)."""

    user: str
    images: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelEffect:
    """What a change of level does; nothing is ever deleted by it.

    Links between objects of different owners sleep in a private group and wake when the level is raised.
    ``members_gain`` and ``members_lose`` are what members may do with each other's data, in words.
    """

    group: str
    before: PermissionLevel
    after: PermissionLevel
    links_that_sleep: int
    links_that_wake: int
    annotations_that_sleep: int
    annotations_that_wake: int
    sight: tuple[SightChange, ...]
    members_gain: tuple[str, ...]
    members_lose: tuple[str, ...]


def add_group(edit: PeopleEdit, group: NewGroup) -> int:
    """Make a group with its people, for an administrator; give the id."""
    require_administrator(edit, "add groups")
    require_name(group.name)
    if edit.connection.execute(select(ExperimenterGroup.id).where(ExperimenterGroup.name == group.name)).first():
        raise Refused(f"there is a group {group.name} already; `coverslip group show {group.name}` shows it")
    values = {"name": group.name, "permissions": group.permissions.value, "description": group.description}
    number = new_group(edit, {**values, "source": "hand"})
    people = {name: name in group.owners for name in (*group.members, *group.owners)}
    for name, is_owner in people.items():
        put_member(edit, person_named(edit, name).id, number, source="hand", is_owner=is_owner)
    _set_aliases(edit, number, group.aliases)
    return number


def new_group(edit: PeopleEdit, values: dict[str, Any]) -> int:
    """Insert a group and record it. Judges no rights."""
    query = insert(ExperimenterGroup).returning(ExperimenterGroup.id)
    number = int(edit.connection.execute(query, {**values, "created_at": edit.now}).scalar_one())
    edit.note("group_added", "experimenter_group", number, after=values)
    return number


def set_group(
    edit: PeopleEdit, name: str, *, description: str | None = None, aliases: tuple[str, ...] | None = None
) -> None:
    """Change description (an empty text takes it away) and aliases; None leaves them. Aliases: administrators."""
    group = group_to_manage(edit, name)
    if description is not None:
        require_free(edit, f"groups.{name}.description")
        values = {"description": description or None}
        edit.connection.execute(update(ExperimenterGroup).where(ExperimenterGroup.id == group.id).values(values))
        edit.note(
            "group_changed", "experimenter_group", group.id, before={"description": group.description}, after=values
        )
    if aliases is not None:
        # An alias draws files of other people's folders into the group: that is configuration, not the group's own.
        require_administrator(edit, "give a group other names in paths")
        require_free(edit, f"groups.{name}.aliases")
        _set_aliases(edit, group.id, aliases)


def set_permissions(edit: PeopleEdit, name: str, level: PermissionLevel) -> LevelEffect:
    """Set the level of a group and say what that did; group owners and administrators, unless the file fixes it."""
    group = group_to_manage(edit, name)
    require_free(edit, f"groups.{name}.permissions")
    effect = _effect(edit.connection, edit.now, group, level)
    change_level(edit, group, level)
    return effect


def change_level(edit: PeopleEdit, group: Any, level: PermissionLevel) -> None:
    """Write the level and record it, if it differs. Judges no rights."""
    if group.permissions == level.value:
        return
    values = {"permissions": level.value}
    edit.connection.execute(update(ExperimenterGroup).where(ExperimenterGroup.id == group.id).values(values))
    before = {"permissions": group.permissions}
    edit.note("permissions_changed", "experimenter_group", group.id, before=before, after=values)


def level_effect(connection: Connection, acting: Acting, name: str, level: PermissionLevel) -> LevelEffect:
    """Say what a change of level would do, before it is done; for those who may do it."""
    group = connection.execute(select(ExperimenterGroup.__table__).where(ExperimenterGroup.name == name)).one_or_none()
    if group is None or not (acting.is_administrator or group.id in acting.member_of):
        raise NotFound(f"there is no group {name}; `coverslip group ls` shows the groups you see")
    if not may_in_group(acting, Action.MANAGE_GROUP, group.id):
        able = who_may(Action.MANAGE_GROUP, acting.levels[group.id])
        raise NotAllowed(f"{acting.name} may not change the group {name}; {able} may")
    return _effect(connection, acting.at, group, level)


def _effect(connection: Connection, now: Any, group: Any, level: PermissionLevel) -> LevelEffect:
    before = PermissionLevel(group.permissions)
    sleeps = level is PermissionLevel.PRIVATE and before is not PermissionLevel.PRIVATE
    wakes = before is PermissionLevel.PRIVATE and level is not PermissionLevel.PRIVATE
    links = sum(_mixed(connection, model, group.id) for model in _LINKS) if sleeps or wakes else 0
    annotations = _mixed(connection, AnnotationLink, group.id) if sleeps or wakes else 0
    return LevelEffect(
        group=group.name,
        before=before,
        after=level,
        links_that_sleep=links if sleeps else 0,
        links_that_wake=links if wakes else 0,
        annotations_that_sleep=annotations if sleeps else 0,
        annotations_that_wake=annotations if wakes else 0,
        sight=_sight(connection, now, group.id, 1 if wakes else -1) if sleeps or wakes else (),
        members_gain=_deeds(level, without=before),
        members_lose=_deeds(before, without=level),
    )


def _deeds(level: PermissionLevel, *, without: PermissionLevel) -> tuple[str, ...]:
    return tuple(
        action.value for action in Action if may(action, level, Role.MEMBER) and not may(action, without, Role.MEMBER)
    )


def _mixed(connection: Connection, model: Any, group_id: int) -> int:
    query = select(func.count()).select_from(model).where(model.group_id == group_id, ~one_owner(model))
    return connection.execute(query).scalar_one()


def _sight(connection: Connection, now: Any, group_id: int, sign: int) -> tuple[SightChange, ...]:
    """Count other people's images, where there are any, for each member who is no group owner."""
    per_owner = select(Image.owner_id, func.count()).where(Image.group_id == group_id).group_by(Image.owner_id)
    own = dict(connection.execute(per_owner).all())
    total = sum(own.values())
    membership = Membership.__table__
    members = (
        select(Experimenter.id, Experimenter.name)
        .join(membership, membership.c.experimenter_id == Experimenter.id)
        .where(membership.c.group_id == group_id, in_force(membership, now))
        .group_by(Experimenter.id, Experimenter.name)
        .having(func.count().filter(membership.c.is_owner) == 0)
        .order_by(Experimenter.name)
    )
    return tuple(
        SightChange(user=name, images=sign * (total - own.get(number, 0)))
        for number, name in connection.execute(members)
        if total > own.get(number, 0)
    )


def _set_aliases(edit: PeopleEdit, group_id: int, aliases: tuple[str, ...]) -> None:
    for text in aliases:
        require_name(text)
    taken = dict(edit.connection.execute(select(GroupAlias.alias, GroupAlias.group_id)).all())
    groups = select(ExperimenterGroup.name, ExperimenterGroup.id).where(ExperimenterGroup.name.in_(aliases))
    names = dict(edit.connection.execute(groups).all())
    for text in aliases:
        if names.get(text, group_id) != group_id:
            raise Refused(f"{text!r} is another group's name, so it can't be an alias")
        if taken.get(text, group_id) != group_id:
            raise Refused(f"{text!r} is another group's alias already")
    edit.connection.execute(delete(GroupAlias).where(GroupAlias.group_id == group_id))
    if aliases:
        rows = [{"alias": text, "group_id": group_id, "source": "hand"} for text in dict.fromkeys(aliases)]
        edit.connection.execute(insert(GroupAlias), rows)
        edit.note("aliases_set", "experimenter_group", group_id, after={"aliases": list(aliases)})
