"""One file's path where it is not the usual one: renamed beside a new file, hashed later, unreadable, old, odd."""

import os
import threading
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from catalog.engine import Catalogue
from ingest.int64 import signed64, wrapped64
from ingest.moving import in_rings
from ingest.pool import InProcessPool
from ingest.reading import read
from ingest.work import Outcome, ReadResult, ReadTask
from ingest.working import LONGEST_BACK_OFF, back_off
from tests.helpers.ingest_site import Site, add_person, write_tiff
from tests.helpers.program import PATIENCE_S, wait_until

DAY = "smith-lab/ab3c/cells/day1"


@pytest.fixture
def site(catalogue: Catalogue, tmp_path: Path) -> Site:
    made = Site(catalogue, tmp_path)
    add_person(catalogue, "ab3c", "smith-lab")
    return made


@pytest.mark.parametrize("new_folder", [DAY, "smith-lab/ab3c/cells/day0", "smith-lab/ab3c/cells/day9"])
def test_a_file_renamed_to_make_room_for_a_new_one_keeps_its_image(site: Site, new_folder: str) -> None:
    old = write_tiff(site.root / DAY / "a.tif", value=1)
    site.import_()
    before = site.images()[0]
    (site.root / new_folder).mkdir(parents=True, exist_ok=True)
    old.rename(site.root / new_folder / "b.tif")
    write_tiff(old, value=2)
    site.import_()
    assert next((row["id"], row["name"]) for row in site.images()) == (before["id"], "b")
    assert site.names() == ["a", "b"]
    assert {row["what"] for row in site.rows("SELECT what FROM event")} == {"imported", "moved"}


def test_a_file_renamed_to_make_room_is_known_again_by_its_events(site: Site) -> None:
    old = write_tiff(site.root / DAY / "a.tif", value=1)
    other = site.root / "smith-lab/ab3c/cells/day9"
    other.mkdir()
    with site.running():
        wait_until(lambda: site.names() == ["a"])
        before = site.images()[0]["id"]
        old.rename(other / "b.tif")
        write_tiff(old, value=2)
        site.hints.name("confocal", DAY.encode(), b"a.tif", closed=True)
        site.hints.name("confocal", b"smith-lab/ab3c/cells/day9", b"b.tif")
        wait_until(lambda: site.names() == ["a", "b"])
    assert {row["name"]: row["id"] for row in site.images()}["b"] == before


def test_a_file_saved_by_renaming_over_it_is_an_update_of_its_image(site: Site) -> None:
    path = write_tiff(site.root / DAY / "a.tif", value=1)
    site.import_()
    before = site.images()[0]["id"]
    write_tiff(site.root / DAY / "a.tif.tmp", value=2).rename(path)
    summary = site.import_()
    assert summary.updated == 1
    assert [row["id"] for row in site.images()] == [before]


@pytest.mark.parametrize("how", ["renamed", "exchanged"])
def test_what_was_written_before_it_was_renamed_and_not_read_yet_is_read(site: Site, how: str) -> None:
    paths = [write_tiff(site.root / DAY / f"{name}.tif", value=number) for number, name in enumerate("ab")]
    site.import_()
    before = {row["name"]: row["id"] for row in site.images()}
    written = write_tiff(site.state / "a.tif", value=5, pages=3).read_bytes()
    with paths[0].open("r+b") as file:
        file.write(written)
    site.import_(wait=False, settings=site.settings(settle=timedelta(minutes=5)))
    assert len(site.rows("SELECT id FROM fileset WHERE due_at IS NOT NULL")) == 1, "seen, and not read"
    if how == "exchanged":
        _rename(paths, "ba")
    else:
        paths[0].rename(paths[0].with_name("c.tif"))

    assert site.import_().updated == 1

    found = {row["id"]: (row["name"], row["size_t"]) for row in site.rows("SELECT id, name, size_t FROM image")}
    assert found == {
        before["a"]: ("b" if how == "exchanged" else "c", 3),
        before["b"]: ("a" if how == "exchanged" else "b", 1),
    }
    assert [row["size_bytes"] for row in site.rows("SELECT size_bytes FROM original_file")].count(len(written)) == 1


