"""The clock as a value that is passed in: monotonic for waiting, UTC for what is stored."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Two readings: seconds that never go back, and an aware UTC datetime that may."""

    def monotonic(self) -> float:
        """Give seconds for measuring and waiting."""
        ...

    def now(self) -> datetime:
        """Give the aware UTC time for storing."""
        ...


class SystemClock:
    """The machine's clocks."""

    def monotonic(self) -> float:
        """Read CLOCK_MONOTONIC, s."""
        return time.monotonic()

    def now(self) -> datetime:
        """Read the wall clock."""
        return datetime.now(UTC)


class SteadyTime:
    """UTC that never steps: the wall clock when it was made, carried on by the monotonic clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began_at = clock.now()
        self._began_s = clock.monotonic()

    @property
    def began_at(self) -> datetime:
        """Give when it was made."""
        return self._began_at

    def now(self) -> datetime:
        """Give the steady time."""
        return self._began_at + timedelta(seconds=self._clock.monotonic() - self._began_s)
