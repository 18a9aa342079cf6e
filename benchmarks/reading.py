"""What a worker does with one file: many planes, compressed and huge files, fidelity (targets 7, 8, 9, 13)."""

import hashlib
import io
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import tifffile

from benchmarks.harness import Figure, cpu_ms
from benchmarks.pictures import plane_of
from daemon.worker_process import keep_memory, look_for_garbage_rarely
from ingest.opening import look_of
from ingest.reading import read
from ingest.render import contrast_limits, reduce_array
from ingest.work import Member, Outcome, ReadResult, ReadTask
from tests.helpers.huge_tiff import SIDE, big_tiff

#: How often a read and decoding alone take turns, and how often one worker and two do.
TURNS, ROUNDS = 25, 7
#: Files of a round at least, and files that are handed over at once.
READ_AT_LEAST, HANDED_OVER = 60, 10


def task_for(path: Path, *, hash_now_bytes: int = 1 << 30) -> ReadTask:
    """Make the task for one file as the ingest makes it; the root is its folder."""
    member = Member(path=os.fsencode(path.name), look=look_of(path.stat()))
    return ReadTask(
        fileset_id=1, claim=1, digest=b"d" * 16, root=os.fsencode(path.parent), members=(member,), hasher="sha256",
        hash_now_bytes=hash_now_bytes, thumbnail_px=256, projection="middle", associated_images="hide",
    )  # fmt: skip


def read_well(path: Path, *, hash_now_bytes: int = 1 << 30) -> ReadResult:
    """Read one file as a worker does; it must be read, and have its picture."""
    result = read(task_for(path, hash_now_bytes=hash_now_bytes))
    if result.outcome is not Outcome.READ or any(picture.failure for picture in result.thumbnails):
        raise AssertionError(f"{path.name}: {result.outcome} {result.reason} {result.thumbnails}")
    return result


def planes_file(folder: Path, planes: int, side: int) -> Path:
    """Write an OME-TIFF of raw planes of ``side`` x ``side`` px, of which only the first and the last hold pixels.

    The others were never written (the file is sparse: 10,000 planes of 2048 x 2048 px are 84 GB). The first is the one
    that is pictured and the one that `imread` takes; the last shows that the file was written to its end.
    """
    path = folder / f"p{planes}_{side}.ome.tif"
    is_big = planes * side * side * 2 > 1 << 31
    tifffile.imwrite(
        path, shape=(planes, side, side), dtype=np.uint16, ome=True, bigtiff=is_big, metadata={"axes": "TYX"}
    )
    with tifffile.TiffFile(path) as file:
        places = [file.pages[number].dataoffsets[0] for number in (0, planes - 1)]
    with path.open("r+b") as stream:
        for number, place in enumerate(places):
            stream.seek(place)
            stream.write(plane_of(number, side).tobytes())
    return path


def picture_ms(path: Path) -> float:
    """Give the CPU time of metadata and thumbnail; the hash, which reads all of the file, is left out (target 1)."""
    return cpu_ms(lambda: read_well(path, hash_now_bytes=0))


def imread_ms(path: Path) -> float:
    """Give the CPU time of reading the first plane alone."""
    return cpu_ms(lambda: tifffile.imread(path, key=0))


def measure_planes(*, planes: int) -> Iterator[Figure]:
    """Target 8, with planes as cameras write them and with tiny ones, of which only opening the file is left."""
    for side in (2048, 64):
        with tempfile.TemporaryDirectory(prefix="coverslip-bench-") as folder, plain_and_worker() as (plain, worker):
            path = planes_file(Path(folder), planes, side)
            figures = [
                (worker.submit(picture_ms, path).result(), plain.submit(imread_ms, path).result()) for _ in range(5)
            ]
        value, base = (statistics.median(one) for one in zip(*figures, strict=True))
        yield Figure(
            number=8,
            name=f"OME-TIFF of {planes} planes of {side} x {side}: metadata and thumbnail, CPU",
            value=f"{value:.1f} ms",
            baseline=f"imread(key=0) {base:.2f} ms",
            ratio=value / base,
            target="ratio <= 3",
            holds=value <= 3 * base,
            spread=" / ".join(f"{one:.1f}" for one, _ in figures) + " ms",
        )


@contextmanager
def plain_and_worker() -> Iterator[tuple[Executor, Executor]]:
    """Give a process as Python starts it, and one that is set as the product's workers are."""
    fresh = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(1, mp_context=fresh) as plain,
        ProcessPoolExecutor(1, mp_context=fresh, initializer=keep_memory) as worker,
    ):
        yield plain, worker


def _decode(path: Path) -> int:
    content = path.read_bytes()
    hashlib.sha256(content).hexdigest()
    return int(tifffile.imread(io.BytesIO(content)).shape[0])


def _as_worker() -> None:
    """Set this process as the product sets its workers."""
    keep_memory()
    look_for_garbage_rarely()


def _read_some(paths: Sequence[Path]) -> list[ReadResult]:
    return [read_well(path) for path in paths]


def _both_ms(path: Path) -> tuple[float, float]:
    """Give the CPU time of a read and of decoding alone: medians of calls that take turns."""
    taken: dict[Callable[[Path], object], list[float]] = {read_well: [], _decode: []}
    for work in taken:
        work(path)
    for _ in range(TURNS):
        for work, times in taken.items():
            begun = time.process_time()
            work(path)
            times.append(1000 * (time.process_time() - begun))
    value, base = (statistics.median(times) for times in taken.values())
    return value, base


