"""Files that move between roots, copies that are joined with their lost originals, and where files are said to lie."""

import os
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from catalog.accepting import accept
from catalog.acting import resolve_acting
from catalog.annotations import add_tag
from catalog.decisions import DecisionRow
from catalog.engine import Catalogue
from catalog.errors import NotFound, Refused
from catalog.forgetting import forget
from catalog.permissions import Acting
from catalog.queries.locate import joined, locate
from catalog.references import ObjectReference
from catalog.relocating import files_to_look_for, relocate
from tests.helpers.ingest_site import Site, three_people, write_tiff
from tests.helpers.invariants import identities, violations

DAY = "smith-lab/ab3c/cells/day1"
OTHER_DAY = "smith-lab/ab3c/cells/day2"


@pytest.fixture
def site(catalogue: Catalogue, tmp_path: Path) -> Site:
    made = three_people(catalogue, tmp_path)
    (tmp_path / "second").mkdir()
    return made


@pytest.fixture
def second(tmp_path: Path) -> Path:
    return tmp_path / "second"


def scan(site: Site) -> None:
    site.import_(settings=site.settings(roots={"confocal": site.root, "second": site.root.parent / "second"}))


def acting(site: Site, name: str | None = None) -> Acting:
    with site.catalogue.reading() as connection:
        return resolve_acting(connection, "root", now=datetime.now(UTC), as_name=name)


def accepted(site: Site, path: Path, name: str | None = None) -> Sequence[DecisionRow]:
    who = acting(site, name)
    with site.catalogue.writing() as connection:
        return accept(connection, who, [os.fsencode(path)], now=datetime.now(UTC), via="cli")


def tag(site: Site, image_id: int, text: str) -> None:
    who = acting(site, "ab3c")
    with site.catalogue.writing() as connection:
        target = ObjectReference(type="image", id=image_id)
        add_tag(connection, who, target, text, now=datetime.now(UTC), via="cli")


def datasets(site: Site) -> list[tuple[int, str]]:
    query = "SELECT l.image_id, d.name FROM dataset_image_link l JOIN dataset d ON d.id = l.dataset_id ORDER BY 1, 2"
    return [(row["image_id"], row["name"]) for row in site.rows(query)]


def sound(site: Site, second: Path) -> list[str]:
    return violations(site.catalogue, {"confocal": site.root, "second": second})


def copied(path: Path, to: Path) -> Path:
    to.parent.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy2(path, to))


def test_a_move_to_another_root_keeps_ids_and_notes(site: Site, second: Path) -> None:
    old = write_tiff(site.root / DAY / "a.tif")
    scan(site)
    tag(site, 1, "good")
    before = identities(site.catalogue)["confocal", f"{DAY}/a.tif".encode()]
    new = second / OTHER_DAY / "a.tif"
    copied(old, new)
    old.unlink()
    site.import_()  # the old root is looked at first: the file is gone there
    scan(site)

    assert identities(site.catalogue) == {("second", f"{OTHER_DAY}/a.tif".encode()): before}
    assert datasets(site) == [(1, "day2")]
    assert sound(site, second) == []


def test_a_move_across_file_systems_that_was_imported_as_a_copy_is_joined_by_accept(site: Site, second: Path) -> None:
    old = write_tiff(site.root / DAY / "a.tif")
    scan(site)
    tag(site, 1, "good")
    new = copied(old, second / OTHER_DAY / "a.tif")
    scan(site)
    tag(site, 2, "good")
    tag(site, 2, "better")
    assert [row["id"] for row in site.images()] == [1, 2]
    old.unlink()
    scan(site)
    assert [row["id"] for row in site.images()] == [1, 2], "nothing is joined by itself"

    (row,) = accepted(site, new, "ab3c")

    assert (row.done, row.reason) == (True, None)
    assert [row["id"] for row in site.images()] == [1]
    notes = site.rows(
        "SELECT a.value FROM annotation a JOIN annotation_link l ON l.annotation_id = a.id WHERE l.image_id = 1"
    )
    assert sorted(row["value"] for row in notes) == ["better", "good"]
    assert datasets(site) == [(1, "day2")]
    found = identities(site.catalogue)
    assert set(found) == {("second", f"{OTHER_DAY}/a.tif".encode())}
    assert sound(site, second) == []
    scan(site)
    assert [row["id"] for row in site.images()] == [1]
    again = accepted(site, new)
    assert [(row.done, row.reason) for row in again] == [(True, "there is nothing to accept")]
    write_tiff(new, value=8)
    scan(site)
    assert site.rows("SELECT id, generation FROM fileset") == [{"id": 1, "generation": 2}]


