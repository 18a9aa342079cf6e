"""``coverslip why``: the whole story of one file: its state, the reason, what it waits for."""

from collections.abc import Iterator
from pathlib import Path

import click

from catalog.why import WhyDocument, why
from daemon.commands.history import actor_of, change_of
from daemon.context import Context, with_context
from daemon.decision_rows import folder_says
from daemon.options import command as coverslip_command
from daemon.output import Output
from daemon.paths import asked
from daemon.tables import cell, size_text
from daemon.values import ANY_PATH

_COLORS = {"imported": "green", "held": "yellow", "unmatched": "yellow", "quarantined": "red", "missing": "red"}


def lines(document: WhyDocument) -> Iterator[tuple[str, object]]:
    """Give what is known about a file, name by name."""
    yield "marks", document.marks
    yield "rule", document.rule
    yield "owner", document.owner
    yield "group", document.group
    yield "images", tuple(f"image:{image_id}" for image_id in document.image_ids)
    yield "size", size_text(document.size_bytes)
    yield "filed by", document.filed_by if document.filed_by != "rule" else None
    if document.assigned is not None:
        targets = ", ".join(f"{name} {value}" for name, value in document.assigned.targets.items())
        yield "assigned", f"{targets}, by {document.assigned.made_by or 'system'} for {document.assigned.path}"
    yield "looked at again", document.due_at
    yield "tried again", document.next_try_at
    yield "attempts", document.attempts or None
    yield "missing since", document.missing_since
    yield "verified", document.verified_at
    yield "damaged since", document.damaged_since
    if document.owner_differs:
        yield "folder says", folder_says(document.owner_differs)


def show(document: WhyDocument, output: Output) -> None:
    """Print the state and its reason, then the rest, then what happened."""
    output.line(document.path, bold=True)
    output.line(f"  {document.state}: {document.reason}", fg=_COLORS.get(document.state))
    for name, value in lines(document):
        if text := cell(value):
            output.line(f"  {name:15} {text}")
    for row in document.history:
        output.line(f"  {cell(row.at)}  {row.what} by {actor_of(row)}  {change_of(row)}".rstrip())


@coverslip_command(
    "why",
    examples=("coverslip why /data/confocal/smith-lab/ab3c/mitosis/cell1.tif",),
    answers=WhyDocument,
    only_reads=True,
)
@click.argument("path", type=ANY_PATH)
@with_context
def command(context: Context, path: Path) -> None:
    """Tell a file's whole story: its state, the reason, what it waits for, what happened."""
    acting = context.acting
    wanted = asked(path, context.watched_folders)
    with context.catalogue.reading() as connection:
        document = why(connection, acting, wanted)
    context.output.document(document, show)
