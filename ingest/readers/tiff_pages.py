"""Gives the pages of a TIFF for themselves, one after the other along t, whatever it says of other files."""

from dataclasses import replace

import tifffile

from ingest.readers.protocol import DamagedError, Level, Source
from ingest.readers.tiff_display import display_of, is_grey_with_alpha
from ingest.readers.tiff_pixels import JoinedPlane, PagePlane, Plane, RawPlane, TiffImage, raw_dtype
from ingest.readers.tiff_series import Facts, Sizes, is_colour, record_of

NO_FACTS = Facts()


def own_pages(file: tifffile.TiffFile, source: Source, facts: Facts = NO_FACTS) -> list[TiffImage]:
    """Give all pages as one image, which takes its facts from elsewhere; pages of another size can't be its planes."""
    first = file.pages.first
    is_rgb = is_colour(first)
    is_one_channel = is_rgb or is_grey_with_alpha(first)
    sizes = Sizes(
        size_x=first.imagewidth, size_y=first.imagelength, size_z=1, size_t=max(1, len(source.directories)),
        size_c=1 if is_one_channel else first.samplesperpixel, positions=1, samples=first.samplesperpixel,
        is_rgb=is_rgb,
    )  # fmt: skip

    def locate(level: int, c: int, z: int, t: int) -> Plane:  # noqa: ARG001  # one z
        page = page_at(file, source, t)
        if (page.imagewidth, page.imagelength) != (first.imagewidth, first.imagelength):
            raise DamagedError(f"page {t + 1} has another size than the first")
        if level:
            page = _below(page, level, levels[level])
        return plane_of(source, page, c, is_rgb=is_rgb)

    pages = [first, *pages_below(first)]
    levels = tuple(Level(size_x=page.imagewidth, size_y=page.imagelength) for page in pages)
    record = record_of(0, sizes, first, facts)
    return [TiffImage(replace(record, series=0), levels, locate, display_of(first))]


def pages_below(page: tifffile.TiffPage) -> list[tifffile.TiffPage]:
    """Give a page's smaller copies."""
    return [below.aspage() for below in page.pages or ()]


def _below(page: tifffile.TiffPage, level: int, size: Level) -> tifffile.TiffPage:
    copies = pages_below(page)
    if level > len(copies) or (copies[level - 1].imagewidth, copies[level - 1].imagelength) != (
        size.size_x,
        size.size_y,
    ):
        raise DamagedError("a page lacks the smaller copies that the first one has")
    return copies[level - 1]


def page_at(file: tifffile.TiffFile, source: Source, number: int) -> tifffile.TiffPage:
    """Parse one page where the walk found it, without following the chain again; raises DamagedError."""
    if number == 0:
        return file.pages.first
    file.filehandle.seek(source.directories[number])
    try:
        return tifffile.TiffPage(file, number)
    except (MemoryError, OSError):
        raise
    except Exception as error:  # the library raises whatever it likes over odd tags
        raise DamagedError(f"page {number + 1} cannot be understood: {type(error).__name__}") from error


def plane_of(source: Source, page: tifffile.TiffPage, sample: int, *, is_rgb: bool) -> Plane:
    """Give a page's pixels: all samples of a colour, or one of several samples as a channel of its own."""
    is_planar = int(page.planarconfig) == 2
    if is_rgb and is_planar:
        return JoinedPlane([PagePlane(page, source.stream, s * page.imagedepth) for s in range(page.samplesperpixel)])
    if page.samplesperpixel > 1 and not is_rgb:
        inner, interleaved = (sample * page.imagedepth, None) if is_planar else (0, sample)
        return PagePlane(page, source.stream, inner, interleaved)
    dtype = raw_dtype(page)
    if dtype is not None:
        shape = (page.imagelength, page.imagewidth, *((page.samplesperpixel,) if is_rgb else ()))
        return RawPlane(source.stream, page.dataoffsets[0], shape, dtype)
    return PagePlane(page, source.stream)
