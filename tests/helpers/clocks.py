"""Clocks whose wall time a person steps."""

import time
from datetime import UTC, datetime, timedelta


class SteppingClock:
    """The machine's monotonic clock, and a wall clock that is off by ``step``."""

    def __init__(self, step: timedelta = timedelta(0)) -> None:
        self.step = step

    def monotonic(self) -> float:
        return time.monotonic()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.step
