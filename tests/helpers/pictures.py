"""Small generated images for tests, written with tifffile and Pillow as microscopes and people write them."""

import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image


def plane(seed: int = 1, size_px: int = 64) -> NDArray[np.uint16]:
    """Make a plane (YX, uint16) that differs for each seed: a few bright spots over noise."""
    random = np.random.default_rng(seed)
    image = random.integers(90, 110, (size_px, size_px), dtype=np.uint16)
    for y, x in random.integers(4, size_px - 4, (6, 2)):
        image[y - 3 : y + 4, x - 3 : x + 4] += np.uint16(3000 + 100 * seed % 1000)
    return image


def tiff_bytes(seed: int = 1, size_px: int = 64) -> bytes:
    """Encode one plane as a plain TIFF."""
    out = BytesIO()
    tifffile.imwrite(out, plane(seed, size_px), metadata=None)
    return out.getvalue()


def ome_tiff_bytes(seed: int = 1, *, channels: tuple[str, ...] = ("DAPI", "GFP"), size_z: int = 3) -> bytes:
    """Encode a stack (CZYX) as OME-TIFF with physical sizes of 0.25, 0.25 and 1 um."""
    stack = np.stack([[plane(seed + 10 * c + z) for z in range(size_z)] for c in range(len(channels))])
    out = BytesIO()
    tifffile.imwrite(
        out,
        stack,
        ome=True,
        photometric="minisblack",
        metadata={
            "axes": "CZYX",
            "PhysicalSizeX": 0.25,
            "PhysicalSizeXUnit": "µm",
            "PhysicalSizeY": 0.25,
            "PhysicalSizeYUnit": "µm",
            "PhysicalSizeZ": 1.0,
            "PhysicalSizeZUnit": "µm",
            "Channel": {"Name": list(channels)},
        },
    )
    return out.getvalue()


def png_bytes(seed: int = 1, size_px: int = 64) -> bytes:
    """Encode an RGB picture as PNG."""
    out = BytesIO()
    grey = (plane(seed, size_px) / 20).clip(0, 255).astype(np.uint8)
    Image.fromarray(np.stack([grey, np.roll(grey, 9, 0), np.roll(grey, 9, 1)], axis=-1)).save(out, "PNG")
    return out.getvalue()


def deep_png_bytes(pixels: NDArray[np.uint16]) -> bytes:
    """Encode 16-bit pixels (rows, columns, samples: 2 grey and alpha, 3 RGB, 4 RGBA) as PNG, by its specification."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    height, width, samples = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 16, {2: 4, 3: 2, 4: 6}[samples], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def put(path: Path, data: bytes) -> Path:
    """Write a file with its folders, and give its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
