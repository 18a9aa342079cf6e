"""`verify`: finds bytes that changed though nobody wrote, and takes nothing else for that."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
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
from catalog.verification import Coverage
from ingest import verification
from ingest.verification import VerifyPlan, VerifyRun
from tests.helpers.ingest_site import Site, add_person, write_tiff
from tests.helpers.program import wait_until
from tests.helpers.rot import flip, rot
from tests.helpers.verifying import ALL, DAY, events, files, site_of_one, told, verify


@pytest.fixture
def site(catalogue: Catalogue, tmp_path: Path) -> Site:
    return site_of_one(catalogue, tmp_path)


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


def test_a_root_that_is_gone_another_or_empty_is_unavailable_and_tells_of_no_missing_file(
    site: Site, tmp_path: Path
) -> None:
    files(site, 2)
    image_ids = tuple(row["id"] for row in site.images()[:1])
    site.root.rename(tmp_path / "away")
    assert nothing_but_unavailable(site) == ("the root can't be opened: No such file or directory", 2, 2)
    site.root.mkdir()
    empty = "the folder is empty and is not the one seen before; is its disk mounted?"
    assert nothing_but_unavailable(site) == (empty, 2, 2)
    site.import_()  # from now on it is known, and nothing of it is asked for
    assert nothing_but_unavailable(site) == (empty, 2, 0)
    assert nothing_but_unavailable(site, VerifyPlan(image_ids=image_ids)) == (empty, 1, 0)
    write_tiff(site.root / "other.tif")
    site.import_()
    assert nothing_but_unavailable(site)[1:] == (2, 0)


def nothing_but_unavailable(site: Site, plan: VerifyPlan = ALL) -> tuple[str, int, int]:
    """Give why the root is unavailable, how many files it has, and how many are to be covered."""
    found, covered = verify(site, plan)
    assert (found.missing, found.damaged, found.unreadable, found.checked) == ([], [], [], 0)
    ((place, (reason, count)),) = found.unavailable.items()
    assert place == str(site.root)
    return reason, count, covered.files


def test_what_is_unavailable_does_not_use_up_the_share_that_was_asked_for(site: Site, tmp_path: Path) -> None:
    other = tmp_path / "other"
    for number in range(3):
        write_tiff(other / f"smith-lab/ab3c/cells/{number}.tif", value=50 + number)
    site.import_(settings=site.settings(roots={"away": other}))
    for number in range(3):
        write_tiff(site.root / DAY / f"{number}.tif", value=number)
    site.import_(settings=site.settings(roots={"away": other, "confocal": site.root}))
    other.rename(tmp_path / "gone")
    found, covered = verify(site, VerifyPlan(fraction=Fraction(1, 2)))
    assert (found.checked, found.unavailable_count, covered.verified) == (3, 3, 3)


def test_a_hash_that_is_made_later_is_covered_when_it_is_there(site: Site) -> None:
    write_tiff(site.root / DAY / "large.tif", size=64)
    settings = site.settings(hash_now_bytes=1000)
    with site.running(settings=settings):
        wait_until(lambda: site.rows("SELECT hash FROM original_file WHERE hash IS NOT NULL") != [])
    assert site.rows("SELECT * FROM job") == []
    assert verify(site)[0].checked == 1


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