def _round_s(pool: Executor, paths: Sequence[Path]) -> float:
    """Give the seconds in which a pool reads files, handed over by tens as small files are in the product."""
    handed = [paths[at : at + HANDED_OVER] for at in range(0, len(paths), HANDED_OVER)]
    begun = time.monotonic()
    list(pool.map(_read_some, handed))
    return time.monotonic() - begun


def _measure_packed(paths: Sequence[Path]) -> tuple[float, float, float]:
    """Give (ms of a read, ms of decoding alone, how many times the rate of one worker two have).

    Pools are warm, and rounds take turns: starting a worker costs as much as reading a hundred files.
    """
    with ProcessPoolExecutor(1, initializer=_as_worker) as one, ProcessPoolExecutor(2, initializer=_as_worker) as two:
        for pool in (one, two):
            _round_s(pool, paths)
        value, base = one.submit(_both_ms, paths[0]).result()
        gains = [_round_s(one, paths) / _round_s(two, paths) for _ in range(ROUNDS)]
    return value, base, statistics.median(gains)


def measure_compressed(*, count: int) -> Iterator[Figure]:
    """Target 9: the rate of one worker against decoding alone, and of two workers against one; all set as workers."""
    for compression in ("deflate", "zstd", "lzw"):
        with tempfile.TemporaryDirectory(prefix="coverslip-bench-") as folder:
            paths = [Path(folder) / f"{number}.tif" for number in range(count)]
            for number, path in enumerate(paths):
                tifffile.imwrite(path, plane_of(number, 1024), compression=compression, rowsperstrip=64)
            value, base, gain = _measure_packed(paths * -(-READ_AT_LEAST // count))
        ratio = base / value
        yield Figure(
            number=9,
            name=f"{compression}, 1024 x 1024: rate of one worker by CPU; two workers {gain:.2f} times one",
            value=f"{value:.1f} ms",
            baseline=f"read, hash, decode {base:.1f} ms",
            ratio=ratio,
            target="ratio >= 0.85; two workers >= 1.7",
            holds=ratio >= 0.85 and gain >= 1.7,
        )


_MEASURED = """
import json, sys, time
from pathlib import Path
from benchmarks.reading import read_well
cpu = time.process_time()
read_well(Path(sys.argv[1]), hash_now_bytes=0)
# Not from getrusage, which counts what the parent had when it forked.
peak = next(int(l.split()[1]) for l in Path("/proc/self/status").read_text().splitlines() if l.startswith("VmHWM"))
print(json.dumps({"peak_mb": peak * 1024 / 1e6, "s": time.process_time() - cpu}))
"""


def _measured(path: Path) -> dict[str, float]:
    done = subprocess.run([sys.executable, "-c", _MEASURED, path], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr[-800:])
    found: dict[str, float] = json.loads(done.stdout)
    return found


def measure_huge() -> Iterator[Figure]:
    """Target 7: 137 GB with and without a pyramid, and 800 MB raw and deflated."""
    with tempfile.TemporaryDirectory(prefix="coverslip-bench-") as folder:
        pyramid = [SIDE, SIDE // 8, SIDE // 64, SIDE // 512]
        for name, sides in (("with a pyramid", pyramid), ("without one", [SIDE])):
            path = Path(folder) / "huge.tif"
            big_tiff(path, sides, tile=4096)
            found = _measured(path)
            path.unlink()
            yield _sized(f"sparse image of 137 GB {name}: thumbnail", found, None)
        for compression, at_most_s in ((None, 0.5), ("deflate", 3.0)):
            path = Path(folder) / "large.tif"
            plane = np.tile(plane_of(1, 2000), (10, 10))
            tifffile.imwrite(path, plane, compression=compression, rowsperstrip=100, metadata=None)
            yield _sized(f"image of 800 MB, {compression or 'raw'}: thumbnail", _measured(path), at_most_s)


def _sized(name: str, found: dict[str, float], at_most_s: float | None) -> Figure:
    is_small = found["peak_mb"] <= 400
    return Figure(
        number=7,
        name=name,
        value=f"{found['s']:.2f} s CPU, {found['peak_mb']:.0f} MB",
        baseline="",
        ratio=None,
        target="<= 400 MB" + ("" if at_most_s is None else f", <= {at_most_s} s"),
        holds=is_small and (at_most_s is None or found["s"] <= at_most_s),
    )


def measure_fidelity() -> Iterator[Figure]:
    """Target 13: the reduced plane against the exact area mean, its contrast against the whole plane's percentiles."""
    plane = plane_of(3, 2048)
    reduced = reduce_array(plane, 256)
    exact = plane.reshape(512, 4, 512, 4).mean(axis=(1, 3))
    rms = float(np.sqrt(np.mean((reduced.means - exact) ** 2)) / plane.std())
    limits = contrast_limits(reduced.sample)
    whole = np.percentile(plane, (0.5, 99.8))
    apart = max(abs(a - b) for a, b in zip(limits, whole, strict=True)) / float(whole[1] - whole[0])
    yield Figure(
        number=13,
        name="thumbnail of 2048 x 2048: RMS error; contrast limits off by",
        value=f"{100 * rms:.2f} %; {100 * apart:.2f} %",
        baseline="exact area mean, percentiles of all pixels",
        ratio=None,
        target="<= 2 %; <= 1 %",
        holds=rms <= 0.02 and apart <= 0.01,
    )
