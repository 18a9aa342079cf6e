"""Storage roots: further places of known files, never new images; a file is missing when no place of it is left."""

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from catalog.acting import resolve_acting
from catalog.engine import Catalogue
from catalog.errors import NotFound
from catalog.permissions import SYSTEM, Acting
from catalog.queries.files import files_of
from catalog.stored_copies import UNKNOWN
from catalog.why import WhyDocument, why
from config.rules import compile_all
from config.settings import RuleSettings, Settings
from ingest.clock import SystemClock
from ingest.opening import opened_root
from ingest.placement import IN_STORAGE, NotPlaced, NotPlacedAs, place
from ingest.rereading import checked
from ingest.verification import VerifyPlan, VerifyRun
from tests.helpers.ingest_site import MARK, Site, add_person, write_tiff
from tests.helpers.invariants import violations
from tests.helpers.program import wait_until
from tests.helpers.rot import rot

DAY = "smith-lab/ab3c/cells/day1"


@pytest.fixture
def site(catalogue: Catalogue, tmp_path: Path) -> Site:
    made = Site(catalogue, tmp_path)
    add_person(catalogue, "ab3c", "smith-lab")
    add_person(catalogue, "ef5g", "jones-lab")
    (tmp_path / "archive").mkdir()
    return made


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "archive"


def settings(site: Site, **acquisition: Any) -> Settings:
    """Watch the usual root, and an archive beside it."""
    both = site.settings(roots={"confocal": site.root, "archive": site.root.parent / "archive"}, **acquisition)
    confocal, archive = both.watch
    archive = archive.model_copy(update={"role": "storage", "rules": ()})
    return both.model_copy(update={"watch": (confocal, archive)})


def scan(site: Site, **acquisition: Any) -> Any:
    return site.import_(settings=settings(site, **acquisition))


def copied(path: Path, to: Path) -> Path:
    to.parent.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy2(path, to))


def places(site: Site, acting: Acting = SYSTEM) -> dict[int, tuple[str, list[tuple[str | None, str | None]]]]:
    """Give state and places of each image in sight."""
    found = {}
    with site.catalogue.reading() as connection:
        for image in site.images():
            files = files_of(connection, acting, [image["fileset_id"]])[image["fileset_id"]]
            found[image["id"]] = (files.state.state.value, [(one.root, one.path) for one in files.locations])
    return found


def told(site: Site, path: Path, acting: Acting = SYSTEM) -> WhyDocument:
    with site.catalogue.reading() as connection:
        return why(connection, acting, os.fsencode(path))


def events(site: Site, *what: str) -> list[str]:
    return [row["what"] for row in site.rows("SELECT what FROM event ORDER BY id") if row["what"] in what]


def sound(site: Site, archive: Path) -> list[str]:
    return violations(site.catalogue, {"confocal": site.root, "archive": archive})


def test_a_copy_in_storage_is_a_further_place_and_no_image(site: Site, archive: Path) -> None:
    original = write_tiff(site.root / DAY / "a.tif")
    copy = copied(original, archive / "2026" / DAY / "a.tif")

    summary = scan(site)

    assert (summary.imported, summary.unmatched, summary.problems) == (1, 0, ())
    assert places(site) == {1: ("imported", [("confocal", f"{DAY}/a.tif"), ("archive", f"2026/{DAY}/a.tif")])}
    document = told(site, copy)
    assert (document.state, document.marks, document.image_ids) == ("imported", ("copy of",), (1,))
    assert (document.owner, document.group) == ("ab3c", "smith-lab")
    assert events(site, "imported", "located") == ["imported", "located"]
    again = scan(site)
    assert (again.imported, again.updated) == (0, 0)
    assert events(site, "located") == ["located"]
    assert sound(site, archive) == []


def test_a_copy_that_is_there_before_its_original_is_found_when_that_is_imported(site: Site, archive: Path) -> None:
    original = write_tiff(site.root.parent / "elsewhere/a.tif")
    copy = copied(original, archive / "a.tif")
    copied(original, archive / "other/b.tif")
    assert scan(site).unmatched == 2
    assert (told(site, copy).state, told(site, copy).reason) == ("unmatched", UNKNOWN)
    assert site.images() == []
    jobs_before = site.rows("SELECT * FROM job")

    copied(original, site.root / DAY / "a.tif")
    scan(site)

    assert jobs_before == []
    assert len(places(site)[1][1]) == 3
    assert sound(site, archive) == []


