"""Fault 6: a file that somebody still has open for writing waits, whole or not, where the kernel tells so."""

import errno
import fcntl
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest import working
from ingest.opening import NamelessFile
from ingest.pool import InProcessPool
from ingest.reading import read
from ingest.work import Outcome, ReadResult, ReadTask
from ingest.working import back_off
from tests.helpers.ingest_site import Site
from tests.helpers.invariants import violations
from tests.helpers.pictures import put, tiff_bytes
from tests.helpers.program import wait_until
from tests.helpers.reads import read_path

ADA = "smith-lab/ab3c/p/d"
STILL_OPEN = "somebody has the file open for writing"


def check(site: Site, complete: dict[str, int]) -> list[str]:
    wanted = [("confocal", path.encode(), images) for path, images in complete.items()]
    return violations(site.catalogue, {"confocal": site.root}, complete=wanted)


def test_a_file_waits_while_it_is_open_for_writing_and_is_imported_when_it_is_closed(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working, "_BACK_OFF_S", (3600.0,))  # what comes comes by the hint
    path = put(site.root / ADA / "open.tif", tiff_bytes(1))
    put(site.root / ADA / "closed.tif", tiff_bytes(2))
    with path.open("r+b"), site.running():
        wait_until(lambda: site.names() == ["closed"])
        wait_until(lambda: site.rows("SELECT state, reason FROM job") == [{"state": "waiting", "reason": STILL_OPEN}])
        assert check(site, {f"{ADA}/open.tif": 0, f"{ADA}/closed.tif": 1}) == []
    with site.running():
        wait_until(lambda: bool(site.rows("SELECT name FROM root WHERE last_pass_ended_at IS NOT NULL")))
        site.hints.name("confocal", ADA.encode(), b"open.tif", closed=True)
        wait_until(lambda: site.names() == ["closed", "open"])
    assert check(site, {f"{ADA}/open.tif": 1, f"{ADA}/closed.tif": 1}) == []


def test_a_file_that_stays_open_and_the_same_for_long_is_read_anyway(site: Site) -> None:
    path = put(site.root / ADA / "open.tif", tiff_bytes(1))
    tasks: list[bool] = []

    def noting(task: ReadTask) -> ReadResult:
        tasks.append(task.may_be_open)
        return read(task)

    with path.open("r+b"):
        site.import_(pool=InProcessPool(read=noting))
        assert site.names() == []
        with site.catalogue.writing() as connection:
            connection.exec_driver_sql("UPDATE job SET state = 'ready', attempts = 30")
        site.import_(pool=InProcessPool(read=noting))
    assert (site.names(), tasks) == (["open"], [False, True])
    assert sum(back_off(number).total_seconds() for number in range(1, 31)) > 25 * 60
    assert check(site, {f"{ADA}/open.tif": 1}) == []


def test_readers_and_what_is_mapped_do_not_count_but_other_processes_do(tmp_path: Path) -> None:
    path = put(tmp_path / "a.tif", tiff_bytes(1))
    with path.open("rb"):
        assert read_path(path).outcome is Outcome.READ
    code = "import sys; f = open(sys.argv[1], 'ab'); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        result = read_path(path)
        assert (result.outcome, result.reason) == (Outcome.TRANSIENT, STILL_OPEN)
        assert read_path(path, may_be_open=True).outcome is Outcome.READ
    assert read_path(path).outcome is Outcome.READ


@pytest.mark.parametrize("number", [errno.EACCES, errno.EINVAL, errno.ENOLCK])
def test_where_the_kernel_grants_no_lease_the_file_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    path = put(tmp_path / "a.tif", tiff_bytes(1))
    real: Callable[..., int] = fcntl.fcntl

    def refusing(descriptor: int, command: int, argument: int = 0) -> int:
        if command == fcntl.F_SETLEASE:
            raise OSError(number, "refused")
        return real(descriptor, command, argument)

    monkeypatch.setattr(fcntl, "fcntl", refusing)
    with path.open("r+b"):
        assert read_path(path).outcome is Outcome.READ


def test_a_writer_who_comes_while_the_lease_is_held_ends_nothing_and_is_let_in(tmp_path: Path) -> None:
    """In a process of its own: the wrong signal would end it."""
    path = put(tmp_path / "a.tif", tiff_bytes(1))
    code = """
import fcntl, os, sys, threading
from ingest.opening import NamelessFile
real = fcntl.fcntl
def slow(descriptor, command, argument=0):
    done = real(descriptor, command, argument)
    if command == fcntl.F_SETLEASE and argument == fcntl.F_RDLCK:
        try:
            os.open(sys.argv[1], os.O_WRONLY | os.O_NONBLOCK)  # breaks the lease: the kernel sends the signal
        except BlockingIOError:
            print("held", end=" ")
    return done
fcntl.fcntl = slow
raw = NamelessFile(os.open(sys.argv[1], os.O_RDONLY))
print(raw.is_open_for_writing(), end=" ")
os.close(os.open(sys.argv[1], os.O_WRONLY | os.O_NONBLOCK))
print("let in")
"""
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "held False let in\n"), done


def test_the_lease_is_given_back(tmp_path: Path) -> None:
    path = put(tmp_path / "a.tif", tiff_bytes(1))
    raw = NamelessFile(os.open(path, os.O_RDONLY))
    assert not raw.is_open_for_writing()
    assert fcntl.fcntl(raw._descriptor, fcntl.F_GETLEASE) == fcntl.F_UNLCK
    raw.close()
