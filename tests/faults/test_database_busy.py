"""Fault 12: a database that is locked, stopped and started again under a live daemon: recovery without a person."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.helpers.invariants import snapshot
from tests.helpers.kill_ground import Ground
from tests.helpers.kill_scenario import Imports
from tests.helpers.kill_stages import ADA
from tests.helpers.live_daemon import LiveDaemon
from tests.helpers.pictures import put, tiff_bytes
from tests.helpers.postgresql import PostgresServer
from tests.helpers.program import wait_until


class Feed:
    """Puts files, and knows what must come of them."""

    def __init__(self, live: LiveDaemon) -> None:
        self._live = live
        self.complete: dict[str, int] = {}

    def put(self, count: int) -> None:
        for _ in range(count):
            path = f"{ADA}/d/{len(self.complete)}.tif"
            put(self._live.data / path, tiff_bytes(len(self.complete)))
            self.complete[path] = 1

    def move_and_replace_first(self) -> None:
        first, moved = f"{ADA}/d/0.tif", f"{ADA}/d/moved-{len(self.complete)}.tif"
        (self._live.data / first).rename(self._live.data / moved)
        put(self._live.data / first, tiff_bytes(99 + len(self.complete)))
        self.complete[moved] = 1

    def is_right(self) -> bool:
        return self._live.violations(self.complete) == []


@pytest.mark.parametrize("ground", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "locked_s", [2.0, pytest.param(40.0, marks=pytest.mark.faults_full, id="longer than it is waited for")]
)
def test_a_database_that_another_process_keeps_locked_is_waited_for(live: LiveDaemon, locked_s: float) -> None:
    feed = Feed(live)
    feed.put(3)
    wait_until(feed.is_right)
    with closing(sqlite3.connect(live.folder / "state/catalog.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        feed.put(5)
        time.sleep(locked_s)
        with live.catalogue() as catalogue, catalogue.reading() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM image").scalar_one() == 3
        other.execute("ROLLBACK")
    feed.put(2)
    before = {"confocal": snapshot(live.data)}
    wait_until(feed.is_right)
    assert live.violations(feed.complete, before=before) == []


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """Give a server of this test's own, which may be stopped."""
    made = PostgresServer()
    yield made
    made.stop()


def test_a_server_that_is_stopped_and_started_again_twice_is_waited_for(
    tmp_path: Path, sqlite_template: Path, own_server: PostgresServer, forked: Imports
) -> None:
    live = LiveDaemon(Ground("postgresql", tmp_path, sqlite_template, own_server), forked)
    feed = Feed(live)
    feed.put(3)
    wait_until(feed.is_right)
    for _ in range(2):
        waited = live.logged().count("ingest_waits")
        feed.put(10)  # some of them are being imported when it stops
        own_server.go_away()
        feed.put(3)
        feed.move_and_replace_first()
        wait_until(lambda waited=waited: live.logged().count("ingest_waits") > waited)  # type: ignore[misc]  # bound
        own_server.come_back()
        wait_until(feed.is_right, every_s=0.3)
    before = {"confocal": snapshot(live.data)}
    live.stop()
    assert live.violations(feed.complete, before=before) == []
