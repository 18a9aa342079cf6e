"""Huge sparse TIFFs, for tests of memory and for benchmarks."""

import struct
from pathlib import Path
from typing import Any

#: 262,144 px: 137 GB of 16-bit pixels.
SIDE = 1 << 18


def big_tiff(path: Path, sides: list[int], *, tile: int | None) -> None:
    """Write a sparse BigTIFF of 16-bit levels (full size, then smaller ones in sub-directories); each piece's first
    and last bytes are real, so that the end is no hole.
    """
    with path.open("wb") as file:
        file.write(b"II+\0" + struct.pack("<HHQ", 8, 0, 0))
        place = 1 << 20
        starts = []
        for side in sides:
            starts.append(place)
            place += side * side * 2
        below: list[int] = []
        directories = []
        for number in reversed(range(len(sides))):
            file.seek(place)
            at, place = _directory(file, place, sides[number], starts[number], tile, below if number == 0 else [])
            directories.append(at)
            if number:
                below.insert(0, at)
        file.seek(8)
        file.write(struct.pack("<Q", directories[-1]))
        for side, start in zip(sides, starts, strict=True):
            for row in range(0, side, max(1, side // 64)):
                file.seek(start + row * side * 2)
                file.write(b"\x10\x01" * 2048)


def _directory(file: Any, place: int, side: int, start: int, tile: int | None, below: list[int]) -> tuple[int, int]:
    edge = min(tile, side) if tile else 0
    count = (side // edge) ** 2 if tile else 1
    size = edge * edge * 2 if tile else side * side * 2
    offsets = struct.pack(f"<{count}Q", *(start + i * size for i in range(count)))
    counts = struct.pack(f"<{count}Q", *[size] * count)
    apart = place
    file.write(offsets + counts + struct.pack(f"<{len(below)}Q", *below))

    def values(data: bytes, at: int) -> bytes:
        return data if len(data) == 8 else struct.pack("<Q", at)

    entries = [(254, 4, 1, int(not below and side != SIDE)), (256, 4, 1, side), (257, 4, 1, side), (258, 3, 1, 16),
               (259, 3, 1, 1), (262, 3, 1, 1), (277, 3, 1, 1)]  # fmt: skip
    rows = [struct.pack("<HHQQ", *entry) for entry in entries]
    where, how_many = (324, 325) if tile else (273, 279)
    rows.append(struct.pack("<HHQ", where, 16, count) + values(offsets, apart))
    rows.append(struct.pack("<HHQ", how_many, 16, count) + values(counts, apart + len(offsets)))
    extra = [(322, 4, 1, edge), (323, 4, 1, edge)] if tile else [(278, 4, 1, side)]
    rows += [struct.pack("<HHQQ", *entry) for entry in extra]
    if below:
        pointer = values(struct.pack(f"<{len(below)}Q", *below), apart + len(offsets) + len(counts))
        rows.append(struct.pack("<HHQ", 330, 16, len(below)) + pointer)
    rows.sort(key=lambda row: struct.unpack("<H", row[:2]))
    at = apart + len(offsets) + len(counts) + 8 * len(below)
    written = struct.pack("<Q", len(rows)) + b"".join(rows) + struct.pack("<Q", 0)
    file.write(written)
    return at, at + len(written)
