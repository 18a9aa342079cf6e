"""The brake: when too much of a root would go missing at once, nothing is marked until a person says so. Pure."""

from collections.abc import Callable
from datetime import datetime, timedelta

from ingest.clock import Clock

SHARE = 0.20
FILES = 50
WITHIN = timedelta(hours=24)
COUNT_EVERY = timedelta(minutes=1)


class Brake:
    """Judges how much of one root goes missing within a day; counts are asked for only when it may be too much."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._present = 0
        self._lately = 0
        self._counted_at: datetime | None = None
        self.is_released = False

    def note(self, count: int) -> None:
        """Remember that files were marked."""
        self._lately += count
        self._present -= count

    def why_not(self, count: int, counts: Callable[[datetime], tuple[int, int]]) -> str | None:
        """Say why ``count`` more files may not be marked as missing, or None.

        ``counts(since)`` gives how many files are present, and how many went missing since then; it is asked for
        once in a while, because it reads all of them.
        """
        if self.is_released or count == 0:
            return None
        now = self._clock.now()
        is_old = self._counted_at is None or not timedelta(0) <= now - self._counted_at < COUNT_EVERY
        if is_old:
            self._present, self._lately = counts(now - WITHIN)
            self._counted_at = now
        missing, total = self._lately + count, self._present + self._lately
        if missing <= FILES or missing <= SHARE * total:
            return None
        return (
            f"{missing} of {total} files would be missing within 24 h; nothing was marked."
            " If they were removed on purpose, say so with `coverslip root accept`"
        )
