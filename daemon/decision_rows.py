"""What `retry`, `assign`, `accept` and `root accept` have in common: their rows and the exit code."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from catalog.decisions import DecisionRow
from daemon.context import Context
from daemon.exits import Exit
from daemon.output import Output
from daemon.paths import asked

Rows = tuple[DecisionRow, ...]


def wanted(context: Context, paths: tuple[Path, ...]) -> tuple[bytes, ...]:
    """Give the absolute paths that somebody means."""
    roots = [watch.root for watch in context.settings.watch]
    return tuple(asked(path, roots) for path in paths)


def show(rows: Rows, output: Output) -> None:
    """Print what came of a decision, path by path."""
    if not rows:
        output.message("nothing to do")
        return
    table = [(row.path, row.state, (row.reason or "done") if row.done else f"not done: {row.reason}") for row in rows]
    output.table(("path", "was", ""), table)


def folder_says(owner_differs: Mapping[str, Any]) -> str:
    """Tell what a moved file's new folder says; a name out of the viewer's sight is of others."""
    return ", ".join(f"{name} {value or 'of others'}" for name, value in owner_differs.items())


def finish(context: Context, rows: Rows) -> int:
    """Print the rows and give the exit code: 1 when something was not done."""
    context.output.document(rows, show)
    return Exit.DONE if all(row.done for row in rows) else Exit.REFUSED
