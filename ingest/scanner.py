"""Walks one root by directory descriptors, in a thread of its own, so that a hung share stops nobody else."""

import logging
import os
import queue
import stat
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from config.endings import is_folder_image
from ingest.folders import GONE, below, open_folder, open_root
from ingest.identity import identity_of
from ingest.inner_mounts import InnerMounts, mounts_in
from ingest.int64 import HIGHEST, LOWEST, signed64, wrapped64
from ingest.listing import Entry, EntryKind, ListingPart, LookOrder, NamesLook, PassEnded, RootLost, WalkOrder

log = logging.getLogger(__name__)

#: Names of one directory that are looked at, compared and committed together.
PART_NAMES = 1000
#: So many names are listed before the loop has to take them: memory stays bounded however large the root is. Until it
#: has done with them nothing more is listed. Two threads that each let the other go on at every row and every stat cost
#: more than the rows and stats do.
NAMES_AHEAD = 8000
#: What a part counts for beside its names.
PART_COUNTS_FOR = 20
#: How names are made bytes again, as `os.fsencode` does.
_CODE, _ERRORS = sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()
#: Makes an entry of its fields in order: in half the time that a call with names takes, a million times a scan.
_new = tuple.__new__
#: The bits of a mode that say what kind of thing it is (what `stat.S_IFMT` gives).
_KIND_BITS = 0o170000
_KINDS = {
    stat.S_IFREG: EntryKind.FILE,
    stat.S_IFLNK: EntryKind.SYMBOLIC_LINK,
    stat.S_IFIFO: EntryKind.FIFO,
    stat.S_IFSOCK: EntryKind.SOCKET,
    stat.S_IFBLK: EntryKind.DEVICE,
    stat.S_IFCHR: EntryKind.DEVICE,
}

Seen = ListingPart | PassEnded | RootLost


def look_at(folder_fd: int, name: bytes) -> Entry | None:
    """Stat one name without following a link; gives the entry, or None for a directory. Raises OSError."""
    found = os.stat(name, dir_fd=folder_fd, follow_symlinks=False)
    kind = _KINDS.get(found.st_mode & _KIND_BITS)
    if kind is None:
        if not is_folder_image(name):
            return None
        kind = EntryKind.FOLDER_IMAGE
    mtime_ns, ctime_ns, inode = found.st_mtime_ns, found.st_ctime_ns, found.st_ino
    if not (LOWEST <= mtime_ns <= HIGHEST and LOWEST <= ctime_ns <= HIGHEST and inode <= HIGHEST):
        mtime_ns, ctime_ns, inode = signed64(mtime_ns), signed64(ctime_ns), wrapped64(inode)
    fields = (name, found.st_size, mtime_ns, ctime_ns, inode, found.st_uid, found.st_gid, kind)
    return _new(Entry, fields)


