"""``coverslip admin``: administrators, and the catalogue's migrations."""

from dataclasses import dataclass

import click

from catalog.people import UserShown, editing, list_users, set_administrator
from daemon.commands.user import Users, show_rows, shown
from daemon.context import Context, with_context
from daemon.options import group, subcommand
from daemon.output import Output
from daemon.setup import make_catalogue


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationDocument:
    """What a migration did: the version before (null for a new catalogue) and after, and the backup that was made."""

    before: str | None
    after: str
    backup: str | None


@group("admin", examples=("coverslip admin add js2x", "coverslip admin migrate"))
def command() -> None:
    """Name administrators, and bring the catalogue up to date."""


@subcommand(command, "add", examples=("coverslip admin add js2x",), answers=Users)
@click.argument("name", metavar="USER")
@with_context
def add(context: Context, name: str) -> None:
    """Make a user an administrator."""
    with editing(context.catalogue, context.administrator(), now=context.now(), marks=context.settings.marks) as edit:
        set_administrator(edit, name)
    context.output.document(shown(context, (name,)), show_rows)


@subcommand(command, "rm", examples=("coverslip admin rm js2x",), answers=Users)
@click.argument("name", metavar="USER")
@with_context
def remove(context: Context, name: str) -> None:
    """Make a user no longer an administrator."""
    with editing(context.catalogue, context.administrator(), now=context.now(), marks=context.settings.marks) as edit:
        set_administrator(edit, name, is_administrator=False)
    context.output.document(shown(context, (name,)), show_rows)


@subcommand(command, "ls", examples=("coverslip admin ls",), answers=Users)
@with_context
def list_all(context: Context) -> None:
    """List the administrators."""
    acting = context.administrator()
    with context.catalogue.reading() as connection:
        users: tuple[UserShown, ...] = list_users(connection, acting, only_administrators=True)
    context.output.document(users, show_rows)


def show_migration(document: MigrationDocument, output: Output) -> None:
    """Print what was done."""
    if document.before == document.after:
        output.line(f"the catalogue is of version {document.after} already")
        return
    output.line(f"the catalogue went from version {document.before or 'none'} to {document.after}")
    if document.backup:
        output.line(f"the backup is {document.backup}")


@subcommand(
    command,
    "migrate",
    examples=("coverslip admin migrate", "coverslip admin migrate --has-backup"),
    answers=MigrationDocument,
)
@click.option("--has-backup", is_flag=True, help="There is a backup already (PostgreSQL without pg_dump here).")
@with_context
def migrate(context: Context, /, has_backup: bool) -> None:
    """Make the catalogue, or bring an older one to this program's version, after a backup.

    No daemon may be running. Killed at any moment, the catalogue is as before or as after.
    """
    context.refuse_as()
    settings = context.settings
    done = make_catalogue(settings, now=context.now(), has_backup=has_backup)
    document = MigrationDocument(
        before=done.before, after=done.after, backup=None if done.backup is None else str(done.backup)
    )
    context.output.document(document, show_migration)
