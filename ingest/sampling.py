"""Names of files below a folder, every part in turn, as far as a budget goes. Reads names only, follows no link."""

import os
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from config.endings import is_folder_image
from config.ignoring import Ignoring
from ingest.clock import Clock, SystemClock
from ingest.folders import below, open_folder

#: Folders deeper than this are not looked into.
DEEPEST = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How much is looked at: files in all, files of one folder, names of one folder, and seconds."""

    files: int = 50_000
    files_of_a_folder: int = 2_000
    names_of_a_folder: int = 100_000
    seconds: float = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Files by their raw paths relative to the folder. ``is_whole``: there are no others.

    ``folders`` were looked into, ``folders_left`` are known and were not; ``unreadable`` could not be.
    """

    files: tuple[bytes, ...]
    folders: int
    folders_left: int
    unreadable: tuple[bytes, ...]
    is_whole: bool


@dataclass(slots=True)
class _Node:
    """A folder that was found: looked into or not, with its folders still to be looked into, in turn."""

    path: bytes
    depth: int
    is_listed: bool = False
    inner: "deque[_Node]" = field(default_factory=deque)


class _Walk:
    """Goes round: at each step one folder is looked into, and of every folder's folders each has its turn."""

    def __init__(self, root_fd: int, budget: Budget, is_ignored: Callable[[bytes], bool]) -> None:
        self._root_fd = root_fd
        self._budget = budget
        self._is_ignored = is_ignored
        self.files: list[bytes] = []
        self.unreadable: list[bytes] = []
        self.folders = 0
        self.waiting = 1
        self.is_cut = False

    def step(self, root: _Node) -> bool:
        """Look into the next folder; False when there is none left."""
        way: list[_Node] = []
        node = root
        while node.is_listed and node.inner:
            way.append(node)
            node = node.inner[0]
        if node.is_listed:
            return False
        self._look_into(node)
        self._turn(way)
        return bool(root.inner)

    def _turn(self, way: list[_Node]) -> None:
        """Put each folder on the way behind its neighbours, or away when nothing is left in it."""
        for above in reversed(way):
            node = above.inner.popleft()
            if node.inner:
                above.inner.append(node)

    def _look_into(self, node: _Node) -> None:
        node.is_listed = True
        self.waiting -= 1
        try:
            with open_folder(self._root_fd, node.path) as descriptor:
                self._take(node, descriptor)
        except OSError:
            self.unreadable.append(node.path)
            return
        self.folders += 1

    def _take(self, node: _Node, descriptor: int) -> None:
        count = 0
        with os.scandir(descriptor) as entries:
            for number, entry in enumerate(entries):
                if number >= self._budget.names_of_a_folder:
                    self.is_cut = True
                    return
                name = os.fsencode(entry.name)
                path = below(node.path, name)
                if entry.is_symlink() or self._is_ignored(path):
                    continue
                if entry.is_dir(follow_symlinks=False) and not is_folder_image(name):
                    self._note(node, path)
                elif count < self._budget.files_of_a_folder and not self._is_special(entry):
                    count += 1
                    self.files.append(path)
                else:
                    self.is_cut = True

    def _note(self, node: _Node, path: bytes) -> None:
        if node.depth >= DEEPEST:
            self.is_cut = True
            return
        node.inner.append(_Node(path, node.depth + 1))
        self.waiting += 1

    @staticmethod
    def _is_special(entry: "os.DirEntry[str]") -> bool:
        """Tell a pipe, socket or device from what can be an image; the kernel's word in the listing is enough."""
        return not (entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False))


def sample_of(folder: Path, budget: Budget | None = None, *, clock: Clock | None = None) -> Sample:
    """Look at the names below a folder.

    Raises:
        OSError: the folder itself can't be opened.

    """
    budget, clock = budget or Budget(), clock or SystemClock()
    ignoring = Ignoring(())
    root_fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        walk = _Walk(root_fd, budget, lambda path: ignoring.pattern_for(path) is not None)
        ends_at = clock.monotonic() + budget.seconds
        root = _Node(b"", 0)
        goes_on = True
        while goes_on and len(walk.files) < budget.files and clock.monotonic() < ends_at:
            goes_on = walk.step(root)
    finally:
        with suppress(OSError):
            os.close(root_fd)
    return Sample(
        files=tuple(sorted(walk.files)),
        folders=walk.folders,
        folders_left=walk.waiting,
        unreadable=tuple(walk.unreadable),
        is_whole=not goes_on and not walk.is_cut,
    )
