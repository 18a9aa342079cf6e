"""Tells how a TIFF's page is meant to be shown, by its own tags: orientation, palette, inverted greys, colour space."""

import numpy as np
import tifffile

from ingest.readers.protocol import ColorSpace, Display

_MIN_IS_WHITE, _MIN_IS_BLACK, _PALETTE = 0, 1, 3
#: TIFF's ExtraSamples (tag 338) that are alpha, multiplied in already or not; 0 is anything, such as a channel.
_ALPHA = ((1,), (2,))
_SPACES = {5: ColorSpace.CMYK, 6: ColorSpace.YCBCR, 8: ColorSpace.LAB, 9: ColorSpace.LAB}
#: JPEG's decoders (old, new, lossy DNG, WebP, JPEG 2000 and XL) hand out RGB, whatever the page says.
_DECODED_TO_RGB = frozenset({6, 7, 33003, 33004, 33005, 33007, 34712, 34892, 50001, 50002})


def is_grey_with_alpha(page: tifffile.TiffPage) -> bool:
    """Say whether a page's second sample is how clear its grey (or its palette's colour) is, and no channel."""
    if page.samplesperpixel != 2 or page.extrasamples not in _ALPHA:
        return False
    return int(page.photometric) in (_MIN_IS_WHITE, _MIN_IS_BLACK, _PALETTE)


def display_of(page: tifffile.TiffPage) -> Display:
    """Read a page's tags; values that make no sense count as absent."""
    photometric = int(page.photometric)
    space = ColorSpace.RGB
    if int(page.compression) not in _DECODED_TO_RGB and page.samplesperpixel >= 3:
        space = _SPACES.get(photometric, ColorSpace.RGB)
    return Display(
        orientation=_orientation(page),
        is_inverted=photometric == _MIN_IS_WHITE and (page.samplesperpixel == 1 or is_grey_with_alpha(page)),
        color_table=_color_table(page) if photometric == _PALETTE else None,
        color_space=space,
    )


def _orientation(page: tifffile.TiffPage) -> int:
    tag = page.tags.get(274)
    value = tag.value if tag is not None else 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _color_table(page: tifffile.TiffPage) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]] | None:
    """Give the palette as (N, 3); some programs write 8-bit values into its 16-bit fields."""
    values = page.colormap
    if values is None or values.ndim != 2 or values.shape[0] != 3:
        return None
    shift = 8 if values.dtype.itemsize > 1 and values.max(initial=0) > 255 else 0
    table: np.ndarray[tuple[int, int], np.dtype[np.uint8]] = (values >> shift).astype(np.uint8).T
    return np.ascontiguousarray(table)
