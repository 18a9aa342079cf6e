"""Workers as real processes: killed alone, never outliving the daemon, bounded, meek."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.locks import lock_file
from daemon.worker_process import WorkerLimits
from daemon.workers import WorkerPool, batches_of
from ingest.clock import SystemClock
from ingest.work import Outcome, ReadResult
from tests.helpers.leaks import is_alive, open_files
from tests.helpers.program import PATIENCE_S, wait_until
from tests.helpers.reading import read, task

LIMITS = WorkerLimits(data_bytes=1 << 30, niceness=5, preload=("tests.helpers.reading",))


def _pool(timeout_base_s: float) -> Iterator[WorkerPool]:
    made = WorkerPool(workers=2, limits=LIMITS, read=read, timeout_base_s=timeout_base_s)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    """Give a pool that waits longer for a file than a test may take."""
    yield from _pool(1000.0)


@pytest.fixture
def impatient() -> Iterator[WorkerPool]:
    """Give a pool that soon ends what is stuck, and not so soon that a busy machine looks stuck."""
    yield from _pool(3.0)


def _results(pool: WorkerPool, count: int) -> list[ReadResult]:
    found: list[ReadResult] = []

    def enough() -> bool:
        found.extend(pool.results.take(100))
        return len(found) >= count

    wait_until(enough, every_s=0.02)
    return sorted(found, key=lambda result: result.fileset_id)


def test_every_task_gives_exactly_one_result(pool: WorkerPool, tmp_path: Path) -> None:
    for number in range(50):
        pool.submit(task(tmp_path / "ok", fileset_id=number))
    results = _results(pool, 50)
    assert [result.fileset_id for result in results] == list(range(50))
    assert {result.outcome for result in results} == {Outcome.READ}


def test_a_worker_stuck_in_a_c_call_is_ended_alone(impatient: WorkerPool, tmp_path: Path) -> None:
    pool = impatient
    pool.submit(task(tmp_path / "stuck", fileset_id=1))
    pool.submit(task(tmp_path / "ok", fileset_id=2))
    stuck, other = _results(pool, 2)
    assert stuck.outcome is Outcome.DIED
    assert stuck.reason == "reading it took longer than 3 s and was ended"
    pool.submit(task(tmp_path / "ok", fileset_id=3))
    (after,) = _results(pool, 1)
    assert after.outcome is Outcome.READ
    assert int(other.reason or 0) in pool.pids(), "the worker that had done nothing wrong was ended, too"


def test_a_worker_that_dies_costs_its_own_file_only(pool: WorkerPool, tmp_path: Path) -> None:
    names = ["ok", "die", "ok", "ok", "die", "ok"]
    for number, name in enumerate(names):
        pool.submit(task(tmp_path / name, fileset_id=number))
    results = _results(pool, len(names))
    assert [result.outcome for result in results if names[result.fileset_id] == "die"] == [Outcome.DIED] * 2
    assert [result.reason for result in results if result.outcome is Outcome.DIED] == [
        "the process died while reading it"
    ] * 2
    assert all(result.outcome is Outcome.READ for result in results if names[result.fileset_id] == "ok")


@pytest.mark.parametrize("bad", ["die", "stuck", "raise"])
def test_of_files_read_together_only_the_one_to_blame_suffers(
    request: pytest.FixtureRequest, tmp_path: Path, bad: str
) -> None:
    pool = request.getfixturevalue("impatient" if bad == "stuck" else "pool")
    names = ["ok", "ok", bad, "ok", "ok", "ok"]
    pool.submit_all([task(tmp_path / name, fileset_id=number) for number, name in enumerate(names)])
    results = _results(pool, len(names))
    assert [result.fileset_id for result in results] == list(range(len(names)))
    expected = [Outcome.READ if name == "ok" else Outcome.DIED for name in names]
    assert [result.outcome for result in results] == expected
    assert not pool.results.take(1)


def test_small_files_go_together_and_large_ones_alone(tmp_path: Path) -> None:
    def sizes(*sizes_bytes: int) -> list[tuple[int, ...]]:
        tasks = [task(tmp_path / "ok", fileset_id=size, size_bytes=size) for size in sizes_bytes]
        return [tuple(one.fileset_id for one in batch) for batch in batches_of(tasks, workers=2)]

    assert sizes(1) == [(1,)]
    assert sizes(1, 2, 3) == [(1, 2), (3,)], "both workers get some"
    assert [len(batch) for batch in sizes(*range(45))] == [20, 20, 5]
    assert sizes(1, 2, 30_000_000, 3, 4, 5) == [(1, 2), (30_000_000,), (3, 4, 5)]
    assert [len(batch) for batch in sizes(*range(8_400_000, 8_400_007))] == [3, 3, 1]


def test_idle_workers_that_are_killed_come_back(pool: WorkerPool, tmp_path: Path) -> None:
    pool.submit(task(tmp_path / "ok"))
    _results(pool, 1)
    before = pool.pids()
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not any(map(is_alive, before)))
    pool.submit(task(tmp_path / "ok"))
    (result,) = _results(pool, 1)
    assert result.outcome is Outcome.READ


def test_memory_is_bounded(pool: WorkerPool, tmp_path: Path) -> None:
    pool.submit(task(tmp_path / "memory"))
    (result,) = _results(pool, 1)
    assert (result.outcome, result.reason) == (Outcome.DIED, "reading it takes more memory than a worker may have")


def test_a_reader_that_raises_is_an_answer(pool: WorkerPool, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pool.submit(task(tmp_path / "raise"))
    (result,) = _results(pool, 1)
    assert (result.outcome, result.reason) == (Outcome.DIED, "the reader failed: ValueError: a bug")
    assert "workers.reader_failed" in caplog.text


def test_workers_are_nice_and_deaf_to_the_daemons_signals(pool: WorkerPool, tmp_path: Path) -> None:
    pool.submit(task(tmp_path / "ok"))
    _results(pool, 1)
    nice = min(19, os.getpriority(os.PRIO_PROCESS, 0) + LIMITS.niceness)
    for pid in pool.pids():
        wait_until(lambda: os.getpriority(os.PRIO_PROCESS, pid) == nice)  # noqa: B023 - one of them may still start
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(pid, number)
    before = pool.pids()
    pool.submit(task(tmp_path / "ok"))
    (result,) = _results(pool, 1)
    assert result.outcome is Outcome.READ
    assert pool.pids() == before


def test_workers_do_not_hold_the_lock_file(tmp_path: Path) -> None:
    lock = lock_file(tmp_path, now=SystemClock().now())
    pool = WorkerPool(workers=1, limits=LIMITS, read=read)
    pool.start()
    try:
        pool.submit(task(tmp_path / "ok"))
        _results(pool, 1)
        (pid,) = pool.pids()
        assert not any("ingest.lock" in name for _, name in open_files(pid))
    finally:
        pool.stop()
        lock.release()


def test_no_named_semaphore_is_made(pool: WorkerPool, tmp_path: Path) -> None:
    pool.submit(task(tmp_path / "ok"))
    _results(pool, 1)
    assert not list(Path("/dev/shm").glob(f"sem.mp-*{os.getpid()}*"))
    assert not any("sem.mp-" in name for _, name in open_files())


PARENT = """
import sys
from pathlib import Path
from daemon.worker_process import WorkerLimits
from daemon.workers import WorkerPool, batches_of
from tests.helpers.program import wait_until
from tests.helpers.reading import read, task

if __name__ == "__main__":
    limits = WorkerLimits(data_bytes=None, niceness=0, preload=("tests.helpers.reading",))
    pool = WorkerPool(workers=2, limits=limits, read=read)
    pool.start()
    for number, name in enumerate(("stuck-1", "hang-2")):
        pool.submit(task(Path(name), fileset_id=number))
    wait_until(lambda: sum(future.running() for future in list(pool._underway)) == 2)
    from multiprocessing import forkserver
    print(*pool.pids(), forkserver._forkserver._forkserver_pid, flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_no_busy_worker_outlives_a_killed_daemon(number: signal.Signals, tmp_path: Path) -> None:
    checkout = Path(__file__).parents[2]
    # What is killed can't remove the folder of its sockets: that lies in the test's own.
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT],
        cwd=checkout,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    pids: tuple[int, ...] = ()
    try:
        assert parent.stdout is not None
        pids = tuple(int(word) for word in parent.stdout.readline().split())
        assert len(pids) == 3
        assert all(map(is_alive, pids))
        parent.send_signal(number)
        parent.wait(PATIENCE_S)
        wait_until(lambda: not any(map(is_alive, pids)))
    finally:
        for pid in (*pids, parent.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        parent.communicate()
