"""Writes TIFFs tag by tag, little-endian, one uncompressed strip a page (or a plane): for private tags of any kind."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 10: 8, 11: 4, 12: 8, 16: 8}
BYTE, ASCII, SHORT, LONG, RATIONAL, DOUBLE, LONG8 = 1, 2, 3, 4, 5, 12, 16


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag's type, count and bytes; ``count`` None is worked out from the bytes."""

    kind: int
    data: bytes
    count: int | None = None
    #: Behind an offset even where it would fit.
    is_apart: bool = False

    @property
    def number(self) -> int:
        return len(self.data) // _SIZES[self.kind] if self.count is None else self.count


def ascii_tag(words: str) -> Tag:
    return Tag(ASCII, words.encode("utf-8") + b"\0")


def shorts(*values: int) -> Tag:
    return Tag(SHORT, struct.pack(f"<{len(values)}H", *values))


def longs(*values: int) -> Tag:
    return Tag(LONG, struct.pack(f"<{len(values)}I", *values))


def rational(above: int, below: int) -> Tag:
    return Tag(RATIONAL, struct.pack("<II", above, below))


@dataclass(slots=True)
class TiffWriter:
    """Collects bytes; the chain of directories is linked as pages come."""

    is_big: bool = False
    #: What some formats put between the header and the rest.
    preamble: bytes = b""
    body: bytearray = field(default_factory=bytearray)
    offsets: list[int] = field(default_factory=list)
    _link: int = 0

    def __post_init__(self) -> None:
        if self.is_big:
            self.body += b"II+\0" + struct.pack("<HHQ", 8, 0, 0)
            self._link = 8
        else:
            self.body += b"II*\0" + struct.pack("<I", 0)
            self._link = 4
        self.body += self.preamble

    def put(self, data: bytes) -> int:
        """Append bytes at an even place, and give the place."""
        self.body += b"\0" * (len(self.body) % 2)
        place = len(self.body)
        self.body += data
        return place

    def page(
        self, pixels: NDArray[np.generic], tags: Mapping[int, Tag] | None = None, *, planes: int = 1,
        photometric: int = 1, pixels_first: bool = True,
    ) -> int:  # fmt: skip
        """Append a page, (Y, X), (Y, X, S) interleaved, or (S, Y, X) with ``planes`` = S; give its place."""
        samples, (height, width) = _layout(pixels, planes)
        little = np.ascontiguousarray(pixels.astype(pixels.dtype.newbyteorder("<")))
        entries: dict[int, Tag] = {
            256: longs(width), 257: longs(height), 258: shorts(*[pixels.dtype.itemsize * 8] * samples),
            259: shorts(1), 262: shorts(photometric), 277: shorts(samples), 278: longs(height),
        }  # fmt: skip
        if planes > 1:
            entries[284] = shorts(2)
        if pixels.dtype.kind != "u":
            entries[339] = shorts(*[{"i": 2, "f": 3}[pixels.dtype.kind]] * samples)
        each = little.nbytes // planes
        entries[279] = longs(*[each] * planes)
        if pixels_first:
            start = self.put(little.tobytes())
            entries[273] = longs(*(start + i * each for i in range(planes)))
            return self._directory({**entries, **(tags or {})})
        entries[273] = longs(*[0] * planes)
        entries.update(tags or {})
        start = len(self.body) + len(self.body) % 2 + self._directory_bytes(entries)
        entries[273] = longs(*(start + i * each for i in range(planes)))
        return self._directory(entries, pixels=little.tobytes())

    def _directory_bytes(self, entries: Mapping[int, Tag]) -> int:
        return 8 + 20 * len(entries) + 8 if self.is_big else 2 + 12 * len(entries) + 4

    def _directory(self, entries: Mapping[int, Tag], pixels: bytes = b"") -> int:
        """Write a directory, what does not fit in it right behind it (behind the pixels, where they are given)."""
        self.body += b"\0" * (len(self.body) % 2)
        place = len(self.body)
        room = 8 if self.is_big else 4
        after = bytearray(pixels)
        rows = b""
        first_after = place + self._directory_bytes(entries)
        for number in sorted(entries):
            tag = entries[number]
            if len(tag.data) <= room and not tag.is_apart:
                value = tag.data.ljust(room, b"\0")
            else:
                after += b"\0" * (len(after) % 2)
                value = struct.pack("<Q" if self.is_big else "<I", first_after + len(after))
                after += tag.data
            rows += struct.pack("<HHQ" if self.is_big else "<HHI", number, tag.kind, tag.number) + value
        self.body += struct.pack("<Q" if self.is_big else "<H", len(entries)) + rows
        next_link = len(self.body)
        self.body += b"\0" * room + after
        struct.pack_into("<Q" if self.is_big else "<I", self.body, self._link, place)
        self._link = next_link
        self.offsets.append(place)
        return place

    def patch(self, at: int, data: bytes) -> None:
        """Overwrite bytes that were reserved."""
        self.body[at : at + len(data)] = data

    def finished(self) -> bytes:
        return bytes(self.body)


def _layout(pixels: NDArray[np.generic], planes: int) -> tuple[int, Sequence[int]]:
    if planes > 1:
        return planes, pixels.shape[1:]
    if pixels.ndim == 3:
        return pixels.shape[2], pixels.shape[:2]
    return 1, pixels.shape
