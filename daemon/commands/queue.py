"""``coverslip queue``: the files that wait for a person's decision."""

from collections.abc import Iterator

import click

from catalog.engine import Catalogue
from catalog.permissions import Acting
from catalog.queue import QueueRow, queue
from catalog.states import State
from daemon.context import Context, with_context
from daemon.decision_rows import folder_says
from daemon.options import command as coverslip_command
from daemon.output import Output

FOR_PEOPLE = 100
PAGE = 1000


def rows_of(catalogue: Catalogue, acting: Acting, state: str | None, *, limit: int | None) -> Iterator[QueueRow]:
    """Give the files, each page read in a transaction of its own; ``limit`` None gives all."""
    after, left = None, limit
    while left is None or left > 0:
        with catalogue.reading() as connection:
            page = queue(connection, acting, state, limit=PAGE if left is None else min(PAGE, left), after=after)
        yield from page.rows
        after = page.next_after
        if after is None:
            return
        left = None if left is None else left - len(page.rows)


def show(rows: tuple[QueueRow, ...], output: Output) -> None:
    """Print the files with their reasons."""
    if not rows:
        output.message("nothing waits for you")
        return
    output.table(("state", "path", "reason"), [(row.state, row.path, why_here(row)) for row in rows])


def why_here(row: QueueRow) -> str:
    """Say why a person is asked: of a file that is imported its state does not tell."""
    differs = row.owner_differs
    if not differs or row.state != State.IMPORTED:
        return row.reason
    if "reason" in differs:
        return f"moved; the new folder does not tell whose it is: {differs['reason']}"
    return f"moved; the folder says {folder_says(differs)}: `coverslip accept` it, or move it back"


@coverslip_command(
    "queue",
    examples=("coverslip queue", "coverslip queue held", "coverslip queue quarantined --json"),
    answers=tuple[QueueRow, ...],
    only_reads=True,
)
@click.argument("state", required=False)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most so many (100 for people).")
@with_context
def command(context: Context, state: str | None, limit: int | None) -> None:
    """List the files that are held, unmatched, failed, stalled or missing.

    With a state (held, unmatched, quarantined, waiting, stalled, missing, settling ...) only those. Group owners see
    the files of their own group, administrators all.
    """
    if context.output.as_json:
        context.output.document(tuple(rows_of(context.catalogue, context.acting, state, limit=limit)), show)
        return
    most = limit or FOR_PEOPLE
    rows = tuple(rows_of(context.catalogue, context.acting, state, limit=most + 1))
    show(rows[:most], context.output)
    if len(rows) > most:
        context.output.message(f"there are more than {most}; see all with --json, or more with --limit")
