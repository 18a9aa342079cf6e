"""The ingest loop: the one writer that takes hints, looks, due filesets and results, and commits in batches."""

import logging
import os
import socket
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from pathlib import Path

from catalog import jobs, roots
from catalog.changes import Changes
from catalog.engine import Catalogue
from catalog.errors import CatalogueUnavailable, LockLost
from config.rules import RootRules, compile_all
from config.settings import Settings
from ingest.accounts import MachineAccounts
from ingest.answers import take_answers
from ingest.clock import Clock, SteadyTime, SystemClock
from ingest.core import Core
from ingest.dropping import drop_poisoned
from ingest.due import look_at_due
from ingest.free_space import free_bytes, too_little
from ingest.held_lock import HeldLock, NoLock, require_held
from ingest.hints import Hints
from ingest.import_requests import ImportRequests
from ingest.in_force import place_all_again, put_in_force
from ingest.ownership import Accounts
from ingest.placing_again import place_again
from ingest.pool import ReadPool
from ingest.progress import Meter
from ingest.requests import ImportRequest
from ingest.results import start_jobs, take_results, wake_waiting
from ingest.summary import ImportSummary, Progress
from ingest.surroundings import Surroundings
from ingest.troubles import Troubles
from ingest.verifying import Verifying
from ingest.walks import take_parts, walk_troubled
from ingest.watched import WatchedRoot

log = logging.getLogger(__name__)

