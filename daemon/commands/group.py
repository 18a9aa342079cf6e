"""``coverslip group``: groups, their members, and the permission level that says who sees whose data."""

from datetime import datetime

import click

from catalog.people import (
    GroupShown,
    LevelEffect,
    MemberChange,
    NewGroup,
    add_group,
    editing,
    join,
    leave,
    level_effect,
    list_groups,
    set_group,
    set_group_owner,
    set_permissions,
    show_group,
)
from config.settings import PermissionLevel
from daemon.context import Context, with_context
from daemon.options import group, subcommand
from daemon.output import Output
from daemon.values import Moment

LEVELS = [level.value for level in PermissionLevel]
Groups = tuple[GroupShown, ...]


@group(
    "group", examples=("coverslip group add smith-lab --owner js2x", "coverslip group permissions smith-lab private")
)
def command() -> None:
    """Add, change and list groups, their members and their permission level."""


def show_rows(groups: Groups, output: Output) -> None:
    """Print groups as a table."""
    if not groups:
        output.message("no groups that you may see")
        return
    rows = [
        (g.name, g.permissions, [m.user for m in g.members if m.is_owner], len(g.members), g.description)
        for g in groups
    ]
    output.table(("group", "permissions", "owners", "members", "description"), rows, right=("members",))


def show_one(found: GroupShown, output: Output) -> None:
    """Print one group with its members."""
    output.line(f"{found.name}  {found.permissions}", bold=True)
    for name, value in (("description", found.description), ("aliases", ", ".join(found.aliases))):
        if value:
            output.line(f"{name}: {value}")
    rows = [(m.user, "owner" if m.is_owner else "member", ", ".join(m.sources), m.until) for m in found.members]
    output.table(("user", "as", "by", "until"), rows)


def show_member(change: MemberChange, output: Output) -> None:
    """Print what a change of membership came to."""
    until = f" until {change.until:%Y-%m-%d}" if change.until else ""
    role = "an owner" if change.is_owner else "a member" if change.is_member else "no longer a member"
    output.line(f"{change.user} is {role} of {change.group}{until}")


def show_effect(effect: LevelEffect, output: Output) -> None:
    """Print what a level does: nothing is deleted, some links sleep or wake, people see more or less."""
    if effect.before == effect.after:
        output.line(f"{effect.group} is {effect.after.value} already")
        return
    output.line(f"{effect.group}: {effect.before.value} -> {effect.after.value}; nothing is deleted")
    for word, count in (("sleep", effect.links_that_sleep), ("wake", effect.links_that_wake)):
        if count:
            output.line(f"  links between data of different owners that {word}: {count}")
    for word, count in (("sleep", effect.annotations_that_sleep), ("wake", effect.annotations_that_wake)):
        if count:
            output.line(f"  annotations by others that {word}: {count}")
    for word, deeds in (("may now", effect.members_gain), ("may no longer", effect.members_lose)):
        if deeds:
            output.line(f"  members {word}, of each other's data: {', '.join(deeds)}")
    for change in effect.sight:
        output.line(f"  {change.user} sees {abs(change.images)} images {'more' if change.images > 0 else 'less'}")


def shown(context: Context, name: str) -> GroupShown:
    """Give a group as the acting person sees it."""
    with context.catalogue.reading() as connection:
        return show_group(connection, context.acting, name)


@subcommand(
    command,
    "add",
    examples=("coverslip group add smith-lab --owner js2x --member ab3c --permissions read-annotate",),
    answers=GroupShown,
)
@click.argument("name")
@click.option("--permissions", type=click.Choice(LEVELS), default="read-annotate", show_default=True, help="The level.")
@click.option("--description", metavar="TEXT", help="What the group is.")
@click.option("--owner", "owners", metavar="USER", multiple=True, help="A group owner; may be given again.")
@click.option("--member", "members", metavar="USER", multiple=True, help="A member; may be given again.")
@click.option("--alias", "aliases", metavar="NAME", multiple=True, help="Another spelling in paths; repeatable.")
@with_context
def add(
    context: Context,
    /,
    name: str,
    permissions: str,
    description: str | None,
    owners: tuple[str, ...],
    members: tuple[str, ...],
    aliases: tuple[str, ...],
) -> None:
    """Add a group."""
    new = NewGroup(
        name=name,
        permissions=PermissionLevel(permissions),
        description=description,
        owners=owners,
        members=members,
        aliases=aliases,
    )
    with editing(context.catalogue, context.acting, now=context.now(), marks=context.settings.marks) as edit:
        add_group(edit, new)
    context.output.document(shown(context, name), show_one)


