"""The path of a file, with real directories and real readers, on both databases."""

import os
import socket
from pathlib import Path

import pytest

from catalog.engine import Catalogue
from config.settings import KeyValueTable, RuleSettings
from tests.helpers.ingest_site import MARK, Site, add_person, write_tiff
from tests.helpers.program import wait_until


@pytest.fixture
def site(catalogue: Catalogue, tmp_path: Path) -> Site:
    made = Site(catalogue, tmp_path)
    add_person(catalogue, "ab3c", "smith-lab")
    return made


def test_a_file_is_imported_once_with_its_containers_and_picture(site: Site) -> None:
    write_tiff(site.root / "smith-lab/ab3c/cells/day1/a.tif")

    summary = site.import_()

    assert (summary.scanned, summary.imported, summary.failed) == (1, 1, 0)
    assert [image["name"] for image in site.images()] == ["a"]
    assert [row["name"] for row in site.rows("SELECT name FROM dataset")] == ["day1"]
    assert [row["name"] for row in site.rows("SELECT name FROM project")] == ["cells"]
    assert len(site.rows("SELECT * FROM project_dataset_link")) == 1
    assert len(site.rows("SELECT * FROM dataset_image_link")) == 1
    assert site.rows("SELECT failure FROM thumbnail") == [{"failure": None}]
    assert site.rows("SELECT hash FROM original_file WHERE hash IS NOT NULL")
    assert [row["what"] for row in site.rows("SELECT what FROM event")] == ["imported"]
    assert site.rows("SELECT * FROM job") == []


def test_a_rescan_of_what_did_not_change_writes_nothing(site: Site) -> None:
    for number in range(5):
        write_tiff(site.root / f"smith-lab/ab3c/cells/day1/{number}.tif", value=number)
    (site.root / "notes.txt").write_text("x")
    site.import_()
    before = site.dump()

    summary = site.import_()

    assert summary.unchanged == 5
    assert summary.imported == summary.updated == 0
    assert site.dump() == before


def test_a_file_that_grows_is_updated_in_place(site: Site) -> None:
    path = write_tiff(site.root / "smith-lab/ab3c/cells/a.tif", pages=1)
    site.import_()
    image = site.images()[0]
    write_tiff(path, pages=3, value=2)

    summary = site.import_()

    assert (summary.imported, summary.updated) == (0, 1)
    assert [row["id"] for row in site.images()] == [image["id"]]
    replaced = site.rows("SELECT pixels_replaced_at, size_z, size_t FROM image")[0]
    assert replaced["pixels_replaced_at"] is not None
    assert replaced["size_z"] * replaced["size_t"] == 3
    assert [row["generation"] for row in site.rows("SELECT generation FROM fileset")] == [2]


def test_a_touched_file_with_the_same_content_is_not_an_update(site: Site) -> None:
    path = write_tiff(site.root / "smith-lab/ab3c/cells/a.tif")
    site.import_()
    os.utime(path)

    summary = site.import_()

    assert (summary.imported, summary.updated, summary.unchanged) == (0, 0, 1)
    assert site.rows("SELECT pixels_replaced_at FROM image") == [{"pixels_replaced_at": None}]


def test_an_unknown_owner_is_held_and_imported_when_the_user_appears(site: Site) -> None:
    write_tiff(site.root / "smith-lab/newbie/cells/a.tif")
    with site.running():
        wait_until(lambda: site.sightings().get("smith-lab/newbie/cells/a.tif", ("", ""))[0] == "held")
        add_person(site.catalogue, "newbie", "smith-lab")
        wait_until(lambda: len(site.images()) == 1)


def test_a_moved_file_keeps_its_ids_and_is_filed_anew(site: Site) -> None:
    path = write_tiff(site.root / "smith-lab/ab3c/cells/day1/a.tif")
    site.import_()
    image = site.images()[0]
    target = site.root / "smith-lab/ab3c/other/day2/b.tif"
    target.parent.mkdir(parents=True)
    path.rename(target)

    summary = site.import_()

    assert (summary.imported, summary.unchanged) == (0, 1)
    assert [(row["id"], row["name"]) for row in site.images()] == [(image["id"], "b")]
    linked = "SELECT d.name FROM dataset d JOIN dataset_image_link l ON l.dataset_id = d.id"
    assert site.rows(linked) == [{"name": "day2"}]
    assert list(site.sightings()) == ["smith-lab/ab3c/other/day2/b.tif"]


