"""`apply` about images of many files: later files find them by the new rules, other groupings are listed and stay."""

from pathlib import Path

import pytest

from catalog.engine import Catalogue
from tests.helpers.ingest_site import Site, add_person, write_tiff
from tests.helpers.planning import applied, planned, ruled, undone

CHANNELS = "{group}/{owner}/{project}/{image}_c{channel}.tif"
WHERE = (
    "SELECT image.id, image.name, image.size_c, dataset.name AS dataset FROM image"
    " LEFT JOIN dataset_image_link ON dataset_image_link.image_id = image.id"
    " LEFT JOIN dataset ON dataset.id = dataset_image_link.dataset_id ORDER BY image.id"
)


@pytest.fixture
def site(catalogue: Catalogue, tmp_path: Path) -> Site:
    made = Site(catalogue, tmp_path)
    add_person(catalogue, "ab3c", "smith-lab")
    for channel in (1, 2):
        write_tiff(made.root / f"smith-lab/ab3c/cells/a_c{channel}.tif", value=channel)
    made.import_(settings=ruled(made, CHANNELS))
    return made


def test_an_image_of_many_files_is_filed_anew_and_found_by_files_that_come_later(site: Site) -> None:
    (before,) = site.rows(WHERE)
    assert (before["name"], before["size_c"]) == ("a", 2)
    new = ruled(site, "nothing", CHANNELS.replace("{project}", "{dataset}"))

    assert applied(site, new).done == 1

    (after,) = site.rows(WHERE)
    assert after == before | {"dataset": "cells"}
    write_tiff(site.root / "smith-lab/ab3c/cells/a_c3.tif", value=3)
    site.import_(settings=new)
    assert site.rows(WHERE) == [after | {"size_c": 3}]
    assert planned(site, new).document.change == ()


def test_a_rule_that_only_got_another_number_finds_its_images_before_any_apply(site: Site) -> None:
    (before,) = site.rows(WHERE)
    new = ruled(site, "nothing", CHANNELS)
    write_tiff(site.root / "smith-lab/ab3c/cells/a_c3.tif", value=3)

    assert planned(site, new).document.change == ()
    assert site.import_(settings=new).updated == 1

    assert site.rows(WHERE) == [before | {"size_c": 3}]
    assert applied(site, new).done == 0


def test_a_rule_written_otherwise_is_followed_and_taken_back(site: Site) -> None:
    keys = site.rows("SELECT key FROM fileset")
    new = ruled(site, CHANNELS.replace("{channel}", "{channel:int}"))

    assert planned(site, new).document.change[0].kinds == ("joined by later files",)
    assert applied(site, new).done == 1
    assert site.rows("SELECT key FROM fileset") != keys
    assert undone(site).done == 1
    assert site.rows("SELECT key FROM fileset") == keys


def test_a_plane_that_comes_before_the_apply_of_a_rule_written_otherwise_waits_for_it(site: Site) -> None:
    (before,) = site.rows(WHERE)
    new = ruled(site, CHANNELS.replace("{channel}", "{channel:int}"))
    path = write_tiff(site.root / "smith-lab/ab3c/cells/a_c3.tif", value=3)

    assert site.import_(settings=new).held == 1
    assert "`coverslip apply` joins them" in (site.sightings()[str(path.relative_to(site.root))][1] or "")

    assert applied(site, new).done == 1
    site.import_(settings=new)
    assert site.rows(WHERE) == [before | {"size_c": 3}]


@pytest.mark.parametrize(
    ("match", "why"),
    [
        ("{group}/{owner}/{project}/{image}.tif", "each of its files an image of its own"),
        ("{group}/{owner}/{project}/{image}_c{z}.tif", "read them as other planes"),
        ("{group}/{owner}/{project}/{image}_{:text}{t}.tif", "read them as other planes"),
        ("{group}/{owner}/{project}/{image}_{channel}.tif", "read them as other planes"),
    ],
)
def test_other_groupings_are_listed_and_stay(site: Site, match: str, why: str) -> None:
    before = site.dump()["fileset"], site.rows(WHERE)
    new = ruled(site, match)

    (change,) = planned(site, new).document.change
    outcome = applied(site, new)

    assert list(change.kept) == ["grouped otherwise"]
    assert why in change.kept["grouped otherwise"]
    assert (outcome.done, outcome.problems) == (0, [])
    assert (site.dump()["fileset"], site.rows(WHERE)) == before


def test_files_that_the_rules_would_join_now_are_listed_and_stay(site: Site) -> None:
    for number in (1, 2):
        write_tiff(site.root / f"smith-lab/ab3c/other/b_c{number}.tif", value=10 + number)
    single = ruled(site, CHANNELS.replace("{project}", "cells"), "{group}/{owner}/{project}/{image}.tif")
    site.import_(settings=single)
    assert len(site.rows(WHERE)) == 3

    change = planned(site, ruled(site, CHANNELS)).document.change

    assert sorted((row.before.image, tuple(row.kept)) for row in change) == [
        ("b_c1", ("grouped otherwise",)),
        ("b_c2", ("grouped otherwise",)),
    ]
