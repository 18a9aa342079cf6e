"""Roots that come, go, hang and are accepted while the ingest runs; and what a reload places again."""

import os
import shutil
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from catalog.acting import resolve_acting
from catalog.decisions import accept_root
from catalog.engine import Catalogue
from config.settings import RuleSettings
from tests.helpers.ingest_site import MARK, RULE, Site, add_person, write_tiff
from tests.helpers.program import PATIENCE_S, wait_until

DAY = "smith-lab/ab3c/cells/day1"


@pytest.fixture
def site(catalogue: Catalogue, tmp_path: Path) -> Site:
    made = Site(catalogue, tmp_path)
    add_person(catalogue, "ab3c", "smith-lab", is_administrator=True)
    return made


def accept(site: Site, name: str = "confocal") -> None:
    """Do what `coverslip root accept` does in its own process."""
    now = datetime.now(UTC)
    with site.catalogue.writing() as connection:
        acting = resolve_acting(connection, "ab3c", now=now)
        accept_root(connection, acting, name, now=now, via="cli")


def hanging_listdir(monkeypatch: pytest.MonkeyPatch, folder: Path) -> threading.Event:
    """Make listings of one folder hang, as those of a dead share do, until the event is set."""
    released = threading.Event()
    inode, real = folder.stat().st_ino, os.listdir

    def listdir(path: int | str = ".") -> list[str]:
        if isinstance(path, int) and os.fstat(path).st_ino == inode:
            released.wait(PATIENCE_S)
        return real(path)

    monkeypatch.setattr(os, "listdir", listdir)
    return released


def test_files_of_several_roots_are_imported_each_under_its_root(site: Site, tmp_path: Path) -> None:
    roots = {name: tmp_path / name for name in ("confocal", "widefield", "lightsheet")}
    for name, path in roots.items():
        write_tiff(path / DAY / f"{name}.tif")

    summary = site.import_(settings=site.settings(roots=roots))

    assert summary.imported == 3
    query = "SELECT r.name AS root, i.name FROM image i JOIN fileset f ON f.id = i.fileset_id JOIN root r"
    query += " ON r.id = f.root_id"
    assert sorted((row["root"], row["name"]) for row in site.rows(query)) == [(name, name) for name in sorted(roots)]


