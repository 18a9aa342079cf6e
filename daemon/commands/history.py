"""``coverslip history``: what happened to an object, and who did it."""

import json

import click

from catalog.documents import HistoryRow
from catalog.queries.history import history
from catalog.references import ObjectReference
from daemon.context import Context, with_context
from daemon.options import command as coverslip_command
from daemon.output import Output, as_plain
from daemon.values import Object

Rows = tuple[HistoryRow, ...]
COLUMNS = ("at", "what", "by", "via", "change")
_CHANGE_AT_MOST = 100


def actor_of(row: HistoryRow) -> str:
    """Give who did it, and as whom."""
    actor = row.actor or "system"
    return f"{actor} as {row.acting_as}" if row.acting_as else actor


def change_of(row: HistoryRow) -> str:
    """Give what changed, on one line."""
    parts = [json.dumps(as_plain(value), ensure_ascii=False) for value in (row.before, row.after) if value]
    text = " -> ".join(parts)
    return text if len(text) <= _CHANGE_AT_MOST else text[: _CHANGE_AT_MOST - 3] + "..."


def show(rows: Rows, output: Output) -> None:
    """Print the events, oldest first."""
    if not rows:
        output.message("nothing is recorded")
        return
    output.table(COLUMNS, [(row.at, row.what, actor_of(row), row.via, change_of(row)) for row in rows])


@coverslip_command("history", examples=("coverslip history image:7",), answers=Rows)
@click.argument("target", metavar="OBJECT", type=Object())
@with_context
def command(context: Context, target: ObjectReference) -> None:
    """Tell what happened to an object, and who did it."""
    with context.catalogue.reading() as connection:
        rows = history(connection, context.acting, target)
    context.tell_of_look_at(target)
    context.output.document(rows, show)
