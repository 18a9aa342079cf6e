"""Completeness as a state machine: files come, change and go, markers appear and vanish, time passes, it is restarted.

Nothing is read that was not quiet; nothing incomplete is read before its time, or at all when it is to be held.
"""

from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ingest.completeness import Found, lacking
from ingest.placement import Complete
from ingest.settling import SecondLook, Verdict, judge

START = datetime(2026, 1, 1, tzinfo=UTC)
SETTLE = timedelta(seconds=10)


class Settling(RuleBasedStateMachine):
    """A fileset as the ingest sees it: what was seen last, when that was, and when it is due."""

    @initialize(
        needs_marker=st.booleans(),
        files=st.integers(0, 3),
        on_stall=st.sampled_from(["hold", "import"]),
        max_wait_s=st.integers(1, 100),
    )
    def begin(self, needs_marker: bool, files: int, on_stall: str, max_wait_s: int) -> None:
        expect = {"files": files} if files else {}
        self.complete = Complete(
            marker="done" if needs_marker else None,
            expect=expect,
            on_stall="import" if on_stall == "import" else "hold",
            max_wait_s=max_wait_s,
        )
        self.now = self.first_seen = self.changed_at = self.seen_at = START
        self.files = 1
        self.version = self.seen_version = 0
        self.has_marker = False
        self.due_at: datetime | None = START + SETTLE
        self.verdict = Verdict.CHANGED
        self.was_quiet_s = 0.0
        self.lack: str | None = None
        self.is_read = False

    def _see(self) -> None:
        self.seen_version, self.seen_at = self.version, self.now
        self.due_at = self.now + SETTLE

    @rule(is_seen=st.booleans())
    def a_file_comes_or_changes(self, is_seen: bool) -> None:
        self.files += 1
        self.version += 1
        self.changed_at = self.now
        if is_seen:  # an event told; else the next look finds it
            self._see()

    @rule()
    def the_marker_appears(self) -> None:
        self.has_marker = True
        if self.due_at is None or self.verdict is Verdict.WAITING:
            self.due_at = self.now

    @rule()
    def the_marker_goes(self) -> None:
        self.has_marker = False

    @rule(seconds=st.integers(1, 60))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        while self.due_at is not None and self.due_at <= self.now and not self.is_read:
            self._look()

    @rule()
    def the_clock_is_stepped_back_and_the_process_restarted(self) -> None:
        self.first_seen = min(self.first_seen, self.now)
        if self.due_at is not None:
            self.due_at, self.seen_at = self.now, self.now

    def _look(self) -> None:
        self.lack = lacking(self.complete, [Found(files=[{}] * self.files, has_marker=self.has_marker)])
        look = SecondLook(
            digest_before=b"%d" % self.seen_version,
            digest_now=b"%d" % self.version,
            first_look_at=self.seen_at,
            now=self.now,
            settle=SETTLE,
            waiting_since=self.first_seen,
            is_catalogued=False,
            lacking=self.lack if self.version == self.seen_version else None,
            max_wait=timedelta(seconds=self.complete.max_wait_s),
            on_stall=self.complete.on_stall,
        )
        self.verdict, again_at = judge(look)
        if self.verdict in (Verdict.SETTLED, Verdict.PARTIAL):
            self.is_read, self.due_at = True, None
            self.was_quiet_s = (self.now - self.changed_at).total_seconds()
        elif self.version != self.seen_version:
            self._see()
        else:
            assert again_at is None or again_at > self.now
            self.due_at = again_at

    @invariant()
    def what_is_read_was_quiet_and_whole_or_late_and_meant_to_be_read(self) -> None:
        if not self.is_read:
            return
        assert self.was_quiet_s >= SETTLE.total_seconds()
        assert (self.verdict is Verdict.PARTIAL) == (self.lack is not None)
        if self.verdict is Verdict.PARTIAL:
            assert self.complete.on_stall == "import"
            assert self.now - self.first_seen > timedelta(seconds=self.complete.max_wait_s)

    @invariant()
    def what_is_not_read_is_looked_at_again_or_stalled(self) -> None:
        assert self.is_read or self.due_at is not None or self.verdict is Verdict.STALLED


Settling.TestCase.settings = settings(max_examples=60, stateful_step_count=25)
TestSettling = Settling.TestCase
