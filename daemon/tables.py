"""Aligned tables for people: widths as a terminal shows them, cells escaped, no trailing spaces."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import zip_longest

from rich.cells import cell_len

from catalog.names import display
from daemon.terminal import escape_line

#: How a link out of force is marked, which only group owners and administrators see.
DORMANT = "dormant: hidden from members"
_GAP = "  "
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def cell(value: object) -> str:
    """Give a value as a table shows it: nothing for None, local time to the minute, texts escaped."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case bytes():
            return escape_line(display(value))
        case datetime():
            return value.astimezone().strftime("%Y-%m-%d %H:%M")
        case float():
            return f"{value:g}"
        case tuple() | list() | frozenset():
            return ", ".join(cell(item) for item in value)
        case _:
            return escape_line(str(value))


def table_lines(columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: frozenset[str]) -> list[str]:
    """Give the lines of a table, the heading first."""
    texts = [list(columns), *([cell(value) for value in row] for row in rows)]
    widths = [max(map(cell_len, column)) for column in zip_longest(*texts, fillvalue="")]
    is_right = [column in right for column in columns]
    return [_joined(row, widths, is_right) for row in texts]


def _joined(row: Sequence[str], widths: Sequence[int], is_right: Sequence[bool]) -> str:
    padded = []
    for text, width, to_right in zip(row, widths, is_right, strict=True):
        space = " " * (width - cell_len(text))
        padded.append(space + text if to_right else text + space)
    return _GAP.join(padded).rstrip()


def size_text(size_bytes: int) -> str:
    """Give a number of bytes for people, in powers of 1000."""
    value = float(size_bytes)
    for unit in _UNITS[:-1]:
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} {_UNITS[-1]}"


def duration_text(seconds: float) -> str:
    """Give a time span for people, in its two largest units."""
    rest = round(seconds)
    parts: list[str] = []
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        number, rest = divmod(rest, length)
        if number or (unit == "s" and not parts):
            parts.append(f"{number} {unit}")
    return " ".join(parts[:2])
