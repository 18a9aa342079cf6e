"""Whether anybody wrote to the catalogue is told without reading it; an idle ingest asks nothing else."""

import threading
from datetime import timedelta
from pathlib import Path

from catalog.changes import Changes
from catalog.engine import Catalogue
from tests.helpers.ingest_site import Site, add_person, write_tiff
from tests.helpers.program import wait_until
from tests.integration.test_cost_counters import counted


def test_a_commit_of_another_connection_is_told_once(catalogue_sqlite: Catalogue) -> None:
    changes = Changes(catalogue_sqlite)
    try:
        assert changes.may_have_come()
        assert not changes.may_have_come()
        add_person(catalogue_sqlite, "ab3c", "smith-lab")
        assert changes.may_have_come()
        assert not changes.may_have_come()
        with catalogue_sqlite.reading():
            pass
        assert not changes.may_have_come()
        changes.forget()
        assert changes.may_have_come()
    finally:
        changes.close()


def test_on_postgresql_something_may_always_have_come(catalogue_postgresql: Catalogue) -> None:
    changes = Changes(catalogue_postgresql)
    assert changes.may_have_come()
    assert changes.may_have_come()


def test_a_turn_of_an_ingest_with_nothing_to_do_makes_no_transaction(
    catalogue_sqlite: Catalogue, tmp_path: Path
) -> None:
    site = Site(catalogue_sqlite, tmp_path)
    add_person(catalogue_sqlite, "ab3c", "smith-lab")
    write_tiff(site.root / "smith-lab/ab3c/cells/day1/a.tif")
    site.import_()
    loop = site.loop()
    assert loop._begin(threading.Event())
    try:
        core = loop._core
        wait_until(lambda: not loop._turn() and not core.has_ready)
        loop._tick()  # what the turns above wrote themselves is read by now
        core.around._people_read_at = core.clock.now() + timedelta(seconds=4)  # not read again for nine seconds

        with counted(catalogue_sqlite) as counts:
            for _ in range(3):
                loop._next_tick_s = 0.0
                loop._turn()

        assert not counts, counts
    finally:
        loop._end()
