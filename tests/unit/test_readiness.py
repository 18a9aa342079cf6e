"""Datagrams to the service manager."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon import readiness
from daemon.readiness import Heartbeat, Notifier


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    name = str(tmp_path / "notify") if request.param == "path" else f"@coverslip-test-{tmp_path.name}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(name if request.param == "path" else "\0" + name[1:])
        receiver.settimeout(5)
        yield receiver, name


def test_every_message_arrives_as_the_protocol_says(manager: tuple[socket.socket, str]) -> None:
    receiver, name = manager
    notifier = Notifier.from_environment({"NOTIFY_SOCKET": name}, pid=1)
    notifier.ready("2 roots\nREADY=0")
    assert receiver.recv(4096) == b"READY=1\nSTATUS=2 roots READY=0"
    notifier.status("busy")
    assert receiver.recv(4096) == b"STATUS=busy"
    notifier.reloading()
    first, second = receiver.recv(4096).split(b"\n")
    assert first == b"RELOADING=1"
    assert int(second.removeprefix(b"MONOTONIC_USEC=")) > 0
    notifier.stopping()
    assert receiver.recv(4096) == b"STOPPING=1"


def test_a_start_that_takes_long_asks_for_more_time_as_long_as_it_takes(
    manager: tuple[socket.socket, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver, name = manager
    notifier = Notifier.from_environment({"NOTIFY_SOCKET": name}, pid=1)
    with notifier.takes_long("quick"):
        pass
    monkeypatch.setattr(readiness, "MORE_TIME_EVERY_S", 0.01)
    with notifier.takes_long("migrating\nREADY=1"):
        for _ in range(2):
            assert receiver.recv(4096) == b"EXTEND_TIMEOUT_USEC=60000000\nSTATUS=migrating READY=1"
    notifier.ready("done")
    told = [b""]
    while not told[-1].startswith(b"READY"):
        told.append(receiver.recv(4096))
    assert not [thread for thread in threading.enumerate() if thread.name == "more-time"]


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "/nowhere/at/all"}])
def test_without_a_manager_nothing_happens(environ: dict[str, str]) -> None:
    notifier = Notifier.from_environment(environ, pid=1)
    notifier.ready("x")
    notifier.alive()
    with notifier.takes_long("x"):
        notifier.status("x")


@pytest.mark.parametrize(
    ("environ", "expected_s"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_USEC": "nonsense"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
    ],
)
def test_the_watchdog_is_served_when_it_means_us(environ: dict[str, str], expected_s: float | None) -> None:
    assert Notifier.from_environment(environ, pid=7).watchdog_s == expected_s


def test_signs_of_life_come_at_half_time_and_only_with_progress() -> None:
    now = [0.0]
    beat = Heartbeat(notifier=Notifier(address=None, watchdog_s=10.0), monotonic=lambda: now[0]).beat
    assert beat(1)
    now[0] = 4.9
    assert not beat(2)
    now[0] = 5.0
    assert beat(2)
    now[0] = 60.0
    assert not beat(2), "a daemon that makes no progress must look stuck"
    assert beat(3)


def test_no_watchdog_no_signs_of_life() -> None:
    assert not Heartbeat(notifier=Notifier(address=None, watchdog_s=None), monotonic=lambda: 0.0).beat(1)
