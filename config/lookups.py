"""``lookups:``: tables that stand in the file, and those in CSV files.

The first two columns of a CSV file count. There is no guessing about a heading: its line is an entry that no folder
asks for, while a first line of data that was taken for a heading would be lost.
"""

import csv
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from config.files import Files, UnreadableError, unreadable
from config.problems import Problem
from config.source import BrokenFileError, Mapping, Node, Place, Scalar, decode, problem

MOST_ROWS = 100_000


def read_tables(
    section: Node | None, data: dict[str, Any], files: Files, folders: dict[str, Path]
) -> tuple[Problem, ...]:
    """Put the rows of CSV files in the place of their names; ``folders`` tells where each YAML file lies."""
    problems: list[Problem] = []
    if not isinstance(section, Mapping):
        return ()
    for key, value in section.entries:
        if not isinstance(value, Scalar) or value.is_nothing:
            continue
        data[key.text] = {}
        path = folders[value.place.file] / value.text
        try:
            data[key.text], found = read_csv(files.read(path), str(path))
            problems.extend(found)
        except (UnreadableError, ValueError) as error:
            error = error if isinstance(error, UnreadableError) else UnreadableError(f"{path!s} is not a file name")
            problems.append(unreadable(value.place, f"lookups.{key.text}", error))
        except BrokenFileError as error:
            problems.extend(error.problems)
    return tuple(problems)


def read_csv(data: bytes, file: str) -> tuple[dict[str, str], tuple[Problem, ...]]:
    """Give the first column with the second. Raises BrokenFileError when it is not text."""
    rows: dict[str, str] = {}
    lines: dict[str, int] = {}
    problems: list[Problem] = []
    for line, cells in _lines(decode(data, file), file):
        if len(rows) >= MOST_ROWS:
            problems.append(problem(Place(file, line, 1), f"the table has more than {MOST_ROWS:,} rows"))
            break
        if len(cells) < 2 or not cells[0] or not cells[1]:
            hint = "write what stands in the path, a comma, and what it means"
            problems.append(problem(Place(file, line, 1), "two columns with a text in each are needed", hint))
            continue
        key = unicodedata.normalize("NFC", cells[0])
        if key in rows:
            text = f"{cells[0]!r} stands in line {lines[key]} already"
            problems.append(problem(Place(file, line, 1), text, "remove one of the two lines"))
            continue
        rows[key], lines[key] = cells[1], line
    return rows, tuple(problems)


def delimiter_of(text: str, marks: str = ",;\t") -> str:
    """Give the mark that divides the cells of a CSV text: the first of these that its first line holds."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return next((mark for mark in marks if mark in first), ",")


def _lines(text: str, file: str) -> Iterator[tuple[int, list[str]]]:
    """Give the lines that are not empty, with their numbers; spreadsheets of some languages write semicolons."""
    lines = text.splitlines(keepends=True)
    reader = csv.reader(lines, delimiter=delimiter_of(text), skipinitialspace=True, strict=True)
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if any(stripped):
                yield reader.line_num, stripped
    except csv.Error as error:
        raise BrokenFileError(problem(Place(file, reader.line_num or 1, 1), f"this is not CSV: {error}")) from None
