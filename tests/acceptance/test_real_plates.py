"""Real plates of seven instruments through the whole program by built-in layouts: docs/layouts.md is what comes out."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.helpers.plate_sets import RULES, rows_of_images, rows_of_page
from tests.helpers.program import Site
from tests.helpers.real_data import needed_data

CV8000 = "CV8000-Minimal-DataSet-2C-3W-4S-FP2-stack"
CONFIGURATION = """
state_dir: @/state
groups: {lab: {members: [ada]}}
users: {ada: {}}
watch:
  - root: DATA/real
    settle: 0s
    crosscheck: off
    default: {owner: ada, group: lab}
    rules:RULES
"""
#: Planes of plates in many files, as their names tell, by hand: wells x fields x channels x z, and projections.
PLANES = {
    # E07 and E08, fields 1 and 2: ten steps of two wavelengths and one of the third (its other nine are holes).
    "Projection-Mix": 2 * 2 * (10 + 10 + 1) + 2 * 2 * 3,
    "9987_Plate_3434": 2 * 2 * 3 * 2 + 2 * 2 * 3,
    CV8000: 3 * 4 * 2 * 4,
}
_PLANES = """
SELECT plate.name, count(*) FROM plane_location JOIN well_sample USING (image_id)
JOIN well ON well.id = well_sample.well_id JOIN plate ON plate.id = well.plate_id GROUP BY plate.name
"""
#: Plates of which another program told what it makes of the instrument's index.
TRUTHS = {
    "operetta_plate": "operetta-compose__operetta_plate__Images__Index.idx.xml.ome.xml",
    CV8000: f"faim-ipa__CV8000__{CV8000}_20230918_135839__{CV8000}__{CV8000}.wpi.ome.xml",
}


def sizes_of(image: Any) -> tuple[object, ...]:
    size, um = image["sizes"], image["physical_size_um"]
    return (*(size[axis] for axis in "xyzct"), *(round(um[axis], 6) for axis in "xy"))


def sizes_told(truth: Path) -> list[tuple[object, ...]]:
    """Read sizes and physical sizes of all images in OME-XML."""
    found = ElementTree.parse(truth).iter("{http://www.openmicroscopy.org/Schemas/OME/2016-06}Pixels")
    return sorted(
        (
            *(int(pixels.attrib["Size" + axis]) for axis in "XYZCT"),
            *(round(float(pixels.attrib["PhysicalSize" + axis]), 6) for axis in "XY"),
        )
        for pixels in found
    )


@pytest.mark.needs_data
def test_real_plates_have_the_wells_fields_channels_and_sizes_that_their_names_and_indexes_tell(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    site = Site(folder=tmp_path_factory.mktemp("plates"))
    site.configure(CONFIGURATION.replace("DATA", str(needed_data())).replace("RULES", RULES))
    done = site.run("import", "--json", within_s=400)
    assert done.code == 0, done
    images = site.images()
    assert rows_of_images(images) == rows_of_page()
    with closing(sqlite3.connect(site.state / "catalog.db")) as connection:
        planes = dict(connection.execute(_PLANES).fetchall())
        assert {plate: planes[plate] for plate in PLANES} == PLANES
        assert connection.execute("SELECT DISTINCT failure FROM thumbnail").fetchall() == [(None,)]
    for plate, truth in TRUTHS.items():
        mine = [image for image in images if image["plate"] == plate]
        assert sorted(map(sizes_of, mine)) == sizes_told(needed_data() / "truth" / truth), plate
