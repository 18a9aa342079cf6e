"""What `plan` says a configuration would do, held against what `import` does; nothing is written. Both databases."""

import os
from pathlib import Path

import pytest
from sqlalchemy import update

from catalog.engine import Catalogue
from catalog.models.people import ExperimenterGroup
from config.settings import GroupSettings
from daemon.errors import UnusableConfiguration
from daemon.plan_document import FileRow
from daemon.planning import wanted_roots
from tests.helpers.ingest_site import RULE, Site, add_person, write_tiff
from tests.helpers.planning import ALONE, planned, ruled


@pytest.fixture
def site(catalogue: Catalogue, tmp_path: Path) -> Site:
    made = Site(catalogue, tmp_path)
    add_person(catalogue, "ab3c", "smith-lab")
    add_person(catalogue, "cd4e", "smith-lab")
    return made


def tree_of(root: Path) -> list[tuple[str, int, int, int]]:
    found = []
    for path in sorted(root.rglob("*")):
        look = path.lstat()
        found.append((str(path), look.st_ino, look.st_mtime_ns, look.st_ctime_ns))
    return found


def names(rows: tuple[FileRow, ...]) -> list[str]:
    return sorted(Path(row.path).name for row in rows)


def test_a_plan_names_every_file_with_what_a_scan_would_make_of_it_and_writes_nothing(site: Site) -> None:
    own = site.root / "smith-lab/ab3c/cells"
    for number, name in enumerate(("kept", "grown", "renamed", "gone")):
        write_tiff(own / f"{name}.tif", value=number)
    write_tiff(own / "folder/inside.tif", value=9)
    assert site.import_().imported == 5
    write_tiff(own / "grown.tif", value=50, pages=2)
    (own / "renamed.tif").rename(own / "new name.tif")
    (own / "gone.tif").unlink()
    (own / "folder/inside.tif").unlink()
    (own / "folder").rmdir()
    write_tiff(own / "day2/added.tif", value=7)
    write_tiff(site.root / "smith-lab/stranger/cells/held.tif", value=8)
    write_tiff(site.root / "loose.tif", value=6)
    (own / "notes.txt").write_text("nobody's")
    before = site.dump(), tree_of(site.root)

    found = planned(site, site.settings()).document

    assert (site.dump(), tree_of(site.root)) == before
    assert names(found.add) == ["added.tif"]
    assert (found.add[0].owner, found.add[0].group, found.add[0].image) == ("ab3c", "smith-lab", "added")
    assert found.add[0].target == {"project": "cells", "dataset": "day2"}
    assert names(found.update) == ["grown.tif"]
    assert [(Path(row.path).name, Path(row.came_from or "").name) for row in found.move] == [
        ("new name.tif", "renamed.tif")
    ]
    assert names(found.missing) == ["gone.tif", "inside.tif"]
    assert names(found.unmatched) == ["loose.tif"]
    assert [(Path(row.path).name, row.reason) for row in found.held] == [
        ("held.tif", "'stranger' is not a user here; add one with `coverslip user add`, or an alias")
    ]
    summary = found.summary
    assert (summary.unchanged, summary.ignored, summary.compared, summary.catalogued) == (1, 1, 5, {})
    done = site.import_()
    assert (done.imported, done.updated, done.held, done.unmatched) == (1, 1, 1, 1)


def test_a_plan_of_a_new_root_and_of_new_people_uses_the_file_not_the_catalogue(site: Site) -> None:
    write_tiff(site.root / "new-lab/gh6i/cells/a.tif")
    settings = ruled(site, RULE).model_copy(update={"groups": {"new-lab": GroupSettings(members=("gh6i",))}})

    found = planned(site, settings).document

    assert [(row.owner, row.group) for row in found.add] == [("gh6i", "new-lab")]
    assert found.summary.configuration is None
    assert not site.rows("SELECT id FROM experimenter WHERE name = 'gh6i'")


def test_a_file_moved_to_another_owners_folder_is_said_to_stay_whose_it_is(site: Site) -> None:
    path = write_tiff(site.root / "smith-lab/ab3c/cells/a.tif")
    site.import_()
    target = site.root / "smith-lab/cd4e/cells/a.tif"
    target.parent.mkdir(parents=True)
    path.rename(target)

    (row,) = planned(site, site.settings()).document.move

    assert row.reason == "stays whose it is until somebody says `accept`: this is another owner's folder"


def test_changed_rules_are_told_for_what_is_catalogued(site: Site) -> None:
    write_tiff(site.root / "smith-lab/ab3c/cells/day1/a_1.tif")
    write_tiff(site.root / "smith-lab/ab3c/cells/day1/odd.tif", value=2)
    site.import_()

    found = planned(
        site, ruled(site, "{group}/{owner}/{project}/{day}/{image}_{:int}.{ext}", set={"dataset": "of {day}"})
    )

    by_name = {Path(row.path).name: row for row in found.document.change}
    assert by_name["a_1.tif"].kinds == ("refiled", "renamed")
    assert by_name["a_1.tif"].before.target == {"project": "cells", "dataset": "day1"}
    after = by_name["a_1.tif"].after
    assert after is not None
    assert (after.target, after.image) == ({"project": "cells", "dataset": "of day1"}, "a")
    assert by_name["odd.tif"].kept == {"no longer matched": "no rule of root 'confocal' matches"}
    assert found.document.summary.catalogued == {"no longer matched": 1, "refiled": 1, "renamed": 1}


