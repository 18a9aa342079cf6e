"""``coverslip accept``: a moved file's new place decides whose it is."""

from pathlib import Path

import click

from catalog.accepting import accept
from daemon.context import Context, with_context
from daemon.decision_rows import Rows, finish, wanted
from daemon.options import command as coverslip_command
from daemon.values import ANY_PATH


@coverslip_command(
    "accept", examples=("coverslip accept /data/confocal/jones-lab/ef5g/mitosis/cell1.tif",), answers=Rows
)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=ANY_PATH)
@with_context
def command(context: Context, paths: tuple[Path, ...]) -> int:
    """Accept where moved files lie now: they change hands as the folder says.

    A copy whose original is gone (`mv` across file systems) is joined with it: its images have this path then, with
    their ids and annotations, and the copy's go. Until then moved files stay whose they were, marked *owner differs
    from folder*: nothing changes hands by moving files. A folder means all such files below it.
    """
    which = wanted(context, paths)
    acting, now = context.acting, context.now()
    with context.catalogue.writing() as connection:
        rows = accept(connection, acting, which, now=now, via="cli")
    return finish(context, rows)
