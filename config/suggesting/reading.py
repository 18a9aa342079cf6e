"""What single names say: wells, numbers with a letter before them, stains, GUIDs, each with its place in the text."""

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from config.suggesting.vocabulary import CHANNEL_WORDS, PREFIXES, Role

_GUID = r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}"
_MASK = "\0"
#: Rows to AF, columns to 48: the largest plates.
_WELL = r"(?:A[A-F]|[A-P])(?:0[1-9]|[1-4][0-9]|[1-9])|[Rr][0-9]{2}[Cc][0-9]{2}"
_WELL_NUMBER = r"(?P<prefix>W|(?:[Ww]ell|[Pp]uits|[Mm]ulde)[_\- ]?)(?P<value>[0-9]{3,5})"
_BY_PREFIX = {prefix: role for role, prefixes in PREFIXES.items() for prefix in prefixes.split()}
_LETTERS = "|".join(prefix for prefix in _BY_PREFIX if len(prefix) == 1)
_WORDS = "|".join(sorted((prefix for prefix in _BY_PREFIX if len(prefix) > 1), key=len, reverse=True))
_PREFIX = rf"(?:{_LETTERS})[_=]?|(?:{_WORDS})[_=\- ]?"
_CHANNELS = "|".join(re.escape(word) for word in sorted(CHANNEL_WORDS, key=len, reverse=True))
#: A number goes on neither in digits nor, unless a further letter and number follow, in letters.
_NUMBER_ENDS = r"(?=$|[^0-9A-Za-z]|[A-Za-z]{1,4}[0-9])"

#: A tile's row and column: no channel is meant.
_TILE = re.compile(
    r"(?<![A-Za-z])(?:row|r)[_\-]?[0-9]{1,4}[_\- ]+(?:col|column|c)[_\-]?[0-9]{1,4}(?![0-9A-Za-z])", re.IGNORECASE
)

#: In the order in which they take their part of a name.
_READERS = (
    (Role.GUID, re.compile(rf"(?P<prefix>)(?P<value>{_GUID})")),
    (Role.WELL, re.compile(rf"(?<![A-Za-z0-9])(?P<prefix>)(?P<value>{_WELL})(?=$|[^A-Za-z0-9]|[a-z]{{1,2}}[0-9])")),
    (Role.WELL_NUMBER, re.compile(rf"(?<![A-Za-z0-9]){_WELL_NUMBER}(?=$|[^0-9A-Za-z]|F[0-9])")),
    (None, re.compile(rf"(?<![A-Za-z])(?P<prefix>{_PREFIX})(?P<value>[0-9]{{1,9}}){_NUMBER_ENDS}", re.IGNORECASE)),
    (Role.CHANNEL, re.compile(rf"(?<![A-Za-z0-9])(?P<prefix>)(?P<value>{_CHANNELS})(?![A-Za-z0-9])", re.IGNORECASE)),
)
_WELL_FOLDER = re.compile(rf"(?P<prefix>(?:well|mulde|puits)[_\- ]?)(?P<value>{_WELL})", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """A value in a name with the text before it (``prefix``); ``start`` is the prefix's, ``end`` the value's place.

    ``value`` are digits, a well, a stain or a GUID, as they stand there.
    """

    role: Role
    prefix: str
    value: str
    start: int
    end: int

    @property
    def value_start(self) -> int:
        """Give where the value begins."""
        return self.end - len(self.value)

    @property
    def is_number(self) -> bool:
        """Tell whether the value is a number (a stain such as 488 is a word)."""
        return self.value.isdecimal() and bool(self.prefix)


def elements_of(text: str) -> tuple[Element, ...]:
    """Read a name, or several joined by slashes; elements in their order, none overlapping."""
    found: list[Element] = []
    masked = _TILE.sub(lambda tile: _MASK * len(tile[0]), text)
    for role, expression in _READERS:
        for match in expression.finditer(masked):
            prefix, value = match["prefix"], match["value"]
            meant = role or _BY_PREFIX[prefix.rstrip("_=- ").lower()]
            if role is Role.WELL and any(element.role is Role.WELL for element in found):
                continue
            found.append(Element(role=meant, prefix=prefix, value=value, start=match.start(), end=match.end()))
            masked = masked[: match.start()] + _MASK * (match.end() - match.start()) + masked[match.end() :]
    return _planes(sorted(found, key=lambda element: element.start))


def _planes(elements: list[Element]) -> tuple[Element, ...]:
    """Read the `p` of `f02p01` as a plane: the field was said already."""
    planes = list(elements)
    for number, (before, element) in enumerate(pairwise(elements), 1):
        if (before.role, element.role, element.prefix.lower()) == (Role.FIELD, Role.FIELD, "p"):
            planes[number] = replace(element, role=Role.Z)
    return tuple(planes)


@lru_cache(maxsize=4096)
def as_whole(folder: str) -> Element | None:
    """Read a folder whose whole name is one element: `TimePoint_1`, `z003`, `B07`, `Well_B07`; None for others."""
    named = _WELL_FOLDER.fullmatch(folder)
    if named:
        return Element(role=Role.WELL, prefix=named["prefix"], value=named["value"], start=0, end=len(folder))
    found = elements_of(folder)
    is_whole = len(found) == 1 and (found[0].start, found[0].end) == (0, len(folder))
    return found[0] if is_whole and found[0].role is not Role.GUID else None


def as_dimension(well: Element) -> Element | None:
    """Read `C01`, taken for a well, as channel 1; None where its letter counts nothing."""
    letter, number = well.value[0], well.value[1:]
    role = _BY_PREFIX.get(letter.lower())
    if role is None or not number.isdecimal():
        return None
    return Element(role=role, prefix=letter, value=number, start=well.start, end=well.end)
