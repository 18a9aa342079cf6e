"""Huge and hostile files in a process with a worker's limit: its measured peak stays small, its time bounded."""

import json
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.huge_tiff import SIDE, big_tiff
from tests.helpers.program import PATIENCE_S

TILE = 4096
GROWN_AT_MOST_MIB = 400


def measured(path: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.helpers.measured_read", str(path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert ended.returncode == 0, ended.stderr
    document: dict[str, Any] = json.loads(ended.stdout)
    assert document["grown_mib"] < GROWN_AT_MOST_MIB, document
    return document


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
