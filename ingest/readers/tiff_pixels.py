"""Gives the pixels of TIFF planes piece by piece: from pages by strips and tiles, or from raw runs of bytes."""

import io
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, BinaryIO

import numpy as np
import tifffile

from catalog.records import ImageRecord
from ingest.fingerprint import HashedContent
from ingest.readers.protocol import (
    AS_STORED,
    SEGMENT_LIMIT_BYTES,
    Block,
    DamagedError,
    Display,
    Level,
    Pixels,
    TooLargeError,
    Window,
    whole,
)
from ingest.readers.tiff_unpacking import Packing, packing_of, unpacked

#: Raw rows are read in runs of about this many bytes, which a core's own cache holds; by 64 rows, where that is less.
RUN_BYTES = 1 << 20
RUN_ROWS = 64
#: With ``step``, this many rows of each run are read.
SAMPLE_ROWS = 4
_JPEG_CODES = frozenset({6, 7, 34892, 33007})


@dataclass(frozen=True, slots=True)
class RawPlane:
    """A plane in one uncompressed run; ``shape`` is (Y, X) or (Y, X, S), ``dtype`` has the file's byte order.

    ``sample`` picks one of the interleaved samples as a channel of its own.
    """

    stream: BinaryIO
    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    sample: int | None = None

    def blocks(self, window: Window, step: int) -> Iterator[Block]:
        """Read the window's rows in runs of at most 1 MiB, or four rows of every ``4 * step`` as a sample."""
        row_bytes = math.prod(self.shape[1:]) * self.dtype.itemsize
        rows_at_once = run_rows(row_bytes) if step == 1 else SAMPLE_ROWS
        if step > 1:  # rows are skipped in one direction only, so by the square
            step = max(step, min(step * step, (window.bottom - window.top) // (512 * SAMPLE_ROWS)))
        for top in range(window.top, window.bottom, rows_at_once * step):
            rows = min(rows_at_once, window.bottom - top)
            data = bytes_at(self.stream, self.offset + top * row_bytes, rows * row_bytes)
            if len(data) < rows * row_bytes:
                raise DamagedError(f"the pixels of row {top + 1} are missing")
            pixels = np.frombuffer(data, self.dtype).reshape((rows, *self.shape[1:]))
            yield Block(top=top, left=0, pixels=pixels if self.sample is None else pixels[..., self.sample])


@dataclass(frozen=True, slots=True)
class PagePlane:
    """A plane of a page; ``inner`` counts planes inside the page (planar samples x depth).

    ``sample`` picks one of the interleaved samples as a channel of its own.
    """

    page: tifffile.TiffPage | tifffile.TiffFrame
    #: The file's, where the page's pieces lie.
    stream: BinaryIO
    inner: int = 0
    sample: int | None = None
    #: The plane's last piece, where it was decoded before.
    last: Block | None = None

    def blocks(self, window: Window, step: int) -> Iterator[Block]:
        """Decode the pieces that touch the window, strips together, or one of every ``step`` in each direction."""
        packing = self._packing()
        touched = self._touched(window, step)
        at_once = _strips_at_once(packing) if step == 1 and not keyframe_of(self.page).is_tiled else 1
        while run := tuple(islice(touched, at_once)):
            yield from self._decoded(run, packing)

    def _touched(self, window: Window, step: int) -> Iterator[int]:
        """Give the indices of the segments of this plane that the window touches."""
        key = keyframe_of(self.page)
        length, width = piece_shape(key)
        down, across = -(-key.imagelength // length), -(-key.imagewidth // width)
        depth_of_piece = max(1, key.tiledepth) if key.is_tiled else 1
        sample, depth = divmod(self.inner, key.imagedepth)
        layers = -(-key.imagedepth // depth_of_piece)
        first = (sample * layers + depth // depth_of_piece) * down * across
        for row in range(window.top // length, min(down, -(-window.bottom // length)), step):
            for column in range(window.left // width, min(across, -(-window.right // width)), step):
                yield first + row * across + column

    def decode(self, index: int) -> Block | None:
        """Decode one piece; None for an empty one of a sparse file."""
        return next(self._decoded((index,), self._packing()), None)

    def _packing(self) -> Packing | None:
        key = keyframe_of(self.page)
        return packing_of(key, piece_shape(key))

    def _decoded(self, run: tuple[int, ...], packing: Packing | None) -> Iterator[Block]:
        """Decode pieces that follow one another, together where that can be done."""
        if self.last is not None and run[-1] == len(self.page.dataoffsets) - 1:
            if len(run) > 1:
                yield from self._decoded(run[:-1], packing)
            yield self.last
            return
        together = None if packing is None else self._unpacked(run, packing)
        if together is not None:
            yield together
            return
        for index in run:
            block = self._by_library(index)
            if block is not None:
                yield block

    def _unpacked(self, run: tuple[int, ...], packing: Packing) -> Block | None:
        """Unpack strips that follow one another, or one tile; None where something is out of the ordinary."""
        key, offsets, counts = keyframe_of(self.page), self.page.dataoffsets, self.page.databytecounts
        length, width, samples = packing.shape
        if run[-1] >= min(len(offsets), len(counts)) or length * packing.row_bytes > SEGMENT_LIMIT_BYTES:
            return None
        across, down = -(-key.imagewidth // width), -(-key.imagelength // length)
        row, column = divmod(run[0] % (down * across), across)
        top, left = row * length, column * width
        rows = [length] * len(run)
        if not key.is_tiled:
            rows[-1] = min(length, key.imagelength - top - length * (len(run) - 1))
        pieces = (bytes_at(self.stream, offsets[index], counts[index]) for index in run)
        pixels = unpacked(packing, pieces, rows)
        if pixels is None:
            return None
        # Tiles at the edges are unpacked whole; what lies outside the picture is cut off.
        pixels = pixels[: key.imagelength - top, : key.imagewidth - left]
        if self.sample is not None or samples == 1:
            pixels = pixels[..., self.sample or 0]
        return Block(top=top, left=left, pixels=pixels)

    def _by_library(self, index: int) -> Block | None:
        page, key = self.page, keyframe_of(self.page)
        length, width = piece_shape(key)
        if length * width * key.samplesperpixel * max(1, key.bitspersample // 8) > SEGMENT_LIMIT_BYTES:
            raise TooLargeError("a piece of the picture is too large to be unpacked in memory")
        if index >= len(page.dataoffsets):
            raise DamagedError(f"piece {index + 1} of a page is missing")
        count = page.databytecounts[index]
        if count == 0:
            return None
        handle = page.parent.filehandle
        arguments: dict[str, Any] = {}
        if key.compression in _JPEG_CODES:
            arguments = {"jpegtables": page.jpegtables, "jpegheader": key.jpegheader}
        # Only then the seek: asking for tables or for the decoder may read tags, which moves the position.
        decode = key.decode
        handle.seek(page.dataoffsets[index])
        decoded, position, shape = decode(handle.read(count), index, **arguments)
        if decoded is None:
            return None
        height = min(shape[1], key.imagelength - position[2])
        width = min(shape[2], key.imagewidth - position[3])
        pixels: Pixels = decoded[self.inner % key.imagedepth % max(1, shape[0]), :height, :width]
        if self.sample is not None or pixels.shape[-1] == 1:
            pixels = pixels[..., self.sample or 0]
        return Block(top=position[2], left=position[3], pixels=pixels)


def _strips_at_once(packing: Packing | None) -> int:
    return 1 if packing is None else max(1, RUN_BYTES // max(1, packing.shape[0] * packing.row_bytes))


@dataclass(frozen=True, slots=True)
class JoinedPlane:
    """An RGB plane whose samples lie in planes of their own; blocks are joined to (Y, X, S)."""

    parts: Sequence["RawPlane | PagePlane | HolePlane"]

    def blocks(self, window: Window, step: int) -> Iterator[Block]:
        """Join the parts' blocks, which have the same places."""
        for blocks in zip(*(part.blocks(window, step) for part in self.parts), strict=False):
            pixels = np.stack([block.pixels for block in blocks], axis=-1)
            yield Block(top=blocks[0].top, left=blocks[0].left, pixels=pixels)


@dataclass(frozen=True, slots=True)
class HolePlane:
    """A plane that was never recorded, of an acquisition that was broken off: zeros, (Y, X)."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def blocks(self, window: Window, step: int) -> Iterator[Block]:
        """Give zeros for the window's rows, in runs of at most 1 MiB."""
        row_bytes = math.prod(self.shape[1:]) * self.dtype.itemsize
        rows_at_once = run_rows(row_bytes)
        for top in range(window.top, window.bottom, rows_at_once * step):
            rows = min(rows_at_once, window.bottom - top)
            yield Block(top=top, left=0, pixels=np.zeros((rows, *self.shape[1:]), self.dtype))


Plane = RawPlane | PagePlane | JoinedPlane | HolePlane


@dataclass(frozen=True, slots=True)
class TiffImage:
    """An image in a TIFF: its record, its levels, and where each plane lies; ``locate`` takes (level, c, z, t)."""

    record: ImageRecord
    levels: tuple[Level, ...]
    locate: Callable[[int, int, int, int], Plane]
    display: Display = AS_STORED

    def blocks(
        self, *, c: int = 0, z: int = 0, t: int = 0, level: int = 0, window: Window | None = None, step: int = 1
    ) -> Iterator[Block]:
        """Decode one plane piece by piece, see OpenedImage."""
        plane = self.locate(level, c, z, t)
        for block in plane.blocks(window or whole(self.levels[level]), step):
            yield Block(top=block.top, left=block.left, pixels=native(block.pixels))


def remembering(image: TiffImage, known: PagePlane, last: Block) -> TiffImage:
    """Give the same image, of which one plane knows its last piece."""

    def locate(level: int, c: int, z: int, t: int) -> Plane:
        plane = image.locate(level, c, z, t)
        return replace(known, last=last) if plane == known else plane

    return replace(image, locate=locate)


def run_rows(row_bytes: int) -> int:
    """Tell how many rows make a run: by 64, so that most pictures' cells begin and end with it."""
    rows = max(1, RUN_BYTES // row_bytes)
    return rows - rows % RUN_ROWS if rows > RUN_ROWS else rows


def bytes_at(stream: BinaryIO, offset: int, size: int) -> bytes | memoryview:
    """Give a run of bytes, without a copy where the file is in memory."""
    if isinstance(stream, HashedContent):
        return stream.piece(offset, offset + size)
    if isinstance(stream, io.BytesIO):
        return stream.getbuffer()[offset : offset + size]
    stream.seek(offset)
    return stream.read(size)


def keyframe_of(page: tifffile.TiffPage | tifffile.TiffFrame) -> tifffile.TiffPage:
    """Give the page that says how this one is packed."""
    key = page.keyframe
    if key is None:
        raise DamagedError("a page does not say how it is packed")
    return key


def piece_shape(page: tifffile.TiffPage) -> tuple[int, int]:
    """Give (length, width) of a page's strips or tiles, px."""
    if page.is_tiled:
        return max(1, page.tilelength), max(1, page.tilewidth)
    return max(1, min(page.rowsperstrip, page.imagelength)), max(1, page.imagewidth)


def native(pixels: Pixels) -> Pixels:
    """Give pixels in the machine's byte order."""
    return pixels if pixels.dtype.isnative else pixels.astype(pixels.dtype.newbyteorder("="))


def raw_dtype(page: tifffile.TiffPage) -> np.dtype[Any] | None:
    """Give the dtype of a page's bytes as they lie in the file, None when they must be decoded."""
    if page.dtype is None or not page.is_final:
        return None
    return np.dtype(page.parent.byteorder + page.dtype.char)
