"""Files whose names differ in channel, z and t are one image: as they come, clash, change and go. On both databases."""

import os
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from catalog.acting import resolve_acting
from catalog.engine import Catalogue
from catalog.queries.pixels import image_pixels
from config.settings import ChannelSettings, CompleteSettings
from ingest import one_file, reading_sets
from ingest.pixels import opened_pixels, region, source_of
from ingest.readers.protocol import Window
from ingest.set_images import OPEN_AT_MOST, SetImage
from tests.helpers.ingest_site import START, Site
from tests.helpers.planes import MATCH, folder_of, importing, plane, rule, site_of_planes, sizes, states


@pytest.fixture
def site(catalogue: Catalogue, tmp_path: Path) -> Site:
    return site_of_planes(catalogue, tmp_path)


def planes(site: Site) -> dict[tuple[int, int, int], str]:
    """Give the file names of all planes by (c, z, t)."""
    query = (
        "SELECT p.the_c, p.the_z, p.the_t, s.name FROM plane_location p"
        " JOIN sighting s ON s.original_file_id = p.original_file_id"
    )
    return {(row["the_c"], row["the_z"], row["the_t"]): bytes(row["name"]).decode() for row in site.rows(query)}


def test_planes_and_channels_are_one_image(site: Site) -> None:
    for z in (1, 2, 10):
        for channel in ("GFP", "DAPI"):
            plane(folder_of(site) / f"embryo_z{z}_c{channel}.tif", 100 * z)

    summary = importing(site)

    assert (summary.scanned, summary.held, summary.failed) == (6, 0, 0)
    assert sizes(site) == {"embryo": (2, 3, 1)}
    assert planes(site)[1, 2, 0] == "embryo_z10_cGFP.tif"
    names = site.rows("SELECT name FROM channel ORDER BY ordinal")
    assert [row["name"] for row in names] == ["DAPI", "GFP"]
    assert [row["hash"] is not None for row in site.rows("SELECT hash FROM original_file")] == [True] * 6
    assert site.rows("SELECT failure FROM thumbnail") == [{"failure": None}]
    assert {state for state, _ in site.sightings().values()} == {"member"}


def test_a_late_plane_comes_into_the_same_image_and_replaces_no_pixels(site: Site) -> None:
    for z in (1, 3):
        plane(folder_of(site) / f"embryo_z{z}_cGFP.tif", 100 * z)
    importing(site)
    image = site.images()[0]["id"]
    picture = site.rows("SELECT data FROM thumbnail")
    read_before = site.rows("SELECT id, read_as FROM original_file ORDER BY id")

    plane(folder_of(site) / "embryo_z2_cGFP.tif", 4000)
    summary = importing(site)

    assert (summary.imported, summary.updated) == (0, 1)
    assert [row["id"] for row in site.images()] == [image]
    assert sizes(site) == {"embryo": (1, 3, 1)}
    assert planes(site)[0, 1, 0] == "embryo_z2_cGFP.tif"
    assert site.rows("SELECT data FROM thumbnail") != picture
    assert site.rows("SELECT pixels_replaced_at AS at FROM image") == [{"at": None}]
    assert site.rows("SELECT generation FROM fileset") == [{"generation": 2}]
    assert site.rows("SELECT id, read_as FROM original_file ORDER BY id")[:2] == read_before


def test_a_late_plane_has_no_other_file_read_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for z in range(1, 21):
        plane(folder_of(site) / f"embryo_z{z}_cGFP.tif", z)
    importing(site)
    hashed: list[bytes] = []
    plain = one_file.file_record

    def noting(task: Any, path: bytes, opened: Any) -> Any:
        hashed.append(path)
        return plain(task, path, opened)

    monkeypatch.setattr(reading_sets, "file_record", noting)
    plane(folder_of(site) / "embryo_z21_cGFP.tif", 21)
    importing(site)

    assert [path.rpartition(b"/")[2] for path in hashed] == [b"embryo_z21_cGFP.tif"]
    assert sizes(site) == {"embryo": (1, 21, 1)}


