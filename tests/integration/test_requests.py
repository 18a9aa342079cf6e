"""Requests to a running daemon, on both databases."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from catalog.engine import Catalogue
from catalog.requests import Answer, ask, take_asked
from daemon.requests import RequestInbox, hand_over, import_arguments
from ingest.clock import SystemClock
from ingest.summary import ImportSummary


class Loop:
    """Notes what it is asked, and answers imports at once, or never."""

    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []
        self.answers = True

    def request_import(self, paths: tuple[Path, ...] = (), *, wait: bool = True) -> "Future[ImportSummary]":
        self.asked.append(("import", paths, wait))
        future: Future[ImportSummary] = Future()
        if self.answers:
            future.set_result(ImportSummary(scanned=7, imported=3, problems=("one",)))
        return future

    def request_scan(self, root: str | None = None) -> None:
        self.asked.append(("scan", root))

    def wake(self) -> None:
        self.asked.append(("wake",))


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def inbox(catalogue: Catalogue, loop: Loop) -> Iterator[RequestInbox]:
    made = RequestInbox(catalogue=catalogue, loop=loop, clock=SystemClock())
    yield made
    made.stop()


def _hand_over(catalogue: Catalogue, kind: str, arguments: dict[str, object], *, is_running: bool = True) -> Answer:
    return hand_over(
        catalogue,
        kind,
        arguments,
        actor_id=None,
        clock=SystemClock(),
        is_running=lambda: is_running,
        stop=threading.Event(),
    )


def test_an_import_is_handed_over_and_answered(catalogue: Catalogue, inbox: RequestInbox, loop: Loop) -> None:
    inbox.start()
    odd = Path("/data/\udcff\n.tif")
    given = _hand_over(catalogue, "import", import_arguments((odd,), wait=False))
    assert loop.asked == [("import", (odd,), False)]
    assert given.is_done
    assert (given.document["scanned"], given.document["imported"], given.document["problems"]) == (7, 3, ["one"])


def test_scans_and_retries_reach_the_loop(catalogue: Catalogue, inbox: RequestInbox, loop: Loop) -> None:
    inbox.start()
    assert _hand_over(catalogue, "scan", {"root": "confocal"}).is_done
    assert _hand_over(catalogue, "retry", {}).is_done
    assert loop.asked == [("scan", "confocal"), ("wake",)]


def test_an_unknown_request_is_refused_with_a_sentence(catalogue: Catalogue, inbox: RequestInbox) -> None:
    inbox.start()
    given = _hand_over(catalogue, "fly", {})
    assert not given.is_done
    assert "does not know the request 'fly'" in given.document["problem"]


def test_waiting_ends_when_the_daemon_does(catalogue: Catalogue, inbox: RequestInbox, loop: Loop) -> None:
    given = _hand_over(catalogue, "import", {}, is_running=False)
    assert not given.is_done
    assert "the daemon ended" in given.document["problem"]
    with catalogue.writing() as connection:
        assert take_asked(connection) == (), "a request that nobody waits for was left behind"


def test_what_an_earlier_daemon_took_is_taken_again(catalogue: Catalogue, inbox: RequestInbox, loop: Loop) -> None:
    with catalogue.writing() as connection:
        ask(connection, "scan", {"root": "r"}, actor_id=None, now=SystemClock().now())
        assert len(take_asked(connection)) == 1
        assert take_asked(connection) == ()
    inbox.start()
    _hand_over(catalogue, "retry", {})
    assert ("scan", "r") in loop.asked
