"""Faults 4, 5 and 12 with real mounts: roots that go away, moves between file systems, a full state directory."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from catalog.accepting import accept
from catalog.acting import resolve_acting
from catalog.decisions import accept_root
from catalog.engine import Catalogue, open_catalogue
from ingest import loop as loop_module
from tests.helpers.ingest_site import Site, add_person, write_tiff
from tests.helpers.invariants import Identity, identities, snapshot, violations
from tests.helpers.mounts import (
    loop_device,
    make_ext4,
    mount_bind,
    mount_device,
    mount_loop,
    mount_tmpfs,
    own_mounts,
    remount,
    unmount,
)
from tests.helpers.program import PATIENCE_S, wait_until

pytestmark = pytest.mark.needs_root

DAY = "smith-lab/ab3c/cells/day1"
FILES = 60


@pytest.fixture
def mounts() -> Iterator[None]:
    with own_mounts():
        yield


@pytest.fixture
def lone(catalogue_sqlite: Catalogue, tmp_path: Path) -> Site:
    """Give the site on SQLite alone: what a root is does not hang on the database."""
    made = Site(catalogue_sqlite, tmp_path)
    add_person(catalogue_sqlite, "ab3c", "smith-lab")
    return made


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for a root that is away more often than each five seconds."""
    monkeypatch.setattr(loop_module, "LOOK_FOR_ROOT_EVERY_S", 0.2)


def fill(folder: Path, count: int = FILES) -> None:
    for number in range(count):
        write_tiff(folder / DAY / f"{number}.tif", value=number, size=16)


def missing(site: Site) -> int:
    return len(site.rows("SELECT * FROM sighting WHERE missing_since IS NOT NULL"))


def availability(site: Site) -> str:
    return str(site.root_row()["availability"])


def scanned(site: Site, loop: Any) -> None:
    """Have the root looked at once more, to the end."""
    loop.request_import().result(PATIENCE_S)


def sound(site: Site, kept: dict[tuple[str, bytes], Identity], **more: Any) -> list[str]:
    return violations(site.catalogue, {"confocal": site.root}, kept=kept, **more)


@pytest.mark.usefixtures("mounts", "quick")
@pytest.mark.parametrize("kind", ["bind", "loop"])
def test_a_root_that_is_unmounted_is_unavailable_and_not_empty_and_comes_back_by_itself(
    site: Site, tmp_path: Path, kind: str
) -> None:
    disk = tmp_path / "disk"
    if kind == "loop":
        make_ext4(disk)
    else:
        disk.mkdir()

    def plug_in() -> None:
        if kind == "loop":
            mount_loop(disk, site.root)
        else:
            mount_bind(disk, site.root)

    plug_in()
    fill(site.root)
    site.import_()
    kept = identities(site.catalogue)
    before = {"confocal": snapshot(site.root)}
    assert len(site.images()) == FILES
    with site.running() as loop:
        wait_until(lambda: not loop.progress().roots[0].is_scanning if loop.progress().roots else False)
        unmount(site.root, is_lazy=True)
        loop.request_scan("confocal")
        wait_until(lambda: availability(site) == "unavailable")
        assert "is its disk mounted?" in str(site.root_row()["reason"])
        for name in (b"0.tif", b"1.tif"):  # events of a disk that goes away are hints, and no proof
            site.hints.name("confocal", DAY.encode(), name)
        loop.request_import((site.root / DAY / "0.tif",)).result(PATIENCE_S)
        assert missing(site) == 0
        plug_in()
        wait_until(lambda: availability(site) == "available")
        scanned(site, loop)
        assert missing(site) == 0
        assert sound(site, kept, before=before) == []
        write_tiff(site.root / DAY / "new.tif", value=999)
        assert loop.request_import().result(PATIENCE_S).imported == 1
    assert site.rows("SELECT * FROM event WHERE what IN ('missing', 'updated', 'moved')") == []
    assert sound(site, kept) == []


@pytest.mark.usefixtures("mounts")
def test_a_disk_that_comes_back_as_another_device_is_the_same_root(lone: Site, tmp_path: Path) -> None:
    site, disk = lone, make_ext4(tmp_path / "disk.img")
    with loop_device(disk) as former, loop_device(disk) as latter:
        mount_device(former, site.root)
        fill(site.root, 5)
        site.import_()
        kept = identities(site.catalogue)
        source = site.root_row()["identity"]
        unmount(site.root)
        mount_device(latter, site.root)
        site.import_()
        assert site.root_row()["identity"] != source
        assert (availability(site), missing(site)) == ("available", 0)
        assert sound(site, kept) == []
        unmount(site.root)


@pytest.mark.usefixtures("mounts", "quick")
def test_another_disk_in_the_place_of_a_root_waits_for_a_person(lone: Site, tmp_path: Path) -> None:
    site = lone
    mount_tmpfs(site.root)
    fill(site.root)
    site.import_()
    mount_tmpfs(site.root)
    write_tiff(site.root / DAY / "foreign.tif", value=777)
    with site.running() as loop:
        wait_until(lambda: availability(site) == "braked")
        assert "not the one seen before" in str(site.root_row()["reason"])
        assert missing(site) == 0
        now = datetime.now(UTC)
        with site.catalogue.writing() as connection:
            accept_root(connection, resolve_acting(connection, "root", now=now), "confocal", now=now, via="cli")
        loop.request_scan("confocal")
        wait_until(lambda: missing(site) == FILES)
        wait_until(lambda: availability(site) == "available")
    assert sound(site, {}) == []


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("how", ["removed", "made again", "a file"])
def test_a_root_that_is_removed_or_made_again_loses_nothing(lone: Site, tmp_path: Path, how: str) -> None:
    site = lone
    fill(site.root)
    site.import_()
    kept = identities(site.catalogue)
    with site.running() as loop:
        site.root.rename(tmp_path / "away")
        if how == "made again":
            site.root.mkdir()
        elif how == "a file":
            site.root.write_bytes(b"")
        loop.request_scan("confocal")
        wait_until(lambda: availability(site) == "unavailable")
        assert missing(site) == 0
        if how == "made again":
            site.root.rmdir()
        site.root.unlink(missing_ok=True)
        (tmp_path / "away").rename(site.root)
        wait_until(lambda: availability(site) == "available")
        scanned(site, loop)
    assert missing(site) == 0
    assert sound(site, kept) == []


