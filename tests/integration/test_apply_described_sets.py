"""`apply` about sets that describe themselves: images that become one, one that becomes several, at once or not at all.

What is held for it is told by `plan`; ids and notes stay as for images of many files.
"""

import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from catalog.engine import Catalogue
from config.settings import RuleSettings, Settings
from tests.helpers import tiff_dialect_files
from tests.helpers.described_sets import companion, part
from tests.helpers.ingest_site import MARK, Site, add_person
from tests.helpers.invariants import violations
from tests.helpers.notes import note, tags
from tests.helpers.planning import ALONE, applied, planned, undone
from tests.helpers.real_data import needed_data

FOLDER = "smith-lab/ab3c/cells"
PLAIN = RuleSettings(match=("{group}/{owner}/{project}/{image}.{ext}",), mark=MARK)
#: The planes are images, whatever describes them.
SKIPPED = RuleSettings(match=("**/*.companion.ome",), skip=True, mark=MARK)


def settings(site: Site, *rules: RuleSettings) -> Settings:
    return site.settings(people=ALONE, rules=rules)


@pytest.fixture
def site(catalogue: Catalogue, tmp_path: Path) -> Site:
    """Give three planes that are an image each, for their companion is skipped."""
    made = Site(catalogue, tmp_path)
    add_person(catalogue, "ab3c", "smith-lab")
    folder = made.root / FOLDER
    for number, name in enumerate("abc"):
        part(folder / f"{name}.tif", number)
    (folder / "x.companion.ome").write_bytes(companion(["a.tif", "b.tif", "c.tif"]))
    made.import_(settings=settings(made, SKIPPED, PLAIN))
    assert made.names() == ["a", "b", "c"]
    return made


def held_main(site: Site) -> str | None:
    disposition, reason = site.sightings()[f"{FOLDER}/x.companion.ome"]
    return reason if disposition == "held" else None


def stored(site: Site) -> list[Any]:
    """Give what `apply` and its undo must leave as it is, or bring back."""
    queries = (
        "SELECT id, name, fileset_id, owner_id, size_c FROM image ORDER BY id",
        "SELECT id, key, grouping, owner_id FROM fileset ORDER BY id",
        "SELECT name, disposition, fileset_id, reason_id FROM sighting ORDER BY name",
        "SELECT image_id, dataset_id FROM dataset_image_link ORDER BY 1, 2",
    )
    return [site.rows(query) for query in queries] + [tags(site)]


def ids(site: Site) -> dict[str, int]:
    return {row["name"]: row["id"] for row in site.images()}


def test_images_become_the_set_that_one_file_describes_and_are_images_again(site: Site) -> None:
    before = ids(site)
    note(site, before["b"], "good")
    joined, single = settings(site, PLAIN), settings(site, SKIPPED, PLAIN)
    site.import_(settings=joined)
    assert (
        held_main(site)
        == "it describes 'a.tif', which is catalogued as an image of its own; `coverslip apply` joins them"
    )

    document = planned(site, joined).document
    assert {(row.path.rpartition("/")[2], row.kinds) for row in document.change} == {
        ("a.tif", ("merged into another image",)),
        ("b.tif", ("grouped otherwise", "renamed")),
        ("c.tif", ("merged into another image",)),
    }
    assert [row.path.rpartition("/")[2] for row in document.held] == ["x.companion.ome"]
    assert document.add == ()
    assert applied(site, joined).problems == []
    site.import_(settings=joined)

    rows = site.rows("SELECT id, name, size_c FROM image")
    assert rows == [{"id": before["b"], "name": "x", "size_c": 3}]
    assert tags(site) == [("good", before["b"])]
    assert site.rows("SELECT grouping FROM fileset") == [{"grouping": "index"}]
    files = "SELECT s.name FROM original_file f JOIN sighting s ON s.original_file_id = f.id ORDER BY f.ordinal"
    assert bytes(site.rows(files)[0]["name"]) == b"x.companion.ome"
    assert site.rows("SELECT count(*) AS n FROM plane_location") == [{"n": 3}]
    assert planned(site, joined).document.change == ()
    assert violations(site.catalogue, {"confocal": site.root}) == []

    assert {kind for row in planned(site, single).document.change for kind in row.kinds} >= {
        "divided into several images"
    }
    assert applied(site, single).problems == []
    site.import_(settings=single)

    after = ids(site)
    assert after.keys() == before.keys()
    # The first keeps the id with what was noted; the file that described them is no image's.
    assert after["a"] == before["b"]
    assert tags(site) == [("good", after["a"])]
    assert site.rows("SELECT DISTINCT grouping FROM fileset") == [{"grouping": "file"}]
    assert site.sightings()[f"{FOLDER}/x.companion.ome"][0] == "skipped"
    assert site.rows("SELECT * FROM plane_location") == []
    assert planned(site, single).document.change == ()
    assert violations(site.catalogue, {"confocal": site.root}) == []


