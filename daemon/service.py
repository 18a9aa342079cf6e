"""The composition root: builds the parts of an ingest, starts them in order, and ends them in reverse."""

import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from catalog.engine import Catalogue, open_catalogue, sqlite_path
from catalog.ingest_lock import FencedCatalogue, advisory_lock_holder, take_advisory_lock
from catalog.migrations.runner import migrate
from catalog.people_sync import sync_with_settings
from config.mount_table import mount_of, read_mounts
from config.rules import compile_root
from config.secrets import catalogue_url
from config.settings import Settings, WatchSettings
from daemon.errors import AnotherInstance
from daemon.landlock import Restriction, restrict_writes
from daemon.locks import Holder, IngestLock, Purpose, file_lock_holder, lock_file
from daemon.mounts import decide_events
from daemon.readiness import Notifier
from daemon.root_watch import PolledRoot, RootWatch, Watch
from daemon.state_dir import prepare_state_dir, use_own_temporary_folder
from daemon.workers import WorkerPool, default_limits
from ingest.clock import Clock, SystemClock
from ingest.hints import Hints
from ingest.loop import IngestLoop
from ingest.reading import read

logger = logging.getLogger(__name__)

_MIGRATING = "bringing the catalogue to this program's version, after a backup: leave it alone"

#: What a worker imports before its first file comes.
PRELOAD = ("ingest.reading",)
#: Libraries that would start a thread for each core, in each worker.
_SINGLE_THREADED = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingest:
    """An ingest that holds its lock and is ready to run."""

    settings: Settings
    catalogue: Catalogue
    lock: IngestLock
    restriction: Restriction
    pool: WorkerPool
    hints: Hints
    loop: IngestLoop
    clock: Clock


@contextmanager
def opened_ingest(
    settings: Settings,
    *,
    environ: Mapping[str, str],
    purpose: Purpose,
    version: str,
    grace_s: float,
    notifier: Notifier | None = None,
) -> Iterator[Ingest]:
    """Take the lock and build an ingest around it; everything is given back at the end, in reverse.

    Call it in the main thread before any other thread starts: Landlock holds the threads and processes that are
    started afterwards. Raises AnotherInstance, CatalogueUnavailable, Failed (the state directory).
    """
    clock = SystemClock()
    os.umask(0o077)
    prepare_state_dir(settings.state_dir)
    with ExitStack() as stack:
        url = catalogue_url(settings, environ)
        catalogue, lock = _locked(settings, url, purpose=purpose, now=clock.now(), stack=stack)
        restriction = restrict(settings, catalogue)
        with notifier.takes_long(_MIGRATING) if notifier else nullcontext():
            _migrate(catalogue, settings.state_dir, clock.now())
        sync_people(catalogue, settings, clock.now())
        pool = _new_pool(settings)
        pool.start()
        stack.callback(pool.stop)
        hints = Hints()
        loop = IngestLoop(
            catalogue=catalogue,
            settings=settings,
            pool=pool,
            hints=hints,
            clock=clock,
            version=version,
            via="daemon" if purpose == "run" else "cli",
            grace_s=grace_s,
            lock=lock,
        )
        yield Ingest(
            settings=settings,
            catalogue=catalogue,
            lock=lock,
            restriction=restriction,
            pool=pool,
            hints=hints,
            loop=loop,
            clock=clock,
        )


def holder_of(settings: Settings, catalogue: Catalogue) -> Holder | None:
    """Tell who holds the ingest of a catalogue now; None when nobody does."""
    if not catalogue.is_postgresql:
        return file_lock_holder(settings.state_dir)
    found = advisory_lock_holder(catalogue.engine)
    if found is None:
        return None
    return Holder(pid=found.pid, host=found.host, started_at=found.started_at, purpose=found.purpose)


def build_watch(watch: WatchSettings, settings: Settings, hints: Hints) -> Watch:
    """Build the watch of a root: by events where its file system tells them, else none but the timer."""
    decision = decide_events(watch.events, mount_of(os.fsencode(os.path.realpath(watch.root)), read_mounts()))
    logger.info("watch.decided", extra={"root": watch.name, "native": decision.is_native, "reason": decision.reason})
    if not decision.is_native:
        return PolledRoot(root=watch.name, reason=decision.reason)
    rules = compile_root(watch, settings)
    return RootWatch(
        root=watch.name,
        path=os.fsencode(watch.root),
        hints=hints,
        is_left_out=lambda path: rules.ignored(path) is not None,
    )


