"""OME-XML that describes an image of several files: which plane lies in which of them, as which page."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from catalog.records import ImageRecord
from ingest.readers.ome_facts import PixelsSizes, facts_of, sizes_of
from ingest.readers.ome_xml import OmeDocument, OmeImage, TiffData
from ingest.readers.protocol import DamagedError, DescribedImage, DescribedPlane, DescribesError, NamedPart, OpenPart
from ingest.readers.values import number


def describing(document: OmeDocument, own_name: str, *, holds_pixels: bool) -> DescribesError:
    """Say that a document describes an image of several files; ``own_name`` stands for entries without a name."""
    names = dict.fromkeys(entry.file_name or own_name for image in document.images for entry in image.tiff_data)
    parts = [NamedPart(name=name) for name in names if holds_pixels or name != own_name]

    def join(open_part: OpenPart) -> Sequence[DescribedImage]:
        elements = (image for image in document.images if image.pixels is not None)
        found = (_described(document, element, own_name, open_part) for element in elements)
        return [one for one in found if one is not None]

    return DescribesError(
        "part of a set: its OME-XML describes several files",
        format="OME-TIFF",
        names=parts,
        join=join,
        holds_pixels=holds_pixels,
    )


def _described(document: OmeDocument, element: OmeImage, own_name: str, open_part: OpenPart) -> DescribedImage | None:
    """Describe an image by the first of its files that is there; None when none is."""
    names = dict.fromkeys(entry.file_name or own_name for entry in element.tiff_data)
    opened = next((part for part in map(open_part, names) if part is not None), None)
    if opened is None or not opened.images:
        return None
    part = opened.images[0].record
    sizes = sizes_of(element)
    if (part.size_x, part.size_y) != (sizes.x, sizes.y):
        raise DamagedError(f"the OME-XML says {sizes.x} x {sizes.y} px, its files hold {part.size_x} x {part.size_y}")
    samples = 1 if part.is_rgb else part.size_c
    if samples not in (1, sizes.samples):
        sizes = replace(sizes, planes_c=sizes.c // samples, samples=samples)
    planes = list(_planes(element, sizes, own_name, open_part, is_rgb=part.is_rgb))
    return DescribedImage(record=_record(document, element, sizes, part), planes=planes)


def _record(document: OmeDocument, element: OmeImage, sizes: PixelsSizes, part: ImageRecord) -> ImageRecord:
    facts = facts_of(document, element, sizes, software=part.acquisition.software)
    is_rgb = part.is_rgb and sizes.planes_c == 1
    return ImageRecord(
        series=0, size_x=sizes.x, size_y=sizes.y, size_z=sizes.z, size_c=sizes.c, size_t=sizes.t,
        pixels_type=part.pixels_type, is_rgb=is_rgb, significant_bits=facts.significant_bits or part.significant_bits,
        name=facts.name, description=facts.description, acquired_at=facts.acquired_at or part.acquired_at,
        physical_size_x_um=facts.physical_size_x_um, physical_size_y_um=facts.physical_size_y_um,
        physical_size_z_um=facts.physical_size_z_um, time_increment_s=facts.time_increment_s,
        channels=facts.channels if not is_rgb and len(facts.channels) == sizes.c else (),
        acquisition=facts.acquisition,
    )  # fmt: skip


def _planes(
    element: OmeImage, sizes: PixelsSizes, own_name: str, open_part: OpenPart, *, is_rgb: bool
) -> Iterator[DescribedPlane]:
    samples = 1 if is_rgb else sizes.samples
    for entry in element.tiff_data:
        name = entry.file_name or own_name
        first, directory, count = _run(entry, sizes, name, open_part)
        for step in range(min(count, sizes.planes - first)):
            z, c, t = sizes.place_of(first + step)
            for sample in range(samples):
                plane = (directory + step) * samples + sample
                yield DescribedPlane(c=c * samples + sample, z=z, t=t, name=name, plane=plane)


def _run(entry: TiffData, sizes: PixelsSizes, name: str, open_part: OpenPart) -> tuple[int, int, int]:
    """Give the running number of an entry's first plane, the directory where it lies, and how many follow."""
    first = [int(number(entry.attributes.get("First" + axis, "0")) or 0) for axis in "ZCT"]
    directory = int(number(entry.attributes.get("IFD", "0")) or 0)
    if min(*first, directory) < 0 or first[0] >= sizes.z or first[1] >= sizes.c or first[2] >= sizes.t:
        raise DamagedError("the OME-XML places a plane outside the image")
    written = number(entry.attributes.get("PlaneCount"))
    if written is None and "IFD" not in entry.attributes:
        part = open_part(name)
        written = part.images[0].record.size_t if part is not None and part.images else 1
    return sizes.plane_number(first[0], first[1] // sizes.samples, first[2]), directory, int(written or 1)
