"""Fault 12: the state directory's disk is full, read-only or another machine's."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from config.mount_table import parse_mounts
from tests.faults.conftest import Facility
from tests.helpers.pictures import put, tiff_bytes
from tests.helpers.private_mounts import PrivateMounts, private_mounts, why_not
from tests.helpers.program import Done, wait_until
from tests.helpers.shell import Shell, configure

ADA = "smith-lab/ab3c/p"


@pytest.fixture
def mounts() -> Iterator[PrivateMounts]:
    """Give mounts that only this test's programs see."""
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)
    with private_mounts() as made:
        yield made


def sentence(done: Done) -> str:
    """Give the one line on standard error."""
    (line,) = done.err.strip().splitlines()
    return line


def test_a_disk_that_fills_up_stops_the_ingest_and_every_write_until_there_is_room(
    facility: Facility, mounts: PrivateMounts
) -> None:
    facility.state.mkdir(mode=0o700)
    mounts.mount("-t", "tmpfs", "-o", "size=2g,mode=700", "tmpfs", facility.state)
    inside = replace(facility, under=mounts.under)
    put(facility.data / ADA / "before.tif", tiff_bytes(1))
    with inside.daemon() as daemon:
        daemon.ready()
        wait_until(lambda: len(inside.images()) == 1, every_s=1)
        mounts.mount("-o", f"remount,size={mounts.used_kb(facility.state)}k", facility.state)
        wait_until(lambda: "ingest_pauses" in daemon.logged())
        put(facility.data / ADA / "during.tif", tiff_bytes(2))
        status = inside.run("status")
        assert status.code == 1
        assert status.out.count("nothing is imported until there is more") == 1, status
        refused = inside.run("tag", "add", "image:1", "good", "--as", "ab3c")
        assert (refused.code, "no space is left" in sentence(refused)) == (5, True)
        mounts.mount("-o", "remount,size=2g", facility.state)
        wait_until(lambda: "ingest_goes_on" in daemon.logged())
        wait_until(lambda: len(inside.images()) == 2, every_s=1)
    assert daemon.logged().count("health.not_written") <= 1


def test_a_read_only_state_directory_is_one_sentence(facility: Facility, mounts: PrivateMounts) -> None:
    assert facility.run("import").code == 0
    mounts.mount("--bind", facility.state, facility.state)
    mounts.mount("-o", "remount,bind,ro", facility.state)
    inside = replace(facility, under=mounts.under)
    for command in ("tree", "import", "run"):
        done = inside.run(command)
        assert (done.code, "read-only file system" in sentence(done).lower()) == (5, True), (command, done)


@pytest.mark.parametrize("command", [["init"], ["tree"], ["admin", "migrate"]], ids=" ".join)
def test_sqlite_on_a_network_mount_is_one_sentence_and_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    (tmp_path / "data").mkdir()
    configure(tmp_path)
    mounts = parse_mounts(os.fsencode(f"30 22 0:40 / {tmp_path} rw - nfs4 server:/x rw\n"))
    monkeypatch.setattr("catalog.engine.read_mounts", lambda: mounts)
    monkeypatch.setenv("COVERSLIP_CONFIG", str(tmp_path / "coverslip.yaml"))
    code, _, err = Shell(tmp_path, capsys).run(*command)
    assert code == 5
    (line,) = err.strip().splitlines()
    assert "lies on nfs4, where SQLite can lose data; put state_dir on a local disk" in line
    assert not (tmp_path / "state/catalog.db").exists()
