"""Keeps the watch of one root going: arms folders, notices a root that went or came back, replaces a dead reader."""

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from daemon.watcher import WatchSession
from ingest.hints import Hints

logger = logging.getLogger(__name__)

#: How often the root itself and the reader are looked at, s.
LOOK_EVERY_S = 1.0
#: How often folders that could not be watched are tried again, s.
RETRY_EVERY_S = 30.0
#: Events lie in the kernel and none is read for this long: the reader is stuck, s.
STUCK_AFTER_S = 20.0
#: Unwatched folders that a report names; the rest is counted.
NAMED_AT_MOST = 100


class WatchState(StrEnum):
    """How well events of a root arrive."""

    STARTING = "starting"
    WATCHING = "watching"
    DEGRADED = "degraded"
    UNAVAILABLE = "unavailable"
    POLLING = "polling"


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchReport:
    """The watch of one root at one moment; ``unwatched`` names at most ``NAMED_AT_MOST`` folders."""

    root: str
    state: WatchState
    reason: str | None
    watched_count: int
    unwatched_count: int
    unwatched: tuple[tuple[bytes, str], ...]
    overflow_count: int
    restart_count: int


class Watch(Protocol):
    """What the service does with the watch of a root, whether it has events or is polled."""

    def start(self) -> None:
        """Begin; returns at once."""

    def wait_armed(self, timeout_s: float) -> bool:
        """Wait until all that can be watched is watched, and tell whether it is."""

    def report(self) -> WatchReport:
        """Give the state now."""

    def ensure_running(self) -> None:
        """Start the thread again when it died."""

    def compare(self, known: frozenset[bytes]) -> None:
        """Compare what is watched with the folders that a full pass found, and watch what is not; returns at once."""

    def stop(self) -> None:
        """End, and join the threads."""


