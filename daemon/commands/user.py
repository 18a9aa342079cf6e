"""``coverslip user``: the people whose data is catalogued."""

from datetime import datetime
from pathlib import Path

import click

from catalog.people import (
    NewUser,
    UserChanges,
    UserShown,
    add_users,
    close_user,
    editing,
    list_users,
    read_users_csv,
    set_user,
    show_user,
)
from daemon.context import Context, with_context
from daemon.errors import Failed
from daemon.options import group, subcommand
from daemon.output import Output
from daemon.values import ANY_PATH, Moment

Users = tuple[UserShown, ...]
_CSV_AT_MOST_BYTES = 5_000_000


@group("user", examples=("coverslip user add ab3c --group smith-lab", "coverslip user ls"))
def command() -> None:
    """Add, change, close and list users."""


def groups_of(user: UserShown) -> str:
    """Give the groups of a user, owned ones marked."""
    return ", ".join(f"{m.group} (owner)" if m.is_owner else m.group for m in user.groups)


def show_rows(users: Users, output: Output) -> None:
    """Print users as a table."""
    if not users:
        output.message("no users that you may see")
        return
    rows = [(u.name, u.full_name, groups_of(u), u.is_administrator or None, u.email, u.closed_at) for u in users]
    output.table(("user", "name", "groups", "administrator", "email", "closed"), rows)


def shown(context: Context, names: tuple[str, ...]) -> Users:
    """Give users as the acting person sees them."""
    with context.catalogue.reading() as connection:
        return tuple(show_user(connection, context.acting, name) for name in names)


def users_from(file: Path) -> tuple[NewUser, ...]:
    """Read users from a CSV file."""
    try:
        with file.open("rb") as opened:
            data = opened.read(_CSV_AT_MOST_BYTES + 1)
        if len(data) > _CSV_AT_MOST_BYTES:
            raise Failed(f"{file}: larger than 5 MB, which is no list of users")
        return read_users_csv(data.decode("utf-8"), str(file))
    except UnicodeDecodeError as error:
        raise Failed(f"{file}: not UTF-8 at byte {error.start}; save it as UTF-8") from error


@subcommand(
    command,
    "add",
    examples=(
        "coverslip user add ab3c --name 'Ada Byron' --group smith-lab",
        "coverslip user add guest7 --group smith-lab --until 2027-01-31",
        "coverslip user add --from people.csv",
    ),
    answers=Users,
)
@click.argument("name", required=False)
@click.option("--name", "full_name", metavar="NAME", help="The person's full name.")
@click.option("--email", metavar="ADDRESS", help="The person's address.")
@click.option("--group", "groups", metavar="GROUP", multiple=True, help="A group to join; may be given again.")
@click.option("--default-group", metavar="GROUP", help="The group of data whose path names none.")
@click.option("--alias", "aliases", metavar="NAME", multiple=True, help="Another spelling in paths; repeatable.")
@click.option("--until", type=Moment(), metavar="DATE", help="When the memberships end by themselves.")
@click.option("--administrator", is_flag=True, help="May do everything.")
@click.option(
    "--from",
    "file",
    type=ANY_PATH,
    metavar="FILE",
    help="Add the users of a CSV file with the columns name, full_name, email, groups, default_group, administrator,"
    " until, aliases; several groups or aliases are separated by semicolons.",
)
@with_context
def add(
    context: Context,
    /,
    name: str | None,
    full_name: str | None,
    email: str | None,
    groups: tuple[str, ...],
    default_group: str | None,
    aliases: tuple[str, ...],
    until: datetime | None,
    administrator: bool,
    file: Path | None,
) -> None:
    """Add a user, or all users of a file; all or none."""
    if (name is None) == (file is None):
        raise click.UsageError("name one user, or a file with --from")
    new = (
        users_from(file)
        if file is not None
        else (
            NewUser(
                name=name or "",
                full_name=full_name,
                email=email,
                groups=groups,
                default_group=default_group,
                is_administrator=administrator,
                until=until,
                aliases=aliases,
            ),
        )
    )
    with editing(context.catalogue, context.acting, now=context.now(), marks=context.settings.marks) as edit:
        add_users(edit, new)
    context.output.document(shown(context, tuple(user.name for user in new)), show_rows)


@subcommand(
    command,
    "set",
    examples=("coverslip user set ab3c --name 'Ada Byron' --default-group smith-lab",),
    answers=Users,
)
@click.argument("name")
@click.option("--name", "full_name", metavar="NAME", help="The full name; an empty text takes it away.")
@click.option("--email", metavar="ADDRESS", help="The address; an empty text takes it away.")
@click.option("--default-group", metavar="GROUP", help="The group of data whose path names none.")
@click.option("--alias", "aliases", metavar="NAME", multiple=True, help="All spellings in paths, in place of the old.")
@click.option("--login/--no-login", "has_login", default=None, help="Whether this person may act at all.")
@with_context
def change(
    context: Context,
    /,
    name: str,
    full_name: str | None,
    email: str | None,
    default_group: str | None,
    aliases: tuple[str, ...],
    has_login: bool | None,
) -> None:
    """Change what is said about a user."""
    changes = UserChanges(
        full_name=full_name, email=email, default_group=default_group, aliases=aliases or None, has_login=has_login
    )
    with editing(context.catalogue, context.acting, now=context.now(), marks=context.settings.marks) as edit:
        set_user(edit, name, changes)
    context.output.document(shown(context, (name,)), show_rows)


@subcommand(command, "close", examples=("coverslip user close ab3c",), answers=Users)
@click.argument("name")
@with_context
def close(context: Context, name: str) -> None:
    """Close a user who has left: no member anywhere, the data stays, the name is never used again."""
    with editing(context.catalogue, context.acting, now=context.now(), marks=context.settings.marks) as edit:
        close_user(edit, name)
    context.output.document(shown(context, (name,)), show_rows)


@subcommand(command, "ls", examples=("coverslip user ls", "coverslip user ls --json"), answers=Users)
@with_context
def list_all(context: Context) -> None:
    """List the users that you may see."""
    with context.catalogue.reading() as connection:
        users = list_users(connection, context.acting)
    context.output.document(users, show_rows)


@subcommand(command, "show", examples=("coverslip user show ab3c",), answers=Users)
@click.argument("name")
@with_context
def show(context: Context, name: str) -> None:
    """Show one user."""
    context.output.document(shown(context, (name,)), show_rows)
