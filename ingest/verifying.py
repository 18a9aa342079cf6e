"""Lets the workers compare originals with their hashes while they have nothing else to do: the lowest priority."""

import itertools
import logging
from collections import deque
from dataclasses import replace

from catalog import verification
from catalog.errors import CatalogueUnavailable
from catalog.places import absolute
from ingest.checks import HintCheck
from ingest.core import Core
from ingest.rereading import out_of_reach
from ingest.verification import Batch, VerifyPlan, VerifyRun, is_due
from ingest.work import NO_FILESET, FileCheck, Outcome, Purpose, ReadResult, ReadTask, Verdict

log = logging.getLogger(__name__)


class Verifying:
    """The scheduled run that goes on, if any. Used by the loop's thread.

    One batch at a time is with the workers, and only while no import is: the next one that comes finds all workers
    but one free.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._run: VerifyRun | None = None
        self._batch: Batch | None = None
        self._claim = 0
        self._claims = itertools.count(1)
        #: Files of a batch whose worker died, to be taken one by one.
        self._singly: deque[Batch] = deque()

    def forget(self) -> None:
        """Drop the run: the ingest begins anew."""
        self._run = self._batch = None
        self._singly.clear()

    def begin_if_due(self) -> None:
        """Begin a run when the configuration wants one now."""
        settings = self._core.around.settings.verify
        if self._run is not None or not settings.budget or not settings.fraction:
            return
        with self._core.catalogue.reading() as connection:
            last = verification.last_run(connection, via=self._core.via)
        if is_due(last, settings.every, self._core.clock.now()):
            plan = VerifyPlan(fraction=settings.fraction, budget=settings.budget)
            self._run = VerifyRun(self._core.catalogue, plan, clock=self._core.clock, via=self._core.via)
            log.info("verify.begins", extra={"files": self._run.files_wanted})

    def step(self) -> bool:
        """Take what a worker found, and hand out the next batch; tells whether there was anything to do."""
        if self._run is None:
            self._core.checks.clear()
            return False
        try:
            return self._take(self._run) or self._hand_out(self._run)
        except CatalogueUnavailable:
            self.forget()  # the schedule begins anew, with what was compared the longest ago
            raise

    def _hand_out(self, run: VerifyRun) -> bool:
        core = self._core
        if self._batch is not None or core.under_way or core.has_ready or core.is_ending:
            return False
        self._batch = self._singly.popleft() if self._singly else run.next_batch()
        if self._batch is None:
            self._end(run)
            return False
        self._claim = next(self._claims)
        core.pool.submit(self._task(self._batch))
        return True

    def _task(self, batch: Batch) -> ReadTask:
        return ReadTask(
            fileset_id=NO_FILESET,
            claim=self._claim,
            digest=b"",
            root=batch.root_path,
            members=batch.members(),
            hasher="",
            hash_now_bytes=0,
            thumbnail_px=0,
            projection="middle",
            associated_images="hide",
            purpose=Purpose.VERIFY,
            identity=batch.identity,
        )

    def _take(self, run: VerifyRun) -> bool:
        while self._core.checks:
            result = self._core.checks.popleft()
            if self._batch is not None and result.claim == self._claim:
                batch, self._batch = self._batch, None
                self._note(run, batch, result)
                return True
        return False

    def _note(self, run: VerifyRun, batch: Batch, result: ReadResult) -> None:
        checks = result.checks
        if not checks and result.outcome is Outcome.DIED and len(batch.locations) > 1:
            self._singly.extend(replace(batch, locations=(one,)) for one in batch.locations)
            return
        if not checks:
            checks = _without_checks(batch, result)
        for check in checks:
            if check.verdict is Verdict.OTHER_BYTES:
                log.error("verify.damaged", extra={"path": absolute(batch.root_path, check.path)})
        self._look_again(batch, run.take(batch, checks))

    def _look_again(self, batch: Batch, paths: list[bytes]) -> None:
        """Have looked at what was written, or is gone, since the last look: an event was lost."""
        root = self._core.roots.get(batch.locations[0].root_id)
        if root is None:
            return  # it left the configuration
        root.look_at(paths, HintCheck())

    def _end(self, run: VerifyRun) -> None:
        covered = run.end()
        self._run = None
        found = run.summary
        log.info(
            "verify.ended",
            extra={
                "checked": found.checked,
                "bytes": found.bytes,
                "damaged": found.damaged_count,
                "missing": found.missing_count,
                "unreadable": found.unreadable_count,
                "unavailable": found.unavailable_count,
                "coverage": round(covered.share, 4),
            },
        )


def _without_checks(batch: Batch, result: ReadResult) -> tuple[FileCheck, ...]:
    """Say of a batch of which nothing came back: the worker died over its file, or the root could not be opened."""
    reason = result.reason or "the root could not be opened"
    if result.outcome is not Outcome.DIED:
        return out_of_reach(batch.members(), reason)
    return tuple(FileCheck(path=one.path, verdict=Verdict.UNREADABLE, reason=reason) for one in batch.locations)
