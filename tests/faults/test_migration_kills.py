"""Fault 21: SIGKILL at the N-th durable call of `admin migrate`: as before or after, never between, with its backup."""

import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from catalog.engine import open_catalogue
from catalog.migrations.runner import REVISIONS
from tests.faults.conftest import CONFIGURATION
from tests.helpers.ingest_site import Site, add_person, write_tiff
from tests.helpers.kill_scenario import Imports, calls_in
from tests.helpers.killable import DURABLE_WITH_LINKS, TALKING
from tests.helpers.postgresql import PostgresServer

CALLS = {"sqlite": DURABLE_WITH_LINKS, "postgresql": TALKING}
#: The default run takes these; the last ones lie past the end, where nothing is killed.
SAMPLE = {"sqlite": (3, 90, 150, 170, 190, 205, 211, 400), "postgresql": (5, 18, 30, 37, 120)}

Rows = dict[str, list[tuple[object, ...]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """An imported catalogue of the older version, to be migrated again and again."""

    kind: str
    folder: Path
    url: str
    before: Rows

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def migrate(self, forked: Imports, number: int | None) -> int:
        calls = {"calls": CALLS[self.kind], "kill_at": number, "trace": str(self.folder / "trace")}
        return forked.run(self.folder, is_migration=True, **calls)

    def backups(self) -> list[Path]:
        return sorted(self.state.glob("catalog-before-migration-*.db"))

    def version(self) -> str:
        """Give the version, having looked that it is one of the two and nothing between."""
        rows = content(self.url)
        has_new = [
            "made_up" in rows,
            "made_up" in columns(self.url, "image"),
            all(str(row[-1]).endswith("!") for row in rows["sighting"]),
        ]
        ((version,),) = rows["alembic_version"]
        assert has_new == [version == "0002"] * 3, (version, has_new)
        if version == REVISIONS[0]:
            assert rows == self.before
        else:
            assert len(rows["made_up"]) == len(self.before["image"])
            assert {name: len(found) for name, found in rows.items() if name in self.before} == {
                name: len(found) for name, found in self.before.items()
            }
        return str(version)


def columns(url: str, table: str) -> list[str]:
    with closing(open_catalogue(url)) as opened, opened.reading() as connection:
        return [str(column["name"]) for column in inspect(connection).get_columns(table)]


def content(url: str) -> Rows:
    """Give what a migration touches, and the sightings with their rule last."""
    with closing(open_catalogue(url)) as opened, opened.reading() as connection:
        tables = set(inspect(connection).get_table_names())
        wanted = {name: f"SELECT * FROM {name} ORDER BY 1" for name in ("image", "event", "alembic_version", "made_up")}
        wanted["sighting"] = "SELECT directory_id, name, size_bytes, rule FROM sighting ORDER BY 1, 2"
        return {
            name: [tuple(row) for row in connection.execute(text(query))]
            for name, query in wanted.items()
            if name in tables
        }


@pytest.fixture(params=["sqlite", "postgresql"])
def ground(
    request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path, postgres_server: PostgresServer
) -> Ground:
    site_folder = tmp_path / "site"
    site_folder.mkdir()
    if request.param == "sqlite":
        url = f"sqlite:///{site_folder}/catalog.db"
        shutil.copy(sqlite_template, site_folder / "catalog.db")
        (site_folder / "catalog.db").chmod(0o600)
    else:
        url = request.getfixturevalue("postgresql_url").replace("postgres:@", "postgres@")
    with closing(open_catalogue(url)) as catalogue:
        site = Site(catalogue, site_folder)
        add_person(catalogue, "ab3c", "smith-lab")
        for number in range(20):
            write_tiff(site.root / f"smith-lab/ab3c/cells/day1/{number}.tif", value=number)
        assert site.import_().imported == 20
    site.state.chmod(0o700)
    if request.param == "sqlite":
        (site_folder / "catalog.db").rename(site.state / "catalog.db")
        url = f"sqlite:///{site.state}/catalog.db"
    configuration = CONFIGURATION.replace("@/data", str(site.root)).replace("@/", f"{site_folder}/")
    (site_folder / "coverslip.yaml").write_text(f"catalog: {{url: '{url}'}}\n{configuration}")
    (site_folder / "coverslip.yaml").chmod(0o644)
    return Ground(kind=request.param, folder=site_folder, url=url, before=content(url))


def kill_at_each(ground: Ground, forked: Imports, numbers: Sequence[int]) -> tuple[int, int]:
    """Kill a migration at each of these calls, looking each time; gives how many were killed, and how many migrated."""
    killed = migrated = 0
    kept = ground.folder / "kept.db"
    if ground.kind == "sqlite":
        shutil.copy2(ground.state / "catalog.db", kept)
    for number in numbers:
        code = ground.migrate(forked, number)
        assert code in (0, -9), (number, code)
        killed += code == -9
        version = ground.version()
        for backup in ground.backups():
            assert content(f"sqlite:///{backup}") == ground.before
        if version == "0002":
            migrated += 1
            assert ground.kind == "postgresql" or ground.backups() != []
            if ground.kind == "postgresql":
                return killed, migrated
            restore(ground, kept)
    return killed, migrated


def restore(ground: Ground, kept: Path) -> None:
    """Go back to the older version, as from a backup."""
    for path in ground.state.glob("catalog*"):
        path.unlink()
    shutil.copy2(kept, ground.state / "catalog.db")


def test_a_migration_that_is_killed_is_as_before_or_as_after(ground: Ground, forked: Imports) -> None:
    killed, _ = kill_at_each(ground, forked, SAMPLE[ground.kind])
    assert killed >= 3
    if ground.version() == REVISIONS[0]:
        assert ground.migrate(forked, None) == 0
    assert ground.version() == "0002"
    assert list(ground.state.glob("*.partial")) == []
    if ground.kind == "sqlite":
        assert ground.backups() != []
        assert {path.stat().st_mode & 0o777 for path in ground.backups()} == {0o600}


@pytest.mark.faults_full
def test_a_migration_killed_at_every_durable_call(
    ground: Ground, forked: Imports, counted: Callable[[str], None]
) -> None:
    kept = ground.folder / "undisturbed.db"
    if ground.kind == "sqlite":
        shutil.copy2(ground.state / "catalog.db", kept)
        assert ground.migrate(forked, None) == 0
        last = calls_in(ground.folder / "trace")
        restore(ground, kept)
    else:
        last = 200  # the first that is past the end migrates, and is the last
    killed, migrated = kill_at_each(ground, forked, range(1, last + 1))
    counted(f"{ground.kind}, a migration killed at {killed} calls; as after in {migrated}")
    assert killed > 10
    assert os.path.exists(ground.folder)