def test_a_renamed_folder_keeps_all_ids(site: Site) -> None:
    for number in range(120):
        write_tiff(site.root / f"smith-lab/ab3c/cells/day1/{number:03}.tif", value=number)
    site.import_()
    before = {row["name"]: row["id"] for row in site.images()}
    (site.root / "smith-lab/ab3c/cells/day1").rename(site.root / "smith-lab/ab3c/cells/day9")

    summary = site.import_()

    assert summary.imported == 0
    assert {row["name"]: row["id"] for row in site.images()} == before
    assert site.rows("SELECT * FROM sighting WHERE missing_since IS NOT NULL") == []
    assert site.rows("SELECT availability FROM root") == [{"availability": "available"}]


def test_a_move_to_another_owners_folder_changes_no_owner_and_is_marked(site: Site) -> None:
    owner, _ = add_person(site.catalogue, "cd4e", "smith-lab")
    path = write_tiff(site.root / "smith-lab/cd4e/cells/a.tif")
    site.import_()
    target = site.root / "smith-lab/ab3c/cells/a.tif"
    target.parent.mkdir(parents=True)
    path.rename(target)

    site.import_()

    assert [row["owner_id"] for row in site.images()] == [owner]
    assert site.rows("SELECT id FROM fileset WHERE owner_differs IS NOT NULL")


def test_a_copy_is_an_image_of_its_own(site: Site) -> None:
    path = write_tiff(site.root / "smith-lab/ab3c/cells/a.tif")
    site.import_()
    (path.parent / "copy.tif").write_bytes(path.read_bytes())

    site.import_()

    assert [row["name"] for row in site.images()] == ["a", "copy"]


def test_a_move_across_disks_is_recognised_by_content(site: Site) -> None:
    path = write_tiff(site.root / "smith-lab/ab3c/cells/a.tif", value=7)
    site.import_()
    image = site.images()[0]
    content = path.read_bytes()
    path.unlink()
    site.import_()
    (path.parent / "b.tif").write_bytes(content)

    site.import_()

    assert [(row["id"], row["name"]) for row in site.images()] == [(image["id"], "b")]


def test_what_is_gone_is_missing_and_comes_back_with_its_ids(site: Site) -> None:
    path = write_tiff(site.root / "smith-lab/ab3c/cells/a.tif")
    site.import_()
    content, image = path.read_bytes(), site.images()[0]
    path.unlink()
    site.import_()
    assert site.rows("SELECT name FROM sighting WHERE missing_since IS NOT NULL")
    path.write_bytes(content)

    site.import_()

    assert site.rows("SELECT name FROM sighting WHERE missing_since IS NOT NULL") == []
    assert site.images() == [image]


def test_the_brake_keeps_many_files_from_going_missing_until_a_person_accepts(site: Site) -> None:
    for number in range(60):
        write_tiff(site.root / f"smith-lab/ab3c/cells/{number:02}.tif", value=number)
    site.import_()
    for path in (site.root / "smith-lab/ab3c/cells").iterdir():
        path.unlink()

    site.import_()

    assert site.rows("SELECT * FROM sighting WHERE missing_since IS NOT NULL") == []
    assert [row["availability"] for row in site.rows("SELECT availability FROM root")] == ["braked"]


@pytest.mark.parametrize("is_remade", [False, True])
def test_a_root_that_is_gone_or_empty_is_not_a_deletion(site: Site, is_remade: bool) -> None:
    write_tiff(site.root / "smith-lab/ab3c/cells/a.tif")
    site.import_()
    aside = site.root.with_name("aside")
    site.root.rename(aside)
    if is_remade:
        site.root.mkdir()

    summary = site.import_()

    assert summary.problems
    assert site.rows("SELECT * FROM sighting WHERE missing_since IS NOT NULL") == []
    assert [row["availability"] for row in site.rows("SELECT availability FROM root")] == ["unavailable"]
    if is_remade:
        site.root.rmdir()
    aside.rename(site.root)
    assert site.import_().unchanged == 1
    assert [row["availability"] for row in site.rows("SELECT availability FROM root")] == ["available"]


