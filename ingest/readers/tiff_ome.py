"""OME-TIFF: images, planes and metadata by the OME-XML in the first page; other files it names are never opened."""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import tifffile
from numpy.typing import NDArray

from ingest.readers import ome_xml, tiff_plain
from ingest.readers.ome_facts import PixelsSizes, facts_of, sizes_of
from ingest.readers.ome_sets import describing
from ingest.readers.ome_xml import OmeDocument, OmeImage, TiffData
from ingest.readers.protocol import AssociatedPicture, DamagedError, Level, NotWholeError, RefusedError, Source
from ingest.readers.tiff_display import display_of, is_grey_with_alpha
from ingest.readers.tiff_pages import own_pages, page_at, pages_below, plane_of
from ingest.readers.tiff_pixels import Plane, TiffImage
from ingest.readers.tiff_series import Facts, Sizes, is_colour, record_of
from ingest.readers.values import number, text

_OUTSIDE = re.compile(r"^[/\\]|^[A-Za-z]:|^[A-Za-z][A-Za-z0-9+.\-]*:/|(^|[/\\])\.\.([/\\]|$)")
_MAYBE_ASSOCIATED = re.compile(rb"Name\s*=\s*[\"']\s*(slide )?(label|macro|overview|thumbnail)", re.IGNORECASE)
_ASSOCIATED = re.compile(r"(slide )?(label|macro|overview|thumbnail)( ?image)?( ?#?\d+)?", re.IGNORECASE)


def is_ome(file: tifffile.TiffFile) -> bool:
    """Say whether the first page's description begins like OME-XML, whole or not."""
    head = file.pages.first.description[:2000]
    return "<OME" in head or "openmicroscopy.org/Schemas/OME" in head


def describe(file: tifffile.TiffFile, source: Source) -> list[TiffImage]:
    """Give the images of the document that lie in this file; raises RefusedError for a part of a set."""
    document = _document(file)
    if _is_set(document, source):
        if source.is_alone:
            return own_pages(file, source, _own_facts(document, source, file))
        if document.is_binary_only:
            raise RefusedError(
                f"part of a set: its metadata is in {text(document.metadata_file, 200) or 'another file'}"
            )
        raise describing(document, source.name.decode("utf-8", "surrogateescape"), holds_pixels=True)
    elements = [image for image in document.images if image.pixels is not None]
    if not elements:
        raise DamagedError("the OME-XML describes no image")
    images = [_image(file, source, document, element, index) for index, element in enumerate(elements)]
    if len(images) > 1:
        images = [image for image in images if not _ASSOCIATED.fullmatch((image.record.name or "").strip())] or images
    return images


def associated(file: tifffile.TiffFile, source: Source) -> list[AssociatedPicture]:
    """Give the images that are called label, macro, overview or thumbnail, where there are others beside them."""
    if not _MAYBE_ASSOCIATED.search(_xml(file)):
        return []  # nearly always, and cheaper than understanding it all again
    document = _document(file)
    elements = [image for image in document.images if image.pixels is not None]
    kinds = [_ASSOCIATED.fullmatch((element.attributes.get("Name") or "").strip()) for element in elements]
    if _is_set(document, source) or all(kinds):
        return []
    return [
        AssociatedPicture(kind=kind[2].lower(), open=partial(_image, file, source, document, element, 0))
        for kind, element in zip(kinds, elements, strict=True)
        if kind
    ]


def _document(file: tifffile.TiffFile) -> OmeDocument:
    return ome_xml.parse(_xml(file))


def _xml(file: tifffile.TiffFile) -> bytes:
    tag = file.pages.first.tags.get(270)
    raw = tag.value if tag is not None else ""
    xml = raw if isinstance(raw, bytes) else str(raw).encode("utf-8", "replace")
    return xml.strip(b"\0\r\n\t ")


def _is_set(document: OmeDocument, source: Source) -> bool:
    """Say whether it names other files; a name outside the folder is damage, not a set."""
    entries = [entry for image in document.images for entry in image.tiff_data if entry.file_name]
    names = [entry.file_name or "" for entry in entries if not _is_own(entry, document, source)]
    if document.metadata_file:
        names.append(document.metadata_file)
    for name in names:
        if _OUTSIDE.search(name):
            raise DamagedError(f"names a file outside its folder: {text(name, 200)}")
    return document.is_binary_only or bool(names)