class RootScanner:
    """Looks at one root as it is ordered to. Answers to looks go before the parts of a walk.

    ``expected`` is the identity that the root must have; the owner sets it before it orders. ``identity`` is the last
    one that was kept, with the mounts inside the root. ``answers`` holds (order, look) pairs and each sets ``wake``;
    what a walk gives is had with `take_parts`.
    """

    def __init__(
        self,
        name: str,
        path: bytes,
        *,
        is_ignored: Callable[[bytes], bool],
        wake: threading.Event,
        identity: Mapping[str, object] | None = None,
    ) -> None:
        self.path = path
        self.is_ignored = is_ignored
        self.expected: Mapping[str, object] | None = None
        self.mounts = InnerMounts(path, mounts_in(identity))
        self.answers: queue.SimpleQueue[tuple[LookOrder, NamesLook | RootLost]] = queue.SimpleQueue()
        self.parts: queue.SimpleQueue[Seen] = queue.SimpleQueue()
        #: What was listed since the loop had done with all before.
        self._ahead = 0
        self._may_go_on = threading.Event()
        self._orders: queue.SimpleQueue[LookOrder | WalkOrder | None] = queue.SimpleQueue()
        self._short_walks: deque[WalkOrder] = deque()
        self._full_walks: deque[WalkOrder] = deque()
        self._is_walking = False
        #: Numbers of walks that have begun: what they list may be older than what is asked for now.
        self.begun: set[int] = set()
        #: Why the root that was opened last is another one than expected.
        self._other: str | None = None
        self._wake = wake
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"scan-{name}", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, within_s: float) -> bool:
        """Ask the thread to end and wait; False when it hangs in the file system (it then dies with the process)."""
        self._stop.set()
        self._orders.put(None)
        if self._thread.ident is None:
            return True
        self._thread.join(within_s)
        return not self._thread.is_alive()

    def look(self, order: LookOrder) -> None:
        """Order a look at single names."""
        self._orders.put(order)

    def take_parts(self) -> list[Seen]:
        """Take all that was listed; to ask when there is nothing lets a walk that waited go on."""
        taken: list[Seen] = []
        while not self.parts.empty():
            taken.append(self.parts.get_nowait())
        if not taken:
            self._may_go_on.set()
        return taken

    def walk(self, order: WalkOrder) -> None:
        """Order a walk; it begins when the walks of its kind before it have ended."""
        self._orders.put(order)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._serve(self._orders.get())
            self._serve_waiting()
            while not self._stop.is_set() and (self._short_walks or self._full_walks):
                self._walk((self._short_walks or self._full_walks).popleft())
                self._serve_waiting()

    def _serve(self, order: LookOrder | WalkOrder | None) -> None:
        match order:
            case LookOrder():
                self._answer(order)
            case WalkOrder(is_full=True):
                self._full_walks.append(order)
            case WalkOrder():
                self._short_walks.append(order)
            case None:
                pass

    def _serve_waiting(self) -> None:
        while not self._stop.is_set():
            try:
                self._serve(self._orders.get_nowait())
            except queue.Empty:
                return

    def _serve_between(self) -> None:
        """Between the parts of a full walk: looks, then short walks; these are not interrupted by others."""
        self._serve_waiting()
        while self._is_walking and self._short_walks and not self._stop.is_set():
            self._is_walking = False
            try:
                self._walk(self._short_walks.popleft())
            finally:
                self._is_walking = True

    def _answer(self, order: LookOrder) -> None:
        try:
            answer = self._look(order)
        except Exception as error:  # the boundary of the thread: it must go on
            log.exception("look_failed")
            answer = RootLost(reason=f"the root can't be looked at: {error}")
        self.answers.put((order, answer))
        self._wake.set()

    def _look(self, order: LookOrder) -> NamesLook | RootLost:
        with self._open_root() as root:
            if isinstance(root, RootLost):
                return root
            look = _look_below(root, order)
            if self._other is not None:  # what is not in another root may be in this one yet
                return replace(look, gone=frozenset(), unknown=look.unknown | look.gone)
            return self.mounts.spare(root, look, self.is_ignored)

    @contextmanager
    def _open_root(self) -> Iterator[int | RootLost]:
        with open_root(self.path, self.expected) as (root, other):
            self._other = other
            yield root

    def _walk(self, order: WalkOrder) -> None:
        self.begun.add(order.number)
        failure = other = None
        identity: dict[str, object] = {}
        try:
            with self._open_root() as root:
                if isinstance(root, RootLost):
                    self._put(root)
                    failure = root.reason
                else:
                    other = self._other
                    identity = identity_of(root, self.path)
                    self._walk_below(root, order)
        except Exception as error:  # the boundary of the thread: it must go on
            log.exception("walk_failed")
            failure = f"the walk broke off: {error}"
        self._put(
            PassEnded(
                number=order.number,
                directory=order.directory,
                is_full=order.is_full,
                identity=identity,
                failure="the walk was stopped" if self._stop.is_set() else failure,
                other=other,
            )
        )

    def _walk_below(self, root_fd: int, order: WalkOrder) -> None:
        walk = walk_folders(
            root_fd, order.directory, is_ignored=self.is_ignored, is_flat=order.is_flat, mounts=self.mounts
        )
        for part in walk:
            self._put(replace(part, walk=order.number, is_flat=order.is_flat))
            self._is_walking = order.is_full
            self._serve_between()
            if self._stop.is_set():
                break
        self._is_walking = False

    def _put(self, seen: Seen) -> None:
        """Hand over what a walk gives; once that is much, wait until the loop has done with it."""
        self._ahead += PART_COUNTS_FOR + len(seen.entries) if isinstance(seen, ListingPart) else 0
        is_much = self._ahead >= NAMES_AHEAD
        if is_much:
            self._may_go_on.clear()
        self.parts.put(seen)
        if is_much or not isinstance(seen, ListingPart):
            self._wake.set()
        if is_much:
            while not self._stop.is_set() and not self._may_go_on.wait(0.05):
                self._serve_waiting()
            self._ahead = 0


