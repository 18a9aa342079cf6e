"""Runs of `verify`: how much is compared, in which order, when; what a run that is broken off leaves to the next."""

import threading
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from catalog.engine import Catalogue
from catalog.verification import Run, begin_run
from config.settings import VerifySettings
from ingest import verification
from ingest.clock import SystemClock
from ingest.pool import InProcessPool
from ingest.reading import read
from ingest.verification import VerifyPlan, is_due
from ingest.work import NO_FILESET, Outcome, Purpose, ReadResult, ReadTask
from tests.helpers.ingest_site import Site, write_tiff
from tests.helpers.program import PATIENCE_S, wait_until
from tests.helpers.rot import rot
from tests.helpers.verifying import DAY, coverage_of, events, files, site_of_one, told, verify


@pytest.fixture
def site(catalogue: Catalogue, tmp_path: Path) -> Site:
    return site_of_one(catalogue, tmp_path)


def test_a_share_at_a_time_covers_everything_and_goes_on_where_it_ended(site: Site) -> None:
    files(site, 9)
    third = VerifyPlan(fraction=Fraction(1, 3))
    shares = []
    for _ in range(3):
        found, covered = verify(site, third)
        assert found.checked == 3
        shares.append(covered.verified)
    assert shares == [3, 6, 9]
    oldest = coverage_of(site).oldest_at
    verify(site, third)
    later = coverage_of(site).oldest_at
    assert oldest is not None
    assert later is not None
    assert later > oldest


class FastClock(SystemClock):
    """A clock on which every look costs a minute."""

    def __init__(self) -> None:
        self.passed_s = 0.0

    def monotonic(self) -> float:
        self.passed_s += 60.0
        return self.passed_s


