"""Faults 6, 7 and 8: slow writers, pre-allocated files, odd ways of writing, odd times, clocks that step."""

import os
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy
import pytest
import tifffile

from catalog.decisions import retry
from catalog.permissions import SYSTEM
from tests.faults.conftest import Facility
from tests.helpers.clocks import SteppingClock
from tests.helpers.ingest_site import Site
from tests.helpers.invariants import Identity, identities, snapshot, violations
from tests.helpers.pictures import plane, put, tiff_bytes
from tests.helpers.program import wait_until

ADA = "smith-lab/ab3c/p/d"


def check(site: Site, complete: dict[str, int]) -> list[str]:
    wanted = [("confocal", path.encode(), images) for path, images in complete.items()]
    return violations(site.catalogue, {"confocal": site.root}, complete=wanted)


def test_every_way_of_writing_gives_one_import_once_it_is_whole(facility: Facility) -> None:
    """Through the installed daemon, all at once: what is imported was whole at its first import, but the slow stack."""
    folder = facility.data / ADA
    folder.mkdir(parents=True)
    with facility.daemon() as daemon:
        daemon.ready()
        slow = threading.Thread(target=_write_pages_slowly, args=(folder / "slow.tif", 4, 0.7), name="slow")
        slow.start()
        whole = tiff_bytes(5, 128)
        with (folder / "preallocated.tif").open("wb") as preallocated:
            preallocated.truncate(len(whole))
            preallocated.write(whole[:4096])
            preallocated.flush()
            _open_and_close_ten_times(folder / "reopened.tif", tiff_bytes(6))
            put(folder / "written.tif.tmp", tiff_bytes(7)).rename(folder / "renamed.tif")
            put(facility.folder / "outside.tif", tiff_bytes(8)).rename(folder / "moved-in.tif")
            old, future = put(folder / "old.tif", tiff_bytes(9)), put(folder / "future.tif", tiff_bytes(10))
            os.utime(old, (1e8, 1e8))
            os.utime(future, (time.time() + 86400 * 400,) * 2)
            slow.join()
            wait_until(lambda: {row["name"] for row in facility.images()} >= {"slow", "old", "future", "reopened"})
            assert "preallocated" not in {row["name"] for row in facility.images()}
            preallocated.write(whole[4096:])
        names = ("slow", "preallocated", "reopened", "renamed", "moved-in", "old", "future")
        wait_until(lambda: {row["name"] for row in facility.images()} == set(names))
        wait_until(lambda: _size_z(facility) == 4)
        before = {"confocal": snapshot(facility.data)}
        wait_until(lambda: not facility.violations({f"{ADA}/{name}.tif": 1 for name in names}))
        daemon.stop()
    assert facility.violations({f"{ADA}/{name}.tif": 1 for name in names}, before=before) == []


def _size_z(facility: Facility) -> int:
    (row,) = [row for row in facility.images() if row["name"] == "slow"]
    return int(row["sizes"]["z"] * row["sizes"]["t"])


def _write_pages_slowly(path: Path, pages: int, pause_s: float) -> None:
    """Write a page, close, pause for longer than the settle time, and go on: a file that is valid after every page."""
    for number in range(pages):
        if number:
            time.sleep(pause_s)
        tifffile.imwrite(path, plane(60 + number), append=number > 0, photometric="minisblack", metadata=None)


