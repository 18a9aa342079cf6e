"""Area means are exact in every type of pixels, whatever the factor and the pieces; pictures are made of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from catalog.records import ImageRecord
from ingest import render
from ingest.area_means import cell_sums
from ingest.readers.protocol import AS_STORED, Block, Display, Level, Pixels, Window
from ingest.thumbnails import picture_of

RANDOM = np.random.default_rng(11)


@dataclass(frozen=True)
class Plane:
    """An image of one plane that comes in pieces of some rows."""

    pixels: Pixels
    rows: int
    display: Display = AS_STORED

    @property
    def record(self) -> ImageRecord:
        height, width = self.pixels.shape
        return ImageRecord(
            series=0, size_x=width, size_y=height, size_z=1, size_c=1, size_t=1, pixels_type=self.pixels.dtype.name
        )

    @property
    def levels(self) -> Sequence[Level]:
        return (Level(size_x=self.pixels.shape[1], size_y=self.pixels.shape[0]),)

    def blocks(
        self, *, c: int = 0, z: int = 0, t: int = 0, level: int = 0, window: Window | None = None, step: int = 1
    ) -> Iterator[Block]:
        for top in range(0, len(self.pixels), self.rows):
            yield Block(top=top, left=0, pixels=self.pixels[top : top + self.rows])


def extremes(dtype: str, shape: tuple[int, int]) -> Pixels:
    """Give pixels of which half are the highest value of the type, and some the lowest."""
    limits = np.finfo(dtype) if np.dtype(dtype).kind == "f" else np.iinfo(dtype)
    pixels = RANDOM.integers(0, 200, shape).astype(dtype)
    pixels[RANDOM.random(shape) < 0.5] = limits.max if np.dtype(dtype).kind != "f" else 60_000
    pixels[RANDOM.random(shape) < 0.1] = limits.min if np.dtype(dtype).kind != "f" else -60_000
    return pixels


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64"])
@pytest.mark.parametrize("factor", [1, 2, 5, 8, 300])
@pytest.mark.parametrize(("top", "left"), [(0, 0), (3, 7)])
def test_sums_of_cells_are_exact_at_the_ends_of_every_type(dtype: str, factor: int, top: int, left: int) -> None:
    pixels = extremes(dtype, (37, 611))
    wide: Any = np.float64 if pixels.dtype.kind == "f" else np.int64
    rows = np.arange(top, top + 37) // factor - top // factor
    columns = np.arange(left, left + 611) // factor - left // factor
    exact = np.zeros((rows[-1] + 1, columns[-1] + 1), wide)
    np.add.at(exact, (rows[:, None], columns[None, :]), pixels.astype(wide))

    sums = cell_sums(pixels, factor, top, left)

    np.testing.assert_array_equal(sums.astype(wide), exact)


def test_the_brightest_pixels_fill_no_sum_beyond_its_type() -> None:
    sums = cell_sums(np.full((256, 512), 65535, np.uint16), 256, 0, 0)

    assert sums.tolist() == [[65535 * 65536, 65535 * 65536]]


@pytest.mark.parametrize("rows", [64, 100, 512])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_a_whole_factor_leads_to_the_picture_at_once_with_the_same_means(rows: int, dtype: str) -> None:
    image = Plane(RANDOM.integers(0, 250, (512, 1024)).astype(dtype), rows)
    exact = image.pixels.reshape(128, 4, 256, 4).mean(axis=(1, 3), dtype=np.float64)

    at_once = render.reduce_plane(image, c=0, z=0, t=0, target_px=256, picture=(256, 128))
    finer = render.reduce_plane(image, c=0, z=0, t=0, target_px=256, picture=(256, 127))

    np.testing.assert_allclose(at_once.means, exact, rtol=1e-6)
    assert finer.means.shape == (256, 512)
    assert picture_of(image, size_px=256, projection="middle").shape == (128, 256)


def test_a_plane_as_large_as_its_picture_is_its_own_means() -> None:
    image = Plane(extremes("uint16", (256, 256)), 64)

    reduced = render.reduce_plane(image, c=0, z=0, t=0, target_px=256, picture=(256, 256))

    np.testing.assert_array_equal(reduced.means, image.pixels.astype(np.float32))