def test_a_budget_ends_a_run_between_two_batches(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    files(site, 9)
    monkeypatch.setattr(verification, "BATCH_FILES", 2)
    found, covered = verify(site, VerifyPlan(budget=timedelta(minutes=4)), clock=FastClock())
    assert found.checked == covered.verified == 6
    assert verify(site, VerifyPlan(budget=timedelta(minutes=4)), clock=FastClock())[0].checked == 6


def test_pages_and_batches_are_cut_anywhere_and_take_every_file_once(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = files(site, 9)
    (paths[4]).unlink()
    monkeypatch.setattr(verification, "BATCH_FILES", 2)
    monkeypatch.setattr(verification, "PAGE_FILES", 3)
    found, covered = verify(site)
    assert (found.checked, len(found.missing), covered.verified) == (8, 1, 8)


def test_files_of_images_alone(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "IMAGES_AT_ONCE", 2)
    files(site, 5)
    wanted = tuple(row["id"] for row in site.images()[1:4])
    found, covered = verify(site, VerifyPlan(image_ids=wanted))
    assert (found.checked, covered.verified) == (3, 3)
    assert verify(site, VerifyPlan(image_ids=()))[0].checked == 0


class Watched(InProcessPool):
    """Notes what it is asked, and lets a worker die over files of a name."""

    def __init__(self, deadly: bytes = b"none") -> None:
        super().__init__(read=self._read)
        self.tasks: list[ReadTask] = []
        self.gate = threading.Event()
        self.gate.set()
        self._deadly = deadly

    def _read(self, task: ReadTask) -> ReadResult:
        self.tasks.append(task)
        self.gate.wait(PATIENCE_S)
        if task.purpose is Purpose.VERIFY and any(self._deadly in member.path for member in task.members):
            return ReadResult(
                fileset_id=NO_FILESET, claim=task.claim, digest=b"", outcome=Outcome.DIED, reason="the process died"
            )
        return read(task)


def daily(site: Site, **verify: Any) -> Any:
    settings = site.settings()
    wanted = {"every": timedelta(days=1), "fraction": Fraction(1), "budget": timedelta(hours=1)} | verify
    return settings.model_copy(update={"verify": VerifySettings(**wanted)})


def runs(site: Site) -> list[dict[str, Any]]:
    return site.rows("SELECT * FROM verification ORDER BY id")


def is_ended(site: Site, count: int) -> bool:
    return [row["ended_at"] is not None for row in runs(site)] == [True] * count


def test_the_daemon_verifies_when_it_is_due_and_not_before(site: Site) -> None:
    paths = files(site, 4)
    rot(site.catalogue, paths[2])
    with site.running(settings=daily(site)) as loop:
        loop.request_verify()
        wait_until(lambda: is_ended(site, 1))
        loop.request_verify()
        wait_until(lambda: loop.request_import().result(PATIENCE_S).scanned == 4)
        assert len(runs(site)) == 1
    assert [(row["checked"], row["damaged"], row["missing"]) for row in runs(site)] == [(4, 1, 0)]
    assert told(site, paths[2]).marks == ("damaged",)


def test_no_budget_is_never(site: Site) -> None:
    files(site, 1)
    with site.running(settings=daily(site, budget=timedelta(0))) as loop:
        loop.request_verify()
        assert loop.request_import().result(PATIENCE_S).scanned == 1
    assert runs(site) == []


def test_a_run_that_was_broken_off_goes_on_with_what_it_had_not_compared(site: Site) -> None:
    files(site, 4)
    with site.catalogue.writing() as connection:
        begin_run(connection, now=datetime.now(UTC), via="daemon")
    verify(site, VerifyPlan(fraction=Fraction(1, 2)))
    with site.running(settings=daily(site, fraction=Fraction(1, 2))) as loop:
        loop.request_verify()
        wait_until(lambda: len(runs(site)) == 3 and runs(site)[-1]["ended_at"] is not None)
    assert all(row["ended_at"] is not None for row in runs(site))
    assert coverage_of(site).verified == 4


@pytest.mark.parametrize(
    ("ago", "is_ended", "expected"),
    [(None, True, True), (1, True, False), (24, True, True), (1, False, True), (-1, True, True)],
)
def test_when_a_run_is_due(ago: int | None, is_ended: bool, expected: bool) -> None:
    now = datetime(2026, 11, 26, tzinfo=UTC)
    last = None
    if ago is not None:
        began = now - timedelta(hours=ago)
        last = Run(
            id=1, via="daemon", started_at=began, ended_at=now if is_ended else None, checked=0, bytes_read=0,
            damaged=0, missing=0,
        )  # fmt: skip
    assert is_due(last, timedelta(days=1), now) is expected


def test_imports_come_first(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.verification.BATCH_FILES", 1)
    files(site, 4)
    pool = Watched()
    new = [site.root / DAY / f"new{number}.tif" for number in range(3)]
    pool.gate.clear()
    with site.running(settings=daily(site), pool=pool) as loop:
        wait_until(lambda: loop.progress().roots != () and not loop.progress().roots[0].is_scanning)
        loop.request_verify()
        wait_until(lambda: len(pool.tasks) == 1)
        for number, path in enumerate(new):
            write_tiff(path, value=50 + number)
        asked = loop.request_import()
        pool.gate.set()
        assert asked.result(PATIENCE_S).imported == 3
        wait_until(lambda: is_ended(site, 1))
    purposes = [task.purpose for task in pool.tasks]
    imports = [number for number, purpose in enumerate(purposes) if purpose is Purpose.IMPORT]
    # Once the new files are settled nothing is compared until they are read.
    assert imports == list(range(imports[0], imports[0] + 3))
    assert purposes.count(Purpose.VERIFY) == 4


def test_a_worker_that_dies_over_a_file_costs_that_file_only(site: Site) -> None:
    files(site, 4)
    pool = Watched(deadly=b"/2.tif")
    with site.running(settings=daily(site), pool=pool) as loop:
        loop.request_verify()
        wait_until(lambda: is_ended(site, 1))
    assert runs(site)[0]["checked"] == 3
    assert coverage_of(site).verified == 3


def test_a_file_that_is_gone_or_written_is_looked_at_at_once(site: Site) -> None:
    gone, written, _ = files(site, 3)
    with site.running(settings=daily(site)) as loop:
        wait_until(lambda: loop.progress().roots != () and not loop.progress().roots[0].is_scanning)
        gone.unlink()
        write_tiff(written, value=77)
        loop.request_verify()
        wait_until(lambda: events(site) == ["updated"])
        wait_until(lambda: told(site, gone).state == "missing")
