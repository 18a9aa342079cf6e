"""Turns what tifffile calls a series into images: which plane lies where, by the axes' letters.

Axes that are neither C nor Z are counted as time, as Bio-Formats does for plain multi-page TIFFs; positions become
images of their own.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np
import tifffile

from catalog.records import Acquisition, Channel, ImageRecord
from ingest.readers.protocol import (
    AssociatedPicture,
    DamagedError,
    Level,
    NotWholeError,
    OpenedImage,
    RefusedError,
    Source,
)
from ingest.readers.tiff_display import display_of, is_grey_with_alpha
from ingest.readers.tiff_pixels import HolePlane, JoinedPlane, PagePlane, Plane, RawPlane, TiffImage, raw_dtype

#: Letters of axes along which images, not planes, are counted: positions, mosaic tiles, regions.
_POSITION_AXES = frozenset("PRM")
#: OME's names of pixels by numpy's kind and size in bytes.
_PIXELS_TYPES = {
    "u1": "uint8", "i1": "int8", "u2": "uint16", "i2": "int16", "u4": "uint32", "i4": "int32", "f2": "float",
    "f4": "float", "f8": "double", "c8": "complex", "c16": "double-complex", "b1": "bit",
}  # fmt: skip
#: TIFF's photometric interpretations whose samples are one colour: RGB, palette excluded, CMYK, YCbCr, CIE L*a*b*.
_COLOUR_PHOTOMETRICS = frozenset({2, 5, 6, 8, 9, 10})


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a dialect knows of an image beside its sizes; everything may be missing."""

    name: str | None = None
    description: str | None = None
    acquired_at: Any = None
    physical_size_x_um: float | None = None
    physical_size_y_um: float | None = None
    physical_size_z_um: float | None = None
    time_increment_s: float | None = None
    significant_bits: int | None = None
    channels: tuple[Channel, ...] = ()
    acquisition: Acquisition = field(default_factory=Acquisition)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """An image's sizes as its series' axes tell them, and how its planes are counted."""

    size_x: int
    size_y: int
    size_z: int
    size_c: int
    size_t: int
    positions: int
    samples: int
    is_rgb: bool
    #: No axis says that it is time.
    is_time_assumed: bool = False


def pixels_type_of(dtype: np.dtype[Any] | None, bits: int) -> tuple[str, int | None]:
    """Give OME's name of a dtype and the significant bits where they are fewer; raises RefusedError.

    OME has no half floats: they are called float, with 16 significant bits.
    """
    known = None if dtype is None else _PIXELS_TYPES.get(f"{dtype.kind}{dtype.itemsize}")
    if dtype is None or known is None:
        raise RefusedError(f"pixels of type {'none' if dtype is None else dtype.name} have no name in OME's terms")
    if dtype.kind == "f" and dtype.itemsize == 2:
        return known, 16
    width = 1 if known == "bit" else dtype.itemsize * 8
    return known, bits if 0 < bits < width else None


def record_of(index: int, sizes: Sizes, page: tifffile.TiffPage, facts: Facts) -> ImageRecord:
    """Join sizes and facts to a record; channels are dropped when their number does not fit."""
    pixels_type, bits = pixels_type_of(page.dtype, page.bitspersample)
    planes_c = sizes.samples if sizes.is_rgb else sizes.size_c
    fits = not sizes.is_rgb and len(facts.channels) == sizes.size_c
    return ImageRecord(
        series=index, size_x=sizes.size_x, size_y=sizes.size_y, size_z=sizes.size_z, size_c=planes_c,
        size_t=sizes.size_t, pixels_type=pixels_type, is_rgb=sizes.is_rgb,
        significant_bits=facts.significant_bits or bits, name=facts.name, description=facts.description,
        acquired_at=facts.acquired_at, physical_size_x_um=facts.physical_size_x_um,
        physical_size_y_um=facts.physical_size_y_um, physical_size_z_um=facts.physical_size_z_um,
        time_increment_s=facts.time_increment_s, channels=facts.channels if fits else (),
        acquisition=facts.acquisition, is_time_assumed=sizes.is_time_assumed,
    )  # fmt: skip


def is_colour(page: tifffile.TiffPage) -> bool:
    """Say whether the samples of a page are one colour (RGB and its kin), not channels."""
    return page.samplesperpixel >= 3 and int(page.photometric) in _COLOUR_PHOTOMETRICS


