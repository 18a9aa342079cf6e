"""The only user of APScheduler: periodic work, each act short, in one of two small thread pools."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Literal

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

logger = logging.getLogger(__name__)

Executor = Literal["default", "scans"]


class Schedule:
    """Named acts at intervals. A run that comes late still runs, several late ones run once, none runs twice at a time.

    APScheduler computes by the wall clock: after a step of the clock call `realign`.
    """

    def __init__(self) -> None:
        self._intervals: dict[str, timedelta] = {}
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            jobstores={"default": MemoryJobStore()},
            executors={"default": ThreadPoolExecutor(1), "scans": ThreadPoolExecutor(1)},
            # The default grace of one second skips a run when the pool is busy.
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )

    def start(self) -> None:
        """Start the threads."""
        self._scheduler.start()

    def every(self, name: str, interval: timedelta, act: Callable[[], None], *, executor: Executor = "default") -> None:
        """Run ``act`` at every interval from now on; an act of the same name is replaced if its interval differs."""
        if self._intervals.get(name) == interval:
            return
        self._intervals[name] = interval
        self._scheduler.add_job(
            _guarded(name, act),
            IntervalTrigger(seconds=interval.total_seconds(), timezone=UTC),
            id=name,
            name=name,
            executor=executor,
            replace_existing=True,
        )

    def remove(self, name: str) -> None:
        """Run an act no more; an unknown name is let pass."""
        if self._intervals.pop(name, None) is not None:
            self._scheduler.remove_job(name)

    def names(self) -> frozenset[str]:
        """Give the names of all acts."""
        return frozenset(self._intervals)

    def next_run_at(self, name: str) -> datetime | None:
        """Tell when an act runs next."""
        job = self._scheduler.get_job(name)
        found: datetime | None = None if job is None else job.next_run_time
        return found

    def realign(self, now: datetime) -> None:
        """Plan every act anew from now on: the wall clock was stepped."""
        for name, interval in self._intervals.items():
            trigger = IntervalTrigger(seconds=interval.total_seconds(), start_date=now + interval, timezone=UTC)
            self._scheduler.reschedule_job(name, trigger=trigger)

    def stop(self) -> None:
        """End, waiting for the acts that run."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)


def _guarded(name: str, act: Callable[[], None]) -> Callable[[], None]:
    def run() -> None:
        try:
            act()
        except Exception:
            # The boundary of a periodic act: it will be tried again at its next time.
            logger.exception("schedule.failed", extra={"act": name})

    return run
