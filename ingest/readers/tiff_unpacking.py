"""Unpacks the plain pieces of TIFF pages, several strips into one array; what is not plain is left to tifffile.

It never says what is wrong with a piece: of one that does not unpack to just its size nothing is given, and the caller
has tifffile decode it, which raises or knows better.
"""

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray

from ingest.readers.protocol import Pixels

Packed: TypeAlias = bytes | memoryview
Bytes: TypeAlias = NDArray[np.uint8]
#: Unpacks into the whole of an array, and says whether it was filled; raises whatever it likes.
Unpack: TypeAlias = Callable[[Packed, Bytes], bool]

#: Below this libtiff's start costs more than its LZW saves.
LIBTIFF_AT_LEAST_BYTES = 8192
#: A TIFF of one strip that is one row of bytes, packed by LZW, which follows it; 5 of its numbers are to be filled in.
_LZW_HEAD = struct.Struct("<4sIH" + 8 * "HHII" + "I")
_SHORT, _LONG = 3, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Packing:
    """How a page's pieces are packed. ``dtype`` has the file's byte order, ``shape`` is a piece's (Y, X, S)."""

    unpack: Unpack
    dtype: np.dtype[Any]
    shape: tuple[int, int, int]
    is_differenced: bool

    @property
    def row_bytes(self) -> int:
        """Give the size of a piece's row, unpacked."""
        return self.shape[1] * self.shape[2] * self.dtype.itemsize


def packing_of(page: tifffile.TiffPage, piece: tuple[int, int]) -> Packing | None:
    """Tell how a page's pieces (Y, X) are packed: integers or floats by deflate, Zstandard or LZW; else None."""
    unpack = _UNPACK.get(page.compression)
    if unpack is None or not _is_regular(page) or page.dtype is None:
        return None
    samples = page.samplesperpixel if page.planarconfig == 1 else 1
    if not all(isinstance(size, int) for size in (*piece, samples, page.imagewidth, page.imagelength)):
        return None  # a bent tag may be anything
    return Packing(
        unpack=unpack,
        dtype=np.dtype(page.parent.byteorder + page.dtype.char),
        shape=(*piece, samples),
        is_differenced=page.predictor == 2,
    )


def _is_regular(page: tifffile.TiffPage) -> bool:
    """Say whether unpacked bytes are the pixels, or their differences along a row; what tifffile refuses is neither."""
    dtype, bits = page.dtype, page.bitspersample
    if dtype is None or dtype.kind not in "uif" or bits not in (8, 16, 32, 64) or dtype.itemsize * 8 != bits:
        return False
    formats = page.tags.get(339)
    if formats is not None and formats.count != 1 and len(set(formats.value)) != 1:
        return False
    is_flat = page.imagedepth == 1 and (not page.is_tiled or page.tiledepth == 1)
    is_plain = page.predictor == 1 or (page.predictor == 2 and dtype.kind != "f")
    return is_flat and is_plain and page.fillorder == 1 and page.photometric != 6


def unpacked(packing: Packing, pieces: Iterable[Packed], rows: Sequence[int]) -> Pixels | None:
    """Unpack pieces one below the other into one array (Y, X, S) in native byte order, each of so many rows.

    None when any of them does not unpack to just its rows.
    """
    _, width, samples = packing.shape
    try:
        pixels = np.empty((sum(rows), width, samples), packing.dtype)
        if not _fill(pixels.reshape(-1).view(np.uint8), packing, pieces, rows):
            return None
    except Exception:  # noqa: BLE001  # codecs raise whatever they like; what is wrong tifffile says
        return None
    if not packing.dtype.isnative:
        pixels = pixels.byteswap(inplace=True).view(packing.dtype.newbyteorder("="))
    if packing.is_differenced:
        imagecodecs.delta_decode(pixels, axis=-2, out=pixels)
    return pixels


def _fill(whole: Bytes, packing: Packing, pieces: Iterable[Packed], rows: Sequence[int]) -> bool:
    start = 0
    for piece, height in zip(pieces, rows, strict=True):
        end = start + height * packing.row_bytes
        if not packing.unpack(piece, whole[start:end]):
            return False
        start = end
    return True


def _inflate(piece: Packed, out: Bytes) -> bool:
    return len(imagecodecs.deflate_decode(piece, out=out)) == len(out)  # type: ignore[arg-type]  # takes any buffer


def _unzstd(piece: Packed, out: Bytes) -> bool:
    return len(imagecodecs.zstd_decode(piece, out=out)) == len(out)  # type: ignore[arg-type]  # takes any buffer


def _unlzw(piece: Packed, out: Bytes) -> bool:
    """Unpack by libtiff, in 60 % of the time that imagecodecs' own decoder takes; LZW's old form is not TIFF 6.0's."""
    size = len(out)
    if size < LIBTIFF_AT_LEAST_BYTES or (piece[0] == 0 and piece[1] & 1):
        return len(imagecodecs.lzw_decode(piece, out=out)) == size  # type: ignore[arg-type]  # takes any buffer
    head = _LZW_HEAD.pack(
        b"II*\0", 8, 8,
        256, _LONG, 1, size,
        257, _LONG, 1, 1,
        258, _SHORT, 1, 8,
        259, _SHORT, 1, 5,
        262, _SHORT, 1, 1,
        273, _LONG, 1, _LZW_HEAD.size,
        278, _LONG, 1, 1,
        279, _LONG, 1, len(piece),
        0,
    )  # fmt: skip
    imagecodecs.tiff_decode(b"".join((head, piece)), out=out.reshape(1, size))
    return True


_UNPACK: dict[int, Unpack] = {5: _unlzw, 8: _inflate, 32946: _inflate, 34926: _unzstd, 50000: _unzstd}
