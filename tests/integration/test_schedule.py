"""Periodic work."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from daemon.schedule import Schedule
from tests.helpers.program import PATIENCE_S, wait_until


@pytest.fixture
def schedule() -> Iterator[Schedule]:
    made = Schedule()
    made.start()
    yield made
    made.stop()


def test_an_act_runs_again_and_again(schedule: Schedule) -> None:
    runs: list[int] = []
    schedule.every("act", timedelta(milliseconds=50), lambda: runs.append(1))
    wait_until(lambda: len(runs) >= 3)


def test_an_act_that_fails_runs_again(schedule: Schedule, caplog: pytest.LogCaptureFixture) -> None:
    runs: list[int] = []

    def act() -> None:
        runs.append(1)
        raise ValueError("boom")

    schedule.every("act", timedelta(milliseconds=50), act)
    wait_until(lambda: len(runs) >= 2)
    assert "schedule.failed" in caplog.text


def test_a_late_run_is_not_skipped_and_never_runs_twice_at_a_time(schedule: Schedule) -> None:
    release, running, most = threading.Event(), threading.Semaphore(1), [0]
    runs: list[bool] = []

    def act() -> None:
        runs.append(running.acquire(blocking=False))
        release.wait(PATIENCE_S)
        if runs[-1]:
            running.release()

    schedule.every("act", timedelta(milliseconds=50), act)
    schedule.every("blocked", timedelta(milliseconds=50), lambda: most.append(1))
    wait_until(lambda: len(runs) == 1)
    threading.Event().wait(1.5)
    assert len(most) == 1, "the pool has one thread, and it is busy"
    release.set()
    wait_until(lambda: len(most) > 2 and len(runs) > 2)
    assert all(runs)


def _wait(event: threading.Event) -> None:
    event.wait(PATIENCE_S)


def test_scans_do_not_wait_for_other_acts(schedule: Schedule) -> None:
    release, scanned = threading.Event(), threading.Event()
    schedule.every("slow", timedelta(milliseconds=20), partial(_wait, release))
    schedule.every("scan", timedelta(milliseconds=50), scanned.set, executor="scans")
    assert scanned.wait(PATIENCE_S)
    release.set()


def test_the_same_interval_does_not_begin_anew(schedule: Schedule) -> None:
    schedule.every("act", timedelta(hours=1), lambda: None)
    first = schedule.next_run_at("act")
    schedule.every("act", timedelta(hours=1), lambda: None)
    assert schedule.next_run_at("act") == first
    schedule.every("act", timedelta(hours=2), lambda: None)
    assert schedule.next_run_at("act") != first


def test_after_a_step_of_the_clock_acts_are_planned_from_now(schedule: Schedule) -> None:
    schedule.every("act", timedelta(hours=1), lambda: None)
    stepped = datetime.now(UTC) + timedelta(hours=-5)
    schedule.realign(stepped)
    planned = schedule.next_run_at("act")
    assert planned is not None
    assert planned <= datetime.now(UTC) + timedelta(hours=1)


def test_a_removed_act_is_gone(schedule: Schedule) -> None:
    schedule.every("act", timedelta(hours=1), lambda: None)
    schedule.remove("act")
    schedule.remove("act")
    assert not schedule.names()
    assert schedule.next_run_at("act") is None