def test_a_file_is_missing_only_when_no_place_of_it_is_left(site: Site, archive: Path) -> None:
    original = write_tiff(site.root / DAY / "a.tif")
    copy = copied(original, archive / "a.tif")
    scan(site)
    original.unlink()
    scan(site)

    assert places(site) == {1: ("imported", [("archive", "a.tif")])}
    document = told(site, original)
    assert (document.state, document.missing_since is not None) == ("imported", True)
    assert "another place of it is known" in document.reason
    assert events(site, "missing", "kept_elsewhere") == ["kept_elsewhere"]

    copy.unlink()
    scan(site)
    assert places(site)[1][0] == "missing"
    assert told(site, original).state == told(site, copy).state == "missing"
    assert events(site, "missing", "kept_elsewhere") == ["kept_elsewhere", "missing"]

    copied(write_tiff(site.root.parent / "again/a.tif"), archive / "new/a.tif")
    scan(site)
    assert places(site) == {1: ("imported", [("archive", "new/a.tif")])}
    with pytest.raises(NotFound):
        told(site, copy)
    assert [row["id"] for row in site.images()] == [1]
    assert sound(site, archive) == []


def test_a_copy_in_storage_that_is_gone_is_forgotten_while_the_original_is_there(site: Site, archive: Path) -> None:
    copy = copied(write_tiff(site.root / DAY / "a.tif"), archive / "a.tif")
    scan(site)
    copy.unlink()
    scan(site)
    assert places(site) == {1: ("imported", [("confocal", f"{DAY}/a.tif")])}
    assert site.rows("SELECT * FROM stored_copy") == []
    assert events(site, "missing", "kept_elsewhere") == []
    assert sound(site, archive) == []


def test_a_storage_root_that_is_gone_keeps_its_places(site: Site, archive: Path) -> None:
    original = write_tiff(site.root / DAY / "a.tif")
    copied(original, archive / "a.tif")
    scan(site)
    archive.rename(archive.with_name("unplugged"))
    original.unlink()
    scan(site)
    assert site.root_row("archive")["availability"] == "unavailable"
    assert places(site)[1][1] == [("archive", "a.tif")]
    assert events(site, "missing") == []


def test_other_content_is_no_place_whichever_of_the_two_was_written(site: Site, archive: Path) -> None:
    first, second = (write_tiff(site.root / DAY / f"{name}.tif", value=number) for number, name in ((1, "a"), (2, "b")))
    copied(first, archive / "a.tif")
    copied(second, archive / "b.tif")
    scan(site)
    write_tiff(archive / "a.tif", value=9)
    write_tiff(second, value=8)
    scan(site)

    assert places(site) == {
        1: ("imported", [("confocal", f"{DAY}/a.tif")]),
        2: ("imported", [("confocal", f"{DAY}/b.tif")]),
    }
    assert [told(site, archive / name).state for name in ("a.tif", "b.tif")] == ["unmatched", "unmatched"]
    assert events(site, "updated") == ["updated"]
    write_tiff(second, value=2)
    scan(site)
    assert places(site)[2][1] == [("confocal", f"{DAY}/b.tif"), ("archive", "b.tif")]
    assert sound(site, archive) == []


def test_a_place_whose_mode_changed_is_read_again_and_stays_a_place(site: Site, archive: Path) -> None:
    original = write_tiff(site.root / DAY / "a.tif")
    copy = copied(original, archive / "a.tif")
    scan(site)
    original.unlink()
    scan(site)
    copy.chmod(0o640)
    with site.running(settings=settings(site, settle=timedelta(hours=1))) as loop:
        loop.request_scan("archive")
        wait_until(lambda: told(site, copy).state == "settling")
        assert places(site)[1] == ("settling", [("archive", "a.tif")])
    scan(site)
    assert places(site)[1] == ("imported", [("archive", "a.tif")])
    assert events(site, "missing", "located", "kept_elsewhere") == ["located", "kept_elsewhere"]


def test_of_two_files_with_the_same_content_the_place_is_of_the_one_with_the_likelier_path(
    site: Site, archive: Path
) -> None:
    first = write_tiff(site.root / "smith-lab/ab3c/cells/day1/a.tif")
    second = copied(first, site.root / "jones-lab/ef5g/other/day1/a.tif")
    copied(first, archive / "jones-lab/ef5g/other/day1/a.tif")
    scan(site)
    by_name = {row["group_id"]: row["id"] for row in site.images()}
    mine, theirs = by_name[1], by_name[2]
    assert places(site)[mine][1] == [("confocal", str(first.relative_to(site.root)))]
    assert len(places(site)[theirs][1]) == 2
    assert second.exists()
    with site.catalogue.reading() as connection:
        now = datetime.now(UTC)
        ab3c, ef5g = (resolve_acting(connection, "root", now=now, as_name=name) for name in ("ab3c", "ef5g"))
    assert told(site, archive / "jones-lab/ef5g/other/day1/a.tif", ef5g).image_ids == (theirs,)
    with pytest.raises(NotFound):
        told(site, archive / "jones-lab/ef5g/other/day1/a.tif", ab3c)
    assert [path for _, path in places(site, ab3c)[theirs][1]] == []