class RootWatch:
    """The watch of one root on a local file system: a thread that owns a ``WatchSession`` and replaces it."""

    def __init__(
        self,
        *,
        root: str,
        path: bytes,
        hints: Hints,
        is_left_out: Callable[[bytes], bool],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._root = root
        self._path = path
        self._hints = hints
        self._is_left_out = is_left_out
        self._monotonic = monotonic
        self._changes: deque[tuple[str, bytes]] = deque()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._armed = threading.Event()
        self._session: WatchSession | None = None
        self._identity: tuple[int, int] | None = None
        self._reason: str | None = None
        self._overflows_before = 0
        self._restarts = 0
        #: Events that were read when the reader was looked at last, when that was, and for how long it stands still.
        self._progress = 0
        self._looked_at_s = 0.0
        self._still_s = 0.0
        self._retried_at = 0.0
        self._was_lost = False
        self._known: frozenset[bytes] | None = None
        self._thread = self._new_thread()

    def start(self) -> None:
        """Start the thread; it arms the whole tree first."""
        self._thread.start()

    def wait_armed(self, timeout_s: float) -> bool:
        """Wait until the tree is armed, or known to be out of reach."""
        return self._armed.wait(timeout_s)

    def ensure_running(self) -> None:
        """Start the thread again when it died, with a new session."""
        if self._stopping.is_set() or self._thread.is_alive():
            return
        logger.error("watcher.thread_died", extra={"root": self._root})
        self._lose_session("its thread had died")
        self._thread = self._new_thread()
        self._thread.start()

    def compare(self, known: frozenset[bytes]) -> None:
        """Have the thread compare what is watched with the known folders."""
        self._known = known
        self._wake.set()

    def stop(self) -> None:
        """Stop, close the session and join."""
        self._stopping.set()
        self._wake.set()
        self._thread.join(10.0)
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def report(self) -> WatchReport:
        """Give the state now."""
        session = self._session
        unwatched = sorted(session.unwatched().items()) if session is not None else []
        state = self._state(has_session=session is not None, is_whole=not unwatched)
        return WatchReport(
            root=self._root,
            state=state,
            reason=self._reason if state is not WatchState.DEGRADED else unwatched[0][1],
            watched_count=session.watched_count() if session is not None else 0,
            unwatched_count=len(unwatched),
            unwatched=tuple(unwatched[:NAMED_AT_MOST]),
            overflow_count=self._overflows_before + (session.overflow_count if session is not None else 0),
            restart_count=self._restarts,
        )

    def _state(self, *, has_session: bool, is_whole: bool) -> WatchState:
        if not has_session:
            return WatchState.UNAVAILABLE if self._armed.is_set() else WatchState.STARTING
        if not is_whole:
            return WatchState.DEGRADED
        return WatchState.WATCHING if self._armed.is_set() else WatchState.STARTING

    def _new_thread(self) -> threading.Thread:
        return threading.Thread(target=self._run, name=f"arm-{self._root}", daemon=True)

    def _changed(self, kind: str, folder: bytes) -> None:
        """Take a note from the reader's thread: arming is not its business."""
        self._changes.append((kind, folder))
        self._wake.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._round()
            except Exception:
                # The boundary of this thread: whatever it was, begin anew and look at everything.
                logger.exception("watcher.failed", extra={"root": self._root})
                self._lose_session("an unexpected error, see the log")
            self._wake.wait(LOOK_EVERY_S)
            self._wake.clear()

    def _round(self) -> None:
        self._look_at_root()
        session = self._session
        if session is None:
            return
        while self._changes and not self._stopping.is_set() and self._session is session:
            self._apply(session, *self._changes.popleft())
        self._look_at_reader(session)
        self._compare(session)
        self._try_again(session)

    def _apply(self, session: WatchSession, kind: str, folder: bytes) -> None:
        match kind:
            case "came":
                session.arm(folder, hinting=True)
            case "gone":
                session.disarm(folder)
            case "everything":
                session.arm_everything()
                self._hints.directory(self._root, b"", tree=True)
            case _:
                self._look_at_root()

    def _look_at_root(self) -> None:
        """Compare the root with the one that is watched: it may be gone, or be another folder by now."""
        try:
            status = os.stat(self._path)  # noqa: PTH116 - raw bytes
            identity = (status.st_dev, status.st_ino)
        except OSError as error:
            self._reason = f"the root is out of reach: {os.strerror(error.errno or 0)}"
            self._set_unavailable()
            return
        if self._session is not None and identity == self._identity:
            return
        if self._session is not None:
            self._lose_session("the root was replaced")
        self._begin(identity)

    def _set_unavailable(self) -> None:
        if self._session is not None or not self._armed.is_set():
            logger.warning("watcher.root_unavailable", extra={"root": self._root, "reason": self._reason})
        if self._session is not None:
            self._lose_session(self._reason or "the root is gone")
        self._was_lost = True
        self._armed.set()

    def _begin(self, identity: tuple[int, int]) -> None:
        try:
            session = WatchSession(
                root=self._root,
                root_path=self._path,
                hints=self._hints,
                is_left_out=self._is_left_out,
                folder_changed=self._changed,
            )
        except OSError as error:  # the limit of inotify instances, or of open files
            self._refused(error)
            return
        self._changes.clear()
        self._armed.clear()  # a root that was replaced is watched only when its folders are armed
        self._session, self._identity, self._reason = session, identity, None
        started = self._monotonic()
        session.arm(b"", hinting=False)
        self._progress, self._looked_at_s, self._still_s = session.events_seen, self._monotonic(), 0.0
        self._retried_at = self._monotonic()
        if self._was_lost:
            self._hints.directory(self._root, b"", tree=True)
            self._was_lost = False
        self._armed.set()
        logger.info(
            "watcher.armed",
            extra={
                "root": self._root,
                "folders": session.watched_count(),
                "unwatched": len(session.unwatched()),
                "seconds": round(self._monotonic() - started, 3),
            },
        )

    def _refused(self, error: OSError) -> None:
        reason = f"no inotify instance: {error.strerror} (raise fs.inotify.max_user_instances)"
        if reason != self._reason:
            logger.warning("watcher.refused", extra={"root": self._root, "reason": reason})
        self._reason = reason
        self._was_lost = True
        self._armed.set()

    def _lose_session(self, reason: str) -> None:
        session, self._session = self._session, None
        self._was_lost = True
        if session is None:
            return
        self._restarts += 1
        self._overflows_before += session.overflow_count
        self._reason = reason
        logger.warning("watcher.lost", extra={"root": self._root, "reason": reason})
        self._hints.directory(self._root, b"", tree=True)
        session.close()

    def _look_at_reader(self, session: WatchSession) -> None:
        now = self._monotonic()
        # Two looks that lie far apart: this whole process stood still, which says nothing about the reader.
        passed_s, self._looked_at_s = min(now - self._looked_at_s, 2 * LOOK_EVERY_S), now
        if self._session is not session:
            return
        if not session.is_alive():
            self._lose_session("the reader's thread had died")
            self._wake.set()
        elif session.events_seen != self._progress or session.pending_bytes() == 0:
            self._progress, self._still_s = session.events_seen, 0.0
            return
        else:
            self._still_s += passed_s
        if self._still_s > STUCK_AFTER_S:
            self._lose_session("the reader was stuck")
            self._wake.set()

    def _compare(self, session: WatchSession) -> None:
        """Watch folders that a scan came by and no event told of: a watch that was lost in silence costs one pass."""
        known, self._known = self._known, None
        if known is None or self._session is not session:
            return
        missing = session.not_watched(known)
        before = session.watched_count()
        for folder in missing:
            session.arm(folder, hinting=True)
        found = session.watched_count() - before
        for folder in session.covered():
            session.disarm(folder)
            session.arm(folder, hinting=True)
            found = max(found, 0) + 1
        if found > 0:
            logger.warning("watcher.was_blind", extra={"root": self._root, "folders": found})

    def _try_again(self, session: WatchSession) -> None:
        """Try what could not be watched: limits are raised and permissions repaired while we run."""
        now = self._monotonic()
        if self._session is not session or now - self._retried_at < RETRY_EVERY_S:
            return
        self._retried_at = now
        for folder in sorted(session.unwatched()):
            session.disarm(folder)
            session.arm(folder, hinting=True)
            if folder in session.unwatched():
                return


class PolledRoot:
    """A root on a file system that tells no events of other machines: the scan's timer is all there is."""

    def __init__(self, *, root: str, reason: str) -> None:
        self._report = WatchReport(
            root=root,
            state=WatchState.POLLING,
            reason=reason,
            watched_count=0,
            unwatched_count=0,
            unwatched=(),
            overflow_count=0,
            restart_count=0,
        )

    def start(self) -> None:
        """Begin: there is nothing to do."""

    def wait_armed(self, timeout_s: float) -> bool:  # noqa: ARG002 - the protocol's signature
        """Tell that nothing is left to be armed."""
        return True

    def report(self) -> WatchReport:
        """Give the state, which never changes."""
        return self._report

    def ensure_running(self) -> None:
        """Do nothing: there is no thread."""

    def compare(self, known: frozenset[bytes]) -> None:
        """Do nothing: nothing is watched."""

    def stop(self) -> None:
        """End: there is nothing to do."""
