"""Laser-scanning programs that write TIFF, Olympus FluoView and ScanImage, by their notes in the first page."""

import math
import re
from typing import Any

import numpy as np
import tifffile

from catalog.records import Acquisition, Channel
from ingest.readers import tiff_plain
from ingest.readers.protocol import NotWholeError, Source
from ingest.readers.tiff_pixels import TiffImage
from ingest.readers.tiff_series import Facts, Sizes, images_of
from ingest.readers.values import length_um, moment, number, positive, text, time_s


def is_fluoview(file: tifffile.TiffFile) -> bool:
    """Say whether FluoView wrote it."""
    return bool(file.is_fluoview)


def is_scanimage(file: tifffile.TiffFile) -> bool:
    """Say whether ScanImage wrote it."""
    return bool(file.is_scanimage)


def describe_fluoview(file: tifffile.TiffFile, source: Source) -> list[TiffImage]:
    """Give the stack; each dimension carries its resolution and unit."""
    notes: dict[str, Any] = file.fluoview_metadata or {}
    steps = {str(d[0]).strip().upper()[:1]: (d[3], str(d[4]).strip()) for d in notes.get("Dimensions") or ()}
    plain = tiff_plain.facts_of(file.pages.first, with_description=False)

    def facts_of(position: int, sizes: Sizes) -> Facts:  # noqa: ARG001  # all positions alike
        return Facts(
            name=text(notes.get("ImageName"), 255),
            acquired_at=plain.acquired_at,
            physical_size_x_um=length_um(*steps.get("X", (None, None))),
            physical_size_y_um=length_um(*steps.get("Y", (None, None))),
            physical_size_z_um=length_um(*steps.get("Z", (None, None))) if sizes.size_z > 1 else None,
            time_increment_s=time_s(*steps.get("T", (None, None))) if sizes.size_t > 1 else None,
            acquisition=Acquisition(software="Olympus FluoView"),
        )

    return images_of(source.stream, source.size_bytes, _fluoview_series(file, notes), 0, facts_of)


def _fluoview_series(file: tifffile.TiffFile, notes: dict[str, Any]) -> tifffile.TiffPageSeries:
    """Order the pages by the dimensions that are used; the rest of the ten have no name or no size."""
    pages = [page.aspage() for page in file.pages]
    counted = [
        (tifffile.TIFF.MM_DIMENSIONS.get(str(name).upper(), "Q"), int(size))
        for name, size, *_ in (notes.get("Dimensions") or ())[::-1]
        if name and int(size) > 1 and str(name).upper() not in ("X", "Y")
    ]
    if math.prod(size for _, size in counted) != len(pages):
        raise NotWholeError(f"{math.prod(size for _, size in counted)} planes are declared and {len(pages)} are there")
    first = pages[0]
    shape = (*(size for _, size in counted), *first.shape)
    axes = "".join(letter for letter, _ in counted) + first.axes
    return tifffile.TiffPageSeries(pages, shape, first.dtype, axes, name=notes.get("ImageName"), kind="fluoview")


def describe_scanimage(file: tifffile.TiffFile, source: Source) -> list[TiffImage]:
    """Give the stack; the z step stands in the header, pixel sizes only in degrees and so stay unknown."""
    notes: dict[str, Any] = file.scanimage_metadata or {}
    frame = notes.get("FrameData") or notes.get("Description") or {}
    frame = frame if isinstance(frame, dict) else {}
    saved = [int(ordinal) for ordinal in np.ravel(frame.get("SI.hChannels.channelSave", ()))]
    began = re.search(r"epoch = \[([^\]]*)\]", file.pages.first.description)
    rate = positive(frame.get("SI.hRoiManager.scanFrameRate"))
    version = frame.get("SI.VERSION_MAJOR", "")

    def facts_of(position: int, sizes: Sizes) -> Facts:  # noqa: ARG001  # all positions alike
        return Facts(
            acquired_at=moment(_epoch(began[1]) if began else None),
            physical_size_z_um=positive(frame.get("SI.hStackManager.stackZStepSize")) if sizes.size_z > 1 else None,
            time_increment_s=1 / rate if rate and sizes.size_t > 1 and sizes.size_z == 1 else None,
            channels=tuple(Channel(name=f"Channel {ordinal}") for ordinal in saved),
            acquisition=Acquisition(software=f"ScanImage {version}".strip()),
        )

    series = _scanimage_series(file, frame, len(saved)) or file.series[0]
    return images_of(source.stream, source.size_bytes, series, 0, facts_of)


def _scanimage_series(file: tifffile.TiffFile, frame: dict[str, Any], channels: int) -> tifffile.TiffPageSeries | None:
    """Order the pages as volumes, slices, frames of a slice, channels; None where the notes do not fit their number.

    Endless frames in one slice are a series in time.
    """
    pages = [page.aspage() for page in file.pages]
    frames, slices = (
        number(frame.get("SI.hStackManager.framesPerSlice")),
        number(frame.get("SI.hStackManager.numSlices")),
    )
    planes, left = divmod(len(pages), max(1, channels))
    if left or not channels:
        return None
    slices = int(slices or 1) if frames is not None else 1
    frames = int(frames) if frames is not None and frames >= 1 else planes
    volumes, left = divmod(planes, slices * frames)
    if left or not volumes:
        return None
    first = pages[0]
    order, axes = ((volumes, slices, frames), "TZT") if volumes > 1 and frames > 1 else ((volumes, slices), "TZ")
    if frames > 1 and volumes == 1:
        order, axes = (slices, frames), "ZT"
    shape = (*order, channels, *first.shape)
    return tifffile.TiffPageSeries(pages, shape, first.dtype, axes + "C" + first.axes, kind="scanimage")


def _epoch(written: str) -> str | None:
    """Turn ScanImage's "year month day hour minute second" into a text in ISO's form."""
    values = [number(word) for word in re.split(r"[\s,]+", written.strip())]
    if len(values) != 6 or None in values:
        return None
    year, month, day, hour, minute, second = (int(value or 0) for value in values)
    return f"{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"
