"""`verify`: finds bytes that changed though nobody wrote, and takes nothing else for that."""

import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from catalog.acting import resolve_acting
from catalog.engine import Catalogue
from catalog.permissions import SYSTEM
from catalog.queries.show import show
from catalog.queue import queue
from catalog.references import ObjectReference
from catalog.status import status
from catalog.verification import Coverage, Run, begin_run, coverage
from catalog.why import WhyDocument, why
from config.settings import VerifySettings
from ingest import verification
from ingest.clock import SystemClock
from ingest.opening import opened_root
from ingest.pool import InProcessPool
from ingest.reading import read
from ingest.rereading import checked
from ingest.verification import VerifyPlan, VerifyRun, VerifySummary, is_due
from ingest.work import NO_FILESET, Outcome, Purpose, ReadResult, ReadTask
from tests.helpers.ingest_site import Site, add_person, write_tiff
from tests.helpers.program import PATIENCE_S, wait_until
from tests.helpers.rot import flip, rot

DAY = "smith-lab/ab3c/cells/day1"
ALL = VerifyPlan()


@pytest.fixture
def site(catalogue: Catalogue, tmp_path: Path) -> Site:
    made = Site(catalogue, tmp_path)
    add_person(catalogue, "ab3c", "smith-lab")
    return made


def files(site: Site, count: int) -> list[Path]:
    paths = [write_tiff(site.root / DAY / f"{number}.tif", value=number) for number in range(count)]
    assert site.import_().imported == count
    return paths


def verify(site: Site, plan: VerifyPlan = ALL, *, clock: Any = None) -> tuple[VerifySummary, Coverage]:
    """Do what the command does, in this process."""
    run = VerifyRun(site.catalogue, plan, clock=clock or SystemClock(), via="cli")
    while (batch := run.next_batch()) is not None:
        with opened_root(batch.root_path) as root:
            run.take(batch, checked(root, batch.root_path, batch.identity, batch.members()))
    return run.summary, run.end()


def events(site: Site) -> list[str]:
    query = "SELECT what FROM event WHERE what IN ('damaged', 'intact_again', 'updated') ORDER BY id"
    return [row["what"] for row in site.rows(query)]


def told(site: Site, path: Path) -> WhyDocument:
    with site.catalogue.reading() as connection:
        return why(connection, SYSTEM, os.fsencode(path))


def test_a_flipped_byte_is_found_told_everywhere_and_told_once(site: Site) -> None:
    paths = files(site, 3)
    rot(site.catalogue, paths[1])

    found, covered = verify(site)

    assert found.damaged == [str(paths[1])]
    assert (found.checked, found.missing, found.changed, found.unreadable) == (3, [], 0, [])
    assert found.bytes >= sum(path.stat().st_size for path in paths)
    assert (covered.files, covered.verified, covered.damaged, covered.share) == (3, 3, 1, 1.0)
    document = told(site, paths[1])
    assert (document.state, document.marks) == ("imported", ("damaged",))
    assert "restore it from a copy" in document.reason
    assert document.damaged_since is not None
    assert told(site, paths[0]).marks == ()
    with site.catalogue.reading() as connection:
        image = show(connection, SYSTEM, ObjectReference(type="image", id=document.image_ids[0]))
        assert "damaged" in getattr(image, "marks", ())
        assert [row.path for row in queue(connection, SYSTEM, "damaged").rows] == [str(paths[1])]
        assert status(connection, SYSTEM, now=datetime.now(UTC)).damaged == 1
    assert verify(site)[0].damaged == [str(paths[1])]
    assert site.import_().updated == 0, "a scan must not take damage for an update"
    assert events(site) == ["damaged"]


def test_bytes_that_are_back_are_told_once_too(site: Site) -> None:
    (path,) = files(site, 1)
    rot(site.catalogue, path)
    verify(site)
    rot(site.catalogue, path)

    found, covered = verify(site)

    assert (found.damaged, covered.damaged) == ([], 0)
    assert told(site, path).marks == ()
    assert events(site) == ["damaged", "intact_again"]


