"""A burst of files, a first scan and a scan of what did not change, against ``find`` (targets 4, 5)."""

import os
import sqlite3
import statistics
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from benchmarks.harness import PROGRAM, BenchSite, Ended, Figure, bench_site, cost_of, wait_for
from benchmarks.pictures import tiff_of

PER_FOLDER = 1000


def _find(folder: Path) -> Ended:
    return cost_of(["find", folder, "-printf", "%s %T@ %i\n"])


def _scan(site: BenchSite) -> Ended:
    return cost_of([PROGRAM, "-c", site.folder / "coverslip.yaml", "import", "--no-wait"])


def _fill(folder: Path, count: int, content: bytes) -> None:
    """Write files of one content, 1,000 to a folder."""
    for start in range(0, count, PER_FOLDER):
        below = folder / f"d{start // PER_FOLDER:04}"
        below.mkdir(parents=True)
        for number in range(start, min(start + PER_FOLDER, count)):
            descriptor = os.open(below / f"image_{number:07}.tif", os.O_CREAT | os.O_WRONLY)
            os.write(descriptor, content)
            os.close(descriptor)


def _note_as_imported(site: BenchSite) -> None:
    """Note all files as read: a scan of what is catalogued is measured without reading a million files before."""
    with closing(sqlite3.connect(site.database)) as connection, connection:
        connection.execute("UPDATE fileset SET done_digest = seen_digest, due_at = NULL")


def scan_costs(count: int, rounds: int) -> tuple[list[float], list[float], list[float], float]:
    """Give seconds of CPU of first scans, unchanged scans and ``find``, and the peak memory, MiB.

    The cost of starting, measured over an empty root, is taken off; nothing is due for a day, so nothing is read.
    """
    firsts, agains, finds, peak = [], [], [], 0.0
    for _ in range(rounds):
        with bench_site(settle="1d") as site:
            _scan(site)  # makes the catalogue
            start_s = _scan(site).cpu_s
            _fill(site.inbox / "p", count, b"")
            finds.append(_find(site.inbox).cpu_s)
            first = _scan(site)
            rows = site.query("SELECT count(*) FROM sighting WHERE fileset_id IS NOT NULL")[0][0]
            if rows != count:
                raise AssertionError(f"{rows} rows instead of {count}")
            _note_as_imported(site)
            again = _scan(site)
            finds.append(_find(site.inbox).cpu_s)
        firsts.append(first.cpu_s - start_s)
        agains.append(again.cpu_s - start_s)
        peak = max(peak, first.peak_mib, again.peak_mib)
    return firsts, agains, finds, peak


def measure_scans(*, count: int, rounds: int) -> Iterator[Figure]:
    """Target 5, in CPU time."""
    firsts, agains, finds, peak = scan_costs(count, rounds)
    base = statistics.median(finds)
    for what, values, at_most in (("first scan", firsts, 8.0), ("scan, unchanged", agains, 2.0)):
        ratio = statistics.median(values) / base
        yield Figure(
            number=5,
            name=f"{what} of {count} files, CPU, start taken off",
            value=f"{statistics.median(values):.2f} s, {peak:.0f} MiB",
            baseline=f"find -printf {base:.2f} s",
            ratio=ratio,
            target=f"ratio <= {at_most:.0f}, <= 150 MB",
            holds=ratio <= at_most and peak * 1.048576 <= 150,
            spread=f"{min(values):.2f} .. {max(values):.2f} s",
        )


def measure_burst(*, count: int) -> Iterator[Figure]:
    """Target 4: none lost and none twice; the scan's share is target 5's."""
    content = tiff_of(1, 20)
    with bench_site() as site, site.daemon():
        folders = [site.inbox / "p" / f"b{number:03}" for number in range(100)]
        for folder in folders:
            folder.mkdir(parents=True)
        begun = time.monotonic()
        for number in range(count):
            descriptor = os.open(folders[number % 100] / f"image_{number:06}.tif", os.O_CREAT | os.O_WRONLY)
            os.write(descriptor, content)
            os.close(descriptor)
        rate = count / (time.monotonic() - begun)
        begun = time.monotonic()
        wait_for(lambda: site.imported() >= count, within_s=1500, every_s=0.2)
        took_s = time.monotonic() - begun
        images, names = site.query("SELECT count(*), count(DISTINCT name) FROM image")[0]
        overflows = site.query("SELECT sum(overflow_count) FROM root")[0][0]
    yield Figure(
        number=4,
        name=f"burst of {count} files of 1 kB over 100 folders at {rate:.0f}/s",
        value=f"{names} in, {int(str(images)) - int(str(names))} twice, {overflows} overflows counted, {took_s:.0f} s",
        baseline=f"{count} written",
        ratio=int(str(names)) / count,
        target="none lost, none twice",
        holds=(images, names) == (count, count),
    )
