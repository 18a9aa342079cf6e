"""A burst of files, a first scan and a scan of what did not change, against ``find`` (targets 4, 5)."""

import os
import signal
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.harness import (
    PROGRAM,
    BenchSite,
    Ended,
    Figure,
    bench_site,
    cost_of,
    cpu_s_of,
    note_as_imported,
    peak_mib_of,
    wait_for,
)
from benchmarks.pictures import tiff_of

PER_FOLDER = 1000
#: Passes of a daemon that are measured in a round.
PASSES = 3
#: Of fewer files what is fixed for a scan is nearly all of its cost.
FEW_FILES = 10_000


def _find(folder: Path) -> Ended:
    return cost_of(["find", folder, "-printf", "%s %T@ %i\n"])


def _scan(site: BenchSite) -> Ended:
    return cost_of([PROGRAM, "-c", site.folder / "coverslip.yaml", "import", "--no-wait"])


def _fill(folder: Path, count: int, per_folder: int) -> None:
    """Make empty files, so many to a folder."""
    for start in range(0, count, per_folder):
        below = folder / f"d{start // per_folder:04}"
        below.mkdir(parents=True)
        for number in range(start, min(start + per_folder, count)):
            os.close(os.open(below / f"image_{number:07}.tif", os.O_CREAT | os.O_WRONLY))


@dataclass(slots=True, kw_only=True)
class ScanCosts:
    """Seconds of CPU, one for each round, and the peak memory of each kind of scan, MiB.

    ``firsts`` and ``imports`` (nothing changed) are those of `coverslip import`, the cost of starting over an empty
    root taken off; ``passes`` are full passes of a running daemon in which nothing changed.
    """

    firsts: list[float] = field(default_factory=list)
    imports: list[float] = field(default_factory=list)
    passes: list[float] = field(default_factory=list)
    finds: list[float] = field(default_factory=list)
    first_mib: float = 0.0
    import_mib: float = 0.0
    pass_mib: float = 0.0


def scan_costs(count: int, rounds: int, *, per_folder: int = PER_FOLDER) -> ScanCosts:
    """Measure scans and ``find``; nothing is due for a day, so nothing is read."""
    costs = ScanCosts()
    for _ in range(rounds):
        with bench_site(settle="1d", scan_every="1s") as site:
            _scan(site)  # makes the catalogue
            start_s = _scan(site).cpu_s
            _fill(site.inbox / "p", count, per_folder)
            costs.finds.append(_find(site.inbox).cpu_s)
            first = _scan(site)
            rows = site.query("SELECT count(*) FROM sighting WHERE fileset_id IS NOT NULL")[0][0]
            if rows != count:
                raise AssertionError(f"{rows} rows instead of {count}")
            note_as_imported(site)
            again = _scan(site)
            with site.daemon() as pid:
                passes, peak_mib = _passes(site, pid), peak_mib_of(pid)
            costs.finds.append(_find(site.inbox).cpu_s)
        costs.firsts.append(first.cpu_s - start_s)
        costs.imports.append(again.cpu_s - start_s)
        costs.passes += passes
        costs.first_mib = max(costs.first_mib, first.peak_mib)
        costs.import_mib = max(costs.import_mib, again.peak_mib)
        costs.pass_mib = max(costs.pass_mib, peak_mib)
    return costs


def _passes(site: BenchSite, pid: int) -> list[float]:
    """Let a daemon scan again and again; gives the CPU time from the end of a pass to that of the next."""
    ended = "SELECT last_pass_ended_at FROM root"
    taken = []
    last, before_s = site.query(ended), cpu_s_of(pid)
    for number in range(PASSES + 1):
        wait_for(lambda: site.query(ended) != last, within_s=600, every_s=0.02)  # noqa: B023 - called at once
        last, now_s = site.query(ended), cpu_s_of(pid)
        if number:  # the first goes with the daemon's start, or began before
            taken.append(now_s - before_s)
        before_s = now_s
    return taken


def measure_scans(*, count: int, rounds: int) -> Iterator[Figure]:
    """Target 5, in CPU time."""
    costs = scan_costs(count, rounds)
    base = statistics.median(costs.finds)
    measured = (
        ("first scan", costs.firsts, costs.first_mib, 8.0),
        ("pass of a daemon, unchanged,", costs.passes, costs.pass_mib, 2.0),
        ("`import`, unchanged,", costs.imports, costs.import_mib, 2.0),
    )
    for what, values, peak, at_most in measured:
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


def _write_burst(folders: list[Path], count: int) -> float:
    """Write small images, each into the next folder; gives how many a second."""
    content = tiff_of(1, 20)
    descriptors = [os.open(folder, os.O_RDONLY | os.O_DIRECTORY) for folder in folders]
    names = [f"image_{number:06}.tif" for number in range(count)]
    begun = time.monotonic()
    for number, name in enumerate(names):
        file = os.open(name, os.O_CREAT | os.O_WRONLY, dir_fd=descriptors[number % len(folders)])
        os.write(file, content)
        os.close(file)
    rate = count / (time.monotonic() - begun)
    for descriptor in descriptors:
        os.close(descriptor)
    return rate


def measure_burst(*, count: int) -> Iterator[Figure]:
    """Target 4: none lost and none twice, and what the daemon's scan of all of it takes, which an overflow asks for."""
    with bench_site() as site, site.daemon() as pid:
        folders = [site.inbox / "p" / f"b{number:03}" for number in range(100)]
        for folder in folders:
            folder.mkdir(parents=True)
        rate = _write_burst(folders, count)
        begun = time.monotonic()
        wait_for(lambda: site.imported() >= count, within_s=1500, every_s=1.0 if count > FEW_FILES else 0.1)
        took_s = time.monotonic() - begun
        images, names = site.query("SELECT count(*), count(DISTINCT name) FROM image")[0]
        overflows = site.query("SELECT sum(overflow_count) FROM root")[0][0]
        scans, find_s = [], 0.0
        if count >= FEW_FILES:
            site.configure(scan_every="1s")
            os.kill(pid, signal.SIGHUP)
            scans, find_s = _passes(site, pid), statistics.median(_find(site.inbox).cpu_s for _ in range(PASSES))
    yield Figure(
        number=4,
        name=f"burst of {count} files of 1 kB over 100 folders at {rate:.0f}/s",
        value=f"{names} in, {int(str(images)) - int(str(names))} twice, {overflows} overflows counted, {took_s:.0f} s",
        baseline=f"{count} written",
        ratio=int(str(names)) / count,
        target="none lost, none twice",
        holds=(images, names) == (count, count),
    )
    if not scans:
        return
    scan_s = statistics.median(scans)
    yield Figure(
        number=4,
        name=f"the daemon's scan of these {count} files, CPU",
        value=f"{scan_s:.2f} s",
        baseline=f"find -printf {find_s:.2f} s",
        ratio=scan_s / find_s,
        target="ratio <= 2",
        holds=scan_s <= 2 * find_s,
        spread=f"{min(scans):.2f} .. {max(scans):.2f} s",
    )