def test_a_missing_combination_is_a_hole(site: Site) -> None:
    for name, value in (("z1_cDAPI", 1), ("z2_cDAPI", 2), ("z1_cGFP", 3)):
        plane(folder_of(site) / f"embryo_{name}.tif", value)

    importing(site)

    assert sizes(site) == {"embryo": (2, 2, 1)}
    assert sorted(planes(site)) == [(0, 0, 0), (0, 1, 0), (1, 0, 0)]
    assert site.rows("SELECT failure FROM thumbnail") == [{"failure": None}]


@pytest.mark.parametrize("order", [("z3", "z03"), ("z03", "z3")])
def test_of_two_files_for_one_place_the_first_in_natural_order_stays(site: Site, order: tuple[str, str]) -> None:
    plane(folder_of(site) / "embryo_z1_cGFP.tif", 7)
    slow = site.settings(rules=(rule(complete=CompleteSettings(settle=timedelta(hours=1))),))
    for name in order:
        plane(folder_of(site) / f"embryo_{name}_cGFP.tif", 1)
        site.import_(settings=slow, wait=False)

    importing(site)

    assert sizes(site) == {"embryo": (1, 2, 1)}
    held = {path.rpartition("/")[2]: reason for path, (kind, reason) in site.sightings().items() if kind == "held"}
    assert held == {"embryo_z3_cGFP.tif": "same channel GFP, z 3 as embryo_z03_cGFP.tif"}


def test_what_a_catalogued_image_was_made_of_stays_and_the_other_is_held(site: Site) -> None:
    plane(folder_of(site) / "embryo_z3_cGFP.tif", 1)
    importing(site)

    plane(folder_of(site) / "embryo_z03_cGFP.tif", 2)
    summary = importing(site)

    assert (summary.updated, summary.held) == (0, 1)
    assert planes(site) == {(0, 0, 0): "embryo_z3_cGFP.tif"}


def test_a_file_that_is_overwritten_replaces_pixels(site: Site) -> None:
    for z in (1, 2):
        plane(folder_of(site) / f"embryo_z{z}_cGFP.tif", 100 * z)
    importing(site)
    image = site.images()[0]["id"]

    plane(folder_of(site) / "embryo_z1_cGFP.tif", 900)
    summary = importing(site)

    assert summary.updated == 1
    assert [row["id"] for row in site.images()] == [image]
    assert site.rows("SELECT pixels_replaced_at AS at FROM image")[0]["at"] is not None


def test_a_plane_that_is_gone_leaves_the_image_and_comes_back(site: Site) -> None:
    kept = {z: plane(folder_of(site) / f"embryo_z{z}_cGFP.tif", 100 * z) for z in (1, 2, 3)}
    importing(site)
    away = kept[2].rename(site.state / "away.tif")

    importing(site)
    assert sizes(site) == {"embryo": (1, 3, 1)}
    assert states(site) == {"imported": 2, "missing": 1}
    shutil.copyfile(away, kept[2])
    importing(site)

    assert states(site) == {"imported": 3}
    assert len(planes(site)) == 3


def test_folders_that_hold_a_dimension_are_left_out_and_name_no_image(site: Site) -> None:
    match = "{group}/{owner}/{project}/**/TimePoint_{t}/z{z}.tif"
    for t, z in ((1, 1), (1, 2), (2, 1), (10, 1)):
        plane(folder_of(site) / f"run 1/TimePoint_{t}/z{z}.tif", 10 * t + z)

    importing(site, rule(match))

    assert sizes(site) == {"run 1": (1, 2, 3)}
    assert len(planes(site)) == 4


def test_a_projection_beside_its_stack_is_named_without_z_whichever_comes_first(site: Site) -> None:
    both = rule((MATCH, "{group}/{owner}/{project}/{image}_c{channel:DAPI|GFP}.tif"))
    plane(folder_of(site) / "embryo_cGFP.tif", 9)
    plane(folder_of(site) / "worm_z1_cGFP.tif", 9)
    importing(site, both)
    plane(folder_of(site) / "embryo_z1_cGFP.tif", 1)
    plane(folder_of(site) / "worm_cGFP.tif", 9)

    importing(site, both)

    assert sorted(sizes(site)) == ["embryo", "embryo without z", "worm", "worm without z"]


