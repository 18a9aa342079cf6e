"""ImageJ's TIFFs: hyperstack sizes by tifffile, calibration, colours and ranges by ImageJ's own notes.

ImageJ writes pixels per ``unit`` into the resolution tags and means it, except for inches, which it takes over from
the dpi of any picture.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import tifffile

from catalog.records import Acquisition, Channel
from ingest.readers.protocol import Source
from ingest.readers.tiff_pixels import TiffImage
from ingest.readers.tiff_series import Facts, Sizes, images_of
from ingest.readers.values import color_hex, length_um, number, time_s

_NO_UNITS = frozenset({"inch", "inches", "in", "pixel", "pixels", ""})


def is_imagej(file: tifffile.TiffFile) -> bool:
    """Say whether ImageJ (or a program that imitates it) wrote the file."""
    return bool(file.is_imagej)


def describe(file: tifffile.TiffFile, source: Source) -> list[TiffImage]:
    """Give the hyperstack."""
    notes = file.imagej_metadata or {}
    page = file.pages.first

    def facts_of(position: int, sizes: Sizes) -> Facts:  # noqa: ARG001  # one position
        return _facts(notes, page, sizes)

    images: list[TiffImage] = []
    for series in file.series:
        images += images_of(source.stream, source.size_bytes, series, len(images), facts_of)
    return [_shown_by_table(image, notes) for image in images]


def _shown_by_table(image: TiffImage, notes: dict[str, Any]) -> TiffImage:
    """Show a single 8-bit channel through its table, unless it is plain grey: inverted, or of many colours."""
    tables = _tables(notes)
    if image.record.size_c != 1 or len(tables) != 1 or image.record.pixels_type != "uint8":
        return image
    table = np.asarray(tables[0])
    if table.shape != (3, 256) or table.dtype != np.uint8:
        return image
    return replace(image, display=replace(image.display, color_table=np.ascontiguousarray(table.T), is_inverted=False))


def _facts(notes: dict[str, Any], page: tifffile.TiffPage, sizes: Sizes) -> Facts:
    unit = str(notes.get("unit", "")).strip()
    y_unit, z_unit = str(notes.get("yunit", unit)).strip(), str(notes.get("zunit", unit)).strip()
    return Facts(
        physical_size_x_um=_calibrated(page, 282, unit),
        physical_size_y_um=_calibrated(page, 283, y_unit),
        physical_size_z_um=None if z_unit.lower() in _NO_UNITS else length_um(notes.get("spacing"), z_unit),
        time_increment_s=time_s(notes.get("finterval"), str(notes.get("tunit", "s"))),
        channels=_channels(notes, sizes.size_c),
        acquisition=Acquisition(software=f"ImageJ {notes['ImageJ']}" if notes.get("ImageJ") else None),
    )


def _calibrated(page: tifffile.TiffPage, tag: int, unit: str) -> float | None:
    """Turn pixels per unit (a rational) into um a pixel."""
    found = page.tags.get(tag)
    if found is None or unit.lower() in _NO_UNITS:
        return None
    try:
        pixels, units = found.value
    except (TypeError, ValueError):
        return None
    return length_um(units / pixels, unit) if pixels else None


def _channels(notes: dict[str, Any], count: int) -> tuple[Channel, ...]:
    """Give colours by the lookup tables (unless the stack is shown grey) and the stored contrast."""
    tables = _tables(notes)
    is_colored = notes.get("mode") in ("composite", "color") or (count == 1 and len(tables) == 1)
    ranges = [number(value) for value in np.ravel(notes.get("Ranges", ()))]
    if not ranges and count == 1 and "min" in notes and "max" in notes:
        ranges = [number(notes["min"]), number(notes["max"])]
    return tuple(
        Channel(color=_color(tables[i]) if is_colored and i < len(tables) else None, window=_window(ranges, i))
        for i in range(count)
    )


def _tables(notes: dict[str, Any]) -> list[Any]:
    found = notes.get("LUTs")
    if found is None:
        return []
    return [found] if np.ndim(found) == 2 else list(found)  # tifffile gives a single table bare


def _window(ranges: list[float | None], ordinal: int) -> tuple[float, float] | None:
    pair = ranges[2 * ordinal : 2 * ordinal + 2]
    if len(pair) < 2 or pair[0] is None or pair[1] is None or not pair[0] < pair[1]:
        return None
    return pair[0], pair[1]


def _color(table: Any) -> str | None:
    """Give the brightest entry's colour of a (3, 256) table; None for an inverted or grey one."""
    values = np.asarray(table)
    if values.shape != (3, 256):
        return None
    red, green, blue = (int(v) for v in values[:, 255])
    if red == green == blue:
        return None
    return color_hex(red, green, blue)
