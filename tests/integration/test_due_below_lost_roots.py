"""What is due below a root that is gone costs nothing until it is back, and holds up nothing of the other roots."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from catalog.engine import Catalogue
from catalog.models.ingest import Fileset
from ingest.core import Core
from ingest.due import DUE_EVERY_S, LOOK_AGAIN_S, look_at_due
from ingest.loop import IngestLoop
from tests.helpers.ingest_site import Site, add_person, write_tiff

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
DAY = "smith-lab/ab3c/cells/day1"


class Lost:
    """A site with a file that is due in the root "gone", which is out of reach, and one in the root "here"."""

    def __init__(self, catalogue: Catalogue, folder: Path) -> None:
        self.site = Site(catalogue, folder, settle_s=3600)
        add_person(catalogue, "ab3c", "smith-lab")
        roots = {"gone": folder / "gone", "here": folder / "here"}
        for path in roots.values():
            write_tiff(path / DAY / "a.tif")
        settings = self.site.settings(roots=roots)
        self.site.import_(settings=settings, wait=False)
        self.loop: IngestLoop = self.site.loop(settings=settings)
        self.loop._start_up()
        self.core: Core = self.loop._core
        self.roots = {root.name: root for root in self.core.roots.values()}
        for root in self.roots.values():
            root.is_placing_again = False  # the ingest is at rest
        self.core.lose(self.roots["gone"], "the disk is away")
        for name in self.roots:  # what is known is due at once when an ingest begins
            self.due(name, self.core.steady.now() + timedelta(days=1))

    def due(self, name: str, at: datetime) -> None:
        """Have the fileset of a root be due at a time."""
        with self.site.catalogue.writing() as connection:
            connection.execute(update(Fileset).where(Fileset.root_id == self.roots[name].id).values(due_at=at))

    def looked(self) -> float:
        """Look at what is due: nothing can be; give when that is asked again, s from before the look."""
        before_s = self.core.clock.monotonic()
        assert not look_at_due(self.core)
        return self.core.next_due_look_s - before_s


@pytest.fixture
def lost(catalogue: Catalogue, tmp_path: Path) -> Iterator[Lost]:
    made = Lost(catalogue, tmp_path)
    yield made
    made.loop._end()


def test_what_is_due_below_a_lost_root_alone_is_not_asked_for_again_and_again(lost: Lost) -> None:
    lost.due("gone", LONG_AGO)
    assert lost.looked() >= LOOK_AGAIN_S
    assert not lost.core.may_be_due


def test_a_hinted_file_of_a_lost_root_does_not_keep_the_ingest_turning(lost: Lost) -> None:
    (row,) = lost.site.rows("SELECT id FROM fileset WHERE root_id = :root", root=lost.roots["gone"].id)
    lost.core.hot[row["id"]] = 0
    lost.due("gone", LONG_AGO)
    assert lost.looked() >= LOOK_AGAIN_S
    assert lost.loop._idle_s() == 0.5
    lost.core.next_due_look_s = 0.0
    assert lost.loop._idle_s() == DUE_EVERY_S, "one that can be looked at is, in time"


def test_a_file_of_another_root_is_looked_at_when_it_is_due(lost: Lost) -> None:
    lost.due("gone", LONG_AGO)
    lost.due("here", lost.core.steady.now() + timedelta(seconds=10))
    began_s = lost.core.clock.monotonic()
    assert lost.looked() <= 10 + (lost.core.clock.monotonic() - began_s)
    lost.due("here", LONG_AGO)
    lost.core.may_be_due = True
    assert look_at_due(lost.core)
    assert lost.roots["here"].looking
    assert not lost.roots["gone"].looking


def test_a_root_that_is_back_is_looked_at_at_once(lost: Lost) -> None:
    lost.due("gone", LONG_AGO)
    lost.looked()
    lost.core.find_again(lost.roots["gone"])
    assert look_at_due(lost.core)
    assert lost.roots["gone"].looking


def test_while_no_root_is_there_nothing_is_asked_of_it(lost: Lost) -> None:
    lost.core.lose(lost.roots["here"], "the disk is away")
    for name in lost.roots:
        lost.due(name, LONG_AGO)
    assert lost.looked() >= LOOK_AGAIN_S
