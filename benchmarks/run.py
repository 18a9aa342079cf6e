"""Runs the benchmarks and prints one table: figure, baseline, ratio, target, holds or not, spread."""

import argparse
import datetime
import sys
from collections.abc import Callable

from benchmarks import latency, many_rules, small_files
from benchmarks.harness import Figure, machine


def figures(*, is_quick: bool) -> list[Callable[[], tuple[Figure, ...]]]:
    """List what is measured; the quick run is smaller, and says so in its names."""
    return [
        lambda: (latency.measure(count=100 if is_quick else 600),),
        lambda: (small_files.measure(count=1000 if is_quick else 10_000, rounds=1 if is_quick else 3),),
        lambda: many_rules.measure(files=20_000 if is_quick else 1_000_000, rounds=3),
    ]


def row(figure: Figure) -> str:
    """Give a figure as a row of a Markdown table."""
    holds = {True: "yes", False: "**no**", None: ""}[figure.holds]
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
    cells = (figure.name, figure.value, figure.baseline, ratio, figure.target, holds, figure.spread)
    return "| " + " | ".join(cells) + " |"


def main() -> int:
    """Measure and print; the exit code says nothing about speed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller sizes, under 3 minutes")
    chosen = parser.parse_args()
    print(f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}, {machine()}\n")
    print("| what | figure | baseline | ratio | target | holds | spread |\n|---|---|---|---|---|---|---|")
    for measure in figures(is_quick=chosen.quick):
        for figure in measure():
            print(row(figure), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
