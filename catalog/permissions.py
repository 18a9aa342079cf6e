"""Decide who may do what: the one truth table, pure. `catalog.visibility` says the same in SQL.

The table speaks about *other people's* objects; own objects allow everything except giving them away, and
"own" counts only while the owner is an active member of the group. Several roles of one person add up.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from catalog.errors import NotAllowed
from config.settings import PermissionLevel


class Role(StrEnum):
    """What a person is towards an object (or, without DATA_OWNER, towards a group)."""

    DATA_OWNER = "owner of the data"
    ADMINISTRATOR = "administrator"
    GROUP_OWNER = "group owner"
    MEMBER = "member"
    OUTSIDER = "outsider"


class Action(StrEnum):
    """What can be done with an object, or (SEE_MEMBERS, MANAGE_GROUP) with a group."""

    VIEW = "view"
    SEE_MEMBERS = "see who is in the group"
    ANNOTATE = "annotate"
    EDIT = "edit name and description"
    DELETE = "delete"
    REMOVE_ANNOTATIONS = "remove others' annotations"
    LINK = "put into containers"
    MOVE = "move to another group"
    GIVE = "change the owner"
    MANAGE_GROUP = "manage members and level of the group"


LEVELS = tuple(PermissionLevel)

#: For other people's objects, at the levels private, read-only, read-annotate, read-write: administrator, group
#: owner, member. Outsiders may nothing.
_OTHERS: Mapping[Action, tuple[str, str, str]] = MappingProxyType({
    Action.VIEW: ("YYYY", "YYYY", "NYYY"),
    Action.SEE_MEMBERS: ("YYYY", "YYYY", "NYYY"),
    Action.ANNOTATE: ("NYYY", "NYYY", "NNYY"),
    Action.EDIT: ("YYYY", "YYYY", "NNNY"),
    Action.DELETE: ("YYYY", "YYYY", "NNNY"),
    Action.REMOVE_ANNOTATIONS: ("YYYY", "YYYY", "NNNY"),
    Action.LINK: ("NYYY", "NYYY", "NNNY"),
    Action.MOVE: ("YYYY", "NNNN", "NNNN"),
    Action.GIVE: ("YYYY", "YYYY", "NNNN"),
    Action.MANAGE_GROUP: ("YYYY", "YYYY", "NNNN"),
})  # fmt: skip
_COLUMN = {Role.ADMINISTRATOR: 0, Role.GROUP_OWNER: 1, Role.MEMBER: 2}
_ABOUT_GROUPS = frozenset({Action.SEE_MEMBERS, Action.MANAGE_GROUP})


def may(action: Action, level: PermissionLevel, role: Role) -> bool:
    """Say whether one role alone suffices for an action in a group of this level."""
    if role is Role.OUTSIDER:
        return False
    if role is Role.DATA_OWNER:
        return action is not Action.GIVE and action not in _ABOUT_GROUPS
    return _OTHERS[action][_COLUMN[role]][LEVELS.index(level)] == "Y"


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """Somebody who acts, resolved once per request into ids; resolved again inside a writing transaction.

    ``levels`` holds the level of every group this person can be concerned with: the own ones, and for an
    administrator all. ``owner_of`` is a part of ``member_of``. ``at`` is the moment of the resolution, UTC.
    ``experimenter_id`` is None for the site itself and for an account that may write the database but is no
    experimenter. ``account`` is the operating system's, ``holds_database`` says that it may write the database (an
    administrator by that, whatever the row says); ``behind_id`` is the administrator behind `--as`.
    """

    name: str
    experimenter_id: int | None = None
    is_administrator: bool = False
    is_system: bool = False
    levels: Mapping[int, PermissionLevel] = field(default_factory=dict)
    member_of: frozenset[int] = frozenset()
    owner_of: frozenset[int] = frozenset()
    at: datetime | None = None
    account: str | None = None
    holds_database: bool = False
    is_as: bool = False
    behind_id: int | None = None

    def person_id(self) -> int:
        """Give the experimenter's id, for what must belong to a person; refuse when there is none."""
        if self.experimenter_id is None:
            raise NotAllowed(
                f"the account {self.name} is no experimenter, so nothing can belong to it;"
                " say for whom with --as USER, or add it with `coverslip user add`"
            )
        return self.experimenter_id


#: The site itself: scans, plans and verifies unfiltered. Only output is filtered.
SYSTEM = Acting(name="system", is_system=True, is_administrator=True)


def group_roles(acting: Acting, group_id: int) -> frozenset[Role]:
    """Give the roles of a person towards a group and other people's objects in it."""
    roles = set()
    if acting.is_administrator:
        roles.add(Role.ADMINISTRATOR)
    if group_id in acting.owner_of:
        roles.add(Role.GROUP_OWNER)
    if group_id in acting.member_of:
        roles.add(Role.MEMBER)
    return frozenset(roles or {Role.OUTSIDER})


def object_roles(acting: Acting, *, group_id: int, owner_id: int) -> frozenset[Role]:
    """Give the roles of a person towards an object; own counts only while the owner is an active member."""
    roles = group_roles(acting, group_id)
    is_own = owner_id == acting.experimenter_id and group_id in acting.member_of
    return roles | {Role.DATA_OWNER} if is_own else roles