def test_both_ways_are_taken_back_until_the_files_were_read_so(site: Site) -> None:
    note(site, ids(site)["b"], "good")
    joined, single = settings(site, PLAIN), settings(site, SKIPPED, PLAIN)
    site.import_(settings=joined)
    before = stored(site)
    assert applied(site, joined).problems == []
    assert undone(site).left == ()
    assert stored(site) == before
    assert held_main(site) is not None

    assert applied(site, joined).problems == []
    site.import_(settings=joined)
    before = stored(site)
    assert applied(site, single).problems == []
    assert undone(site).left == ()
    assert stored(site) == before
    site.import_(settings=joined)
    assert site.rows("SELECT size_c FROM image") == [{"size_c": 3}]
    assert violations(site.catalogue, {"confocal": site.root}) == []


class KilledError(Exception):
    """Stands for the end of the process."""


@pytest.mark.parametrize("is_parted", [False, True])
def test_a_kill_leaves_the_images_or_the_set(site: Site, is_parted: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    joined, single = settings(site, PLAIN), settings(site, SKIPPED, PLAIN)
    site.import_(settings=joined)
    wanted = joined
    if is_parted:
        applied(site, joined)
        site.import_(settings=joined)
        wanted = single
    before = stored(site)

    def killed(*_: object, **__: object) -> None:
        raise KilledError

    name = "put_main_aside" if is_parted else "take_held_in"
    with monkeypatch.context() as patched:
        # It is the last that is written.
        patched.setattr(f"ingest.regroup_apply.{name}", killed)
        with pytest.raises(KilledError):
            applied(site, wanted)
    assert stored(site) == before

    assert applied(site, wanted).problems == []
    site.import_(settings=wanted)
    assert site.names() == (["a", "b", "c"] if is_parted else ["x"])
    assert violations(site.catalogue, {"confocal": site.root}) == []


def test_owners_change_with_it_only_where_that_is_asked_for(site: Site) -> None:
    other, _ = add_person(site.catalogue, "cd4e", "smith-lab")
    joined = settings(site, RuleSettings(match=PLAIN.match, set={"owner": "cd4e"}, mark=MARK))
    site.import_(settings=joined)
    before = stored(site)

    document = planned(site, joined).document
    assert {row.kept["grouped otherwise"] for row in document.change} == {
        "the rules say another owner or group: only with `apply --change-owners`"
    }
    assert applied(site, joined).done == 0
    assert stored(site) == before

    assert applied(site, joined, change_owners=True).problems == []
    site.import_(settings=joined)
    assert site.rows("SELECT DISTINCT owner_id, size_c FROM image") == [{"owner_id": other, "size_c": 3}]
    assert violations(site.catalogue, {"confocal": site.root}) == []


def test_a_set_stays_one_while_a_plane_of_it_has_no_place_of_its_own(site: Site) -> None:
    joined = settings(site, PLAIN)
    site.import_(settings=joined)
    applied(site, joined)
    site.import_(settings=joined)
    before = stored(site)
    no_c = RuleSettings(match=("**/c.tif",), skip=True, mark=MARK)
    single = settings(site, SKIPPED, no_c, PLAIN)

    (row,) = planned(site, single).document.change
    assert row.kept["grouped otherwise"].startswith("'c.tif' would have no place")
    assert applied(site, single).done == 0
    assert stored(site) == before


def test_one_plane_that_a_person_filed_keeps_all_as_they_are(site: Site) -> None:
    joined = settings(site, PLAIN)
    site.import_(settings=joined)
    with site.catalogue.writing() as connection:
        connection.execute(text("UPDATE fileset SET filed_by = 'hand' WHERE id = (SELECT min(id) FROM fileset)"))
    before = stored(site)

    assert {row.kept["grouped otherwise"] for row in planned(site, joined).document.change} == {"filed by hand"}
    assert applied(site, joined).done == 0
    assert stored(site) == before
    assert applied(site, joined, force=True).problems == []
    site.import_(settings=joined)
    assert site.names() == ["x"]


def test_a_plane_that_comes_while_the_set_is_held_belongs_to_it_after_the_apply(site: Site) -> None:
    joined = settings(site, PLAIN)
    folder = site.root / FOLDER
    (folder / "x.companion.ome").write_bytes(companion(["a.tif", "b.tif", "c.tif", "d.tif"]))
    site.import_(settings=joined)
    assert held_main(site) is not None
    part(folder / "d.tif", 4)

    assert applied(site, joined).problems == []
    site.import_(settings=joined)

    assert site.rows("SELECT name, size_c, is_partial FROM image") == [{"name": "x", "size_c": 4, "is_partial": False}]


def test_real_files_that_name_each_other_are_joined_and_parted_as_the_rule_lets_the_reader_tell(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    site = Site(catalogue, tmp_path)
    add_person(catalogue, "ab3c", "smith-lab")
    source = needed_data() / "made/bioformats-made/multifile_ct"
    shutil.copytree(source, site.root / FOLDER, copy_function=shutil.copyfile)
    by_names = settings(site, RuleSettings(match=PLAIN.match, by="names", mark=MARK))
    by_reader = settings(site, PLAIN)
    site.import_(settings=by_names)
    before = ids(site)
    assert len(before) == 6
    note(site, before["mitosis_T1_C0"], "good")

    # What a file names was of no account: it is read for that first.
    assert {row.kinds for row in planned(site, by_reader).document.change} == {("read for what it describes",)}
    assert applied(site, by_reader).problems == []
    site.import_(settings=by_reader)
    assert ids(site) == before
    assert tags(site) == [("good", before["mitosis_T1_C0"])]
    assert site.rows("SELECT DISTINCT pixels_replaced_at AS at FROM image") == [{"at": None}]

    assert applied(site, by_reader).problems == []
    site.import_(settings=by_reader)
    rows = site.rows("SELECT id, name, size_c, size_z, size_t FROM image")
    kept = {"id": before["mitosis_T1_C0"], "name": "mitosis_T0_C0"}
    assert rows == [kept | {"size_c": 2, "size_z": 5, "size_t": 3}]
    assert planned(site, by_reader).document.change == ()
    assert violations(site.catalogue, {"confocal": site.root}) == []

    assert applied(site, by_names).problems == []
    site.import_(settings=by_names)
    assert ids(site).keys() == before.keys()
    assert ids(site)["mitosis_T0_C0"] == before["mitosis_T1_C0"]
    assert planned(site, by_names).document.change == ()
    assert violations(site.catalogue, {"confocal": site.root}) == []


def test_a_plane_of_somebody_else_that_no_rule_places_any_more_changes_no_hands(site: Site) -> None:
    """What only a file says of another one is no word about whose that is, whatever `apply` is told."""
    add_person(site.catalogue, "cd4e", "smith-lab")
    theirs = RuleSettings(match=("{group}/ab3c/{project}/x.{ext}",), set={"owner": "cd4e"}, mark=MARK)
    before = site.rows("SELECT id, owner_id FROM image ORDER BY id")
    joined = settings(site, theirs)

    site.import_(settings=joined)
    assert "is somebody else's by the rules" in str(site.rows("SELECT reason FROM job"))
    assert applied(site, joined, change_owners=True, force=True).done == 0
    assert site.rows("SELECT id, owner_id FROM image ORDER BY id") == before


def test_a_stack_that_names_what_may_follow_is_an_image_of_its_own_while_nothing_does(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    site = Site(catalogue, tmp_path)
    add_person(catalogue, "ab3c", "smith-lab")
    folder = site.root / FOLDER
    folder.mkdir(parents=True)
    (folder / "NDTiffStack.tif").write_bytes(tiff_dialect_files.ndtiff())
    joined = settings(site, PLAIN)
    site.import_(settings=joined)
    assert len(site.rows("SELECT path FROM named_file")) == 1

    assert planned(site, joined).document.change == ()


def test_real_parts_that_tell_nothing_without_their_companion_stay_with_it_unless_names_decide(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    site = Site(catalogue, tmp_path)
    add_person(catalogue, "ab3c", "smith-lab")
    source = needed_data() / "made/bioformats-made/companion"
    shutil.copytree(source, site.root / FOLDER, copy_function=shutil.copyfile)
    by_names = RuleSettings(match=PLAIN.match, by="names", mark=MARK)
    joined, single = settings(site, PLAIN), settings(site, SKIPPED, by_names)
    site.import_(settings=joined)
    (before,) = site.rows("SELECT id, size_c FROM image")

    (row,) = planned(site, settings(site, SKIPPED, PLAIN)).document.change
    assert list(row.kept) == ["no longer matched"]
    assert applied(site, settings(site, SKIPPED, PLAIN)).done == 0

    assert applied(site, single).problems == []
    site.import_(settings=single)
    assert ids(site) == {"oib_C0": before["id"], "oib_C1": ids(site)["oib_C1"], "oib_C2": ids(site)["oib_C2"]}
    assert violations(site.catalogue, {"confocal": site.root}) == []

    site.import_(settings=joined)
    assert applied(site, joined).problems == []
    site.import_(settings=joined)
    assert site.rows("SELECT id, size_c FROM image") == [before]
    assert planned(site, joined).document.change == ()
    assert violations(site.catalogue, {"confocal": site.root}) == []