ROUNDS = {"two": ("b", "a"), "three": ("b", "c", "a"), "two pairs": ("b", "a", "d", "c")}


@pytest.mark.parametrize("names", ROUNDS.values(), ids=list(ROUNDS))
def test_files_that_exchange_their_names_keep_their_images(site: Site, names: tuple[str, ...]) -> None:
    before = _exchange(site, names)
    now = {row["name"]: row["id"] for row in site.images()}
    assert now == {name: before[was] for was, name in zip("abcd", names, strict=False)}
    assert [row["what"] for row in site.rows("SELECT what FROM event WHERE what != 'imported'")] == ["moved"] * len(
        names
    )
    assert site.rows("SELECT * FROM fileset WHERE seen_digest != done_digest OR due_at IS NOT NULL") == []
    assert site.import_().unchanged == len(names)


def test_one_of_three_that_was_written_meanwhile_leaves_the_others_updates(site: Site) -> None:
    before = _exchange(site, ("b", "c", "a"), written="c")
    assert {row["name"]: row["id"] for row in site.images()} == before
    assert {row["what"] for row in site.rows("SELECT what FROM event")} == {"imported", "updated"}


@pytest.mark.parametrize(
    ("came_from", "rings"),
    [
        ({}, ""),
        ({"a": "b", "b": "a"}, "ab"),
        ({"a": "b", "b": "c", "c": "a", "x": "y", "y": "x"}, "abcxy"),
        ({"a": "b", "b": "c"}, ""),
        ({"a": "b", "b": "a", "c": "b", "d": "c"}, "ab"),
        ({"a": "a"}, "a"),
    ],
    ids=["none", "two", "three and two", "a chain", "a ring and who waits for it", "alone"],
)
def test_only_what_comes_back_to_itself_is_a_ring(came_from: dict[str, str], rings: str) -> None:
    raw = {name.encode(): source.encode() for name, source in came_from.items()}
    assert in_rings(raw) == {name.encode() for name in rings}


def test_wells_that_exchange_their_files_are_updates_and_both_stay_in_the_plate(site: Site) -> None:
    site.rule = "{group}/{owner}/{screen}/{plate}/{well}.{ext}"
    paths = [write_tiff(site.root / f"smith-lab/ab3c/siRNA/P1/{well}.tif", value=ord(well[0])) for well in ("B3", "C4")]
    wells = "SELECT s.image_id, w.row FROM well_sample s JOIN well w ON w.id = s.well_id ORDER BY s.image_id"
    site.import_()
    before = site.rows(wells)
    _rename(paths, ("C4", "B3"))
    assert site.import_().updated == 2
    assert site.rows(wells) == before


def test_files_of_two_people_that_exchange_their_names_change_no_hands(site: Site) -> None:
    add_person(site.catalogue, "cd4e", "smith-lab")
    site.rule = "{group}/{project}/{owner}_{image}.{ext}"
    paths = [write_tiff(site.root / f"smith-lab/p/{name}_x.tif", value=len(name)) for name in ("ab3c", "cd4e")]
    site.import_()
    before = site.rows("SELECT id, owner_id FROM image ORDER BY id")
    _rename(paths, ("cd4e_x", "ab3c_x"))
    site.import_()
    assert site.rows("SELECT id, owner_id FROM image ORDER BY id") == before
    assert all("owner_id" in str(row["owner_differs"]) for row in site.rows("SELECT owner_differs FROM fileset"))
    assert [row["what"] for row in site.rows("SELECT what FROM event")][2:] == ["moved"] * 2


def test_an_exchange_is_known_by_the_event_of_one_of_its_names(site: Site) -> None:
    """Of the other no event came yet: it is looked at together with the first, before anything is decided."""
    folder = site.root / DAY
    paths = [write_tiff(folder / f"{name}.tif", value=number) for number, name in enumerate("ab")]
    with site.running():
        wait_until(lambda: site.names() == ["a", "b"])
        before = {row["name"]: row["id"] for row in site.images()}
        _rename(paths, "ba")
        site.hints.name("confocal", DAY.encode(), b"a.tif")
        wait_until(lambda: len(site.rows("SELECT id FROM event WHERE what = 'moved'")) == 2)
    assert {row["name"]: row["id"] for row in site.images()} == {"a": before["b"], "b": before["a"]}


