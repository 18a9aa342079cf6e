"""Runs the benchmarks and prints one table: figure, baseline, ratio, target, holds or not, spread."""

import argparse
import datetime
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from benchmarks import catalogue, latency, many_rules, program, reading, scanning, small_files
from benchmarks.harness import Figure, machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much is measured; the names in the table say it, too."""

    rounds: int
    large_files: int
    small_files: int
    tiled_files: int
    latency_files: int
    burst_files: int
    scan_files: int
    images: int
    planes: int
    compressed_files: int
    paths: int
    idle_folders: int
    idle_files: int
    idle_s: float


QUICK = Sizes(
    rounds=1, large_files=24, small_files=300, tiled_files=40, latency_files=60, burst_files=300, scan_files=20_000,
    images=20_000, planes=10_000, compressed_files=16, paths=20_000, idle_folders=1000, idle_files=20_000, idle_s=10.0,
)  # fmt: skip
WHOLE = Sizes(
    rounds=3, large_files=500, small_files=10_000, tiled_files=500, latency_files=600, burst_files=100_000,
    scan_files=200_000, images=1_000_000, planes=10_000, compressed_files=64, paths=1_000_000, idle_folders=20_000,
    idle_files=1_000_000, idle_s=60.0,
)  # fmt: skip
LARGE = Sizes(
    rounds=3, large_files=500, small_files=10_000, tiled_files=500, latency_files=600, burst_files=100_000,
    scan_files=1_000_000, images=5_000_000, planes=10_000, compressed_files=64, paths=1_000_000, idle_folders=20_000,
    idle_files=1_000_000, idle_s=60.0,
)  # fmt: skip


def measures(sizes: Sizes) -> dict[int, Callable[[], Iterable[Figure]]]:
    """Give what measures each target; 2 and 4 are done together with others of their kind."""
    return {
        11: lambda: program.measure_start(rounds=3 * sizes.rounds),
        13: reading.measure_fidelity,
        8: lambda: reading.measure_planes(planes=sizes.planes),
        9: lambda: reading.measure_compressed(count=sizes.compressed_files),
        10: lambda: many_rules.measure(files=sizes.paths, rounds=3),
        5: lambda: scanning.measure_scans(count=sizes.scan_files, rounds=sizes.rounds),
        6: lambda: catalogue.measure_pages(rows=sizes.images),
        7: reading.measure_huge,
        3: lambda: latency.measure(count=sizes.latency_files),
        2: lambda: small_files.measure_small(
            count=sizes.small_files, rounds=sizes.rounds, tiled_count=sizes.tiled_files
        ),
        1: lambda: small_files.measure_large(count=sizes.large_files, rounds=sizes.rounds),
        4: lambda: scanning.measure_burst(count=sizes.burst_files),
        12: lambda: program.measure_idle(folders=sizes.idle_folders, files=sizes.idle_files, seconds=sizes.idle_s),
    }


def row(figure: Figure) -> str:
    """Give a figure as a row of a Markdown table."""
    holds = {True: "yes", False: "**no**", None: ""}[figure.holds]
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
    cells = (str(figure.number), figure.name, figure.value, figure.baseline, ratio, figure.target, holds, figure.spread)
    return "| " + " | ".join(cells) + " |"


def main() -> int:
    """Measure and print; the exit code says nothing about speed."""
    parser = argparse.ArgumentParser(description=__doc__)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="smaller sizes, under 3 minutes")
    size.add_argument("--large", action="store_true", help="5,000,000 images and 1,000,000 files as well")
    parser.add_argument("--only", type=int, nargs="*", metavar="TARGET", help="only these targets")
    chosen = parser.parse_args()
    begun = time.monotonic()
    print(f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}, {machine()}\n")
    print("| # | what | figure | baseline | ratio | target | holds | spread |\n|---|---|---|---|---|---|---|---|")
    for number, measure in measures(QUICK if chosen.quick else LARGE if chosen.large else WHOLE).items():
        if not chosen.only or number in chosen.only:
            for figure in measure():
                print(row(figure), flush=True)
    print(f"\n{time.monotonic() - begun:.0f} s in all", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