def _open_and_close_ten_times(path: Path, data: bytes) -> None:
    step = -(-len(data) // 10)
    for start in range(0, len(data), step):
        with path.open("ab") as file:
            file.write(data[start : start + step])


def test_a_stack_that_grows_after_long_pauses_is_one_image_that_is_updated(site: Site) -> None:
    site.settle_s = 0.1
    path = site.root / ADA / "slow.tif"
    known: dict[tuple[str, bytes], Identity] = {}
    path.parent.mkdir(parents=True)
    for number in range(4):
        tifffile.imwrite(path, plane(60 + number), append=number > 0, photometric="minisblack", metadata=None)
        done = site.import_()
        assert (done.imported, done.updated) == ((1, 0) if number == 0 else (0, 1))
        wanted = [("confocal", f"{ADA}/slow.tif".encode(), 1)]
        assert violations(site.catalogue, {"confocal": site.root}, complete=wanted, kept=known) == []
        known = identities(site.catalogue)
    (row,) = site.rows("SELECT size_z, size_t FROM image")
    assert row["size_z"] * row["size_t"] == 4


@pytest.mark.parametrize("share", [0, 10, 50, 90, 99])
def test_a_pre_allocated_copy_is_not_imported_until_it_is_real(site: Site, share: int) -> None:
    whole = _stack_bytes(site)
    path = site.root / ADA / "copy.tif"
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.truncate(len(whole))
        file.write(whole[: len(whole) * share // 100])

    assert site.import_().imported == 0
    assert check(site, {f"{ADA}/copy.tif": 0}) == []
    path.write_bytes(whole)

    assert site.import_().imported == 1
    assert check(site, {f"{ADA}/copy.tif": 1}) == []


def _stack_bytes(site: Site) -> bytes:
    path = site.state / "stack.tif"
    tifffile.imwrite(path, numpy.stack([plane(number, 128) for number in range(6)]), photometric="minisblack")
    return path.read_bytes()


@pytest.mark.parametrize("hours", [1, -1, 24 * 365 * 20])
def test_a_clock_that_steps_while_a_file_settles_changes_nothing(site: Site, hours: int) -> None:
    site.settle_s = 0.5
    clock = SteppingClock()
    with site.running(clock=clock) as loop:
        wait_until(lambda: bool(site.rows("SELECT id FROM root WHERE last_pass_ended_at IS NOT NULL")))
        path = put(site.root / ADA / "a.tif", tiff_bytes(1))
        loop.request_scan()
        wait_until(lambda: bool(site.rows("SELECT id FROM fileset")))
        clock.step = timedelta(hours=hours)
        wait_until(lambda: len(site.images()) == 1)
        put(path, tiff_bytes(2))
        loop.request_scan()
        wait_until(lambda: site.rows("SELECT generation FROM fileset") == [{"generation": 2}])
    assert check(site, {f"{ADA}/a.tif": 1}) == []


@pytest.mark.parametrize("hours", [1, -1])
def test_a_clock_that_was_stepped_between_two_runs_changes_nothing(site: Site, hours: int) -> None:
    site.settle_s = 0.2
    put(site.root / ADA / "a.tif", tiff_bytes(1))
    put(site.root / ADA / "b.tif", tiff_bytes(2)[:-500])
    first, second = SteppingClock(), SteppingClock()
    second.step = timedelta(hours=hours)
    site.import_(clock=first, wait=False)
    put(site.root / ADA / "b.tif", tiff_bytes(2))

    site.import_(clock=second)

    assert check(site, {f"{ADA}/a.tif": 1, f"{ADA}/b.tif": 1}) == []


def test_what_is_tried_again_is_tried_at_once_by_a_daemon_that_began_before_the_clock_was_set_right(site: Site) -> None:
    site.settle_s = 3600.0
    clock = SteppingClock(timedelta(hours=-1))
    path = put(site.root / ADA / "a.tif", tiff_bytes(1))
    with site.running(clock=clock):
        wait_until(lambda: bool(site.rows("SELECT id FROM fileset")))
        clock.step = timedelta(0)
        with site.catalogue.writing() as connection:
            (row,) = retry(connection, SYSTEM, [os.fsencode(path)], now=datetime.now(UTC), via="cli")
        assert row.done
        wait_until(lambda: len(site.images()) == 1)


@pytest.mark.parametrize("stamp_s", [0, 1, 1e8, 4e9, 2**33])
def test_a_file_of_any_mtime_is_imported_once(site: Site, stamp_s: float) -> None:
    path = put(site.root / ADA / "a.tif", tiff_bytes(1))
    os.utime(path, (stamp_s, stamp_s))
    assert site.import_().imported == 1
    assert site.import_().unchanged == 1
    assert check(site, {f"{ADA}/a.tif": 1}) == []


def test_a_file_rewritten_with_the_same_size_and_mtime_is_an_update(site: Site) -> None:
    path = put(site.root / ADA / "a.tif", tiff_bytes(1))
    site.import_()
    then, known = path.stat().st_mtime_ns, identities(site.catalogue)
    put(path, tiff_bytes(2))
    os.utime(path, ns=(then, then))
    assert site.import_().updated == 1
    assert violations(site.catalogue, {"confocal": site.root}, kept=known) == []
