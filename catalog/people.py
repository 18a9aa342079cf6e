"""The door to people and groups: what other rooms use, gathered from the modules that do it."""

from catalog.acting import acting_again, begin_request, record_acting_as, resolve_acting
from catalog.groups import (
    LevelEffect,
    NewGroup,
    SightChange,
    add_group,
    level_effect,
    set_group,
    set_permissions,
)
from catalog.machine_sync import sync_system
from catalog.memberships import MemberChange, join, leave, set_group_owner
from catalog.people_edit import PeopleEdit, editing
from catalog.people_reads import (
    GroupShown,
    MembershipShown,
    UserShown,
    list_groups,
    list_users,
    show_group,
    show_user,
)
from catalog.people_snapshot import known_people
from catalog.people_sync import SyncReport, sync_with_settings
from catalog.users import (
    NewUser,
    UserChanges,
    add_user,
    add_users,
    close_user,
    create_unknown,
    set_administrator,
    set_user,
)
from catalog.users_csv import read_users_csv

__all__ = [
    "GroupShown",
    "LevelEffect",
    "MemberChange",
    "MembershipShown",
    "NewGroup",
    "NewUser",
    "PeopleEdit",
    "SightChange",
    "SyncReport",
    "UserChanges",
    "UserShown",
    "acting_again",
    "add_group",
    "add_user",
    "add_users",
    "begin_request",
    "close_user",
    "create_unknown",
    "editing",
    "join",
    "known_people",
    "leave",
    "level_effect",
    "list_groups",
    "list_users",
    "read_users_csv",
    "record_acting_as",
    "resolve_acting",
    "set_administrator",
    "set_group",
    "set_group_owner",
    "set_permissions",
    "set_user",
    "show_group",
    "show_user",
    "sync_system",
    "sync_with_settings",
]
