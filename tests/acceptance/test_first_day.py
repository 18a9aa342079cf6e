"""A first day: files appear in every way files appear, and are catalogued once, whole, in the right place."""

import os
import shutil
from pathlib import Path

import pytest

from tests.helpers.pictures import ome_tiff_bytes, png_bytes, put, tiff_bytes
from tests.helpers.program import Site, copy_slowly, rows, wait_until

ADA = Path("data/smith-lab/ab3c")


def imported(site: Site, path: Path) -> bool:
    return site.state_of(path)[0] == "imported"


def test_files_copied_slowly_moved_in_and_made_in_new_folders_are_each_imported_once(site: Site) -> None:
    slow, moved = site.folder / ADA / "mitosis/day1/slow.ome.tif", site.folder / ADA / "mitosis/day1/moved.tif"
    deep = site.folder / ADA / "mitosis/day2/a/b/c/deep.png"
    with site.daemon():
        site.ready()
        copy_slowly(ome_tiff_bytes(), slow)
        put(site.folder / "elsewhere.tif", tiff_bytes(2)).rename(moved)
        put(deep, png_bytes(3))
        put(site.folder / "outside/x/folder.tif", tiff_bytes(4))
        (site.folder / "outside/x").rename(site.folder / ADA / "mitosis/x")
        wait_until(lambda: len(site.images()) == 4)
        found = site.images()
        assert rows(found, "name", "dataset") == [
            ("deep", "day2"),
            ("folder", "x"),
            ("moved", "day1"),
            ("slow", "day1"),
        ]
        assert {row["project"] for row in found} == {"mitosis"}
        assert {(row["owner"], row["group"]) for row in found} == {("ab3c", "smith-lab")}
        slow_image = next(row for row in found if row["name"] == "slow")
        assert slow_image["sizes"] == {"x": 64, "y": 64, "z": 3, "c": 2, "t": 1}
        assert slow_image["physical_size_um"] == {"x": 0.25, "y": 0.25, "z": 1.0}
        assert [channel["name"] for channel in slow_image["channels"]] == ["DAPI", "GFP"]
    before = [row["id"] for row in site.images()]
    summary = site.json("import")
    assert (summary["imported"], summary["updated"], summary["failed"]) == (0, 0, 0)
    assert [row["id"] for row in site.images()] == before


def test_a_replaced_file_is_an_update_that_keeps_id_and_annotations(site: Site) -> None:
    path = put(site.folder / ADA / "mitosis/one.tif", tiff_bytes(1))
    with site.daemon():
        wait_until(lambda: imported(site, path))
        before = site.images()[0]
        assert site.ask("tag", "add", f"image:{before['id']}", "keep me", "--as", "ab3c").code == 0
        put(site.folder / "new.tif", tiff_bytes(9, size_px=80)).rename(path)
        wait_until(lambda: site.images()[0]["sizes"]["x"] == 80)
        (after,) = site.images()
        assert after["id"] == before["id"]
        assert "keep me" in str(after["tags"])
        assert after["files"][0]["hash"] != before["files"][0]["hash"]


def test_a_file_of_nobody_known_is_held_and_imported_once_the_person_exists(site: Site) -> None:
    path = put(site.folder / "data/smith-lab/zz9z/mitosis/one.tif", tiff_bytes())
    with site.daemon():
        wait_until(lambda: site.state_of(path)[0] == "held")
        assert "zz9z" in site.state_of(path)[1]
        assert site.images() == []
        text = site.configuration.read_text()
        site.configure(text.replace("members: [ab3c, cd4e]", "members: [ab3c, cd4e, zz9z]"))
        wait_until(lambda: imported(site, path))
        assert site.images()[0]["owner"] == "zz9z"


def test_what_is_there_before_the_start_is_imported_and_a_kill_loses_nothing(site: Site) -> None:
    for number in range(30):
        put(site.folder / ADA / f"screen/d{number % 3}/i{number:02}.tif", tiff_bytes(number))
    with site.daemon() as daemon:
        site.ready()
        daemon.kill()
    with site.daemon():
        wait_until(lambda: len(site.images()) == 30)
    assert len({(row["dataset"], row["name"]) for row in site.images()}) == 30
    assert site.json("import")["imported"] == 0


