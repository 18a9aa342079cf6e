"""What one file of an image of several says of the others, from whichever side it is met; none is opened for it."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from ingest.work import Outcome
from tests.helpers import tiff_dialect_files
from tests.helpers.pictures import put
from tests.helpers.reads import read_path

NOISE = np.random.default_rng(3).integers(1, 4000, (2, 32, 40), dtype=np.uint16)
HEAD = '<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
MASTER = (
    HEAD + 'UUID="urn:uuid:00000000-0000-0000-0000-00000000000a"><Image ID="Image:0"><Pixels ID="Pixels:0" '
    'DimensionOrder="XYZCT" Type="uint16" SizeX="40" SizeY="32" SizeZ="1" SizeC="2" SizeT="1">'
    '<Channel ID="Channel:0:0" SamplesPerPixel="1"/><Channel ID="Channel:0:1" SamplesPerPixel="1"/>'
    '<TiffData FirstC="0" IFD="0" PlaneCount="1"><UUID FileName="a.ome.tif">'
    "urn:uuid:00000000-0000-0000-0000-00000000000a</UUID></TiffData>"
    '<TiffData FirstC="1" IFD="0" PlaneCount="1"><UUID FileName="b.ome.tif">'
    "urn:uuid:00000000-0000-0000-0000-00000000000b</UUID></TiffData></Pixels></Image></OME>"
)
PART = (
    HEAD
    + 'UUID="urn:uuid:00000000-0000-0000-0000-00000000000b"><BinaryOnly MetadataFile="a.ome.tif" UUID="urn:a"/></OME>'
)
OF_COMPANION = HEAD + 'UUID="urn:b"><BinaryOnly MetadataFile="plate.companion.ome" UUID="urn:c"/></OME>'


def page(description: str) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, NOISE[0], description=description.encode(), metadata=None)
    return buffer.getvalue()


def names_in(path: Path, **changes: Any) -> list[str]:
    """Give what a main file names."""
    result = read_path(path, **changes)
    assert result.outcome is Outcome.DESCRIBES, result
    assert result.images == ()
    return [named.path.decode() for named in result.names]


def reason_of(path: Path) -> str:
    result = read_path(path)
    assert result.outcome is Outcome.REFUSED, result
    assert result.images == ()
    return result.reason or ""


def test_both_sides_of_a_multi_file_ome_tiff_are_parts(tmp_path: Path) -> None:
    master, part = put(tmp_path / "a.ome.tif", page(MASTER)), put(tmp_path / "b.ome.tif", page(PART))
    assert names_in(master) == ["b.ome.tif"]
    assert reason_of(part) == "part of a set: its metadata is in a.ome.tif"


def test_each_side_alone_is_a_part_too(tmp_path: Path) -> None:
    assert names_in(put(tmp_path / "a.ome.tif", page(MASTER))) == ["b.ome.tif"]
    assert reason_of(put(tmp_path / "c.ome.tif", page(OF_COMPANION))).endswith("plate.companion.ome")


def test_the_other_files_of_a_set_are_not_opened(tmp_path: Path) -> None:
    put(tmp_path / "a.ome.tif", page(MASTER))
    (tmp_path / "b.ome.tif").symlink_to("/dev/full")
    assert names_in(tmp_path / "a.ome.tif") == ["b.ome.tif"]


def test_where_names_decide_each_side_is_its_own_pages(tmp_path: Path) -> None:
    for name, text in (("a.ome.tif", MASTER), ("b.ome.tif", PART)):
        result = read_path(put(tmp_path / name, page(text)), is_by_names=True)
        assert result.outcome is Outcome.READ, result.reason
        assert [(image.size_c, image.size_z, image.size_t) for image in result.images] == [(1, 1, 1)]


@pytest.mark.parametrize(
    ("first", "second"),
    [("NDTiffStack.tif", "NDTiffStack_1.tif"), ("x_NDTiffStack.tif", "x_NDTiffStack_12.tif")],
)
def test_an_nd_tiff_in_several_files_is_a_set(tmp_path: Path, first: str, second: str) -> None:
    data = tiff_dialect_files.ndtiff()
    alone = read_path(put(tmp_path / "one" / first, data))
    assert (alone.outcome, alone.reason) == (Outcome.READ, None)
    assert reason_of(put(tmp_path / "rest" / second, data)).startswith("part of a set: one of several files")
    put(tmp_path / "both" / first, data)
    put(tmp_path / "both" / second.replace("_12", "_1"), data)
    next_name = second.replace("_12", "_1").replace("_1.", "_2.")
    assert names_in(tmp_path / "both" / first) == [second.replace("_12", "_1"), next_name]


@pytest.mark.parametrize("name", ["a_MMStack_Pos0_1.ome.tif", "a_MMStack_1.ome.tif", "MMStack_Pos3_2.ome.tif"])
def test_a_continued_micro_manager_file_is_a_part(tmp_path: Path, name: str) -> None:
    assert reason_of(put(tmp_path / name, tiff_dialect_files.micromanager())).startswith(
        "part of a set: one of several"
    )


@pytest.mark.parametrize("name", ["a_MMStack_Pos0.ome.tif", "a_MMStack_1-Pos_000_001.ome.tif", "x_1.tif"])
def test_a_micro_manager_file_of_one_position_stands_alone(tmp_path: Path, name: str) -> None:
    result = read_path(put(tmp_path / name, tiff_dialect_files.micromanager()))
    assert (result.outcome, result.reason) == (Outcome.READ, None)


def test_one_of_several_positions_stands_alone(tmp_path: Path) -> None:
    data = tiff_dialect_files.micromanager().replace(b'"Positions": 1', b'"Positions": 4')
    result = read_path(put(tmp_path / "a_MMStack_Pos2.ome.tif", data))
    assert (result.outcome, [image.size_c for image in result.images]) == (Outcome.READ, [2])
