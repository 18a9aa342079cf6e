"""A run of `verify`: plans batches of files to be compared, and takes in what was found. Who reads them is not its own.

What was compared is written batch by batch, so a run that is broken off loses one batch; the next one goes on with
what was compared the longest ago.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from math import ceil

from catalog import roots, verification
from catalog.engine import Catalogue
from catalog.permissions import SYSTEM, Acting
from catalog.places import absolute
from catalog.verification import Compared, Coverage, Location, Run
from ingest.clock import Clock
from ingest.work import FileCheck, Look, Member, Verdict

#: A batch is so many files, or so many bytes, of one root.
BATCH_FILES = 100
BATCH_BYTES = 64 << 20
PAGE_FILES = 2000
#: Images that are asked for at once, where images are named.
IMAGES_AT_ONCE = 500
#: So many paths are named in a summary; all are counted.
NAMED_AT_MOST = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyPlan:
    """How much to compare: a share of all files, as many as can be read in a time, the files of some images; or all."""

    fraction: Fraction | None = None
    budget: timedelta | None = None
    image_ids: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Files of one root, to be compared in one go."""

    root_path: bytes
    identity: Mapping[str, object] | None
    locations: tuple[Location, ...]

    def members(self) -> tuple[Member, ...]:
        """Give them as a worker takes them."""
        return tuple(
            Member(
                path=one.path,
                look=Look(size_bytes=one.size_bytes, mtime_ns=one.mtime_ns, ctime_ns=one.ctime_ns, inode=one.inode),
                expected=(one.hasher, one.hash),
            )
            for one in self.locations
        )


@dataclass(slots=True, kw_only=True)
class VerifySummary:
    """What a run found. ``checked`` files were compared; paths are absolute, as people read them.

    ``changed`` files were written since they were last seen: the next scan takes them in. ``unreadable`` says of each
    file why it could not be compared. ``unavailable`` says of roots, and disks inside them, that are not there, why,
    and how many files lie there: nothing is known of these.
    """

    checked: int = 0
    bytes: int = 0
    damaged: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    unavailable: dict[str, tuple[str, int]] = field(default_factory=dict)
    changed: int = 0
    damaged_count: int = 0
    missing_count: int = 0
    unreadable_count: int = 0
    is_broken_off: bool = False

    def name_damaged(self, path: str) -> None:
        """Count a damaged file, and name it among the first."""
        self.damaged_count += 1
        if self.damaged_count <= NAMED_AT_MOST:
            self.damaged.append(path)

    def name_missing(self, path: str) -> None:
        """Count a missing file, and name it among the first."""
        self.missing_count += 1
        if self.missing_count <= NAMED_AT_MOST:
            self.missing.append(path)

    def name_unreadable(self, path: str, reason: str) -> None:
        """Count a file that could not be compared, and name it among the first."""
        self.unreadable_count += 1
        if self.unreadable_count <= NAMED_AT_MOST:
            self.unreadable.append((path, reason))

    def name_unavailable(self, place: str, reason: str) -> None:
        """Count a file whose root, or disk, is not there."""
        self.unavailable[place] = (reason, self.unavailable.get(place, ("", 0))[1] + 1)

    def know_unavailable(self, place: str, reason: str, files: int) -> None:
        """Note how many files lie where nothing could be reached, those among them that were asked for already."""
        self.unavailable[place] = (reason, max(files, self.unavailable.get(place, ("", 0))[1]))

    @property
    def unavailable_count(self) -> int:
        """Count the files that lie on what is not there."""
        return sum(files for _, files in self.unavailable.values())


