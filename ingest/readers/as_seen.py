"""Gives an image as a person would see it: palettes looked up, inverted greys turned, colour spaces made RGB.

Readers hand out the file's own values; only pictures go through here.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from catalog.records import Channel, ImageRecord
from ingest.readers.protocol import Block, ColorSpace, Display, Level, OpenedImage, Pixels, Window

_TOP = {"uint8": 255, "uint16": 65535, "bit": 1}


@dataclass(frozen=True, slots=True)
class SeenImage:
    """An image whose blocks are turned into what is seen; sizes and levels stay."""

    record: ImageRecord
    image: OpenedImage
    change: Callable[[Pixels], Pixels]

    @property
    def levels(self) -> Sequence[Level]:
        """Give the image's levels."""
        return self.image.levels

    @property
    def display(self) -> Display:
        """Give nothing more to do but the turning."""
        return Display(orientation=self.image.display.orientation)

    def blocks(
        self, *, c: int = 0, z: int = 0, t: int = 0, level: int = 0, window: Window | None = None, step: int = 1
    ) -> Iterator[Block]:
        """Decode as the image does, and change each piece."""
        for block in self.image.blocks(c=c, z=z, t=t, level=level, window=window, step=step):
            yield replace(block, pixels=self.change(block.pixels))


def as_seen(image: OpenedImage) -> OpenedImage:
    """Give the image itself, or one whose pixels are changed as its display says."""
    display, record = image.display, image.record
    if display.color_table is not None and not record.is_rgb and record.pixels_type in _TOP:
        return _by_palette(image, display.color_table)
    if display.is_inverted and not record.is_rgb and record.pixels_type in _TOP:
        return SeenImage(record, image, _inverted)
    if record.is_rgb and display.color_space is not ColorSpace.RGB and record.pixels_type == "uint8":
        return SeenImage(replace(record, size_c=3), image, _CONVERSIONS[display.color_space])
    return image


def _inverted(pixels: Pixels) -> Pixels:
    return ~pixels


def _by_palette(image: OpenedImage, table: NDArray[np.uint8]) -> OpenedImage:
    """Look colours up; a table that runs evenly from black to one colour is that colour's channel."""
    color = ramp_color(table)
    if color is not None:
        channel = image.record.channels[0] if image.record.channels else Channel()
        colored = (replace(channel, color=channel.color or color),)
        return SeenImage(replace(image.record, channels=colored), image, _same)

    def looked_up(pixels: Pixels) -> Pixels:
        seen: Pixels = table[np.minimum(pixels.astype(np.int64), len(table) - 1)]
        return seen

    return SeenImage(replace(image.record, is_rgb=True, size_c=3, pixels_type="uint8"), image, looked_up)


def ramp_color(table: NDArray[np.uint8]) -> str | None:
    """Give "#RRGGBB" of a table (N, 3) that is a straight ramp from black, else None."""
    ramp = np.linspace(0, 1, len(table))[:, None] * table[-1]
    if not table[-1].any() or np.abs(table - ramp).max() > 3:
        return None
    red, green, blue = (int(value) for value in table[-1])
    return f"#{red:02X}{green:02X}{blue:02X}"


def _same(pixels: Pixels) -> Pixels:
    return pixels


def _from_cmyk(pixels: Pixels) -> Pixels:
    ink = 255 - pixels[..., :4].astype(np.uint16)
    return (ink[..., :3] * ink[..., 3:4] // 255).astype(np.uint8)


def _from_ycbcr(pixels: Pixels) -> Pixels:
    """Convert by ITU-R BT.601 at full range, TIFF's default coefficients."""
    y, cb, cr = (pixels[..., i].astype(np.float32) for i in range(3))
    cb, cr = cb - 128, cr - 128
    rgb = np.stack([y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb], axis=-1)
    return (rgb + 0.5).clip(0, 255).astype(np.uint8)


def _from_lab(pixels: Pixels) -> Pixels:
    """Convert 8-bit CIE L*a*b* (a and b signed, white D50) to sRGB, by the CIE's formulas and Bradford's adaptation."""
    light = pixels[..., 0].astype(np.float32) / 2.55
    a, b = (pixels[..., i].view(np.int8).astype(np.float32) for i in (1, 2))
    fy = (light + 16) / 116
    f = np.stack([fy + a / 500, fy, fy - b / 200], axis=-1)
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * _D50
    linear = (xyz @ _D50_TO_SRGB.T).clip(0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    rgb: Pixels = (encoded * 255 + 0.5).astype(np.uint8)
    return rgb


_D50 = np.array([0.9642, 1.0, 0.8249], np.float32)
_D50_TO_SRGB = np.array(
    [[3.1338561, -1.6168667, -0.4906146], [-0.9787684, 1.9161415, 0.0334540], [0.0719453, -0.2289914, 1.4052427]],
    np.float32,
)
_CONVERSIONS: dict[ColorSpace, Callable[[Pixels], Pixels]] = {
    ColorSpace.CMYK: _from_cmyk,
    ColorSpace.YCBCR: _from_ycbcr,
    ColorSpace.LAB: _from_lab,
}


def oriented(pixels: Pixels, orientation: int) -> Pixels:
    """Turn and flip (Y, X[, S]) pixels upright by EXIF's (and TIFF's) orientation 1 to 8."""
    match orientation:
        case 2:
            return pixels[:, ::-1]
        case 3:
            return pixels[::-1, ::-1]
        case 4:
            return pixels[::-1]
        case 5:
            return pixels.swapaxes(0, 1)
        case 6:
            return pixels[::-1].swapaxes(0, 1)
        case 7:
            return pixels[::-1, ::-1].swapaxes(0, 1)
        case 8:
            return pixels[:, ::-1].swapaxes(0, 1)
        case _:
            return pixels
