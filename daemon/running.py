"""The daemon while it runs: one thread ingests, this one looks after everything else once a second."""

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from catalog.errors import CatalogueError
from catalog.roots import known_folders
from config.problems import ConfigurationError
from config.settings import WatchSettings
from daemon.access import become_owner_of
from daemon.exits import Exit
from daemon.health import Health, forget_health, root_health, write_health
from daemon.readiness import Heartbeat, Notifier
from daemon.reload import ConfigurationKeeper, InForce, first_configuration
from daemon.requests import RequestInbox
from daemon.root_watch import WatchReport, WatchState
from daemon.schedule import Schedule
from daemon.service import Ingest, Watches, opened_ingest, sync_people
from daemon.shutdown import Signals, Stage, shut_down, signals_caught, waits_for
from ingest.summary import Progress

logger = logging.getLogger(__name__)

GRACE_S = 20.0
TICK_S = 1.0
#: How long READY waits for the watches: a slow tree must not look like a failed start.
ARMING_S = 60.0
LOOK_AT_FILE_EVERY = timedelta(seconds=2)
#: How often it is asked whether originals are to be read again; how often they are is the configuration's.
ASK_FOR_VERIFY_EVERY = timedelta(minutes=1)
#: Acts of the schedule that are no scans.
_STANDING_ACTS = frozenset({"configuration", "verify"})
SCAN_WHILE_HEALTHY = timedelta(hours=1)
SCAN_OTHERWISE = timedelta(minutes=15)
#: The two clocks drifting apart by more than this between two ticks: the wall clock was stepped, s.
CLOCK_STEP_S = 5.0
HEALTH_EVERY_S = 2.0
#: A good configuration that the database did not let through is tried again after this long, s.
RELOAD_AGAIN_S = 5.0


def run_daemon(configuration: Path, *, environ: Mapping[str, str], version: str) -> int:
    """Run until a signal, and give the exit code. Raises what keeps the daemon from starting."""
    with signals_caught() as signals:
        in_force = first_configuration(configuration, environ)
        become_owner_of(in_force.settings.state_dir)
        keeper = ConfigurationKeeper(path=configuration, environ=environ, in_force=in_force)
        notifier = Notifier.from_environment(environ, pid=os.getpid())
        with opened_ingest(
            in_force.settings,
            environ=environ,
            purpose="run",
            version=version,
            grace_s=GRACE_S,
            notifier=notifier,
        ) as ingest:
            keeper.remember()
            keeper.tell_roots_without_rules()
            running = Running(ingest=ingest, keeper=keeper, notifier=notifier, signals=signals, version=version)
            return running.run()


