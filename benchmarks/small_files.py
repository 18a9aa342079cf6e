"""Many files dropped at once, against reading and hashing alone, a naive script and tiled (targets 1, 2)."""

import hashlib
import os
import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import xxhash

from benchmarks import naive_script, tiled_registers
from benchmarks.harness import BenchSite, Figure, bench_site, spread, wait_for
from benchmarks.pictures import tiff_of

PER_FOLDER = 500
WORKERS = os.cpu_count() or 1
_HASHERS: dict[str, Callable[[bytes], Any]] = {"sha256": hashlib.sha256, "xxh3-128": xxhash.xxh3_128}


def read_and_hash(paths: list[str], hasher: str) -> int:
    """Do only that, as plainly as it can be done; gives the bytes read."""
    size = 0
    for path in paths:
        content = Path(path).read_bytes()
        _HASHERS[hasher](content).hexdigest()
        size += len(content)
    return size


def make_files(folder: Path, count: int, size_px: int) -> list[str]:
    """Write ``count`` files that differ in a few bytes, 500 to a folder."""
    paths = []
    content = bytearray(tiff_of(1, size_px))
    for number in range(count):
        content[-8:] = number.to_bytes(8, "little")
        path = folder / f"d{number // PER_FOLDER:03}" / f"{_letters(number)}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        paths.append(str(path))
    return paths


def _letters(number: int) -> str:
    """Give a name without digits: numbered files are one sequence to tiled."""
    return "img" + "".join(chr(ord("a") + int(digit)) for digit in f"{number:06}")


def _alone_per_s(paths: list[str], hasher: str) -> float:
    parts = [paths[start : start + 100] for start in range(0, len(paths), 100)]
    parts = [part for whole in parts for part in (whole[: len(whole) // 2], whole[len(whole) // 2 :])]
    with ProcessPoolExecutor(WORKERS) as pool:
        list(pool.map(read_and_hash, parts[:WORKERS], [hasher] * WORKERS))
        begin = time.monotonic()
        list(pool.map(read_and_hash, parts, [hasher] * len(parts)))
        return len(paths) / (time.monotonic() - begin)


def _script_per_s(paths: list[str], database: Path) -> float:
    begin = time.monotonic()
    naive_script.catalogue(paths, database, WORKERS)
    return len(paths) / (time.monotonic() - begin)


def _product_per_s(site: BenchSite, beside: Path, count: int) -> float:
    """Move a folder in at once and wait for all its images; each must be there once."""
    with site.daemon():
        begin = time.monotonic()
        beside.rename(site.inbox / "dropped")
        # To count them with their thumbnails, which come in the same transaction, would take a quarter of a core.
        wait_for(lambda: site.images() >= count, within_s=1200, every_s=0.1)
        rate = count / (time.monotonic() - begin)
        if site.imported() != count:
            raise AssertionError(f"{site.imported()} of {count} images have their thumbnail")
        names = site.query("SELECT count(*), count(DISTINCT name) FROM image")[0]
    if names != (count, count):
        raise AssertionError(f"{names[0]} images of {names[1]} names instead of {count}, once each")
    return rate


def measure_large(*, count: int, rounds: int) -> Iterator[Figure]:
    """Target 1: files of 8.4 MB against reading and hashing them, with a cryptographic hash and the fastest."""
    for hasher, target in (("sha256", 0.75), ("xxh3-128", 0.45)):
        rates, baselines = [], []
        for _ in range(rounds):
            with bench_site(hasher=hasher) as site:
                beside = site.folder / "beside"
                paths = make_files(beside, count, 2048)
                baselines.append(_alone_per_s(paths, hasher))
                rates.append(_product_per_s(site, beside, count))
        ratio = statistics.median(rates) / statistics.median(baselines)
        yield Figure(
            number=1,
            name=f"{count} files of 8.4 MB dropped at once, {hasher}",
            value=f"{statistics.median(rates):.0f} images/s",
            baseline=f"read and hashed alone {statistics.median(baselines):.0f}/s",
            ratio=ratio,
            target=f"ratio >= {target}",
            holds=ratio >= target,
            spread=spread(rates, "images/s"),
        )


def measure_small(*, count: int, rounds: int, tiled_count: int) -> Iterator[Figure]:
    """Target 2: files of 131 kB against the naive script, against tiled, and against reading and hashing them."""
    rates, scripts, tileds, alones = [], [], [], []
    for _ in range(rounds):
        with bench_site() as site:
            beside = site.folder / "beside"
            paths = make_files(beside, count, 256)
            scripts.append(_script_per_s(paths, site.folder / "naive.db"))
            few = site.folder / "few"
            few.mkdir()
            for path in paths[:tiled_count]:
                shutil.copy(path, few)
            alones.append(_alone_per_s(paths, "sha256"))
            tileds.append(tiled_registers.files_per_s(few, tiled_count))
            rates.append(_product_per_s(site, beside, count))
    rate, script, tiled, alone = (statistics.median(values) for values in (rates, scripts, tileds, alones))
    shown = f"{rate:.0f} images/s"
    yield Figure(
        number=2,
        name=f"{count} files of 131 kB dropped at once",
        value=shown,
        baseline=f"naive script, {WORKERS} workers {script:.0f}/s",
        ratio=rate / script,
        target="ratio >= 1.5 and >= 600 images/s",
        holds=rate >= 1.5 * script and rate >= 600,
        spread=spread(rates, "images/s"),
    )
    yield Figure(
        number=2,
        name=f"the same against tiled ({tiled_count} of the files)",
        value=shown,
        baseline=f"tiled registers {tiled:.0f}/s",
        ratio=rate / tiled,
        target="ratio >= 40",
        holds=rate >= 40 * tiled if tiled == tiled else None,
        spread=spread(tileds, "files/s"),
    )
    yield Figure(
        number=2,
        name="the same against reading and hashing alone, sha256",
        value=shown,
        baseline=f"read and hashed alone {alone:.0f}/s",
        ratio=rate / alone,
        target="",
        holds=None,
        spread=spread(alones, "files/s"),
    )
