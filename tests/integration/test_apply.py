"""What `apply` makes of what is catalogued, what withstands it, and that it can be taken back. Both databases."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from catalog.acting import resolve_acting
from catalog.annotations import add_tag
from catalog.engine import Catalogue
from catalog.errors import Refused
from catalog.models.containers import Dataset, DatasetImageLink
from catalog.models.images import Image
from catalog.models.ingest import Fileset, Job
from catalog.queries.history import history
from catalog.references import ObjectReference
from catalog.why import why
from config.settings import PeopleSettings, Settings
from tests.helpers.ingest_site import RULE, Site, three_people, write_tiff
from tests.helpers.invariants import identities, snapshot, violations
from tests.helpers.planning import LATER, applied, planned, ruled, undone

PLACES = (
    "SELECT image.id, image.name, image.named_by, image.owner_id, image.group_id, image.owner_by, image.rule,"
    " image.description, project.name AS project, dataset.name AS dataset, plate.name AS plate, well.row, well.column,"
    " well_sample.field, plate_acquisition.name AS run, fileset.owner_id AS whose, fileset.group_id AS ours, filed_by"
    " FROM image JOIN fileset ON fileset.id = image.fileset_id"
    " LEFT JOIN dataset_image_link ON dataset_image_link.image_id = image.id"
    " LEFT JOIN dataset ON dataset.id = dataset_image_link.dataset_id"
    " LEFT JOIN project_dataset_link ON project_dataset_link.dataset_id = dataset.id"
    " LEFT JOIN project ON project.id = project_dataset_link.project_id"
    " LEFT JOIN well_sample ON well_sample.image_id = image.id"
    " LEFT JOIN well ON well.id = well_sample.well_id LEFT JOIN plate ON plate.id = well_sample.plate_id"
    " LEFT JOIN plate_acquisition ON plate_acquisition.id = well_sample.plate_acquisition_id ORDER BY image.id"
)


@pytest.fixture
def site(catalogue: Catalogue, tmp_path: Path) -> Site:
    return three_people(catalogue, tmp_path)


def places(site: Site) -> list[dict[str, Any]]:
    return site.rows(PLACES)


def noted(site: Site) -> list[tuple[Any, ...]]:
    """Give what is noted on images: image, kind, text or pair, by whom it was made."""
    query = (
        "SELECT l.image_id, a.kind, coalesce(a.value, p.key || '=' || p.value) AS said, a.made_by, a.owner_id,"
        " a.group_id"
        " FROM annotation_link l JOIN annotation a ON a.id = l.annotation_id"
        " LEFT JOIN map_pair p ON p.annotation_id = a.id"
        " WHERE a.kind <> 'map' OR p.key IS NOT NULL ORDER BY 1, 2, 3"
    )
    return [tuple(row.values()) for row in site.rows(query)]


def change(site: Site, statement: Any) -> None:
    with site.catalogue.writing() as connection:
        connection.execute(statement)


def documents(site: Site) -> list[Any]:
    with site.catalogue.reading() as connection:
        return list(connection.scalars(select(Fileset.placement).order_by(Fileset.id)))


BY_DAY = "{group}/{owner}/{project}/{day}/{image}_{:int}.{ext}"


def by_day(site: Site) -> Settings:
    return ruled(site, BY_DAY, set={"dataset": "of {day}"}, tags=("new",), description="by day")


def test_images_are_filed_and_named_anew_and_keep_ids_pictures_and_what_people_noted(site: Site) -> None:
    old = ruled(site, "{group}/{owner}/{project}/[{dataset}/**/]{image}.{ext}", tags=("old", "both"))
    write_tiff(site.root / "smith-lab/ab3c/cells/day1/a_1.tif")
    site.import_(settings=old)
    (image,) = site.images()
    with site.catalogue.writing() as connection:
        acting = resolve_acting(connection, "ab3c", now=LATER, writes_database=False)
        add_tag(connection, acting, ObjectReference(type="image", id=image["id"]), "mine", now=LATER, via="cli")
    pictures = site.rows("SELECT * FROM thumbnail")
    new = ruled(site, BY_DAY, set={"dataset": "of {day}"}, tags=("new", "both"), description="by day")

    outcome = applied(site, new)

    assert (outcome.done, outcome.failed, outcome.problems) == (1, 0, [])
    (place,) = places(site)
    assert (place["id"], place["name"], place["project"], place["dataset"]) == (image["id"], "a", "cells", "of day1")
    assert (place["owner_id"], place["description"]) == (image["owner_id"], "by day")
    assert [row[2] for row in noted(site)] == ["both", "mine", "new"]
    assert site.rows("SELECT * FROM thumbnail") == pictures
    assert planned(site, new).document.change == ()
    assert site.import_(settings=new).unchanged == 1
    assert len(places(site)) == 1
    with site.catalogue.reading() as connection:
        told = history(connection, acting, ObjectReference(type="image", id=image["id"]))[-1]
        story = why(connection, acting, bytes(site.root / "smith-lab/ab3c/cells/day1/a_1.tif"))
    assert (told.what, told.before, told.after) == (
        "refiled",
        {"image": "a_1", "place": "cells / day1", "rule": "confocal#1"},
        {"image": "a", "place": "cells / of day1", "rule": "confocal#1", "apply": outcome.apply},
    )
    assert "restore" not in str(story.history)


def test_what_a_person_named_moved_or_filed_stays_and_force_undoes_it(site: Site) -> None:
    for name in ("named_1", "moved_2", "filed_3", "plain_4"):
        write_tiff(site.root / f"smith-lab/ab3c/cells/day1/{name}.tif", value=ord(name[0]))
    site.import_()
    by_name = {row["name"]: row for row in site.images()}
    change(site, update(Image).where(Image.name == "named_1").values(name="my cell", named_by="hand"))
    values = {"name": "mine", "owner_id": 1, "group_id": 1, "created_at": LATER, "updated_at": LATER}
    with site.catalogue.writing() as connection:
        mine = connection.execute(insert(Dataset).values(values).returning(Dataset.id)).scalar_one()
        of_moved = DatasetImageLink.image_id == by_name["moved_2"]["id"]
        connection.execute(update(DatasetImageLink).where(of_moved).values(dataset_id=mine))
    change(site, update(Fileset).where(Fileset.id == by_name["filed_3"]["fileset_id"]).values(filed_by="hand"))

    applied(site, by_day(site))

    found = {row["id"]: (row["name"], row["dataset"]) for row in places(site)}
    assert found[by_name["named_1"]["id"]] == ("my cell", "of day1")
    assert found[by_name["moved_2"]["id"]] == ("moved", "mine")
    assert found[by_name["filed_3"]["id"]] == ("filed", "day1")
    assert found[by_name["plain_4"]["id"]] == ("plain", "of day1")
    kept = planned(site, by_day(site)).document.summary.kept
    assert kept == {"filed by hand": 1, "moved by hand": 1}

    applied(site, by_day(site), force=True)

    assert {(row["name"], row["dataset"]) for row in places(site)} == {
        (name, "of day1") for name in ("named", "moved", "filed", "plain")
    }


def test_owners_change_only_when_that_is_asked_for_and_take_along_what_is_theirs(site: Site) -> None:
    write_tiff(site.root / "smith-lab/ab3c/cells/day1/a_1.tif")
    site.import_(settings=ruled(site, RULE, tags=("by rule",)))
    (image,) = site.images()
    with site.catalogue.writing() as connection:
        acting = resolve_acting(connection, "ab3c", now=LATER, writes_database=False)
        add_tag(connection, acting, ObjectReference(type="image", id=image["id"]), "mine", now=LATER, via="cli")
    to_jones = {"owner": "ef5g", "group": "jones-lab"}
    new = ruled(site, "{:text}/{:text}/{project}/[{dataset}/]{image}.{ext}", set=to_jones, tags=("by rule",))

    assert applied(site, new).done == 0
    assert (places(site)[0]["owner_id"], places(site)[0]["group_id"]) == (image["owner_id"], image["group_id"])

    outcome = applied(site, new, change_owners=True)

    (place,) = places(site)
    (jones,) = site.rows("SELECT id FROM experimenter_group WHERE name = 'jones-lab'")
    assert (place["id"], place["group_id"], place["ours"]) == (image["id"], jones["id"], jones["id"])
    assert (place["project"], place["dataset"], place["owner_by"]) == ("cells", "day1", "set (rule confocal#1)")
    assert place["whose"] == place["owner_id"] != image["owner_id"]
    assert [(row[2], row[5]) for row in noted(site)] == [("by rule", jones["id"]), ("mine", jones["id"])]
    with site.catalogue.reading() as connection:
        new_owner = resolve_acting(connection, "ef5g", now=LATER, writes_database=False)
        told = history(connection, new_owner, ObjectReference(type="image", id=image["id"]))
    assert [row.what for row in told][-1] == "reowned"
    assert "smith" not in str([(row.before, row.after) for row in told])
    assert "ab3c" not in str([(row.before, row.after) for row in told])
    assert undone(site).done == 1
    assert (places(site)[0]["owner_id"], places(site)[0]["dataset"]) == (image["owner_id"], "day1")
    assert outcome.apply is not None


def test_wells_that_change_places_with_each_other_all_find_theirs(site: Site) -> None:
    for well in ("A01", "A02", "B01", "B02"):
        write_tiff(site.root / f"smith-lab/ab3c/S/P/{well}_s1.tif", value=ord(well[0]) + int(well[1:]))
    wells = "{group}/{owner}/{screen}/{plate}/"
    site.import_(settings=ruled(site, wells + "{well}_s{field}.{ext}"))
    before = {row["id"]: (row["row"], row["column"]) for row in places(site)}
    turned = ruled(site, wells + "{r:A|B}{c:int}_s{field}.{ext}", set={"row": "{c}", "column": "{r|ab}"})
    turned = turned.model_copy(update={"lookups": {"ab": {"A": "1", "B": "2"}}})

    assert applied(site, turned).problems == []

    after = {row["id"]: (row["row"], row["column"]) for row in places(site)}
    assert after == {image: (column, row) for image, (row, column) in before.items()}
    assert {row["run"] for row in places(site)} == {"Run 1"}
    assert not any("unplaced" in document for document in documents(site))
    assert undone(site).done == 2
    assert {row["id"]: (row["row"], row["column"]) for row in places(site)} == before


def test_an_apply_is_taken_back_to_the_letter_but_for_what_was_changed_since(site: Site) -> None:
    for number in range(3):
        write_tiff(site.root / f"smith-lab/ab3c/cells/day1/a_{number}.tif", value=number)
    site.import_(settings=ruled(site, RULE, tags=("old",)))
    before, said, stored = places(site), noted(site), documents(site)
    assert applied(site, by_day(site)).done == 3
    assert places(site) != before

    assert undone(site).done == 3

    assert (places(site), noted(site), documents(site)) == (before, said, stored)
    with pytest.raises(Refused, match="there is no `apply` to take back"):
        undone(site)

    applied(site, by_day(site))
    change(site, update(Image).where(Image.id == before[0]["id"]).values(name="since", named_by="hand"))
    applied(site, ruled(site, RULE, set={"project": "other"}))
    assert undone(site).done == 3
    assert {row["dataset"] for row in places(site)} == {"of day1"}
    assert undone(site).done == 3
    names = [row["name"] for row in places(site)]
    assert names == ["since", "a_1", "a_2"]
    assert {row["dataset"] for row in places(site)} == {"day1"}


def files_of(site: Site) -> list[tuple[str, bytes, int]]:
    """Give every image file under the root with its number of images."""
    return [("confocal", bytes(path.relative_to(site.root)), 1) for path in site.root.rglob("*.tif")]


class KilledError(Exception):
    """Stands for a kill between two transactions."""


def killed_after(count: int) -> Callable[[], None]:
    left = [count]

    def between() -> None:
        left[0] -= 1
        if left[0] < 0:
            raise KilledError

    return between


@pytest.mark.parametrize("transactions", [0, 1, 2, 3])
def test_a_killed_apply_is_finished_by_the_next_and_both_are_taken_back_as_one(
    site: Site, transactions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.applying.AT_ONCE", 1)
    monkeypatch.setattr("ingest.applying.UNDONE_AT_ONCE", 1)
    wells = "{group}/{owner}/{screen}/{plate}/"
    for number in (1, 2):
        write_tiff(site.root / f"smith-lab/ab3c/S/P/A0{number}_s1.tif", value=number)
    site.import_(settings=ruled(site, wells + "{well}_s{field}.{ext}"))
    before = places(site)
    new = ruled(site, wells + "A{n:int}_s{field}.{ext}", set={"well": "B{n|swap}"})
    new = new.model_copy(update={"lookups": {"swap": {"01": "2", "02": "1"}}})

    kept, files = identities(site.catalogue), snapshot(site.root)
    with pytest.raises(KilledError):
        applied(site, new, between=killed_after(transactions))
    outcome = applied(site, new)
    assert not violations(
        site.catalogue, {"confocal": site.root}, complete=files_of(site), before={"confocal": files}, kept=kept
    )

    assert outcome.problems == []
    assert [(row["row"], row["column"]) for row in places(site)] == [(1, 1), (1, 0)]
    assert [row["id"] for row in places(site)] == [row["id"] for row in before]
    assert len(site.rows("SELECT id FROM event WHERE what = 'refiled'")) == 2
    with pytest.raises(KilledError):
        undone(site, between=killed_after(transactions))
    undone(site)
    assert places(site) == before
    assert not any("unplaced" in document for document in documents(site))


def test_a_result_that_was_read_by_the_earlier_placement_comes_too_late(site: Site) -> None:
    write_tiff(site.root / "smith-lab/ab3c/cells/day1/a_1.tif")
    site.import_()
    (fileset,) = site.rows("SELECT id, done_digest FROM fileset")
    job = {"fileset_id": fileset["id"], "kind": "import", "digest": fileset["done_digest"], "priority": 1}
    change(site, insert(Job).values(**job, state="started", claim=7))

    applied(site, by_day(site))

    assert site.rows("SELECT state, claim FROM job") == [{"state": "ready", "claim": 8}]


def test_what_changed_meanwhile_is_left_to_the_next_run(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(2):
        write_tiff(site.root / f"smith-lab/ab3c/cells/day1/a_{number}.tif", value=number)
    site.import_()
    monkeypatch.setattr("ingest.applying.AT_ONCE", 1)
    last = max(row["id"] for row in site.images())

    def rename_the_other() -> None:
        change(site, update(Image).where(Image.id == last).values(name="mine", named_by="hand"))

    outcome = applied(site, by_day(site), between=rename_the_other)

    assert (outcome.done, outcome.failed) == (1, 1)
    assert "it was changed while this ran" in outcome.problems[0]
    assert applied(site, by_day(site)).done == 1
    assert places(site)[-1]["name"] == "mine"


def test_the_configuration_that_was_applied_is_recorded_and_not_put_in_force(site: Site) -> None:
    write_tiff(site.root / "smith-lab/ab3c/cells/day1/a_1.tif")
    site.import_()
    new = by_day(site)

    applied(site, new)

    (used,) = site.rows("SELECT DISTINCT configuration_id AS id FROM event WHERE what = 'refiled'")
    (image,) = site.rows("SELECT configuration_id AS id FROM image")
    summary = planned(site, new).document.summary
    assert used["id"] == image["id"] == summary.configuration
    assert summary.in_force != summary.configuration
    site.import_(settings=new)
    assert planned(site, new).document.summary.in_force == summary.configuration


def test_a_file_that_waits_for_accept_is_left_alone(site: Site) -> None:
    path = write_tiff(site.root / "smith-lab/ab3c/cells/day1/a_1.tif")
    site.import_()
    target = site.root / "jones-lab/ef5g/cells/day1/a_1.tif"
    target.parent.mkdir(parents=True)
    path.rename(target)
    site.import_()
    before = places(site)

    assert applied(site, by_day(site), change_owners=True, force=True).done == 0

    assert places(site) == before
    assert list(planned(site, by_day(site)).document.summary.kept) == [
        "moved here from another owner's folder: that is for `accept`"
    ]


def test_a_daemon_goes_on_while_rules_are_applied(site: Site) -> None:
    for number in range(4):
        write_tiff(site.root / f"smith-lab/ab3c/cells/day1/a_{number}.tif", value=number)
    site.import_()
    with site.running() as loop:
        assert applied(site, by_day(site)).done == 4
        loop.wake()
    site.import_()
    assert {row["dataset"] for row in places(site)} == {"of day1"}


def test_a_new_owner_whom_the_rules_make_a_user_is_made_when_it_is_applied(site: Site) -> None:
    write_tiff(site.root / "smith-lab/ab3c/cells/day1/a_1.tif")
    site.import_()
    create = PeopleSettings(**{"from": ("catalog",), "unknown": "create"})
    new = ruled(site, "{group}/{:text}/{project}/{dataset}/{image}.{ext}", set={"owner": "newcomer"})
    new = new.model_copy(update={"people": create})
    (row,) = planned(site, new).document.change
    assert row.after is not None
    assert row.after.owner == "newcomer"
    assert not site.rows("SELECT id FROM experimenter WHERE name = 'newcomer'")

    assert applied(site, new, change_owners=True).done == 1

    (made,) = site.rows("SELECT id FROM experimenter WHERE name = 'newcomer'")
    (place,) = places(site)
    assert (place["owner_id"], place["whose"], place["dataset"]) == (made["id"], made["id"], "day1")
    assert planned(site, new).document.change == ()