def sizes_of(series: tifffile.TiffPageSeries, page: tifffile.TiffPage) -> Sizes:
    """Count an image's sizes by the letters of its axes."""
    axes, shape = series.get_axes(squeeze=False), series.get_shape(squeeze=False)
    counts = {"X": 1, "Y": 1, "Z": 1, "C": 1, "S": 1, "T": 1, "P": 1}
    for axis, size in zip(axes, shape, strict=True):
        role = "P" if axis in _POSITION_AXES else axis if axis in counts else "T"
        counts[role] *= int(size)
    rgb = is_colour(page) and counts["C"] == 1
    is_one_channel = rgb or is_grey_with_alpha(page)
    return Sizes(
        size_x=page.imagewidth, size_y=page.imagelength, size_z=counts["Z"], size_t=counts["T"],
        size_c=counts["C"] if is_one_channel else counts["C"] * counts["S"], samples=counts["S"], positions=counts["P"],
        is_rgb=rgb, is_time_assumed="T" not in axes and counts["T"] > 1,
    )  # fmt: skip


FactsOf = Callable[[int, Sizes], Facts]


#: A file may tell of channels that lie in others. No instrument has more than this.
_CHANNELS_AT_MOST = 4096


def _check_claims(sizes: Sizes, series: tifffile.TiffPageSeries, size_bytes: int) -> None:
    """Refuse an axis of nothing, and more positions or channels than the file has pages or room for.

    Each position would become an image, each channel a row.
    """
    if min(sizes.size_c, sizes.size_z, sizes.size_t, sizes.positions) < 1:
        raise DamagedError("it claims an axis without any plane")
    if sizes.positions == 1 and sizes.size_c <= _CHANNELS_AT_MOST:
        return  # to count all pages takes time
    page = series.keyframe
    has = f"in {len(page.parent.pages)} pages of {size_bytes} bytes"
    at_most = len(page.parent.pages) + size_bytes // max(1, page.nbytes)
    if sizes.positions > at_most:
        raise DamagedError(f"it claims {sizes.positions} positions, {has}")
    if sizes.size_c > max(_CHANNELS_AT_MOST, at_most * sizes.samples):
        raise DamagedError(f"it claims {sizes.size_c} channels, {has}")


def images_of(
    stream: BinaryIO, size_bytes: int, series: tifffile.TiffPageSeries, first_index: int, facts_of: FactsOf
) -> list[TiffImage]:
    """Give the images of a series: one, or one for each position."""
    page = series.keyframe
    sizes = sizes_of(series, page)
    _check_claims(sizes, series, size_bytes)
    finders = [_Finder.of(stream, size_bytes, level) for level in series.levels]
    levels = tuple(Level(size_x=f.page.imagewidth, size_y=f.page.imagelength) for f in finders)
    images = []
    for position in range(sizes.positions):
        record = record_of(first_index + position, sizes, page, facts_of(position, sizes))

        def locate(level: int, c: int, z: int, t: int, position: int = position) -> Plane:
            return finders[level].plane(c, z, t, position)

        images.append(TiffImage(record, levels, locate, display_of(page)))
    return images