def test_odd_things_have_a_state_and_stop_nothing(site: Site, tmp_path: Path) -> None:
    folder = site.root / "smith-lab/ab3c/cells"
    write_tiff(folder / "a.tif")
    (folder / "link.tif").symlink_to(folder / "a.tif")
    (folder / "out").symlink_to(tmp_path)
    os.mkfifo(folder / "fifo.tif")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(folder / "s.tif"))
    (folder / "vol.zarr/0").mkdir(parents=True)
    raw = os.fsencode(folder) + b"/bad\xff\n.tif"
    with open(raw, "wb") as odd:
        odd.write((folder / "a.tif").read_bytes())
    write_tiff(folder / ("n" * 251 + ".tif"))

    summary = site.import_()

    assert summary.imported == 3
    found = {os.path.basename(path): state for path, state in site.sightings().items()}
    assert found["link.tif"] == ("ignored", "symbolic link")
    assert found["out"] == ("ignored", "symbolic link")
    assert found["fifo.tif"] == ("ignored", "named pipe")
    assert found["s.tif"] == ("ignored", "socket")
    assert found["vol.zarr"][0] == "ignored"
    assert "Zarr" in (found["vol.zarr"][1] or "")
    assert os.fsencode(next(name for name in found if name.startswith("bad"))) == b"bad\xff\n.tif"


def test_a_path_longer_than_the_system_opens_at_once_is_imported(site: Site) -> None:
    folder = os.fsencode(site.root / "smith-lab/ab3c/cells")
    os.makedirs(folder)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        for _ in range(17):
            os.mkdir(b"d" * 240, dir_fd=descriptor)
            inner = os.open(b"d" * 240, os.O_RDONLY, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        content = write_tiff(site.root / "smith-lab/ab3c/cells/a.tif").read_bytes()
        file = os.open(b"deep.tif", os.O_WRONLY | os.O_CREAT, dir_fd=descriptor)
        os.write(file, content)
        os.close(file)
    finally:
        os.close(descriptor)

    summary = site.import_()

    assert summary.imported == 2


def test_the_history_of_a_first_import_tells_what_the_table_beside_it_did_not_give(site: Site) -> None:
    table = KeyValueTable(table="meta.csv", by="image")
    settings = site.settings(rules=(RuleSettings(match=(site.rule,), key_values=table, mark=MARK),))
    (write_tiff(site.root / "smith-lab/ab3c/cells/a.tif").parent / "meta.csv").write_bytes(
        "image,dose\nb,5 µM\n".encode("cp1252")
    )
    write_tiff(site.root / "smith-lab/ab3c/cells/b.tif", value=2)
    site.import_(settings=settings)
    told = [str(row["after"]) for row in site.rows("SELECT after FROM event WHERE what = 'imported'")]
    assert sum("'meta.csv' has no line for image a" in one for one in told) == 1, told
    assert sum("it was read as Windows-1252" in one for one in told) == 1, told


def test_a_rules_tags_and_key_values_are_put_on_its_images(site: Site) -> None:
    rule = RuleSettings(match=(site.rule,), tags=("confocal",), key_values={"Stain": "DAPI"}, mark=MARK)
    write_tiff(site.root / "smith-lab/ab3c/cells/a.tif")

    site.import_(settings=site.settings(rules=(rule,)))

    assert [row["value"] for row in site.rows("SELECT value FROM annotation WHERE kind = 'tag'")] == ["confocal"]
    assert site.rows("SELECT key, value FROM map_pair") == [{"key": "Stain", "value": "DAPI"}]
    assert len(site.rows("SELECT * FROM annotation_link WHERE image_id IS NOT NULL")) == 2


def test_wells_and_fields_of_a_plate_are_filled_and_a_taken_field_is_held(site: Site) -> None:
    rule = RuleSettings(match=("{group}/{owner}/{screen}/{plate}/{well}_f{field}[_{more}].{ext}",), mark=MARK)
    folder = site.root / "smith-lab/ab3c/siRNA/P001"
    write_tiff(folder / "B03_f1.tif")
    write_tiff(folder / "B03_f2.tif", value=2)
    write_tiff(folder / "B03_f2_again.tif", value=3)

    summary = site.import_(settings=site.settings(rules=(rule,)))

    assert (summary.imported, summary.held) == (2, 1)
    wells = site.rows('SELECT "row", "column" FROM well')
    assert wells == [{"row": 1, "column": 2}]
    assert len(site.rows("SELECT * FROM well_sample")) == 2
    assert [row["name"] for row in site.rows("SELECT name FROM plate")] == ["P001"]
    held = [reason for state, reason in site.sightings().values() if state == "held"]
    assert "B3" in (held[0] or "")