@subcommand(command, "set", examples=("coverslip group set smith-lab --alias 'Smith Lab'",), answers=GroupShown)
@click.argument("name")
@click.option("--description", metavar="TEXT", help="What the group is; an empty text takes it away.")
@click.option("--alias", "aliases", metavar="NAME", multiple=True, help="All spellings in paths, in place of the old.")
@with_context
def change(context: Context, /, name: str, description: str | None, aliases: tuple[str, ...]) -> None:
    """Change description and aliases of a group."""
    with editing(context.catalogue, context.acting, now=context.now(), marks=context.settings.marks) as edit:
        set_group(edit, name, description=description, aliases=aliases or None)
    context.output.document(shown(context, name), show_one)


@subcommand(
    command,
    "join",
    examples=("coverslip group join smith-lab ab3c", "coverslip group join smith-lab guest7 --until 2027-01-31"),
    answers=MemberChange,
)
@click.argument("name", metavar="GROUP")
@click.argument("user")
@click.option("--until", type=Moment(), metavar="DATE", help="When the membership ends by itself.")
@with_context
def put_in(context: Context, /, name: str, user: str, until: datetime | None) -> None:
    """Make a user a member of a group."""
    with editing(context.catalogue, context.acting, now=context.now(), marks=context.settings.marks) as edit:
        done = join(edit, name, user, until=until)
    context.output.document(done, show_member)


@subcommand(command, "leave", examples=("coverslip group leave smith-lab ab3c",), answers=MemberChange)
@click.argument("name", metavar="GROUP")
@click.argument("user")
@with_context
def take_out(context: Context, name: str, user: str) -> None:
    """Take a user out of a group; the data stays in it."""
    with editing(context.catalogue, context.acting, now=context.now(), marks=context.settings.marks) as edit:
        done = leave(edit, name, user)
    context.output.document(done, show_member)


@subcommand(
    command,
    "owner",
    examples=("coverslip group owner smith-lab js2x", "coverslip group owner smith-lab js2x --remove"),
    answers=MemberChange,
)
@click.argument("name", metavar="GROUP")
@click.argument("user")
@click.option("--remove", is_flag=True, help="No longer an owner, still a member.")
@with_context
def owner(context: Context, /, name: str, user: str, remove: bool) -> None:
    """Make a user an owner of a group, who leads it and sees all its data."""
    with editing(context.catalogue, context.acting, now=context.now(), marks=context.settings.marks) as edit:
        done = set_group_owner(edit, name, user, is_owner=not remove)
    context.output.document(done, show_member)


@subcommand(
    command,
    "permissions",
    examples=(
        "coverslip group permissions smith-lab private --dry-run",
        "coverslip group permissions smith-lab read-annotate",
    ),
    answers=LevelEffect,
)
@click.argument("name", metavar="GROUP")
@click.argument("level", type=click.Choice(LEVELS))
@click.option("--dry-run", is_flag=True, help="Only say what would sleep, wake, and who would see more or less.")
@with_context
def permissions(context: Context, /, name: str, level: str, dry_run: bool) -> None:
    """Set the permission level of a group, and say what that does; nothing is ever deleted by it."""
    wanted = PermissionLevel(level)
    if dry_run:
        with context.catalogue.reading() as connection:
            effect = level_effect(connection, context.acting, name, wanted)
    else:
        with editing(context.catalogue, context.acting, now=context.now(), marks=context.settings.marks) as edit:
            effect = set_permissions(edit, name, wanted)
    context.output.document(effect, show_effect)


@subcommand(command, "ls", examples=("coverslip group ls",), answers=Groups)
@with_context
def list_all(context: Context) -> None:
    """List the groups that you may see."""
    with context.catalogue.reading() as connection:
        groups = list_groups(connection, context.acting)
    context.output.document(groups, show_rows)


@subcommand(command, "show", examples=("coverslip group show smith-lab",), answers=GroupShown)
@click.argument("name")
@with_context
def show(context: Context, name: str) -> None:
    """Show a group with its members."""
    context.output.document(shown(context, name), show_one)
