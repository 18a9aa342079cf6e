"""The ingest loop: the one writer that takes hints, looks, due filesets and results, and commits in batches."""

import logging
import os
import socket
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

from catalog import jobs, roots
from catalog.engine import Catalogue
from catalog.errors import CatalogueUnavailable, LockLost
from config.rules import RootRules, compile_all
from config.settings import Settings
from ingest.accounts import MachineAccounts
from ingest.answers import take_answer
from ingest.brake import Brake
from ingest.clock import Clock, SteadyTime, SystemClock
from ingest.core import Core
from ingest.dropping import drop_poisoned
from ingest.due import look_at_due
from ingest.free_space import FREE_AT_LEAST_BYTES, free_bytes
from ingest.held_lock import HeldLock, NoLock, require_held
from ingest.hints import Hints
from ingest.import_requests import ImportRequests
from ingest.ownership import Accounts
from ingest.placing_again import place_again
from ingest.pool import ReadPool
from ingest.progress import Meter
from ingest.requests import ImportRequest
from ingest.results import start_jobs, take_results, wake_waiting
from ingest.scanner import RootScanner
from ingest.summary import ImportSummary, Progress
from ingest.surroundings import Surroundings
from ingest.walks import take_parts
from ingest.watched import WatchedRoot

log = logging.getLogger(__name__)

