"""Files that commands write: made exclusively, never through links, never in a watched folder, whole or not at all."""

import os
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from daemon.errors import Failed

_FORBIDDEN = re.compile(r"[^A-Za-z0-9._-]+")
_NAME_AT_MOST = 100


def safe_name(text: str) -> str:
    """Give a file name made of letters, digits, ``.``, ``_`` and ``-`` only, that is never hidden or empty."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    name = _FORBIDDEN.sub("-", plain).strip("-.")
    return name[:_NAME_AT_MOST].rstrip("-.") or "unnamed"


def chosen_file(target: Path, default_name: str) -> Path:
    """Give the file to write: the target itself, or a file of this (safe) name when the target is a folder."""
    return target / safe_name(default_name) if target.is_dir() else target


def write_new(path: Path, data: bytes, *, watched: Iterable[Path] = (), mode: int = 0o666) -> None:
    """Write a new file; refuse an existing one, a link, and a place below a watched folder.

    What can't be written whole is removed again.
    """
    refuse_watched(path, watched)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, mode)
    except FileExistsError as error:
        raise Failed(f"{path}: there is such a file already; remove it or choose another name") from error
    except OSError as error:
        raise Failed(f"{path}: can't be made: {error.strerror}; choose another folder") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise Failed(f"{path}: can't be written: {error.strerror}") from error


def refuse_watched(path: Path, watched: Iterable[Path]) -> None:
    """Refuse to write a file below a watched folder."""
    folder = path.parent.resolve()
    for root in watched:
        if folder.is_relative_to(root.resolve()):
            raise Failed(f"{path}: nothing is ever written below the watched folder {root}; choose another folder")
