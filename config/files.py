"""Reading the configuration's files: only those that nobody but their owner and group can change.

What is read is remembered, so that the last good configuration can be read again from memory (`KeptFiles`).
"""

import contextlib
import errno
import glob
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from config.problems import Problem, Severity, problem_at
from config.source import LARGEST_FILE_BYTES, Place

MOST_INCLUDED_FILES = 1000
_REASONS = {errno.ENOENT: "does not exist", errno.EACCES: "may not be read", errno.EPERM: "may not be read"}


class UnreadableError(Exception):
    """A file of the configuration can't be used; the message is half a sentence about it, ``hint`` what to do."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        self.hint = hint
        super().__init__(message)


class Files(Protocol):
    """Where the texts of a configuration come from; ``texts`` holds what was read."""

    @property
    def texts(self) -> dict[Path, bytes]:
        """Give what was read so far."""

    @property
    def expansions(self) -> dict[tuple[Path, str], tuple[Path, ...]]:
        """Give the files that the patterns named so far, by folder and pattern."""

    def read(self, path: Path) -> bytes:
        """Give a file's bytes. Raises UnreadableError."""

    def expand(self, folder: Path, pattern: str) -> tuple[Path, ...]:
        """Give the files that a pattern of ``include:`` names, sorted. Raises UnreadableError."""


@dataclass(slots=True)
class DiskFiles:
    """Reads from the disk and remembers. Refuses what everybody may write; notes what a group may write."""

    texts: dict[Path, bytes] = field(default_factory=dict)
    expansions: dict[tuple[Path, str], tuple[Path, ...]] = field(default_factory=dict)
    loose: list[Problem] = field(default_factory=list)

    def read(self, path: Path) -> bytes:
        """Give a file's bytes, at most a little more than is allowed. Raises UnreadableError."""
        if path not in self.texts:
            self.texts[path] = self._read(path)
        return self.texts[path]

    def expand(self, folder: Path, pattern: str) -> tuple[Path, ...]:
        """List the files in the order of their names; hidden ones are not meant. Raises UnreadableError."""
        whole = folder / pattern
        if not glob.has_magic(pattern):
            found: tuple[Path, ...] = (whole,)
        else:
            if not glob.has_magic(str(whole.parent)) and not whole.parent.is_dir():
                raise UnreadableError(f"the folder {whole.parent} does not exist", "make it, or remove the include")
            names = glob.glob(pattern, root_dir=folder)  # noqa: PTH207 - Path.glob takes hidden files, too
            found = tuple(folder / name for name in sorted(names) if not (folder / name).is_dir())
        if len(found) > MOST_INCLUDED_FILES:
            raise UnreadableError(f"{pattern} names {len(found)} files, {MOST_INCLUDED_FILES} are allowed")
        self.expansions[folder, pattern] = found
        return found

    def _read(self, path: Path) -> bytes:
        self._check_folders(path)
        try:
            with open(path, "rb", opener=_opener) as opened:
                found = os.fstat(opened.fileno())
                if not stat.S_ISREG(found.st_mode):
                    raise UnreadableError(f"{path} is not a file")
                self._check_mode(path, found.st_mode)
                return opened.read(LARGEST_FILE_BYTES + 1)
        except IsADirectoryError:
            raise UnreadableError(f"{path} is not a file") from None
        except (OSError, ValueError) as error:
            raise UnreadableError(f"{path} {_reason(error)}") from None

    def _check_folders(self, path: Path) -> None:
        """Refuse where somebody else could put another file, or another link, in this one's place."""
        folders = dict.fromkeys((Path(os.path.realpath(path.parent)), Path(os.path.realpath(path)).parent))
        for folder in folders:
            self._check_above(path, folder)

    def _check_above(self, path: Path, folder: Path) -> None:
        for number, above in enumerate((folder, *folder.parents)):
            try:
                found = above.stat()
            except OSError:
                continue
            if found.st_mode & stat.S_IWOTH and (number == 0 or not found.st_mode & stat.S_ISVTX):
                raise UnreadableError(
                    f"{path} lies in {above}, where everybody may write", out_of_reach(path, above, found)
                )
            if number == 0:
                self._note_group(path, above, found.st_mode)

    def _check_mode(self, path: Path, mode: int) -> None:
        if mode & stat.S_IWOTH:
            raise UnreadableError(f"everybody may write {path}", f"chmod o-w {path}")
        self._note_group(path, path, mode)

    def _note_group(self, path: Path, what: Path, mode: int) -> None:
        if mode & stat.S_IWGRP:
            message = f"a whole group may write {what}, and with it decide whose data is whose"
            start = Place(str(path), 1, 1)
            self.loose.append(problem_at(start, "", message, f"chmod g-w {what}", severity=Severity.WARNING))


@dataclass(frozen=True, slots=True)
class KeptFiles:
    """Files as they were once: what the last good configuration is read from."""

    texts: dict[Path, bytes]
    expansions: dict[tuple[Path, str], tuple[Path, ...]]

    def read(self, path: Path) -> bytes:
        """Give a file's bytes as they were. Raises UnreadableError."""
        try:
            return self.texts[path]
        except KeyError:
            raise UnreadableError(f"{path} was not kept") from None

    def expand(self, folder: Path, pattern: str) -> tuple[Path, ...]:
        """Give the files that were there then. Raises UnreadableError."""
        try:
            return self.expansions[folder, pattern]
        except KeyError:
            raise UnreadableError(f"{folder / pattern} was not kept") from None


def out_of_reach(path: Path, folder: Path, found: os.stat_result) -> str:
    """Say how a file gets out of everybody's reach that lies below a folder where everybody may write.

    A folder that is meant to be everybody's (sticky, like /tmp), or is somebody else's, stays as it is.
    """
    owners = {os.geteuid()}
    with contextlib.suppress(OSError, ValueError):
        owners.add(path.stat().st_uid)
    if found.st_mode & stat.S_ISVTX or found.st_uid not in owners:
        return "move the file to a folder of your own, where nobody else may write"
    return f"chmod o-w {folder}"


def _opener(path: str, flags: int) -> int:
    """Open without waiting for somebody who writes to a pipe."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)


def _reason(error: Exception) -> str:
    code = error.errno if isinstance(error, OSError) else None
    return _REASONS.get(code or 0) or f"can't be read: {os.strerror(code) if code else error}"


def unreadable(place: Place, key: str, error: UnreadableError) -> Problem:
    """Make the problem for a file that is named at a place."""
    return problem_at(place, key, str(error), error.hint)
