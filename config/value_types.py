"""The types of placeholders: what each matches, and how its text becomes a value.

Wells, rows and columns are zero-based as values. A text that fits the pattern and can't be converted (13th month, well
97 of 96) gives None.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias, assert_never

from config.dates import DateFormat
from config.endings import ENDINGS
from config.patterns import WHOLE_FOLDERS, Chars, CharSet, Choice, Sequence, Text, digits, one_of

Value: TypeAlias = str | int | datetime | tuple[int, int]

#: Rows x columns of the usual plates, by their number of wells.
PLATES = {6: (2, 3), 12: (3, 4), 24: (4, 6), 48: (6, 8), 96: (8, 12), 384: (16, 24), 1536: (32, 48)}


class Kind(StrEnum):
    """What a value is."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    WELL = "well"
    WELL_NUMBER = "well number"
    POSITION = "row or column"
    POSITION_FROM_0 = "row or column from 0"


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueType:
    """A type. ``open_with`` are the characters by which a part of open length could go on, None when it can't."""

    name: str
    kind: Kind
    pattern: Sequence
    open_with: CharSet | None = None
    date: DateFormat | None = None
    #: Rows and columns for a running number.
    plate: tuple[int, int] | None = None
    #: Whole folders: stands between slashes.
    is_path: bool = False
    #: The alternatives of a list.
    texts: tuple[str, ...] = ()

    def convert(self, text: str) -> Value | None:
        """Turn a text that fits the pattern into its value."""
        match self.kind:
            case Kind.TEXT:
                return text
            case Kind.NUMBER:
                return read_number(text)
            case Kind.DATE:
                return self.date.read(text) if self.date else None
            case Kind.WELL:
                return read_well(text)
            case Kind.WELL_NUMBER:
                return _running_well(read_number(text), self.plate or (0, 0))
            case Kind.POSITION:
                return read_position(text)
            case Kind.POSITION_FROM_0:
                return read_number(text)
            case _:
                assert_never(self.kind)


_LETTERS_ROW = Chars(CharSet.CAPITAL, 1, 2, True)
_WELL_PATTERN: Sequence = (
    Choice(
        (
            (
                Chars(CharSet.ROW_COLUMN_R, 1, 1, True),
                digits(1, 2),
                Chars(CharSet.ROW_COLUMN_C, 1, 1, True),
                digits(1, 2),
            ),
            (_LETTERS_ROW, digits(1, 2)),
        )
    ),
)
_ROW_LETTERS: Sequence = (Choice(((_LETTERS_ROW,), (Chars(CharSet.SMALL, 1, 1, True),))),)
_POSITION: Sequence = (Choice(((digits(1, is_open=True),), _ROW_LETTERS)),)
_GUID: Sequence = tuple(
    node
    for count in (8, 4, 4, 4, 12)
    for node in (Chars(CharSet.HEX, count, count, True), *((Text("-"),) if count != 12 else ()))
)

TEXT = ValueType(name="text", kind=Kind.TEXT, pattern=(Chars(CharSet.ANY, 1, None, False),))
INT = ValueType(name="int", kind=Kind.NUMBER, pattern=(digits(1, is_open=True),), open_with=CharSet.DIGIT)
WORD = ValueType(name="word", kind=Kind.TEXT, pattern=(Chars(CharSet.WORD, 1, None, True),), open_with=CharSet.WORD)
PATH = ValueType(name="path", kind=Kind.TEXT, pattern=WHOLE_FOLDERS, is_path=True)
GUID = ValueType(name="guid", kind=Kind.TEXT, pattern=_GUID)
WELL = ValueType(name="well", kind=Kind.WELL, pattern=_WELL_PATTERN, open_with=CharSet.DIGIT)
POSITION = ValueType(name="row", kind=Kind.POSITION, pattern=_POSITION, open_with=CharSet.WORD)
#: A row directly before a digit part, or beside a column (`{row}{column}`), is written with letters.
LETTER_POSITION = ValueType(name="row", kind=Kind.POSITION, pattern=_ROW_LETTERS, open_with=CharSet.CAPITAL)
#: A column directly beside a row is written with digits.
DIGIT_POSITION = ValueType(
    name="column", kind=Kind.POSITION, pattern=(digits(1, is_open=True),), open_with=CharSet.DIGIT
)
POSITION_FROM_0 = ValueType(
    name="int0", kind=Kind.POSITION_FROM_0, pattern=(digits(1, is_open=True),), open_with=CharSet.DIGIT
)
EXTENSION = ValueType(name="ext", kind=Kind.TEXT, pattern=(one_of(tuple(ENDINGS)),))

#: Types by the name after the colon, for any placeholder.
NAMED = {"text": TEXT, "int": INT, "word": WORD, "path": PATH, "guid": GUID, "well": WELL, "ext": EXTENSION}
#: Types that a placeholder has by its own name.
BY_PLACEHOLDER = {
    "z": INT,
    "t": INT,
    "field": INT,
    "tile": INT,
    "well": WELL,
    "row": POSITION,
    "column": POSITION,
    "ext": EXTENSION,
}


