"""Printing: a document as JSON, or as aligned text for people; everything from outside is escaped."""

import dataclasses
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any, TextIO, TypeVar

import click

from catalog.names import display
from daemon.tables import table_lines
from daemon.terminal import escape_line, wants_color

Document = TypeVar("Document")

#: Documents of at least this many steps get a progress bar.
_BAR_FROM = 2


def as_plain(value: Any) -> Any:
    r"""Give a value as JSON can carry it: dataclasses as objects, times as ISO 8601 in UTC, bytes as displayed names.

    A text with bytes that were not UTF-8 shows them as ``\xNN``; an absent value stays null.
    """
    match value:
        case Enum():
            return as_plain(value.value)
        case None | bool() | int() | float():
            return value
        case str():
            return display(value.encode("utf-8", "surrogateescape")) if not _is_encodable(value) else value
        case bytes():
            return display(value)
        case Path():
            return as_plain(str(value))
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case timedelta():
            return value.total_seconds()
        case Mapping():
            return {str(as_plain(key)): as_plain(item) for key, item in value.items()}
        case frozenset() | set():
            return sorted((as_plain(item) for item in value), key=str)
    if dataclasses.is_dataclass(value):
        return {f.metadata.get("json", f.name): as_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Iterable):
        return [as_plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _is_encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


class Output:
    """Where a command prints: documents to standard output, messages to standard error."""

    def __init__(self, *, as_json: bool, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self.as_json = as_json
        self._out = out or sys.stdout
        self._err = err or sys.stderr

    def document(self, document: Document, printer: "Callable[[Document, Output], None]") -> None:
        """Print one document: JSON when asked for, else by its printer."""
        if self.as_json:
            self._write(json.dumps(as_plain(document), indent=2, allow_nan=False))
        else:
            printer(document, self)

    def stream(self, rows: Iterable[object]) -> None:
        """Print JSON lines, one row each, as they come."""
        for row in rows:
            self._write(json.dumps(as_plain(row), allow_nan=False))

    def line(self, text: str = "", **style: Any) -> None:
        """Print one line for people, escaped; ``style`` as for `click.style`, seen only on a terminal."""
        self._write(self.styled(escape_line(text), **style))

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: Iterable[str] = ()) -> None:
        """Print an aligned table for people; ``right`` names the columns of numbers."""
        for number, text in enumerate(table_lines(columns, rows, right=frozenset(right))):
            self._write(self.styled(text, bold=True) if number == 0 else text)

    def styled(self, text: str, **style: Any) -> str:
        """Give the text with colour where somebody looks, else as it is."""
        return click.style(text, **style) if style and wants_color(self._out) else text

    def message(self, text: str) -> None:
        """Tell a person something that is not part of the document."""
        self._err.write(escape_line(text) + "\n")
        self._err.flush()

    @contextmanager
    def progress(self, label: str, total: int) -> Iterator[Callable[[int], None]]:
        """Show a progress bar on a terminal's standard error; gives a function that advances it by so many steps."""
        if total < _BAR_FROM or not self._err.isatty():
            yield lambda _steps: None
            return
        with click.progressbar(length=total, label=escape_line(label), file=self._err) as bar:
            yield bar.update

    def _write(self, text: str) -> None:
        self._out.write(text + "\n")
