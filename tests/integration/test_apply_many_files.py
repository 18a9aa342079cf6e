"""`apply` about images of many files that stay one: filed and read anew, found by files that come later."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from catalog.engine import Catalogue
from config.settings import ChannelSettings
from ingest.accounts import MachineAccounts
from ingest.listing import Entry
from ingest.planning import looks
from tests.helpers.accounts import FixedAccounts
from tests.helpers.channel_files import CHANNELS, WHERE, two_channels
from tests.helpers.ingest_site import Site, add_person, write_tiff
from tests.helpers.planning import applied, planned, ruled, undone
from tests.helpers.program import wait_until


@pytest.fixture
def site(catalogue: Catalogue, tmp_path: Path) -> Site:
    return two_channels(catalogue, tmp_path)


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

    plan = planned(site, new)
    assert plan.document.change[0].kinds == ("joined by later files",)
    ((why, where),) = plan.builder.tallies["change"].groups
    assert (why, where) == (
        "files of these images that come later can join them (until `coverslip apply` those are held)",
        "images in cells / cells",
    )
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


def test_a_daemon_takes_in_what_waited_for_apply(site: Site) -> None:
    new = ruled(site, CHANNELS.replace("{channel}", "{channel:int}"))
    write_tiff(site.root / "smith-lab/ab3c/cells/a_c3.tif", value=3)
    with site.running(settings=new) as loop:
        wait_until(lambda: site.sightings().get("smith-lab/ab3c/cells/a_c3.tif", ("", None))[0] == "held")
        assert applied(site, new).done == 1
        loop.wake()
        wait_until(lambda: site.rows(WHERE)[0]["size_c"] == 3)
    assert len(site.rows(WHERE)) == 1


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
