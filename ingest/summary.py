"""What the loop tells others: the outcome of a one-shot import, and how far everything is."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportSummary:
    """The outcome of `coverslip import`: counts of files (``bytes`` as read), as in the command's JSON.

    ``scanned`` files were looked at; of those ``imported`` are new in the catalogue, ``updated`` changed in place,
    ``unchanged`` were there already; ``failed`` are quarantined or waiting to be tried again, ``stalled`` did not
    become whole in the time that their rule allows. The rest are ignored, skipped, or settling still.
    """

    scanned: int = 0
    imported: int = 0
    updated: int = 0
    unchanged: int = 0
    held: int = 0
    unmatched: int = 0
    failed: int = 0
    stalled: int = 0
    seconds: float = 0.0
    bytes: int = 0
    #: Sentences about roots that could not be looked at: the command then exits 1.
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RootProgress:
    """One root's part of a snapshot. ``is_scanning``: a full pass is under way; counts are of that pass."""

    name: str
    availability: str
    reason: str | None
    is_scanning: bool
    files_seen: int
    directories_seen: int
    last_pass_ended_at: datetime | None
    overflow_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A snapshot of the ingest for `status` and sd_notify; ``problem`` is why it is degraded, or None.

    ``due`` filesets wait for a second look, ``ready`` jobs for a worker, ``reading`` are with one. ``images_per_s``
    is over the last minute; ``seconds_left`` is an estimate for what is ready and due, None when nothing is known.
    """

    at: datetime
    problem: str | None = None
    roots: tuple[RootProgress, ...] = field(default_factory=tuple)
    due: int = 0
    ready: int = 0
    reading: int = 0
    imported: int = 0
    updated: int = 0
    failed: int = 0
    bytes_read: int = 0
    images_per_s: float = 0.0
    seconds_left: float | None = None

    def sentence(self) -> str:
        """Say it in one line, for sd_notify's STATUS."""
        scanning = [root.name for root in self.roots if root.is_scanning]
        parts = [f"{self.imported} imported, {self.ready + self.reading} to read, {self.due} settling"]
        if scanning:
            parts.append(f"scanning {', '.join(scanning)}")
        if self.seconds_left:
            parts.append(f"about {round(self.seconds_left)} s left")
        if self.problem:
            parts.insert(0, f"degraded: {self.problem}")
        return "; ".join(parts)
