"""The only user of watchdog: its inotify reader, with a callback that only notes hints.

Not the Observer: it loses most of a burst without a word, dies in silence, and is blind to a root that was made
again. ``InotifyFD`` with a set of watched folders of our own loses nothing, and knows every folder it can't watch.
It is not public API: the version is pinned, and the tests hold this module against it.
"""

import errno
import fcntl
import itertools
import logging
import os
import stat
import struct
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from watchdog.observers.inotify_c import CallbackId, InotifyConstants, InotifyEvent, InotifyFD, Mask, WatchDescriptor

from config.mount_table import read_mounts
from daemon.mounts import devices_that_count_folders
from daemon.watched_folders import Registration, WatchedFolders, join
from ingest.hints import Hints
from ingest.identity import mount_points

logger = logging.getLogger(__name__)

#: What the kernel queues for us. Neither opens nor reads nor modifications: our own reads would fill the queue, and a
#: slow writer is found by looking again. IN_CREATE tells folders, and files that come as a hard link.
EVENTS = Mask(
    InotifyConstants.IN_CLOSE_WRITE
    | InotifyConstants.IN_CREATE
    | InotifyConstants.IN_MOVED_FROM
    | InotifyConstants.IN_MOVED_TO
    | InotifyConstants.IN_DELETE
    | InotifyConstants.IN_DELETE_SELF
    | InotifyConstants.IN_MOVE_SELF
    | InotifyConstants.IN_ONLYDIR
    | InotifyConstants.IN_EXCL_UNLINK
)
_CAME = InotifyConstants.IN_CREATE | InotifyConstants.IN_MOVED_TO
_COMPLETE = InotifyConstants.IN_CLOSE_WRITE | InotifyConstants.IN_MOVED_TO
_SELF = InotifyConstants.IN_DELETE_SELF | InotifyConstants.IN_MOVE_SELF | InotifyConstants.IN_UNMOUNT
_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
#: A folder's own name and its ".": each folder in it adds its "..".
FEWEST_LINKS = 2
#: Folders deeper than this below the place where a walk starts are left to the scan: each level holds a descriptor.
DEPTH_AT_MOST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class _Walk:
    """How a tree is armed: whether each folder is hinted, and where the folders that were met are noted, if anywhere.

    In file systems of ``counting`` (``st_dev``) a folder of two links holds no folder, and its files are not listed.
    """

    is_hinting: bool
    counting: frozenset[int] = frozenset()
    visited: set[bytes] | None = None