def test_one_shot_import_beside_a_running_daemon_hands_it_the_request_and_waits(site: Site) -> None:
    with site.daemon():
        site.ready()
        put(site.folder / ADA / "mitosis/one.tif", tiff_bytes())
        done = site.run("import", "--json")
        assert done.code == 0, done
        assert len(site.images()) == 1


def test_a_second_daemon_is_refused_naming_the_first(site: Site) -> None:
    with site.daemon() as first:
        site.ready()
        second = site.run("run")
        assert second.code == 4
        assert str(first.process.pid) in second.err


def test_every_kind_of_odd_entry_gets_a_state_with_a_reason_and_nothing_hangs(site: Site) -> None:
    folder = site.folder / ADA / "odd"
    target = put(site.folder / "secret.tif", tiff_bytes(5))
    folder.mkdir(parents=True)
    (folder / "link.tif").symlink_to(target)
    os.mkfifo(folder / "pipe.tif")
    put(folder / "empty.tif", b"")
    put(folder / "notes.txt", b"hello")
    put(folder / "cut.tif", tiff_bytes(6)[:-900])
    put(folder / "noise.tif", b"\x00\xff" * 500)
    put(folder / "stack.czi", b"ZISRAWFILE" + bytes(100))
    put(folder / "plate.ome.zarr/0/0/.zarray", b"{}")
    Path(os.fsdecode(os.fsencode(folder) + b"/bad-\xff\xfe.tif")).write_bytes(tiff_bytes(7))
    put(folder / "esc-\x1b[31mred.tif", tiff_bytes(8))
    put(folder / "whole.tif", tiff_bytes(9))
    with site.daemon():
        site.ready()
        wait_until(lambda: len(site.images()) == 3)
        states = {
            name: site.state_of(folder / name)
            for name in ("link.tif", "pipe.tif", "empty.tif", "notes.txt", "noise.tif", "stack.czi", "plate.ome.zarr")
        }
    assert states["link.tif"][0] == "ignored"
    assert "symbolic link" in states["link.tif"][1]
    assert states["pipe.tif"][0] == "ignored"
    assert states["notes.txt"][0] == "ignored"
    assert states["stack.czi"][0] == "ignored"
    assert "CZI" in states["stack.czi"][1]
    assert states["plate.ome.zarr"][0] == "ignored"
    assert "Zarr" in states["plate.ome.zarr"][1]
    assert states["empty.tif"][0] != "imported"
    assert states["noise.tif"][0] == "quarantined"
    names = {row["name"] for row in site.images()}
    assert names == {"bad-\\xff\\xfe", "esc-\x1b[31mred", "whole"}
    for_people = site.ask("images").out
    assert "\x1b" not in for_people
    assert target.read_bytes() == tiff_bytes(5)


def test_a_truncated_file_is_not_imported_until_it_is_whole(site: Site) -> None:
    path = site.folder / ADA / "mitosis/cut.tif"
    whole = tiff_bytes(3, size_px=128)
    put(path, whole[:-5000])
    with site.daemon():
        wait_until(lambda: site.state_of(path)[0] not in ("", "settling", "ready", "importing"))
        assert site.images() == []
        put(path, whole)
        wait_until(lambda: imported(site, path))


def test_nothing_under_a_root_is_changed_by_all_this(site: Site) -> None:
    put(site.folder / ADA / "mitosis/one.tif", tiff_bytes(1))
    put(site.folder / ADA / "mitosis/two.ome.tif", ome_tiff_bytes(2))

    def picture() -> list[tuple[str, int, int, bytes]]:
        return sorted(
            (str(p), p.stat().st_mtime_ns, p.stat().st_ctime_ns, p.read_bytes() if p.is_file() else b"")
            for p in (site.folder / "data").rglob("*")
        )

    before = picture()
    with site.daemon():
        site.ready()
        wait_until(lambda: len(site.images()) == 2)
        out = site.folder / "picture.jpg"
        assert site.run("thumbnail", f"image:{site.images()[0]['id']}", "-o", out).code == 0
        assert out.stat().st_size > 300
    assert picture() == before


