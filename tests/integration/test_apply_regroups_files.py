"""`apply` where names group files otherwise: images that become one, images that become several, taken back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from catalog.engine import Catalogue
from catalog.errors import NotFound
from catalog.models.ingest import Fileset
from catalog.queries.show import show
from catalog.references import ObjectReference
from tests.helpers.channel_files import CHANNELS, SINGLE, WHERE, two_channels
from tests.helpers.ingest_site import Site, add_person, write_tiff
from tests.helpers.invariants import violations
from tests.helpers.notes import note, tags
from tests.helpers.planning import administrator, applied, planned, ruled, undone


@pytest.fixture
def site(catalogue: Catalogue, tmp_path: Path) -> Site:
    return two_channels(catalogue, tmp_path)


def placements(site: Site) -> dict[int, Any]:
    """Give how filesets are placed, by id."""
    with site.catalogue.reading() as connection:
        return {row.id: row.placement for row in connection.execute(select(Fileset.id, Fileset.placement))}


def shown(site: Site, image_id: int) -> str:
    with site.catalogue.reading() as connection, pytest.raises(NotFound) as told:
        show(connection, administrator(site), ObjectReference(type="image", id=image_id))
    return str(told.value)


@pytest.fixture
def singles(catalogue: Catalogue, tmp_path: Path) -> Site:
    """Give four planes of one image, each catalogued as an image; people noted something on the third and fourth."""
    made = Site(catalogue, tmp_path)
    add_person(catalogue, "ab3c", "smith-lab")
    for channel in (1, 2, 3, 4):
        write_tiff(made.root / f"smith-lab/ab3c/cells/a_c{channel}.tif", value=channel)
    made.import_(settings=ruled(made, SINGLE))
    ids = {row["name"]: row["id"] for row in made.rows(WHERE)}
    note(made, ids["a_c3"], "good")
    note(made, ids["a_c4"], "good")
    note(made, ids["a_c4"], "bright")
    return made


def test_images_that_the_rules_join_are_merged_into_the_oldest_that_people_noted_something_on(singles: Site) -> None:
    ids = {row["name"]: row["id"] for row in singles.rows(WHERE)}
    pictures = singles.rows("SELECT data FROM thumbnail WHERE image_id = :id", id=ids["a_c3"])
    kept = min(ids["a_c3"], ids["a_c4"])
    gone = sorted(set(ids.values()) - {kept})
    new = ruled(singles, CHANNELS)

    assert planned(singles, new).document.summary.to_do == 4
    outcome = applied(singles, new)

    assert (outcome.done, outcome.problems) == (4, [])
    (row,) = singles.rows("SELECT id, name, size_c, pixels_replaced_at FROM image")
    assert (row["id"], row["name"], row["size_c"]) == (kept, "a", 1)
    assert row["pixels_replaced_at"] is not None
    assert len(singles.rows("SELECT data FROM thumbnail WHERE data IS NOT NULL")) == len(pictures)
    assert tags(singles) == [("bright", kept), ("good", kept)]
    assert (
        shown(singles, gone[0]) == f"there is no image:{gone[0]} any more: changed rules made it a part of image:{kept}"
    )

    assert singles.import_(settings=new).updated == 4
    assert [(row["id"], row["name"], row["size_c"]) for row in singles.rows(WHERE)] == [(kept, "a", 4)]
    assert planned(singles, new).document.change == ()
    assert applied(singles, new).done == 0
    before = singles.dump()
    assert singles.import_(settings=new).updated == 0
    assert singles.dump()["image"] == before["image"]


def test_a_merge_is_taken_back_until_the_files_were_read_so(singles: Site) -> None:
    old, new = ruled(singles, SINGLE), ruled(singles, CHANNELS)
    before, noted = singles.rows(WHERE), tags(singles)
    keys = singles.rows("SELECT id, key, grouping FROM fileset ORDER BY id")
    documents = placements(singles)
    applied(singles, new)

    assert undone(singles).left == ()

    assert singles.rows(WHERE) == before
    assert tags(singles) == noted
    assert singles.rows("SELECT id, key, grouping FROM fileset ORDER BY id") == keys
    assert placements(singles) == documents
    singles.import_(settings=old)
    assert singles.rows(WHERE) == before
    assert singles.rows("SELECT 1 FROM thumbnail WHERE failure IS NOT NULL") == []

    applied(singles, new)
    singles.import_(settings=new)
    left = undone(singles).left
    assert [one for one in left if "were read since" not in one] == []
    assert len(left) == 1
    assert len(singles.rows(WHERE)) == 1


def test_a_merge_that_was_killed_anywhere_is_finished_by_the_next_apply(
    singles: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.regroup_apply.FILESETS_AT_ONCE", 1)
    new = ruled(singles, CHANNELS)
    kills = 0
    for steps in range(1, 10):
        left = iter(range(steps))

        def between(left: Iterator[int] = left) -> None:
            if next(left, None) is None:
                raise InterruptedError

        try:
            applied(singles, new, between=between)
        except InterruptedError:
            kills += 1
            assert violations(singles.catalogue, {"confocal": singles.root}) == []
        else:
            break

    assert kills
    singles.import_(settings=new)
    assert [(row["name"], row["size_c"]) for row in singles.rows(WHERE)] == [("a", 4)]
    assert {text for text, _ in tags(singles)} == {"bright", "good"}


def test_an_image_whose_files_the_rules_part_keeps_its_id_for_the_first_and_the_others_are_new(site: Site) -> None:
    (before,) = site.rows(WHERE)
    note(site, before["id"], "good")
    keys, documents = site.rows("SELECT id, key, grouping FROM fileset"), placements(site)
    old, new = ruled(site, CHANNELS), ruled(site, SINGLE)

    assert planned(site, new).document.change[0].kinds == (
        "divided into several images",
        "grouped otherwise",
        "renamed",
    )
    assert applied(site, new).done == 1
    assert undone(site).left == ()
    assert site.rows("SELECT id, key, grouping FROM fileset") == keys
    assert placements(site) == documents
    assert violations(site.catalogue, {"confocal": site.root}) == []
    site.import_(settings=old)
    assert site.rows(WHERE) == [before]

    applied(site, new)
    assert violations(site.catalogue, {"confocal": site.root}) == []
    site.import_(settings=new)
    assert [(row["name"], row["size_c"]) for row in site.rows(WHERE)] == [("a_c1", 1), ("a_c2", 1)]
    assert site.rows(WHERE)[0]["id"] == before["id"]
    assert tags(site) == [("good", before["id"])]
    assert site.rows("SELECT 1 FROM plane_location") == []

    applied(site, old)
    site.import_(settings=old)
    assert site.rows(WHERE) == [before]


def test_files_that_are_read_as_other_planes_are_read_again(site: Site) -> None:
    (before,) = site.rows(WHERE)
    new = ruled(site, "{group}/{owner}/{project}/{image}_c{z}.tif")

    assert applied(site, new).done == 1
    site.import_(settings=new)

    assert site.rows("SELECT id, size_c, size_z FROM image") == [{"id": before["id"], "size_c": 1, "size_z": 2}]
    assert planned(site, new).document.change == ()


def test_what_came_by_the_new_rules_meanwhile_is_merged_with_what_was_there(site: Site) -> None:
    (before,) = site.rows(WHERE)
    new = ruled(site, "{group}/{owner}/[{:path}/]{image}_c{channel}.tif", set={"dataset": "all"})
    write_tiff(site.root / "smith-lab/ab3c/a_c3.tif", value=3)
    write_tiff(site.root / "smith-lab/ab3c/cells/a_c4.tif", value=4)
    site.import_(settings=new)

    assert applied(site, new).problems == []
    site.import_(settings=new)

    found = [(row["id"], row["size_c"], row["dataset"]) for row in site.rows(WHERE)]
    assert found[0] == (before["id"], 3, "all")


def test_what_a_person_moved_is_merged_only_where_that_is_forced(singles: Site) -> None:
    rows = singles.rows(WHERE)
    new = ruled(singles, CHANNELS)
    with singles.catalogue.writing() as connection:
        connection.execute(text("DELETE FROM dataset_image_link WHERE image_id = :id"), {"id": rows[0]["id"]})

    (change, *_) = planned(singles, new).document.change
    assert change.kept == {"grouped otherwise": "moved by hand"}
    assert applied(singles, new).done == 0
    assert len(singles.rows(WHERE)) == 4

    assert applied(singles, new, force=True).done == 4
    singles.import_(settings=new)
    assert [(row["name"], row["size_c"], row["dataset"]) for row in singles.rows(WHERE)] == [("a", 4, "cells")]


def test_images_of_datasets_become_fields_of_a_plate_and_back_with_their_notes(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    site = Site(catalogue, tmp_path)
    add_person(catalogue, "ab3c", "smith-lab")
    for well in ("A01", "B02"):
        for channel in (1, 2):
            write_tiff(site.root / f"smith-lab/ab3c/P1/{well}_c{channel}.tif", value=10 * channel + ord(well[0]))
    single, plate = ruled(site, SINGLE), ruled(site, "{group}/{owner}/{plate}/{well}_c{channel}.tif")
    site.import_(settings=single)
    ids = {row["name"]: row["id"] for row in site.rows(WHERE)}
    note(site, ids["B02_c2"], "good")

    assert applied(site, plate).problems == []
    site.import_(settings=plate)

    wells = "SELECT image.id, size_c, well_id FROM image JOIN well_sample ON image_id = image.id ORDER BY image.id"
    kept = sorted([min(ids["A01_c1"], ids["A01_c2"]), ids["B02_c2"]])
    assert [(row["id"], row["size_c"]) for row in site.rows(wells)] == [(one, 2) for one in kept]
    assert len({row["well_id"] for row in site.rows(wells)}) == 2
    assert site.rows("SELECT * FROM dataset_image_link") == []
    assert planned(site, plate).document.change == ()

    assert applied(site, single).problems == []
    site.import_(settings=single)
    rows = site.rows(WHERE)
    assert sorted((row["name"], row["size_c"], row["dataset"]) for row in rows) == [
        (name, 1, "P1") for name in ("A01_c1", "A01_c2", "B02_c1", "B02_c2")
    ]
    assert set(kept) < {row["id"] for row in rows}
    assert tags(site) == [("good", ids["B02_c2"])]
    assert site.rows(wells) == []


def test_images_of_different_people_are_merged_only_where_owners_may_change(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    site = Site(catalogue, tmp_path)
    people = [add_person(catalogue, person, "smith-lab")[0] for person in ("ab3c", "cd4e")]
    for number, person in enumerate(("ab3c", "cd4e")):
        write_tiff(site.root / f"smith-lab/{person}/cells/a.tif", value=number)
    site.import_(settings=ruled(site, SINGLE))
    note(site, site.rows("SELECT id FROM image WHERE owner_id = :owner", owner=people[0])[0]["id"], "good")
    before = site.rows(WHERE), site.rows("SELECT id, owner_id, key FROM fileset ORDER BY id")
    new = ruled(site, "{group}/{channel}/{project}/{image}.tif", set={"owner": "cd4e"})

    assert [list(row.kept) for row in planned(site, new).document.change] == [["grouped otherwise"]] * 2
    assert {row.kept["grouped otherwise"] for row in planned(site, new).document.change} == {
        "the rules say another owner or group: only with `apply --change-owners`"
    }
    assert applied(site, new, force=True).done == 0
    assert (site.rows(WHERE), site.rows("SELECT id, owner_id, key FROM fileset ORDER BY id")) == before

    assert applied(site, new, change_owners=True).done == 2
    site.import_(settings=new)
    (image,) = site.rows("SELECT id, owner_id, size_c FROM image")
    assert (image["owner_id"], image["size_c"]) == (people[1], 2)
    assert tags(site) == [("good", image["id"])]
    assert site.rows("SELECT DISTINCT owner_id FROM fileset") == [{"owner_id": people[1]}]
    assert violations(site.catalogue, {"confocal": site.root}) == []


def test_an_image_changes_hands_and_is_divided_at_once_and_back(site: Site) -> None:
    other, _ = add_person(site.catalogue, "cd4e", "smith-lab")
    before = site.rows(WHERE), site.rows("SELECT id, owner_id, key FROM fileset ORDER BY id")
    new = ruled(site, SINGLE, set={"owner": "cd4e"})

    assert applied(site, new).done == 0
    assert applied(site, new, change_owners=True).done >= 1
    assert site.rows("SELECT DISTINCT owner_id FROM fileset") == [{"owner_id": other}]
    undone(site)
    assert (site.rows(WHERE), site.rows("SELECT id, owner_id, key FROM fileset ORDER BY id")) == before
