"""The `ignore:` patterns of a root and the defaults they are added to."""

from collections.abc import Iterable
from typing import Any

import re2

from config.path_text import encoded_text, nfc
from config.templates_compile import compile_expression, matching

#: Hidden files, what programs write beside what they work on, unfinished copies, and what servers and desktops leave.
DEFAULT_PATTERNS = (
    ".*",
    "*.tmp",
    "*.temp",
    "*.part",
    "*.partial",
    "*.filepart",
    "*.crdownload",
    "*.swp",
    "*~",
    "~$*",
    "Thumbs.db",
    "desktop.ini",
    "@eaDir",
    "#recycle",
    "$RECYCLE.BIN",
    "System Volume Information",
    "lost+found",
)


class Ignoring:
    """All ignore patterns of a root, compiled.

    A pattern without a slash is compared with each component of a path, one with a slash with the path from the root
    on; what lies in an ignored folder is ignored. ``*`` and ``?`` stay inside a component, ``**`` does not, ``[a-z]``
    is one of these characters; upper and lower case are alike.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        self._patterns = (*DEFAULT_PATTERNS, *patterns)
        self._each = [compile_expression(_expression(pattern)) for pattern in self._patterns]
        self._any = matching(compile_expression("|".join(f"(?:{_expression(one)})" for one in self._patterns)))

    def pattern_for(self, path: bytes) -> str | None:
        """Find the first pattern that a path (of a file or folder, relative to the root) falls under."""
        encoded = encoded_text(path)
        if self._any(encoded) is None:
            return None
        return next(
            pattern for pattern, regex in zip(self._patterns, self._each, strict=True) if regex.fullmatch(encoded)
        )


def problem_with(pattern: str) -> str | None:
    """Say what is wrong with a pattern, None when nothing is."""
    if not pattern.strip("/"):
        return "an empty pattern ignores nothing"
    if pattern.strip("/") in ("*", "**"):
        return "this ignores everything"
    try:
        compile_expression(_expression(pattern))
    except ValueError as error:
        return str(error)
    return None


def _expression(pattern: str) -> str:
    body = _body(nfc(pattern).strip("/"))
    before = "" if "/" in pattern.rstrip("/") else "(?:.*/)?"
    return f"(?is){before}{body}(?:/.*)?"


def _body(pattern: str) -> str:
    written, at = "", 0
    while at < len(pattern):
        piece, length = _piece(pattern, at)
        written += piece
        at += length
    return written


def _piece(pattern: str, at: int) -> tuple[str, int]:
    for glob, expression in (("**/", "(?:.*/)?"), ("**", ".*"), ("*", "[^/]*"), ("?", "[^/]")):
        if pattern.startswith(glob, at):
            return expression, len(glob)
    end = pattern.find("]", at + 2)
    if pattern[at] == "[" and end > 0:
        inside = pattern[at + 1 : end].replace("\\", "\\\\").replace("[", "\\[")
        negated = inside.startswith(("!", "^"))
        return f"[{'^/' if negated else ''}{inside[1:] if negated else inside}]", end + 1 - at
    return _escaped(pattern[at]), 1


def _escaped(character: str) -> str:
    escaped: Any = re2.escape(character)
    return str(escaped)
