"""When an image of many files is whole: a marker, what is expected of it, and how long that is waited for."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from catalog.engine import Catalogue
from catalog.models.ingest import Fileset
from catalog.permissions import SYSTEM
from catalog.status import work_status
from config.settings import CompleteSettings, ExpectSettings
from tests.helpers.ingest_site import Site
from tests.helpers.planes import folder_of, importing, plane, reasons, rule, site_of_planes, sizes


@pytest.fixture
def site(catalogue: Catalogue, tmp_path: Path) -> Site:
    return site_of_planes(catalogue, tmp_path)


def test_a_marker_releases_what_is_there_and_one_that_is_gone_does_not(site: Site) -> None:
    marked = rule(complete=CompleteSettings(marker="done.txt"))
    for z in (1, 2):
        plane(folder_of(site) / f"embryo_z{z}_cGFP.tif", z)
    importing(site, marked)
    assert sizes(site) == {}
    assert reasons(site, "settling") == {"it waits for 'done.txt'"}
    marker = folder_of(site) / "done.txt"
    marker.write_text("")
    marker.rename(site.state / "done.txt")
    importing(site, marked)
    assert sizes(site) == {}
    marker.write_text("")

    importing(site, marked)

    assert sizes(site) == {"embryo": (1, 2, 1)}
    marker.unlink()
    plane(folder_of(site) / "embryo_z3_cGFP.tif", 3)
    importing(site, marked)
    assert sizes(site) == {"embryo": (1, 3, 1)}


def test_a_marker_that_was_there_first_does_not_hurry_what_is_written(site: Site) -> None:
    (folder_of(site)).mkdir(parents=True)
    (folder_of(site) / "done.txt").write_text("")
    plane(folder_of(site) / "embryo_z1_cGFP.tif", 1)

    importing(site, rule(complete=CompleteSettings(marker="done.txt")))

    assert sizes(site) == {"embryo": (1, 1, 1)}


def test_nobody_says_how_long_it_takes_until_files_come_that_are_not_there(site: Site) -> None:
    """After an import a rate is known, by which "about 2 s left" was told of what may take hours."""
    for name in ("one", "other"):
        plane(folder_of(site) / f"{name}_z1_cGFP.tif", 2)
    importing(site)
    plane(folder_of(site) / "embryo_z1_cGFP.tif", 1)
    importing(site, rule(complete=CompleteSettings(expect=ExpectSettings(z=2))))

    with site.catalogue.reading() as connection:
        work = work_status(connection, SYSTEM, now=datetime.now(UTC))

    assert (work.due, work.seconds_left) == (1, None)
    assert work.per_second is not None


def test_what_is_expected_is_waited_for_and_told(site: Site) -> None:
    expecting = rule(complete=CompleteSettings(expect=ExpectSettings(channel=2, z=2)))
    for name in ("z1_cGFP", "z2_cGFP", "z1_cDAPI"):
        plane(folder_of(site) / f"embryo_{name}.tif", 1)
    importing(site, expecting)
    assert reasons(site, "settling") == {"it waits for planes: 3 of 4 are there, channel DAPI, z 2 is not"}

    plane(folder_of(site) / "embryo_z2_cDAPI.tif", 1)
    importing(site, expecting)

    assert sizes(site) == {"embryo": (2, 2, 1)}


@pytest.mark.parametrize("on_stall", ["hold", "import"])
def test_what_does_not_come_in_time_is_stalled_or_partial_and_goes_on(site: Site, on_stall: Any) -> None:
    complete = CompleteSettings(expect=ExpectSettings(z=2), max_wait=timedelta(hours=3), on_stall=on_stall)
    plane(folder_of(site) / "embryo_z1_cGFP.tif", 1)
    importing(site, rule(complete=complete))
    assert sizes(site) == {}
    # The time is counted from the first file, as stored: each import here is a process of its own.
    with site.catalogue.writing() as connection:
        connection.execute(update(Fileset).values(first_seen_at=datetime.now(UTC) - timedelta(hours=4)))

    summary = importing(site, rule(complete=complete))

    assert (summary.failed, summary.stalled) == (0, int(on_stall == "hold"))
    if on_stall == "hold":
        assert reasons(site, "stalled") == {"it is not whole after 3h: it waits for planes: 1 of 2 in z are there"}
        assert sizes(site) == {}
    else:
        assert sizes(site) == {"embryo": (1, 1, 1)}
        assert [bool(row["is_partial"]) for row in site.rows("SELECT is_partial FROM image")] == [True]
    plane(folder_of(site) / "embryo_z2_cGFP.tif", 2)
    importing(site, rule(complete=complete))
    assert sizes(site) == {"embryo": (1, 2, 1)}
    assert [bool(row["is_partial"]) for row in site.rows("SELECT is_partial FROM image")] == [False]


def test_a_clock_that_was_stepped_back_makes_nobody_wait_for_ever(site: Site) -> None:
    complete = CompleteSettings(expect=ExpectSettings(z=2), max_wait=timedelta(hours=3))
    plane(folder_of(site) / "embryo_z1_cGFP.tif", 1)
    importing(site, rule(complete=complete))
    with site.catalogue.writing() as connection:
        connection.execute(update(Fileset).values(first_seen_at=datetime.now(UTC) + timedelta(days=300)))

    importing(site, rule(complete=complete))

    with site.catalogue.reading() as connection:
        seen, due = connection.execute(select(Fileset.first_seen_at, Fileset.due_at)).one()
    assert seen <= datetime.now(UTC)
    assert due is not None
    assert due - seen < timedelta(hours=3, minutes=1)
