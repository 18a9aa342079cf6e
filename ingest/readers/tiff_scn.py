"""Leica SCN: images, their sizes and levels by the XML in the first page; the picture of the whole slide is none.

Views are told in nm, as the format's public descriptions say. An image whose view is the whole slide is the macro,
which shows the label too.
"""

from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError

import tifffile
from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from catalog.records import Acquisition, Channel, Objective
from ingest.readers.protocol import AssociatedPicture, DamagedError, RefusedError, Source
from ingest.readers.tiff_pixels import TiffImage
from ingest.readers.tiff_series import Facts, Sizes, associated_picture, images_of
from ingest.readers.values import color_hex, length_um, moment, positive, text

XML_BYTES_AT_MOST = 16 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Described:
    """An image as the XML tells it, in the order of the file."""

    facts: Facts
    is_macro: bool


def is_scn(file: tifffile.TiffFile) -> bool:
    """Say whether Leica wrote it."""
    return bool(file.is_scn)


def describe(file: tifffile.TiffFile, source: Source) -> list[TiffImage]:
    """Give the scanned regions; raises RefusedError for a stack in z, which is not read yet."""
    described = _described(file.pages.first.description)
    if len(described) != len(file.series):
        raise DamagedError(f"the slide's XML tells of {len(described)} images, {len(file.series)} are there")
    images: list[TiffImage] = []
    for found, series in zip(described, file.series, strict=True):
        if found.is_macro and len(described) > 1:
            continue

        def same(position: int, sizes: Sizes, facts: Facts = found.facts) -> Facts:  # noqa: ARG001  # one position
            return facts

        images += images_of(source.stream, source.size_bytes, series, len(images), same)
    return images


def associated(file: tifffile.TiffFile, source: Source) -> list[AssociatedPicture]:
    """Give the pictures of the whole slide."""
    described = _described(file.pages.first.description)
    macros = [series for found, series in zip(described, file.series, strict=True) if found.is_macro]
    return [associated_picture("macro", source, series) for series in macros] if len(described) > 1 else []


def _described(written: str) -> list[_Described]:
    if len(written) > XML_BYTES_AT_MOST:
        raise DamagedError(f"the slide's XML is larger than {XML_BYTES_AT_MOST >> 20} MiB")
    try:
        root = ElementTree.fromstring(written.encode("utf-8", "replace"), forbid_dtd=True)
    except DefusedXmlException as error:
        raise DamagedError("the slide's XML has a DOCTYPE, which is refused") from error
    except ParseError as error:
        raise DamagedError(f"the slide's XML is broken: {error}") from error
    return [
        _image(image, pixels, collection)
        for collection in _below(root, "collection")
        for image in _below(collection, "image")
        for pixels in _below(image, "pixels")
        if _below(pixels, "dimension")
    ]


def _image(image: Element, pixels: Element, collection: Element) -> _Described:
    if (positive(image.get("sizeZ")) or 1) > 1 or any((positive(d.get("z")) or 0) > 0 for d in pixels):
        raise RefusedError("a Leica SCN slide with several focal planes, which is not read yet")
    view = next(iter(_below(image, "view")), None)
    whole = (collection.get("sizeX"), collection.get("sizeY"))
    is_macro = view is not None and None not in whole and (view.get("sizeX"), view.get("sizeY")) == whole
    return _Described(facts=_facts(image, pixels, view), is_macro=is_macro)


def _facts(image: Element, pixels: Element, view: Element | None) -> Facts:
    def step_um(side: str) -> float | None:
        length, count = (view.get(side) if view is not None else None), positive(pixels.get(side))
        size = length_um(length, "nm")
        return size / count if size and count else None

    power, aperture = positive(_text_of(image, "objective")), positive(_text_of(image, "numericalAperture"))
    device = next(iter(_below(image, "device")), None)
    return Facts(
        name=text(image.get("name"), 255),
        acquired_at=moment(_text_of(image, "creationDate")),
        physical_size_x_um=step_um("sizeX"),
        physical_size_y_um=step_um("sizeY"),
        channels=tuple(_channel(c) for c in image.iter() if _name(c) == "channel"),
        acquisition=Acquisition(
            objective=Objective(nominal_magnification=power, lens_na=aperture) if power or aperture else None,
            microscope=text(device.get("model"), 255) if device is not None else None,
        ),
    )


def _channel(found: Element) -> Channel:
    written = (found.get("rgb") or "").lstrip("#")
    try:
        value = int(written, 16) if len(written) == 6 else None
    except ValueError:
        value = None
    color = None if value is None else color_hex(value >> 16 & 255, value >> 8 & 255, value & 255)
    return Channel(name=text(found.get("name"), 255), color=color)


def _below(element: Element, name: str) -> list[Element]:
    return [child for child in element if _name(child) == name]


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _text_of(element: Element, name: str) -> str | None:
    return next((found.text for found in element.iter() if _name(found) == name), None)
