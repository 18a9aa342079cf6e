"""Checks a long chain of image directories at once, where they follow one another at equal distances.

Programs that write thousands of equal planes write equal directories: all bytes are compared as one array, and only
where planes lie may differ. What is not that regular is left to the walk, one by one.
"""

import struct
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

#: Shorter chains are walked.
PAGES_AT_LEAST = 16
#: So much of a chain is looked at in one go.
REGION_BYTES = 32 << 20
_PLACES, _COUNTS = frozenset({273, 324}), frozenset({279, 325})


@dataclass(frozen=True, slots=True)
class RegularRun:
    """Directories that were found equal: their offsets, where each one's pixels lie, and the next one's offset."""

    offsets: NDArray[np.int64]
    places: NDArray[np.int64]
    following: int


def regular_run(
    stream: BinaryIO, size_bytes: int, first: int, second: int, *, order: str, is_big: bool
) -> RegularRun | None:
    """Follow the chain from ``first`` as long as it stays regular; None when it is too short or of another shape.

    Only directories with one piece of pixels are taken, all of the same size.
    """
    stride = second - first
    head, entry_size, next_size = (8, 20, 8) if is_big else (2, 12, 4)
    pages = min((size_bytes - first) // stride if stride > 0 else 0, REGION_BYTES // max(1, stride))
    if pages < PAGES_AT_LEAST:
        return None
    stream.seek(first)
    table = np.frombuffer(stream.read(pages * stride), np.uint8).reshape(pages, stride)
    (entries,) = struct.unpack(order + ("Q" if is_big else "H"), table[0, :head].tobytes())
    link_at = head + entries * entry_size
    if entries < 8 or link_at + next_size > stride:
        return None
    row = table[0].tobytes()
    place_at = _single(row, _PLACES, entries, is_big=is_big, order=order)
    count_at = _single(row, _COUNTS, entries, is_big=is_big, order=order)
    if place_at is None or count_at is None:
        return None
    (count_bytes,) = struct.unpack_from(order + ("Q" if is_big else "I"), row, count_at)
    field = np.dtype(order + ("u8" if is_big else "u4"))
    links = table[:, link_at : link_at + next_size].copy().view(field)[:, 0].astype(np.int64)
    places = table[:, place_at : place_at + next_size].copy().view(field)[:, 0].astype(np.int64)
    free = np.ones(link_at, bool)
    free[place_at : place_at + next_size] = False
    offsets = first + stride * np.arange(pages, dtype=np.int64)
    is_equal = (table[:, :link_at][:, free] == table[0, :link_at][free]).all(axis=1)
    is_inside = (places > 0) & (places + count_bytes <= size_bytes)
    is_linked = links == offsets + stride
    good = is_equal & is_inside
    # A page counts when it and all before it are good and linked; the last one may point anywhere.
    reached = np.concatenate(([True], np.logical_and.accumulate(is_linked & good)[:-1])) & good
    run = int(np.argmin(reached)) if not reached.all() else pages
    if run < PAGES_AT_LEAST:
        return None
    return RegularRun(offsets[:run], places[:run], int(links[run - 1]))


def _single(row: bytes, tags: frozenset[int], entries: int, *, is_big: bool, order: str) -> int | None:
    """Find where the one value of a tag stands in a directory as 32 bits (64 in BigTIFF); None for any other form."""
    head, entry_size, wanted, value_at = (8, 20, 16, 12) if is_big else (2, 12, 4, 8)
    for at in range(head, head + entries * entry_size, entry_size):
        tag, kind = struct.unpack_from(order + "HH", row, at)
        if tag in tags:
            (count,) = struct.unpack_from(order + ("Q" if is_big else "I"), row, at + 4)
            return at + value_at if (kind, count) == (wanted, 1) else None
    return None
