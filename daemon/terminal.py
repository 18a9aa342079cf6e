"""Text for terminals: what comes from outside is escaped, and colour is used only where somebody looks."""

import os
import sys
import unicodedata
from typing import TextIO

#: Unicode categories that a terminal acts upon or that hide or reorder text.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Co", "Cn"})


def escape_line(text: str) -> str:
    r"""Give one line that is safe to print: control, bidi and unprintable characters become ``\n \xNN \uNNNN``.

    A byte that was not UTF-8 (a surrogate of ``surrogateescape``) is shown as ``\xNN``.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_shown, text))


def _shown(character: str) -> str:
    if unicodedata.category(character) not in _UNSAFE:
        return character
    number = ord(character)
    if 0xDC80 <= number <= 0xDCFF:
        return f"\\x{number - 0xDC00:02x}"
    named = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(character)
    if named is not None:
        return named
    if number <= 0xFF:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"


def wants_color(stream: TextIO) -> bool:
    """Say whether colour may be used: on a terminal, unless NO_COLOR is set or the terminal is dumb."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def show_problem(message: str) -> None:
    """Write one line about a problem to standard error."""
    try:
        sys.stderr.write(f"coverslip: {escape_line(message)}\n")
        sys.stderr.flush()
    except (BrokenPipeError, ValueError):
        return
