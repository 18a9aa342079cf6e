"""Dates and times in names: formats such as ``%Y%m%d_%H%M``, with fixed widths and English month names."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from config.patterns import Node, Sequence, Text, digits, one_of

_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December")  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SHORT_MONTHS = tuple(name[:3] for name in _MONTHS)
_SHORT_DAYS = tuple(name[:3] for name in _DAYS)

#: How many digits each directive takes.
_WIDTHS = {"Y": 4, "y": 2, "m": 2, "d": 2, "H": 2, "I": 2, "M": 2, "S": 2, "j": 3}
_LISTS = {"b": _SHORT_MONTHS, "B": _MONTHS, "a": _SHORT_DAYS, "A": _DAYS, "p": ("AM", "PM")}
#: A year that stands in when the format has none; a leap year, so that 29 February can be read.
_NO_YEAR = 2000
#: What each directive of an output must find in the format that was read: one letter of each group.
_NEEDS = {
    "Y": ("yY",), "y": ("yY",), "m": ("mbBj",), "b": ("mbBj",), "B": ("mbBj",), "d": ("dj",), "j": ("dj", "mbBj"),
    "H": ("HI",), "I": ("HI",), "p": ("HI",), "M": ("M",), "S": ("S",), "f": ("f",),
    "a": ("yY", "mbBj", "dj"), "A": ("yY", "mbBj", "dj"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class DateFormat:
    """A format to read: ``pattern`` is what it matches, ``reader`` finds the fields, ``directives`` their letters."""

    source: str
    pattern: Sequence
    reader: re.Pattern[str]
    directives: tuple[str, ...]

    @property
    def is_open(self) -> bool:
        """Tell whether it ends in digits of open length (``%f``)."""
        return self.source.endswith("%f")

    @classmethod
    def parse(cls, source: str) -> "DateFormat":
        """Parse a format.

        Raises:
            ValueError: a directive is unknown or stands twice; the message says which.

        """
        nodes: list[Node] = []
        fields: list[str] = []
        expression = ""
        for piece in re.findall("%.|[^%]+|%", source, re.DOTALL):
            if not piece.startswith("%") or piece == "%%":
                literal = "%" if piece == "%%" else piece
                nodes.append(Text(literal))
                expression += re.escape(literal)
                continue
            letter = piece[1:]
            if letter in fields:
                raise ValueError(f"%{letter} stands twice in the date format '{source}'")
            node = _node(letter, source)
            nodes.append(node)
            fields.append(letter)
            expression += f"({_expression(letter)})"
        return cls(source, tuple(nodes), re.compile(expression, re.IGNORECASE | re.DOTALL), tuple(fields))

    def read(self, text: str) -> datetime | None:
        """Read a text; None when there is no such date (13th month, 30 February, Monday the wrong day)."""
        found = self.reader.fullmatch(text)
        if found is None:
            return None
        fields = dict(zip(self.directives, found.groups(), strict=True))
        try:
            return _build(fields)
        except (ValueError, OverflowError):
            return None

    def missing_for(self, output: str) -> str | None:
        """Find the first directive of an output format that this date can't answer."""
        for letter in re.findall("%(.)", output.replace("%%", "")):
            groups = _NEEDS.get(letter)
            if groups is None or not all(set(group) & set(self.directives) for group in groups):
                return f"%{letter}"
        return None


def _node(letter: str, source: str) -> Node:
    if letter in _WIDTHS:
        return digits(_WIDTHS[letter])
    if letter == "f":
        return digits(1, 6)
    if letter in _LISTS:
        return one_of(_LISTS[letter])
    known = " ".join(f"%{known}" for known in (*_WIDTHS, "f", *_LISTS))
    raise ValueError(f"'%{letter}' in '{source}' is not a part of a date that can be read: there are {known}")


def _expression(letter: str) -> str:
    if letter in _WIDTHS:
        return f"[0-9]{{{_WIDTHS[letter]}}}"
    return "[0-9]{1,6}" if letter == "f" else "|".join(_LISTS[letter])


def _build(fields: dict[str, str]) -> datetime:
    year = int(fields["Y"]) if "Y" in fields else _short_year(fields["y"]) if "y" in fields else _NO_YEAR
    date = datetime(  # noqa: DTZ001 - a date in a name says nothing of its time zone
        year,
        _month(fields),
        int(fields.get("d", 1)),
        _hour(fields),
        int(fields.get("M", 0)),
        int(fields.get("S", 0)),
        int(fields.get("f", "0").ljust(6, "0")),
    )
    if "j" in fields:
        date = _day_of_year(date, int(fields["j"]), fields)
    _check_weekday(date, fields)
    return date


def _short_year(text: str) -> int:
    return int(text) + (1900 if int(text) >= 69 else 2000)


def _month(fields: dict[str, str]) -> int:
    if "m" in fields:
        return int(fields["m"])
    name = fields.get("b") or fields.get("B")
    return 1 if name is None else _SHORT_MONTHS.index(name[:3].capitalize()) + 1


def _hour(fields: dict[str, str]) -> int:
    if "H" in fields or "I" not in fields:
        return int(fields.get("H", 0))
    hour = int(fields["I"])
    if not 1 <= hour <= 12:
        raise ValueError("an hour of twelve")
    return hour % 12 + (12 if fields.get("p", "").upper() == "PM" else 0)


def _day_of_year(date: datetime, day: int, fields: dict[str, str]) -> datetime:
    if fields.keys() & {"d", "m", "b", "B"}:
        is_same = date.timetuple().tm_yday == day
        if not is_same:
            raise ValueError("two different days")
        return date
    found = date.replace(month=1, day=1) + timedelta(days=day - 1)
    if day < 1 or found.year != date.year:
        raise ValueError("no such day of the year")
    return found


def _check_weekday(date: datetime, fields: dict[str, str]) -> None:
    name = fields.get("a") or fields.get("A")
    has_date = ("Y" in fields or "y" in fields) and (fields.keys() & {"d", "j"})
    if name and has_date and _SHORT_DAYS[date.weekday()] != name[:3].capitalize():
        raise ValueError("another day of the week")


def write(date: datetime, output: str) -> str:
    """Write a date in an output format; month names are English whatever the machine's language."""
    day = _DAYS[date.weekday()]
    names = {
        "a": day[:3],
        "A": day,
        "b": _SHORT_MONTHS[date.month - 1],
        "B": _MONTHS[date.month - 1],
        "p": "AM" if date.hour < 12 else "PM",
    }
    numbers = {
        "Y": f"{date.year:04d}", "y": f"{date.year % 100:02d}", "m": f"{date.month:02d}", "d": f"{date.day:02d}",
        "H": f"{date.hour:02d}", "I": f"{(date.hour - 1) % 12 + 1:02d}", "M": f"{date.minute:02d}",
        "S": f"{date.second:02d}", "f": f"{date.microsecond:06d}", "j": f"{date.timetuple().tm_yday:03d}", "%": "%",
    }  # fmt: skip
    return re.sub("%(.)", lambda found: (names | numbers)[found[1]], output)
