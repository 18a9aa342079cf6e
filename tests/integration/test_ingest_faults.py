"""What a kill, a death or a change at the wrong moment leaves: nothing lost, nothing twice, nothing torn."""

import os
from pathlib import Path

import pytest

from catalog import claims, jobs, store
from catalog.engine import Catalogue
from ingest import results as ingest_results
from ingest.pool import InProcessPool
from ingest.reading import read
from ingest.work import Outcome, ReadResult, ReadTask
from tests.helpers.ingest_site import Site, add_person, write_tiff
from tests.helpers.program import PATIENCE_S, wait_until

STEPS = (
    (store, "record_files"),
    (store, "record_directories"),
    (jobs, "settle"),
    (claims, "start_jobs"),
    (ingest_results, "commit_reads"),
    (jobs, "end_instance"),
)


class Killed(BaseException):
    """Stands for a kill: nothing of the program handles it."""


@pytest.fixture
def site(catalogue: Catalogue, tmp_path: Path) -> Site:
    made = Site(catalogue, tmp_path)
    add_person(catalogue, "ab3c", "smith-lab")
    return made


def failing_read(outcome: Outcome) -> InProcessPool:
    def answer(task: ReadTask) -> ReadResult:
        return ReadResult(
            fileset_id=task.fileset_id, claim=task.claim, digest=task.digest, outcome=outcome, reason="it failed"
        )

    return InProcessPool(read=answer)


@pytest.mark.parametrize(("module", "step"), STEPS, ids=[name for _, name in STEPS])
@pytest.mark.parametrize("is_after", [False, True])
def test_a_kill_at_a_step_loses_and_doubles_nothing(
    site: Site, module: object, step: str, is_after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        write_tiff(site.root / f"smith-lab/ab3c/cells/day1/{number}.tif", value=number)
    real = getattr(module, step)

    def kill(*arguments: object, **named: object) -> object:
        if is_after:
            real(*arguments, **named)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(module, step, kill)
        with pytest.raises(Killed):
            site.import_(grace_s=0.0)

    site.import_()

    assert [row["name"] for row in site.images()] == ["0", "1", "2"]
    assert len(site.rows("SELECT * FROM dataset_image_link")) == 3
    assert site.rows("SELECT * FROM job") == []


def test_deaths_of_the_process_condemn_no_file_that_was_only_read_beside_others(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        write_tiff(site.root / f"smith-lab/ab3c/cells/day1/{number}.tif", value=number)

    def kill(*arguments: object, **named: object) -> object:
        raise Killed

    for _ in range(7):
        with monkeypatch.context() as patch:
            patch.setattr(ingest_results, "commit_reads", kill)
            patch.setattr(jobs, "end_instance", kill)
            with pytest.raises(Killed):
                site.import_(grace_s=0.0)
    assert site.rows("SELECT state FROM job WHERE state = 'quarantined'") == []

    assert site.import_().imported == 6


def test_a_file_that_kills_the_process_each_time_is_quarantined_and_the_others_are_imported(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        write_tiff(site.root / f"smith-lab/ab3c/cells/day1/{number}.tif", value=number)

    def deadly_read(task: ReadTask) -> ReadResult:
        if task.members[0].path.endswith(b"/2.tif"):
            raise Killed
        return read(task)

    def kill(*arguments: object, **named: object) -> object:
        raise Killed

    for _ in range(3):
        with monkeypatch.context() as patch:
            patch.setattr(jobs, "end_instance", kill)
            with pytest.raises(Killed):
                site.import_(grace_s=0.0, pool=InProcessPool(read=deadly_read))

    assert site.import_(pool=InProcessPool(read=deadly_read)).failed == 1
    assert [row["name"] for row in site.images()] == ["0", "1", "3"]


def test_a_file_that_changes_while_it_is_read_is_not_imported_torn(site: Site) -> None:
    path = write_tiff(site.root / "smith-lab/ab3c/cells/a.tif")
    changes = iter([True])

    def slow_read(task: ReadTask) -> ReadResult:
        result = read(task)
        if next(changes, False):
            write_tiff(path, value=9, size=64)
            site.hints.name("confocal", b"smith-lab/ab3c/cells", b"a.tif", closed=True)
        return result

    site.import_(pool=InProcessPool(read=slow_read))
    site.import_()

    assert site.rows("SELECT size_x FROM image") == [{"size_x": 64}]


def test_three_deaths_quarantine_a_file_and_a_change_releases_it(site: Site) -> None:
    path = write_tiff(site.root / "smith-lab/ab3c/cells/a.tif")
    for _ in range(3):
        site.import_(pool=failing_read(Outcome.DIED))
        with site.catalogue.writing() as connection:
            connection.exec_driver_sql("UPDATE job SET state = 'ready' WHERE state = 'waiting'")
    left = site.rows("SELECT state, reason FROM job")
    assert [job["state"] for job in left] == ["quarantined"]
    assert "died while reading" in left[0]["reason"]
    write_tiff(path, value=5)

    assert site.import_().imported == 1


def test_damage_is_quarantined_with_its_sentence_and_not_read_again(site: Site) -> None:
    write_tiff(site.root / "smith-lab/ab3c/cells/a.tif")

    assert site.import_(pool=failing_read(Outcome.DAMAGED)).failed == 1
    assert site.import_().failed == 1
    assert site.rows("SELECT state, reason FROM job") == [{"state": "quarantined", "reason": "it failed"}]


def test_what_is_not_whole_is_quarantined_as_incomplete_until_it_grows(site: Site) -> None:
    path = write_tiff(site.root / "smith-lab/ab3c/cells/a.tif", size=128)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])

    assert site.import_().failed == 1
    path.write_bytes(whole)

    assert site.import_().imported == 1


def test_a_passing_error_waits_with_its_reason(site: Site) -> None:
    write_tiff(site.root / "smith-lab/ab3c/cells/a.tif")

    assert site.import_(pool=failing_read(Outcome.TRANSIENT)).failed == 1
    assert [row["state"] for row in site.rows("SELECT state FROM job")] == ["waiting"]


def test_nothing_is_imported_while_the_disk_is_full_and_all_of_it_after(site: Site) -> None:
    write_tiff(site.root / "smith-lab/ab3c/cells/a.tif")
    free = [0]
    with site.running(free_space=lambda _: free[0]) as loop:
        wait_until(lambda: loop.progress().problem is not None)
        assert site.images() == []
        loop.wake()
        wait_until(lambda: not site.hints.arrived.is_set())  # it sleeps, and does not turn as fast as it can
        given = loop.request_import().result(PATIENCE_S)
        assert (given.imported, given.problems) == (0, (loop.progress().problem,))
        free[0] = 10**12
        wait_until(lambda: len(site.images()) == 1)


def test_an_import_by_itself_ends_with_the_sentence_when_the_disk_is_full(site: Site) -> None:
    write_tiff(site.root / "smith-lab/ab3c/cells/a.tif")
    summary = site.loop(free_space=lambda _: 0).run_once()
    assert summary.imported == 0
    assert summary.problems == (f"less than 200 MB are free in {site.state}: nothing is imported until there is more",)


def test_a_closed_file_is_imported_by_its_hint_alone(site: Site) -> None:
    with site.running():
        wait_until(lambda: bool(site.rows("SELECT id FROM root WHERE last_pass_ended_at IS NOT NULL")))
        path = write_tiff(site.root / "smith-lab/ab3c/cells/a.tif")
        site.hints.name("confocal", os.fsencode(path.parent.relative_to(site.root)), b"a.tif", closed=True)
        wait_until(lambda: len(site.images()) == 1)