def test_a_hash_that_is_made_later_finds_its_places_then(site: Site, archive: Path) -> None:
    copied(write_tiff(site.root / DAY / "large.tif", size=64), archive / "large.tif")
    with site.running(settings=settings(site, hash_now_bytes=1000)):
        wait_until(lambda: bool(site.images()) and len(places(site)[1][1]) == 2)
    assert sound(site, archive) == []


def test_a_place_is_verified_like_the_original_and_its_damage_is_its_own(site: Site, archive: Path) -> None:
    copy = copied(write_tiff(site.root / DAY / "a.tif"), archive / "a.tif")
    scan(site)
    rot(site.catalogue, copy)
    run = VerifyRun(site.catalogue, VerifyPlan(), clock=SystemClock(), via="cli")
    while (batch := run.next_batch()) is not None:
        with opened_root(batch.root_path) as root:
            run.take(batch, checked(root, batch.root_path, batch.identity, batch.members()))
    assert run.summary.damaged == [str(copy)]
    assert run.end().verified == 2
    assert told(site, copy).marks == ("copy of", "damaged")
    assert told(site, site.root / DAY / "a.tif").marks == ()


def test_rules_say_of_storage_that_they_say_nothing(site: Site, archive: Path) -> None:
    rules = compile_all(settings(site))["archive"]
    said = place(rules, b"smith-lab/ab3c/cells/day1/a.tif")
    assert isinstance(said, NotPlaced)
    assert (said.disposition, said.reason) == (NotPlacedAs.SKIPPED, IN_STORAGE)
    assert archive.is_dir()


def test_links_pipes_and_folders_in_storage_are_ignored(site: Site, archive: Path) -> None:
    (archive / "link.tif").symlink_to(site.root)
    os.mkfifo(archive / "pipe.tif")
    (archive / "folder.zarr").mkdir()
    scan(site)
    states = {name: told(site, archive / name).state for name in ("link.tif", "pipe.tif", "folder.zarr")}
    assert set(states.values()) == {"ignored"}


def test_rules_that_change_have_nothing_in_storage_read_again(site: Site, archive: Path) -> None:
    copied(write_tiff(site.root / DAY / "a.tif"), archive / "a.tif")
    write_tiff(archive / "unknown.tif", value=50)
    scan(site)
    before = site.rows("SELECT max(id) AS id FROM fileset")
    other = (RuleSettings(match=("{group}/{owner}/{project}/**/{image}.{ext}",), mark=MARK),)
    scan(site, rules=other)
    assert site.rows("SELECT max(id) AS id FROM fileset") == before


def test_a_root_that_becomes_storage_and_back_is_looked_at_anew(site: Site, archive: Path) -> None:
    write_tiff(archive / DAY / "own.tif", value=3)
    copied(write_tiff(site.root / DAY / "a.tif"), archive / DAY / "a.tif")
    scan(site)
    assert len(site.images()) == 1
    site.import_(settings=site.settings(roots={"confocal": site.root, "archive": archive}))
    assert site.names() == ["a", "a", "own"]
    assert sound(site, archive) == []
    write_tiff(archive / DAY / "late.tif", value=4)
    scan(site)
    assert site.names() == ["a", "a", "own"]
    assert told(site, archive / DAY / "late.tif").state == "unmatched"
    assert sound(site, archive) == []


def test_a_kill_between_reading_and_commit_costs_nothing(site: Site, archive: Path) -> None:
    copied(write_tiff(site.root / DAY / "a.tif"), archive / "a.tif")
    with site.running(settings=settings(site)):
        wait_until(lambda: len(site.rows("SELECT * FROM stored_copy")) == 1)
    with site.catalogue.writing() as connection:
        connection.exec_driver_sql("DELETE FROM stored_copy")
        connection.exec_driver_sql(
            "UPDATE sighting SET ctime_ns = -1, original_file_id = NULL WHERE fileset_id IS NULL"
        )
    scan(site)
    assert len(places(site)[1][1]) == 2


def test_every_file_of_an_image_of_many_has_its_own_places(catalogue: Catalogue, tmp_path: Path, archive: Path) -> None:
    archive.mkdir()
    site = Site(catalogue, tmp_path, rule="{group}/{owner}/{dataset}/{image}_z{z}.{ext}")
    add_person(catalogue, "ab3c", "smith-lab")
    files = [write_tiff(site.root / f"smith-lab/ab3c/day1/cell_z{z}.tif", value=z) for z in range(3)]
    for path in files:
        copied(path, archive / path.name)
    scan(site)
    assert len(places(site)[1][1]) == 6
    for path in files:
        path.unlink()
    scan(site)
    assert places(site) == {1: ("imported", [("archive", path.name) for path in files])}
    (archive / "cell_z1.tif").unlink()
    scan(site)
    assert places(site)[1][0] == "missing"
    assert events(site, "missing", "kept_elsewhere") == ["kept_elsewhere", "missing"]
    assert sound(site, archive) == []