def _exchange(site: Site, names: Sequence[str], written: str | None = None) -> dict[str, int]:
    """Import files a, b ... and give them other names of the same before the next scan; gives the ids as they were."""
    folder = site.root / DAY
    paths = [write_tiff(folder / f"{name}.tif", value=ord(name)) for name in "abcd"[: len(names)]]
    site.import_()
    before = {row["name"]: row["id"] for row in site.images()}
    _rename(paths, names)
    if written is not None:
        write_tiff(folder / f"{written}.new", value=1, pages=3).rename(folder / f"{written}.tif")
    site.import_()
    return before


def _rename(paths: Sequence[Path], names: Sequence[str]) -> None:
    for path in paths:
        path.rename(path.with_suffix(".aside"))
    for path, name in zip(paths, names, strict=True):
        path.with_suffix(".aside").rename(path.with_name(f"{name}.tif"))


def test_a_hard_link_beside_the_original_is_no_move(site: Site) -> None:
    path = write_tiff(site.root / DAY / "a.tif", value=1)
    site.import_()
    os.link(path, site.root / DAY / "b.tif")
    site.import_()
    assert site.names() == ["a", "b"]
    assert site.rows("SELECT * FROM event WHERE what = 'moved'") == []


def test_a_large_file_is_hashed_once_all_is_imported(site: Site) -> None:
    write_tiff(site.root / DAY / "large.tif", size=64)
    write_tiff(site.root / DAY / "small.tif", size=8)
    order: list[tuple[str, bool]] = []

    def reading(task: ReadTask) -> ReadResult:
        result = read(task)
        order.extend((os.fsdecode(file.path.rpartition(b"/")[2]), file.hash is not None) for file in result.files)
        return result

    settings = site.settings(hash_now=4000)
    with site.running(settings=settings, pool=InProcessPool(read=reading)):
        wait_until(lambda: len(site.rows("SELECT * FROM original_file WHERE hash IS NOT NULL")) == 2)
        wait_until(lambda: site.rows("SELECT * FROM job") == [])
    assert order[-1] == ("large.tif", True)
    assert ("large.tif", False) in order[:2]
    assert site.names() == ["large", "small"]


def test_what_is_new_goes_before_the_backlog_of_a_first_start(site: Site) -> None:
    """Old files wait while a file that is written meanwhile goes through."""
    for number in range(300):
        write_tiff(site.root / DAY / f"old{number}.tif", value=number, size=8)
    read_names: list[str] = []
    go_on = threading.Event()

    def reading(task: ReadTask) -> ReadResult:
        read_names.append(os.fsdecode(task.members[0].path.rpartition(b"/")[2]))
        if len(read_names) == 4:
            go_on.wait(PATIENCE_S)
        return read(task)

    with site.running(pool=InProcessPool(read=reading, capacity=2), settings=site.settings()) as loop:
        wait_until(lambda: len(read_names) == 4)
        write_tiff(site.root / DAY / "new.tif", value=5)
        site.hints.name("confocal", DAY.encode(), b"new.tif", closed=True)
        go_on.set()
        wait_until(lambda: "new" in site.names())
        assert loop.progress().problem is None
    assert read_names.index("new.tif") < 280


def test_a_file_that_may_not_be_read_is_imported_soon_after_it_may(site: Site) -> None:
    path = write_tiff(site.root / DAY / "a.tif")
    allowed: list[bool] = []

    def reading(task: ReadTask) -> ReadResult:
        if allowed:
            return read(task)
        return ReadResult(
            fileset_id=task.fileset_id,
            claim=task.claim,
            digest=task.digest,
            outcome=Outcome.TRANSIENT,
            reason="the file may not be read: give Coverslip's account the right to read it",
        )

    with site.running(pool=InProcessPool(read=reading)):
        wait_until(lambda: [row["state"] for row in site.rows("SELECT state FROM job")] == ["waiting"])
        allowed.append(True)
        path.chmod(0o640)
        wait_until(lambda: site.names() == ["a"])


