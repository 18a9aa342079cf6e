"""What the fault tests share: a facility driven through the installed program, and the check of all five invariants."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from catalog.engine import Catalogue, open_catalogue
from tests.helpers.ingest_site import Site as IngestSite
from tests.helpers.ingest_site import three_people
from tests.helpers.invariants import violations
from tests.helpers.kill_ground import Ground
from tests.helpers.kill_scenario import Imports, imports
from tests.helpers.live_daemon import LiveDaemon
from tests.helpers.postgresql import PostgresServer
from tests.helpers.program import Site

CONFIGURATION = """
state_dir: @/state
groups:
  smith-lab: {owners: [js2x], members: [ab3c, cd4e]}
  jones-lab: {owners: [jones], members: [ef5g]}
users: {ab3c: {}, cd4e: {}, js2x: {}, jones: {}, ef5g: {}}
watch:
  - root: @/data
    name: confocal
    settle: 300ms
    rules:
      - match: '{group}/{owner}/{project}/[{dataset}/**/]{image}.{ext}'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facility(Site):
    """A site with one watched folder ``data`` on SQLite, whose invariants can be checked."""

    @property
    def data(self) -> Path:
        """Give the watched folder."""
        return self.folder / "data"

    def violations(self, complete: Mapping[str, int] | None = None, **more: Any) -> list[str]:
        """Check all five; ``complete`` are relative paths with their numbers of images."""
        wanted = [("confocal", path.encode(), images) for path, images in (complete or {}).items()]
        with closing(open_catalogue(f"sqlite:///{self.state}/catalog.db")) as catalogue:
            return violations(catalogue, {"confocal": self.data}, complete=wanted, **more)


@pytest.fixture
def facility(tmp_path: Path) -> Facility:
    """Give a configured facility whose watched folder is empty."""
    made = Facility(folder=tmp_path)
    made.data.mkdir()
    made.configure(CONFIGURATION)
    return made


@pytest.fixture
def site(catalogue: Catalogue, tmp_path: Path) -> IngestSite:
    """Give a root with an ingest in this process, on each database, and two people of one group, one of another."""
    return three_people(catalogue, tmp_path)


@pytest.fixture(params=["sqlite", "postgresql"])
def ground(
    request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path, postgres_server: PostgresServer
) -> Ground:
    """Give the ground for plays of the kill tests, on each database."""
    return Ground(request.param, tmp_path, sqlite_template, postgres_server)


@pytest.fixture(scope="session")
def forked() -> Iterator[Imports]:
    """Give the process that forks imports and daemons: one for all tests, its start takes seconds."""
    with imports() as made:
        yield made


@pytest.fixture
def live(ground: Ground, forked: Imports) -> Iterator[LiveDaemon]:
    """Give a running daemon on each database; it is stopped at the end, and must end well."""
    made = LiveDaemon(ground, forked)
    yield made
    made.stop()
