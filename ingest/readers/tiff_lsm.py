"""Zeiss LSM: voxel sizes in metres, channel colours and names, laser-scanner notes, by the CZ_LSMINFO tag."""

from datetime import datetime, timedelta
from typing import Any

import tifffile

from catalog.records import Acquisition, Channel, Objective
from ingest.readers.protocol import Source
from ingest.readers.tiff_pixels import TiffImage
from ingest.readers.tiff_series import Facts, Sizes, images_of
from ingest.readers.values import color_hex, length_um, moment, positive, text


def is_lsm(file: tifffile.TiffFile) -> bool:
    """Say whether the LSM tag is there."""
    return bool(file.is_lsm)


def describe(file: tifffile.TiffFile, source: Source) -> list[TiffImage]:
    """Give the stack; the small copies between its pages are left out by tifffile's first series."""
    notes: dict[str, Any] = file.lsm_metadata or {}

    def facts_of(position: int, sizes: Sizes) -> Facts:  # noqa: ARG001  # all positions alike
        return _facts(notes, sizes)

    return images_of(source.stream, source.size_bytes, file.series[0], 0, facts_of)


def _facts(notes: dict[str, Any], sizes: Sizes) -> Facts:
    scan = notes.get("ScanInformation") or {}
    objective = text(scan.get("Objective"), 255)
    return Facts(
        name=text(scan.get("Name"), 255),
        description=text(scan.get("Description")),
        acquired_at=None if not scan.get("Sample0time") else moment(_ole_time(scan["Sample0time"])),
        physical_size_x_um=length_um(notes.get("VoxelSizeX"), "m"),
        physical_size_y_um=length_um(notes.get("VoxelSizeY"), "m"),
        physical_size_z_um=length_um(notes.get("VoxelSizeZ"), "m") if sizes.size_z > 1 else None,
        time_increment_s=positive(notes.get("TimeIntervall")) if sizes.size_t > 1 else None,
        channels=_channels(notes.get("ChannelColors") or {}, _excitations(scan, sizes.size_c), sizes.size_c),
        acquisition=Acquisition(objective=Objective(name=objective) if objective else None, software="Zeiss LSM"),
    )


def _ole_time(days: Any) -> Any:
    """Turn days since 1899-12-30 into a datetime without zone."""
    return datetime(1899, 12, 30) + timedelta(days=float(days))  # noqa: DTZ001  # local time, see values.moment


def _excitations(scan: dict[str, Any], count: int) -> list[float | None]:
    """Give each channel the laser line of its track, where the track was lit by one line only."""
    found: list[float | None] = []
    for track in scan.get("Tracks") or ():
        if not track.get("Acquire", 1):
            continue
        lines = {
            positive(lamp.get("Wavelength")) for lamp in track.get("IlluminationChannels") or () if lamp.get("Aquire")
        }
        channels = [data for data in track.get("DataChannels") or () if data.get("Acquire", 1)]
        found += [next(iter(lines)) if len(lines) == 1 else None] * len(channels)
    return found if len(found) == count else [None] * count


def _channels(colors: dict[str, Any], excitations: list[float | None], count: int) -> tuple[Channel, ...]:
    names, values = colors.get("ColorNames") or [], colors.get("Colors") or []
    made = []
    for i in range(count):
        rgb = values[i] if i < len(values) else None
        color = color_hex(int(rgb[0]), int(rgb[1]), int(rgb[2])) if rgb is not None and len(rgb) >= 3 else None
        name = text(names[i], 255) if i < len(names) else None
        made.append(Channel(name=name, color=color, excitation_wavelength_nm=excitations[i]))
    return tuple(made)
