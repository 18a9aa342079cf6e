"""Fault 4 inside a root: a disk that is mounted in it and goes away is unavailable, not empty. With real mounts."""

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from catalog.acting import resolve_acting
from catalog.decisions import accept_root
from catalog.permissions import SYSTEM
from catalog.roots import disks_away, known_roots
from catalog.status import root_statuses
from catalog.why import why
from daemon.planning import make_plan, site_of
from ingest import troubled
from tests.helpers.ingest_site import Site, write_tiff
from tests.helpers.invariants import identities, snapshot, violations
from tests.helpers.mounts import make_ext4, mount_bind, mount_loop, mount_tmpfs, own_mounts, unmount
from tests.helpers.program import wait_until
from tests.helpers.verifying import verify

pytestmark = pytest.mark.needs_root

MOUNT = "smith-lab/ab3c/usb/stick"
DAY = f"{MOUNT}/day1"
FILES = 6


@pytest.fixture(autouse=True)
def mounts() -> Iterator[None]:
    with own_mounts():
        yield


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look again at a folder that is in trouble more often than each five seconds."""
    monkeypatch.setattr(troubled, "FIRST_WAIT_S", 0.2)


#: What a mount is does not hang on the database: most of it is shown on one.
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def plug_in(site: Site, tmp_path: Path) -> Callable[[], None]:
    """Give what mounts the disk, and fill it; a folder beside it stays."""
    make_ext4(tmp_path / "stick.img")
    write_tiff(site.root / "smith-lab/ab3c/cells/day1/own.tif", value=50)

    def mount() -> None:
        mount_loop(tmp_path / "stick.img", site.root / MOUNT)

    mount()
    fill(site)
    return mount


def fill(site: Site) -> None:
    for number in range(FILES):
        write_tiff(site.root / DAY / f"{number}.tif", value=number, size=16)


def missing(site: Site) -> int:
    return len(site.rows("SELECT * FROM sighting WHERE missing_since IS NOT NULL"))


def away(site: Site) -> list[bytes]:
    with site.catalogue.reading() as connection:
        (root,) = known_roots(connection)
        return [path for path, _ in disks_away(root.identity)]


def accept(site: Site) -> bool:
    now = datetime.now(UTC)
    with site.catalogue.writing() as connection:
        return accept_root(connection, resolve_acting(connection, "root", now=now), "confocal", now=now, via="cli").done


def told(site: Site, name: str = "0.tif") -> tuple[str, str]:
    with site.catalogue.reading() as connection:
        document = why(connection, SYSTEM, os.fsencode(site.root / DAY / name))
    return document.state, document.reason


def sound(site: Site, **more: object) -> list[str]:
    return violations(site.catalogue, {"confocal": site.root}, **more)  # type: ignore[arg-type]  # as it takes them


@pytest.mark.parametrize("how", ["unmounted", "taken away", "taken away with the folder above"])
def test_a_disk_inside_a_root_that_goes_away_is_not_empty_and_comes_back_by_itself(
    site: Site, plug_in: Callable[[], None], how: str
) -> None:
    site.import_()
    kept, before = identities(site.catalogue), {"confocal": snapshot(site.root)}
    with site.running() as loop:
        loop.request_import().result(60)
        unmount(site.root / MOUNT, is_lazy=True)
        if how != "unmounted":
            (site.root / MOUNT).rmdir()
        if how.endswith("above"):
            (site.root / MOUNT).parent.rmdir()
        for name in (b"0.tif", b"1.tif"):  # events of a disk that goes away are hints, and no proof
            site.hints.name("confocal", DAY.encode(), name)
        site.hints.name("confocal", b"smith-lab/ab3c/usb", b"stick")
        site.hints.name("confocal", b"smith-lab/ab3c", b"usb")
        assert loop.request_import((site.root / DAY / "0.tif",)).result(60).imported == 0
        loop.request_import().result(60)
        assert (missing(site), away(site)) == (0, [MOUNT.encode()])
        plug_in()
        wait_until(lambda: away(site) == [])
        loop.request_import().result(60)
        assert sound(site, kept=kept, before=before if how == "unmounted" else {}) == []
        write_tiff(site.root / DAY / "new.tif", value=99)
        assert loop.request_import().result(60).imported == 1
    assert site.rows("SELECT * FROM event WHERE what IN ('missing', 'updated', 'moved')") == []
    assert sound(site, kept=kept) == []


@on_sqlite
def test_what_is_on_it_keeps_its_state_and_people_are_told_where_and_why(
    site: Site, plug_in: Callable[[], None]
) -> None:
    site.import_()
    unmount(site.root / MOUNT)
    for _ in range(2):  # each with the memory of the catalogue alone
        assert site.import_().problems == ()
    state, reason = told(site)
    assert state == "imported"
    assert "the disk on which it lies is not there" in reason
    with site.catalogue.reading() as connection:
        (status,) = root_statuses(connection, SYSTEM)
    assert (status.availability, status.disks_away, status.unlisted) == ("available", 1, 0)
    assert status.away == (f"{MOUNT}: a disk was mounted here, and the folder is empty now; is it mounted?",)
    plan = make_plan(site_of(site.settings(), site.catalogue, now=datetime.now(UTC)), root=None, limit=10)
    assert plan.document.summary.missing == 0
    plug_in()
    site.import_()
    with site.catalogue.reading() as connection:
        (status,) = root_statuses(connection, SYSTEM)
    assert (status.disks_away, status.unlisted, away(site)) == (0, 0, [])
    assert told(site) == ("imported", "it is in the catalogue")
    assert sound(site) == []


@on_sqlite
@pytest.mark.parametrize("is_running", [True, False])
@pytest.mark.parametrize("is_folder_there", [True, False])
def test_a_person_can_say_that_it_stays_away(
    site: Site, plug_in: Callable[[], None], is_running: bool, is_folder_there: bool
) -> None:
    site.import_()
    unmount(site.root / MOUNT)
    if not is_folder_there:
        (site.root / MOUNT).rmdir()
    site.import_()
    if is_running:
        with site.running() as loop:
            loop.request_import().result(60)
            assert accept(site)
            wait_until(lambda: missing(site) == FILES)
            loop.request_import().result(60)
    else:
        assert accept(site)
        site.import_()
    assert missing(site) == FILES
    assert told(site) == ("missing", "the file is no longer there")
    with site.catalogue.reading() as connection:
        (status,) = root_statuses(connection, SYSTEM)
    assert (status.availability, status.disks_away, status.unlisted) == ("available", 0, 0)
    assert sound(site) == []
    plug_in()
    site.import_()
    assert missing(site) == 0


@on_sqlite
def test_another_disk_in_its_place_is_looked_at_and_nothing_goes_missing(
    site: Site, plug_in: Callable[[], None], tmp_path: Path
) -> None:
    site.import_()
    kept = identities(site.catalogue)
    unmount(site.root / MOUNT)
    mount_loop(make_ext4(tmp_path / "other.img"), site.root / MOUNT)
    write_tiff(site.root / DAY / "foreign.tif", value=777)
    assert site.import_().imported == 1
    assert (missing(site), away(site)) == (0, [MOUNT.encode()])
    unmount(site.root / MOUNT)
    plug_in()
    site.import_()
    assert (missing(site), away(site)) == (1, [])
    assert sound(site, kept=kept) == []


@on_sqlite
def test_files_that_are_deleted_on_a_disk_or_copied_into_its_folder_are_what_they_are(
    site: Site, plug_in: Callable[[], None], tmp_path: Path
) -> None:
    site.import_()
    (site.root / DAY / "5.tif").unlink()
    site.import_()
    assert missing(site) == 1
    shutil.copytree(site.root / DAY, tmp_path / "copy")
    unmount(site.root / MOUNT)
    shutil.copytree(tmp_path / "copy", site.root / DAY)
    site.import_()
    assert (missing(site), away(site)) == (1, [])
    shutil.rmtree(site.root / DAY)
    site.import_()
    assert missing(site) == FILES
    assert sound(site) == []


@on_sqlite
@pytest.mark.parametrize("kind", ["bind", "tmpfs"])
def test_a_disk_that_was_never_there_at_a_full_pass_is_known_too(site: Site, tmp_path: Path, kind: str) -> None:
    """A folder of the same file system that is bound there has the device number of the folder above."""
    write_tiff(site.root / "smith-lab/ab3c/usb/own.tif", value=50)
    site.import_()
    with site.running() as loop:
        loop.request_import().result(60)
        if kind == "bind":
            (tmp_path / "stick").mkdir()
            mount_bind(tmp_path / "stick", site.root / MOUNT)
        else:
            mount_tmpfs(site.root / MOUNT)
        fill(site)
        assert loop.request_import((site.root / MOUNT,)).result(60).imported == FILES
        unmount(site.root / MOUNT, is_lazy=True)
        loop.request_import().result(60)
        assert (missing(site), away(site)) == (0, [MOUNT.encode()])


@on_sqlite
def test_verify_says_nothing_about_files_of_a_disk_that_is_not_there(site: Site, plug_in: Callable[[], None]) -> None:
    site.import_()
    assert verify(site)[0].checked == FILES + 1
    unmount(site.root / MOUNT)
    for is_known in (False, True):  # before a scan saw it, and after that
        found, covered = verify(site)
        assert (found.checked, found.missing, found.unreadable, found.changed) == (1, [], [], 0)
        place, why_not = str(site.root / MOUNT), "a disk was mounted here, and the folder is empty now; is it mounted?"
        assert found.unavailable == {place: (why_not, FILES)}
        assert (covered.files, covered.verified) == ((1, 1) if is_known else (FILES + 1, FILES + 1))
        site.import_()
    plug_in()
    site.import_()
    (site.root / DAY / "0.tif").unlink()
    found, covered = verify(site)
    assert (found.checked, found.missing, found.unavailable) == (FILES, [str(site.root / DAY / "0.tif")], {})
