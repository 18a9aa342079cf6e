"""Bends small image files at random and reads each: ``python -m tests.helpers.reader_fuzz --count N --seed S``.

A finding is an exception that escaped or was caught only at the last boundary, a warning of Python's, a reason of more
than one line, or a read that took longer than SECONDS_AT_MOST of processor time. Memory is limited as in a worker.
"""

import argparse
import faulthandler
import io
import logging
import random
import resource
import struct
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from ingest.work import Outcome, ReadResult
from tests.helpers import slide_files, tiff_dialect_files
from tests.helpers.reads import read_path

SECONDS_AT_MOST = 4.0
STUCK_AFTER_S = 60.0
MEMORY_BYTES = 1 << 30
#: Numbers at which programs trip.
_NASTY = (0, 1, 2, 3, 7, 8, 16, 127, 128, 255, 256, 32767, 65535, 65536, 1 << 20, 1 << 24, (1 << 31) - 1, 1 << 31,
          (1 << 32) - 1)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """An input that was not met as it should be."""

    number: int
    name: str
    problem: str
    data: bytes


def seeds() -> dict[str, bytes]:
    """Give the whole files that are bent, by name."""
    noise = np.random.default_rng(7).integers(100, 4000, (6, 40, 50), dtype=np.uint16)
    bytes_ = (noise >> 4).astype(np.uint8)
    colour = np.moveaxis(bytes_[:3], 0, -1).copy()
    table = np.random.default_rng(8).integers(0, 65535, (3, 256), dtype=np.uint16)
    made = {
        "plain.tif": _tiff(noise, photometric="minisblack", metadata=None),
        "ome.ome.tif": _tiff(noise, ome=True, metadata={"axes": "ZYX"}),
        "tiles.ome.tif": _tiff(noise, ome=True, metadata={"axes": "CYX"}, compression="zlib", tile=(16, 16)),
        "imagej.tif": _tiff(noise, imagej=True, metadata={"axes": "ZYX", "unit": "um", "spacing": 2.0}),
        "lzw.btf": _tiff(noise, bigtiff=True, compression="lzw", photometric="minisblack", metadata=None),
        "shaped.tif": _tiff(noise, photometric="minisblack"),
        "jpeg.tif": _tiff(colour, photometric="ycbcr", compression="jpeg", metadata=None, tile=(16, 16)),
        "planar.tif": _tiff(np.moveaxis(colour, -1, 0), photometric="rgb", planarconfig="separate", metadata=None),
        "float.tif": _tiff(noise[0].astype(np.float32), compression="zstd", predictor=True, metadata=None),
        "palette.tif": _tiff(bytes_[0], photometric="palette", colormap=table, metadata=None),
        "packbits.tif": _tiff(bytes_[0] > 100, compression="packbits", metadata=None),
    }
    for form in ("PNG", "JPEG", "GIF", "BMP"):
        buffer = io.BytesIO()
        Image.fromarray(colour).save(buffer, form)
        made["picture." + form.lower()] = buffer.getvalue()
    return made | tiff_dialect_files.examples() | slide_files.examples()


def _tiff(data: NDArray[Any], **options: Any) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, data, **options)
    return buffer.getvalue()


def bent(data: bytes, chance: random.Random) -> bytes:
    """Bend a file once to three times."""
    body = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        if body:
            chance.choice(_WAYS)(body, chance)
    return bytes(body)


def _flip(body: bytearray, chance: random.Random) -> None:
    for _ in range(chance.randint(1, 8)):
        body[chance.randrange(len(body))] ^= 1 << chance.randrange(8)


def _cut(body: bytearray, chance: random.Random) -> None:
    del body[chance.randrange(len(body)) :]


def _blank(body: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(body))
    end = min(len(body), start + chance.choice((1, 4, 64, 1024)))
    body[start:end] = bytes([chance.choice((0, 255))]) * (end - start)


def _overwrite(body: bytearray, chance: random.Random) -> None:
    form = chance.choice(("<H", ">H", "<I", ">I", "<Q"))
    size = struct.calcsize(form)
    if len(body) > size:
        struct.pack_into(form, body, chance.randrange(len(body) - size), chance.choice(_NASTY) % (1 << (8 * size)))


def _copy_piece(body: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(body))
    size = chance.choice((2, 12, 20, 200))
    piece = body[start : start + size]
    to = chance.randrange(len(body))
    body[to : to + len(piece)] = piece


