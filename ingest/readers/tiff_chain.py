"""Checks a long chain of image directories at once, where they follow one another at equal distances.

Programs that write thousands of equal planes write equal directories: all bytes are compared as one array, and only
where planes lie may differ. What is not that regular is left to the walk, one by one.
"""

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, overload

import numpy as np
from numpy.typing import NDArray

#: Shorter chains are walked.
PAGES_AT_LEAST = 16
#: So much of a chain is looked at in one go.
REGION_BYTES = 32 << 20
_PLACES, _COUNTS = frozenset({273, 324}), frozenset({279, 325})


class Offsets(Sequence[int]):
    """Where directories lie, in the order of the chain; thousands at equal distances are one range."""

    def __init__(self) -> None:
        self._before: list[int] = []
        self._after: list[int] = []
        self.run = range(0)

    def append(self, offset: int) -> None:
        """Add the next directory."""
        (self._after if self.run else self._before).append(offset)

    def run_on(self, run: range) -> None:
        """Add the next directories, which are at equal distances; once at most."""
        self.run = run

    def __len__(self) -> int:
        return len(self._before) + len(self.run) + len(self._after)

    @overload
    def __getitem__(self, number: int) -> int: ...
    @overload
    def __getitem__(self, number: slice) -> list[int]: ...
    def __getitem__(self, number: int | slice) -> int | list[int]:
        if isinstance(number, slice):
            return [self[i] for i in range(*number.indices(len(self)))]
        if number < 0:
            number += len(self)
        for piece in (self._before, self.run, self._after):
            if 0 <= number < len(piece):
                return piece[number]
            number -= len(piece)
        raise IndexError(number)


@dataclass(frozen=True, slots=True)
class RegularRun:
    """Directories that were found equal: their offsets, how far back pixels begin, and the next one's offset."""

    offsets: range
    furthest_pixels: int
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
    offsets = first + stride * np.arange(pages, dtype=np.int64)
    is_good = (places > 0) & (places + count_bytes <= size_bytes)
    is_good[1 + _equal_at_first(table, link_at, place_at, next_size) :] = False
    # A page counts when it and all before it are good, and all before it linked; the last one may point anywhere.
    is_good[1:] &= links[:-1] == offsets[1:]
    run = pages if is_good.all() else int(np.argmin(is_good))
    if run < PAGES_AT_LEAST:
        return None
    return RegularRun(range(first, first + run * stride, stride), int(places[:run].max()), int(links[run - 1]))


def _equal_at_first(table: NDArray[np.uint8], link_at: int, place_at: int, field_bytes: int) -> int:
    """Tell how many directories after the first are the one before, but for the pixels' place and the link."""
    unit = math.gcd(
        table.shape[1], link_at, place_at, field_bytes
    )  # 2 or 4: in whole fields it is quicker than in bytes
    words = table.view(f"u{unit}")
    flat, stride = words.reshape(-1), words.shape[1]
    equal = flat[stride:] == flat[:-stride]  # one run over the bytes, whatever their order
    rows = equal.reshape(-1, stride)
    rows[:, place_at // unit : (place_at + field_bytes) // unit] = True
    rows[:, link_at // unit :] = True
    first_other = int(equal.argmin())  # the search ends there
    return len(rows) if equal[first_other] else first_other // stride


def _single(row: bytes, tags: frozenset[int], entries: int, *, is_big: bool, order: str) -> int | None:
    """Find where the one value of a tag stands in a directory as 32 bits (64 in BigTIFF); None for any other form."""
    head, entry_size, wanted, value_at = (8, 20, 16, 12) if is_big else (2, 12, 4, 8)
    for at in range(head, head + entries * entry_size, entry_size):
        tag, kind = struct.unpack_from(order + "HH", row, at)
        if tag in tags:
            (count,) = struct.unpack_from(order + ("Q" if is_big else "I"), row, at + 4)
            return at + value_at if (kind, count) == (wanted, 1) else None
    return None