def test_a_deleted_file_is_missing_and_its_image_stays(site: Site) -> None:
    path = put(site.folder / ADA / "mitosis/one.tif", tiff_bytes(1))
    with site.daemon():
        wait_until(lambda: imported(site, path))
        path.unlink()
        wait_until(lambda: site.state_of(path)[0] == "missing")
        (row,) = site.images()
        assert row["state"] == "missing"
        put(path, tiff_bytes(1))
        wait_until(lambda: imported(site, path))
        assert site.images()[0]["id"] == row["id"]


def test_a_root_that_goes_away_is_unavailable_and_nothing_is_missing(site: Site) -> None:
    path = put(site.folder / ADA / "mitosis/one.tif", tiff_bytes(1))
    with site.daemon():
        wait_until(lambda: imported(site, path))
        (site.folder / "data").rename(site.folder / "gone")
        wait_until(lambda: site.ask("status").code == 1)
        wait_until(lambda: "unavailable" in "".join(site.state_of(path)))
        assert len(site.images()) == 1
        (site.folder / "gone").rename(site.folder / "data")
        put(site.folder / ADA / "mitosis/two.tif", tiff_bytes(2))
        wait_until(lambda: len(site.images()) == 2)
        wait_until(lambda: imported(site, path))


def test_a_moved_file_keeps_its_image(site: Site) -> None:
    path = put(site.folder / ADA / "mitosis/day1/one.tif", tiff_bytes(1))
    with site.daemon():
        wait_until(lambda: imported(site, path))
        before = site.images()[0]
        there = site.folder / ADA / "mitosis/day2"
        there.mkdir()
        path.rename(there / "two.tif")
        wait_until(lambda: site.images()[0]["dataset"] == "day2")
        (after,) = site.images()
        assert (after["id"], after["name"]) == (before["id"], "two")


def test_a_bad_edit_leaves_the_rules_in_force_and_a_good_one_applies(site: Site) -> None:
    good = site.configuration.read_text()
    with site.daemon():
        site.ready()
        site.configure(good.replace("rules:", "ruels:"))
        problem = wait_until(lambda: site.ask("status", "--json").json["config"]["problem"])
        assert "ruels" in str(problem)
        put(site.folder / ADA / "mitosis/one.tif", tiff_bytes(1))
        wait_until(lambda: len(site.images()) == 1)
        before = site.ask("status", "--json").json["config"]["version"]
        site.configure(good.replace("{image}.{ext}'", "{image}.{ext}'\n        tags: [new]"))
        wait_until(lambda: site.ask("status", "--json").json["config"]["problem"] is None)
        wait_until(lambda: site.ask("status", "--json").json["config"]["version"] != before)  # the ingest has it, too
        put(site.folder / ADA / "mitosis/two.tif", tiff_bytes(2))
        wait_until(lambda: len(site.images()) == 2)
        assert {row["name"]: len(row["tags"]) for row in site.images()} == {"one": 0, "two": 1}


@pytest.mark.skipif(os.geteuid() != 0 and shutil.which("setpriv") is None, reason="needs setpriv when run as root")
def test_an_unreadable_file_waits_and_is_imported_once_it_can_be_read(site: Site) -> None:
    path = put(site.folder / ADA / "mitosis/locked.tif", tiff_bytes(1))
    path.chmod(0)
    with site.daemon(without_privilege_to_read=True):
        site.ready()
        put(site.folder / ADA / "mitosis/open.tif", tiff_bytes(2))
        wait_until(lambda: len(site.images()) == 1)
        wait_until(lambda: site.state_of(path)[0] == "waiting")
        assert "may not be read" in site.state_of(path)[1]
        path.chmod(0o644)
        wait_until(lambda: len(site.images()) == 2)
