"""Folders that could not be listed, or looked at, whole: they are walked again soon, not only with the next full pass.

Pure; the clock is passed in. A permission that is mended and a server that is back make no event.
"""

from dataclasses import dataclass

from ingest.inner_mounts import is_at_or_below

FIRST_WAIT_S = 5.0
LONGEST_WAIT_S = 600.0
#: More than this is a fault of the whole root, which the next full pass finds mended.
FOLDERS_AT_MOST = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trouble:
    """When to walk a folder again (None: it is ordered), and how long that wait was."""

    again_at_s: float | None
    wait_s: float


class TroubledFolders:
    """The troubled folders of one root, by path."""

    def __init__(self) -> None:
        self._by_path: dict[bytes, _Trouble] = {}

    def failed(self, folder: bytes, now_s: float) -> None:
        """Note that a folder could not be looked at whole; each time in a row it is left alone for twice as long."""
        before = self._by_path.get(folder)
        if before is not None and before.again_at_s is not None:
            return
        if before is None and len(self._by_path) >= FOLDERS_AT_MOST:
            return
        wait_s = FIRST_WAIT_S if before is None else min(2 * before.wait_s, LONGEST_WAIT_S)
        self._by_path[folder] = _Trouble(again_at_s=now_s + wait_s, wait_s=wait_s)

    def listed(self, folder: bytes) -> None:
        """Note that a folder could be listed."""
        self._by_path.pop(folder, None)

    def below(self, folder: bytes) -> list[bytes]:
        """Give this folder and those below it, as far as they are troubled, sorted."""
        return sorted(path for path in self._by_path if is_at_or_below(path, folder))

    def take_due(self, now_s: float) -> list[bytes]:
        """Give the folders that are to be walked now."""
        due = [path for path, one in self._by_path.items() if one.again_at_s is not None and one.again_at_s <= now_s]
        for path in due:
            self._by_path[path] = _Trouble(again_at_s=None, wait_s=self._by_path[path].wait_s)
        return due

    def forget_gone(self) -> None:
        """Drop what was ordered and gave no answer by the end of a full pass: such a folder is gone."""
        self._by_path = {path: one for path, one in self._by_path.items() if one.again_at_s is not None}
