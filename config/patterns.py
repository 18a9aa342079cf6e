"""The small patterns that path templates are made of, and their translation to RE2.

A pattern is a sequence of nodes, matched from left to right; where there is a choice the first way is preferred. There
is no repetition inside a repetition of characters, so a matcher needs at most length times nodes.
"""

import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TypeAlias, assert_never

import re2


class CharSet(StrEnum):
    """Sets of characters, written as RE2 writes them; none holds the slash."""

    ANY = "[^/]"
    DIGIT = "[0-9]"
    WORD = r"[\pL\pM\pN]"
    CAPITAL = "[A-Z]"
    SMALL = "[a-z]"
    HEX = "[0-9A-Fa-f]"
    ROW_COLUMN_R = "[Rr]"
    ROW_COLUMN_C = "[Cc]"


_MEMBERS = {
    CharSet.DIGIT: frozenset("0123456789"),
    CharSet.CAPITAL: frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    CharSet.SMALL: frozenset("abcdefghijklmnopqrstuvwxyz"),
    CharSet.HEX: frozenset("0123456789abcdefABCDEF"),
    CharSet.ROW_COLUMN_R: frozenset("Rr"),
    CharSet.ROW_COLUMN_C: frozenset("Cc"),
}


def has(chars: CharSet, character: str) -> bool:
    """Tell whether a character is in a set."""
    if chars is CharSet.ANY:
        return character != "/"
    if chars is CharSet.WORD:
        return unicodedata.category(character)[0] in "LMN"
    return character in _MEMBERS[chars]


@dataclass(frozen=True, slots=True)
class Text:
    """A text, upper and lower case alike."""

    text: str


@dataclass(frozen=True, slots=True)
class Chars:
    """``low`` to ``high`` (None: any number) characters of a set, as many or as few as will do."""

    chars: CharSet
    low: int
    high: int | None
    is_greedy: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several sequences; an earlier one is preferred."""

    ways: tuple["Sequence", ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A sequence any number of times, as few as will do."""

    body: "Sequence"


@dataclass(frozen=True, slots=True)
class Capture:
    """A sequence whose text is kept in a slot; ``slot`` counts from 0."""

    slot: int
    body: "Sequence"


@dataclass(frozen=True, slots=True)
class PartOf:
    """A sequence that stands for one part of the template, by the part's number (for `explain`)."""

    part: int
    body: "Sequence"


Node: TypeAlias = Text | Chars | Choice | Repeat | Capture | PartOf
Sequence: TypeAlias = tuple[Node, ...]

ONE_FOLDER: Sequence = (Chars(CharSet.ANY, 1, None, True), Text("/"))
WHOLE_FOLDERS: Sequence = (
    Chars(CharSet.ANY, 1, None, True),
    Repeat((Text("/"), Chars(CharSet.ANY, 1, None, True))),
)


def digits(low: int, high: int | None = None, *, is_open: bool = False) -> Chars:
    """Give digits: exactly ``low``, or up to ``high``, or as many as there are."""
    return Chars(CharSet.DIGIT, low, None if is_open else (high or low), True)


def one_of(texts: tuple[str, ...]) -> Choice:
    """Give a list of texts that takes as much as will do: the longest first."""
    return Choice(tuple((Text(text),) if text else () for text in sorted(texts, key=len, reverse=True)))


def to_re2(sequence: Sequence, replace: dict[int, str]) -> str:
    """Write a sequence as RE2; a slot in ``replace`` gets that expression instead of its own."""
    return "".join(_node_to_re2(node, replace) for node in sequence)


def _node_to_re2(node: Node, replace: dict[int, str]) -> str:
    match node:
        case Text():
            return f"(?i:{re2.escape(node.text)})"
        case Chars():
            return node.chars + _count(node.low, node.high) + ("" if node.is_greedy or node.low == node.high else "?")
        case Choice():
            return "(?:" + "|".join(to_re2(way, replace) for way in node.ways) + ")"
        case Repeat():
            return f"(?:{to_re2(node.body, replace)})*?"
        case Capture():
            return replace.get(node.slot) or f"({to_re2(node.body, replace)})"
        case PartOf():
            return to_re2(node.body, replace)
        case _:
            assert_never(node)


def _count(low: int, high: int | None) -> str:
    if high is None:
        return {0: "*", 1: "+"}.get(low, f"{{{low},}}")
    return "" if low == high == 1 else f"{{{low}}}" if low == high else f"{{{low},{high}}}"


#: Characters that stand for all others when two patterns are asked whether they may begin alike.
_PROBES = "".join(map(chr, range(33, 127))) + " éß北µ"
#: Stands for the end of the path, or its beginning when looking backward.
END = ""


def edge(sequence: Sequence, beyond: frozenset[str], *, is_last: bool = False) -> frozenset[str]:
    """Find the characters a sequence may begin with (or end with), ``beyond`` being those of what lies after it."""
    reach = beyond
    for node in sequence if is_last else reversed(sequence):
        reach = _node_edge(node, reach, is_last)
    return reach


@cache
def _probes_in(chars: CharSet) -> frozenset[str]:
    return frozenset(probe for probe in _PROBES if has(chars, probe))


def _node_edge(node: Node, beyond: frozenset[str], is_last: bool) -> frozenset[str]:
    match node:
        case Text():
            character = node.text[-1 if is_last else 0]
            return frozenset({character, character.lower(), character.upper()})
        case Chars():
            own = _probes_in(node.chars)
            return own | beyond if node.low == 0 else own
        case Choice():
            return frozenset().union(*(edge(way, beyond, is_last=is_last) for way in node.ways))
        case Repeat():
            return edge(node.body, frozenset(), is_last=is_last) | beyond
        case Capture() | PartOf():
            return edge(node.body, beyond, is_last=is_last)
        case _:
            assert_never(node)


def has_any(chars: CharSet, characters: frozenset[str]) -> bool:
    """Tell whether a set holds one of these characters (``END`` is in none)."""
    return any(character and has(chars, character) for character in characters)
