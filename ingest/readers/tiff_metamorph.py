"""MetaMorph and MetaXpress: STK stacks (UIC tags) and MetaSeries TIFFs (XML in the description), um and local times."""

from typing import Any

import numpy as np
import tifffile

from catalog.records import Acquisition, Channel, Objective
from ingest.readers import tiff_plain
from ingest.readers.protocol import Source
from ingest.readers.tiff_pixels import TiffImage
from ingest.readers.tiff_series import Facts, Sizes, images_of
from ingest.readers.values import length_um, moment, number, positive, text, time_s


def is_stk(file: tifffile.TiffFile) -> bool:
    """Say whether the UIC tags of a stack are there."""
    return bool(file.is_stk)


def is_metaseries(file: tifffile.TiffFile) -> bool:
    """Say whether the description is MetaSeries' XML."""
    return bool(file.is_metaseries)


def describe_stk(file: tifffile.TiffFile, source: Source) -> list[TiffImage]:
    """Give the stack."""
    facts = _stk_facts(file.stk_metadata or {}, file.pages.first)
    return _images(file, source, facts)


def describe_metaseries(file: tifffile.TiffFile, source: Source) -> list[TiffImage]:
    """Give the plane."""
    return _images(file, source, _metaseries_facts(file.metaseries_metadata or {}))


def _images(file: tifffile.TiffFile, source: Source, facts: Facts) -> list[TiffImage]:
    def same(position: int, sizes: Sizes) -> Facts:  # noqa: ARG001  # one image
        return facts

    images: list[TiffImage] = []
    for series in file.series:
        images += images_of(source.stream, source.size_bytes, series, len(images), same)
    return images


def _stk_facts(notes: dict[str, Any], page: tifffile.TiffPage) -> Facts:
    properties = {str(p.get("name")): p.get("value") for p in notes.get("PlaneProperty") or () if isinstance(p, dict)}
    unit = str(notes.get("CalibrationUnits") or "") if notes.get("SpatialCalibration", 1) else ""
    created = notes.get("CreateTime")
    if created is None and np.size(notes.get("DatetimeCreated", ())):
        created = np.ravel(notes["DatetimeCreated"])[0].astype("M8[us]").item()
    distance = positive(next(iter(np.ravel(notes.get("ZDistance", ()))), None))
    words = _words("\n".join(str(d) for d in (notes.get("PlaneDescriptions") or ())[:1]))
    return Facts(
        name=text(notes.get("Name"), 255),
        acquired_at=moment(created),
        physical_size_x_um=length_um(notes.get("XCalibration"), unit),
        physical_size_y_um=length_um(notes.get("YCalibration"), unit),
        physical_size_z_um=length_um(distance, unit),
        significant_bits=_bits(properties.get("Camera Bit Depth")),
        channels=(_channel(properties, notes.get("wavelength"), words),),
        acquisition=_acquisition(properties, tiff_plain.tag_text(page, 305)),
    )


def _metaseries_facts(notes: dict[str, Any]) -> Facts:
    plane = notes.get("PlaneInfo") or {}
    unit = str(plane.get("spatial-calibration-units") or "") if plane.get("spatial-calibration-state") else ""
    words = _words(str(notes.get("Description") or ""))
    program = " ".join(str(notes[k]) for k in ("ApplicationName", "ApplicationVersion") if notes.get(k))
    return Facts(
        name=text(plane.get("image-name"), 255),
        acquired_at=moment(plane.get("acquisition-time-local")),
        physical_size_x_um=length_um(plane.get("spatial-calibration-x"), unit),
        physical_size_y_um=length_um(plane.get("spatial-calibration-y"), unit),
        significant_bits=_bits(plane.get("camera-bit-depth") or plane.get("Camera Bit Depth")),
        channels=(_channel(plane, plane.get("wavelength"), words),),
        acquisition=_acquisition(plane, text(program, 255), words.get("acquired from")),
    )


def _channel(notes: dict[str, Any], wavelength: Any, words: dict[str, str]) -> Channel:
    """Make the channel; MetaMorph's wavelength is the emission it colours by, 0 where none is set."""
    value, _, unit = words.get("exposure", "").partition(" ")
    emission = positive(wavelength)
    return Channel(
        name=text(notes.get("_IllumSetting_"), 255),
        emission_wavelength_nm=emission if emission is not None and 300 < emission < 2000 else None,
        exposure_time_s=time_s(value, unit),
    )


def _acquisition(notes: dict[str, Any], program: str | None, camera: str | None = None) -> Acquisition:
    name, aperture = text(notes.get("_MagSetting_"), 255), positive(notes.get("_MagNA_"))
    objective = Objective(name=name, lens_na=aperture) if name or aperture else None
    return Acquisition(objective=objective, software=program, detector=camera)


def _words(description: str) -> dict[str, str]:
    """Split MetaMorph's "Key: value" lines; keys in lower case, the first of a kind wins."""
    found: dict[str, str] = {}
    for line in description.splitlines()[:500]:
        key, colon, value = line.partition(":")
        if colon:
            found.setdefault(key.strip().lower(), value.strip())
        elif line.startswith("Acquired from "):
            found.setdefault("acquired from", line.removeprefix("Acquired from ").strip())
    return found


def _bits(value: Any) -> int | None:
    bits = number(value)
    return int(bits) if bits is not None and 1 <= bits <= 16 else None
