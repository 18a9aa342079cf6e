"""Where a character of a text stands in the file: quotes, escapes and folded lines counted."""

import re
from collections.abc import Iterator
from itertools import islice

_BEFORE = re.compile(r"(?:&\S+\s+)?(?:[|>].*(?:\r\n?|\n)( *)|['\"])?")
_ESCAPE = re.compile(r"\\(?:x.{2}|u.{4}|U.{8}|(?:\r\n?|\n)[ \t]*|.)", re.DOTALL)
_FOLD = re.compile(r"[ \t]*(?:(?:\r\n?|\n)[ \t]*)+")
_LINE_END = re.compile(r"\r\n?|\n")


def place_in(written: str, offset: int, line: int, column: int) -> tuple[int, int]:
    """Give line and column of the character at ``offset`` of a text that is ``written`` so from ``line``, ``column``.

    ``written`` is the source with its quotes; lines and columns count from 1, the offset from 0.
    """
    index = next(islice(_indices(written), offset, None), len(written))
    lines = _LINE_END.split(written[:index])
    return line + len(lines) - 1, len(lines[-1]) + (column if len(lines) == 1 else 1)


def _indices(written: str) -> Iterator[int]:
    """Give for each character of the text its index in the source."""
    found = _BEFORE.match(written)
    start = found.end() if found else 0
    if found and found[1] is not None:
        return _in_block(written, start, len(found[1]))
    return _in_line(written, start, written[start - 1 : start])


def _in_block(written: str, at: int, indent: int) -> Iterator[int]:
    """After `|` or `>`: each line begins after the indentation, and a line end is one character."""
    while at < len(written):
        yield at
        end = _LINE_END.match(written, at)
        at = end.end() + indent if end else at + 1


def _in_line(written: str, at: int, quote: str) -> Iterator[int]:
    """With quotes or without: one line end is read as a space, of several all but the first stay."""
    while at < len(written):
        if fold := _FOLD.match(written, at):
            yield from [at] * max(1, len(_LINE_END.findall(fold[0])) - 1)
            at = fold.end()
        elif quote == '"' and (escape := _ESCAPE.match(written, at)):
            if escape[0][1] not in "\r\n":
                yield at
            at = escape.end()
        else:
            yield at
            at += 2 if quote == "'" and written.startswith("''", at) else 1