def walk_folders(
    root_fd: int,
    directory: bytes = b"",
    *,
    is_ignored: Callable[[bytes], bool],
    mounts: InnerMounts,
    is_flat: bool = False,
) -> Iterator[ListingPart]:
    """List a directory and all below it that is not ignored, part by part; ``folders`` are those that are walked.

    Below a mount that is not there, what is there instead is listed, with the problem that it is. ``is_flat``: only
    the directory itself.
    """
    mounts.look_for_mounts(root_fd, is_ignored)
    waiting = [(directory, mounts.away_at(root_fd, directory))]
    while waiting:
        folder, away = waiting.pop()
        there: set[bytes] | None = set()
        for part in list_folder(root_fd, folder, mounts, away):
            inner = sorted(part.folders, reverse=True)
            paths = [path for path in (below(folder, name) for name in inner) if not is_ignored(path)]
            if not is_flat:
                waiting.extend((path, part.problem if part.is_away else None) for path in paths)
            there = None if there is None or not part.is_listed else there | part.folders
            yield replace(part, folders=frozenset(path.rpartition(b"/")[2] for path in paths))
        if there is not None:
            yield from (part for part in mounts.gone_below(folder, there) if not is_ignored(part.directory))


def list_folder(root_fd: int, directory: bytes, mounts: InnerMounts, away: str | None = None) -> Iterator[ListingPart]:
    """List one directory in parts of sorted names; one that is gone meanwhile gives nothing.

    ``away``: why it lies on a mount that is not there; nothing counts as absent from what is there instead.
    """
    try:
        with open_folder(root_fd, directory) as folder:
            names = sorted(name.encode(_CODE, _ERRORS) for name in os.listdir(folder))  # noqa: PTH208 - by descriptor
            away = away or mounts.why_away(folder, directory, names)
            for part in _parts(folder, directory, names):
                yield part if away is None else replace(part, problem=away, unknown=frozenset(), is_away=True)
    except OSError as error:
        problem = mounts.taken_away(directory) if error.errno in GONE else _sentence(error)
        if problem is not None:
            yield ListingPart(directory=directory, low=None, high=None, entries=(), problem=problem, is_listed=False)


def _parts(folder_fd: int, directory: bytes, names: list[bytes]) -> Iterator[ListingPart]:
    low: bytes | None = None
    for start in range(0, max(len(names), 1), PART_NAMES):
        chunk = names[start : start + PART_NAMES]
        is_last = start + PART_NAMES >= len(names)
        high = None if is_last else chunk[-1]
        look = _names_look(folder_fd, LookOrder(directory=directory, names=frozenset()), chunk)
        yield ListingPart(
            directory=directory,
            low=low,
            high=high,
            entries=look.entries,
            folders=look.folders,
            unknown=look.unknown,
            problem=look.problem,
        )
        low = high


def _look_below(root_fd: int, order: LookOrder) -> NamesLook:
    try:
        with open_folder(root_fd, order.directory) as folder:
            return _names_look(folder, order)
    except OSError as error:
        if error.errno in GONE:
            return NamesLook(directory=order.directory, entries=(), gone=order.names)
        return NamesLook(directory=order.directory, entries=(), unknown=order.names, problem=_sentence(error))


def _names_look(folder_fd: int, order: LookOrder, names: list[bytes] | None = None) -> NamesLook:
    entries: list[Entry] = []
    folders: set[bytes] = set()
    gone: set[bytes] = set()
    unknown: dict[bytes, str] = {}
    for name in sorted(order.names) if names is None else names:
        try:
            entry = look_at(folder_fd, name)
        except OSError as error:
            if error.errno in GONE:
                gone.add(name)
            else:
                unknown[name] = os.strerror(error.errno or 0)
            continue
        if entry is not None:
            entries.append(entry)
        else:
            folders.add(name)
    problem = f"{len(unknown)} names can't be looked at: {next(iter(unknown.values()))}" if unknown else None
    return NamesLook(
        directory=order.directory,
        entries=tuple(entries),
        folders=frozenset(folders),
        gone=frozenset(gone),
        unknown=frozenset(unknown),
        closed=order.closed,
        problem=problem,
    )


def _sentence(error: OSError) -> str:
    return f"the folder can't be listed: {os.strerror(error.errno or 0)}"
