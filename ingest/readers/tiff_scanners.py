"""Laser-scanning programs that write TIFF, Olympus FluoView and ScanImage, by their notes in the first page."""

from collections.abc import Callable
from typing import Any

import tifffile

from catalog.records import Acquisition, Channel
from ingest.readers import tiff_plain
from ingest.readers.protocol import Source
from ingest.readers.tiff_pixels import TiffImage
from ingest.readers.tiff_series import Facts, Sizes, images_of
from ingest.readers.values import length_um, moment, positive, text, time_s


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

    return _images(file, source, facts_of)


def describe_scanimage(file: tifffile.TiffFile, source: Source) -> list[TiffImage]:
    """Give the stack; the z step stands in the header, pixel sizes only in degrees and so stay unknown."""
    notes: dict[str, Any] = file.scanimage_metadata or {}
    frame = notes.get("FrameData") or notes.get("Description") or {}
    frame = frame if isinstance(frame, dict) else {}
    saved = frame.get("SI.hChannels.channelSave")
    saved = saved if isinstance(saved, list) else [saved] if saved is not None else []
    rate = positive(frame.get("SI.hRoiManager.scanFrameRate"))
    version = frame.get("SI.VERSION_MAJOR", "")

    def facts_of(position: int, sizes: Sizes) -> Facts:  # noqa: ARG001  # all positions alike
        return Facts(
            acquired_at=moment(_epoch(frame.get("epoch"))),
            physical_size_z_um=positive(frame.get("SI.hStackManager.stackZStepSize")) if sizes.size_z > 1 else None,
            time_increment_s=1 / rate if rate and sizes.size_t > 1 and sizes.size_z == 1 else None,
            channels=tuple(Channel(name=f"Channel {number}") for number in saved),
            acquisition=Acquisition(software=f"ScanImage {version}".strip()),
        )

    return _images(file, source, facts_of)


def _epoch(value: Any) -> str | None:
    """Turn ScanImage's [year, month, day, hour, minute, second] into a text in ISO's form."""
    if not isinstance(value, list | tuple) or len(value) != 6:
        return None
    year, month, day, hour, minute = (int(v) for v in value[:5])
    return f"{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{int(value[5]):02}"


def _images(file: tifffile.TiffFile, source: Source, facts_of: Callable[[int, Sizes], Facts]) -> list[TiffImage]:
    images: list[TiffImage] = []
    for series in file.series:
        images += images_of(source.stream, source.size_bytes, series, len(images), facts_of)
    return images
