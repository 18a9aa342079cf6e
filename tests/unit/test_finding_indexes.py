"""The index beside a picture: where it is looked for, what is never followed, and that it is parsed once."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from ingest.indexes import harmony, reading
from ingest.indexes.finding import find_index
from ingest.indexes.reading import IndexFile
from ingest.indexes.values import NamedPlanes, PlaneFacts
from ingest.work import Look
from tests.helpers import index_files

LOOK = Look(size_bytes=1, mtime_ns=0, ctime_ns=0, inode=1)
PICTURE = b"P1/Images/r01c01f01p01-ch1sk1fk1fl1.tiff"


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "P1" / "Images"
    folder.mkdir(parents=True)
    return folder


def note(root: Path, path: bytes = PICTURE) -> str | None:
    found = find_index(os.fsencode(root), path)
    assert found is not None
    assert found.index is None
    return found.note


def test_where_no_index_lies_nothing_is_found(tmp_path: Path, images: Path) -> None:
    assert find_index(os.fsencode(tmp_path), PICTURE) is None
    assert find_index(os.fsencode(tmp_path), b"P1/Images/holiday.tif") is None


def test_an_index_is_found_beside_its_pictures_and_not_above_them(tmp_path: Path, images: Path) -> None:
    (tmp_path / "P1" / "Index.idx.xml").write_bytes(index_files.harmony([{"URL": "r01c01f01p01-ch1sk1fk1fl1.tiff"}]))
    assert find_index(os.fsencode(tmp_path), PICTURE) is None
    (images / "Index.xml").write_bytes(index_files.harmony([{"URL": "r01c01f01p01-ch1sk1fk1fl1.tiff"}]))
    found = find_index(os.fsencode(tmp_path), PICTURE)
    assert found is not None
    assert found.name == "Index.xml"


def test_an_htd_file_is_found_above_time_points_and_z_steps_and_only_by_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "P" / "TimePoint_1" / "ZStep_2").mkdir(parents=True)
    (tmp_path / "P" / "my_plate.HTD").write_bytes(index_files.htd("DAPI"))
    root = os.fsencode(tmp_path)
    found = find_index(root, b"P/TimePoint_1/ZStep_2/my_plate_B02_s1_w1.TIF")
    assert found is not None
    assert found.name == "my_plate.HTD"
    assert find_index(root, b"P/other/my_plate_B02_s1_w1.TIF") is None
    assert find_index(root, b"P/TimePoint_1/plate_B02_s1_w1.TIF") is None


def test_a_link_is_not_followed(tmp_path: Path, images: Path) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}-outside.xml"
    outside.write_bytes(index_files.harmony([{"URL": "r01c01f01p01-ch1sk1fk1fl1.tiff"}]))
    (images / "Index.idx.xml").symlink_to(outside)
    assert note(tmp_path) == "'Index.idx.xml' told nothing: it can't be read (a symbolic link)"
    outside.unlink()


def test_a_fifo_is_not_waited_for(tmp_path: Path, images: Path) -> None:
    os.mkfifo(images / "Index.idx.xml")
    assert note(tmp_path) == "'Index.idx.xml' told nothing: it can't be read (not a plain file)"


def test_a_broken_index_says_what_is_wrong(tmp_path: Path, images: Path) -> None:
    (images / "Index.idx.xml").write_bytes(b"<EvaluationInputData><Plates>")
    assert (note(tmp_path) or "").startswith("'Index.idx.xml' told nothing: it is broken: no element found")


def test_an_index_that_is_too_large_is_not_read(tmp_path: Path, images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "XML_BYTES_AT_MOST", 1 << 20)
    (images / "Index.idx.xml").write_bytes(b" " * (1 << 20) + b" ")
    assert note(tmp_path) == "'Index.idx.xml' told nothing: it is larger than 1 MiB"


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_index_is_parsed_once_for_all_its_pictures_and_again_when_it_changes() -> None:
    clock, parsed = Clock(), []
    shelf = reading.Shelf(clock)

    def get(number: int, picture: str, *beside: int) -> None:
        files = tuple(IndexFile(b"/r", b"i%d" % n, LOOK) for n in (0, *beside))
        changed = (replace(files[0], look=LOOK._replace(mtime_ns=number)), *files[1:])

        def parse() -> NamedPlanes:
            parsed.append(number)
            return NamedPlanes(planes={f"{n}.tif": PlaneFacts() for n in range(number + 1)})

        shelf.get(changed, picture, parse)

    get(1, "0.tif")
    get(1, "7.tif")
    assert parsed == [1], "it has not changed"
    get(2, "1.tif")
    assert parsed == [1], "it grew a moment ago, and had named this one"
    get(2, "2.tif")
    assert parsed == [1, 2], "what it had not named may stand in it now"
    get(2, "2.tif", 5)
    assert parsed == [1, 2, 2], "another file came beside it"
    clock.now = reading.RECENT_S
    get(3, "2.tif", 5)
    assert parsed == [1, 2, 2, 3], "it changed, and not only a moment ago"


def test_a_worker_keeps_few_indexes() -> None:
    shelf = reading.Shelf()
    parsed: list[int] = []

    def get(number: int) -> None:
        def parse() -> str:
            parsed.append(number)
            return "is broken"

        shelf.get((IndexFile(b"/r", b"%d" % number, LOOK),), "a", parse)

    for number in (*range(reading.KEPT_AT_MOST + 1), reading.KEPT_AT_MOST, 0):
        get(number)
    assert parsed == [*range(reading.KEPT_AT_MOST + 1), 0]


def test_an_index_that_takes_too_much_memory_is_said_and_stops_nothing(
    tmp_path: Path, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_large(_: bytes) -> NamedPlanes:
        raise MemoryError

    monkeypatch.setattr(harmony, "parse", too_large)
    (images / "Index.idx.xml").write_bytes(b"<a/>")
    assert note(tmp_path) == "'Index.idx.xml' told nothing: it takes more memory than a worker may have"


def test_a_cellvoyagers_list_is_used_also_when_what_lies_beside_it_is_missing_or_broken(tmp_path: Path) -> None:
    name = "x_D08_T0001F001L01A01Z01C01.tif"
    (tmp_path / "MeasurementData.mlf").write_bytes(index_files.yokogawa("MeasurementData", index_files.record(name)))
    for broken in (None, b"<a/>"):
        if broken is not None:
            (tmp_path / "MeasurementDetail.mrf").write_bytes(broken)
        found = find_index(os.fsencode(tmp_path), name.encode())
        assert found is not None
        assert found.index is not None
        told = found.index.plane(name, {})
        assert told is not None
        assert (told.position_x_um, told.physical_size_x_um, told.channel) == (1.5, None, None)
