"""Real plates in many files through the built-in layouts: images, sizes and runs as counted by hand from names."""

import os
import shutil
from collections import Counter
from pathlib import Path

import pytest

from catalog.engine import Catalogue
from config.settings import RuleSettings
from tests.helpers.ingest_site import MARK, Site, add_person
from tests.helpers.real_data import manifest, needed_data

#: By layout of the collection: the built-in layout, how many images there are of (run, channels, planes in z), and how
#: many planes in all.
PLATES = {
    # Wells E07 and E08, fields 1 and 2, three wavelengths; ZStep_1 to ZStep_10 of two of them, one plane of the third
    # (its other nine are holes), and projections of all beside them.
    "hcs-imagexpress-zmix": ("imagexpress", {("Run 1", 3, 10): 4, ("Run 1 without z", 3, 1): 4}, 96),
    # Wells B02 and B03, fields 1 and 2, wavelengths 1 to 3; ZStep_1 and ZStep_2, and projections.
    "hcs-imagexpress-htd-z": ("imagexpress", {("Run 1", 3, 2): 4, ("Run 1 without z", 3, 1): 4}, 36),
    # "2C-3W-4S-FP2-stack": wells D08, E03 and F08, fields F001 to F004, C01 and C02, Z01 to Z04.
    "hcs-cv8000": ("cellvoyager", {("Run 1", 2, 4): 12}, 96),
}


@pytest.mark.needs_data
@pytest.mark.parametrize("name", PLATES)
def test_a_real_plate_is_the_images_that_its_names_tell(name: str, catalogue_sqlite: Catalogue, tmp_path: Path) -> None:
    data = needed_data()
    layout, wanted, planes = PLATES[name]
    site = Site(catalogue_sqlite, tmp_path)
    add_person(catalogue_sqlite, "ab3c", "smith-lab")
    paths = [row["path"] for row in manifest(data) if row["layout"] == name]
    above = os.path.commonpath(paths)
    for path in paths:
        target = site.root / "smith-lab/ab3c/S/P" / os.path.relpath(path, above)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(data / path, target)
    rule = RuleSettings(match=("{group}/{owner}/{screen}/{plate}",), layout=layout, mark=MARK)

    summary = site.import_(settings=site.settings(rules=(rule,)))

    assert (summary.held, summary.failed) == (0, 0)
    query = (
        "SELECT r.name, i.size_c, i.size_z FROM image i JOIN well_sample s ON s.image_id = i.id"
        " JOIN plate_acquisition r ON r.id = s.plate_acquisition_id"
    )
    assert Counter(tuple(row.values()) for row in site.rows(query)) == Counter(wanted)
    assert site.rows("SELECT count(*) AS n FROM plane_location") == [{"n": planes}]
    assert site.rows("SELECT DISTINCT failure FROM thumbnail") == [{"failure": None}]
