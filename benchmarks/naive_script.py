"""The script that a postdoc writes in an afternoon: hash, imread, percentiles, a thumbnail, one row and commit each."""

import hashlib
import io
import sqlite3
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image


def describe(path: str) -> tuple[str, str, int, int, bytes]:
    """Read one file as one would: once for the hash, once for the pixels."""
    digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    plane = tifffile.imread(path)
    low, high = np.percentile(plane, (0.5, 99.8))
    picture = Image.fromarray((np.clip((plane - low) / max(high - low, 1), 0, 1) * 255).astype(np.uint8))
    picture.thumbnail((256, 256))
    encoded = io.BytesIO()
    picture.save(encoded, "JPEG")
    return path, digest, plane.shape[1], plane.shape[0], encoded.getvalue()


def catalogue(paths: list[str], database: Path, workers: int) -> None:
    """Fill a table with all of them."""
    with closing(sqlite3.connect(database)) as connection, ProcessPoolExecutor(workers) as pool:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE image (path TEXT PRIMARY KEY, hash TEXT, x INTEGER, y INTEGER, picture BLOB)")
        for row in pool.map(describe, paths, chunksize=10):
            connection.execute("INSERT INTO image VALUES (?, ?, ?, ?, ?)", row)
            connection.commit()
