"""The ingest loop: the one writer that takes hints, looks, due filesets and results, and commits in batches."""

import threading
from concurrent.futures import Future
from pathlib import Path

from catalog.engine import Catalogue
from config.settings import Settings
from ingest.clock import Clock, SystemClock
from ingest.hints import Hints
from ingest.pool import ReadPool
from ingest.summary import ImportSummary, Progress


class IngestLoop:
    """Runs the ingest in the thread that calls `run`. All other methods may be called from any thread.

    The caller holds the ingest lock, has migrated the catalogue and keeps ``pool`` running until `run` has returned.
    ``hints`` is shared with the watchers; its event also wakes the loop.
    """

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        settings: Settings,
        pool: ReadPool,
        hints: Hints,
        clock: Clock | None = None,
        version: str = "",
        via: str = "daemon",
        grace_s: float = 20.0,
    ) -> None:
        self._catalogue = catalogue
        self._settings = settings
        self._pool = pool
        self._hints = hints
        self._clock = clock or SystemClock()
        self._version = version
        self._via = via
        self._grace_s = grace_s

    def run(self, stop: threading.Event) -> None:
        """Ingest until ``stop`` is set: start-up (T7), a full pass of every root, then whatever comes.

        After ``stop`` no job is started; results are waited for up to ``grace_s``, then claims are given back.
        ``wake`` it after setting ``stop``. Database and file errors never end it.
        """
        raise NotImplementedError

    def run_once(
        self, paths: tuple[Path, ...] = (), *, wait: bool = True, stop: threading.Event | None = None
    ) -> ImportSummary:
        """Do `coverslip import` without a daemon: look at the paths (all roots when empty), import, return."""
        raise NotImplementedError

    def request_import(self, paths: tuple[Path, ...] = (), *, wait: bool = True) -> "Future[ImportSummary]":
        """Ask the running loop for the same as `run_once`; absolute paths below a root."""
        raise NotImplementedError

    def request_scan(self, root: str | None = None) -> None:
        """Ask for a full pass of a root (by name), or of all: the timer, a remount, `root accept`."""
        raise NotImplementedError

    def reload(self, settings: Settings) -> None:
        """Swap in a checked configuration; raises ConfigurationError, the old one staying in force."""
        raise NotImplementedError

    def progress(self) -> Progress:
        """Give the latest snapshot; it is at most a second old while the loop is alive."""
        raise NotImplementedError

    def last_turn_at(self) -> float:
        """Give the monotonic time of the loop's last turn, for the watchdog: at least one every 5 s."""
        raise NotImplementedError

    def wake(self) -> None:
        """Make the loop look at its inboxes now."""
        raise NotImplementedError
