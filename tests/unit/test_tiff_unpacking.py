"""Strips and tiles that are unpacked here are the pixels that tifffile gives, and what is bent is told in its words."""

import io
import itertools
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from ingest.readers.protocol import Level, Pixels, Window, whole
from ingest.readers.tiff_pixels import RUN_BYTES, PagePlane
from ingest.readers.tiff_unpacking import LIBTIFF_AT_LEAST_BYTES, packing_of, unpacked

PACKINGS = ("deflate", "zstd", "lzw")
LAYOUTS: dict[str, dict[str, Any]] = {
    "strips": {"rowsperstrip": 16}, "rows": {"rowsperstrip": 1}, "one strip": {"rowsperstrip": 400},
    "tiles": {"tile": (32, 48)},
}  # fmt: skip
TYPES = ("u1", "i1", "u2", "i2", "u4", "f2", "f4", "f8")
ROWS, COLUMNS = 150, 101


def pixels_of(dtype: str, shape: tuple[int, ...] = (ROWS, COLUMNS)) -> NDArray[Any]:
    return np.random.default_rng(3).normal(60, 9, shape).astype(dtype)


def page_of(pixels: NDArray[Any], **options: Any) -> tuple[tifffile.TiffPage, io.BytesIO]:
    stream = io.BytesIO()
    tifffile.imwrite(stream, pixels, metadata=None, **options)
    stream.seek(0)
    return tifffile.TiffFile(stream).pages.first, stream


def pasted(plane: PagePlane, like: Pixels, window: Window | None = None) -> Pixels:
    """Put a plane's blocks where they belong; what none of them covers stays as it is."""
    out = np.zeros_like(like)
    for block in plane.blocks(window or whole(Level(size_x=like.shape[1], size_y=like.shape[0])), 1):
        height, width = block.pixels.shape[:2]
        assert block.pixels.dtype == like.dtype
        out[block.top : block.top + height, block.left : block.left + width] = block.pixels
    return out


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_packing_gives_the_pixels_that_were_written(layout: str, dtype: str) -> None:
    pixels = pixels_of(dtype)
    for packing, order, predictor in itertools.product(PACKINGS, "<>", (None,) if dtype.startswith("f") else (None, 2)):
        page, stream = page_of(pixels, compression=packing, byteorder=order, predictor=predictor, **LAYOUTS[layout])
        plane = PagePlane(page, stream)
        first = next(plane.blocks(whole(Level(size_x=COLUMNS, size_y=ROWS)), 1))
        assert np.array_equal(pasted(plane, pixels), pixels)
        assert packing_of(page, (16, COLUMNS)) is not None
        assert len(first.pixels) == (32 if layout == "tiles" else ROWS)  # strips are joined


def test_samples_are_taken_from_interleaved_ones_and_from_planes_of_their_own() -> None:
    colour = pixels_of("u2", (ROWS, COLUMNS, 3))
    page, stream = page_of(colour, compression="lzw", photometric="rgb", rowsperstrip=16, predictor=2)
    assert np.array_equal(pasted(PagePlane(page, stream), colour), colour)
    apart, apart_stream = page_of(
        np.ascontiguousarray(np.moveaxis(colour, -1, 0)), compression="lzw", photometric="rgb",
        planarconfig="separate", rowsperstrip=16,
    )  # fmt: skip
    for sample in range(3):
        one = np.ascontiguousarray(colour[..., sample])
        assert np.array_equal(pasted(PagePlane(page, stream, 0, sample), one), one)
        assert np.array_equal(pasted(PagePlane(apart, apart_stream, sample), one), one)


def test_a_window_takes_only_the_strips_that_it_touches() -> None:
    pixels = pixels_of("u2")
    page, stream = page_of(pixels, compression="zstd", rowsperstrip=16)
    (block,) = PagePlane(page, stream).blocks(Window(top=40, left=3, bottom=70, right=9), 1)
    assert (block.top, len(block.pixels)) == (32, 48)
    assert np.array_equal(block.pixels, pixels[32:80])


