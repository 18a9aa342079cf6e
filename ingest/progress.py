"""Counts what the ingest does and makes the snapshot that others see."""

from collections import deque

from catalog.looks import CommittedAs
from ingest.clock import Clock
from ingest.core import Core
from ingest.summary import Progress, RootProgress

_WINDOW_S = 60.0


class Meter:
    """Totals since the start, and the rate of the last minute."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began_s = clock.monotonic()
        self._recent: deque[float] = deque(maxlen=100_000)
        self.imported = self.updated = self.bytes_read = 0

    def note(self, outcome: CommittedAs, bytes_read: int) -> None:
        """Count a committed result."""
        self.imported += outcome is CommittedAs.IMPORTED
        self.updated += outcome is CommittedAs.UPDATED
        self.bytes_read += bytes_read
        self._recent.append(self._clock.monotonic())

    def rate_per_s(self) -> float:
        """Give results per second over the last minute, or since the start if that is less."""
        now_s = self._clock.monotonic()
        while self._recent and now_s - self._recent[0] > _WINDOW_S:
            self._recent.popleft()
        return len(self._recent) / max(min(_WINDOW_S, now_s - self._began_s), 1.0)

    def progress(self, core: Core, problem: str | None) -> Progress:
        """Make the snapshot."""
        counts = core.counts
        due, ready = counts.get("due", 0), counts.get("ready", 0)
        left = due - counts.get("lacking", 0) + ready + len(core.under_way)
        rate = self.rate_per_s()
        return Progress(
            at=self._clock.now(),
            problem=problem,
            roots=tuple(
                RootProgress(
                    name=root.name,
                    availability=root.availability,
                    reason=root.reason,
                    is_scanning=root.is_scanning,
                    files_seen=root.files_seen,
                    directories_seen=root.directories_seen,
                    last_pass_ended_at=root.last_pass_ended_at,
                    overflow_count=root.overflow_count,
                )
                for root in core.roots.values()
            ),
            due=due,
            ready=ready,
            reading=len(core.under_way),
            imported=self.imported,
            updated=self.updated,
            failed=counts.get("quarantined", 0) + counts.get("waiting", 0),
            bytes_read=self.bytes_read,
            images_per_s=rate,
            seconds_left=left / rate if left and rate else None,
        )
