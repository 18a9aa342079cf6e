"""OME-TIFF: images, planes and metadata by the OME-XML in the first page; other files it names are never opened."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np
import tifffile
from numpy.typing import NDArray

from catalog.records import Acquisition, Channel, Objective
from ingest.readers import ome_xml, tiff_plain
from ingest.readers.ome_xml import OmeDocument, OmeImage, TiffData
from ingest.readers.protocol import DamagedError, Level, NotWholeError, RefusedError, Source
from ingest.readers.tiff_display import display_of
from ingest.readers.tiff_pixels import JoinedPlane, PagePlane, Plane, RawPlane, TiffImage, raw_dtype
from ingest.readers.tiff_series import Facts, Sizes, is_colour, record_of
from ingest.readers.values import color_hex, length_um, moment, number, positive, text, time_s

PLANES_AT_MOST = 50_000_000
_OUTSIDE = re.compile(r"^[/\\]|^[A-Za-z]:|^[A-Za-z][A-Za-z0-9+.\-]*:/|(^|[/\\])\.\.([/\\]|$)")
_ASSOCIATED = re.compile(r"(slide )?(label|macro|overview|thumbnail)( ?image)?( ?#?\d+)?", re.IGNORECASE)


def is_ome(file: tifffile.TiffFile) -> bool:
    """Say whether the first page's description begins like OME-XML, whole or not."""
    head = file.pages.first.description[:2000]
    return "<OME" in head or "openmicroscopy.org/Schemas/OME" in head


def describe(file: tifffile.TiffFile, source: Source) -> list[TiffImage]:
    """Give the images of the document that lie in this file; raises RefusedError for a part of a set."""
    tag = file.pages.first.tags.get(270)
    raw = tag.value if tag is not None else ""
    xml = raw if isinstance(raw, bytes) else str(raw).encode("utf-8", "replace")
    document = ome_xml.parse(xml.strip(b"\0\r\n\t "))
    _refuse_sets(document, source)
    elements = [image for image in document.images if image.pixels is not None]
    if not elements:
        raise DamagedError("the OME-XML describes no image")
    images = [_image(file, source, document, element, index) for index, element in enumerate(elements)]
    if len(images) > 1:
        images = [image for image in images if not _ASSOCIATED.fullmatch((image.record.name or "").strip())] or images
    return images


def _refuse_sets(document: OmeDocument, source: Source) -> None:
    """Refuse what names other files; a name outside the folder is damage, not a set."""
    entries = [entry for image in document.images for entry in image.tiff_data if entry.file_name]
    names = [entry.file_name or "" for entry in entries if not _is_own(entry, document, source)]
    if document.metadata_file:
        names.append(document.metadata_file)
    for name in names:
        if _OUTSIDE.search(name):
            raise DamagedError(f"names a file outside its folder: {text(name, 200)}")
    if document.is_binary_only:
        raise RefusedError(f"part of a set: its metadata is in {text(document.metadata_file, 200) or 'another file'}")
    if names:
        raise RefusedError(f"part of a set: its OME-XML names {text(names[0], 200)} too")


def _is_own(entry: TiffData, document: OmeDocument, source: Source) -> bool:
    """Say whether an entry means this file: by its UUID, also when the file was renamed, or by its name."""
    own = document.attributes.get("UUID")
    if entry.file_name and entry.file_name.encode("utf-8", "surrogateescape") == source.name:
        return True
    return bool(own and entry.uuid == own) and not _OUTSIDE.search(entry.file_name or "")


@dataclass(frozen=True, slots=True)
class _Pixels:
    """The sizes of a Pixels element; ``planes_c`` counts planes, of which each has ``samples`` samples."""

    x: int
    y: int
    z: int
    c: int
    t: int
    planes_c: int
    samples: int
    order: str

    @property
    def planes(self) -> int:
        return self.z * self.planes_c * self.t

    def plane_number(self, z: int, c: int, t: int) -> int:
        """Give the running number of a plane in the order of the element."""
        index, size = {"Z": z, "C": c, "T": t}, {"Z": self.z, "C": self.planes_c, "T": self.t}
        first, second, third = tuple(self.order[2:])
        return index[first] + size[first] * (index[second] + size[second] * index[third])


