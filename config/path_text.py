r"""Paths as text: what rules are matched against and what people are shown.

A byte that is not UTF-8 becomes ``\xNN``. So that no two paths have the same text, backslashes are doubled where they
stand directly before such a byte or before what looks like one; any other backslash stays as it is.
"""

import re
import unicodedata

#: Backslashes directly before something that is, or looks like, an escaped byte.
_BEFORE_ESCAPE = re.compile(r"(?<!\\)\\++(?=x[0-9A-Fa-f]{2}|[\udc80-\udcff])")
_LONE_BYTE = re.compile(r"[\udc80-\udcff]")
_ESCAPE = re.compile(r"(?<!\\)(\\++)x([0-9A-Fa-f]{2})")


def nfc(text: str) -> str:
    """Compose a text (Unicode NFC)."""
    return unicodedata.normalize("NFC", text)


def path_text(path: bytes) -> str:
    r"""Give a raw path, or part of one, as text: composed, and with ``\xNN`` for bytes that are not UTF-8."""
    if path.isascii() and b"\\" not in path:
        return path.decode("ascii")  # nearly all of them, a million times a scan
    text = nfc(path.decode("utf-8", "surrogateescape"))
    if "\\" in text:
        text = _BEFORE_ESCAPE.sub(lambda found: found[0] * 2, text)
    return _LONE_BYTE.sub(lambda found: f"\\x{ord(found[0]) - 0xDC00:02x}", text)


def encoded_text(path: bytes) -> bytes:
    """Give the text of a raw path in UTF-8, as expressions are compared with it: nearly always the path itself."""
    return path if path.isascii() and b"\\" not in path else path_text(path).encode("utf-8")


def text_path(text: str) -> bytes:
    r"""Give the raw bytes of a text that people wrote or were shown: the inverse of `path_text`, up to NFC."""
    return _ESCAPE.sub(_unescape, text).encode("utf-8", "surrogateescape")


def _unescape(found: re.Match[str]) -> str:
    count = len(found[1])
    if count % 2 == 0:
        return "\\" * (count // 2) + "x" + found[2]
    value = int(found[2], 16)
    if value < 0x80:
        return found[0]
    return "\\" * (count // 2) + chr(0xDC00 + value)
