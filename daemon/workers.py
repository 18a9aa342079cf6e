"""The worker processes: files are read there, so that one that hangs, crashes or eats memory costs one worker.

Pebble keeps the processes; timeouts are ours, because its own go by the wall clock, which may be stepped.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import forkserver, resource_tracker

from pebble import ProcessExpired, ProcessPool
from pebble.common.types import CONSTS

from daemon.pipe_lock import WorkerContext
from daemon.worker_process import WorkerLimits, nothing, prepare_worker, read_each
from ingest.pool import Results
from ingest.work import Outcome, ReadResult, ReadTask

logger = logging.getLogger(__name__)

#: Tasks under way for each worker, where they are small: what it has while as many are committed, 0.1 s of work.
TASKS_A_WORKER = 120
#: How often the pool looks for workers that died or have to be replaced; what it is given and gives back wakes it.
POOL_LOOKS_EVERY_S = 0.3
#: A read may take this long, plus the time for its bytes and its files at rates that a slow share manages.
TIMEOUT_BASE_S = 60.0
TIMEOUT_BYTES_PER_S = 4_000_000
TIMEOUT_FILES_PER_S = 20
#: Tasks are waiting and none begins or ends for this long: the pool itself is stuck and is made again.
STUCK_AFTER_S = 60.0
#: How often running tasks are compared with their time.
LOOK_EVERY_S = 0.2
#: A worker is replaced after this many batches, so that what leaks in a codec stays small.
BATCHES_A_WORKER = 1000
#: Files go to a worker so many at a time, with so many bytes: handing over costs 0.2 to 0.4 ms, as does each answer.
BATCH_AT_MOST = 20
BATCH_BYTES = 26_000_000
#: A task whose pool broke before it began is handed to the next pool this often.
RESTARTS_AT_MOST = 3
_BLOCKED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(slots=True)
class _Underway:
    """Tasks that were submitted as one: when they began (monotonic, None: they wait), and whether time ran out."""

    tasks: tuple[ReadTask, ...]
    timeout_s: float
    started_at: float | None = None
    is_out_of_time: bool = False
    #: How often its pool broke before it began.
    restarts: int = 0


class WorkerPool:
    """Implements `ingest.pool.ReadPool` with processes. Make and start it before the first thread starts."""

    def __init__(
        self,
        *,
        workers: int,
        limits: WorkerLimits,
        read: Callable[[ReadTask], ReadResult],
        timeout_base_s: float = TIMEOUT_BASE_S,
    ) -> None:
        self.results = Results()
        self._workers = workers
        self._limits = limits
        self._read = read
        self._timeout_base_s = timeout_base_s
        self._context = WorkerContext()
        self._lock = threading.Lock()
        self._rebuilding = threading.RLock()
        self._again: list[_Underway] = []
        self._underway: dict[Future[list[ReadResult]], _Underway] = {}
        self._progressed_at = time.monotonic()
        self._stopping = threading.Event()
        self._busy = threading.Event()
        self._pool: ProcessPool | None = None
        self._timer = threading.Thread(target=self._watch_times, name="worker-timer", daemon=True)
        self.rebuilt_count = 0

    @property
    def capacity(self) -> int:
        """How many tasks may be under way at once."""
        return self._workers * TASKS_A_WORKER

    def start(self) -> None:
        """Start the fork server and the workers; they import what they need while the caller goes on."""
        CONSTS.sleep_unit = POOL_LOOKS_EVERY_S
        CONSTS.term_timeout = 0.0  # workers ignore SIGTERM: kill them at once
        self._context.set_forkserver_preload(list(self._limits.preload))
        with _signals_blocked():
            forkserver.ensure_running()
        self._pool = self._new_pool()
        self._timer.start()

    def submit(self, task: ReadTask) -> None:
        """Queue a task; whatever happens, it gives one result."""
        self._submit(self._together((task,)))

    def submit_all(self, tasks: Sequence[ReadTask]) -> None:
        """Queue tasks, small ones some at a time; whatever happens, each gives one result."""
        for batch in batches_of(tasks, self._workers):
            self._submit(self._together(batch))

    def _together(self, tasks: tuple[ReadTask, ...]) -> _Underway:
        size, files = sum(map(_bytes_of, tasks)), sum(len(task.members) for task in tasks)
        return _Underway(tasks, self._timeout_base_s + size / TIMEOUT_BYTES_PER_S + files / TIMEOUT_FILES_PER_S)

    def _alone(self, batch: _Underway) -> list[_Underway]:
        """Give each task of a batch that came to nothing by itself: only the one to blame shall suffer for it."""
        return [self._together((task,)) for task in batch.tasks]

    def pids(self) -> tuple[int, ...]:
        """Give the process ids of the workers, for people and tests."""
        pool = self._pool
        return tuple(pool._pool_manager.worker_manager.workers) if pool is not None else ()

    def stop(self) -> None:
        """Kill the workers and join the threads; what is under way is answered with TRANSIENT."""
        self._stopping.set()
        self._busy.set()
        if self._timer.is_alive():
            self._timer.join()
        pool, self._pool = self._pool, None
        if pool is not None:
            _end(pool)
        _stop_forkserver()

    def _submit(self, underway: _Underway) -> None:
        future = self._schedule(underway.tasks) or self._schedule(underway.tasks)
        if future is None:
            self._fail(underway, Outcome.TRANSIENT, "no worker could be started")
            return
        with self._lock:
            if not self._underway:
                self._progressed_at = time.monotonic()
            self._underway[future] = underway
        self._busy.set()
        future.add_done_callback(self._done)

    def _fail(self, underway: _Underway, outcome: Outcome, reason: str) -> None:
        self.results.put_all(_all_failed(underway, outcome, reason))

    def _schedule(self, tasks: tuple[ReadTask, ...]) -> Future[list[ReadResult]] | None:
        """Hand tasks to the pool; a broken one is replaced, and gives None."""
        with self._rebuilding:
            pool = self._pool
            if pool is None:
                return None
            try:
                return pool.schedule(read_each, args=(self._read, tasks))
            except (RuntimeError, BrokenProcessPool) as error:
                self._rebuild(pool, str(error))
                return None

    def _new_pool(self) -> ProcessPool:
        pool = ProcessPool(
            max_workers=self._workers,
            max_tasks=BATCHES_A_WORKER,
            initializer=prepare_worker,
            initargs=(self._limits,),
            context=self._context,
        )
        for _ in range(self._workers):
            pool.schedule(nothing)
        return pool

    def _done(self, future: Future[list[ReadResult]]) -> None:
        with self._lock:
            underway = self._underway.pop(future, None)
            self._progressed_at = time.monotonic()
        if underway is None:
            return
        if _never_began(future) and underway.restarts < RESTARTS_AT_MOST:
            self._do_again([underway])
        elif len(underway.tasks) > 1 and _came_to_nothing(future, underway):
            self._do_again(self._alone(underway))
        else:
            self.results.put_all(_results_of(future, underway))

    def _do_again(self, some: list[_Underway]) -> None:
        with self._lock:
            self._again += some
        self._busy.set()

    def _watch_times(self) -> None:
        while not self._stopping.is_set():
            self._busy.wait()
            try:
                self._look()
            except Exception:
                # The boundary of this thread, which must go on: without it nothing that hangs is ever ended.
                logger.exception("workers.timer_failed")
            self._stopping.wait(LOOK_EVERY_S)

    def _look(self) -> None:
        now = time.monotonic()
        pool = self._pool
        with self._lock:
            again, self._again = self._again, []
            if not self._underway and not again:
                self._busy.clear()
            underway = list(self._underway.items())
            for future, one in underway:
                if one.started_at is None and future.running():
                    one.started_at = self._progressed_at = now
            is_stuck = bool(underway) and _is_stuck(underway, now, self._progressed_at)
        if self._stopping.is_set():
            self._busy.set()
            return
        if pool is not None and (not pool.active or is_stuck):
            self._rebuild(pool, "it was stuck" if is_stuck else "it was broken")
            underway = []
        for one in again:
            one.started_at, one.restarts = None, one.restarts + 1
            self._submit(one)
        for future, one in underway:
            if one.started_at is not None and now - one.started_at > one.timeout_s:
                one.is_out_of_time = True
                logger.warning("workers.timeout", extra={"filesets": _ids(one), "seconds": one.timeout_s})
                future.cancel()  # Pebble then ends the worker that has it, and only that one

    def _rebuild(self, broken: ProcessPool, reason: str) -> None:
        """Replace the whole pool: an idle worker's death, or one while it held the channel, breaks it for good."""
        with self._rebuilding:
            self._replace(broken, reason)

    def _replace(self, broken: ProcessPool, reason: str) -> None:
        with self._lock:
            if self._pool is not broken or self._stopping.is_set():
                return
            self._pool = None
            lost = list(self._underway.items())
            self._underway.clear()
        logger.error("workers.rebuilt", extra={"reason": reason, "tasks": len(lost)})
        for pid in tuple(broken._pool_manager.worker_manager.workers):
            _kill(pid)
        for _future, one in lost:
            if one.started_at is None and one.restarts < RESTARTS_AT_MOST:
                self._again.append(one)
            elif len(one.tasks) > 1:
                self._again += self._alone(one)
            else:
                self._fail(one, Outcome.DIED, "the process died while reading it")
        self._busy.set()
        threading.Thread(target=_end, args=(broken,), name="worker-end", daemon=True).start()
        self.rebuilt_count += 1
        self._pool = self._new_pool()


