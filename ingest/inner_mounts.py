"""Knows where file systems are mounted inside a root: one that is unmounted is unavailable, not empty."""

import os
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace

from ingest.folders import GONE, below, open_folder
from ingest.identity import identity_of, is_same, is_same_disk, mount_points, why_another
from ingest.listing import ListingPart, NamesLook

TAKEN_AWAY = "a disk was mounted here, and the folder is gone with it; is it plugged in and mounted?"
UNMOUNTED = "a disk was mounted here, and the folder is empty now; is it mounted?"
_SAMPLE_AT_MOST = 20
_OF_THE_FILE_SYSTEM = b"lost+found"

Known = Mapping[bytes, Mapping[str, object]]


class InnerMounts:
    """The mounts below one root as they were last seen: their identity, and since when they are not there, why.

    Paths are relative to the root. ``known`` is never changed, only replaced: the scanner does so in its thread; the
    loop's reads it, and forgets what a person accepted.
    """

    def __init__(self, root: bytes, known: Known | None = None) -> None:
        self.known: Known = dict(known or {})
        #: Files that lay on them at the end of the last full pass (hex), by which a mount is recognised.
        self.samples: Mapping[bytes, list[str]] = {}
        self._lock = threading.Lock()
        self._root = root
        self._points: frozenset[bytes] = frozenset()
        #: Device and inode of what was last found to be there: what has the same needs no further look.
        self._sure: dict[bytes, tuple[int, int]] = {}

    def look_for_mounts(self, root_fd: int, is_ignored: Callable[[bytes], bool]) -> None:
        """Read what is mounted below the root, before a walk; what was mounted elsewhere in it is followed there.

        That is so when a folder above a mount is renamed, and when a stick is plugged in again at another place. What
        is new is looked at for that only while something known is not mounted where it was.
        """
        self._points = mount_points(os.path.realpath(self._root))
        for new in sorted(self._points - self.known.keys()):
            left = self.known.keys() - self._points
            if left and not is_ignored(new):
                self._follow(root_fd, sorted(left), new)

    def _follow(self, root_fd: int, left: list[bytes], new: bytes) -> None:
        """Know one of the mounts that are no longer where they were at a new place, if it is that."""
        try:
            with open_folder(root_fd, new) as folder:
                now = identity_of(folder, below(self._root, new))
                known = {path: self._known_at(path) or {} for path in left}
                old = next((path for path in left if is_same_disk(folder, known[path], now)), None)
        except OSError:
            return  # the walk says so
        if old is not None:
            self.forget([old])
            self._sure.pop(old, None)
            self.samples = {new if path == old else path: names for path, names in self.samples.items()}
            self._note(new, now | {"sample": known[old].get("sample")})

    def _known_at(self, path: bytes) -> dict[str, object] | None:
        """Give what is known to be mounted at a folder, with the newest files by which it is recognised."""
        known, samples = self.known.get(path), self.samples
        if known is None:
            return None
        return dict(known) | ({"sample": samples[path]} if path in samples else {})

    def why_away(self, folder_fd: int, path: bytes, names: list[bytes]) -> str | None:
        """Say why a folder with these names is not what was mounted there; None when it is, or nothing ever was."""
        known = self._known_at(path)
        if known is None and path not in self._points:
            return None
        sample = tuple(name for name in names if name != _OF_THE_FILE_SYSTEM)[:_SAMPLE_AT_MOST]
        now = identity_of(folder_fd, below(self._root, path), sample)
        away = None if known is None or is_same(known, now) else _why_another(folder_fd, known, now, names)
        if away is not None and known is not None:
            self._sure.pop(path, None)
            self._note(path, known | {"away": away})
        elif path in self._points or (known is not None and is_same(known, now)):
            self._sure[path] = _place(folder_fd)
            self._note(path, now)
        else:  # what lay on the mount lies in the folder itself now
            self.forget([path])
        return away

    def _note(self, path: bytes, identity: Mapping[str, object]) -> None:
        with self._lock:
            if self.known.get(path) != identity:
                self.known = {**self.known, path: identity}

    def forget(self, paths: Collection[bytes]) -> None:
        """Know no longer that something was mounted at these folders."""
        with self._lock:
            self.known = {path: known for path, known in self.known.items() if path not in paths}

    def away(self) -> list[bytes]:
        """Give the folders at which something was mounted that is not there."""
        return [path for path, known in self.known.items() if "away" in known]

    def taken_away(self, path: bytes) -> str | None:
        """Say why a folder that is gone was unmounted rather than removed; None when nothing was mounted there."""
        known = self.known.get(path)
        if known is None:
            return None
        self._sure.pop(path, None)
        self._note(path, dict(known) | {"away": TAKEN_AWAY})
        return TAKEN_AWAY

    def away_at(self, root_fd: int, directory: bytes) -> str | None:
        """Say why what was mounted at a folder, or above it, is not there; None when all is."""
        found = self.first_away(root_fd, directory)
        return None if found is None else found[1]

    def first_away(self, root_fd: int, directory: bytes) -> tuple[bytes, str] | None:
        """Give the first folder, at or above this one, at which something was mounted that is not there, and why."""
        for path in self.known:
            if is_at_or_below(directory, path):
                away = self._away(root_fd, path)
                if away is not None:
                    return path, away
        return None

    def _away(self, root_fd: int, path: bytes) -> str | None:
        try:
            with open_folder(root_fd, path) as folder:
                if self._sure.get(path) == _place(folder):
                    return None
                return self.why_away(folder, path, sorted(os.fsencode(name) for name in os.listdir(folder)))  # noqa: PTH208 - by descriptor
        except OSError as error:
            return self.taken_away(path) if error.errno in GONE else os.strerror(error.errno or 0)

    def gone_below(self, directory: bytes, there: set[bytes]) -> Iterator[ListingPart]:
        """Give the mounts below a folder whose way to them is gone; ``there`` are all its subfolders."""
        for path in list(self.known):
            if path != directory and is_at_or_below(path, directory):
                start = len(directory) + 1 if directory else 0
                if path[start:].partition(b"/")[0] not in there:
                    reason = self.taken_away(path)
                    yield ListingPart(directory=path, low=None, high=None, entries=(), problem=reason)

    def spare(self, root_fd: int, look: NamesLook, is_ignored: Callable[[bytes], bool]) -> NamesLook:
        """Have nothing count as gone that lies on a mount that is not there, or above one."""
        if not look.gone or not self.known:
            return look
        if self.away_at(root_fd, look.directory) is not None:
            self.look_for_mounts(root_fd, is_ignored)
        away = self.away_at(root_fd, look.directory)
        spared = look.gone
        if away is None:
            paths = {name: below(look.directory, name) for name in look.gone}
            spared = frozenset(n for n, p in paths.items() if any(is_at_or_below(one, p) for one in self.known))
        if not spared:
            return look
        return replace(
            look, gone=look.gone - spared, unknown=look.unknown | spared, problem=look.problem or away or TAKEN_AWAY
        )


