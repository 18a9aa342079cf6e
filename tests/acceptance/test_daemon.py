"""The installed daemon as a service manager and a person drive it: started, signalled, killed, doubled."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
from contextlib import closing, suppress
from pathlib import Path

import pytest

from daemon.landlock import landlock_version
from tests.acceptance.conftest import ONE_PERSON
from tests.helpers.leaks import is_alive
from tests.helpers.pictures import put, tiff_bytes
from tests.helpers.program import PATIENCE_S, PROGRAM, Site, copy_slowly, wait_until


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(folder=tmp_path)
    (tmp_path / "root").mkdir()
    made.configure(ONE_PERSON)
    return made


def _children(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            with suppress(OSError):  # the thread ended meanwhile
                found += [int(word) for word in task.read_text().split()]
    return found[1:]


def test_files_that_come_while_it_runs_are_imported_and_nothing_is_written_beside_them(site: Site) -> None:
    before = put(site.folder / "root" / "p" / "before.tif", tiff_bytes(7))
    with site.daemon() as daemon:
        daemon.ready()
        put(site.folder / "root" / "p" / "late.tif", tiff_bytes(9))
        copy_slowly(before.read_bytes(), site.folder / "root" / "new" / "slow.tif")
        wait_until(lambda: site.names() == ["before", "late", "slow"])
        assert sorted(path.name for path in (site.folder / "root").rglob("*")) == [
            "before.tif", "late.tif", "new", "p", "slow.tif",
        ]  # fmt: skip
        daemon.stop()
    stages = [line for line in daemon.logged().splitlines() if "shutdown.stage " in line]
    assert [line.rpartition("stage=")[2] for line in stages] == [
        "requests", "schedule", "watches", "ingest", "workers", "status",
    ]  # fmt: skip
    assert not (site.state / "daemon.json").exists()


def test_a_second_daemon_is_refused_and_told_who_is_first(site: Site) -> None:
    with site.daemon() as daemon:
        daemon.ready()
        second = site.run("run")
        assert second.code == 4
        assert f"another instance is running: pid {daemon.process.pid} on" in second.err


def test_import_beside_a_daemon_is_handed_over_and_waited_for(site: Site) -> None:
    with site.daemon() as daemon:
        daemon.ready()
        put(site.folder / "root" / "p" / "x.tif", tiff_bytes(7))
        done = site.run("import", "--json")
        assert done.code == 0, done
        assert done.json["failed"] == 0
        assert done.json["imported"] + done.json["unchanged"] == 1
        assert site.names() == ["x"]


def test_import_alone_does_it_itself(site: Site) -> None:
    put(site.folder / "root" / "p" / "x.tif", tiff_bytes(7))
    done = site.run("import", "--json")
    assert done.code == 0, done
    assert (done.json["scanned"], done.json["imported"], done.json["failed"]) == (1, 1, 0)
    again = site.run("import", "--json")
    assert (again.json["imported"], again.json["unchanged"]) == (0, 1)
    outside = site.run("import", site.folder / "state")
    assert outside.code == 2
    assert "lies in no watched folder" in outside.err


def test_after_kill_9_no_process_is_left_and_the_next_start_goes_on(site: Site) -> None:
    for number in range(60):
        put(site.folder / "root" / "p" / f"{number}.tif", tiff_bytes(number))
    with site.daemon() as daemon:
        daemon.ready()
        workers = wait_until(lambda: found if len(found := _children(daemon.process.pid)) >= 3 else [])
        daemon.kill()
        wait_until(lambda: not any(map(is_alive, workers)))
    (site.folder / "daemon.log").unlink()
    with site.daemon() as daemon:
        daemon.ready()
        wait_until(lambda: len(site.names()) == 60)


def test_a_bad_edit_is_reported_and_a_good_one_applies(site: Site) -> None:
    with site.daemon() as daemon:
        daemon.ready()
        site.configure(ONE_PERSON.replace("settle: 200ms", "setle: 200ms"))
        wait_until(lambda: "config.refused" in daemon.logged())
        assert f"{site.configuration}:10:5:" in daemon.logged()
        put(site.folder / "root" / "p" / "still.tif", tiff_bytes(7))
        wait_until(lambda: site.names() == ["still"])
        (site.folder / "second").mkdir()
        put(site.folder / "second" / "q" / "there.tif", tiff_bytes(3))
        more = ONE_PERSON + (
            "  - root: @/second\n    settle: 200ms\n    rules:\n"
            "      - {match: '{project}/{image}.{ext}', set: {group: lab, owner: ada}}\n"
        )
        site.configure(more)
        wait_until(lambda: "config.reloaded" in daemon.logged())
        wait_until(lambda: site.names() == ["still", "there"])


def test_it_starts_with_the_last_good_configuration_when_the_file_is_broken(site: Site) -> None:
    with site.daemon() as daemon:
        daemon.ready()
    (site.folder / "daemon.log").unlink()
    site.configure(ONE_PERSON.replace("settle: 200ms", "setle: 200ms"))
    with site.daemon() as daemon:
        daemon.ready()
        assert "config.refused" in daemon.logged()
        put(site.folder / "root" / "p" / "x.tif", tiff_bytes(7))
        wait_until(lambda: site.names() == ["x"])


def test_a_wrong_configuration_without_a_good_one_is_a_usage_error(site: Site) -> None:
    site.configure(ONE_PERSON.replace("settle: 200ms", "setle: 200ms"))
    done = site.run("run")
    assert done.code == 2
    assert "coverslip.yaml:10:5:" in done.err


def test_a_root_that_is_missing_comes_in_later(site: Site) -> None:
    (site.folder / "root").rmdir()
    with site.daemon() as daemon:
        daemon.ready()
        put(site.folder / "root" / "p" / "x.tif", tiff_bytes(7))
        wait_until(lambda: site.names() == ["x"])


def test_the_service_manager_is_told(site: Site) -> None:
    """The start takes long: somebody has the catalogue locked, as a migration would have to wait, or work."""
    assert site.ask("admin", "migrate").code == 0
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0coverslip-{os.getpid()}")
        manager.settimeout(PATIENCE_S)
        told: list[str] = []

        def hear(word: str) -> bool:
            while not any(word in message for message in told):
                told.append(manager.recv(4096).decode())
            return True

        environment = {"NOTIFY_SOCKET": f"@coverslip-{os.getpid()}", "WATCHDOG_USEC": "2000000"}
        with (
            closing(sqlite3.connect(site.state / "catalog.db", isolation_level=None)) as other,
            closing(other.execute("BEGIN IMMEDIATE")),
            Site(folder=site.folder, environment=environment).daemon() as daemon,
        ):
            assert hear("EXTEND_TIMEOUT_USEC=60000000\nSTATUS=bringing the catalogue")
            assert not any("READY=1" in message for message in told)
            other.execute("ROLLBACK")
            assert hear("READY=1")
            assert hear("WATCHDOG=1")
            told.clear()
            daemon.process.send_signal(signal.SIGHUP)
            assert hear("RELOADING=1\nMONOTONIC_USEC=")
            assert hear("READY=1")
            daemon.process.send_signal(signal.SIGTERM)
            assert hear("STOPPING=1")


def test_a_second_signal_ends_it_at_once(site: Site) -> None:
    with site.daemon() as daemon:
        daemon.ready()
        daemon.process.send_signal(signal.SIGINT)
        daemon.process.send_signal(signal.SIGINT)
        assert daemon.process.wait(PATIENCE_S) == 0


def test_a_state_directory_that_can_not_be_written_is_one_sentence(site: Site) -> None:
    (site.folder / "file").write_text("x")
    site.configure(ONE_PERSON.replace("state_dir: @/state", "state_dir: @/file/state"))
    done = site.run("run")
    assert done.code == 5
    assert "can't be written" in done.err


def test_json_logs_are_json(site: Site) -> None:
    process = subprocess.Popen(
        [str(PROGRAM), "run", "--log-format", "json"],
        env=site.environ, cwd=site.folder, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    events = []
    while "daemon.ready" not in events:
        events.append(json.loads(process.stderr.readline())["event"])
    if landlock_version() >= 3:
        assert "landlock.enforced" in events
    process.send_signal(signal.SIGTERM)
    _, rest = process.communicate(timeout=PATIENCE_S)
    assert [json.loads(line)["event"] for line in rest.splitlines()][-1] == "shutdown.done"
