"""``coverslip backup``: the catalogue in one new file, as of one moment."""

from dataclasses import dataclass
from pathlib import Path

import click

from catalog.backup import back_up
from daemon.context import Context, with_context
from daemon.files import refuse_watched
from daemon.options import command as coverslip_command
from daemon.output import Output
from daemon.tables import size_text
from daemon.values import ANY_PATH


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupDocument:
    """The file that was written; ``format`` is ``sqlite`` (a database) or ``pg_dump`` (its custom format)."""

    file: str
    format: str
    size_bytes: int


def show(document: BackupDocument, output: Output) -> None:
    """Print what was written."""
    output.line(f"{document.file}  ({size_text(document.size_bytes)})")


@coverslip_command("backup", examples=("coverslip backup /backup/coverslip-2026-11-26.db",), answers=BackupDocument)
@click.argument("file", type=ANY_PATH)
@with_context
def command(context: Context, file: Path) -> None:
    """Write the catalogue into one new file, also while the daemon runs.

    It holds what was committed at one moment, for the account that runs this alone (0600). PostgreSQL's pg_dump is
    used where the catalogue is there. How to restore it stands in docs/install.md.
    """
    target = Path.cwd() / file
    context.administrator()
    refuse_watched(target, (watch.root for watch in context.settings.watch))
    back_up(context.catalogue, target)
    document = BackupDocument(
        file=str(target),
        format="pg_dump" if context.catalogue.is_postgresql else "sqlite",
        size_bytes=target.stat().st_size,
    )
    context.output.document(document, show)