def test_a_whole_folder_is_joined_at_once(site: Site, second: Path) -> None:
    old = [write_tiff(site.root / DAY / f"{number}.tif", value=number) for number in range(4)]
    scan(site)
    shutil.copytree(site.root / DAY, second / DAY)
    scan(site)
    for path in old[:3]:
        path.unlink()
    scan(site)
    rows = accepted(site, second / DAY)
    assert [row.done for row in rows] == [True] * 3
    # The fourth has its original still: a copy of it is a copy.
    assert sorted(row["id"] for row in site.images()) == [1, 2, 3, 4, 8]
    assert sound(site, second) == []


def test_a_copy_of_others_is_never_joined_and_not_even_told_of(site: Site, second: Path) -> None:
    old = write_tiff(site.root / DAY / "a.tif")
    theirs = copied(old, second / "jones-lab/ef5g/cells/day1/a.tif")
    neighbours = copied(old, second / "smith-lab/cd4e/cells/day1/a.tif")
    scan(site)
    old.unlink()
    scan(site)
    for path, name in ((theirs, "ef5g"), (neighbours, "cd4e"), (neighbours, None)):
        assert [row.reason for row in accepted(site, path, name)] == ["there is nothing to accept"]
    assert len(site.images()) == 3


def test_only_who_may_delete_the_copy_joins_it(site: Site, second: Path) -> None:
    old = write_tiff(site.root / DAY / "a.tif")
    scan(site)  # of two that are found at once, either may be the first
    new = copied(old, second / DAY / "a.tif")
    scan(site)
    old.unlink()
    scan(site)
    (row,) = accepted(site, new, "cd4e")
    assert not row.done
    assert "may accept this" in (row.reason or "")
    assert len(site.images()) == 2


def test_where_a_file_lies_is_told_as_each_computer_sees_it(site: Site) -> None:
    write_tiff(site.root / DAY / "a.tif")
    write_tiff(site.root / OTHER_DAY / "b.tif", value=2)
    scan(site)
    seen_as = {"confocal": {"windows": "Z:\\confocal", "cluster": "/project/confocal"}}
    who = acting(site, "ab3c")
    with site.catalogue.reading() as connection:
        (place,) = locate(connection, who, ObjectReference(type="image", id=1), seen_as)
        project = locate(connection, who, ObjectReference(type="project", id=1), seen_as)
        with pytest.raises(NotFound):
            locate(connection, acting(site, "ef5g"), ObjectReference(type="image", id=1), seen_as)
    assert (place.path, place.is_there) == (str(site.root / DAY / "a.tif"), True)
    assert place.seen_as == {
        "windows": "Z:\\confocal\\smith-lab\\ab3c\\cells\\day1\\a.tif",
        "cluster": f"/project/confocal/{DAY}/a.tif",
    }
    assert [one.image_id for one in project] == [1, 2]
    (site.root / DAY / "a.tif").unlink()
    scan(site)
    with site.catalogue.reading() as connection:
        (place,) = locate(connection, who, ObjectReference(type="image", id=1), {})
    assert (place.path, place.is_there, place.seen_as) == (str(site.root / DAY / "a.tif"), False, {})


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ("Z:\\", "Z:\\a\\b"),
        ("\\\\server\\share", "\\\\server\\share\\a\\b"),
        ("/mnt/", "/mnt/a/b"),
        ("//x/y", "//x/y/a/b"),
    ],
)
def test_paths_of_other_computers_have_their_own_separators(base: str, expected: str) -> None:
    assert joined(base, "a/b") == expected


