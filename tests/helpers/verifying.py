"""Files of one person that are imported, compared in this process, and asked about."""

import os
from pathlib import Path
from typing import Any

from catalog.engine import Catalogue
from catalog.permissions import SYSTEM
from catalog.verification import Coverage, coverage
from catalog.why import WhyDocument, why
from ingest.clock import SystemClock
from ingest.rereading import checked_beneath
from ingest.verification import VerifyPlan, VerifyRun, VerifySummary
from tests.helpers.ingest_site import Site, add_person, write_tiff

DAY = "smith-lab/ab3c/cells/day1"
ALL = VerifyPlan()


def site_of_one(catalogue: Catalogue, folder: Path) -> Site:
    """Make a site with one person."""
    made = Site(catalogue, folder)
    add_person(catalogue, "ab3c", "smith-lab")
    return made


def files(site: Site, count: int) -> list[Path]:
    """Have files imported, one image each."""
    paths = [write_tiff(site.root / DAY / f"{number}.tif", value=number) for number in range(count)]
    assert site.import_().imported == count
    return paths


def verify(site: Site, plan: VerifyPlan = ALL, *, clock: Any = None) -> tuple[VerifySummary, Coverage]:
    """Do what the command does, in this process."""
    run = VerifyRun(site.catalogue, plan, clock=clock or SystemClock(), via="cli")
    while (batch := run.next_batch()) is not None:
        run.take(batch, checked_beneath(batch.root_path, batch.identity, batch.members()))
    covered = run.end()
    return run.summary, covered


def events(site: Site) -> list[str]:
    """Give what was told of damage and updates, in order."""
    query = "SELECT what FROM event WHERE what IN ('damaged', 'intact_again', 'updated') ORDER BY id"
    return [row["what"] for row in site.rows(query)]


def told(site: Site, path: Path) -> WhyDocument:
    """Tell all about a path, as `why` does."""
    with site.catalogue.reading() as connection:
        return why(connection, SYSTEM, os.fsencode(path))


def coverage_of(site: Site) -> Coverage:
    """Tell what is covered."""
    with site.catalogue.reading() as connection:
        return coverage(connection)
