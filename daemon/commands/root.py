"""``coverslip root``: the watched folders, and the release of one that went away or changed."""

import click

from catalog.decisions import accept_root
from catalog.status import RootStatus, root_statuses
from daemon.context import Context, with_context
from daemon.decision_rows import Rows, finish
from daemon.options import group, subcommand
from daemon.output import Output

Roots = tuple[RootStatus, ...]


@group("root", examples=("coverslip root ls", "coverslip root accept confocal"))
def command() -> None:
    """List the watched folders; accept one that was replaced or braked."""


def show_roots(roots: Roots, output: Output) -> None:
    """Print the roots as a table."""
    if not roots:
        output.message("no folder was watched yet; `coverslip run` begins with it")
        return
    rows = [(r.name, r.path, r.availability, r.last_scan_at, r.overflow_count or None, r.reason) for r in roots]
    output.table(("root", "path", "is", "last scan", "overflows", "reason"), rows, right=("overflows",))


@subcommand(command, "ls", examples=("coverslip root ls", "coverslip root ls --json"), answers=Roots)
@with_context
def list_all(context: Context) -> None:
    """List the watched folders that the catalogue knows, and whether they are there."""
    with context.catalogue.reading() as connection:
        roots = root_statuses(connection, context.acting)
    context.output.document(roots, show_roots)


@subcommand(command, "accept", examples=("coverslip root accept confocal",), answers=Rows)
@click.argument("name", metavar="ROOT")
@with_context
def accept(context: Context, name: str) -> int:
    """Take a folder as it is now: releases the brake, accepts a replaced disk, or that one inside it stays away."""
    acting, now = context.acting, context.now()
    with context.catalogue.writing() as connection:
        row = accept_root(connection, acting, name, now=now, via="cli")
    return finish(context, (row,))