def test_channels_are_named_coloured_and_ordered_by_the_rule(site: Site) -> None:
    named = {"2": ChannelSettings(name="actin", color="#FF0000"), "1": ChannelSettings(name="nuclei")}
    for channel in ("01", "02", "03"):
        plane(folder_of(site) / f"embryo_w{channel}.tif", int(channel))

    importing(site, rule("{group}/{owner}/{project}/{image}_w{channel:int}.tif", channels=named))

    rows = site.rows("SELECT name, color FROM channel ORDER BY ordinal")
    assert rows == [
        {"name": "actin", "color": "#FF0000"},
        {"name": "nuclei", "color": None},
        {"name": None, "color": None},
    ]
    assert planes(site)[0, 0, 0] == "embryo_w02.tif"


def test_fields_and_tiles_are_images_of_their_own(site: Site) -> None:
    for field, tile, z in ((1, 1, 1), (1, 1, 2), (1, 2, 1), (2, 1, 1)):
        plane(folder_of(site) / f"x_s{field}_t{tile}_z{z}.tif", field)

    importing(site, rule("{group}/{owner}/{project}/{image}_s{field}_t{tile}_z{z}.tif"))

    assert sorted(sizes(site)) == ["x field 1 tile 1", "x field 1 tile 2", "x field 2 tile 1"]


def test_without_a_dimension_each_file_is_an_image(site: Site) -> None:
    for name in ("a_z1", "a_z2"):
        plane(folder_of(site) / f"{name}.tif", 1)

    importing(site, rule("{group}/{owner}/{project}/{image}.tif"))

    assert sorted(sizes(site)) == ["a_z1", "a_z2"]


def test_a_broken_plane_is_named_and_the_image_comes_when_it_is_mended(site: Site) -> None:
    plane(folder_of(site) / "embryo_z1_cGFP.tif", 1)
    broken = plane(folder_of(site) / "embryo_z2_cGFP.tif", 2)
    whole = broken.read_bytes()
    broken.write_bytes(whole[:100])

    importing(site)
    assert sizes(site) == {}
    reason = site.rows("SELECT reason FROM job")[0]["reason"]
    assert reason.startswith("incomplete: embryo_z2_cGFP.tif: ")
    broken.write_bytes(whole)
    importing(site)

    assert sizes(site) == {"embryo": (1, 2, 1)}


def test_files_of_different_sizes_are_no_image(site: Site) -> None:
    plane(folder_of(site) / "embryo_z1_cGFP.tif", 1)
    plane(folder_of(site) / "embryo_z2_cGFP.tif", 2, size=32)

    importing(site)

    reason = site.rows("SELECT reason FROM job")[0]["reason"]
    assert reason == "embryo_z2_cGFP.tif does not fit to embryo_z1_cGFP.tif: it is 32 x 32 px, not 24 x 24"


def test_planes_inside_the_files_count_along_the_other_axes(site: Site) -> None:
    for channel in ("DAPI", "GFP"):
        plane(folder_of(site) / f"embryo_{channel}.tif", 1, pages=4)

    importing(site, rule("{group}/{owner}/{project}/{image}_{channel:DAPI|GFP}.tif"))

    assert sizes(site) == {"embryo": (2, 1, 4)}
    assert len(planes(site)) == 8


@pytest.mark.parametrize(("is_said", "found"), [(False, (2, 4, 3)), (True, (2, 1, 12))])
def test_pages_about_which_nothing_is_said_are_planes_where_names_tell_the_time(
    site: Site, is_said: bool, found: tuple[int, int, int]
) -> None:
    for channel in ("DAPI", "GFP"):
        for t in (1, 2, 3):
            path = plane(folder_of(site) / f"embryo_t{t}_{channel}.tif", t, pages=4)
            if is_said:
                tifffile.imwrite(path, tifffile.imread(path), imagej=True, metadata={"axes": "TYX"})

    importing(site, rule("{group}/{owner}/{project}/{image}_t{t}_{channel:DAPI|GFP}.tif"))

    assert sizes(site) == {"embryo": found}
    assert len(planes(site)) == 24


