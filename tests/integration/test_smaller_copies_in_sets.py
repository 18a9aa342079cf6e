"""Images of many files whose files hold smaller copies: pictures and viewers get those, not the full planes."""

import os
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from catalog.records import ImageRecord, PlaneRecord
from ingest import set_images
from ingest.opening import look_of
from ingest.pixels import DrawTask, PixelSource, draw, opened_pixels
from ingest.readers.protocol import Level, Window, region
from ingest.set_images import SetImage
from ingest.work import Member

FULL, HALF = 256, 128


def pyramid(path: Path, value: int, *, has_copy: bool = True) -> NDArray[np.uint16]:
    """Write a plane, with a smaller copy that is told from it by its values; gives the copy."""
    plane = np.arange(FULL * FULL, dtype=np.uint16).reshape(FULL, FULL) // 16 + np.uint16(value)
    small = np.ascontiguousarray(plane[::2, ::2] + np.uint16(7000))
    with tifffile.TiffWriter(path, ome=False) as writer:
        writer.write(plane, subifds=1 if has_copy else 0, tile=(64, 64), metadata=None)
        if has_copy:
            writer.write(small, subfiletype=1, tile=(64, 64), metadata=None)
    return small


def source(folder: Path, names: list[str]) -> PixelSource:
    paths = [os.fsencode(name) for name in names]
    record = ImageRecord(
        series=0, size_x=FULL, size_y=FULL, size_z=1, size_c=len(names), size_t=1, pixels_type="uint16", is_rgb=False,
        name=None,
    )  # fmt: skip
    planes = tuple(
        PlaneRecord(image_series=0, the_c=c, the_z=0, the_t=0, path=path, series=0, plane=0)
        for c, path in enumerate(paths)
    )
    members = tuple(Member(path=path, look=look_of((folder / os.fsdecode(path)).stat())) for path in paths)
    return PixelSource(
        root=os.fsencode(folder), grouping="names", is_by_names=True, record=record, members=members, planes=planes
    )


def test_a_level_of_a_set_is_that_of_its_files(tmp_path: Path) -> None:
    copies = [pyramid(tmp_path / f"c{c}.tif", 100 * c) for c in range(2)]
    with opened_pixels(source(tmp_path, ["c0.tif", "c1.tif"])) as image:
        assert image.levels == (Level(size_x=FULL, size_y=FULL), Level(size_x=HALF, size_y=HALF))
        for c in range(2):
            np.testing.assert_array_equal(region(image, c=c, level=1), copies[c])
            window = Window(top=30, left=5, bottom=90, right=101)
            np.testing.assert_array_equal(region(image, c=c, level=1, window=window), copies[c][30:90, 5:101])


def test_a_file_without_a_smaller_copy_is_thinned_out(tmp_path: Path) -> None:
    pyramid(tmp_path / "c0.tif", 0)
    pyramid(tmp_path / "c1.tif", 100, has_copy=False)
    whole = tifffile.imread(tmp_path / "c1.tif")
    with opened_pixels(source(tmp_path, ["c0.tif", "c1.tif"])) as image:
        np.testing.assert_array_equal(region(image, c=1, level=1), whole[1::2, 1::2])
        window = Window(top=31, left=0, bottom=90, right=HALF)
        np.testing.assert_array_equal(region(image, c=1, level=1, window=window), whole[1::2, 1::2][31:90])


def test_a_picture_of_a_set_is_made_of_the_smaller_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for c in range(2):
        pyramid(tmp_path / f"c{c}.tif", 100 * c)
    asked: list[int] = []
    blocks = SetImage.blocks

    def counted(self: SetImage, **given: int) -> object:
        asked.append(given.get("level", 0))
        return blocks(self, **given)  # type: ignore[arg-type]

    monkeypatch.setattr(set_images.SetImage, "blocks", counted)
    picture = draw(DrawTask(source=source(tmp_path, ["c0.tif", "c1.tif"]), size_px=64, projection="middle"))
    assert (picture.failure, picture.width_px) == (None, 64)
    assert asked == [1, 1]