class WatchSession:
    """One inotify instance for one root, from arming to closing; a new one is made after any trouble.

    The reader's thread calls ``on_event``, ``on_watch_deleted`` and ``on_queue_overflow``, which only note. Folders
    that came, went or must be walked again are handed to ``folder_changed`` and armed by another thread.
    """

    def __init__(
        self,
        *,
        root: str,
        root_path: bytes,
        hints: Hints,
        is_left_out: Callable[[bytes], bool],
        folder_changed: Callable[[str, bytes], None],
    ) -> None:
        self._root = root
        self._root_path = root_path
        self._hints = hints
        self._is_left_out = is_left_out
        self._folder_changed = folder_changed
        self._lock = threading.Lock()
        self._folders = WatchedFolders()
        self._unwatched: dict[bytes, str] = {}
        self._points: frozenset[bytes] = frozenset()
        self._numbers = itertools.count(1)
        self._stopping = threading.Event()
        self.events_seen = 0
        self.overflow_count = 0
        self._reader = InotifyFD()
        os.set_inheritable(self._reader._inotify_fd, False)
        self._reader.name = f"watch-{root}"
        self._reader.start()

    def on_event(self, event: InotifyEvent) -> None:
        """Note one event as a hint."""
        try:
            self.events_seen += 1
            self._note(event.wd, event.mask, event.name)
        except Exception:
            # The boundary of watchdog's thread, which would die: look at everything instead.
            logger.exception("watcher.callback_failed", extra={"root": self._root})
            self._hints.overflow(self._root)

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:
        """Forget a watch that the kernel dropped with its folder."""
        with self._lock:
            is_root = self._folders.path_of(wd) == b""
            self._folders.forget(wd)
        if is_root and not self._stopping.is_set():
            self._folder_changed("root", b"")

    def on_queue_overflow(self) -> None:
        """Count a loss of events, have everything scanned, and the tree armed again."""
        self.overflow_count += 1
        self._hints.overflow(self._root)
        self._folder_changed("everything", b"")

    def arm(self, folder: bytes, *, hinting: bool) -> None:
        """Watch a folder and all below it; with ``hinting`` each is hinted once its watch is on.

        What was made before the watch is in the listing that follows it, what is made later is an event: no gap.
        """
        # For one new folder its list is sooner read than that of all mounts.
        counting = frozenset[int]() if folder else devices_that_count_folders(read_mounts())
        with self._opened_beneath(folder) as descriptor:
            if descriptor is not None:
                self._arm_opened(descriptor, folder, _Walk(is_hinting=hinting, counting=counting))

    def disarm(self, folder: bytes) -> None:
        """Stop watching a folder that moved away, and all below it."""
        with self._lock:
            registrations = self._folders.take_tree(folder)
            below = folder + b"/"
            for path in [path for path in self._unwatched if path == folder or path.startswith(below)]:
                del self._unwatched[path]
        self._unregister(registrations)

    def arm_everything(self) -> None:
        """Walk the whole tree again after a loss: watch what is new, forget what is gone."""
        with self._lock:
            before = self._folders.paths()
        visited: set[bytes] = set()
        counting = devices_that_count_folders(read_mounts())
        with self._opened_beneath(b"") as descriptor:
            if descriptor is not None:
                self._arm_opened(descriptor, b"", _Walk(is_hinting=False, counting=counting, visited=visited))
        for path in before - visited:
            try:
                is_gone = not stat.S_ISDIR(os.lstat(join(self._root_path, path)).st_mode)
            except OSError:
                is_gone = True
            if is_gone:
                self.disarm(path)

    def not_watched(self, known: frozenset[bytes]) -> list[bytes]:
        """Give the folders among the known ones that should be watched and are not, upper ones first."""
        with self._lock:
            accounted = self._folders.paths() | self._unwatched.keys()
            unwatched = frozenset(self._unwatched)
        missing = sorted(known - accounted)
        return [
            path for path in missing if not any(one in unwatched or self._leaves_out(one) for one in _upwards(path))
        ]

    def covered(self) -> list[bytes]:
        """Give the watched folders on which something was mounted since, or no longer is: another one lies there now.

        The kernel tells nothing of it, and the watch stays on what can't be seen.
        """
        points = mount_points(os.path.realpath(self._root_path))
        with self._lock:
            there = (points | self._points) & self._folders.paths()
        self._points = points
        return [folder for folder in sorted(there) if self._is_another(folder)]

    def _is_another(self, folder: bytes) -> bool:
        """Tell whether a folder is another than the one that is watched under its path; it is watched afterwards."""
        with self._lock:
            before = self._folders.watch_of(folder)
        with self._opened_beneath(folder) as descriptor:
            if descriptor is None or not self._watch(descriptor, folder):
                return False
        with self._lock:
            return self._folders.watch_of(folder) != before

    def watched_count(self) -> int:
        """Count the watched folders."""
        with self._lock:
            return len(self._folders)

    def unwatched(self) -> dict[bytes, str]:
        """Give the folders that can't be watched (each stands for all below it), and why."""
        with self._lock:
            return dict(self._unwatched)

    def is_alive(self) -> bool:
        """Tell whether the reader's thread runs."""
        return self._reader.is_alive()

    def pending_bytes(self) -> int:
        """Tell how much the kernel holds for the reader; it staying there means that the reader is stuck."""
        if self._reader._closed:
            return 0
        buffer = fcntl.ioctl(self._reader._inotify_fd, termios.FIONREAD, struct.pack("i", 0))
        return int(struct.unpack("i", buffer)[0])

    def close(self, *, within_s: float = 5.0) -> None:
        """Stop the reader and give its descriptors back, also when its thread has died."""
        self._stopping.set()
        was_alive = self._reader.is_alive()
        left_open = not was_alive and not self._reader._closed and self._reader._is_reading
        self._reader.stop()
        if left_open:  # a thread that died while reading can't close them itself
            self._reader._close_resources()
        self._reader.join(within_s)

    def _note(self, watch: int, mask: int, name: bytes) -> None:
        with self._lock:
            folder = self._folders.path_of(watch)
        if folder is None:
            return
        if mask & _SELF:
            if folder == b"":
                self._folder_changed("root", b"")
        elif mask & InotifyConstants.IN_ISDIR:
            self._note_folder(folder, name, came=bool(mask & _CAME))
        elif name:
            self._hints.name(self._root, folder, name, closed=bool(mask & _COMPLETE))

    def _note_folder(self, folder: bytes, name: bytes, *, came: bool) -> None:
        path = join(folder, name)
        self._hints.name(self._root, folder, name)
        if self._leaves_out(path):
            return
        if not came:
            self._hints.directory(self._root, path, tree=True)
        self._folder_changed("came" if came else "gone", path)

    def _leaves_out(self, path: bytes) -> bool:
        return path.lower().endswith(b".zarr") or self._is_left_out(path)

    def _arm_opened(self, descriptor: int, folder: bytes, walk: _Walk, *, depth: int = 0) -> None:
        if self._stopping.is_set() or not self._watch(descriptor, folder):
            return
        if walk.visited is not None:
            walk.visited.add(folder)
        for name in self._folders_in(descriptor, folder, walk.counting):
            path = join(folder, name)
            if self._leaves_out(path):
                continue
            if depth >= DEPTH_AT_MOST:
                self._failed(path, "it lies too deep")
                continue
            with self._opened(name, descriptor, path) as inner:
                if inner is not None:
                    self._arm_opened(inner, path, walk, depth=depth + 1)
        if walk.is_hinting:
            self._hints.directory(self._root, folder)

    def _watch(self, descriptor: int, folder: bytes) -> bool:
        number = next(self._numbers)
        # By the open descriptor: exactly this folder, however long its path and whatever was swapped in meanwhile.
        place = b"/proc/self/fd/%d" % descriptor
        try:
            watch = self._reader.add_callback(place, EVENTS, self, CallbackId(number))
        except OSError as error:
            self._failed(folder, _why(error))
            return False
        registration = Registration(watch=watch, callback=number)
        if watch == -1:  # watchdog swallows EACCES, and keeps a watch that is none
            self._unregister((registration,))
            self._failed(folder, _why(PermissionError(errno.EACCES, "")))
            return False
        with self._lock:
            replaced = self._folders.put(folder, registration)
            self._unwatched.pop(folder, None)
        self._unregister(replaced)
        return True

    def _unregister(self, registrations: tuple[Registration, ...]) -> None:
        for registration in registrations:
            try:
                self._reader.remove_callbacks(
                    [(WatchDescriptor(registration.watch), CallbackId(registration.callback))]
                )
            except OSError as error:
                logger.debug("watcher.unregister_failed", extra={"root": self._root, "problem": str(error)})

    def _folders_in(self, descriptor: int, folder: bytes, counting: frozenset[int]) -> list[bytes]:
        # Asked when the watch is on: a folder that comes now is an event.
        try:
            if counting and _holds_no_folder(os.fstat(descriptor), counting):
                return []
            with os.scandir(descriptor) as entries:
                return [os.fsencode(entry.name) for entry in entries if entry.is_dir(follow_symlinks=False)]
        except OSError as error:
            self._failed(folder, _why(error))
            return []

    @contextmanager
    def _opened(self, name: bytes, beneath: int | None, path: bytes) -> Iterator[int | None]:
        """Open a folder without following links; None (and the reason noted) when it can't be."""
        try:
            descriptor = os.open(name, _OPEN_FOLDER, dir_fd=beneath)
        except (FileNotFoundError, NotADirectoryError):
            yield None  # gone, or no folder any more: the event that says so is on its way
            return
        except OSError as error:
            if error.errno != errno.ELOOP:
                self._failed(path, _why(error))
            yield None
            return
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    @contextmanager
    def _opened_beneath(self, folder: bytes) -> Iterator[int | None]:
        """Open a folder component by component from the root."""
        components = [component for component in folder.split(b"/") if component]
        try:
            current = os.open(self._root_path, _OPEN_FOLDER & ~os.O_NOFOLLOW)
        except OSError as error:
            self._failed(b"", _why(error))
            yield None
            return
        try:
            for component in components:
                with self._opened(component, current, folder) as inner:
                    if inner is None:
                        yield None
                        return
                    os.dup2(inner, current, inheritable=False)
            yield current
        finally:
            os.close(current)

    def _failed(self, folder: bytes, reason: str) -> None:
        with self._lock:
            is_new = folder not in self._unwatched
            self._unwatched[folder] = reason
        if is_new:
            logger.warning("watcher.unwatched", extra={"root": self._root, "folder": folder, "reason": reason})


def _holds_no_folder(status: os.stat_result, counting: frozenset[int]) -> bool:
    return status.st_nlink == FEWEST_LINKS and status.st_dev in counting


def _upwards(path: bytes) -> Iterator[bytes]:
    """Give a folder and all above it, without the root."""
    while path:
        yield path
        path = path.rpartition(b"/")[0]


def _why(error: OSError) -> str:
    """Say in a few words why a folder is not watched, and what to do."""
    match error.errno:
        case errno.ENOSPC:
            return "the limit of watches is reached (raise fs.inotify.max_user_watches)"
        case errno.EMFILE | errno.ENFILE:
            return "the limit of open files or inotify instances is reached"
        case errno.EACCES | errno.EPERM:
            return "it may not be read"
        case _:
            return os.strerror(error.errno or 0)
