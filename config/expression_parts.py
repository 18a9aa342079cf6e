"""The parts of a regular expression in RE2's syntax, as far as needed to say at which of them it stops. Pure.

An expression is a row of parts: a character, an escape, a class or a group, each with what may follow it (`*`, `{2}`).
Groups that stand there once and have no alternatives are taken apart.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

#: More parts than this are not told apart.
PARTS_AT_MOST = 400
_CLASS = r"\[\^?\]?(?:\\.|\[:[a-z^]+:\]|[^\]\\])*\]"
_ESCAPE = r"\\(?:[pP]\{[^}]*\}|x\{[0-9A-Fa-f]+\}|x[0-9A-Fa-f]{2}|Q.*?(?:\\E|$)|.)"
_ATOM = re.compile(rf"{_CLASS}|{_ESCAPE}|.", re.DOTALL)
_REPEATED = re.compile(r"(?:[*+?]|\{[0-9]+(?:,[0-9]*)?\})\??")
_OPENING = re.compile(r"\((?:\?(?:P?<(?P<name>\w+)>|(?P<plain>:)|(?P<flags>[a-zA-Z-]+)(?P<ends>[:)])))?")
_FLAGS = re.compile(r"\(\?[a-zA-Z-]+\)")
_BARE = re.compile(r"[^\\\[\](){}.*+?|^$]")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpressionPart:
    """A part as it stands in the expression, from ``offset`` on; ``group`` is the innermost named group around it."""

    source: str
    offset: int
    group: str | None = None

    @property
    def is_literal(self) -> bool:
        """Tell whether it is one plain character."""
        return _BARE.fullmatch(self.source) is not None


def parts_of(expression: str) -> tuple[ExpressionPart, ...] | None:
    """Split an expression that compiles; None where it is one of alternatives, or too long."""
    parts = _row(expression, 0, len(expression), None)
    return None if parts is None or len(parts) > PARTS_AT_MOST else tuple(parts)


def _row(text: str, at: int, end: int, group: str | None) -> list[ExpressionPart] | None:
    """Split what lies between two places; None where it has alternatives."""
    found: list[ExpressionPart] = []
    while at < end:
        if text[at] == "|":
            return None
        if text[at] == "(":
            close = _closing(text, at, end)
            after = _repeats(text, close, end)
            inner = _taken_apart(text, at, close, group) if after == close else None
            found += inner or [ExpressionPart(source=text[at:after], offset=at, group=group)]
            at = after
            continue
        atom = _ATOM.match(text, at, end)
        after = _repeats(text, atom.end() if atom else at + 1, end)
        found.append(ExpressionPart(source=text[at:after], offset=at, group=group))
        at = after
    return found


def _taken_apart(text: str, at: int, close: int, group: str | None) -> list[ExpressionPart] | None:
    """Give what is in a group; None for one that has alternatives, sets flags or is empty."""
    opening = _OPENING.match(text, at)
    if opening is None or opening["flags"]:
        return None
    name = opening["name"] or group
    inner = _row(text, opening.end(), close - 1, name)
    # Flags that are set inside end with the group.
    if inner is not None and not any(_FLAGS.fullmatch(part.source) for part in inner):
        return inner
    return [ExpressionPart(source=text[at:close], offset=at, group=name)]


def _repeats(text: str, at: int, end: int) -> int:
    found = _REPEATED.match(text, at, end)
    return found.end() if found else at


def _closing(text: str, at: int, end: int) -> int:
    """Give the place behind the bracket that closes a group."""
    depth = 0
    while at < end:
        atom = _ATOM.match(text, at, end)
        source = atom[0] if atom else text[at]
        depth += {"(": 1, ")": -1}.get(source, 0)
        at += len(source)
        if not depth:
            return at
    return end


def literal_run(parts: tuple[ExpressionPart, ...], number: int) -> Iterator[ExpressionPart]:
    """Give a part, and the plain characters that go on after it where it is one."""
    yield parts[number]
    for before, part in zip(parts[number:], parts[number + 1 :], strict=False):
        if not (before.is_literal and part.is_literal and before.group == part.group):
            return
        yield part