class VerifyRun:
    """One run. Call `next_batch` and `take` in turns until there is no batch, then `end`."""

    def __init__(
        self, catalogue: Catalogue, plan: VerifyPlan, *, clock: Clock, via: str, acting: Acting = SYSTEM
    ) -> None:
        self._catalogue = catalogue
        self._plan = plan
        self._clock = clock
        self._via = via
        self._acting = acting
        self._began_at = clock.now()
        self._began_s = clock.monotonic()
        self._waiting: deque[Location] = deque()
        self._after: Location | None = None
        #: What is still to come of `_named`.
        self._slices = deque(self._named())
        self.summary = VerifySummary()
        with catalogue.reading() as connection:  # it counts all files: nobody who writes should wait for that
            self.files_wanted = self._count(verification.count_comparable(connection))
            self._roots = {root.id: root for root in roots.known_roots(connection)}
        with catalogue.writing() as connection:
            self._id = verification.begin_run(connection, now=self._began_at, via=via)
        self._left = self.files_wanted

    def _count(self, count: int) -> int:
        if self._plan.image_ids is not None:
            return len(self._plan.image_ids)
        fraction = self._plan.fraction
        return count if fraction is None else ceil(count * fraction)

    @property
    def _has_had_enough(self) -> bool:
        return self._plan.image_ids is None and self._left <= 0

    def next_batch(self) -> Batch | None:
        """Give the next files to compare; None at the end, or when the time is up."""
        budget = self._plan.budget
        if budget is not None and self._clock.monotonic() - self._began_s >= budget.total_seconds():
            return None
        while not self._waiting and self._slices and not self._has_had_enough:
            self._fill(self._slices[0])
        if not self._waiting or self._has_had_enough:
            return None
        taken = self._take_some()
        self._left -= len(taken)
        root = self._roots[taken[0].root_id]
        return Batch(root_path=root.path, identity=root.identity, locations=tuple(taken))

    def _fill(self, image_ids: tuple[int, ...] | None) -> None:
        with self._catalogue.reading() as connection:
            page = verification.locations(
                connection,
                before=self._began_at,
                after=self._after,
                limit=PAGE_FILES,
                image_ids=image_ids,
            )
            # A root that came, moved or was accepted meanwhile is taken as it is now.
            self._roots = {root.id: root for root in roots.known_roots(connection)}
        self._waiting.extend(page)
        self._after = page[-1] if page else None
        if len(page) < PAGE_FILES:
            self._slices.popleft()
            self._after = None

    def _take_some(self) -> list[Location]:
        taken = [self._waiting.popleft()]
        size_bytes = taken[0].size_bytes
        most = BATCH_FILES if self._plan.image_ids is not None else min(BATCH_FILES, self._left)
        while self._waiting and len(taken) < most:
            one = self._waiting[0]
            if one.root_id != taken[0].root_id or size_bytes + one.size_bytes > BATCH_BYTES:
                break
            size_bytes += one.size_bytes
            taken.append(self._waiting.popleft())
        return taken

    def take(self, batch: Batch, checks: Sequence[FileCheck]) -> list[bytes]:
        """Write what was found; gives the paths, relative to the batch's root, that should be looked at again."""
        found = list(zip(batch.locations, checks, strict=True))
        compared = [
            Compared(location=location, found=check.found)
            for location, check in found
            if check.verdict in (Verdict.SAME, Verdict.OTHER_BYTES)
        ]
        with self._catalogue.writing() as connection:
            counted = verification.write_compared(
                connection, compared, now=self._clock.now(), via=self._via, acting=self._acting
            )
            self._sum_up(batch, found, counted)
            verification.note_run(
                connection,
                self._id,
                checked=self.summary.checked,
                bytes_read=self.summary.bytes,
                damaged=self.summary.damaged_count,
                missing=self.summary.missing_count,
            )
        return [check.path for check in checks if check.verdict in (Verdict.CHANGED, Verdict.GONE)]

    def _sum_up(self, batch: Batch, found: Sequence[tuple[Location, FileCheck]], counted: Sequence[Compared]) -> None:
        """Add a batch to the summary. The catalogue may refuse the transaction afterwards: the run ends then."""
        summary = self.summary
        summary.checked += len(counted)
        summary.bytes += sum(check.bytes_read for _, check in found)
        for one in counted:
            if one.found is not None:
                summary.name_damaged(absolute(batch.root_path, one.location.path))
        for location, check in found:
            path = absolute(batch.root_path, location.path)
            match check.verdict:
                case Verdict.GONE:
                    summary.name_missing(path)
                case Verdict.UNREADABLE:
                    summary.name_unreadable(path, check.reason or "it could not be read")
                case Verdict.UNAVAILABLE:
                    self._left += 1  # it says nothing about the share that was asked for
                    summary.name_unavailable(absolute(batch.root_path, check.away), check.reason or "it is not there")
                case Verdict.CHANGED:
                    summary.changed += 1
                case Verdict.SAME | Verdict.OTHER_BYTES:
                    pass

    def end(self, *, is_broken_off: bool = False) -> Coverage:
        """Note that the run has ended, and give what is covered now."""
        self.summary.is_broken_off = is_broken_off
        with self._catalogue.writing() as connection:
            verification.end_run(connection, self._id, now=self._clock.now())
        for ids in self._named():
            with self._catalogue.reading() as connection:
                for one in verification.unavailable(connection, image_ids=ids):
                    self.summary.know_unavailable(one.place, one.reason, one.files)
        with self._catalogue.reading() as connection:
            return verification.coverage(connection)

    def _named(self) -> list[tuple[int, ...] | None]:
        """Give the named images in slices; a slice of None is everything."""
        ids = self._plan.image_ids
        return [None] if ids is None else list(batched(ids, IMAGES_AT_ONCE))


def batched(ids: Sequence[int], size: int) -> Iterator[tuple[int, ...]]:
    """Cut ids into slices."""
    for start in range(0, len(ids), size):
        yield tuple(ids[start : start + size])


def is_due(last: Run | None, every: timedelta, now: datetime) -> bool:
    """Tell whether the schedule wants a run: the last one was broken off, or began long enough ago."""
    if last is None or last.ended_at is None:
        return True
    return not timedelta(0) <= now - last.started_at < every
