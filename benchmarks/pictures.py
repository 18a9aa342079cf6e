"""Pictures for the benchmarks: noise over spots, as a camera gives them, uncompressed."""

from io import BytesIO

import numpy as np
import tifffile
from numpy.typing import NDArray


def plane_of(seed: int, size_px: int) -> NDArray[np.uint16]:
    """Make one plane (YX)."""
    random = np.random.default_rng(seed)
    plane = random.normal(200, 12, (size_px, size_px))
    for y, x in random.integers(8, size_px - 8, (12, 2)):
        plane[y - 6 : y + 7, x - 6 : x + 7] += 2500
    return plane.astype(np.uint16)


def tiff_of(seed: int, size_px: int = 256) -> bytes:
    """Encode one plane (YX, uint16) as TIFF; 256 px make 131 kB, 2048 px 8.4 MB."""
    out = BytesIO()
    tifffile.imwrite(out, plane_of(seed, size_px), metadata=None)
    return out.getvalue()