def test_waiting_files_are_tried_soon_then_every_minute_then_seldom_and_never_too_many_at_once() -> None:
    waits = [back_off(attempt).total_seconds() for attempt in (1, 2, 3, 4, 10, 30, 31)]
    assert waits == [5, 15, 30, 60, 60, 60, 600]
    assert back_off(1, waiting=3000).total_seconds() == 300
    assert back_off(1, waiting=10**9) == LONGEST_BACK_OFF


def test_numbers_of_odd_file_systems_fit_and_stay_apart() -> None:
    assert wrapped64(5) == 5
    assert wrapped64(2**64 - 1) == -1
    assert wrapped64(2**63) == -(2**63)
    assert signed64(2**70) == 2**63 - 1
    assert signed64(-(2**70)) == -(2**63)


def test_huge_inodes_and_times_out_of_range_are_imported(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_tiff(site.root / DAY / "a.tif")
    os.utime(path, ns=(0, -5_000_000_000))
    real_stat, real_fstat = os.stat, os.fstat

    class Odd:
        """A stat as some network file systems give it."""

        def __init__(self, real: os.stat_result) -> None:
            self._real = real
            self.st_ino = real.st_ino + (1 << 63)

        def __getattr__(self, name: str) -> object:
            return getattr(self._real, name)

    def stat(target: object, **options: object) -> object:
        found = real_stat(target, **options)  # type: ignore[arg-type]  # passed through
        return Odd(found) if "dir_fd" in options else found

    monkeypatch.setattr(os, "stat", stat)
    monkeypatch.setattr(os, "fstat", lambda descriptor: Odd(real_fstat(descriptor)))
    site.import_()
    assert site.names() == ["a"]
    assert site.rows("SELECT inode FROM sighting")[0]["inode"] < 0
    before = site.dump()
    site.import_()
    assert site.dump() == before


def test_a_file_in_whose_place_a_folder_lies_is_missing_at_the_first_look(site: Site) -> None:
    """It was called imported until the next scan of the whole root."""
    path = write_tiff(site.root / DAY / "a.tif")
    site.import_()
    path.unlink()
    write_tiff(path / "inner.tif", value=2)

    site.import_(path)

    rows = site.rows("SELECT name, missing_since FROM sighting ORDER BY name")
    assert [(bytes(row["name"]), row["missing_since"] is not None) for row in rows] == [
        (b"a.tif", True),
        (b"inner.tif", False),
    ]


def test_importing_one_file_imports_that_file_only_and_a_folder_all_below(site: Site) -> None:
    one = write_tiff(site.root / DAY / "one.tif")
    write_tiff(site.root / DAY / "two.tif", value=2)
    write_tiff(site.root / "smith-lab/ab3c/cells/day2/deep/three.tif", value=3)
    summary = site.import_(one)
    assert (summary.scanned, summary.imported, summary.unchanged, summary.problems) == (1, 1, 0, ())
    assert site.names() == ["one"]
    assert site.import_(one).unchanged == 1
    summary = site.import_(site.root / "smith-lab/ab3c/cells/day2")
    assert (summary.scanned, summary.imported) == (1, 1)
    assert site.names() == ["one", "three"]


def test_what_is_named_twice_is_counted_once(site: Site) -> None:
    one = write_tiff(site.root / DAY / "one.tif")
    write_tiff(site.root / f"{DAY}-more" / "two.tif", value=2)
    day = site.root / DAY

    first = site.import_(one, day, day.with_name(f"{day.name}-more"), one)
    again = site.import_(day, one, day)
    beside = site.import_(site.root.parent, one)

    assert (first.scanned, first.imported, first.unchanged) == (2, 2, 0)
    assert (again.scanned, again.imported, again.unchanged) == (1, 0, 1)
    assert (beside.scanned, len(beside.problems)) == (1, 1), "a folder in no root leaves out nothing"


def test_a_path_that_is_not_there_or_in_no_root_is_a_sentence(site: Site, tmp_path: Path) -> None:
    gone, outside = site.root / DAY / "gone.tif", tmp_path / "elsewhere.tif"
    summary = site.import_(gone, outside)
    assert sorted(summary.problems) == sorted(
        (f"{gone} does not exist", f"{outside} lies in no watch root; `coverslip root ls` shows them")
    )
    assert summary.scanned == 0