@dataclass(slots=True, kw_only=True)
class Watches:
    """The watches of all roots, kept in step with the configuration."""

    hints: Hints
    build: Callable[[WatchSettings, Settings, Hints], Watch] = build_watch
    _by_name: dict[str, tuple[WatchSettings, Watch]] = field(default_factory=dict)

    def apply(self, settings: Settings) -> None:
        """Start the watches of new roots, end those of roots that left, renew those that changed."""
        wanted = {watch.name: watch for watch in settings.watch}
        for name in [name for name, (watch, _) in self._by_name.items() if not _is_same(watch, wanted.get(name))]:
            self._by_name.pop(name)[1].stop()
        for name, watch in wanted.items():
            if (
                name in self._by_name
            ):  # what does not matter to watching may be other than before: the timer of its scans
                self._by_name[name] = (watch, self._by_name[name][1])
                continue
            made = self.build(watch, settings, self.hints)
            made.start()
            self._by_name[name] = (watch, made)

    def wait_armed(self, timeout_s: float, stop: threading.Event) -> bool:
        """Wait until every root is armed or known to be out of reach; False when that takes longer."""
        for _, watch in self._by_name.values():
            waited_s = 0.0
            while not watch.wait_armed(0.2):
                waited_s += 0.2
                if waited_s > timeout_s or stop.is_set():
                    return False
        return True

    def all(self) -> tuple[tuple[WatchSettings, Watch], ...]:
        """Give each root's settings and watch."""
        return tuple(self._by_name.values())

    def stop(self) -> None:
        """End all."""
        while self._by_name:
            self._by_name.popitem()[1][1].stop()


def _is_same(before: WatchSettings, after: WatchSettings | None) -> bool:
    return after is not None and (before.root, before.events, before.ignore) == (
        after.root,
        after.events,
        after.ignore,
    )


def _locked(
    settings: Settings, url: str, *, purpose: Purpose, now: datetime, stack: ExitStack
) -> tuple[Catalogue, IngestLock]:
    lock: IngestLock
    if url.startswith("sqlite"):
        lock = lock_file(settings.state_dir, now=now, purpose=purpose)
        stack.callback(lock.release)
        use_own_temporary_folder(settings.state_dir)
        catalogue = open_catalogue(url, create=True)
        stack.callback(catalogue.close)
        return catalogue, lock
    catalogue = open_catalogue(url)
    stack.callback(catalogue.close)
    taken = take_advisory_lock(catalogue.engine, purpose=purpose)
    if taken is None:
        raise AnotherInstance(holder_of(settings, catalogue) or Holder(pid=None, host=None, started_at=None))
    stack.callback(taken.release)
    use_own_temporary_folder(settings.state_dir)
    return FencedCatalogue(catalogue.engine, taken.is_held), taken


def restrict(settings: Settings, catalogue: Catalogue) -> Restriction:
    """Have the kernel refuse this process every write outside the state directory and the catalogue's folder."""
    writable = [str(settings.state_dir)]
    database = sqlite_path(catalogue.engine.url)
    if database is not None and not database.is_relative_to(settings.state_dir):
        writable.append(str(database.parent))  # SQLite makes its journal beside the database
    restriction = restrict_writes(writable)
    if restriction.covers_truncate:
        logger.info("landlock.enforced", extra={"version": restriction.version, "writable": writable})
    else:
        reason = restriction.reason or "this kernel's Landlock does not cover truncate"
        logger.warning("landlock.incomplete", extra={"version": restriction.version, "reason": reason})
    return restriction


def _migrate(catalogue: Catalogue, state_dir: Path, now: datetime) -> None:
    done = migrate(catalogue, backup_to=state_dir / f"catalog-before-migration-{now:%Y%m%dT%H%M%S}.db")
    if done.before != done.after:
        backup = str(done.backup) if done.backup is not None else None
        extra = {"before": done.before, "after": done.after, "backup": backup}
        logger.info("catalogue.migrated", extra=extra)


def sync_people(catalogue: Catalogue, settings: Settings, now: datetime) -> None:
    """Bring people, groups and levels in step with the file, before anything is placed by it."""
    with catalogue.writing() as connection:
        report = sync_with_settings(connection, settings, now=now)
    for problem in report.problems:
        logger.warning("people.not_as_in_the_file", extra={"problem": problem})


def _new_pool(settings: Settings) -> WorkerPool:
    for name in _SINGLE_THREADED:
        os.environ.setdefault(name, "1")
    workers = settings.workers or len(os.sched_getaffinity(0))
    return WorkerPool(workers=workers, limits=default_limits(preload=PRELOAD, workers=workers), read=read)
