"""Plates whose images lie in many files: wells, fields, runs, tiles, projections, and how full a plate is."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from catalog.acting import resolve_acting
from catalog.documents import ContainerDocument, WellCount
from catalog.engine import Catalogue
from catalog.queries.plate_fill import filling_plates
from catalog.queries.show import show
from catalog.queries.tree import tree
from catalog.references import ObjectReference
from config.settings import CompleteSettings, ExpectSettings, RuleSettings
from tests.helpers.ingest_site import MARK, START, Site, add_person

MATCH = "{group}/{owner}/{screen}/{plate}/[{run}/]{well}_s{field}[_z{z}]_w{channel:int}.tif"


@pytest.fixture
def site(catalogue: Catalogue, tmp_path: Path) -> Site:
    made = Site(catalogue, tmp_path)
    add_person(catalogue, "ab3c", "smith-lab")
    add_person(catalogue, "zz9", "other-lab")
    return made


def write(site: Site, *names: str) -> None:
    for number, name in enumerate(names):
        path = site.root / "smith-lab/ab3c/siRNA/P1" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng([number, len(name)]).integers(1, 4000, (16, 16), dtype=np.uint16)
        tifffile.imwrite(path, pixels)


def importing(site: Site, match: str = MATCH, **fields: Any) -> Any:
    return site.import_(settings=site.settings(rules=(RuleSettings(match=(match,), mark=MARK, **fields),)))


def placed(site: Site) -> list[tuple[str, int, int, int, int, int]]:
    """Give (run, row, column, field, c, z) of every sample."""
    query = (
        'SELECT r.name, w."row", w."column", s.field, i.size_c, i.size_z FROM well_sample s'
        " JOIN plate_acquisition r ON r.id = s.plate_acquisition_id JOIN well w ON w.id = s.well_id"
        " JOIN image i ON i.id = s.image_id ORDER BY 1, 2, 3, 4"
    )
    return [tuple(row.values()) for row in site.rows(query)]


def test_channels_and_planes_of_a_field_are_one_image_in_its_well(site: Site) -> None:
    write(site, *(f"B03_s{s}_z{z}_w{w}.tif" for s in (1, 2) for z in (1, 2, 3) for w in (1, 2)))

    importing(site)

    assert placed(site) == [("Run 1", 1, 2, 1, 2, 3), ("Run 1", 1, 2, 2, 2, 3)]
    assert site.names() == ["P1 B3 field 1", "P1 B3 field 2"]


def test_another_folder_for_the_same_well_and_field_is_another_run(site: Site) -> None:
    match = "{group}/{owner}/{screen}/{plate}/*/{well}_s{field}_w{channel:int}.tif"
    write(site, "first/B03_s1_w1.tif", "first/B03_s1_w2.tif", "second/B03_s1_w1.tif", "first/B04_s1_w1.tif")

    importing(site, match)

    runs = [(run, column) for run, _, column, *_ in placed(site)]
    assert runs == [("Run 1", 2), ("Run 1", 3), ("Run 2", 2)]


@pytest.mark.parametrize("is_stack_first", [True, False])
def test_a_projection_beside_its_stack_goes_to_a_run_without_z(site: Site, is_stack_first: bool) -> None:
    stack, projection = ["B03_s1_z1_w1.tif", "B03_s1_z2_w1.tif"], ["B03_s1_w1.tif"]
    write(site, *(stack if is_stack_first else projection))
    importing(site)
    write(site, *(projection if is_stack_first else stack))

    importing(site)

    assert placed(site) == [("Run 1", 1, 2, 1, 1, 2), ("Run 1 without z", 1, 2, 1, 1, 1)]


def test_tiles_of_a_field_are_images_of_their_own(site: Site) -> None:
    match = "{group}/{owner}/{screen}/{plate}/{well}_s{field}_t{tile}_w{channel:int}.tif"
    write(site, "B03_s1_t1_w1.tif", "B03_s1_t2_w1.tif")

    summary = importing(site, match)

    assert summary.held == 0
    assert site.names() == ["P1 B3 field 1 tile 1", "P1 B3 field 1 tile 2"]


def test_a_plate_is_waited_for_as_a_whole(site: Site) -> None:
    complete = CompleteSettings(expect=ExpectSettings(files=4), per="plate")
    write(site, "B03_s1_w1.tif", "B03_s1_w2.tif", "B04_s1_w1.tif")
    importing(site, complete=complete)
    assert site.images() == []
    waits = {row["waits_for"] for row in site.rows("SELECT waits_for FROM fileset")}
    assert waits == {"it waits for files: 3 of 4 are there"}

    write(site, "B04_s1_w2.tif")
    importing(site, complete=complete)

    assert len(site.images()) == 2


def test_a_marker_in_the_plate_s_folder_releases_all_of_it(site: Site) -> None:
    complete = CompleteSettings(marker="{plate}.HTD")
    match = "{group}/{owner}/{screen}/{plate}/TimePoint_{t}/{well}_s{field}_w{channel:int}.tif"
    write(site, "TimePoint_1/B03_s1_w1.tif", "TimePoint_1/B04_s1_w1.tif")
    (site.root / "smith-lab/ab3c/siRNA/P1.HTD").write_text("too high up")
    importing(site, match, complete=complete)
    assert site.images() == []

    (site.root / "smith-lab/ab3c/siRNA/P1/P1.HTD").write_text("done")
    importing(site, match, complete=complete)

    assert len(site.images()) == 2


def test_a_plate_shows_how_full_it_is_while_it_fills(site: Site) -> None:
    write(
        site, *(f"{row}{column:02}_s1_w1.tif" for row in "ABCDE" for column in range(1, 13) if row < "E" or column < 10)
    )

    importing(site)

    now = datetime.now(UTC)
    with site.catalogue.reading() as connection:
        person = resolve_acting(connection, "ab3c", now=START, writes_database=False)
        stranger = resolve_acting(connection, "zz9", now=START, writes_database=False)
        (plate,) = tree(connection, person)[0].children
        shown = show(connection, person, ObjectReference(type="plate", id=plate.id or 0))
        assert isinstance(shown, ContainerDocument)
        assert plate.wells == shown.wells == WellCount(filled=57, of=96)
        assert [one.wells for one in filling_plates(connection, person, now=now)] == [plate.wells]
        assert filling_plates(connection, stranger, now=now) == ()
        assert filling_plates(connection, person, now=now + timedelta(days=2)) == ()
