"""Reads the line about a well from a table beside its plate: beneath the root, no links followed, bounded.

A table that is missing, too large or not a table gives no pairs and a note: it never keeps an image from its import.
"""

import codecs
import csv
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from config.lookups import delimiter_of
from config.path_text import nfc, text_path
from config.rule_values import TableLookup
from config.value_types import read_well
from ingest.opening import NotAPlainFileError, opened_beneath

LARGEST_TABLE_BYTES = 4 << 20
MOST_PAIRS = 200
LONGEST_CELL = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TableLine:
    """Pairs of heading and cell, and what is to be said when there are none."""

    pairs: tuple[tuple[str, str], ...] = ()
    note: str | None = None


class _NoTableError(Exception):
    """The file is there, and no table can be read from it."""


def table_line(root_fd: int, path: bytes, wanted: TableLookup) -> TableLine:
    """Look a value up in the nearest table: in the folder of the file at ``path``, then in each folder above."""
    folder = path
    while folder:
        folder = folder.rpartition(b"/")[0]
        for name in dict.fromkeys((wanted.name, unicodedata.normalize("NFD", wanted.name))):
            try:
                data = _content(root_fd, (folder + b"/" if folder else b"") + text_path(name))
            except FileNotFoundError:
                continue
            except _NoTableError as error:
                return TableLine(note=f"'{wanted.name}' gave no key-values: {error}")
            except OSError as error:
                return TableLine(note=f"'{wanted.name}' gave no key-values: it can't be read ({error.strerror})")
            return _line(data, wanted)
    return TableLine(note=f"there is no '{wanted.name}' beside it")


def _content(root_fd: int, path: bytes) -> bytes:
    try:
        with opened_beneath(root_fd, path) as opened:
            data = opened.raw.content(LARGEST_TABLE_BYTES + 1)
    except NotAPlainFileError as error:
        raise _NoTableError(f"it is {error.strerror}") from error
    if len(data) > LARGEST_TABLE_BYTES:
        raise _NoTableError(f"it is larger than {LARGEST_TABLE_BYTES >> 20} MiB")
    return data


def _line(data: bytes, wanted: TableLookup) -> TableLine:
    try:
        text, note = _text(data, wanted.name)
        pairs = _pairs(text, wanted)
    except UnicodeDecodeError:
        return TableLine(note=f"'{wanted.name}' gave no key-values: it is not a text in UTF-8; save it as CSV UTF-8")
    except (_NoTableError, csv.Error) as error:
        return TableLine(note=f"'{wanted.name}' gave no key-values: {error}")
    if not pairs:
        return TableLine(note=f"'{wanted.name}' has no line for {wanted.by} {wanted.value}")
    return TableLine(pairs=pairs, note=note)


def _text(data: bytes, name: str) -> tuple[str, str | None]:
    """Decode a table; a note says when it was not UTF-8 but what spreadsheets on Windows save by default."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16"), None
    try:
        return data.decode("utf-8-sig"), None
    except UnicodeDecodeError:
        return data.decode("cp1252"), f"'{name}' is not in UTF-8: it was read as Windows-1252"


def _pairs(text: str, wanted: TableLookup) -> tuple[tuple[str, str], ...]:
    lines = _cells(text)
    headings = [nfc(cell) for cell in next(lines, [])]
    try:
        column = [heading.casefold() for heading in headings].index(wanted.by.casefold())
    except ValueError:
        raise _NoTableError(f"its first line has no column '{wanted.by}'") from None
    found: dict[tuple[str, str], None] = {}
    for cells in lines:
        if column < len(cells) and _is_same(cells[column], wanted):
            pairs = zip(headings, cells, strict=False)
            others = [pair for number, pair in enumerate(pairs) if number != column]
            found |= dict.fromkeys((heading, cell) for heading, cell in others if heading and cell)
    return tuple(found)[:MOST_PAIRS]


def _cells(text: str) -> Iterator[list[str]]:
    """Give the lines that hold anything; spreadsheets of some languages write semicolons."""
    delimiter = delimiter_of(text, ";\t,")
    for cells in csv.reader(text.splitlines(keepends=True), delimiter=delimiter, skipinitialspace=True):
        stripped = [cell.replace("\0", "").strip()[:LONGEST_CELL] for cell in cells]
        if any(stripped):
            yield stripped


def _is_same(cell: str, wanted: TableLookup) -> bool:
    if wanted.by == "well":
        well = read_well(cell.upper())
        return well is not None and well == read_well(wanted.value)
    if cell.isdecimal() and wanted.value.isdecimal():
        return int(cell) == int(wanted.value)
    return nfc(cell) == nfc(wanted.value)
