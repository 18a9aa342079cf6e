"""Fault 12: EIO, ESTALE and EACCES from the file system, then repaired: recovery without a person."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest import troubled
from ingest.troubled import FOLDERS_AT_MOST, TroubledFolders
from tests.faults.conftest import CONFIGURATION, Facility
from tests.helpers.ingest_site import Site
from tests.helpers.invariants import snapshot, violations
from tests.helpers.pictures import put, tiff_bytes
from tests.helpers.program import wait_until

ADA = "smith-lab/ab3c/p"


def test_eio_and_estale_on_files_and_folders_are_got_over(facility: Facility) -> None:
    """Injected into the installed program by strace: reads, opens and looks fail at first, in every thread."""
    facility.configure("workers: 1\n" + CONFIGURATION)
    paths = [f"{ADA}/{name}.tif" for name in ("eio/read", "stale/open", "stale/too", "fine/one")]
    for number, path in enumerate(paths):
        put(facility.data / path, tiff_bytes(number))
    before = {"confocal": snapshot(facility.data)}
    trace = facility.folder / "trace"
    injecting: list[str | Path] = [
        "strace", "-D", "-f", "-qq", "-o", trace, "-P", facility.data / paths[0], "-P", facility.data / ADA / "stale",
        "-e", "trace=pread64,openat,newfstatat",
        "-e", "inject=pread64:error=EIO:when=1",
        "-e", "inject=openat:error=ESTALE:when=1",
        "-e", "inject=newfstatat:error=EIO:when=2",
    ]  # fmt: skip
    with facility.daemon(under=injecting) as daemon:
        daemon.ready()
        wait_until(lambda: facility.violations(dict.fromkeys(paths, 1)) == [], every_s=0.5)
        daemon.stop()
    injected = [line for line in trace.read_text().splitlines() if "(INJECTED)" in line]
    for call, error in (("pread64", "EIO"), ("openat", "ESTALE"), ("newfstatat", "EIO")):
        assert any(call in line and error in line for line in injected), injected
    assert facility.violations(dict.fromkeys(paths, 1), before=before) == []


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes | None], None]:
    """Give a switch: opening a folder of this name fails, for the scanner and everybody else."""
    opened, name = os.open, [b""]

    def refusing(path: str | bytes, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == name[0]:
            raise PermissionError(13, "Permission denied")
        return opened(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refusing)
    monkeypatch.setattr(troubled, "FIRST_WAIT_S", 0.1)
    return lambda now: name.__setitem__(0, now or b"")


def test_a_folder_that_may_not_be_read_is_looked_at_again_by_itself(
    site: Site, refused: Callable[[bytes | None], None]
) -> None:
    put(site.root / ADA / "shut/one.tif", tiff_bytes(1))
    put(site.root / ADA / "open/two.tif", tiff_bytes(2))
    refused(b"shut")
    with site.running():
        wait_until(lambda: site.names() == ["two"])
        wait_until(lambda: bool(site.rows("SELECT name FROM root WHERE last_pass_ended_at IS NOT NULL")))
        refused(None)
        wait_until(lambda: site.names() == ["one", "two"])
    assert _violations(site, "shut/one.tif", "open/two.tif") == []


def test_an_import_names_a_folder_that_may_not_be_read(
    site: Site, refused: Callable[[bytes | None], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(troubled, "FIRST_WAIT_S", 3600.0)
    put(site.root / ADA / "shut/one.tif", tiff_bytes(1))
    put(site.root / ADA / "open/two.tif", tiff_bytes(2))
    refused(b"shut")
    told = (f"root confocal: could not look at all of {ADA}/shut",)
    assert site.import_().problems == told
    assert site.import_(site.root / ADA / "shut").problems == told
    assert site.import_(site.root / ADA / "open").problems == ()
    refused(None)
    assert site.import_().problems == ()
    assert _violations(site, "shut/one.tif", "open/two.tif") == []


def test_what_was_imported_from_a_folder_that_may_not_be_read_any_more_is_not_missing(
    site: Site, refused: Callable[[bytes | None], None]
) -> None:
    put(site.root / ADA / "shut/one.tif", tiff_bytes(1))
    with site.running() as loop:
        wait_until(lambda: site.names() == ["one"])
        refused(b"shut")
        put(site.root / ADA / "shut/new.tif", tiff_bytes(2))
        site.hints.name("confocal", f"{ADA}/shut".encode(), b"new.tif", closed=True)
        passes = _passes(site)
        loop.request_scan()
        wait_until(lambda: _passes(site) != passes)
        assert site.rows("SELECT name FROM sighting WHERE missing_since IS NOT NULL") == []
        refused(None)
        wait_until(lambda: site.names() == ["new", "one"])
    assert _violations(site, "shut/one.tif", "shut/new.tif") == []


def _passes(site: Site) -> list[dict[str, object]]:
    return site.rows("SELECT last_pass_ended_at FROM root")


def _violations(site: Site, *paths: str) -> list[str]:
    wanted = [("confocal", f"{ADA}/{path}".encode(), 1) for path in paths]
    return violations(site.catalogue, {"confocal": site.root}, complete=wanted)


def test_troubled_folders_are_left_alone_for_longer_each_time() -> None:
    folders, now_s, waits = TroubledFolders(), 0.0, []
    for _ in range(9):
        folders.failed(b"a", now_s)
        began_s = now_s
        while not folders.take_due(now_s):
            folders.failed(b"a", now_s)  # another look meanwhile changes nothing
            now_s += 1
        waits.append(now_s - began_s)
    assert waits == [5, 10, 20, 40, 80, 160, 320, 600, 600]
    folders.listed(b"a")
    folders.failed(b"a", now_s)
    assert (folders.take_due(now_s + 4), folders.take_due(now_s + 5)) == ([], [b"a"])


def test_the_troubled_folders_of_a_root_are_bounded_and_gone_ones_forgotten() -> None:
    folders = TroubledFolders()
    for number in range(2 * FOLDERS_AT_MOST):
        folders.failed(b"%d" % number, 0.0)
    assert len(folders.take_due(10.0)) == FOLDERS_AT_MOST
    folders.forget_gone()
    folders.failed(b"new", 10.0)
    assert folders.take_due(15.0) == [b"new"]
