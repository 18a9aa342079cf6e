"""Names and paths as raw bytes, as text that loses nothing, and their hash for unique indexes."""

import hashlib
import re

_SHOWN_BYTE = re.compile(r"\\x([0-9a-fA-F]{2})")
_AMBIGUOUS = re.compile(r"\\(?=x[0-9a-fA-F]{2})")


def display(raw: bytes) -> str:
    r"""Give the text of a name or path: UTF-8 as it is, any other byte as ``\xNN``.

    A backslash that would read as such an escape is itself shown as ``\x5c``, so that `undisplay` gives the same
    bytes back. Control characters stay: printing safely is the printer's task.
    """
    text = raw.decode("utf-8", "surrogateescape")
    escaped = _AMBIGUOUS.sub(r"\\x5c", text)
    return "".join(f"\\x{ord(c) - 0xDC00:02x}" if "\udc80" <= c <= "\udcff" else c for c in escaped)


def undisplay(text: str) -> bytes:
    """Give the bytes of a displayed name; what a shell passed (surrogates) is understood, too."""
    parts = _SHOWN_BYTE.split(text)
    encoded = [part.encode("utf-8", "surrogateescape") for part in parts[::2]]
    shown = [bytes.fromhex(part) for part in parts[1::2]]
    return b"".join(a + b for a, b in zip(encoded, [*shown, b""], strict=True))


def path_hash(path: bytes) -> bytes:
    """Give the 16-byte blake2b of a path relative to its root, for unique indexes and events."""
    return hashlib.blake2b(path, digest_size=16).digest()


def well_name(row: int, column: int) -> str:
    """Name a well as people do, from zero-based indices: (1, 2) is "B3", (26, 0) is "AA1"."""
    letters = ""
    rest = row + 1
    while rest:
        rest, digit = divmod(rest - 1, 26)
        letters = chr(ord("A") + digit) + letters
    return f"{letters}{column + 1}"


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Give a sorting key in which digits compare as numbers: "P2" comes before "P10"."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name)
    return tuple(_number_key(part) if part[0] in "0123456789" else (1, 0, part.casefold()) for part in parts)


def _number_key(digits: str) -> tuple[int, int, str]:
    # By length, then by text: like the number, without a limit to its length.
    stripped = digits.lstrip("0")
    return 0, len(stripped), stripped