class Running:
    """The started daemon: its parts, and what is done at each tick."""

    def __init__(
        self, *, ingest: Ingest, keeper: ConfigurationKeeper, notifier: Notifier, signals: Signals, version: str
    ) -> None:
        self._ingest = ingest
        self._keeper = keeper
        self._notifier = notifier
        self._signals = signals
        self._version = version
        self._heartbeat = Heartbeat(notifier=notifier, monotonic=time.monotonic)
        self._watches = Watches(hints=ingest.hints)
        self._schedule = Schedule()
        self._requests = RequestInbox(catalogue=ingest.catalogue, loop=ingest.loop, clock=ingest.clock)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._ingest_until_end, name="ingest", daemon=True)
        self._states: dict[str, WatchState] = {}
        self._compared_at: dict[str, datetime | None] = {}
        self._problem: str | None = None
        self._status = ""
        self._started_at = datetime.now(UTC)
        self._offset_s = _clock_offset_s()
        self._health_at = float("-inf")
        self._health_problem: str | None = None
        self._reload_at = float("inf")

    def run(self) -> int:
        """Start the parts, look after them until the end, and end them."""
        if not self._signals.stop.is_set():
            self._start()
        while not self._signals.stop.is_set() and self._problem is None:
            self._tick()
            self._signals.woken.wait(TICK_S)
            self._signals.woken.clear()
        return self._end()

    def _start(self) -> None:
        settings = self._keeper.in_force.settings
        logger.info("daemon.starting", extra={"version": self._version, "pid": os.getpid(), "config": settings.file})
        # Watches first, then the full pass with which the loop begins: nothing falls between the two.
        self._watches.apply(settings)
        if not self._watches.wait_armed(ARMING_S, self._signals.stop):
            logger.warning("watch.slow", extra={"seconds": ARMING_S})
        self._thread.start()
        self._requests.start()
        self._schedule.every("configuration", LOOK_AT_FILE_EVERY, self._look_at_file)
        self._schedule.every("verify", self._ask_for_verify_every(), self._ingest.loop.request_verify)
        self._schedule.start()
        self._plan_scans()
        self._notifier.ready(f"{len(settings.watch)} roots")
        logger.info("daemon.ready", extra={"roots": [watch.name for watch in settings.watch]})

    def _ask_for_verify_every(self) -> timedelta:
        return min(ASK_FOR_VERIFY_EVERY, self._keeper.in_force.settings.verify.every)

    def _ingest_until_end(self) -> None:
        try:
            self._ingest.loop.run(self._ending)
        except Exception:
            # The boundary of the ingest's thread: the tick sees that it has ended, and ends the daemon.
            logger.exception("ingest.failed")

    def _tick(self) -> None:
        if self._signals.reload.is_set() or time.monotonic() >= self._reload_at:
            self._signals.reload.clear()
            self._reload_at = float("inf")
            self._reload()
        for _, watch in self._watches.all():
            watch.ensure_running()
        self._look_at_roots()
        self._plan_scans()
        self._look_at_clock()
        self._look_at_ingest()
        progress = self._ingest.loop.progress()
        self._compare_watches(progress)
        self._heartbeat.beat(int(self._ingest.loop.last_turn_at() * 1000))
        self._tell(progress)

    def _look_at_file(self) -> None:
        if self._keeper.has_changed():
            self._signals.ask_to_reload()

    def _reload(self) -> None:
        self._notifier.reloading()
        settings = self._keeper.candidate()
        if settings is not None:
            try:
                sync_people(self._ingest.catalogue, settings, self._ingest.clock.now())
                self._ingest.loop.reload(settings)
            except CatalogueError as error:
                logger.error("config.not_applied", extra={"problem": str(error)})  # noqa: TRY400 - the database's
                self._keeper.refuse(f"it could not be applied yet: {error}")
                self._reload_at = time.monotonic() + RELOAD_AGAIN_S
            except ConfigurationError as error:
                logger.error("config.refused", extra={"problem": str(error)})  # noqa: TRY400 - a person's mistake
                self._keeper.refuse(str(error.problems[0]) if error.problems else str(error))
            else:
                self._keeper.accept(settings)
                self._watches.apply(settings)
                self._plan_scans()
                self._schedule.every("verify", self._ask_for_verify_every(), self._ingest.loop.request_verify)
                logger.info("config.reloaded", extra={"digest": settings.digest.hex()[:12]})
                if settings.workers != self._ingest.settings.workers:
                    logger.warning("config.needs_restart", extra={"key": "workers"})
        self._notifier.ready(self._status or "running")

    def _look_at_roots(self) -> None:
        """Have a root that came back scanned, whatever hints say."""
        for settings, watch in self._watches.all():
            report = watch.report()
            before = self._states.get(settings.name)
            if before is not None and report.state is not before:
                extra = {"root": settings.name, "state": report.state.value, "reason": report.reason}
                logger.info("watch.state", extra=extra)
                if before is WatchState.UNAVAILABLE or report.state is WatchState.UNAVAILABLE:
                    self._ingest.loop.request_scan(settings.name)
            self._states[settings.name] = report.state

    def _compare_watches(self, progress: Progress) -> None:
        """After each full pass compare what is watched with what was found."""
        ended = {root.name: root.last_pass_ended_at for root in progress.roots}
        for settings, watch in self._watches.all():
            name = settings.name
            if ended.get(name) is None or ended[name] == self._compared_at.get(name):
                continue
            try:
                with self._ingest.catalogue.reading() as connection:
                    watch.compare(known_folders(connection, name))
            except CatalogueError as error:
                logger.debug("watch.not_compared", extra={"root": name, "problem": str(error)})
            else:
                self._compared_at[name] = ended[name]

    def _plan_scans(self) -> None:
        wanted = {}
        for settings, watch in self._watches.all():
            wanted[f"scan {settings.name}"] = (settings.name, scan_interval(settings, watch.report()))
        for name in self._schedule.names() - wanted.keys() - _STANDING_ACTS:
            self._schedule.remove(name)
        for name, (root, interval) in wanted.items():
            self._schedule.every(name, interval, _Scan(self._ingest, root), executor="scans")

    def _look_at_clock(self) -> None:
        offset_s = _clock_offset_s()
        if abs(offset_s - self._offset_s) > CLOCK_STEP_S:
            logger.warning("clock.stepped", extra={"seconds": round(offset_s - self._offset_s)})
            self._schedule.realign(datetime.now(UTC))
        self._offset_s = offset_s

    def _look_at_ingest(self) -> None:
        if not self._thread.is_alive():
            self._problem = "the ingest ended by itself"
            logger.error("daemon.can_not_go_on", extra={"problem": self._problem})

    def _tell(self, progress: Progress) -> None:
        status = progress.sentence()
        if self._keeper.in_force.problem is not None:
            status = f"configuration refused: {self._keeper.in_force.problem}; {status}"
        if status != self._status:
            self._status = status
            self._notifier.status(status)
        if time.monotonic() - self._health_at >= HEALTH_EVERY_S:
            self._health_at = time.monotonic()
            self._write_health(progress)

    def _write_health(self, progress: Progress) -> None:
        """Tell `status`; that it can't be told is logged once, for a full disk is full for long."""
        problem = None
        try:
            write_health(self._ingest.settings.state_dir, self._health(progress))
        except OSError as error:
            problem = str(error)
        if problem is not None and self._health_problem is None:
            logger.warning("health.not_written", extra={"problem": problem})
        elif problem is None and self._health_problem is not None:
            logger.info("health.written_again")
        self._health_problem = problem

    def _health(self, progress: Progress) -> Health:
        in_force = self._keeper.in_force
        reports = [watch.report() for _, watch in self._watches.all()]
        return Health(
            pid=os.getpid(),
            version=self._version,
            started_at=self._started_at.isoformat(),
            updated_at=datetime.now(UTC).isoformat(),
            roots=tuple(map(root_health, reports)),
            config_version=in_force.settings.digest.hex(),
            config_problem=in_force.problem,
            progress=_plain_progress(progress),
            problems=tuple(_problems(reports, progress, in_force, self._ingest)),
        )

    def _end(self) -> int:
        self._notifier.stopping()
        logger.info("shutdown.begins", extra={"reason": self._problem or "a signal", "grace_s": GRACE_S})
        stages = (
            Stage(name="requests", end=lambda _left_s: self._requests.stop()),
            Stage(name="schedule", end=lambda _left_s: _ended(self._schedule.stop)),
            Stage(name="watches", end=lambda _left_s: _ended(self._watches.stop)),
            Stage(name="ingest", end=self._end_ingest),
            Stage(name="workers", end=lambda _left_s: _ended(self._ingest.pool.stop)),
            Stage(name="status", end=lambda _left_s: _ended(lambda: forget_health(self._ingest.settings.state_dir))),
        )
        shut_down(stages, grace_s=GRACE_S, hurry=self._signals.hurry)
        return Exit.DONE if self._problem is None else Exit.NO_CATALOGUE

    def _end_ingest(self, left_s: float) -> bool:
        """Let the loop take in what its workers are reading; when time is up, end the workers under its hands."""
        self._ending.set()
        self._ingest.loop.wake()
        if waits_for(self._thread, self._signals.hurry)(left_s):
            return True
        self._ingest.pool.stop()
        self._ingest.loop.wake()
        self._thread.join(5.0)
        return not self._thread.is_alive()


