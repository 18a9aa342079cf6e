"""Paths as people give them: relative or absolute, through links or not, with odd bytes as they are displayed."""

import os
from collections.abc import Iterable
from pathlib import Path

from catalog.names import undisplay


def asked(path: Path, roots: Iterable[Path]) -> bytes:
    r"""Give the absolute path in raw bytes that somebody means.

    A path that is not there may have been copied from what a command showed, with ``\xNN`` for odd bytes. One that
    lies below no root as it is written is followed through links, so that a linked way to a root works, too.
    """
    raw = _absolute(path)
    if not os.path.lexists(raw):
        raw = _absolute(Path(os.fsdecode(undisplay(str(path)))))
    bases = [os.fsencode(root) for root in roots]
    return raw if _is_below(raw, bases) else _with_real_folder(raw)


def _absolute(path: Path) -> bytes:
    # Not `resolve`: a link is a thing of its own, with a state of its own.
    return os.fsencode(os.path.normpath(Path.cwd() / path))


def _with_real_folder(raw: bytes) -> bytes:
    """Follow the links of the folder, not one at the end."""
    path = Path(os.fsdecode(raw))
    return os.fsencode(path.parent.resolve() / path.name)


def _is_below(raw: bytes, bases: Iterable[bytes]) -> bool:
    return any(raw == base or raw.startswith(base.rstrip(b"/") + b"/") for base in bases)


def below(raw: bytes, root: Path) -> bytes | None:
    """Give a path relative to a root, empty for the root itself; None for one that is not below it."""
    base = os.fsencode(root).rstrip(b"/")
    if raw == base:
        return b""
    return raw[len(base) + 1 :] if raw.startswith(base + b"/") else None
