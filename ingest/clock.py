"""The clock as a value that is passed in: monotonic for waiting, UTC for what is stored."""

import time
from datetime import UTC, datetime
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