def default_limits(*, preload: tuple[str, ...], workers: int) -> WorkerLimits:
    """Give each worker half of its share of the machine's memory, between 1 and 4 GiB."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    share = memory // (2 * max(1, workers))
    return WorkerLimits(data_bytes=min(max(share, 1 << 30), 4 << 30), niceness=10, preload=preload)


def _is_stuck(underway: list[tuple[Future[list[ReadResult]], _Underway]], now: float, progressed_at: float) -> bool:
    """Tell whether nothing moves: all wait and none begins, or one goes on long after it should have been ended."""
    is_any_running = any(one.started_at is not None for _, one in underway)
    if not is_any_running:
        return now - progressed_at > STUCK_AFTER_S
    return any(
        one.started_at is not None and now - one.started_at > one.timeout_s + STUCK_AFTER_S for _, one in underway
    )


def batches_of(tasks: Sequence[ReadTask], workers: int) -> Iterator[tuple[ReadTask, ...]]:
    """Split tasks into batches in their order, such that all workers get some; what is large goes alone."""
    count = min(BATCH_AT_MOST, -(-len(tasks) // max(workers, 1)))
    batch: list[ReadTask] = []
    for task in tasks:
        if batch and (len(batch) == count or sum(map(_bytes_of, (*batch, task))) > BATCH_BYTES):
            yield tuple(batch)
            batch = []
        batch.append(task)
    if batch:
        yield tuple(batch)


def _bytes_of(task: ReadTask) -> int:
    return sum(member.look.size_bytes for member in task.members)


def _ids(underway: _Underway) -> list[int]:
    return [task.fileset_id for task in underway.tasks]


def _came_to_nothing(future: Future[list[ReadResult]], underway: _Underway) -> bool:
    """Tell whether a batch gave no results for a reason that one of its files may have caused."""
    if future.cancelled():
        return underway.is_out_of_time
    return future.exception() is not None


def _never_began(future: Future[list[ReadResult]]) -> bool:
    """Tell whether a task was dropped because its pool broke."""
    return not future.cancelled() and isinstance(future.exception(), BrokenProcessPool)


def _results_of(future: Future[list[ReadResult]], underway: _Underway) -> list[ReadResult]:
    try:
        return future.result()
    except CancelledError:
        if underway.is_out_of_time:
            reason = f"reading it took longer than {underway.timeout_s:.0f} s and was ended"
            return _all_failed(underway, Outcome.DIED, reason)
        return _all_failed(underway, Outcome.TRANSIENT, "reading it was given up: the program is stopping")
    except ProcessExpired as error:
        extra = {"filesets": _ids(underway), "exit": error.exitcode, "pid": error.pid}
        logger.warning("workers.died", extra=extra)
        return _all_failed(underway, Outcome.DIED, "the process died while reading it")
    except BrokenProcessPool:
        return _all_failed(underway, Outcome.TRANSIENT, "the workers had to be started again")
    except MemoryError:
        return _all_failed(underway, Outcome.DIED, "reading it takes more memory than a worker may have")
    except Exception as error:
        # The boundary of a worker's job: a reader that raises is a bug of ours, and must not stop the others.
        logger.exception("workers.reader_failed", extra={"filesets": _ids(underway)})
        return _all_failed(underway, Outcome.DIED, f"the reader failed: {type(error).__name__}: {error}")


def _all_failed(underway: _Underway, outcome: Outcome, reason: str) -> list[ReadResult]:
    return [_failed(task, outcome, reason) for task in underway.tasks]


def _failed(task: ReadTask, outcome: Outcome, reason: str) -> ReadResult:
    return ReadResult(fileset_id=task.fileset_id, claim=task.claim, digest=task.digest, outcome=outcome, reason=reason)


def _end(pool: ProcessPool) -> None:
    """Stop a pool and join its threads."""
    pool.stop()  # type: ignore[no-untyped-call]  # Pebble leaves it out
    pool.join()


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """Block the signals that mean the daemon: the fork server and its children inherit it, and outlive a Ctrl-C."""
    resource_tracker.ensure_running()  # it would unblock them
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _BLOCKED)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _stop_forkserver() -> None:
    """End the fork server, which else stays until this process ends, and the tracker of semaphores."""
    forkserver._forkserver._stop()  # type: ignore[attr-defined]  # the module offers no public way
    resource_tracker._resource_tracker._stop()  # type: ignore[attr-defined]  # likewise
