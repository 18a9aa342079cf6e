"""``coverslip retry``: try files again now."""

from pathlib import Path

import click

from catalog.decisions import retry
from daemon.context import Context, with_context
from daemon.decision_rows import Rows, finish, wanted
from daemon.options import command as coverslip_command
from daemon.values import ANY_PATH


@coverslip_command(
    "retry",
    examples=("coverslip retry /data/confocal/smith-lab/ab3c/mitosis", "coverslip retry --all"),
    answers=Rows,
)
@click.argument("paths", nargs=-1, metavar="[PATH...]", type=ANY_PATH)
@click.option("--all", "everything", is_flag=True, help="Everything that is held, failed, waiting or stalled.")
@with_context
def command(context: Context, /, paths: tuple[Path, ...], everything: bool) -> int:
    """Try files again now: those that are held, failed, waiting or stalled.

    A folder means all below it.
    """
    if bool(paths) == everything:
        raise click.UsageError("name paths, or say --all")
    which = None if everything else wanted(context, paths)
    acting, now = context.acting, context.now()
    with context.catalogue.writing() as connection:
        rows = retry(connection, acting, which, now=now, via="cli")
    return finish(context, rows)
