"""A database that is locked, full or gone for a while: nothing is lost, and `degraded` is told steadily."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from catalog.connections import Connection
from catalog.engine import Catalogue
from catalog.errors import CatalogueBusy
from config.settings import RuleSettings
from ingest import troubles
from ingest.pool import InProcessPool
from ingest.reading import read
from tests.helpers.ingest_site import MARK, Site, add_person, write_tiff
from tests.helpers.program import wait_until

DAY = "smith-lab/ab3c/cells/day1"


class FaultyCatalogue(Catalogue):
    """A catalogue that refuses: all writing transactions (``no_writes``), all (``gone``), or commits in silence.

    ``lost_answers``: so many commits are done, but the answer is lost, as when the connection breaks just then.
    """

    def __init__(self, real: Catalogue) -> None:
        super().__init__(real.engine)
        self.refused = 0
        self.no_writes: str | None = None
        self.gone: str | None = None
        self.fail_every = 0
        self.lost_answers = 0
        self._count = 0

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        self._refuse(self.gone)
        with super().reading() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        self._count += 1
        self._refuse(self.gone or self.no_writes)
        if self.fail_every and self._count % self.fail_every:
            self._refuse("the catalogue is locked by another process")
        with super().writing() as connection:
            yield connection
        if self.lost_answers:
            self.lost_answers -= 1
            self._refuse("the connection was lost")

    def _refuse(self, sentence: str | None) -> None:
        if sentence is not None:
            self.refused += 1
            raise CatalogueBusy(sentence)


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait as in production, only less long."""
    monkeypatch.setattr(troubles, "_PAUSES_S", (0.05, 0.1, 0.2))
    monkeypatch.setattr(troubles, "TOLD_FOR_S", 6.0)


@pytest.fixture
def site(catalogue: Catalogue, tmp_path: Path) -> Site:
    add_person(catalogue, "ab3c", "smith-lab")
    return Site(catalogue, tmp_path)


@pytest.fixture
def faulty(site: Site) -> FaultyCatalogue:
    """The catalogue that the loop gets; the site itself keeps the sound one."""
    return FaultyCatalogue(site.catalogue)


def test_a_catalogue_that_refuses_two_of_three_writes_loses_and_doubles_nothing(
    site: Site, faulty: FaultyCatalogue
) -> None:
    for number in range(5):
        write_tiff(site.root / DAY / f"{number}.tif", value=number)
    faulty.fail_every = 3
    with site.running(catalogue=faulty) as loop:
        wait_until(lambda: site.names() == ["0", "1", "2", "3", "4"])
        write_tiff(site.root / DAY / "5.tif", value=5)
        loop.request_scan()
        wait_until(lambda: len(site.names()) == 6)
    assert faulty.refused > 5
    assert site.rows("SELECT * FROM job") == []


def test_degraded_is_told_steadily_while_nothing_can_be_written_and_no_more_after(
    site: Site, faulty: FaultyCatalogue
) -> None:
    write_tiff(site.root / DAY / "a.tif")
    with site.running(catalogue=faulty) as loop:
        wait_until(lambda: site.names() == ["a"])
        faulty.no_writes = "no space is left for the catalogue"
        write_tiff(site.root / DAY / "b.tif", value=2)
        site.hints.name("confocal", DAY.encode(), b"b.tif", closed=True)
        wait_until(lambda: loop.progress().problem is not None)
        seen: set[str | None] = set()
        stop, refused = threading.Event(), faulty.refused
        while not stop.wait(0.02) and len(seen) < 2 and faulty.refused < refused + 5:
            seen.add(loop.progress().problem)
        assert seen == {"no space is left for the catalogue"}
        faulty.no_writes = None
        wait_until(lambda: site.names() == ["a", "b"])
        wait_until(lambda: loop.progress().problem is None)


def test_a_database_that_is_gone_at_the_start_and_later_is_waited_for(site: Site, faulty: FaultyCatalogue) -> None:
    write_tiff(site.root / DAY / "a.tif")
    faulty.gone = "PostgreSQL is out of reach"
    with site.running(catalogue=faulty) as loop:
        wait_until(lambda: loop.progress().problem == "PostgreSQL is out of reach")
        faulty.gone = None
        wait_until(lambda: site.names() == ["a"])
        faulty.gone = "PostgreSQL is out of reach"
        refused = faulty.refused
        wait_until(lambda: faulty.refused > refused + 1)
        write_tiff(site.root / DAY / "b.tif", value=2)
        site.hints.name("confocal", DAY.encode(), b"b.tif")
        faulty.gone = None
        wait_until(lambda: site.names() == ["a", "b"])


def test_a_reload_that_the_database_refuses_is_done_when_it_can_be(site: Site, faulty: FaultyCatalogue) -> None:
    write_tiff(site.root / "flat.tif")
    with site.running(catalogue=faulty) as loop:
        wait_until(lambda: site.sightings().get("flat.tif", ("",))[0] == "unmatched")
        faulty.no_writes = "locked"
        everything = RuleSettings(match=("{image}.{ext}",), set={"owner": "ab3c", "group": "smith-lab"}, mark=MARK)
        loop.reload(site.settings(rules=(everything,)))
        refused = faulty.refused
        wait_until(lambda: faulty.refused > refused)
        faulty.no_writes = None
        wait_until(lambda: site.names() == ["flat"])


def test_a_commit_whose_answer_is_lost_leaves_no_job_behind(site: Site, faulty: FaultyCatalogue) -> None:
    armed = threading.Event()

    def reading(task: object) -> object:
        armed.set()
        return read(task)  # type: ignore[arg-type]  # as the pool gives it

    with site.running(catalogue=faulty, pool=InProcessPool(read=reading)):  # type: ignore[arg-type]  # the same
        wait_until(lambda: len(site.rows("SELECT * FROM root")) == 1)
        for number in range(12):
            faulty.lost_answers = 1
            write_tiff(site.root / DAY / f"{number}.tif", value=number)
            site.hints.name("confocal", DAY.encode(), f"{number}.tif".encode(), closed=True)
            wait_until(lambda number=number: len(site.names()) == number + 1)  # type: ignore[misc]  # bound
    assert armed.is_set()
    assert site.rows("SELECT * FROM job") == []
    assert len(site.images()) == 12