LOOK_FOR_ROOT_EVERY_S = 5.0
_TICK_S = 1.0
_PAUSES_S = (0.2, 1.0, 5.0, 10.0)


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
        accounts: Accounts | None = None,
        version: str = "",
        via: str = "daemon",
        grace_s: float = 20.0,
        free_space: Callable[[Path], int] = free_bytes,
        lock: HeldLock | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._settings = settings
        self._hints = hints
        self._clock = clock or SystemClock()
        self._steady = SteadyTime(self._clock)
        self._given_accounts = accounts
        self._version = version
        self._grace_s = grace_s
        self._free_space = free_space
        self._lock = lock or NoLock()
        self._is_lock_lost = False
        self._wake = hints.arrived
        pool.results.wake_with(self._wake)
        around = Surroundings(settings, accounts or MachineAccounts(settings.people), 0)
        self._core = Core(catalogue, pool, self._clock, self._steady, around, via)
        self._meter = Meter(self._clock)
        self._requests = ImportRequests(self._core)
        self._asked: deque[Callable[[], None]] = deque()
        self._problems: dict[str, str] = {}
        self._failures = 0
        self._next_tick_s = 0.0
        self._last_turn_s = self._clock.monotonic()
        self._progress = Progress(at=self._clock.now())

    # -- for any thread ---------------------------------------------------------------------------------------

    def request_import(self, paths: tuple[Path, ...] = (), *, wait: bool = True) -> "Future[ImportSummary]":
        """Ask the running loop to look at absolute paths below its roots (all roots when empty) and import them."""
        request = ImportRequest(paths=paths, is_waiting=wait, began_s=self._clock.monotonic())
        self._ask(lambda: self._requests.begin(request))
        return request.future

    def request_scan(self, root: str | None = None) -> None:
        """Ask for a full pass of a root (by name), or of all: the timer, a remount, `root accept`."""
        self._ask(lambda: self._scan(root))

    def reload(self, settings: Settings) -> None:
        """Swap in a checked configuration; raises ConfigurationError, the old one staying in force."""
        rules = compile_all(settings)
        self._ask(lambda: self._swap(settings, rules))

    def progress(self) -> Progress:
        """Give the latest snapshot; it is at most a few seconds old while the loop is alive."""
        return self._progress

    def last_turn_at(self) -> float:
        """Give the monotonic time of the loop's last turn, for the watchdog: at least one every 15 s."""
        return self._last_turn_s

    def wake(self) -> None:
        """Make the loop look at its inboxes now."""
        self._wake.set()

    def _ask(self, act: Callable[[], None]) -> None:
        self._asked.append(act)
        self._wake.set()

    # -- running ----------------------------------------------------------------------------------------------

    def run(self, stop: threading.Event) -> None:
        """Ingest until ``stop`` is set: start-up (T7), a full pass of every root, then whatever comes.

        After ``stop`` no job is started; results are waited for up to ``grace_s``, then claims are given back.
        `wake` it after setting ``stop``. Errors of the database and of files never end it; when the ingest lock is
        lost it begins anew once it has it again.
        """
        while self._begin(stop):
            self._scan(None)
            self._turn_until(stop.is_set)
            if stop.is_set():
                break
            log.warning("ingest_begins_anew")  # whoever had the lock meanwhile may have changed every row
            self._core.forget()
            self._requests.cancel_all()
        self._end()

    def run_once(
        self, paths: tuple[Path, ...] = (), *, wait: bool = True, stop: threading.Event | None = None
    ) -> ImportSummary:
        """Do `coverslip import` without a daemon: look at the paths (all roots when empty), import, return.

        Raises CatalogueUnavailable when the catalogue can't be used at the start. With ``stop`` set it ends early
        and tells what is done so far.
        """
        stopping = stop or threading.Event()
        self._start_up()
        future = self.request_import(paths, wait=wait)
        try:
            self._turn_until(lambda: stopping.is_set() or future.done())
            if self._is_lock_lost:
                raise LockLost("the ingest lock was lost with the connection to the catalogue; run it again to go on")
            if not future.done():
                self._attempt("import", self._requests.finish_all)
        finally:
            self._end()
        return future.result(timeout=0)

    def _begin(self, stop: threading.Event) -> bool:
        """Start up, waiting for a catalogue that is out of reach; False when stopped before."""
        while not stop.is_set():
            self._last_turn_s = self._clock.monotonic()
            try:
                self._start_up()
            except CatalogueUnavailable as error:
                self._trouble("start-up", error)
                self._progress = replace(self._progress, at=self._clock.now(), problem=str(error))
                stop.wait(_PAUSES_S[min(self._failures, len(_PAUSES_S)) - 1])
            else:
                return True
        return False

    def _start_up(self) -> None:
        if not self._lock.take_again():
            raise LockLost("the ingest lock of the catalogue was lost and can't be taken again yet")
        rules = compile_all(self._settings)
        core, now = self._core, self._clock.now()
        with self._catalogue.writing() as connection:
            if core.instance_id:
                jobs.end_instance(connection, core.instance_id, now=now)
            core.instance_id = jobs.begin_instance(
                connection,
                host=socket.gethostname(),
                pid=os.getpid(),
                version=self._version,
                now=now,
                due_at=self._steady.began_at,
                via=core.via,
            )
        self._swap(self._settings, rules)
        self._problems.clear()
        self._failures, self._is_lock_lost = 0, False

    def _turn_until(self, is_over: Callable[[], bool]) -> None:
        while not is_over() and not self._is_lock_lost:
            self._last_turn_s = self._clock.monotonic()
            if not self._turn():
                self._wake.wait(self._idle_s())

    def _idle_s(self) -> float:
        if self._failures:
            return _PAUSES_S[min(self._failures, len(_PAUSES_S)) - 1]
        if self._core.results:
            return 0.02
        return 0.05 if self._core.hot else 0.25

    def _turn(self) -> bool:
        """Go once through all inboxes; tells whether there was anything to do."""
        core = self._core
        hints, overflows = self._hints.take()
        self._run_asked()
        by_name = {root.name: root for root in core.roots.values()}
        for hint in hints:
            if hint.root in by_name:
                core.follow(by_name[hint.root], hint)
        for name, count in overflows.items():
            self._scan(name)
            self._attempt("overflow", lambda name=name, count=count: self._overflow(name, count))  # type: ignore[misc]  # bound now
        self._tick()
        if "space" in self._problems:
            return False
        busy = bool(hints)
        for root in list(core.roots.values()):
            busy = self._attempt("look", lambda root=root: take_answer(core, root)) or busy  # type: ignore[misc]  # bound now
        busy = self._attempt("result", lambda: take_results(core)) or busy
        busy = self._attempt("start", lambda: start_jobs(core)) or busy
        for root in list(core.roots.values()):
            busy = self._attempt("scan", lambda root=root: take_parts(core, root)) or busy  # type: ignore[misc]  # bound now
            busy = self._attempt("place again", lambda root=root: place_again(core, root)) or busy  # type: ignore[misc]  # bound now
        busy = self._attempt("settle", lambda: look_at_due(core)) or busy
        for done in core.take_committed():
            self._meter.note(done.outcome.outcome, done.bytes_read)
            self._requests.note(done)
        self._attempt("import", self._requests.check)
        return busy and not self._failures

    def _attempt(self, step: str, act: Callable[[], bool | None]) -> bool:
        """Do a step; an error of the database leaves its work for the next turn, any other drops the poisoned part.

        After such an error the steps that follow wait for the next turn: each could wait for the database as long.
        """
        if self._failures:
            return False
        self._last_turn_s = self._clock.monotonic()
        try:
            done = bool(act())
        except CatalogueUnavailable as error:
            self._trouble(step, error)
            return False
        except Exception as error:  # the boundary of the loop: it must go on
            log.exception("ingest_step_failed", extra={"step": step})
            self._problems[step] = f"an error of the program at '{step}': {error}"
            drop_poisoned(self._core, step)
            return True
        self._problems.pop(step, None)
        return done

    def _trouble(self, step: str, error: Exception) -> None:
        if step not in self._problems:
            log.warning("ingest_waits", extra={"step": step, "reason": str(error)})
        self._problems[step] = str(error)
        self._failures += 1
        self._is_lock_lost = self._is_lock_lost or isinstance(error, LockLost)

    def _run_asked(self) -> None:
        """Do what other threads asked for; what the database does not let through stays for the next turn."""
        while self._asked and not self._failures:
            self._attempt("request", self._asked[0])
            if not self._failures:
                self._asked.popleft()

    # -- once a second ----------------------------------------------------------------------------------------

    def _tick(self) -> None:
        now_s = self._clock.monotonic()
        if now_s < self._next_tick_s:
            return
        self._next_tick_s = now_s + _TICK_S
        self._failures = 0
        self._problems.pop("space", None)
        if self._free_space(self._settings.state_dir) < FREE_AT_LEAST_BYTES:
            self._problems["space"] = (
                f"less than {FREE_AT_LEAST_BYTES // 1_000_000} MB are free in {self._settings.state_dir}:"
                " nothing is imported until there is more"
            )
        self._attempt("lock", lambda: require_held(self._lock))
        self._attempt("waiting", lambda: wake_waiting(self._core))
        self._attempt("people", self._see_changes)
        for root in list(self._core.roots.values()):
            if root.availability == "unavailable" and now_s >= root.retry_at_s and not root.walks:
                root.retry_at_s = now_s + LOOK_FOR_ROOT_EVERY_S
                root.walk(is_full=True)
        self._progress = self._meter.progress(self._core, next(iter(self._problems.values()), None))

    def _see_changes(self) -> None:
        core = self._core
        if core.around.refresh(self._catalogue, self._clock.now()):
            self._place_all_again()
        core.see_acceptance()

    def _place_all_again(self) -> None:
        for root in self._core.roots.values():
            root.is_placing_again, root.again_after = True, None
            root.is_placing_all = self._core.around.has_new_assignments

    def _overflow(self, name: str, count: int) -> None:
        for root in self._core.roots.values():
            if root.name == name:
                root.overflow_count += count
                with self._catalogue.writing() as connection:
                    roots.count_overflows(connection, root.id, count)

    def _scan(self, name: str | None) -> None:
        for root in self._core.roots.values():
            if name in (None, root.name):
                root.walk(is_full=True)

    # -- roots ------------------------------------------------------------------------------------------------

    def _swap(self, settings: Settings, rules: dict[str, RootRules]) -> None:
        """Put a configuration in force: register it and its roots, start and stop scanners, place again."""
        core, now = self._core, self._clock.now()
        wanted = [(watch.name, os.fsencode(watch.root), watch.role) for watch in settings.watch]
        with self._catalogue.writing() as connection:
            configuration_id = roots.register_configuration(connection, settings.digest, settings.source_text, now=now)
            known = roots.register_roots(connection, wanted)
        is_new = configuration_id != core.around.configuration_id
        accounts = self._given_accounts or MachineAccounts(settings.people)
        around = Surroundings(settings, accounts, configuration_id)
        around.refresh(self._catalogue, now)
        core.around, self._settings = around, settings
        old = {root.name: root for root in core.roots.values()}
        core.roots = {}
        for watch in settings.watch:
            row, root = known[watch.name], old.get(watch.name)
            if root is not None and root.path == os.fsencode(watch.root):
                old.pop(watch.name)
                root.watch, root.rules = watch, rules[watch.name]
            else:
                root = self._new_root(row, settings, rules[watch.name])
            core.roots[root.id] = root
            if root.id not in core.brakes:
                core.brakes[root.id] = Brake(self._clock)
                # `root accept` takes the kept identity away: the next pass takes the root as it finds it.
                core.brakes[root.id].is_released = row.identity is None and row.last_pass_ended_at is not None
        for gone in old.values():
            gone.scanner.stop(within_s=1.0)
        if is_new:
            self._place_all_again()
            for root in core.roots.values():
                if root.name not in known or root.last_pass_ended_at is None:
                    root.walk(is_full=True)

    def _new_root(self, row: roots.KnownRoot, settings: Settings, rules: RootRules) -> WatchedRoot:
        watch = next(one for one in settings.watch if one.name == row.name)
        root: WatchedRoot | None = None

        def is_ignored(path: bytes) -> bool:
            return root is not None and root.is_ignored_folder(path)

        scanner = RootScanner(watch.name, os.fsencode(watch.root), is_ignored=is_ignored, wake=self._wake)
        root = WatchedRoot(row, watch, rules, scanner)
        scanner.start()
        return root

    def _end(self) -> None:
        """Take what the workers still give, give back the other claims, and stop the scanners."""
        try:
            self._take_last_results()
            if self._core.instance_id:
                self._attempt("end", self._end_instance)
        finally:
            for root in self._core.roots.values():
                if not root.scanner.stop(within_s=5.0):
                    log.warning("scanner_hangs", extra={"root": root.name})
            self._requests.cancel_all()
            self._progress = replace(self._progress, at=self._clock.now(), reading=0)

    def _take_last_results(self) -> None:
        deadline_s = self._clock.monotonic() + self._grace_s
        while self._core.under_way and self._clock.monotonic() < deadline_s:
            self._last_turn_s = self._clock.monotonic()
            if not self._attempt("result", lambda: take_results(self._core)):
                self._wake.wait(0.05)
                self._wake.clear()

    def _end_instance(self) -> None:
        with self._catalogue.writing() as connection:
            jobs.end_instance(connection, self._core.instance_id, now=self._clock.now())
