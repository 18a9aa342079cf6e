"""Draws how cost grows with size, on logarithmic axes: ``python -m benchmarks.plots`` writes docs/cost-*.png."""

import argparse
import math
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from benchmarks import catalogue, reading, scanning
from benchmarks.harness import cpu_ms
from catalog.engine import open_catalogue

DOCS = Path(__file__).parent.parent / "docs"
WIDTH, HEIGHT = 900, 560
LEFT, TOP, RIGHT, BOTTOM = 90, 60, 40, 70
COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd")

Points = Sequence[tuple[float, float]]


def draw(path: Path, title: str, x_title: str, y_title: str, lines: Mapping[str, Points]) -> None:
    """Draw lines of (size, cost) on a grid of decades: what grows in proportion rises by one for each to the right."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), "white")
    pen = ImageDraw.Draw(picture)
    font, large = ImageFont.load_default(15), ImageFont.load_default(20)
    points = [point for line in lines.values() for point in line]
    xs, ys = ([math.log10(value) for value in axis] for axis in zip(*points, strict=True))
    low_x, high_x = math.floor(min(xs)), math.ceil(max(xs))
    low_y, high_y = math.floor(min(ys)), max(math.ceil(max(ys)), math.floor(min(ys)) + 1)

    def place(x: float, y: float) -> tuple[float, float]:
        across = (math.log10(x) - low_x) / (high_x - low_x)
        up = (math.log10(y) - low_y) / (high_y - low_y)
        return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)

    for decade in range(low_x, high_x + 1):
        x = place(10**decade, 10**low_y)[0]
        pen.line([(x, TOP), (x, HEIGHT - BOTTOM)], "#dddddd")
        pen.text((x, HEIGHT - BOTTOM + 8), f"{10**decade:,}", "black", font, anchor="mt")
    for decade in range(low_y, high_y + 1):
        y = place(10**low_x, 10**decade)[1]
        pen.line([(LEFT, y), (WIDTH - RIGHT, y)], "#dddddd")
        pen.text((LEFT - 8, y), f"{10.0**decade:g}", "black", font, anchor="rm")
    for number, (name, line) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        placed = [place(*point) for point in line]
        pen.line(placed, colour, width=3)
        for x, y in placed:
            pen.ellipse([x - 4, y - 4, x + 4, y + 4], colour)
        pen.text((LEFT + 12, TOP + 8 + 20 * number), name, colour, font)
    pen.text((WIDTH / 2, 28), title, "black", large, anchor="mm")
    pen.text((WIDTH / 2, HEIGHT - 22), x_title, "black", font, anchor="mm")
    pen.text((8, TOP - 24), y_title, "black", font)
    picture.save(path, optimize=True)


def scans(sizes: Sequence[int]) -> None:
    """Plot scans against the number of files."""
    lines: dict[str, list[tuple[float, float]]] = {
        "first scan": [],
        "pass of a daemon, unchanged": [],
        "find -printf": [],
    }
    for size in sizes:
        costs = scanning.scan_costs(size, 1)
        for line, values in zip(lines.values(), (costs.firsts, costs.passes, costs.finds), strict=True):
            line.append((size, max(statistics.median(values), 0.001)))
    draw(DOCS / "cost-files.png", "Scanning", "files", "s of CPU", lines)


def planes(sizes: Sequence[int]) -> None:
    """Plot reading an OME-TIFF against its planes."""
    line: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory(prefix="coverslip-bench-") as folder:
        for size in sizes:
            path = reading.planes_file(Path(folder), size, 512)
            line.append((size, cpu_ms(partial(reading.read_well, path, hash_now_bytes=0), 3)))
    title = "Metadata and thumbnail of an OME-TIFF"
    draw(DOCS / "cost-planes.png", title, "planes", "ms of CPU", {"without the hash": line})


def pages(sizes: Sequence[int]) -> None:
    """Plot pages and counts against the number of images, for a member of one group."""
    only = ("first page, ids", "a page in the middle, ids", "count of one dataset")
    lines: dict[str, list[tuple[float, float]]] = {name: [] for name in only}
    for size in sizes:
        with catalogue.sqlite() as url, closing(open_catalogue(url, create=True)) as opened:
            catalogue.build(opened, size)
            for what, with_ms, _ in catalogue.measure(opened, "u11", size, only=frozenset(only)):
                lines[what].append((size, with_ms))
    draw(DOCS / "cost-images.png", "Pages and counts, SQLite, member of one group", "images", "ms of CPU", lines)


def main() -> int:
    """Measure and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two decades instead of three")
    is_quick = parser.parse_args().quick
    scans((2000, 20_000, 100_000) if is_quick else (1000, 10_000, 100_000, 1_000_000))
    planes((10, 100, 1000, 10_000))
    pages((3000, 30_000, 300_000) if is_quick else (3000, 30_000, 300_000, 1_000_000))
    return 0


if __name__ == "__main__":
    sys.exit(main())
