"""Slide scanners: Aperio SVS, Hamamatsu NDPI, PerkinElmer QPTIFF. Their label, macro, overview and thumbnail
pictures are no images (labels carry patients' names).
"""

import re
import xml.parsers.expat

import tifffile

from catalog.records import Acquisition, Channel, Objective
from ingest.readers import tiff_plain
from ingest.readers.protocol import AssociatedPicture, DamagedError, Source
from ingest.readers.tiff_pixels import TiffImage
from ingest.readers.tiff_series import Facts, Sizes, associated_picture, images_of
from ingest.readers.values import color_hex, length_um, moment, number, positive, text

#: What tifffile calls the series that are no images of the specimen.
_ASSOCIATED = re.compile(r"label|macro|overview|thumbnail|map|reference", re.IGNORECASE)


def is_svs(file: tifffile.TiffFile) -> bool:
    """Say whether Aperio wrote it."""
    return bool(file.is_svs)


def is_ndpi(file: tifffile.TiffFile) -> bool:
    """Say whether Hamamatsu wrote it."""
    return bool(file.is_ndpi)


def is_qptiff(file: tifffile.TiffFile) -> bool:
    """Say whether PerkinElmer (Akoya) wrote it."""
    return bool(file.is_qpi)


def describe_svs(file: tifffile.TiffFile, source: Source) -> list[TiffImage]:
    """Give the slide, by Aperio's notes after the bars of its description."""
    description = file.pages.first.description
    notes = {
        key.strip(): value.strip()
        for key, bar, value in (part.partition("=") for part in description.split("|")[1:])
        if bar
    }
    mpp = positive(notes.get("MPP"))
    power = positive(notes.get("AppMag"))
    facts = Facts(
        acquired_at=moment(f"{notes.get('Date', '')} {notes.get('Time', '')}".strip()),
        physical_size_x_um=mpp,
        physical_size_y_um=mpp,
        acquisition=Acquisition(
            objective=Objective(nominal_magnification=power) if power else None,
            microscope=text(notes.get("ScanScope ID"), 255),
            software=text(description.split("\n")[0], 255),
        ),
    )
    return _images(file, source, facts)


def describe_ndpi(file: tifffile.TiffFile, source: Source) -> list[TiffImage]:
    """Give the slide, by Hamamatsu's tags: SourceLens, and pixels per centimetre, which it means."""
    page = file.pages.first
    lens = page.tags.get(65421)
    power = positive(lens.value) if lens is not None else None
    plain = tiff_plain.facts_of(page)
    facts = Facts(
        acquired_at=plain.acquired_at,
        physical_size_x_um=resolution_um(page, 282),
        physical_size_y_um=resolution_um(page, 283),
        acquisition=Acquisition(
            objective=Objective(nominal_magnification=power) if power else None,
            microscope=plain.acquisition.microscope,
            software=plain.acquisition.software,
        ),
    )
    return _images(file, source, facts)


def describe_qptiff(file: tifffile.TiffFile, source: Source) -> list[TiffImage]:
    """Give the slide with its bands: name, colour and exposure stand in each page's XML; resolution is meant."""
    page = file.pages.first
    notes = _flat_xml(page.description)
    power = positive((notes.get("Objective") or "").lower().rstrip("x"))
    facts = Facts(
        acquired_at=moment(tiff_plain.tag_text(page, 306)),
        physical_size_x_um=resolution_um(page, 282),
        physical_size_y_um=resolution_um(page, 283),
        channels=tuple(_qpi_channel(p) for p in file.series[0].pages if p is not None),
        acquisition=Acquisition(
            objective=Objective(name=text(notes.get("Objective"), 64), nominal_magnification=power),
            detector=text(notes.get("CameraName"), 255),
            software=text(notes.get("AcquisitionSoftware"), 255),
        ),
    )
    return _images(file, source, facts)


def _images(file: tifffile.TiffFile, source: Source, facts: Facts) -> list[TiffImage]:
    """Give the images of all series but the associated pictures."""

    def same(position: int, sizes: Sizes) -> Facts:  # noqa: ARG001  # one image
        return facts

    images: list[TiffImage] = []
    for number_, series in enumerate(file.series):
        if number_ and _ASSOCIATED.search(series.name or ""):
            continue
        images += images_of(source.stream, source.size_bytes, series, len(images), same)
    return images


def associated(file: tifffile.TiffFile, source: Source) -> list[AssociatedPicture]:
    """Give the label, macro, overview and thumbnail pictures, by what their series are called."""
    found = []
    for series in file.series[1:]:
        kind = _ASSOCIATED.search(series.name or "")
        if kind:
            found.append(associated_picture(kind[0].lower(), source, series))
    return found


def resolution_um(page: tifffile.TiffPage, tag: int) -> float | None:
    """Turn pixels per centimetre into um a pixel; None where the unit is no metric one (dpi)."""
    found, unit = page.tags.get(tag), page.tags.get(296)
    try:
        name = "cm" if unit is not None and int(unit.value) == 3 else None
        pixels, units = found.value if found is not None else (0, 0)
    except (TypeError, ValueError):
        return None
    return length_um(units / pixels, name) if pixels and name else None


def _qpi_channel(page: tifffile.TiffPage | tifffile.TiffFrame) -> Channel:
    notes = _flat_xml(page.aspage().description)
    exposure = number(notes.get("ExposureTime"))
    parts = [number(part) for part in (notes.get("Color") or "").split(",")]
    color = None
    if len(parts) == 3 and None not in parts:
        color = color_hex(*(int(part or 0) for part in parts))
    #: QPTIFF's exposure times are in us.
    return Channel(name=text(notes.get("Name"), 255), color=color, exposure_time_s=exposure / 1e6 if exposure else None)


def _flat_xml(written: str) -> dict[str, str]:
    """Give the texts of the root's children by name; a DOCTYPE is refused, broken XML gives what came before."""
    found: dict[str, str] = {}
    path: list[str] = []
    parser = xml.parsers.expat.ParserCreate("utf-8")

    def start(name: str, attributes: dict[str, str]) -> None:  # noqa: ARG001  # expat's signature
        path.append(name)

    def end(name: str) -> None:  # noqa: ARG001  # expat's signature
        path.pop()

    def data(piece: str) -> None:
        if len(path) == 2:
            found[path[1]] = (found.get(path[1], "") + piece)[:1000]

    def refuse(*_: object) -> None:
        raise DamagedError("the slide's XML has a DOCTYPE, which is refused")

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, data
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(written.encode("utf-8", "replace"), True)
    except xml.parsers.expat.ExpatError:
        return found
    return found
