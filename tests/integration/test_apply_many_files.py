"""`apply` about images of many files: later files find them by the new rules, other groupings merge and divide."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from catalog.engine import Catalogue
from catalog.errors import NotFound
from catalog.models.ingest import Fileset
from catalog.queries.show import show
from catalog.references import ObjectReference
from config.settings import ChannelSettings
from ingest.accounts import MachineAccounts
from ingest.listing import Entry
from ingest.planning import looks
from tests.helpers.accounts import FixedAccounts
from tests.helpers.ingest_site import Site, add_person, write_tiff
from tests.helpers.invariants import violations
from tests.helpers.planning import administrator, applied, planned, ruled, undone
from tests.helpers.program import wait_until

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


def test_what_a_new_file_would_join_is_found_among_any_number_of_names_and_in_the_folders_beside_it(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    site = Site(catalogue, tmp_path)
    add_person(catalogue, "ab3c", "smith-lab")
    cells = site.root / "smith-lab/ab3c/cells"
    for name in ("1_a", *(f"1_b{number:02}" for number in range(30))):
        write_tiff(cells / f"{name}.tif")
    write_tiff(cells / "t1/film.tif")
    single = "{group}/{owner}/{project}/**/{image}.tif"
    site.import_(settings=ruled(site, single))
    of_folders, of_names = "{group}/{owner}/{project}/t{t}/{image}.tif", "{group}/{owner}/{project}/{z}_{image}.tif"
    write_tiff(cells / "2_a.tif", value=2)
    write_tiff(cells / "t2/film.tif", value=2)
    write_tiff(cells / "t2/other.tif", value=3)

    assert site.import_(settings=ruled(site, of_folders, of_names, single)).held == 2

    held = {path: reason or "" for path, (state, reason) in site.sightings().items() if state == "held"}
    assert "into one image with '1_a.tif'" in held["smith-lab/ab3c/cells/2_a.tif"]
    assert "into one image with 'film.tif'" in held["smith-lab/ab3c/cells/t2/film.tif"]


SINGLE = "{group}/{owner}/{project}/{image}.tif"


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


def written_by_another(monkeypatch: pytest.MonkeyPatch, name: bytes) -> None:
    """Let one file belong to the account of another person, for the eyes of `plan` and `apply`."""

    def seen(root: int, paths: Sequence[bytes]) -> dict[bytes, Entry | None]:
        found = looks(root, paths)
        return {path: one and (one._replace(uid=1002) if one.name == name else one) for path, one in found.items()}

    for module in ("regroup_plan", "plan_changes", "planning"):
        monkeypatch.setattr(f"ingest.{module}.looks", seen)
    monkeypatch.setattr(MachineAccounts, "login_of", lambda _, uid: "cd4e" if uid == 1002 else None)


def test_an_image_is_not_filed_anew_while_somebody_else_wrote_one_of_its_files(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_person(site.catalogue, "cd4e", "smith-lab")
    before = site.dump()["fileset"]
    written_by_another(monkeypatch, b"a_c2.tif")
    new = ruled(site, "{group}/{owner}/{dataset}/{image}_c{channel}.tif")

    (change,) = planned(site, new).document.change

    assert change.kept == {
        "grouped otherwise": "'a_c2.tif' would have no place: the file was written by 'cd4e' and lies where data of"
        " 'ab3c' lies"
    }
    assert applied(site, new, force=True, change_owners=True).done == 0
    assert site.dump()["fileset"] == before


def test_each_plane_that_comes_is_judged_by_who_wrote_it(catalogue: Catalogue, tmp_path: Path) -> None:
    site = Site(catalogue, tmp_path)
    add_person(catalogue, "ab3c", "smith-lab")
    add_person(catalogue, "cd4e", "smith-lab")
    write_tiff(site.root / "smith-lab/ab3c/cells/a_c1.tif", value=1)
    site.import_(settings=ruled(site, CHANNELS))
    write_tiff(site.root / "smith-lab/ab3c/cells/a_c2.tif", value=2)

    assert site.import_(settings=ruled(site, CHANNELS), accounts=FixedAccounts(logins={os.getuid(): "cd4e"})).held == 1

    assert "written by 'cd4e'" in (site.sightings()["smith-lab/ab3c/cells/a_c2.tif"][1] or "")
    assert [row["size_c"] for row in site.rows(WHERE)] == [1]


def test_channels_that_the_rules_name_colour_and_order_otherwise_are_drawn_again(site: Site) -> None:
    channels = "SELECT ordinal, name, color FROM channel ORDER BY ordinal"
    before, images = site.rows(channels), site.rows("SELECT id, name, pixels_replaced_at FROM image")
    (picture,) = site.rows("SELECT data FROM thumbnail")
    named = {"2": ChannelSettings(name="GFP", color="#FFFF00"), "1": ChannelSettings(name="DAPI", color="#FF0000")}
    new, old = ruled(site, CHANNELS, channels=named), ruled(site, CHANNELS)

    assert planned(site, new).document.change[0].kinds == ("channels",)
    assert applied(site, new).done == 1
    site.import_(settings=new)

    assert [(row["name"], row["color"]) for row in site.rows(channels)] == [("GFP", "#FFFF00"), ("DAPI", "#FF0000")]
    assert site.rows("SELECT data FROM thumbnail") != [picture]
    assert site.rows("SELECT id, name, pixels_replaced_at FROM image") == images
    assert planned(site, new).document.change == ()

    assert undone(site).left == ()
    site.import_(settings=old)
    assert site.rows(channels) == before
    assert site.rows("SELECT data FROM thumbnail") == [picture]


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


def test_a_daemon_takes_in_what_waited_for_apply(site: Site) -> None:
    new = ruled(site, CHANNELS.replace("{channel}", "{channel:int}"))
    write_tiff(site.root / "smith-lab/ab3c/cells/a_c3.tif", value=3)
    with site.running(settings=new) as loop:
        wait_until(lambda: site.sightings().get("smith-lab/ab3c/cells/a_c3.tif", ("", None))[0] == "held")
        assert applied(site, new).done == 1
        loop.wake()
        wait_until(lambda: site.rows(WHERE)[0]["size_c"] == 3)
    assert len(site.rows(WHERE)) == 1


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