def may_in_group(acting: Acting, action: Action, group_id: int) -> bool:
    """Say whether an action is allowed on a group, or on other people's objects in it."""
    if acting.is_system:
        return True
    level = acting.levels.get(group_id)
    return level is not None and any(may(action, level, role) for role in group_roles(acting, group_id))


def may_on(acting: Acting, action: Action, *, group_id: int, owner_id: int) -> bool:
    """Say whether an action is allowed on an object of this group and owner (roles add up)."""
    if acting.is_system:
        return True
    level = acting.levels.get(group_id)
    roles = object_roles(acting, group_id=group_id, owner_id=owner_id)
    return level is not None and any(may(action, level, role) for role in roles)


def may_link(acting: Acting, *, group_id: int, parent_owner_id: int, child_owner_id: int) -> bool:
    """Say whether a child may be put into a container of the same group: allowed on both ends."""
    return all(
        may_on(acting, Action.LINK, group_id=group_id, owner_id=owner_id)
        for owner_id in (parent_owner_id, child_owner_id)
    )


def may_link_annotation(acting: Acting, *, group_id: int, object_owner_id: int, annotation_owner_id: int) -> bool:
    """Say whether an annotation may be put on an object: judged by the object's owner, and it must be in sight.

    In a private group the annotation must be one's own as well: the link would sleep from its first moment.
    """
    if acting.is_system:
        return True
    on_object = may_on(acting, Action.ANNOTATE, group_id=group_id, owner_id=object_owner_id)
    in_sight = may_on(acting, Action.VIEW, group_id=group_id, owner_id=annotation_owner_id)
    is_private = acting.levels.get(group_id) is PermissionLevel.PRIVATE
    return on_object and in_sight and (not is_private or annotation_owner_id == acting.experimenter_id)


def may_unlink_annotation(acting: Acting, *, group_id: int, link_owner_id: int, object_owner_id: int) -> bool:
    """Say whether an annotation link may be removed: one's own, one on own data, or any by the table."""
    return any(
        may_on(acting, Action.REMOVE_ANNOTATIONS, group_id=group_id, owner_id=owner_id)
        for owner_id in (link_owner_id, object_owner_id)
    )


def may_move(acting: Acting, *, group_id: int, owner_id: int, to_group_id: int) -> bool:
    """Say whether an object may go to another group: own data only to a group of which one is a member."""
    if not may_on(acting, Action.MOVE, group_id=group_id, owner_id=owner_id):
        return False
    return acting.is_administrator or to_group_id in acting.member_of


def may_give(acting: Acting, *, group_id: int, owner_id: int, is_to_member: bool) -> bool:
    """Say whether an object may change its owner: group owners give to active members only."""
    if not may_on(acting, Action.GIVE, group_id=group_id, owner_id=owner_id):
        return False
    return acting.is_administrator or is_to_member


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What leaves with each object, so that no front end offers what will be refused."""

    can_annotate: bool
    can_edit: bool
    can_delete: bool
    can_link: bool
    can_move: bool
    can_give: bool


def rights(acting: Acting, *, group_id: int, owner_id: int) -> Rights:
    """Give the rights of a person on an object."""

    def has(action: Action) -> bool:
        return may_on(acting, action, group_id=group_id, owner_id=owner_id)

    return Rights(
        can_annotate=has(Action.ANNOTATE),
        can_edit=has(Action.EDIT),
        can_delete=has(Action.DELETE),
        can_link=has(Action.LINK),
        can_move=has(Action.MOVE),
        can_give=has(Action.GIVE),
    )


def who_may(action: Action, level: PermissionLevel) -> str:
    """Name the roles that may do this to other people's objects, for the sentence of a refusal."""
    names = {
        Role.ADMINISTRATOR: "an administrator",
        Role.GROUP_OWNER: "an owner of the group",
        Role.MEMBER: "any member of the group",
    }
    able = [name for role, name in names.items() if may(action, level, role)]
    own = [] if action in {Action.GIVE, *_ABOUT_GROUPS} else ["the owner of the data"]
    return " or ".join([*own, *able])


def readable_groups(acting: Acting) -> tuple[int, ...]:
    """Give the ids of the groups in which everything is seen, sorted (for SYSTEM: empty, it needs no list)."""
    return tuple(sorted(group_id for group_id in acting.levels if may_in_group(acting, Action.VIEW, group_id)))


def own_only_groups(acting: Acting) -> tuple[int, ...]:
    """Give the ids of the groups in which only own objects are seen, sorted."""
    readable = readable_groups(acting)
    return tuple(sorted(group_id for group_id in acting.member_of if group_id not in readable))


def private_groups(acting: Acting) -> tuple[int, ...]:
    """Give the ids of the known groups that are private, sorted: there links can be dormant."""
    return tuple(sorted(i for i, level in acting.levels.items() if level is PermissionLevel.PRIVATE))


def looked_into(acting: Acting, group_ids: frozenset[int]) -> tuple[int, ...]:
    """Give those private groups among ``group_ids`` that are seen only as administrator: such looks are recorded."""
    if acting.is_system or not acting.is_administrator:
        return ()
    return tuple(i for i in private_groups(acting) if i in group_ids and i not in acting.owner_of)
