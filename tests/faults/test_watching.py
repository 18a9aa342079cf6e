"""Faults 2 and 3: events lost by a stalled reader, limits of watches, watches lost in silence; a scan finds it all."""

import json
import os
import signal
import subprocess
import warnings
from typing import Any

import pytest

from tests.faults.conftest import CONFIGURATION, Facility
from tests.helpers.invariants import snapshot
from tests.helpers.kill_stages import ADA as FED
from tests.helpers.live_daemon import LiveDaemon
from tests.helpers.pictures import put, tiff_bytes
from tests.helpers.program import PATIENCE_S, Site, wait_until

ADA = "smith-lab/ab3c/p"
LIMITED = 'echo "$0" > /proc/sys/user/max_inotify_watches && exec "$@"'


# -- the limit of watches, set for real in a user namespace ----------------------------------------------------------


@pytest.fixture
def limited(facility: Facility) -> Facility:
    """Give a facility that is scanned every two seconds where a limit of watches can be set."""
    tried = subprocess.run(["unshare", "-Ur", "sh", "-c", LIMITED, "9", "true"], capture_output=True, check=False)
    if tried.returncode:
        warnings.warn(f"the limit of watches was NOT tried: {tried.stderr.decode().strip()}", stacklevel=1)
        pytest.skip("no limit of watches can be set here")
    facility.configure(CONFIGURATION.replace("settle: 300ms", "settle: 100ms\n    scan_every: 2s"))
    return facility


def test_the_watch_limit_is_told_with_the_folders_and_all_is_imported_by_scan(limited: Facility) -> None:
    complete = {}
    with limited.daemon(under=("unshare", "-Ur", "sh", "-c", LIMITED, "6")) as daemon:
        daemon.ready()
        for number in range(8):  # the limit is reached later
            complete[f"{ADA}/d{number}/one.tif"] = 1
            put(limited.data / ADA / f"d{number}/one.tif", tiff_bytes(number))
        wait_until(lambda: limited.violations(complete) == [], every_s=0.3)
        told = wait_until(lambda: _degraded(limited))
        assert (told["watched"], told["unwatched_count"]) == (6, 6)
        daemon.stop()
    with limited.daemon(under=("unshare", "-Ur", "sh", "-c", LIMITED, "6")) as daemon:  # at the start
        wait_until(lambda: daemon.logged().count("daemon.ready") == 2)
        told = wait_until(lambda: _degraded(limited))
        assert all(name.startswith(f"{ADA}/d") for name in told["unwatched"])
        complete[f"{told['unwatched'][0]}/two.tif"] = 1
        put(limited.data / told["unwatched"][0] / "two.tif", tiff_bytes(90))
        wait_until(lambda: limited.violations(complete) == [], every_s=0.3)
        status = limited.run("status")
        assert status.code == 1
        assert "degraded" in status.out
        assert f"root confocal: 6 folders are not watched, only scanned: {told['unwatched'][0]}" in status.out
        assert "raise fs.inotify.max_user_watches" in status.out
        before = {"confocal": snapshot(limited.data)}
        daemon.stop()
    assert limited.violations(complete, before=before) == []


def _degraded(facility: Facility) -> dict[str, Any]:
    """Give what the daemon tells of the watch once it is degraded and all eight folders were tried."""
    told = facility.state / "daemon.json"
    if not told.exists():
        return {}
    (root,) = json.loads(told.read_text())["roots"]
    return dict(root) if root["events"] == "degraded" and root["watched"] + root["unwatched_count"] == 12 else {}


# -- a live daemon in a process that can be stopped -------------------------------------------------------------------


@pytest.fixture
def watched(live: LiveDaemon) -> LiveDaemon:
    wait_until(lambda: live.root().get("events") == "watching")
    return live


def stall(watched: LiveDaemon, *, junk: int, files: int) -> dict[str, int]:
    """Stop the daemon while files are made, with so many that come and go; gives the images that must come."""
    folder = watched.data / FED / "burst"
    folder.mkdir(parents=True)
    wait_until(lambda: watched.root()["watched"] == 5)
    watched.hold()
    for number in range(junk):
        (folder / f"{number}.tmp").touch()
        (folder / f"{number}.tmp").unlink()
    complete = {}
    for number in range(files):
        complete[f"{FED}/burst/{number}.tif"] = 1
        put(folder / f"{number}.tif", tiff_bytes(number, 16))
    (watched.data / FED / "unseen/deep").mkdir(parents=True)
    os.kill(watched.pid, signal.SIGCONT)
    return complete


def check_stall(watched: LiveDaemon, complete: dict[str, int], *, within_s: float = PATIENCE_S) -> None:
    count = "SELECT count(*) FROM image"
    wait_until(lambda: _scalar(watched, count) >= len(complete), within_s=within_s, every_s=0.5)
    wait_until(lambda: watched.root()["overflow_count"] >= 1)
    assert _scalar(watched, "SELECT overflow_count FROM root WHERE name = 'confocal'") >= 1
    wait_until(lambda: watched.root()["watched"] == 7)  # the folders of which no event told, too
    complete[f"{FED}/unseen/deep/after.tif"] = 1
    put(watched.data / FED / "unseen/deep/after.tif", tiff_bytes(7))
    before = {"confocal": snapshot(watched.data)}
    wait_until(lambda: watched.violations(complete, before=before) == [], every_s=0.5)


def _scalar(watched: LiveDaemon, query: str) -> int:
    with watched.catalogue() as catalogue, catalogue.reading() as connection:
        return int(connection.exec_driver_sql(query).scalar_one())


@pytest.mark.parametrize("ground", ["sqlite"], indirect=True)
def test_files_that_came_while_the_reader_stood_still_are_all_imported_and_the_overflow_is_told(
    watched: LiveDaemon,
) -> None:
    check_stall(watched, stall(watched, junk=8000, files=100))


@pytest.mark.faults_full
def test_twenty_thousand_files_that_came_while_the_reader_stood_still_are_all_imported(watched: LiveDaemon) -> None:
    check_stall(watched, stall(watched, junk=0, files=20_000), within_s=500)


@pytest.mark.needs_root
@pytest.mark.parametrize("ground", ["sqlite"], indirect=True)
def test_folders_of_which_no_event_told_are_watched_after_the_pass_that_found_them(watched: LiveDaemon) -> None:
    """A file system is mounted below the root: the kernel tells nothing of it."""
    complete = {f"{FED}/over/x/one.tif": 1}
    over = watched.data / FED / "over"
    over.mkdir(parents=True)
    wait_until(lambda: watched.root()["watched"] == 5)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", over], check=True)
    try:
        put(over / "x/one.tif", tiff_bytes(1))
        assert Site(folder=watched.folder).run("import").code == 0  # it is handed to the daemon: a full pass
        wait_until(lambda: watched.root()["watched"] == 6)
        put(over / "x/two.tif", tiff_bytes(2))
        complete[f"{FED}/over/x/two.tif"] = 1
        put(over / "three.tif", tiff_bytes(3))  # in the folder that the mount covers
        complete[f"{FED}/over/three.tif"] = 1
        wait_until(lambda: watched.violations(complete) == [], every_s=0.3)
    finally:
        subprocess.run(["umount", "-l", over], check=True)
