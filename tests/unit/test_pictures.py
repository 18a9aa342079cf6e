"""Thumbnails are what a microscopist expects, of every kind of pixels, faithful to the exact mean."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from catalog.records import Channel, ImageRecord, ThumbnailRecord
from ingest import area_means, render
from ingest.contact_sheets import Tile, dataset_sheet, plate_sheet, printable, row_letters
from ingest.readers.protocol import Block, Level
from ingest.render import reduce_array
from ingest.thumbnails import JPEG_QUALITY, encoded, picture_size
from tests.helpers.reads import read_path

RANDOM = np.random.default_rng(11)


def blobs(height: int, width: int) -> NDArray[np.float64]:
    y, x = np.mgrid[:height, :width]
    return sum(
        (np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 400) for cy, cx in RANDOM.uniform(0, min(height, width), (30, 2))),
        start=np.zeros((height, width)),
    )


def pixels_of(thumbnail: ThumbnailRecord) -> NDArray[np.uint8]:
    assert thumbnail.failure is None
    assert thumbnail.data is not None
    return np.asarray(Image.open(io.BytesIO(thumbnail.data)))


def thumbnail_of(folder: Path, data: NDArray[Any], **options: Any) -> NDArray[np.uint8]:
    changes = {key: options.pop(key) for key in ("projection", "thumbnail_px") if key in options}
    path = folder / "a.tif"
    tifffile.imwrite(path, data, **options)
    return pixels_of(read_path(path, **changes).thumbnails[0])


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float16", "float32",
                                   "float64", "complex64", "bool"])  # fmt: skip
def test_every_type_of_pixels_gives_a_picture_with_contrast(tmp_path: Path, dtype: str) -> None:
    data = blobs(300, 400) * 100
    picture = thumbnail_of(tmp_path, (data > 50) if dtype == "bool" else data.astype(dtype))
    assert picture.shape == (192, 256)
    assert (picture.min(), picture.max()) <= (10, 255)
    assert picture.max() > 240


def test_a_plane_with_nan_and_infinity_is_shown(tmp_path: Path) -> None:
    data = blobs(300, 300).astype(np.float32)
    data[:20], data[40, 40] = np.nan, np.inf
    picture = thumbnail_of(tmp_path, data)
    assert picture[150:].max() > 200
    assert picture[:10].max() < 10


@pytest.mark.parametrize(("value", "shown"), [(0, 0), (700, 128)])
def test_constant_planes_are_black_or_grey(tmp_path: Path, value: int, shown: int) -> None:
    assert abs(int(thumbnail_of(tmp_path, np.full((300, 300), value, np.uint16)).mean()) - shown) <= 1


def test_rgb_is_shown_as_it_is(tmp_path: Path) -> None:
    data = np.zeros((300, 300, 3), np.uint8)
    data[:, :150] = (200, 100, 50)
    picture = thumbnail_of(tmp_path, data, photometric="rgb")
    assert np.abs(picture[128, 40].astype(int) - (200, 100, 50)).max() <= 3
    wide = thumbnail_of(tmp_path, data.astype(np.uint16) * 257, photometric="rgb", planarconfig="contig")
    assert np.abs(wide[128, 40].astype(int) - (200, 100, 50)).max() <= 3


def test_channels_are_mixed_in_the_colours_of_the_file(tmp_path: Path) -> None:
    data = np.full((2, 300, 300), 10, np.uint16)
    data[0, :, :100], data[1, :, 200:] = 4000, 4000
    meta = {"axes": "CYX", "Channel": {"Name": ["a", "b"], "Color": [0x00FF00FF, -16776961]}}
    picture = thumbnail_of(tmp_path, data, ome=True, metadata=meta)
    assert tuple(picture[128, 20] > 128) == (False, True, False)
    assert tuple(picture[128, 235] > 128) == (True, False, False)


def test_colours_come_from_wavelength_then_name_then_order() -> None:
    channels = (Channel(emission_wavelength_nm=461), Channel(name="EGFP"), Channel(), Channel(name="Cy5"))
    assert render.colors_of(channels, 4) == ["#0000FF", "#00FF00", "#FF0000", "#FF00FF"]
    assert render.colors_of((), 1) == ["#FFFFFF"]


def test_the_middle_plane_or_a_projection_is_shown(tmp_path: Path) -> None:
    data = np.full((5, 300, 300), 10, np.uint16)
    data[0, :, :100] = 4000
    data[2, :, 200:] = 4000
    options: dict[str, Any] = {"imagej": True, "metadata": {"axes": "ZYX"}}
    middle = thumbnail_of(tmp_path, data, **options)
    assert (middle[128, 20] < 20, middle[128, 240] > 200) == (True, True)
    projected = thumbnail_of(tmp_path, data, projection="max", **options)
    assert (projected[128, 20] > 200, projected[128, 240] > 200) == (True, True)


def test_small_images_are_not_enlarged(tmp_path: Path) -> None:
    assert thumbnail_of(tmp_path, blobs(20, 30).astype(np.float32)).shape == (20, 30)


def record(**changes: Any) -> ImageRecord:
    values: dict[str, Any] = {"series": 0, "size_x": 1000, "size_y": 500, "size_z": 1, "size_c": 1, "size_t": 1}
    return ImageRecord(**{**values, "pixels_type": "uint8", **changes})


def test_pixels_that_are_not_square_are_shown_in_the_proportions_of_the_specimen() -> None:
    assert picture_size(record(), 256) == (256, 128)
    assert picture_size(record(physical_size_x_um=1.0, physical_size_y_um=2.0), 256) == (256, 256)


@pytest.mark.parametrize(("height", "width"), [(2048, 2048), (2160, 2560), (1001, 777)])
def test_the_reduction_is_within_two_percent_of_the_exact_mean(height: int, width: int) -> None:
    signal = (blobs(height, width) * 3000 + RANDOM.normal(500, 30, (height, width))).clip(0).astype(np.uint16)
    from ingest.thumbnails import _fit

    reduced = reduce_array(signal, 256)
    factor = 256 / max(height, width)
    size = (round(width * factor), round(height * factor))
    exact = np.asarray(Image.fromarray(signal.astype(np.float32)).resize(size, Image.Resampling.BOX))
    error = _fit(reduced.means, *size) - exact
    assert np.sqrt(np.mean(error**2)) <= 0.02 * signal.std()


def test_percentile_contrast_is_within_one_percent_of_the_exact_one() -> None:
    signal = (blobs(2048, 2048) * 3000 + RANDOM.normal(500, 30, (2048, 2048))).clip(0).astype(np.uint16)
    low, high = render.contrast_limits(reduce_array(signal, 256).sample)
    exact = np.percentile(signal, (render.LOW_PERCENT, render.HIGH_PERCENT))
    assert np.abs(np.array([low, high]) - exact).max() <= 0.01 * (exact[1] - exact[0])


KINDS_OF_PIXELS: dict[str, Callable[[np.random.Generator, int], NDArray[Any]]] = {
    "noise": lambda random, count: random.normal(100, 3, count).clip(0, 255),
    "dark in large parts": lambda random, count: np.where(
        random.random(count) < 0.3, 0, random.integers(0, 200, count)
    ),
    "saturated": lambda random, count: random.integers(0, 400, count).clip(0, 255),
    "one grey": lambda random, count: np.full(count, random.integers(256)),
    "rising": lambda random, count: np.sort(random.integers(0, 256, count)),
    "two bright among many": lambda random, count: np.where(np.arange(count) < 2, 255, np.full(count, 3)),
}


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("kind", KINDS_OF_PIXELS)
def test_percentiles_are_those_of_numpy_whatever_the_pixels_and_their_number(kind: str, dtype: str) -> None:
    random = np.random.default_rng(5)
    for count in (1, 2, 3, 7, 33, 199, 200, 201, 999, 1000, 1001, 4096, 20_000, 70_001):
        pixels = KINDS_OF_PIXELS[kind](random, count).astype(dtype)
        if dtype == "uint16":
            pixels *= 200
        exact = np.percentile(pixels, (render.LOW_PERCENT, render.HIGH_PERCENT))
        found = render.contrast_limits(pixels)
        wanted = tuple(exact) if exact[0] < exact[1] else (pixels.min(), pixels.max())
        assert found == pytest.approx(wanted, rel=1e-12), count


def test_the_smallest_level_that_suffices_is_read(tmp_path: Path) -> None:
    path = tmp_path / "p.tif"
    with tifffile.TiffWriter(path, bigtiff=True) as writer:
        options: dict[str, Any] = {"tile": (64, 64), "compression": "zlib", "metadata": None}
        writer.write(np.zeros((2048, 2048), np.uint8), subifds=2, **options)
        writer.write(np.zeros((1024, 1024), np.uint8), subfiletype=1, **options)
        small = np.zeros((512, 512), np.uint8)
        small[:, 256:] = 200
        writer.write(small, subfiletype=1, **options)
    picture = pixels_of(read_path(path).thumbnails[0])
    assert (picture[128, 20], picture[128, 240] > 190) == (0, True)


def test_a_picture_that_cannot_be_made_is_a_sentence_and_no_error(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((64, 64), np.uint8), compression="zlib", rowsperstrip=8, metadata=None)
    with tifffile.TiffFile(path) as file:
        offset = file.pages.first.dataoffsets[1]
    data = bytearray(path.read_bytes())
    data[offset : offset + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(bytes(data))
    result = read_path(path)
    assert result.outcome == "read"
    assert (result.thumbnails[0].failure or "").startswith("no picture: ")


def jpeg(color: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (90, 60), color).save(buffer, "JPEG")
    return buffer.getvalue()


def test_a_dataset_sheet_shows_each_picture_and_survives_broken_ones() -> None:
    tiles = [
        Tile(name="a\u202eb\n日本.tif", thumbnail=jpeg("red")),
        Tile(name="b", thumbnail=b"x"),
        Tile(name="c", thumbnail=None),
    ]
    sheet = dataset_sheet("Title", tiles)
    picture = np.asarray(Image.open(io.BytesIO(sheet.data)))
    assert picture.shape == (sheet.height_px, sheet.width_px, 3)
    assert ((picture[..., 0] > 240) & (picture[..., 1] < 20)).sum() > 5000


def test_a_plate_sheet_has_its_wells_in_their_places() -> None:
    sheet = plate_sheet("Plate", 8, 12, {(0, 0): [jpeg("red")], (7, 11): [jpeg("blue")] * 4})
    picture = np.asarray(Image.open(io.BytesIO(sheet.data))).astype(int)
    reds = np.argwhere((picture[..., 0] > 240) & (picture[..., 2] < 20))
    blues = np.argwhere((picture[..., 2] > 240) & (picture[..., 0] < 20))
    assert (reds.max(axis=0) < blues.min(axis=0)).all()
    assert (reds.max(axis=0) < np.array(picture.shape[:2]) / 3).all()


def test_plates_larger_than_the_alphabet_have_double_letters() -> None:
    assert [row_letters(i) for i in (0, 25, 26, 31)] == ["A", "Z", "AA", "AF"]


def test_names_on_sheets_hold_nothing_that_steers_the_text() -> None:
    assert printable("a\u202e\x1b[31m\nü") == "a??[31m?u"


@pytest.mark.parametrize("tops", [(0, 8, 16), (0, 5, 20), (0, 12), (0, 8, 11)], ids=str)
@pytest.mark.parametrize("width", [13, 7], ids=["whole rows", "halves"])
def test_a_plane_that_comes_in_pieces_is_the_means_of_its_cells(tops: tuple[int, ...], width: int) -> None:
    plane = RANDOM.integers(0, 60_000, (23, 13)).astype(np.uint16)
    cells = np.full((24, 16), np.nan)
    cells[:23, :13] = plane
    grid = area_means.Grid(Level(size_x=13, size_y=23), 4)
    for top, end in zip(tops, (*tops[1:], 23), strict=True):
        for left in range(0, 13, width):
            grid.add(Block(top=top, left=left, pixels=plane[top:end, left : left + width]))
    exact = np.nanmean(cells.reshape(6, 4, 4, 4), axis=(1, 3))
    np.testing.assert_allclose(grid.reduced().means, exact, rtol=1e-6)


@pytest.mark.parametrize("shape", [(256, 256), (200, 131), (70, 256, 3)])
def test_a_thumbnail_is_the_jpeg_that_pillow_makes(shape: tuple[int, ...]) -> None:
    picture = RANDOM.normal(120, 40, shape).clip(0, 255).astype(np.uint8)
    expected = io.BytesIO()
    Image.fromarray(picture).save(expected, "JPEG", quality=JPEG_QUALITY, subsampling=0)

    made = encoded(picture, record())

    assert (made.media_type, made.width_px, made.height_px) == ("image/jpeg", shape[1], shape[0])
    assert made.data == expected.getvalue()
