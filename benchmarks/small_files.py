"""Many small files dropped at once: images per second, against reading and hashing them with as many workers."""

import hashlib
import os
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks.harness import Figure, bench_site, spread, wait_for
from benchmarks.pictures import tiff_of

PER_FOLDER = 500


def read_and_hash(paths: list[str]) -> int:
    """Do only that, as plainly as it can be done; gives the bytes read."""
    size = 0
    for path in paths:
        content = Path(path).read_bytes()
        hashlib.sha256(content).hexdigest()
        size += len(content)
    return size


def _make(folder: Path, count: int) -> list[str]:
    """Write ``count`` files that differ in a few bytes, 500 to a folder."""
    paths = []
    content = bytearray(tiff_of(1))
    for number in range(count):
        content[-8:] = number.to_bytes(8, "little")
        path = folder / f"d{number // PER_FOLDER:03}" / f"i{number:06}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        paths.append(str(path))
    return paths


def _baseline_per_s(paths: list[str], workers: int) -> float:
    parts = [paths[start : start + 100] for start in range(0, len(paths), 100)]
    with ProcessPoolExecutor(workers) as pool:
        list(pool.map(read_and_hash, parts[:workers]))
        begin = time.monotonic()
        list(pool.map(read_and_hash, parts))
        return len(paths) / (time.monotonic() - begin)


def measure(*, count: int, rounds: int) -> Figure:
    """Measure ``rounds`` times, baseline and product in turn."""
    rates, baselines = [], []
    for _ in range(rounds):
        with bench_site() as site:
            beside = site.folder / "beside"
            paths = _make(beside, count)
            baselines.append(_baseline_per_s(paths, os.cpu_count() or 1))
            with site.daemon():
                begin = time.monotonic()
                beside.rename(site.inbox / "dropped")
                wait_for(lambda: site.imported() >= count, within_s=600, every_s=0.1)
                rates.append(count / (time.monotonic() - begin))
                names = site.query("SELECT count(*), count(DISTINCT name) FROM image")[0]
            if names != (count, count):
                raise AssertionError(f"{names[0]} images of {names[1]} names instead of {count}, once each")
    rate, base = statistics.median(rates), statistics.median(baselines)
    return Figure(
        name=f"{count} files of 131 kB dropped at once, all in, once each",
        value=f"{rate:.0f} images/s",
        baseline=f"read + sha256 {base:.0f} files/s",
        ratio=rate / base,
        target=">= 600 images/s",
        holds=rate >= 600,
        spread=spread(rates, "images/s"),
    )
