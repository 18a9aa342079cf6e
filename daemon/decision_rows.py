"""What `retry`, `assign`, `accept` and `root accept` have in common: their rows and the exit code."""

from pathlib import Path

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


def finish(context: Context, rows: Rows) -> int:
    """Print the rows and give the exit code: 1 when something was not done."""
    context.output.document(rows, show)
    return Exit.DONE if all(row.done for row in rows) else Exit.REFUSED