def test_a_root_that_hangs_stops_no_other(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    roots = {"confocal": site.root, "dead": tmp_path / "dead"}
    write_tiff(site.root / DAY / "a.tif")
    write_tiff(roots["dead"] / DAY / "b.tif")
    released = hanging_listdir(monkeypatch, roots["dead"])
    settings = site.settings(roots=roots)
    with site.running(settings=settings) as loop:
        wait_until(lambda: site.names() == ["a"])
        write_tiff(site.root / DAY / "c.tif", value=3)
        future = loop.request_import((site.root / DAY / "c.tif",))
        assert future.result(PATIENCE_S).imported == 1
        asked = loop.request_import((roots["dead"] / DAY / "b.tif",))
        write_tiff(site.root / DAY / "d.tif", value=4)
        assert loop.request_import((site.root / DAY,)).result(PATIENCE_S).imported == 1
        assert not asked.done()
        released.set()
        assert asked.result(PATIENCE_S).problems == ()
        wait_until(lambda: site.names() == ["a", "b", "c", "d"])


def test_rules_that_change_place_what_was_held_and_unmatched_again_but_not_what_is_imported(site: Site) -> None:
    write_tiff(site.root / DAY / "done.tif")
    write_tiff(site.root / "smith-lab/nobody/cells/day1/held.tif", value=2)
    write_tiff(site.root / "flat.tif", value=3)
    with site.running() as loop:
        wait_until(lambda: len(site.sightings()) == 3 and site.names() == ["done"])
        assert {path: found[0] for path, found in site.sightings().items()} == {
            f"{DAY}/done.tif": "member", "smith-lab/nobody/cells/day1/held.tif": "held", "flat.tif": "unmatched",
        }  # fmt: skip
        everything = RuleSettings(match=("**/{image}.{ext}",), set={"owner": "ab3c", "group": "smith-lab"}, mark=MARK)
        loop.reload(site.settings(rules=(everything,)))
        wait_until(lambda: site.names() == ["done", "flat", "held"])
        # What was imported keeps its place until `apply`.
        assert [row["name"] for row in site.rows("SELECT name FROM dataset")] == ["day1"]
        assert len(site.rows("SELECT * FROM dataset_image_link")) == 1


def test_a_root_taken_out_is_retired_and_available_when_it_is_put_back(site: Site, tmp_path: Path) -> None:
    both = {"confocal": site.root, "second": tmp_path / "second"}
    write_tiff(site.root / DAY / "a.tif")
    write_tiff(both["second"] / DAY / "b.tif", value=2)
    with site.running(settings=site.settings(roots=both)) as loop:
        wait_until(lambda: site.names() == ["a", "b"])
        loop.reload(site.settings())
        wait_until(lambda: site.root_row("second")["availability"] == "retired")
        write_tiff(both["second"] / DAY / "c.tif", value=3)
        loop.reload(site.settings(roots=both))
        wait_until(lambda: site.names() == ["a", "b", "c"])
        assert site.root_row("second")["availability"] == "available"
    told = [row["what"] for row in site.rows("SELECT what FROM event WHERE what LIKE 'root%' ORDER BY id")]
    assert told == ["root_retired", "root_available"]
    assert site.rows("SELECT * FROM sighting WHERE missing_since IS NOT NULL") == []


def test_a_shorter_settle_time_counts_for_what_is_waiting(site: Site) -> None:
    write_tiff(site.root / DAY / "a.tif")
    with site.running(settings=site.settings(settle=timedelta(hours=1))) as loop:
        wait_until(lambda: len(site.rows("SELECT * FROM fileset WHERE due_at IS NOT NULL")) == 1)
        loop.reload(site.settings(settle=timedelta(0)))
        wait_until(lambda: site.names() == ["a"])


def test_a_pass_is_told_when_it_begins_and_when_it_ends(site: Site) -> None:
    write_tiff(site.root / DAY / "a.tif")
    site.import_()
    row = site.root_row()
    assert row["last_pass_started_at"] is not None
    assert row["last_pass_started_at"] <= row["last_pass_ended_at"]


@pytest.mark.parametrize("is_running", [True, False])
def test_accepting_a_root_releases_its_brake(site: Site, is_running: bool) -> None:
    for number in range(60):
        write_tiff(site.root / DAY / f"{number}.tif", value=number)
    site.import_()
    shutil.rmtree(site.root / DAY)
    (site.root / DAY).mkdir()
    if is_running:
        with site.running() as loop:
            wait_until(lambda: site.root_row()["availability"] == "braked")
            accept(site)
            loop.request_scan("confocal")
            wait_until(lambda: len(site.rows("SELECT * FROM sighting WHERE missing_since IS NOT NULL")) == 60)
            wait_until(lambda: site.root_row()["identity"] is not None)
    else:
        site.import_()
        assert site.root_row()["availability"] == "braked"
        accept(site)
        site.import_()
        assert len(site.rows("SELECT * FROM sighting WHERE missing_since IS NOT NULL")) == 60
    assert site.root_row()["availability"] == "available"
    events = site.rows("SELECT what FROM event WHERE what LIKE 'root%' ORDER BY id")
    assert [row["what"] for row in events] == ["root_braked", "root_accepted"]


def test_a_replaced_disk_is_accepted_while_it_runs(site: Site, tmp_path: Path) -> None:
    for number in range(3):
        write_tiff(site.root / DAY / f"{number}.tif", value=number)
    site.import_()
    site.root.rename(tmp_path / "old")
    write_tiff(site.root / DAY / "other.tif", value=9)
    with site.running() as loop:
        wait_until(lambda: site.root_row()["availability"] == "braked")
        assert "not the one seen before" in site.root_row()["reason"]
        assert site.rows("SELECT * FROM sighting WHERE missing_since IS NOT NULL") == []
        accept(site)
        loop.request_scan("confocal")
        wait_until(lambda: len(site.rows("SELECT * FROM sighting WHERE missing_since IS NOT NULL")) == 3)
        wait_until(lambda: site.root_row()["identity"] is not None)
        assert site.root_row()["availability"] == "available"
    site.import_()
    assert site.root_row()["availability"] == "available"


def test_an_acceptance_is_not_overwritten_by_a_pass_that_began_before(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(60):
        write_tiff(site.root / DAY / f"{number}.tif", value=number)
    site.import_()
    shutil.rmtree(site.root / DAY)
    site.import_()
    assert site.root_row()["availability"] == "braked"
    (site.root / "late").mkdir()
    released = hanging_listdir(monkeypatch, site.root / "late")
    with site.running() as loop:
        wait_until(lambda: loop.progress().roots != () and loop.progress().roots[0].is_scanning)
        accept(site)
        released.set()
        wait_until(lambda: len(site.rows("SELECT * FROM sighting WHERE missing_since IS NOT NULL")) == 60)
        wait_until(lambda: site.root_row()["identity"] is not None)
    assert site.root_row()["availability"] == "available"


def test_a_large_folder_that_is_renamed_moves_without_a_brake(site: Site) -> None:
    for number in range(70):
        write_tiff(site.root / DAY / f"{number}.tif", value=number)
    site.import_()
    before = site.images()
    with site.running():
        (site.root / DAY).rename(site.root / DAY.replace("day1", "day2"))
        site.hints.name("confocal", b"smith-lab/ab3c/cells", b"day1")
        site.hints.directory("confocal", DAY.replace("day1", "day2").encode(), tree=True)
        wait_until(lambda: len(site.rows("SELECT * FROM event WHERE what = 'moved'")) == 70)
    assert site.images() == before
    assert site.root_row()["availability"] == "available"
    assert site.rows("SELECT * FROM event WHERE what LIKE 'root%'") == []


def test_a_file_that_comes_while_its_folder_is_being_listed_is_not_missed(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert site.rule == RULE
    folder = site.root / DAY
    folder.mkdir(parents=True)
    site.import_()
    with site.running() as loop:
        wait_until(lambda: loop.progress().roots != () and not loop.progress().roots[0].is_scanning)
        real, listed, go_on = os.listdir, threading.Event(), threading.Event()
        inode = folder.stat().st_ino

        def listdir(path: int | str = ".") -> list[str]:
            found = real(path)
            if isinstance(path, int) and os.fstat(path).st_ino == inode and not listed.is_set():
                listed.set()
                go_on.wait(PATIENCE_S)
            return found

        monkeypatch.setattr(os, "listdir", listdir)
        site.hints.directory("confocal", DAY.encode())
        assert listed.wait(PATIENCE_S)
        write_tiff(folder / "late.tif")
        site.hints.directory("confocal", DAY.encode())
        wait_until(lambda: not site.hints.arrived.is_set())
        assert loop.progress().problem is None
        go_on.set()
        wait_until(lambda: site.names() == ["late"])


def test_what_is_written_where_a_roots_disk_was_does_not_make_it_the_root(site: Site, tmp_path: Path) -> None:
    """An event leads to a short walk, which must not take another folder with files in it for the root."""
    known = write_tiff(site.root / DAY / "known.tif")
    with site.running() as loop:
        loop.request_import().result(PATIENCE_S)
        site.root.rename(tmp_path / "away")
        write_tiff(site.root / "smith-lab/ab3c/cells/new.tif", value=2)
        site.hints.directory("confocal", b"smith-lab", tree=True)
        wait_until(lambda: site.root_row()["availability"] == "braked")
        assert "is not the one seen before" in site.root_row()["reason"]
        loop.request_import((known,)).result(PATIENCE_S)
    assert site.rows("SELECT * FROM sighting WHERE missing_since IS NOT NULL") == []


def test_a_look_for_a_name_in_another_root_does_not_tell_that_it_is_gone(site: Site, tmp_path: Path) -> None:
    known = write_tiff(site.root / DAY / "known.tif")
    with site.running() as loop:
        loop.request_import().result(PATIENCE_S)
        site.root.rename(tmp_path / "away")
        write_tiff(site.root / "other.tif", value=2)
        site.hints.name("confocal", DAY.encode(), b"known.tif", closed=True)
        site.hints.name("confocal", b"", b"smith-lab", closed=True)
        loop.request_import((known, known.parent)).result(PATIENCE_S)
        assert site.rows("SELECT * FROM sighting WHERE missing_since IS NOT NULL") == []