@dataclass(frozen=True, slots=True)
class _Finder:
    """Finds planes of one level of a series."""

    stream: BinaryIO
    series: tifffile.TiffPageSeries
    page: tifffile.TiffPage
    #: Letters and sizes of the axes that count planes, without Y, X and interleaved samples.
    axes: str
    shape: tuple[int, ...]
    #: Where all planes lie one after another, None when they lie in pages.
    run_offset: int | None
    dtype: np.dtype[Any] | None
    is_interleaved: bool

    @classmethod
    def of(cls, stream: BinaryIO, size_bytes: int, series: tifffile.TiffPageSeries) -> "_Finder":
        page = series.keyframe
        axes, shape = series.get_axes(squeeze=False), series.get_shape(squeeze=False)
        is_interleaved = page.samplesperpixel > 1 and int(page.planarconfig) == 1
        counted = [(a, int(n)) for a, n in zip(axes, shape, strict=True) if a not in "YX"]
        if is_interleaved:
            counted = [(a, n) for a, n in counted if a != "S"]
        finder = cls(
            stream, series, page, "".join(a for a, _ in counted), tuple(n for _, n in counted),
            series.dataoffset, raw_dtype(page), is_interleaved,
        )  # fmt: skip
        finder._check(size_bytes)
        return finder

    @property
    def planes(self) -> int:
        return math.prod(self.shape)

    @property
    def per_page(self) -> int:
        page = self.page
        return page.imagedepth * (page.samplesperpixel if int(page.planarconfig) == 2 else 1)

    @property
    def is_run(self) -> bool:
        """Say whether planes are found by an offset: only then may there be fewer pages than planes."""
        return self.run_offset is not None and self.dtype is not None

    def _check(self, size_bytes: int) -> None:
        """Compare the declared number of planes with the pages and with the file's end."""
        if self.is_run:
            end = (self.run_offset or 0) + self.planes * self._plane_bytes()
            if end > size_bytes:
                raise NotWholeError(
                    f"truncated: {self.planes} planes end at {end}, beyond the file's end at {size_bytes} bytes"
                )
        elif self.planes != len(self.series) * self.per_page:
            raise NotWholeError(f"{self.planes} planes are declared and {len(self.series) * self.per_page} are there")

    def _plane_shape(self) -> tuple[int, ...]:
        samples = (self.page.samplesperpixel,) if self.is_interleaved else ()
        return (self.page.imagelength, self.page.imagewidth, *samples)

    def _plane_bytes(self) -> int:
        return math.prod(self._plane_shape()) * (self.dtype.itemsize if self.dtype is not None else 1)

    def plane(self, c: int, z: int, t: int, position: int) -> Plane:
        """Find a plane; samples of a colour that lie apart are joined."""
        is_one_colour = is_colour(self.page) and self._channels() == 1
        samples = self.page.samplesperpixel if self.is_interleaved else self._samples()
        if is_one_colour and self.is_interleaved:
            return self._at(self._index(0, z, t, position, 0), None)
        if is_one_colour:
            parts = [self._at(self._index(0, z, t, position, sample), None) for sample in range(samples)]
            return JoinedPlane(parts)
        channel, sample = (c, 0) if is_grey_with_alpha(self.page) else divmod(c, samples)
        if self.is_interleaved:
            return self._at(self._index(channel, z, t, position, 0), sample if samples > 1 else None)
        return self._at(self._index(channel, z, t, position, sample), None)

    def _channels(self) -> int:
        return math.prod(n for a, n in zip(self.axes, self.shape, strict=True) if a == "C")

    def _samples(self) -> int:
        return math.prod(n for a, n in zip(self.axes, self.shape, strict=True) if a == "S")

    def _index(self, c: int, z: int, t: int, position: int, sample: int) -> int:
        """Give the running number of a plane; several axes of one role are counted in their order."""
        left = {"C": c, "Z": z, "S": sample, "P": position, "T": t}
        indices = []
        for axis, size in reversed(list(zip(self.axes, self.shape, strict=True))):
            role = "P" if axis in _POSITION_AXES else axis if axis in "CZS" else "T"
            left[role], index = divmod(left[role], size)
            indices.append(index)
        return int(np.ravel_multi_index(indices[::-1], self.shape)) if indices else 0

    def _at(self, number: int, sample: int | None) -> RawPlane | PagePlane | HolePlane:
        if self.dtype is not None and self.run_offset is not None:
            offset = self.run_offset + number * self._plane_bytes()
            return RawPlane(self.stream, offset, self._plane_shape(), self.dtype, sample)
        try:
            page = self.series[number // self.per_page]
        except IndexError as error:  # the notes of the first page count more than the chain of pages holds
            raise NotWholeError(f"page {number // self.per_page + 1} is not in the file yet") from error
        if page is None:
            return HolePlane(self._plane_shape(), np.dtype(self.page.dtype or np.uint8))
        return PagePlane(page, self.stream, number % self.per_page, sample)


def associated_picture(kind: str, source: Source, series: tifffile.TiffPageSeries) -> AssociatedPicture:
    """Give a series as a picture that is no image; it is understood only when it is asked for."""

    def opened() -> OpenedImage:
        return images_of(source.stream, source.size_bytes, series, 0, lambda _, __: Facts())[0]

    return AssociatedPicture(kind=kind, open=opened)