class UnknownType(ValueError):  # noqa: N818 - reads as the answer it is
    """The text after the colon is no type; the message says so."""


def type_of(name: str | None, source: str | None, texts: tuple[str, ...]) -> ValueType:
    """Find the type of a placeholder; ``texts`` are the alternatives when the source is a list.

    Raises:
        UnknownType: there is no such type.

    """
    if source is None:
        return BY_PLACEHOLDER.get(name or "", TEXT)
    if len(texts) > 1:
        if "" in texts:
            raise UnknownType("an empty text in a list: put the placeholder into '[ ]' instead")
        return _list(name, texts)
    if not source:
        raise UnknownType("no type after ':'")
    if source in NAMED:
        return _positioned(name, NAMED[source])
    if "%" in source:
        return _date(source)
    if found := re.fullmatch(r"([1-9][0-9]?)d", source):
        width = int(found[1])
        return _positioned(name, ValueType(name=source, kind=Kind.NUMBER, pattern=(digits(width),)))
    if name in ("row", "column") and source == "int0":
        return POSITION_FROM_0
    if name == "well" and re.fullmatch(r"[0-9]+(x[0-9]+)?", source):
        return _numbered_well(source)
    raise UnknownType(
        f"unknown type '{source}': there are int, word, 3d, text, path, guid, dates such as %Y%m%d, "
        "and lists of two or more such as DAPI|GFP"
    )


def _positioned(name: str | None, plain: ValueType) -> ValueType:
    if name not in ("row", "column") or plain.kind is not Kind.NUMBER:
        return plain
    return ValueType(name=plain.name, kind=Kind.POSITION, pattern=plain.pattern, open_with=plain.open_with)


def _list(name: str | None, texts: tuple[str, ...]) -> ValueType:
    own = BY_PLACEHOLDER.get(name or "", TEXT).kind if name in ("well", "row", "column") else Kind.TEXT
    return ValueType(name="list", kind=own, pattern=(one_of(texts),), texts=texts)


def _date(source: str) -> ValueType:
    try:
        date = DateFormat.parse(source)
    except ValueError as error:
        raise UnknownType(str(error)) from error
    is_open = date.is_open
    return ValueType(
        name=source,
        kind=Kind.DATE,
        pattern=date.pattern,
        date=date,
        open_with=CharSet.DIGIT if is_open else None,
    )


def _numbered_well(source: str) -> ValueType:
    if "x" in source:
        rows, columns = (int(text) for text in source.split("x"))
    elif int(source) in PLATES:
        rows, columns = PLATES[int(source)]
    else:
        known = ", ".join(map(str, PLATES))
        raise UnknownType(f"no usual plate has {source} wells ({known}): write rows x columns, such as 8x12")
    if not (0 < rows <= 702 and 0 < columns <= 999):
        raise UnknownType(f"a plate of {source} wells can't be")
    return ValueType(
        name=source,
        kind=Kind.WELL_NUMBER,
        pattern=(digits(1, is_open=True),),
        open_with=CharSet.DIGIT,
        plate=(rows, columns),
    )


def read_number(text: str) -> int | None:
    """Read digits; more than 18 are no number that a catalogue could store."""
    return int(text) if re.fullmatch("[0-9]+", text) and len(text.lstrip("0")) <= 18 else None


def read_position(text: str) -> int | None:
    """Read a row or column, a letter or two or a number from 1, as a zero-based index."""
    if re.fullmatch("[A-Z]{1,2}|[a-z]", text):
        return _letters(text.upper())
    number = read_number(text)
    return None if number is None or number < 1 else number - 1


def read_well(text: str) -> tuple[int, int] | None:
    """Read ``B3``, ``B03``, ``AF48`` or ``r02c03`` as zero-based row and column."""
    if found := re.fullmatch("([A-Z]{1,2})([0-9]{1,2})", text):
        row, column = _letters(found[1]), int(found[2]) - 1
    elif found := re.fullmatch("[Rr]([0-9]{1,2})[Cc]([0-9]{1,2})", text):
        row, column = int(found[1]) - 1, int(found[2]) - 1
    else:
        return None
    return (row, column) if row >= 0 and column >= 0 else None


def well_name(well: tuple[int, int]) -> str:
    """Write a zero-based row and column as people do: ``B3``."""
    row, column = well
    letters = ""
    row += 1
    while row:
        row, letter = divmod(row - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return f"{letters}{column + 1}"


def _letters(text: str) -> int:
    index = 0
    for letter in text:
        index = index * 26 + ord(letter) - ord("A") + 1
    return index - 1


def _running_well(number: int | None, plate: tuple[int, int]) -> tuple[int, int] | None:
    rows, columns = plate
    if number is None or not 1 <= number <= rows * columns:
        return None
    return divmod(number - 1, columns)
