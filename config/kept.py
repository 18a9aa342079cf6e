"""The last good configuration on the disk: all its texts in one file that appears whole or not at all."""

import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from config.files import KeptFiles

FORMAT = 1
LARGEST_BYTES = 64_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The texts by path (what is not UTF-8 as surrogates), and what the patterns of ``include:`` named."""

    file: str
    texts: dict[str, str]
    patterns: tuple[tuple[str, str, tuple[str, ...]], ...] = ()

    def as_files(self) -> KeptFiles:
        """Give the texts in the way the loader reads files."""
        texts = {Path(path): text.encode("utf-8", "surrogateescape") for path, text in self.texts.items()}
        expansions = {(Path(folder), pattern): tuple(map(Path, found)) for folder, pattern, found in self.patterns}
        return KeptFiles(texts, expansions)


def keep(path: Path, kept: Kept) -> None:
    """Write the file with mode 0600: beside its place, synced, then renamed, and the folder synced. Raises OSError."""
    document = {"format": FORMAT, "file": kept.file, "texts": kept.texts, "patterns": kept.patterns}
    data = json.dumps(document, ensure_ascii=True).encode("ascii")
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            os.fchmod(opened.fileno(), 0o600)
            opened.write(data)
            opened.flush()
            os.fsync(opened.fileno())
        beside.rename(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_kept(path: Path) -> Kept | None:
    """Read the file; None when it is not there, not ours, or not what was written."""
    try:
        with open(path, "rb", opener=_opener) as opened:
            mode = os.fstat(opened.fileno()).st_mode
            if not stat.S_ISREG(mode) or mode & stat.S_IWOTH:
                return None
            return _from_json(json.loads(opened.read(LARGEST_BYTES)))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)


def _from_json(document: dict[str, object]) -> Kept | None:
    if document["format"] != FORMAT:
        return None
    texts, patterns = document["texts"], document["patterns"]
    if not isinstance(texts, dict) or not isinstance(patterns, list):
        return None
    return Kept(
        file=str(document["file"]),
        texts={str(path): str(text) for path, text in texts.items()},
        patterns=tuple((str(f), str(p), tuple(map(str, found))) for f, p, found in patterns),
    )
