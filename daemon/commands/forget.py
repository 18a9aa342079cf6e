"""``coverslip forget``: files that are gone, deleted or failed are as if never seen."""

from pathlib import Path

import click

from catalog.forgetting import forget
from daemon.context import Context, with_context
from daemon.decision_rows import Rows, finish, wanted
from daemon.options import command as coverslip_command
from daemon.values import ANY_PATH


@coverslip_command("forget", examples=("coverslip forget /data/confocal/smith-lab/ab3c/test.tif",), answers=Rows)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=ANY_PATH)
@with_context
def command(context: Context, paths: tuple[Path, ...]) -> int:
    """Drop the memory of files that are missing, deleted or failed; never of what is imported.

    A folder means all such files below it. A file that is still there is new to the next scan. Files are not touched.
    """
    which = wanted(context, paths)
    acting, now = context.administrator(), context.now()
    with context.catalogue.writing() as connection:
        rows = forget(connection, acting, which, now=now, via="cli")
    return finish(context, rows)