def _edit_entry(body: bytearray, chance: random.Random) -> None:
    """Change type, count or value of one entry of a TIFF's directories."""
    entries = list(_entries(bytes(body)))
    if not entries:
        return _overwrite(body, chance)
    at, order, is_big = chance.choice(entries)
    field = chance.choice(("tag", "type", "count", "value", "value"))
    if field in ("tag", "type"):
        value = chance.choice((*range(1, 19), 254, 256, 257, 258, 259, 262, 273, 277, 278, 279, 317, 320, 330, 347))
        struct.pack_into(order + "H", body, at + (0 if field == "tag" else 2), value)
        return None
    form, where = ("Q", 12 if field == "value" else 4) if is_big else ("I", 8 if field == "value" else 4)
    old = struct.unpack_from(order + form, body, at + where)[0]
    value = chance.choice((*_NASTY, old + 1, max(0, old - 1), old * 2, len(body) - 1, len(body)))
    struct.pack_into(order + form, body, at + where, value % (1 << (8 * struct.calcsize(form))))
    return None


def _entries(data: bytes) -> Iterator[tuple[int, str, bool]]:
    """Find the entries of a TIFF's chain of directories: place, byte order, whether it is a BigTIFF."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None or len(data) < 16:
        return
    is_big = data[2:4] in (b"+\0", b"\0+")
    form, size = ("Q", 20) if is_big else ("H", 12)
    (offset,) = struct.unpack_from(order + ("Q" if is_big else "I"), data, 8 if is_big else 4)
    for _ in range(20):
        if not 0 < offset < len(data) - 10:
            return
        (count,) = struct.unpack_from(order + form, data, offset)
        start = offset + struct.calcsize(form)
        end = start + count * size
        if count > 500 or end + 8 > len(data):
            return
        yield from ((at, order, is_big) for at in range(start, end, size))
        (offset,) = struct.unpack_from(order + ("Q" if is_big else "I"), data, end)


_WAYS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    _flip, _cut, _blank, _overwrite, _copy_piece, _edit_entry, _edit_entry, _edit_entry,
)  # fmt: skip


def findings(count: int, seed: int) -> Iterator[Finding]:
    """Read ``count`` bent files; the same seed gives the same files."""
    whole = list(seeds().items())
    with tempfile.TemporaryDirectory(prefix="coverslip-fuzz-") as folder:
        for number in range(count):
            chance = random.Random(f"{seed}/{number}")
            name, data = whole[number % len(whole)]
            broken = bent(data, chance)
            problem = problem_with(Path(folder) / name, broken)
            if problem is not None:
                yield Finding(number=number, name=name, problem=problem, data=broken)


def problem_with(path: Path, data: bytes) -> str | None:
    """Read one file; None when all is as it should be."""
    path.write_bytes(data)
    caught = _Logged()
    logging.getLogger().addHandler(caught)
    faulthandler.dump_traceback_later(STUCK_AFTER_S, exit=True)
    started = time.process_time()
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            result = read_path(path)
    except Exception as error:  # noqa: BLE001  # what escapes is what is looked for
        return f"escaped: {type(error).__name__}: {error}"
    finally:
        faulthandler.cancel_dump_traceback_later()
        logging.getLogger().removeHandler(caught)
    took = time.process_time() - started
    if took > SECONDS_AT_MOST:
        return f"slow: {took:.1f} s"
    if caught.tracebacks:
        return f"caught only at the boundary: {caught.tracebacks[0]}"
    if warned:
        return f"warned: {warned[0].filename}:{warned[0].lineno}: {warned[0].message}"
    return _wrong_result(result)


def _wrong_result(result: ReadResult) -> str | None:
    if result.outcome is Outcome.READ:
        has_thumbnails = len(result.images) == len(result.thumbnails) and result.images
        return None if has_thumbnails else "read, but without an image or without its picture"
    if result.outcome in (Outcome.DIED, Outcome.TRANSIENT):
        return f"{result.outcome}: {result.reason}"
    reason = result.reason or ""
    is_sentence = reason.strip() and "\n" not in reason and "Traceback" not in reason and reason.isprintable()
    return None if is_sentence else f"no sentence: {reason!r}"


class _Logged(logging.Handler):
    """Keeps logged tracebacks."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.tracebacks: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            self.tracebacks.append(logging.Formatter().formatException(record.exc_info))


def main() -> int:
    """Print the findings, keep their files in --keep, and end with 1 when there are any."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path)
    chosen = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    number_found = 0
    for finding in findings(chosen.count, chosen.seed):
        number_found += 1
        sys.stdout.write(f"{finding.name} seed {chosen.seed} number {finding.number}: {finding.problem}\n\n")
        sys.stdout.flush()
        if chosen.keep is not None:
            chosen.keep.mkdir(parents=True, exist_ok=True)
            (chosen.keep / f"{chosen.seed}-{finding.number}-{finding.name}").write_bytes(finding.data)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    sys.stdout.write(f"{chosen.count} inputs, {number_found} findings, peak {peak} MiB\n")
    return 1 if number_found else 0


if __name__ == "__main__":
    sys.exit(main())
