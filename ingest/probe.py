"""Looks for the tail of zeros that a pre-allocated or half-copied file has. Pure, apart from asking the stream."""

from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from ingest.opening import NamelessFile
from ingest.readers.protocol import NotWholeError

#: A run of zeros shorter than this at a file's end is nothing unusual.
RUN_BYTES = 4096
#: This much before the run is looked at: pixels that are never zero, and then only zeros, were not written yet.
WINDOW_BYTES = 1 << 16
#: A larger share of zero pixels before the run means that zeros are normal in this picture.
ZEROS_AT_MOST = 0.01
#: Zeros are followed back this far.
SEARCH_BYTES = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelTail:
    """The piece of pixels that lies furthest back in a file."""

    offset: int
    size_bytes: int
    is_packed: bool
    row_bytes: int
    pixel_bytes: int


def check_tail_written(raw: NamelessFile, size_bytes: int) -> None:
    """Raise NotWholeError when the file's last block is a hole: reserved, never written.

    To be asked before it is read: what was read of a reserved block lies in memory, and counts as written then.
    """
    if size_bytes > RUN_BYTES and not raw.has_data_from(size_bytes - RUN_BYTES):
        raise NotWholeError("the end of the file was reserved and is not written yet")


def check_tail_pixels(stream: BinaryIO, tail: PixelTail) -> None:
    """Raise NotWholeError when the last pixels look as if they were not written yet.

    Packed pixels never end in long runs of zeros. Raw pixels may (masks, black borders): only a run that begins inside
    a row, after pixels that are hardly ever zero, is taken for unwritten.
    """
    end = tail.offset + tail.size_bytes
    start = _run_start(stream, end)
    run = end - start
    if run < RUN_BYTES and not (tail.is_packed and run >= tail.size_bytes > 0):
        return
    if tail.is_packed or _is_torn(stream, start, tail):
        raise NotWholeError(f"the last {run} bytes of pixels are zeros: they look as if they were not written yet")


def _run_start(stream: BinaryIO, end: int) -> int:
    """Give where the run of zeros before ``end`` begins, looking back at most SEARCH_BYTES."""
    position, step = end, RUN_BYTES
    while position > 0 and end - position < SEARCH_BYTES:
        size = min(step, position)
        stream.seek(position - size)
        written = len(stream.read(size).rstrip(b"\0"))
        if written:
            return position - size + written
        position, step = position - size, 1 << 20
    return position


def _is_torn(stream: BinaryIO, start: int, tail: PixelTail) -> bool:
    into_row = (start - tail.offset) % tail.row_bytes
    if into_row <= tail.pixel_bytes or tail.row_bytes - into_row <= tail.pixel_bytes:
        return False
    first = max(0, start - WINDOW_BYTES)
    stream.seek(first)
    return zero_share(stream.read(start - first), tail.pixel_bytes) < ZEROS_AT_MOST


def zero_share(data: bytes, pixel_bytes: int) -> float:
    """Give the share of pixels whose bytes are all zero, aligned at the end."""
    count = len(data) // pixel_bytes
    if count == 0:
        return 1.0
    values = np.frombuffer(data[len(data) - count * pixel_bytes :], np.uint8).reshape(count, pixel_bytes)
    return float(np.mean(~values.any(axis=1)))
