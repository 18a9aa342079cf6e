"""Micro-Manager's acquisitions of several positions: each is an image of its own, a full file and its rest are one."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catalog.acting import resolve_acting
from catalog.engine import Catalogue
from catalog.queries.pixels import image_pixels
from config.settings import RuleSettings
from ingest.pixels import opened_pixels, region, source_of
from ingest.work import Outcome
from tests.helpers.ingest_site import MARK, START, Site, add_person
from tests.helpers.micromanager_files import Stacks, pixels, single_image
from tests.helpers.reads import read_path

FOLDER = "smith-lab/ab3c/cells"
LABELS = ("Pos0", "Pos1", "Pos2")


@pytest.fixture
def site(catalogue: Catalogue, tmp_path: Path) -> Site:
    made = Site(catalogue, tmp_path)
    add_person(catalogue, "ab3c", "smith-lab")
    return made


def take(site: Site, layout: str = "micromanager") -> None:
    """Import with a layout; nothing may be held or fail."""
    container = "{plate}" if layout == "micromanager-plate" else "{dataset}"
    rule = RuleSettings(match=(f"{{group}}/{{owner}}/{container}",), layout=layout, mark=MARK)
    summary = site.import_(settings=site.settings(rules=(rule,)))
    assert (summary.held, summary.failed) == (0, 0), (site.sightings(), site.rows("SELECT reason FROM job"))


def images(site: Site) -> list[tuple[Any, ...]]:
    """Give (name, c, z, t, files) of every image, by name."""
    query = (
        "SELECT name, size_c, size_z, size_t, (SELECT count(*) FROM original_file o WHERE o.fileset_id ="
        " image.fileset_id) AS files, is_partial FROM image ORDER BY name"
    )
    assert not any(row["is_partial"] for row in site.rows(query))
    return [tuple(row[key] for key in ("name", "size_c", "size_z", "size_t", "files")) for row in site.rows(query)]


def check_pixels(site: Site, name: str, position: int, places: list[tuple[int, int, int]]) -> None:
    image = site.rows("SELECT id FROM image WHERE name = :name", name=name)[0]["id"]
    with site.catalogue.reading() as connection:
        acting = resolve_acting(connection, "ab3c", now=START, writes_database=False)
        found = image_pixels(connection, acting, image)
    assert found is not None
    with opened_pixels(source_of(found, os.fsencode(site.root))) as opened:
        for c, z, t in places:
            np.testing.assert_array_equal(region(opened, c=c, z=z, t=t), pixels(position, (c, z, t)))


def test_each_position_is_an_image_with_its_own_planes(site: Site) -> None:
    Stacks(prefix="cells_1", labels=LABELS).write(site.root / FOLDER / "cells_1")
    take(site)
    assert images(site) == [(f"cells_1 {label}", 2, 2, 1, 1) for label in LABELS]
    for number, label in enumerate(LABELS):
        check_pixels(site, f"cells_1 {label}", number, [(0, 0, 0), (1, 1, 0)])
    assert [(row["name"], row["physical_size_z_um"]) for row in site.rows("SELECT * FROM image ORDER BY name")] == [
        (f"cells_1 {label}", 1.5) for label in LABELS
    ]
    named = "SELECT DISTINCT name FROM channel ORDER BY name"
    assert [row["name"] for row in site.rows(named)] == ["Cy5", "DAPI"]


def test_what_follows_a_full_file_belongs_to_its_position(site: Site) -> None:
    # The first file of each position is full after time point 0 and the first plane of time point 1.
    stacks = Stacks(prefix="cells_1", labels=LABELS, size_t=3, full_after=5)
    assert len(stacks.write(site.root / FOLDER / "cells_1")) == 9
    take(site)
    assert images(site) == [(f"cells_1 {label}", 2, 2, 3, 3) for label in LABELS]
    for number, label in enumerate(LABELS):
        check_pixels(site, f"cells_1 {label}", number, [(0, 0, 0), (0, 0, 1), (1, 0, 1), (1, 1, 2)])


def test_a_position_whose_neighbours_are_still_to_come_is_there_already(site: Site) -> None:
    stacks = Stacks(prefix="cells_1", labels=LABELS)
    stacks.write(site.root / FOLDER / "cells_1", [1])
    take(site)
    before = site.images()
    stacks.write(site.root / FOLDER / "cells_1", [0, 2])
    take(site)
    assert images(site) == [(f"cells_1 {label}", 2, 2, 1, 1) for label in LABELS]
    assert before[0] in site.images()


def test_positions_of_a_plate_are_its_wells_and_fields(site: Site) -> None:
    labels = ("A1-Site_0", "A1-Site_1", "B3-Site_0")
    Stacks(prefix="screen_1", labels=labels, size_t=2, full_after=4).write(site.root / FOLDER / "screen_1")
    take(site, "micromanager-plate")
    assert images(site) == [
        ("cells A1 field 0", 2, 2, 2, 2),
        ("cells A1 field 1", 2, 2, 2, 2),
        ("cells B3 field 0", 2, 2, 2, 2),
    ]
    check_pixels(site, "cells B3 field 0", 2, [(0, 0, 0), (1, 1, 1)])


@pytest.mark.parametrize(
    "name",
    ["img_channel{c:03d}_position{p:03d}_time{t:09d}_z{z:03d}.tif", "img_{t:09d}_{label}_{z:03d}.tif"],
)
def test_separate_images_of_a_position_are_one_image(site: Site, name: str) -> None:
    places = [(c, z, t) for c in range(2) for z in range(2) for t in range(2)]
    for position, label in enumerate(LABELS):
        folder = site.root / FOLDER / "cells_1" / label
        for c, z, t in places:
            single_image(folder / name.format(c=c, z=z, t=t, p=position, label=("Cy5", "DAPI")[c]), position, (c, z, t))
        notes = json.dumps({"Summary": Stacks(prefix="cells_1", labels=LABELS, channels=("Cy5", "DAPI")).summary()})
        # An acquisition that is under way: what follows the summary is not whole.
        (folder / "metadata.txt").write_text(notes[:-1] + ', "FrameKey-0-0-0": {"Width": 24, ')
    take(site)
    assert images(site) == [(f"cells_1 {label}", 2, 2, 2, 8) for label in LABELS]
    told = site.rows("SELECT DISTINCT physical_size_x_um, physical_size_z_um FROM image")
    assert [tuple(row.values()) for row in told] == [(0.325, 1.5)]
    query = "SELECT DISTINCT ordinal, name, color FROM channel ORDER BY ordinal"
    assert [tuple(row.values()) for row in site.rows(query)] == [(0, "Cy5", "#0000FF"), (1, "DAPI", "#FF00FF")]
    check_pixels(site, "cells_1 Pos1", 1, places)


def test_several_positions_in_one_file_are_called_by_their_labels(tmp_path: Path) -> None:
    first, second = Stacks(prefix="x", labels=("left", "right")).write(tmp_path)
    assert [image.name for image in read_path(first).images] == ["x"]
    assert read_path(second).outcome is Outcome.READ
    together = Stacks(prefix="x", labels=("left", "right")).write_together(tmp_path / "x_MMStack.ome.tif")
    assert [image.name for image in read_path(together).images] == ["left", "right"]