def is_at_or_below(path: bytes, folder: bytes) -> bool:
    """Tell whether a path is a folder or lies in it; b"" holds all."""
    return not folder or path == folder or path.startswith(folder + b"/")


def _why_another(
    folder_fd: int, known: Mapping[str, object], now: Mapping[str, object], names: list[bytes]
) -> str | None:
    if not names:
        return UNMOUNTED
    other = why_another(folder_fd, known, now)
    return None if other is None else other[0]


def _place(folder_fd: int) -> tuple[int, int]:
    found = os.fstat(folder_fd)
    return found.st_dev, found.st_ino


def mounts_in(identity: Mapping[str, object] | None) -> dict[bytes, Mapping[str, object]]:
    """Read the mounts that are kept with a root's identity."""
    kept = (identity or {}).get("mounts")
    return {bytes.fromhex(path): known for path, known in kept.items()} if isinstance(kept, dict) else {}


def with_mounts(identity: Mapping[str, object], mounts: InnerMounts) -> dict[str, object]:
    """Give a root's identity that keeps these mounts."""
    kept = {}
    for path, known in mounts.known.items():
        sample = mounts.samples.get(path, known.get("sample"))
        kept[path.hex()] = dict(known) | {"sample": sample}
    return dict(identity) | {"mounts": kept}
