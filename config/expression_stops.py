"""Where a regular expression stops at a path: the longest row of its parts that the path begins with."""

from dataclasses import dataclass
from typing import Any

import re2

from config.expression_parts import ExpressionPart, literal_run, parts_of
from config.path_text import nfc
from config.templates_compile import CompiledExpression, PathView, options

_SHOWN = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpressionStop:
    """The part that is not in the path (None: all are, and the path goes on), by its offset; what was read before."""

    part: ExpressionPart | None
    offset: int
    path_offset: int
    message: str


def expression_stop(matcher: CompiledExpression, view: PathView) -> ExpressionStop | None:
    """Say at which part an expression stops that does not match; None where it can't be told.

    A path that begins with a row of parts begins with every shorter one, so that few of them have to be tried.
    """
    parts = parts_of(matcher.source)
    if not parts:
        return None
    low, high, reached = 0, len(parts), 0
    while low < high:
        middle = (low + high + 1) // 2
        end = _reach(parts, middle, view)
        if end is None:
            high = middle - 1
        else:
            low, reached = middle, end
    return _told(matcher.source, parts, low, len(view.piece(0, reached)), view)


def _reach(parts: tuple[ExpressionPart, ...], count: int, view: PathView) -> int | None:
    """Give how far the first parts reach into the path at most, in bytes; None where it does not begin with them."""
    row = "".join(part.source for part in parts[:count])
    longest = options()
    longest.longest_match = True
    try:
        expression: Any = re2.compile(nfc(row).encode("utf-8"), longest)
    except (re2.error, UnicodeEncodeError):
        return None
    found = expression.match(view.encoded)
    return None if found is None else int(found.end())


def _told(source: str, parts: tuple[ExpressionPart, ...], count: int, at: int, view: PathView) -> ExpressionStop:
    rest = _short(view.text[at:])
    if count == len(parts):
        message = f"the expression ends here, and the path goes on with '{rest}'"
        return ExpressionStop(part=None, offset=len(source), path_offset=at, message=message)
    run = list(literal_run(parts, count))
    written = _short("".join(part.source for part in run))
    group = f" of group '{run[0].group}'" if run[0].group else ""
    finds = f"finds '{rest}'" if rest else "the path ends"
    read = f"; before it: '{_short(view.text[:at])}'" if at else ""
    return ExpressionStop(
        part=run[0], offset=run[0].offset, path_offset=at, message=f"stops at {written}{group}: {finds}{read}"
    )


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