class _Scan:
    """Asks for a full pass of one root."""

    def __init__(self, ingest: Ingest, root: str) -> None:
        self._ingest = ingest
        self._root = root

    def __call__(self) -> None:
        self._ingest.loop.request_scan(self._root)


def scan_interval(settings: WatchSettings, report: WatchReport) -> timedelta:
    """Decide how often a root is scanned: as configured, else seldom while its events are healthy."""
    if settings.scan_every is not None:
        return settings.scan_every
    return SCAN_WHILE_HEALTHY if report.state in (WatchState.WATCHING, WatchState.STARTING) else SCAN_OTHERWISE


def _problems(reports: list[WatchReport], progress: Progress, in_force: InForce, ingest: Ingest) -> list[str]:
    found = [f"{report.root}: {report.reason}" for report in reports if report.state is WatchState.UNAVAILABLE]
    found += [
        f"{report.root}: no events from {report.unwatched_count} folders and what lies below: {report.reason}"
        for report in reports
        if report.state is WatchState.DEGRADED
    ]
    if in_force.problem is not None:
        found.append(f"the configuration is refused, the last good one is in force: {in_force.problem}")
    if in_force.settings.workers != ingest.settings.workers:
        found.append("workers: was changed in the configuration; it counts after a restart of the daemon")
    if progress.problem is not None:
        found.append(progress.problem)
    if not ingest.restriction.is_enforced:
        found.append(f"writes outside the state directory are not refused by the kernel: {ingest.restriction.reason}")
    return found


def _plain_progress(progress: Progress) -> dict[str, object]:
    names = ("due", "ready", "reading", "imported", "updated", "failed", "bytes_read", "images_per_s", "seconds_left")
    return {name: getattr(progress, name) for name in names}


def _ended(end: Callable[[], None]) -> bool:
    end()
    return True


def _clock_offset_s() -> float:
    return time.time() - time.monotonic()