def forgotten(site: Site, path: Path, name: str | None = None) -> list[tuple[str | None, bool]]:
    who = acting(site, name)
    with site.catalogue.writing() as connection:
        rows = forget(connection, who, [os.fsencode(path)], now=datetime.now(UTC), via="cli")
    return [(row.state, row.done) for row in rows]


def test_what_is_gone_or_failed_is_forgotten_and_what_is_imported_never(site: Site, second: Path) -> None:
    kept = write_tiff(site.root / DAY / "kept.tif")
    lost = write_tiff(site.root / DAY / "lost.tif", value=2)
    broken = site.root / DAY / "broken.tif"
    broken.write_bytes(kept.read_bytes()[:50])
    nobody = write_tiff(site.root / "smith-lab/nobody/cells/day1/a.tif", value=3)
    scan(site)
    lost.unlink()
    nobody.unlink()
    scan(site)

    assert forgotten(site, kept) == [("imported", False)]
    assert forgotten(site, lost) == [("missing", False)]
    assert forgotten(site, nobody) == [("missing", True)]
    assert forgotten(site, broken) == [("quarantined", True)]
    assert forgotten(site, site.root / DAY) == [("missing", False)]
    with pytest.raises(NotFound):
        forgotten(site, nobody)
    with pytest.raises(NotFound):
        forgotten(site, lost, "ab3c")
    assert site.rows("SELECT * FROM job") == []
    scan(site)
    assert [row["kind"] for row in site.rows("SELECT kind FROM job")] == ["import"], "what is there is seen anew"
    assert sound(site, second) == []


def test_a_root_that_was_renamed_keeps_all_its_images(site: Site, second: Path) -> None:
    for number in range(5):
        write_tiff(site.root / DAY / f"{number}.tif", value=number)
    site.import_()
    before = identities(site.catalogue)
    new = site.root.rename(site.root.with_name("disk2"))
    renamed = site.settings(roots={"disk2": new})
    who = acting(site)
    with site.catalogue.writing() as connection:
        assert files_to_look_for(connection, who, "confocal", limit=10) != []
        relocate(
            connection,
            who,
            "confocal",
            to=os.fsencode(new),
            name="disk2",
            identity={},
            now=datetime.now(UTC),
            via="cli",
        )
    summary = site.import_(settings=renamed)

    assert (summary.imported, summary.updated, summary.unchanged) == (0, 0, 5)
    assert identities(site.catalogue) == {("disk2", path): one for (_, path), one in before.items()}
    assert [row["name"] for row in site.rows("SELECT name FROM root")] == ["disk2"]
    assert site.rows("SELECT * FROM sighting WHERE missing_since IS NOT NULL") == []


def test_what_was_taken_in_below_a_renamed_root_is_joined_with_what_it_was_below_the_old_one(site: Site) -> None:
    for number in range(3):
        write_tiff(site.root / DAY / f"{number}.tif", value=number)
    site.import_()
    tag(site, 2, "good")
    before = identities(site.catalogue)
    new = site.root.rename(site.root.with_name("disk2"))
    site.import_(settings=site.settings(roots={"disk2": new}))  # the name was not kept, nobody relocated
    assert len(site.images()) == 6
    assert [row.done for row in accepted(site, new)] == [True] * 3
    assert identities(site.catalogue) == {("disk2", path): one for (_, path), one in before.items()}
    assert violations(site.catalogue, {"disk2": new}) == []


def test_a_root_that_was_taken_in_under_a_new_name_already_is_not_overwritten(site: Site, second: Path) -> None:
    write_tiff(site.root / DAY / "a.tif")
    write_tiff(second / DAY / "b.tif", value=2)
    scan(site)
    who = acting(site)
    with pytest.raises(Refused, match="were taken in as new ones already"), site.catalogue.writing() as connection:
        relocate(connection, who, "confocal", to=b"/new", name="second", identity={}, now=datetime.now(UTC), via="cli")
    with pytest.raises(NotFound), site.catalogue.reading() as connection:
        files_to_look_for(connection, who, "nowhere", limit=10)
    with pytest.raises(NotFound), site.catalogue.reading() as connection:
        files_to_look_for(connection, acting(site, "ab3c"), "confocal", limit=10)