def test_any_region_of_any_plane_is_given_with_few_files_open_and_holes_are_empty(site: Site) -> None:
    for z in range(1, 31):
        plane(folder_of(site) / f"embryo_z{z}_cGFP.tif", z)
    plane(folder_of(site) / "embryo_z7_cDAPI.tif", 99)
    importing(site)
    with site.catalogue.reading() as connection:
        found = image_pixels(
            connection, resolve_acting(connection, "ab3c", now=START, writes_database=False), site.images()[0]["id"]
        )
    assert found is not None

    with opened_pixels(source_of(found, os.fsencode(site.root))) as image:
        assert isinstance(image, SetImage)
        assert (image.record.size_c, image.record.size_z, image.record.pixels_type) == (2, 30, "uint16")
        for z in (0, 6, 29, 6):
            whole = tifffile.imread(folder_of(site) / f"embryo_z{z + 1}_cGFP.tif")
            window = Window(top=3, left=5, bottom=20, right=24)
            np.testing.assert_array_equal(region(image, c=1, z=z, window=window), whole[3:20, 5:24])
        hole = region(image, c=0, z=0)
        np.testing.assert_array_equal(hole, np.zeros((24, 24), np.uint16), strict=True)
        for z in range(30):
            region(image, c=1, z=z)
        assert image.files.open_count <= OPEN_AT_MOST


def test_a_folder_with_its_planes_is_renamed_and_the_image_stays(site: Site) -> None:
    for z in (1, 2, 3):
        plane(folder_of(site) / f"old/embryo_z{z}_cGFP.tif", z)
    match = "{group}/{owner}/{project}/{dataset}/{image}_z{z}_c{channel:DAPI|GFP}.tif"
    importing(site, rule(match))
    image = site.images()[0]["id"]
    (folder_of(site) / "old").rename(folder_of(site) / "new")

    summary = importing(site, rule(match))

    assert (summary.imported, summary.updated) == (0, 0)
    assert [row["id"] for row in site.images()] == [image]
    assert states(site) == {"imported": 3}
    links = "SELECT d.name FROM dataset d JOIN dataset_image_link l ON l.dataset_id = d.id"
    assert site.rows(links) == [{"name": "new"}]
    plane(folder_of(site) / "new/embryo_z4_cGFP.tif", 4)
    importing(site, rule(match))
    assert [row["id"] for row in site.images()] == [image]
    assert sizes(site) == {"embryo": (1, 4, 1)}


def test_changed_rules_join_and_split_nothing_that_is_catalogued(site: Site) -> None:
    for z in (1, 2):
        plane(folder_of(site) / f"embryo_z{z}_cGFP.tif", z)
        plane(folder_of(site) / f"worm_{z}.tif", z)
    importing(site, rule(), rule("{group}/{owner}/{project}/{image}.tif"))
    before = sizes(site)
    plane(folder_of(site) / "embryo_z3_cGFP.tif", 3)
    plane(folder_of(site) / "worm_3.tif", 3)
    only_z = rule("{group}/{owner}/{project}/{image}_z{z}_*.tif")

    summary = importing(site, only_z, rule("{group}/{owner}/{project}/{image}_{t:int}.tif"))

    assert (summary.held, summary.imported, summary.updated) == (2, 0, 0)
    assert sizes(site) == before
    reasons = [reason for kind, reason in site.sightings().values() if kind == "held"]
    assert sorted(reason or "" for reason in reasons) == [
        f"the rules now put it into one image with '{name}', catalogued as '{image}'; `coverslip apply` joins them"
        for name, image in (("embryo_z1_cGFP.tif", "embryo"), ("worm_1.tif", "worm_1"))
    ]


def test_the_one_that_was_held_takes_the_place_of_one_that_is_gone(site: Site) -> None:
    first = plane(folder_of(site) / "embryo_z3_cGFP.tif", 1)
    importing(site)
    plane(folder_of(site) / "embryo_z03_cGFP.tif", 2)
    importing(site)
    first.rename(site.state / "away.tif")

    importing(site)
    importing(site)

    assert planes(site) == {(0, 0, 0): "embryo_z03_cGFP.tif"}
    assert states(site) == {"imported": 1, "missing": 1}


def test_who_has_a_place_is_found_by_an_index(site: Site) -> None:
    if site.catalogue.is_postgresql:
        pytest.skip("SQLite's plan is what is read here; PostgreSQL chooses by the tables' sizes")
    query = "EXPLAIN QUERY PLAN SELECT name FROM sighting WHERE fileset_id = 1 AND captured IN ('a', 'b')"
    assert "ix_sighting_fileset_id_captured" in site.rows(query)[0]["detail"]