def _sizes(element: OmeImage) -> _Pixels:
    attributes = element.pixels or {}
    try:
        x, y, z, c, t = (int(attributes["Size" + axis]) for axis in ("X", "Y", "Z", "C", "T"))
    except (KeyError, ValueError) as error:
        raise DamagedError("the OME-XML does not say the image's sizes") from error
    order = attributes.get("DimensionOrder", "XYZCT")
    if min(x, y, z, c, t) < 1 or x * y > 1 << 60 or z * c * t > PLANES_AT_MOST:
        raise DamagedError(f"the OME-XML claims sizes of {x} x {y} x {z} x {c} x {t}")
    if sorted(order) != sorted("XYZCT") or order[:2] != "XY":
        raise DamagedError("the OME-XML has an unknown order of dimensions")
    samples = [int(number(ch.attributes.get("SamplesPerPixel", "1")) or 1) for ch in element.channels] or [1]
    each = samples[0] if len(set(samples)) == 1 and samples[0] > 0 and c % samples[0] == 0 else 1
    return _Pixels(x, y, z, c, t, c // each, each, order)


def _directories(element: OmeImage, sizes: _Pixels, pages: int) -> NDArray[np.int64]:
    """Give the directory of each plane by its running number, -1 where the document gives none."""
    found = np.full(sizes.planes, -1, np.int64)
    for entry in element.tiff_data:
        first = [int(number(entry.attributes.get("First" + axis, "0")) or 0) for axis in "ZCT"]
        directory = int(number(entry.attributes.get("IFD", "0")) or 0)
        otherwise = 1 if "IFD" in entry.attributes else min(sizes.planes, pages)
        count = int(number(entry.attributes.get("PlaneCount", otherwise)) or 0)
        if not (first[0] < sizes.z and first[1] < sizes.planes_c * sizes.samples and first[2] < sizes.t):
            raise DamagedError("the OME-XML places a plane outside the image")
        start = sizes.plane_number(first[0], first[1] // sizes.samples, first[2])
        end = min(start + count, sizes.planes)
        if start < 0 or directory < 0:
            raise DamagedError("the OME-XML places a plane outside the image")
        found[start:end] = np.arange(directory, directory + end - start)
    if not element.tiff_data:
        found[:] = np.arange(sizes.planes)
    if found.max(initial=-1) >= pages:
        raise NotWholeError(f"{int(found.max()) + 1} pages are declared and {pages} are there")
    if (found < 0).all():
        raise NotWholeError("none of the declared planes is in the file")
    return found


def _image(file: tifffile.TiffFile, source: Source, document: OmeDocument, element: OmeImage, index: int) -> TiffImage:
    sizes = _sizes(element)
    directories = _directories(element, sizes, len(source.directories))
    first = page_at(file, source, int(directories[directories >= 0][0]))
    if (first.imagewidth, first.imagelength) != (sizes.x, sizes.y):
        raise DamagedError(
            f"the OME-XML says {sizes.x} x {sizes.y} px, the page is {first.imagewidth} x {first.imagelength}"
        )
    if first.samplesperpixel not in (1, sizes.samples):
        sizes = _resampled(sizes, first.samplesperpixel)
    is_rgb = is_colour(first) and sizes.planes_c == 1
    counted = Sizes(
        size_x=sizes.x, size_y=sizes.y, size_z=sizes.z, size_c=sizes.c, size_t=sizes.t, positions=1,
        samples=first.samplesperpixel, is_rgb=is_rgb,
    )  # fmt: skip
    record = record_of(index, counted, first, _facts(document, element, sizes, file))
    pages = [first, *pages_below(first)]
    levels = tuple(Level(size_x=page.imagewidth, size_y=page.imagelength) for page in pages)
    return TiffImage(record, levels, _locator(file, source, sizes, directories, is_rgb=is_rgb), display_of(first))


def _resampled(sizes: _Pixels, samples: int) -> _Pixels:
    """Believe the page where the document forgot the samples of a channel."""
    if sizes.c % samples:
        raise DamagedError(f"the OME-XML says {sizes.c} channels, the page has {samples} samples")
    return _Pixels(sizes.x, sizes.y, sizes.z, sizes.c, sizes.t, sizes.c // samples, samples, sizes.order)


def _locator(
    file: tifffile.TiffFile, source: Source, sizes: _Pixels, directories: NDArray[np.int64], *, is_rgb: bool
) -> Callable[[int, int, int, int], Plane]:
    def locate(level: int, c: int, z: int, t: int) -> Plane:
        channel, sample = (0, 0) if is_rgb else divmod(c, sizes.samples)
        directory = int(directories[sizes.plane_number(z, channel, t)])
        if directory < 0:
            raise DamagedError("the plane is not in the file")
        page = page_at(file, source, directory)
        if level:
            page = pages_below(page)[level - 1]
        return _plane(source, page, sample, is_rgb=is_rgb)

    return locate


def page_at(file: tifffile.TiffFile, source: Source, number_: int) -> tifffile.TiffPage:
    """Parse one page where the walk found it, without following the chain again."""
    if number_ == 0:
        return file.pages.first
    file.filehandle.seek(source.directories[number_])
    return tifffile.TiffPage(file, number_)


def pages_below(page: tifffile.TiffPage) -> list[tifffile.TiffPage]:
    """Give a page's smaller copies."""
    return [below.aspage() for below in page.pages or ()]


def _plane(source: Source, page: tifffile.TiffPage, sample: int, *, is_rgb: bool) -> Plane:
    is_planar = int(page.planarconfig) == 2
    if is_rgb and is_planar:
        return JoinedPlane([PagePlane(page, s * page.imagedepth) for s in range(page.samplesperpixel)])
    if page.samplesperpixel > 1 and not is_rgb:
        return PagePlane(page, sample * page.imagedepth) if is_planar else PagePlane(page, 0, sample)
    dtype = raw_dtype(page)
    if dtype is not None:
        shape = (page.imagelength, page.imagewidth, *((page.samplesperpixel,) if is_rgb else ()))
        return RawPlane(source.stream, page.dataoffsets[0], shape, dtype)
    return PagePlane(page)


def _facts(document: OmeDocument, element: OmeImage, sizes: _Pixels, file: tifffile.TiffFile) -> Facts:
    pixels = element.pixels or {}
    microns = {
        axis: length_um(pixels.get(f"PhysicalSize{axis}"), pixels.get(f"PhysicalSize{axis}Unit", "um"))
        for axis in "XYZ"
    }
    bits = number(pixels.get("SignificantBits"))
    return Facts(
        name=text(element.attributes.get("Name"), 255),
        description=text(element.description),
        acquired_at=moment(element.date),
        physical_size_x_um=microns["X"], physical_size_y_um=microns["Y"], physical_size_z_um=microns["Z"],
        time_increment_s=time_s(pixels.get("TimeIncrement"), pixels.get("TimeIncrementUnit", "s")),
        significant_bits=int(bits) if bits and 0 < bits < 64 else None,
        channels=_channels(element, sizes),
        acquisition=_acquisition(document, element, file),
    )  # fmt: skip


def _channels(element: OmeImage, sizes: _Pixels) -> tuple[Channel, ...]:
    """Give the channels; one with several samples stands for each of them."""
    repeated = [(i, ch) for (i, ch), _ in product(enumerate(element.channels), range(sizes.samples))]
    return tuple(_channel(ch.attributes, element.exposures.get(str(i))) for i, ch in repeated)


def _channel(attributes: dict[str, str], exposure: tuple[str, str] | None) -> Channel:
    def wavelength_nm(kind: str) -> float | None:
        micron = length_um(attributes.get(kind + "Wavelength"), attributes.get(kind + "WavelengthUnit", "nm"))
        return None if micron is None else round(micron * 1000, 6)

    return Channel(
        name=text(attributes.get("Name"), 255),
        color=_color(attributes.get("Color")),
        emission_wavelength_nm=wavelength_nm("Emission"),
        excitation_wavelength_nm=wavelength_nm("Excitation"),
        exposure_time_s=time_s(*exposure) if exposure else None,
    )


def _color(written: str | None) -> str | None:
    """Turn OME's signed 32-bit RGBA into "#RRGGBB"."""
    try:
        value = int(written or "") & 0xFFFFFFFF
    except ValueError:
        return None
    return color_hex(value >> 24, value >> 16, value >> 8)


def _acquisition(document: OmeDocument, element: OmeImage, file: tifffile.TiffFile) -> Acquisition:
    found = document.parts.get(element.objective or "")
    objective = None
    if found is not None:
        objective = Objective(
            name=_made_by(found), nominal_magnification=positive(found.get("NominalMagnification")),
            lens_na=positive(found.get("LensNA")), immersion=text(found.get("Immersion"), 64),
        )  # fmt: skip
    detectors = [document.parts[ch.detector] for ch in element.channels if ch.detector in document.parts]
    return Acquisition(
        objective=objective,
        microscope=_made_by(document.microscopes.get(element.instrument or "", {})),
        detector=_made_by(detectors[0]) if detectors else None,
        software=text(document.attributes.get("Creator"), 255) or tiff_plain.tag_text(file.pages.first, 305),
    )


def _made_by(part: dict[str, str]) -> str | None:
    return text(" ".join(part[key] for key in ("Manufacturer", "Model") if part.get(key)), 255)