@pytest.mark.usefixtures("mounts")
def test_a_root_that_becomes_read_only_is_read_all_the_same(lone: Site, tmp_path: Path) -> None:
    site = lone
    mount_tmpfs(site.root)
    fill(site.root, 3)
    remount(site.root, "ro")
    assert site.import_().imported == 3
    assert sound(site, {}) == []


@pytest.mark.usefixtures("mounts")
def test_mv_across_file_systems_keeps_what_was_there_or_is_joined_by_accept(site: Site, tmp_path: Path) -> None:
    second = tmp_path / "second"
    mount_tmpfs(site.root)
    mount_tmpfs(second)
    roots = {"confocal": site.root, "second": second}
    settings = site.settings(roots=roots)
    fill(site.root, 6)
    site.import_(settings=settings)
    before = identities(site.catalogue)
    (second / DAY).mkdir(parents=True)
    assert os.stat(site.root).st_dev != os.stat(second).st_dev

    def moved(*names: str) -> None:
        paths = [str(site.root / DAY / name) for name in names]
        subprocess.run(["mv", *paths, str(second / DAY)], check=True)

    moved("0.tif", "1.tif")  # between two looks: the next one finds the files gone, and the same content elsewhere
    site.import_(site.root)
    site.import_(settings=settings)
    shutil.copy2(site.root / DAY / "2.tif", second / DAY / "2.tif")  # the first half of a slow mv is looked at
    site.import_(settings=settings)
    assert len(site.images()) == 7
    (site.root / DAY / "2.tif").unlink()
    site.import_(settings=settings)
    assert len(site.images()) == 7
    now = datetime.now(UTC)
    with site.catalogue.writing() as connection:
        acting = resolve_acting(connection, "root", now=now)
        rows = accept(connection, acting, [os.fsencode(second / DAY / "2.tif")], now=now, via="cli")
    assert [row.done for row in rows] == [True]

    assert len(site.images()) == 6
    kept = {
        ("second" if path in (b"0.tif", b"1.tif", b"2.tif") else "confocal", f"{DAY}/".encode() + path): before[
            "confocal", f"{DAY}/".encode() + path
        ]
        for path in (f"{number}.tif".encode() for number in range(6))
    }
    assert violations(site.catalogue, roots, kept=kept) == []
    assert site.import_(settings=settings).imported == 0


@pytest.fixture
def on_small_disk(tmp_path: Path, sqlite_template: Path) -> Iterator[Site]:
    """Give a site whose catalogue lies on a disk of a few megabytes."""
    with own_mounts():
        mount_tmpfs(tmp_path / "db", size="4m")
        shutil.copy(sqlite_template, tmp_path / "db/catalog.db")
        (tmp_path / "db/catalog.db").chmod(0o600)
        with closing(open_catalogue(f"sqlite:///{tmp_path}/db/catalog.db")) as catalogue:
            site = Site(catalogue, tmp_path)
            add_person(catalogue, "ab3c", "smith-lab")
            yield site


def test_a_state_directory_that_is_full_stops_the_import_and_nothing_is_lost_when_it_is_not(
    on_small_disk: Site, tmp_path: Path
) -> None:
    site, filler = on_small_disk, tmp_path / "db/filler"
    fill(site.root, 10)
    with site.running(free_space=lambda _: 1 << 40) as loop:
        wait_until(lambda: len(site.images()) == 10)
        kept = identities(site.catalogue)
        assert subprocess.run(["dd", "if=/dev/zero", f"of={filler}", "bs=4096"], stderr=subprocess.DEVNULL).returncode
        for number in range(100, 140):
            write_tiff(site.root / DAY / f"{number}.tif", value=number, size=16)
        asked = loop.request_import()
        wait_until(lambda: loop.progress().problem is not None)
        assert "no space is left" in str(loop.progress().problem)
        assert not asked.done()
        filler.unlink()
        assert asked.result(PATIENCE_S).imported == 40
        wait_until(lambda: loop.progress().problem is None)
    complete = [("confocal", f"{DAY}/{number}.tif".encode(), 1) for number in (*range(10), *range(100, 140))]
    assert sound(site, kept, complete=complete) == []


def test_below_the_low_water_mark_nothing_is_imported_until_there_is_room(on_small_disk: Site, tmp_path: Path) -> None:
    site = on_small_disk
    mount_tmpfs(site.state, size="8m")
    fill(site.root, 3)
    with site.running() as loop:
        wait_until(lambda: "less than 200 MB are free" in str(loop.progress().problem))
        assert site.images() == []
        remount(site.state, "size=300m")
        wait_until(lambda: len(site.images()) == 3)
        wait_until(lambda: loop.progress().problem is None)
    assert sound(site, {}) == []
