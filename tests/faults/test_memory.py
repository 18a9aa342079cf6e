"""Huge and hostile files in a process with a worker's limit: its measured peak stays small, its time bounded."""

import json
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest

SIDE = 1 << 18  # 262,144 px: 137 GB of 16-bit pixels
TILE = 4096
GROWN_AT_MOST_MIB = 400


def measured(path: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.helpers.measured_read", str(path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == 0, ended.stderr
    document: dict[str, Any] = json.loads(ended.stdout)
    assert document["grown_mib"] < GROWN_AT_MOST_MIB, document
    return document


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


@pytest.mark.parametrize(
    ("sides", "tile", "seconds"),
    [
        pytest.param([SIDE], None, 20.0, id="untiled", marks=pytest.mark.faults_full),
        pytest.param([SIDE], TILE, 20.0, id="tiled", marks=pytest.mark.faults_full),
        pytest.param([SIDE, SIDE // 8, SIDE // 64, SIDE // 512], TILE, 5.0, id="pyramid"),
    ],
)
def test_a_137_gb_image_is_pictured_in_little_memory_and_is_not_hashed_at_once(
    tmp_path: Path, sides: list[int], tile: int | None, seconds: float
) -> None:
    path = tmp_path / "huge.tif"
    big_tiff(path, sides, tile=tile)
    assert path.stat().st_size > 137e9
    found = measured(path)
    assert (found["outcome"], found["reason"], found["sizes"]) == ("read", None, [[SIDE, SIDE]])
    assert (found["failures"], found["hashes"]) == ([None], [None])
    assert found["seconds"] < seconds, found


def test_a_header_of_two_to_the_31_pixels_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    big_tiff(path, [1 << 10], tile=None)
    data = bytearray(path.read_bytes())
    (at,) = struct.unpack_from("<Q", data, 8)
    for tag in (256, 257):
        entry = data.index(struct.pack("<HH", tag, 4), at)
        struct.pack_into("<I", data, entry + 12, (1 << 31) - 1)
    path.write_bytes(data)
    found = measured(path)
    assert found["outcome"] == "damaged"
    assert found["grown_mib"] < 100


def test_a_bomb_takes_no_memory(tmp_path: Path) -> None:
    rows = zlib.compress(b"\0" * (1 << 24), 9)
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", rows), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    path = tmp_path / "bomb.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    found = measured(path)
    assert found["outcome"] == "damaged"
    assert "bomb" in found["reason"] or "far more pixels" in found["reason"]
    assert found["grown_mib"] < 100
