"""Finds out which program wrote a TIFF and hands it to that dialect's module, the surest marks first."""

from collections.abc import Callable
from dataclasses import dataclass

import tifffile

from ingest.readers import (
    tiff_imagej,
    tiff_lsm,
    tiff_metamorph,
    tiff_micromanager,
    tiff_ome,
    tiff_plain,
    tiff_scanners,
    tiff_scn,
    tiff_single,
    tiff_slides,
)
from ingest.readers.protocol import AssociatedPicture, NamedPart, RefusedError, Source
from ingest.readers.tiff_pixels import TiffImage
from ingest.readers.tiff_series import Facts, Sizes, images_of

Describe = Callable[[tifffile.TiffFile, Source], list[TiffImage]]
Associated = Callable[[tifffile.TiffFile, Source], list[AssociatedPicture]]


def _none(_: tifffile.TiffFile, __: Source) -> list[AssociatedPicture]:
    return []


@dataclass(frozen=True, slots=True)
class Dialect:
    """A dialect's name for people, how it is recognised by the first page, and its describers."""

    name: str
    is_it: Callable[[tifffile.TiffFile], bool]
    describe: Describe
    associated: Associated = _none


def associated(format_name: str, file: tifffile.TiffFile, source: Source) -> list[AssociatedPicture]:
    """Give the pictures in a file of this format that are no images."""
    return next((one.associated(file, source) for one in DIALECTS if one.name == format_name), [])


def describe(file: tifffile.TiffFile, source: Source) -> tuple[str, list[TiffImage]]:
    """Give the dialect's name and the file's images; raises ReadingError."""
    name, images = _described(file, source)
    if not images:
        raise RefusedError("the file holds no image")
    return name, images


def _described(file: tifffile.TiffFile, source: Source) -> tuple[str, list[TiffImage]]:
    plain = "BigTIFF" if file.is_bigtiff else "TIFF"
    if tiff_single.is_plain_page(file, source):
        return plain, _plain(file, source, [tiff_single.series_of(file.pages.first)])
    for dialect in DIALECTS:
        if dialect.is_it(file):
            return dialect.name, dialect.describe(file, source)
    return plain, _plain(file, source, _with_levels(file.series))


def _plain(file: tifffile.TiffFile, source: Source, found: list[tifffile.TiffPageSeries]) -> list[TiffImage]:
    facts = tiff_plain.facts_of(file.pages.first)

    def same(position: int, sizes: Sizes) -> Facts:  # noqa: ARG001  # the same for all
        return facts

    images: list[TiffImage] = []
    for series in found:
        images += images_of(source.stream, source.size_bytes, series, len(images), same)
    return images


def _with_levels(found: list[tifffile.TiffPageSeries]) -> list[tifffile.TiffPageSeries]:
    """Make pages that say they are smaller copies levels of the image before; tifffile knows only halves as such."""
    kept: list[tifffile.TiffPageSeries] = []
    for series in found:
        if kept and _is_smaller_copy(series, kept[-1]):
            kept[-1].levels.append(series)
        else:
            kept.append(series)
    return kept


def _is_smaller_copy(series: tifffile.TiffPageSeries, of: tifffile.TiffPageSeries) -> bool:
    small, large, last = series.keyframe, of.keyframe, of.levels[-1].keyframe
    if (
        not small.is_reduced
        or small.imagewidth >= last.imagewidth
        or series.size // small.size != of.size // large.size
    ):
        return False
    across, down = large.imagewidth / small.imagewidth, large.imagelength / small.imagelength
    is_alike = small.dtype == large.dtype and small.samplesperpixel == large.samplesperpixel
    return is_alike and abs(across / down - 1) < 0.02 and series.get_axes(squeeze=False) == of.get_axes(squeeze=False)


def may_follow(format_name: str, source: Source) -> list[NamedPart]:
    """Give names of parts that would belong to a file of this format if they came."""
    return tiff_micromanager.may_follow(source) if format_name == _MICROMANAGER else []


_MICROMANAGER = "Micro-Manager TIFF"


#: In the order in which they are tried.
DIALECTS = (
    Dialect(_MICROMANAGER, tiff_micromanager.is_micromanager, tiff_micromanager.describe),
    Dialect("OME-TIFF", tiff_ome.is_ome, tiff_ome.describe, tiff_ome.associated),
    Dialect("Zeiss LSM", tiff_lsm.is_lsm, tiff_lsm.describe),
    Dialect("MetaMorph STK", tiff_metamorph.is_stk, tiff_metamorph.describe_stk),
    Dialect("MetaSeries TIFF", tiff_metamorph.is_metaseries, tiff_metamorph.describe_metaseries),
    Dialect("Aperio SVS", tiff_slides.is_svs, tiff_slides.describe_svs, tiff_slides.associated),
    Dialect("Hamamatsu NDPI", tiff_slides.is_ndpi, tiff_slides.describe_ndpi, tiff_slides.associated),
    Dialect("Leica SCN", tiff_scn.is_scn, tiff_scn.describe, tiff_scn.associated),
    Dialect("PerkinElmer QPTIFF", tiff_slides.is_qptiff, tiff_slides.describe_qptiff, tiff_slides.associated),
    Dialect("FluoView TIFF", tiff_scanners.is_fluoview, tiff_scanners.describe_fluoview),
    Dialect("ScanImage TIFF", tiff_scanners.is_scanimage, tiff_scanners.describe_scanimage),
    Dialect("ImageJ TIFF", tiff_imagej.is_imagej, tiff_imagej.describe),
)
