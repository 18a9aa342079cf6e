"""Fault 14: workers that are stopped, killed, out of memory or stuck, in a running ingest with real processes.

That no worker outlives a killed daemon is shown in tests/integration/test_workers.py and by the booted service, which
also shows the watchdog.
"""

import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.engine import Catalogue
from daemon.worker_process import WorkerLimits
from daemon.workers import WorkerPool
from ingest import working
from tests.helpers import deadly_reading
from tests.helpers.ingest_site import Site, add_person
from tests.helpers.invariants import Entry, snapshot, violations
from tests.helpers.pictures import put, tiff_bytes
from tests.helpers.program import wait_until

ADA = "smith-lab/ab3c/p/d"
LIMITS = WorkerLimits(data_bytes=1 << 30, niceness=5, preload=("tests.helpers.deadly_reading",))


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[WorkerPool]:
    monkeypatch.setattr(working, "_BACK_OFF_S", (0.1,))
    made = WorkerPool(workers=2, limits=LIMITS, read=deadly_reading.read, timeout_base_s=4.0)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def site(catalogue_sqlite: Catalogue, tmp_path: Path) -> Site:
    add_person(catalogue_sqlite, "ab3c", "smith-lab")
    return Site(catalogue_sqlite, tmp_path)


def feed(site: Site, *names: str) -> None:
    for number, name in enumerate(names):
        put(site.root / ADA / name, tiff_bytes(number))


def check(site: Site, *names: str, before: dict[str, dict[bytes, Entry]]) -> list[str]:
    wanted = [("confocal", f"{ADA}/{name}".encode(), 1) for name in names]
    return violations(site.catalogue, {"confocal": site.root}, complete=wanted, before=before)


def test_files_that_cost_their_worker_are_quarantined_after_three_and_all_others_imported(
    site: Site, pool: WorkerPool
) -> None:
    fine = [f"{number}.tif" for number in range(12)] + ["stopped.tif"]
    Path(f"{site.root}.stop-once").touch()
    feed(site, *fine, "deadly.tif", "stuck.tif", "greedy.tif")
    before = {"confocal": snapshot(site.root)}
    with site.running(pool=pool):
        wait_until(lambda: len(site.names()) == 13)
        wait_until(lambda: len(site.rows("SELECT 1 FROM job WHERE state = 'quarantined'")) == 3)
    told = {row["name"]: row["reason"] for row in site.rows(_REASONS)}
    assert "died while reading it" in told[b"deadly.tif"]
    assert "longer than 4 s" in told[b"stuck.tif"]
    assert "memory" in told[b"greedy.tif"]
    assert check(site, *fine, before=before) == []


_REASONS = "SELECT s.name, j.reason FROM job j JOIN sighting s ON s.fileset_id = j.fileset_id"


def kill_one(pool: WorkerPool, chance: random.Random) -> bool:
    """Kill one of the workers; False when the chosen one is gone already, or none has been started again yet."""
    pids = pool.pids()
    if not pids:
        return False
    try:
        os.kill(chance.choice(pids), signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def test_workers_killed_at_random_while_they_read_lose_and_double_nothing(site: Site, pool: WorkerPool) -> None:
    chance = random.Random(int(os.environ.get("COVERSLIP_FAULT_SEED", "14")))
    fine = [f"{number}.tif" for number in range(60)]
    feed(site, *fine)
    before = {"confocal": snapshot(site.root)}
    with site.running(pool=pool):
        for done in (1, 20, 40):
            wait_until(lambda done=done: len(site.names()) >= done)  # type: ignore[misc]  # bound
            wait_until(lambda: kill_one(pool, chance))
        wait_until(lambda: len(site.names()) == 60)
    assert check(site, *fine, before=before) == []
    assert site.rows("SELECT * FROM job") == []
