"""Hashes that are made later are made, whatever happens to the files until then. On both databases."""

import threading
from pathlib import Path

import pytest

from catalog.engine import Catalogue
from config.settings import Settings
from ingest.pool import InProcessPool
from ingest.reading import read
from ingest.work import ReadResult, ReadTask
from tests.helpers.described_sets import companion, part
from tests.helpers.ingest_site import Site, add_person, write_tiff
from tests.helpers.program import wait_until

FOLDER = "smith-lab/ab3c/cells"


@pytest.fixture
def site(catalogue: Catalogue, tmp_path: Path) -> Site:
    made = Site(catalogue, tmp_path)
    add_person(catalogue, "ab3c", "smith-lab")
    (made.root / FOLDER).mkdir(parents=True)
    return made


def settings(site: Site) -> Settings:
    return site.settings(hash_now_bytes=10)


def imported_without_hash(site: Site) -> None:
    """Import, and end before the hashes are made."""
    stop = threading.Event()

    def read_once(task: ReadTask) -> ReadResult:
        result = read(task)
        if result.images:
            stop.set()
        return result

    site.loop(pool=InProcessPool(read=read_once), settings=settings(site)).run_once(stop=stop)
    assert not any(hashed(site).values())


def hashed(site: Site) -> dict[str, bool]:
    """Tell of each file that is there whether its hash is made, by name."""
    query = (
        "SELECT s.name, f.hash FROM sighting s JOIN original_file f ON f.id = s.original_file_id"
        " WHERE s.missing_since IS NULL"
    )
    return {bytes(row["name"]).decode(): row["hash"] is not None for row in site.rows(query)}


def is_made(site: Site, names: set[str]) -> bool:
    """Tell whether these files are there with their hashes; what waits is taken as if its time had come."""
    with site.catalogue.writing() as connection:
        connection.exec_driver_sql("UPDATE job SET next_try_at = NULL WHERE state = 'waiting'")
    return hashed(site) == dict.fromkeys(names, True)


def wait_for(site: Site, *names: str) -> None:
    with site.running(settings=settings(site)):
        wait_until(lambda: is_made(site, set(names)))


def test_of_the_planes_that_are_left_when_one_goes(site: Site) -> None:
    for number, name in enumerate("abc"):
        part(site.root / FOLDER / f"{name}.tif", number)
    (site.root / FOLDER / "x.companion.ome").write_bytes(companion(["a.tif", "b.tif", "c.tif"]))
    imported_without_hash(site)
    (site.root / FOLDER / "c.tif").unlink()

    wait_for(site, "a.tif", "b.tif", "x.companion.ome")


def test_of_a_file_that_got_another_name(site: Site) -> None:
    path = write_tiff(site.root / FOLDER / "a.tif")
    imported_without_hash(site)
    path.rename(path.with_name("b.tif"))

    wait_for(site, "b.tif")


def test_of_a_file_whose_folder_was_away_for_a_while(site: Site, tmp_path: Path) -> None:
    write_tiff(site.root / FOLDER / "a.tif")
    imported_without_hash(site)
    folder = (site.root / FOLDER).rename(tmp_path / "away")
    site.import_(settings=settings(site))
    assert hashed(site) == {}
    folder.rename(site.root / FOLDER)

    wait_for(site, "a.tif")