def test_strips_are_joined_up_to_a_run_and_no_further() -> None:
    pixels = np.zeros((2048, 1024), np.uint16)
    page, stream = page_of(pixels, compression="deflate", rowsperstrip=64)
    blocks = list(PagePlane(page, stream).blocks(whole(Level(size_x=1024, size_y=2048)), 1))
    assert [block.pixels.nbytes for block in blocks] == 4 * [RUN_BYTES]


def test_a_plane_keeps_the_last_piece_that_it_knows() -> None:
    pixels = pixels_of("u2")
    page, stream = page_of(pixels, compression="lzw", rowsperstrip=16)
    last = PagePlane(page, stream).decode(len(page.dataoffsets) - 1)
    assert last is not None
    stream.getbuffer()[page.dataoffsets[-1] : page.dataoffsets[-1] + 20] = bytes(20)  # not unpacked again
    assert np.array_equal(pasted(PagePlane(page, stream, last=last), pixels), pixels)


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("rows", [16, 128])
def test_a_bent_strip_is_told_in_the_words_of_the_one_decoder(packing: str, rows: int) -> None:
    """Whatever byte is bent, blocks are those of tifffile's decoder, or its error."""
    page, stream = page_of(pixels_of("u2"), compression=packing, rowsperstrip=rows)
    chance, content = np.random.default_rng(5), stream.getvalue()
    told = 0
    for _ in range(60):
        bent = bytearray(content)
        bent[int(chance.integers(page.dataoffsets[0], len(content)))] = int(chance.integers(256))
        expected, given = by_tifffile(bytes(bent)), by_us(bytes(bent))
        assert expected == given
        told += isinstance(expected, str)
    assert told > 0


def by_tifffile(content: bytes) -> bytes | str:
    page = tifffile.TiffFile(io.BytesIO(content)).pages.first
    pieces = zip(page.dataoffsets, page.databytecounts, strict=True)
    try:
        decoded = [page.decode(content[at : at + size], index)[0] for index, (at, size) in enumerate(pieces)]
    except Exception as error:  # noqa: BLE001  # whatever it is, it must be the same
        return f"{type(error).__name__}: {error}"
    return b"".join(strip.tobytes() for strip in decoded if strip is not None)


def by_us(content: bytes) -> bytes | str:
    stream = io.BytesIO(content)
    page = tifffile.TiffFile(stream).pages.first
    try:
        blocks = list(PagePlane(page, stream).blocks(whole(Level(size_x=COLUMNS, size_y=ROWS)), 1))
    except Exception as error:  # noqa: BLE001
        return f"{type(error).__name__}: {error}"
    return b"".join(block.pixels.tobytes() for block in blocks)


@pytest.mark.parametrize("size", [64, LIBTIFF_AT_LEAST_BYTES - 1, LIBTIFF_AT_LEAST_BYTES, 100_000])
def test_lzw_is_unpacked_only_to_its_size(size: int) -> None:
    page, _ = page_of(np.zeros((1, size), np.uint8), compression="lzw")
    packing = packing_of(page, (1, size))
    assert packing is not None
    content = np.random.default_rng(size).integers(0, 9, size, dtype=np.uint8)
    packed = bytes(imagecodecs.lzw_encode(content.tobytes()))
    given = unpacked(packing, [packed], [1])
    assert given is not None
    assert given.tobytes() == content.tobytes()
    shorter = bytes(imagecodecs.lzw_encode(content[:-1].tobytes()))
    for bent in (b"", packed[: len(packed) // 2], b"\0\1" + packed[2:], shorter):
        assert unpacked(packing, [bent], [1]) is None


@pytest.mark.parametrize(
    ("pixels", "options"),
    [
        (pixels_of("u2"), {"compression": None}),
        (pixels_of("u2"), {"compression": "lzma"}),
        (pixels_of("u1") > 60, {"compression": "packbits"}),
        (pixels_of("f4"), {"compression": "zstd", "predictor": 3}),
        (pixels_of("u1"), {"compression": "jpeg"}),
        (pixels_of("u1") > 60, {"compression": "deflate"}),
    ],
)
def test_what_is_not_plain_is_left_to_tifffile(pixels: NDArray[Any], options: dict[str, Any]) -> None:
    page, _ = page_of(pixels, **options)
    assert packing_of(page, (16, COLUMNS)) is None