def _own_facts(document: OmeDocument, source: Source, file: tifffile.TiffFile) -> Facts:
    """Give what the document tells of the image of which this file's pages are a part."""
    for element in document.images:
        if any(_is_own(entry, document, source) for entry in element.tiff_data):
            facts = facts_of(document, element, sizes_of(element), software=_software(file))
            return replace(facts, channels=())
    return Facts()


def _software(file: tifffile.TiffFile) -> str | None:
    return tiff_plain.tag_text(file.pages.first, 305)


def _is_own(entry: TiffData, document: OmeDocument, source: Source) -> bool:
    """Say whether an entry means this file: by its UUID, also when the file was renamed, or by its name."""
    own = document.attributes.get("UUID")
    if entry.file_name and entry.file_name.encode("utf-8", "surrogateescape") == source.name:
        return True
    return bool(own and entry.uuid == own) and not _OUTSIDE.search(entry.file_name or "")


def _directories(element: OmeImage, sizes: PixelsSizes, pages: int) -> NDArray[np.int64]:
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
    sizes = sizes_of(element)
    directories = _directories(element, sizes, len(source.directories))
    first = page_at(file, source, int(directories[directories >= 0][0]))
    if (first.imagewidth, first.imagelength) != (sizes.x, sizes.y):
        raise DamagedError(
            f"the OME-XML says {sizes.x} x {sizes.y} px, the page is {first.imagewidth} x {first.imagelength}"
        )
    if first.samplesperpixel not in (1, sizes.samples) and not _is_grey_beside_alpha(first, sizes, directories):
        sizes = _resampled(sizes, first.samplesperpixel)
    is_rgb = is_colour(first) and sizes.planes_c == 1
    counted = Sizes(
        size_x=sizes.x, size_y=sizes.y, size_z=sizes.z, size_c=sizes.c, size_t=sizes.t, positions=1,
        samples=first.samplesperpixel, is_rgb=is_rgb,
    )  # fmt: skip
    record = record_of(index, counted, first, facts_of(document, element, sizes, software=_software(file)))
    pages = [first, *pages_below(first)]
    levels = tuple(Level(size_x=page.imagewidth, size_y=page.imagelength) for page in pages)
    return TiffImage(record, levels, _locator(file, source, sizes, directories, is_rgb=is_rgb), display_of(first))


def _is_grey_beside_alpha(page: tifffile.TiffPage, sizes: PixelsSizes, directories: NDArray[np.int64]) -> bool:
    """Say whether the second sample of the pages is alpha, of which the document is silent: it counts a page a channel.

    Where it counts channels for which there is no page, they are the samples.
    """
    has_all_pages = sizes.c == 1 or bool((directories >= 0).all())
    return is_grey_with_alpha(page) and sizes.samples == 1 and has_all_pages


def _resampled(sizes: PixelsSizes, samples: int) -> PixelsSizes:
    """Believe the page where the document forgot the samples of a channel."""
    if sizes.c % samples:
        raise DamagedError(f"the OME-XML says {sizes.c} channels, the page has {samples} samples")
    return PixelsSizes(sizes.x, sizes.y, sizes.z, sizes.c, sizes.t, sizes.c // samples, samples, sizes.order)


def _locator(
    file: tifffile.TiffFile, source: Source, sizes: PixelsSizes, directories: NDArray[np.int64], *, is_rgb: bool
) -> Callable[[int, int, int, int], Plane]:
    def locate(level: int, c: int, z: int, t: int) -> Plane:
        channel, sample = (0, 0) if is_rgb else divmod(c, sizes.samples)
        directory = int(directories[sizes.plane_number(z, channel, t)])
        if directory < 0:
            raise DamagedError(
                f"the OME-XML says z {sizes.z}, c {sizes.c}, t {sizes.t}, but the file has no plane"
                f" for z {z + 1}, c {c + 1}, t {t + 1}"
            )
        page = page_at(file, source, directory)
        if level:
            page = pages_below(page)[level - 1]
        return plane_of(source, page, sample, is_rgb=is_rgb)

    return locate
