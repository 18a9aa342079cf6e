"""A small site for tests of the ingest: a root with a rule, two people, a loop with readers in its own process."""

import hashlib
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy
import sqlalchemy
import tifffile

from catalog.engine import Catalogue
from catalog.models.all import metadata
from catalog.models.people import Experimenter, ExperimenterGroup, Membership
from config.settings import PeopleSettings, RuleSettings, Settings, SourceMark, WatchSettings
from ingest.hints import Hints
from ingest.loop import IngestLoop
from ingest.pool import InProcessPool, ReadPool
from ingest.reading import read
from ingest.summary import ImportSummary
from tests.helpers.program import PATIENCE_S

MARK = SourceMark(file="coverslip.yaml", line=1, column=1)
START = datetime(2026, 1, 1, tzinfo=UTC)
RULE = "{group}/{owner}/{project}/[{dataset}/**/]{image}.{ext}"


class NoAccounts:
    """A machine whose accounts are nobody's."""

    def login_of(self, uid: int) -> str | None:
        return None

    def group_of(self, gid: int) -> str | None:
        return None

    def is_taken(self, name: str) -> bool:
        return False


def add_person(catalogue: Catalogue, name: str, group: str, *, is_administrator: bool = False) -> tuple[int, int]:
    """Make a person in a group (made if needed); gives both ids."""
    with catalogue.writing() as connection:
        query = sqlalchemy.select(ExperimenterGroup.id).where(ExperimenterGroup.name == group)
        group_id = connection.scalar(query)
        if group_id is None:
            new_group = sqlalchemy.insert(ExperimenterGroup).returning(ExperimenterGroup.id)
            group_id = connection.scalar(new_group, {"name": group, "created_at": START})
        new_person = sqlalchemy.insert(Experimenter).returning(Experimenter.id)
        person_id = connection.scalar(
            new_person, {"name": name, "created_at": START, "is_administrator": is_administrator}
        )
        membership = {"experimenter_id": person_id, "group_id": group_id, "source": "hand", "created_at": START}
        connection.execute(sqlalchemy.insert(Membership), membership)
    assert person_id is not None
    assert group_id is not None
    return person_id, group_id


def three_people(catalogue: Catalogue, folder: Path, **how: Any) -> "Site":
    """Make a site with two people of one group, and one of another."""
    made = Site(catalogue, folder, **how)
    for name, group in (("ab3c", "smith-lab"), ("cd4e", "smith-lab"), ("ef5g", "jones-lab")):
        add_person(catalogue, name, group)
    return made


def write_tiff(path: Path, *, value: int = 1, pages: int = 1, size: int = 32) -> Path:
    """Write a small TIFF whose content depends on ``value``, with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = numpy.full((pages, size, size), value, dtype=numpy.uint16)
    pixels[:, :4, :4] = numpy.arange(16).reshape(4, 4) + value
    tifffile.imwrite(path, pixels if pages > 1 else pixels[0], photometric="minisblack")
    return path


class Site:
    """A catalogue, a root below ``folder`` and the means to ingest it."""

    def __init__(self, catalogue: Catalogue, folder: Path, *, settle_s: float = 0.0, rule: str = RULE) -> None:
        self.catalogue = catalogue
        self.root = folder / "root"
        self.root.mkdir(exist_ok=True)
        self.state = folder / "state"
        self.state.mkdir(exist_ok=True)
        self.settle_s = settle_s
        self.rule = rule
        self.hints = Hints()

    def settings(
        self, *, roots: Mapping[str, Path] | None = None, people: PeopleSettings | None = None, **watch: Any
    ) -> Settings:
        """Give settings of the root "confocal", or of other roots by name, all with the same watch settings."""
        rules = watch.pop("rules", (RuleSettings(match=(self.rule,), mark=MARK),))
        watch.setdefault("settle", timedelta(seconds=self.settle_s))
        text = repr((self.rule, watch, rules, roots, people))
        return Settings(
            file=self.state / "coverslip.yaml",
            state_dir=self.state,
            watch=tuple(
                WatchSettings(root=path, name=name, rules=rules, mark=MARK, **watch)
                for name, path in (roots or {"confocal": self.root}).items()
            ),
            people=people or PeopleSettings(),
            source_text=text,
            digest=hashlib.blake2b(text.encode(), digest_size=32).digest(),
        )

    def loop(self, pool: ReadPool | None = None, settings: Settings | None = None, **others: Any) -> IngestLoop:
        others.setdefault("grace_s", 5.0)
        others.setdefault("accounts", NoAccounts())
        others.setdefault("catalogue", self.catalogue)
        return IngestLoop(
            settings=settings or self.settings(),
            pool=pool or InProcessPool(read=read),
            hints=self.hints,
            **others,
        )

    def import_(self, *paths: Path, wait: bool = True, **others: Any) -> ImportSummary:
        return self.loop(**others).run_once(paths, wait=wait)

    @contextmanager
    def running(self, **others: Any) -> Iterator[IngestLoop]:
        """Run the loop in a thread of its own, as the daemon does."""
        loop, stop = self.loop(**others), threading.Event()
        thread = threading.Thread(target=loop.run, args=(stop,), name="ingest")
        thread.start()
        try:
            yield loop
        finally:
            stop.set()
            loop.wake()
            thread.join(PATIENCE_S)
            assert not thread.is_alive()

    def names(self) -> list[str]:
        """Give the names of all images, sorted."""
        return sorted(row["name"] for row in self.images())

    def root_row(self, name: str = "confocal") -> dict[str, Any]:
        """Give a root as it is stored."""
        return self.rows("SELECT * FROM root WHERE name = :name", name=name)[0]

    def rows(self, query: str, **values: Any) -> list[dict[str, Any]]:
        with self.catalogue.reading() as connection:
            found = connection.execute(sqlalchemy.text(query), values).mappings()
            return [dict(row) for row in found]

    def images(self) -> list[dict[str, Any]]:
        return self.rows("SELECT id, name, owner_id, group_id, size_z, fileset_id FROM image ORDER BY id")

    def sightings(self) -> dict[str, tuple[str, str | None]]:
        """Give disposition and reason by path."""
        query = (
            "SELECT d.path, s.name, s.disposition, r.sentence FROM sighting s JOIN directory d ON d.id ="
            " s.directory_id LEFT JOIN reason r ON r.id = s.reason_id"
        )
        found = {}
        for row in self.rows(query):
            path = Path(os.fsdecode(bytes(row["path"]))) / os.fsdecode(bytes(row["name"]))
            found[str(path)] = (row["disposition"], row["sentence"])
        return found

    def dump(self) -> dict[str, list[Any]]:
        """Give all rows of all tables, but for those that say when somebody looked."""
        passing = {"instance", "root", "alembic_version"}
        with self.catalogue.reading() as connection:
            return {
                table.name: [tuple(row) for row in connection.execute(sqlalchemy.select(table))]
                for table in metadata.sorted_tables
                if table.name not in passing
            }
