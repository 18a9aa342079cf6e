"""``coverslip history``: what happened to an object, and who did it."""

import json
from typing import Any

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
#: What an import is told in sentences: of its owner, of the table and of the index beside it.
_SENTENCES = ("reason", "warning", "table", "index")


def actor_of(row: HistoryRow) -> str:
    """Give who did it, and as whom."""
    actor = row.actor or "system"
    return f"{actor} as {row.acting_as}" if row.acting_as else actor


def change_of(row: HistoryRow) -> str:
    """Give what changed, on one line: what is said in sentences first, for the line may be too long."""
    told = [_sentences_first(value) for value in (row.before, row.after) if value]
    parts = [json.dumps(as_plain(value), ensure_ascii=False) for value in told]
    text = " -> ".join(parts)
    return text if len(text) <= _CHANGE_AT_MOST else text[: _CHANGE_AT_MOST - 3] + "..."


def _sentences_first(value: dict[str, Any]) -> dict[str, Any]:
    return {key: value[key] for key in _SENTENCES if key in value} | value


def show(rows: Rows, output: Output) -> None:
    """Print the events, oldest first."""
    if not rows:
        output.message("nothing is recorded")
        return
    output.table(COLUMNS, [(row.at, row.what, actor_of(row), row.via, change_of(row)) for row in rows])


@coverslip_command("history", examples=("coverslip history image:7",), answers=Rows, only_reads=True)
@click.argument("target", metavar="OBJECT", type=Object())
@with_context
def command(context: Context, target: ObjectReference) -> None:
    """Tell what happened to an object, and who did it."""
    with context.catalogue.reading() as connection:
        rows = history(connection, context.acting, target)
    context.tell_of_look_at(target)
    context.output.document(rows, show)