LOOK_FOR_ROOT_EVERY_S = 5.0
ASK_MACHINE_EVERY_S = 60.0
_TICK_S = 1.0


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
        #: Whether this process is noted as the one that ingests, since it has the lock.
        self._has_begun = False
        self._wake = hints.arrived
        pool.results.wake_with(self._wake)
        around = Surroundings(settings, accounts or MachineAccounts(settings.people), 0)
        self._core = Core(catalogue, pool, self._clock, self._steady, around, via)
        self._meter = Meter(self._clock)
        self._changes = Changes(catalogue)
        self._requests = ImportRequests(self._core)
        self._verifying = Verifying(self._core)
        self._asked: deque[Callable[[], None]] = deque()
        self._troubles = Troubles(self._clock, lambda step: drop_poisoned(self._core, step))
        self._no_space: str | None = None
        self._next_tick_s = 0.0
        self._ask_machine_at_s = 0.0
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

    def request_verify(self) -> None:
        """Begin to read originals again if the configuration's schedule wants it now; else nothing happens."""
        self._ask(self._verifying.begin_if_due)

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
            self._has_begun = False
            self._core.forget()
            self._verifying.forget()
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
            if self._troubles.has_lost_lock:
                raise LockLost("the ingest lock was lost with the connection to the catalogue; run it again to go on")
            if not future.done():
                self._troubles.begin_turn()
                self._attempt("import", self._requests.finish_all)
        finally:
            self._end()
        return future.result(timeout=0)

    def _begin(self, stop: threading.Event) -> bool:
        """Start up, waiting for a catalogue that is out of reach; False when stopped before."""
        while not stop.is_set():
            self._troubles.begin_turn()
            try:
                self._start_up()
            except CatalogueUnavailable as error:
                self._troubles.refuse("start-up", error)
                self._tell_progress()
                self._last_turn_s = self._clock.monotonic()
                stop.wait(self._troubles.pause_s())
            else:
                return True
        return False

    def _start_up(self) -> None:
        """Note who ingests, once, and put the configuration in force; a part that failed is done again."""
        if self._core.is_ending:
            raise RuntimeError("an ingest loop that has ended cannot run again: its scanners are gone; make a new one")
        if not self._lock.take_again():
            raise LockLost("the ingest lock of the catalogue was lost and can't be taken again yet")
        rules = compile_all(self._settings)
        if not self._has_begun:
            self._core.instance_id = self._begin_instance()
            self._has_begun = True
        self._put_in_force(self._settings, rules)
        self._troubles.clear()

    def _begin_instance(self) -> int:
        with self._catalogue.writing() as connection:
            if self._core.instance_id:
                jobs.end_instance(connection, self._core.instance_id, now=self._clock.now())
            return jobs.begin_instance(
                connection,
                host=socket.gethostname(),
                pid=os.getpid(),
                version=self._version,
                now=self._clock.now(),
                due_at=self._steady.began_at,
                via=self._core.via,
            )

    def _turn_until(self, is_over: Callable[[], bool]) -> None:
        while not is_over() and not self._troubles.has_lost_lock:
            self._troubles.begin_turn()
            if self._turn():
                continue
            ends_s = self._clock.monotonic() + self._troubles.pause_s()
            self._wake.wait(self._idle_s())
            while self._clock.monotonic() < ends_s and not is_over():
                # What comes meanwhile waits for the next turn; only the end must be seen soon.
                self._wake.clear()
                self._wake.wait(min(0.2, max(ends_s - self._clock.monotonic(), 0.0)))

    def _idle_s(self) -> float:
        core = self._core
        if core.results:
            return 0.02
        least_s = 0.05 if core.hot else 0.25
        # What comes wakes the loop, but for parts of a walk that goes on, and for names that were not closed.
        is_quiet = not any(root.walks or root.is_unsettled for root in core.roots.values())
        left_s = core.next_due_look_s - self._clock.monotonic()
        return min(max(left_s, least_s), _TICK_S / 2) if is_quiet and not core.may_be_due else least_s

    def _turn(self) -> bool:
        """Go once through all inboxes; tells whether there was anything to do."""
        core = self._core
        self._last_turn_s = self._clock.monotonic()
        self._run_asked()
        self._tick()
        if self._no_space is not None:
            self._wake.clear()  # hints stay where they are until there is space
            self._attempt("import", partial(self._requests.finish_all, self._no_space))
            return False
        if self._troubles.has_refused:
            return False
        busy = self._take_hints()
        for root in list(core.roots.values()):
            busy = self._attempt(f"look {root.name}", partial(take_answers, core, root)) or busy
        busy = self._serve_workers() or busy
        for root in list(core.roots.values()):
            if self._attempt(f"scan {root.name}", partial(take_parts, core, root)):
                busy = True
                self._serve_workers()  # a part takes as long as what workers have in hand
            busy = self._attempt(f"place again {root.name}", partial(place_again, core, root)) or busy
        busy = self._attempt("settle", partial(look_at_due, core)) or busy
        if not busy:
            if core.around.has_new_names and self._requests.is_any_open:  # it waits for nothing else
                self._attempt("people", partial(self._see_changes, may_have_changed=True))
            busy = self._attempt("verify", self._verifying.step)
        for done in core.take_committed():
            self._meter.note(done.outcome.outcome, done.bytes_read)
            self._requests.note(done)
        self._attempt("import", self._requests.check)
        return busy and not self._troubles.has_refused

    def _serve_workers(self) -> bool:
        """Commit what workers gave, and give them what they can take; tells whether there was anything to do."""
        busy = self._attempt("result", partial(take_results, self._core))
        return self._attempt("start", partial(start_jobs, self._core)) or busy

    def _attempt(self, step: str, act: Callable[[], bool | None]) -> bool:
        done = self._troubles.attempt(step, act)
        self._last_turn_s = self._clock.monotonic()
        return bool(done)

    def _take_hints(self) -> bool:
        by_name = {root.name: root for root in self._core.roots.values()}
        hints, overflows = self._hints.take(leave=[name for name, root in by_name.items() if root.has_hints_enough])
        for hint in hints:
            if hint.root in by_name:
                self._core.follow(by_name[hint.root], hint)
        for name, count in overflows.items():
            self._overflow(name, count)
        return bool(hints)

    def _run_asked(self) -> None:
        """Do what was asked for, in order; what the database refuses is kept and done again."""
        while self._asked and self._troubles.attempt("request", self._asked[0]) is not None:
            self._asked.popleft()

    # -- once a second ----------------------------------------------------------------------------------------

    def _tick(self) -> None:
        now_s = self._clock.monotonic()
        if now_s < self._next_tick_s:
            return
        self._next_tick_s = now_s + _TICK_S
        self._look_at_space()
        self._attempt("lock", partial(require_held, self._lock))
        core, has_news = self._core, self._changes.may_have_come()
        core.may_be_due = core.may_be_due or has_news
        if has_news or core.counts.get("waiting") or core.counts.get("started"):
            self._attempt("waiting", partial(wake_waiting, core))
        self._attempt("people", partial(self._see_changes, may_have_changed=has_news))
        if self._troubles.has_refused:
            self._changes.forget()  # what was written is to be read yet
        for root in list(self._core.roots.values()):
            if root.availability == "unavailable" and now_s >= root.retry_at_s and not root.walks:
                root.retry_at_s = now_s + LOOK_FOR_ROOT_EVERY_S
                root.walk(is_full=True)
        walk_troubled(self._core)
        self._tell_progress()

    def _tell_progress(self) -> None:
        self._progress = self._meter.progress(self._core, self._no_space or self._troubles.problem())

    def _look_at_space(self) -> None:
        state_dir, before = self._settings.state_dir, self._no_space
        self._no_space = too_little(self._free_space(state_dir), state_dir)
        if self._no_space is not None and before is None:
            log.warning("ingest_pauses", extra={"reason": self._no_space})
        elif self._no_space is None and before is not None:
            log.info("ingest_goes_on")

    def _see_changes(self, *, may_have_changed: bool) -> None:
        core = self._core
        now_s = self._clock.monotonic()
        if core.around.has_new_names or now_s >= self._ask_machine_at_s:
            core.around.sync_machine(self._catalogue, self._clock.now())
            self._ask_machine_at_s = now_s + ASK_MACHINE_EVERY_S
        if core.around.refresh(self._catalogue, self._clock.now(), may_have_changed=may_have_changed):
            place_all_again(core)
        core.see_acceptance()

    def _overflow(self, name: str, count: int) -> None:
        for root in self._core.roots.values():
            if root.name == name:
                root.walk(is_full=True)
                root.overflow_count += count
                self._ask(partial(self._count_overflows, root.id, count))

    def _count_overflows(self, root_id: int, count: int) -> None:
        with self._catalogue.writing() as connection:
            roots.count_overflows(connection, root_id, count)

    def _scan(self, name: str | None) -> None:
        for root in self._core.roots.values():
            if name in (None, root.name):
                root.walk(is_full=True)

    def _swap(self, settings: Settings, rules: dict[str, RootRules]) -> None:
        for root in self._put_in_force(settings, rules):
            root.walk(is_full=True)

    def _put_in_force(self, settings: Settings, rules: dict[str, RootRules]) -> list[WatchedRoot]:
        accounts = self._given_accounts or MachineAccounts(settings.people)
        made = put_in_force(self._core, settings, rules, accounts, self._wake)
        self._settings = settings
        return made

    def _end(self) -> None:
        """Take what the workers still give, give back the other claims, and stop the scanners."""
        try:
            self._core.is_ending = True
            self._take_last_results()
            if self._core.instance_id:
                self._troubles.begin_turn()
                self._attempt("end", self._end_instance)
        finally:
            for root in self._core.roots.values():
                if not root.scanner.stop(within_s=5.0):
                    log.warning("scanner_hangs", extra={"root": root.name})
            self._changes.close()
            self._requests.cancel_all()
            self._progress = replace(self._progress, at=self._clock.now(), reading=0)

    def _take_last_results(self) -> None:
        deadline_s = self._clock.monotonic() + self._grace_s
        while self._core.under_way and self._clock.monotonic() < deadline_s:
            self._troubles.begin_turn()
            if not self._attempt("result", partial(take_results, self._core)):
                self._wake.wait(0.05)
                self._wake.clear()

    def _end_instance(self) -> None:
        with self._catalogue.writing() as connection:
            jobs.end_instance(connection, self._core.instance_id, now=self._clock.now())
