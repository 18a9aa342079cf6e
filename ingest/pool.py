"""What the ingest loop needs of its workers, and a pool without processes for tests and tiny imports."""

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ingest.work import ReadResult, ReadTask


class Results:
    """The inbox for results: any thread puts, the loop takes; a put wakes the loop."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[ReadResult] = queue.SimpleQueue()
        self._wake = threading.Event()

    def wake_with(self, event: threading.Event) -> None:
        """Set this event at each put from now on (the loop's own)."""
        self._wake = event

    def put(self, result: ReadResult) -> None:
        """Hand in a result; never blocks."""
        self._queue.put(result)
        self._wake.set()

    def put_all(self, results: Sequence[ReadResult]) -> None:
        """Hand in some that came together, with one call for the loop."""
        for result in results:
            self._queue.put(result)
        self._wake.set()

    def take(self, limit: int) -> list[ReadResult]:
        """Take up to ``limit`` results without waiting."""
        taken: list[ReadResult] = []
        while len(taken) < limit:
            try:
                taken.append(self._queue.get_nowait())
            except queue.Empty:
                break
        return taken


class ReadPool(Protocol):
    """Workers that read files.

    Each submitted task gives exactly one result in ``results``, whatever happens to its worker: one that was killed
    or got stuck gives Outcome.DIED, one that could not be started gives Outcome.TRANSIENT. ``submit`` never blocks
    and never raises; the loop keeps at most ``capacity`` tasks under way.
    """

    results: Results

    @property
    def capacity(self) -> int:
        """How many tasks may be submitted and unanswered at once."""
        ...

    def submit(self, task: ReadTask) -> None:
        """Queue a task."""
        ...

    def submit_all(self, tasks: Sequence[ReadTask]) -> None:
        """Queue tasks that may go to a worker together."""
        ...


@dataclass(slots=True, kw_only=True)
class InProcessPool:
    """Reads in the thread that submits: for tests, and where processes can't be had."""

    read: Callable[[ReadTask], ReadResult]
    results: Results = field(default_factory=Results)
    capacity: int = 10

    def submit(self, task: ReadTask) -> None:
        """Read now."""
        self.results.put(self.read(task))

    def submit_all(self, tasks: Sequence[ReadTask]) -> None:
        """Read them now."""
        for task in tasks:
            self.submit(task)