def test_what_somebody_wrote_is_an_update_and_never_damage(site: Site) -> None:
    rewritten, touched, other_mode, grown, replaced, restored, gone = files(site, 7)
    flip(rewritten)  # its time of change tells
    os.utime(touched, ns=(1, 1))
    other_mode.chmod(0o600)
    with grown.open("ab") as file:
        file.write(b"more")
    write_tiff(replaced.with_suffix(".new"), value=99)
    replaced.with_suffix(".new").rename(replaced)
    shutil.copy2(restored, restored.with_suffix(".copy"))
    restored.with_suffix(".copy").rename(restored)
    gone.unlink()

    found, covered = verify(site)

    assert (found.damaged, found.changed, found.missing, found.checked) == ([], 6, [str(gone)], 0)
    assert (covered.damaged, covered.verified) == (0, 0)
    site.import_()
    assert events(site).count("damaged") == 0
    again, covered = verify(site)
    assert (again.damaged, again.changed, again.missing) == ([], 0, [])
    assert again.checked == covered.files == 6


def test_what_changes_while_it_is_read_says_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    (path,) = files(site, 1)
    real = verification.VerifyRun.take

    def take(self: VerifyRun, *arguments: Any) -> Any:
        flip(path, at=-3)  # between the reading and its commit, seen by a scan already
        site.import_()
        return real(self, *arguments)

    rot(site.catalogue, path)
    monkeypatch.setattr(verification.VerifyRun, "take", take)
    found, _ = verify(site)
    assert (found.checked, found.damaged, events(site)) == (0, [], ["updated"])


def test_an_update_takes_the_mark_of_damage_away(site: Site) -> None:
    (path,) = files(site, 1)
    rot(site.catalogue, path)
    verify(site)
    write_tiff(path, value=7)
    site.import_()
    assert told(site, path).marks == ()
    assert told(site, path).verified_at is None
    assert verify(site)[0].damaged == []


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


def coverage_of(site: Site) -> Coverage:
    with site.catalogue.reading() as connection:
        return coverage(connection)


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


def test_a_root_that_is_another_or_empty_tells_of_no_missing_file(site: Site, tmp_path: Path) -> None:
    files(site, 2)
    site.root.rename(tmp_path / "away")
    site.root.mkdir()
    found, _ = verify(site)
    assert (found.missing, found.damaged, found.checked) == ([], [], 0)
    assert [reason for _, reason in found.unreadable] == [
        "the folder is empty and is not the one seen before; is its disk mounted?"
    ] * 2


def test_a_hash_that_is_made_later_is_covered_when_it_is_there(site: Site) -> None:
    write_tiff(site.root / DAY / "large.tif", size=64)
    settings = site.settings(hash_now_bytes=1000)
    with site.running(settings=settings):
        wait_until(lambda: site.rows("SELECT hash FROM original_file WHERE hash IS NOT NULL") != [])
    assert site.rows("SELECT * FROM job") == []
    assert verify(site)[0].checked == 1


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


def test_two_readings_that_differ_are_a_fault_of_the_machine_and_not_of_the_file(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    files(site, 1)
    hashes: Iterator[str] = iter(("a", "b"))
    monkeypatch.setattr("ingest.fingerprint.hash_stream", lambda *_: next(hashes))
    found, _ = verify(site)
    assert found.damaged == []
    assert "two readings in a row" in found.unreadable[0][1]


def test_only_administrators_see_what_is_covered(site: Site) -> None:
    files(site, 1)
    now = datetime.now(UTC)
    with site.catalogue.reading() as connection:
        member = resolve_acting(connection, "root", now=now, as_name="ab3c")
        assert status(connection, member, now=now).verification is None
        admin = resolve_acting(connection, "root", now=now)
        found = status(connection, admin, now=now).verification
    assert found is not None
    assert replace(found.coverage, oldest_at=None) == Coverage(files=1, verified=0, oldest_at=None, damaged=0)


def test_one_damaged_file_of_an_image_of_many_marks_the_image(catalogue: Catalogue, tmp_path: Path) -> None:
    site = Site(catalogue, tmp_path, rule="{group}/{owner}/{dataset}/{image}_z{z}.{ext}")
    add_person(catalogue, "ab3c", "smith-lab")
    paths = [write_tiff(site.root / f"smith-lab/ab3c/day1/cell_z{z}.tif", value=z) for z in range(3)]
    site.import_()
    assert [row["size_z"] for row in site.images()] == [3]
    rot(catalogue, paths[2])

    found, covered = verify(site)

    assert (found.damaged, found.checked, covered.files) == ([str(paths[2])], 3, 3)
    with catalogue.reading() as connection:
        image = show(connection, SYSTEM, ObjectReference(type="image", id=1))
    assert "damaged" in getattr(image, "marks", ())
    assert "restore it from a copy" in getattr(image, "reason", "")
    assert site.import_().updated == 0
