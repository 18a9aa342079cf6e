"""Fault 5 inside a root: a disk that is mounted in it and found at another folder keeps its images (real mounts)."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from catalog.roots import disks_away, known_roots
from daemon.planning import make_plan, site_of
from ingest import troubled
from tests.helpers.ingest_site import Site, write_tiff
from tests.helpers.invariants import Identity, identities, violations
from tests.helpers.mounts import make_ext4, mount_bind, mount_loop, own_mounts, unmount

pytestmark = [pytest.mark.needs_root, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]

LAB = "smith-lab/ab3c"
MOUNT = f"{LAB}/usb/stick"
FILES = 6


@pytest.fixture(autouse=True)
def mounts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(troubled, "FIRST_WAIT_S", 0.2)
    with own_mounts():
        yield


@pytest.fixture(params=["ext4", "bind"])
def plugged_in(request: pytest.FixtureRequest, site: Site, tmp_path: Path) -> None:
    """Give a disk of a kind that is mounted in the root, with files on it and beside it, all imported."""
    mount(request.param, site.root / MOUNT, tmp_path)
    filled(site)


def mount(kind: str, at: Path, folder: Path) -> None:
    match kind:
        case "ext4":
            mount_loop(make_ext4(folder / "stick.img"), at)
        case _:
            (folder / "stick").mkdir()
            mount_bind(folder / "stick", at)


def filled(site: Site) -> None:
    for number in range(FILES):
        write_tiff(site.root / MOUNT / f"day1/{number}.tif", value=number, size=16)
    write_tiff(site.root / LAB / "usb/own.tif", value=50)
    site.import_()


def away(site: Site) -> list[bytes]:
    with site.catalogue.reading() as connection:
        (root,) = known_roots(connection)
        return [path for path, _ in disks_away(root.identity)]


def moved(site: Site, old: str, new: str) -> dict[tuple[str, bytes], Identity]:
    """Give the identities of now, by the paths that they shall have."""
    return {
        (root, new.encode() + path.removeprefix(old.encode()) if path.startswith(f"{old}/".encode()) else path): one
        for (root, path), one in identities(site.catalogue).items()
    }


def amiss(site: Site, **more: Any) -> list[str]:
    return violations(site.catalogue, {"confocal": site.root}, **more)


def events(site: Site, *what: str) -> int:
    return len([row for row in site.rows("SELECT what FROM event") if row["what"] in what])


@pytest.mark.usefixtures("plugged_in")
@pytest.mark.parametrize("is_running", [True, False])
def test_a_folder_above_a_disk_is_renamed(site: Site, is_running: bool) -> None:
    kept = moved(site, f"{LAB}/usb", f"{LAB}/sticks")
    if is_running:
        with site.running() as loop:
            loop.request_import().result(60)
            (site.root / LAB / "usb").rename(site.root / LAB / "sticks")
            site.hints.name("confocal", LAB.encode(), b"usb")
            site.hints.name("confocal", LAB.encode(), b"sticks")
            loop.request_import().result(60)
    else:
        (site.root / LAB / "usb").rename(site.root / LAB / "sticks")
        plan = make_plan(site_of(site.settings(), site.catalogue, now=datetime.now(UTC)), root=None, limit=10)
        assert (plan.document.summary.move, plan.document.summary.missing) == (FILES + 1, 0)
        site.import_()
    assert amiss(site, kept=kept) == []
    assert (away(site), events(site, "imported"), events(site, "updated")) == ([], FILES + 1, 0)
    assert site.rows("SELECT path FROM directory WHERE problem IS NOT NULL") == []
    (site.root / LAB / "sticks/stick/day1/0.tif").unlink()
    unmount(site.root / LAB / "sticks/stick")
    site.import_()
    assert away(site) == [f"{LAB}/sticks/stick".encode()]  # it is known at its new place
    assert site.rows("SELECT * FROM sighting WHERE missing_since IS NOT NULL") == []


def test_a_stick_is_plugged_in_again_at_another_place(site: Site, tmp_path: Path) -> None:
    mount("ext4", site.root / MOUNT, tmp_path)
    filled(site)
    kept = moved(site, MOUNT, f"{LAB}/other")
    unmount(site.root / MOUNT)
    site.import_()
    assert away(site) == [MOUNT.encode()]
    mount_loop(tmp_path / "stick.img", site.root / LAB / "other")
    site.import_()
    assert amiss(site, kept=kept) == []
    assert (away(site), events(site, "imported"), events(site, "missing")) == ([], FILES + 1, 0)


def test_in_the_folder_of_another_it_stays_whose_it_was(site: Site, tmp_path: Path) -> None:
    mount("ext4", site.root / MOUNT, tmp_path)
    filled(site)
    (site.root / "smith-lab/cd4e").mkdir()
    kept = moved(site, f"{LAB}/usb", "smith-lab/cd4e/usb")
    (site.root / LAB / "usb").rename(site.root / "smith-lab/cd4e/usb")
    site.import_()
    assert amiss(site, kept=kept) == []
    owners = "SELECT DISTINCT e.name FROM image i JOIN experimenter e ON e.id = i.owner_id"
    assert [row["name"] for row in site.rows(owners)] == ["ab3c"]
    assert len(site.rows("SELECT * FROM fileset WHERE owner_differs IS NOT NULL")) == FILES + 1


def test_a_copy_of_a_stick_is_not_the_stick(site: Site, tmp_path: Path) -> None:
    """Names, times and even inode numbers are the same on a disk that was filled alike; its id is not."""
    mount("ext4", site.root / MOUNT, tmp_path)
    filled(site)
    kept = identities(site.catalogue)
    unmount(site.root / MOUNT)
    mount_loop(make_ext4(tmp_path / "copy.img"), site.root / LAB / "copy")
    for number in range(FILES):
        write_tiff(site.root / LAB / f"copy/day1/{number}.tif", value=number, size=16)
    site.import_()
    assert (away(site), events(site, "moved")) == ([MOUNT.encode()], 0)
    assert events(site, "imported") == 2 * FILES + 1
    mount_loop(tmp_path / "stick.img", site.root / MOUNT)
    site.import_()
    assert (away(site), amiss(site, kept=kept)) == ([], [])