def test_an_owner_by_other_rules_is_told_with_who_gains_and_loses_sight(site: Site) -> None:
    with site.catalogue.writing() as connection:
        connection.execute(update(ExperimenterGroup).values(permissions="private"))
    for number in range(3):
        write_tiff(site.root / f"smith-lab/ab3c/cells/{number}.tif", value=number)
    site.import_()

    found = planned(site, ruled(site, "{group}/{:text}/{project}/{image}.{ext}", set={"owner": "cd4e"})).document

    assert found.summary.kept == {"only with `apply --change-owners`": 3}
    assert [
        (r.user, r.gains, r.loses, r.gains_with_change_owners, r.loses_with_change_owners) for r in found.people
    ] == [
        ("ab3c", 0, 0, 0, 3),
        ("cd4e", 0, 0, 3, 0),
    ]


def test_a_level_in_the_file_changes_sight_by_itself(site: Site) -> None:
    write_tiff(site.root / "smith-lab/ab3c/cells/a.tif")
    site.import_()
    groups = {"smith-lab": GroupSettings(permissions="private")}

    found = planned(site, ruled(site, RULE).model_copy(update={"groups": groups})).document

    assert [(row.user, row.gains, row.loses) for row in found.people] == [("cd4e", 0, 1)]


def test_containers_that_differ_in_case_only_are_pointed_at(site: Site) -> None:
    write_tiff(site.root / "smith-lab/ab3c/Cells/a.tif")
    site.import_()
    write_tiff(site.root / "smith-lab/ab3c/cells/b.tif", value=2)

    found = planned(site, site.settings()).document

    assert [(row.kind, row.names, row.group) for row in found.alike if row.kind == "project"] == [
        ("project", ("Cells", "cells"), "smith-lab")
    ]


def test_lists_are_bounded_and_counts_are_not(site: Site) -> None:
    for number in range(5):
        write_tiff(site.root / f"smith-lab/ab3c/cells/{number}.tif", value=number)

    found = planned(site, site.settings(), limit=2)

    assert (len(found.document.add), found.document.summary.add, found.document.summary.is_complete) == (2, 5, False)
    assert found.builder.tallies["add"].count == 5


def test_a_root_that_is_not_there_is_a_problem_and_nothing_counts_as_gone(site: Site) -> None:
    write_tiff(site.root / "smith-lab/ab3c/cells/a.tif")
    site.import_()
    os.rename(site.root, site.root.with_name("elsewhere"))

    found = planned(site, site.settings()).document

    assert found.missing == ()
    assert found.summary.problems == ("root confocal: the root can't be opened: No such file or directory",)


def test_more_gone_than_the_brake_lets_pass_is_said(site: Site) -> None:
    for number in range(60):
        write_tiff(site.root / f"smith-lab/ab3c/cells/{number}.tif", value=number, size=8)
    site.import_()
    for path in (site.root / "smith-lab/ab3c/cells").iterdir():
        path.unlink()

    found = planned(site, site.settings()).document

    assert found.summary.missing == 60
    assert "nothing was marked" in found.summary.problems[0]


def test_a_root_is_asked_for_by_its_name(site: Site) -> None:
    assert wanted_roots(site.settings(), "confocal") == ["confocal"]
    with pytest.raises(UnusableConfiguration, match="there is no root 'sofa'; the configuration has confocal"):
        wanted_roots(site.settings(), "sofa")


def test_files_below_a_storage_root_are_further_places_and_no_rule_is_asked(site: Site, tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    content = write_tiff(site.root / "smith-lab/ab3c/cells/a.tif").read_bytes()
    (archive / "2026").mkdir(parents=True)
    (archive / "2026/copy.tif").write_bytes(content)
    write_tiff(archive / "2026/strange.tif", value=9)
    scope = site.settings(people=ALONE).watch[0]
    storage = scope.model_copy(update={"root": archive, "name": "archive", "role": "storage", "rules": ()})
    settings = site.settings(people=ALONE).model_copy(update={"watch": (scope, storage)})

    first = planned(site, settings).document.summary
    site.import_(settings=settings)
    second = planned(site, settings).document

    assert (first.add, first.looked_up, first.unmatched) == (1, 2, 0)
    assert (second.summary.unchanged, second.summary.looked_up) == (2, 0)
    assert names(second.unmatched) == ["strange.tif"]


def test_new_files_are_put_together_as_an_import_does(site: Site) -> None:
    stack = "{group}/{owner}/{project}/[t{t:int}/]{image}_z{z:int}.tif"
    for z in range(1, 31):
        write_tiff(site.root / f"smith-lab/ab3c/cells/a_z{z}.tif", value=z)
    write_tiff(site.root / "smith-lab/ab3c/cells/a_z01.tif", value=40)
    for t in (1, 2):
        write_tiff(site.root / f"smith-lab/ab3c/cells/t{t}/b_z1.tif", value=40 + t)

    found = planned(site, ruled(site, stack)).document

    assert (found.summary.add, found.summary.add_images, found.summary.held) == (32, 2, 1)
    imported = site.import_(settings=ruled(site, stack))
    assert (imported.imported, imported.held, len(site.images())) == (32, 1, 2)
    path, why = next((path, why) for path, (what, why) in site.sightings().items() if what == "held")
    assert [(row.path, row.reason) for row in found.held] == [(str(site.root / path), why)]

    again = ruled(site, stack.replace("{image}_", "{image}[x]_"))
    for name in ("a_z31.tif", "t3/b_z1.tif", "new_z1.tif"):
        write_tiff(site.root / "smith-lab/ab3c/cells" / name, value=99)
    same, other = planned(site, ruled(site, stack)).document, planned(site, again).document
    assert (same.summary.add, same.summary.add_images, same.summary.held) == (3, 1, 1)
    assert (other.summary.add, other.summary.add_images, other.summary.held) == (1, 1, 3)
    joining = [Path(row.path).name for row in other.held if "`coverslip apply` joins them" in (row.reason or "")]
    assert sorted(joining) == ["a_z1.tif", "a_z31.tif", "b_z1.tif"]
