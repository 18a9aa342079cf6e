"""Draws how cost grows with size, on logarithmic axes: ``python -m benchmarks.plots`` writes docs/cost-*.png."""

import argparse
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from benchmarks import catalogue, program, reading, scanning
from benchmarks.harness import cpu_ms
from catalog.acting import resolve_acting
from catalog.engine import Catalogue, open_catalogue
from catalog.queries.filters import ImageFilters
from catalog.queries.images import image_ids

DOCS = Path(__file__).parent.parent / "docs"
WIDTH, HEIGHT = 900, 560
LEFT, TOP, RIGHT, BOTTOM = 90, 60, 40, 70
COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd")

#: What is less than this can't be drawn on a logarithmic axis.
LEAST = 0.001

Points = Sequence[tuple[float, float]]


def draw(path: Path, title: str, x_title: str, y_title: str, lines: Mapping[str, Points]) -> None:
    """Draw lines of (size, cost) on a grid of decades: what grows in proportion rises by one for each to the right."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), "white")
    pen = ImageDraw.Draw(picture)
    font, large = ImageFont.load_default(15), ImageFont.load_default(20)
    lines = {name: [(x, max(y, LEAST)) for x, y in line] for name, line in lines.items()}
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


Lines = dict[str, list[tuple[float, float]]]
#: Files of a folder, where the number of files is what grows.
PER_FOLDER = 1000
IDLE_S = 10.0


def files(into: Path, sizes: Sequence[int]) -> None:
    """Plot scans against the number of files."""
    lines = _scans(sizes, per_folder=PER_FOLDER)
    draw(into / "cost-files.png", f"Scanning, {PER_FOLDER:,} files a folder", "files", "s of CPU", lines)


def directories(into: Path, sizes: Sequence[int]) -> None:
    """Plot scans against the number of folders, with one file in each."""
    lines = _scans(sizes, per_folder=1)
    draw(into / "cost-directories.png", "Scanning, one file a folder", "folders", "s of CPU", lines)


def _scans(sizes: Sequence[int], *, per_folder: int) -> Lines:
    lines: Lines = {"first scan": [], "pass of a daemon, unchanged": [], "find -printf": []}
    for size in sizes:
        costs = scanning.scan_costs(size, 1, per_folder=per_folder)
        for line, values in zip(lines.values(), (costs.firsts, costs.passes, costs.finds), strict=True):
            line.append((size, statistics.median(values)))
    return lines


def idle(into: Path, sizes: Sequence[int]) -> None:
    """Plot what a daemon takes while nothing happens against the number of folders that it watches."""
    lines: Lines = {"% of a core": [], "memory, MB": []}
    for size in sizes:
        cost = program.idle_cost(size, 10 * size, IDLE_S)
        lines["% of a core"].append((size, 100 * cost.share))
        lines["memory, MB"].append((size, cost.memory_mb))
    draw(
        into / "cost-idle.png", "A daemon where nothing happens", "folders of 10 known files", "% of a core, MB", lines
    )


def planes(into: Path, sizes: Sequence[int]) -> None:
    """Plot reading an OME-TIFF against its planes."""
    lines: Lines = {"metadata and thumbnail, without the hash": [], "imread(key=0)": []}
    with tempfile.TemporaryDirectory(prefix="coverslip-bench-") as folder:
        for size in sizes:
            path = reading.planes_file(Path(folder), size, 2048)
            for line, cost_ms in zip(lines.values(), (reading.picture_ms, reading.imread_ms), strict=True):
                line.append((size, cost_ms(path)))
    draw(into / "cost-planes.png", "An OME-TIFF with planes of 2048 x 2048", "planes", "ms of CPU", lines)


def images(into: Path, sizes: Sequence[int]) -> None:
    """Plot pages and counts against the number of images, and a page against its depth among the most of them."""
    only = ("first page, ids", "a page in the middle, ids", "count of one dataset")
    lines: Lines = {name: [] for name in only}
    for size in sizes:
        with _catalogue_of(size) as opened:
            for what, with_ms, _ in catalogue.measure(opened, "u11", size, only=frozenset(only)):
                lines[what].append((size, with_ms))
            if size == max(sizes):
                _depths(into, opened, size)
    draw(into / "cost-images.png", "Pages and counts, SQLite, member of one group", "images", "ms of CPU", lines)


def _depths(into: Path, opened: Catalogue, rows: int) -> None:
    lines: Lines = {"member of one group": [], "member of six groups": []}
    with opened.reading() as connection:
        for line, name in zip(lines.values(), ("u11", "u20"), strict=True):
            acting = resolve_acting(connection, name, now=catalogue.AT, writes_database=False)
            for depth in (rows // 1000, rows // 100, rows // 10, rows // 2):
                after = catalogue.cursor_at(rows - depth)
                look = partial(image_ids, connection, acting, ImageFilters(), limit=100, after=after)
                line.append((depth, cpu_ms(look)))
    title = f"A page of 100 at any depth among {rows:,} images, SQLite"
    draw(into / "cost-depth.png", title, "images before the page", "ms of CPU", lines)


def groups(into: Path, sizes: Sequence[int]) -> None:
    """Plot pages and counts against the number of groups that somebody is in."""
    only = ("first page, ids", "a page in the middle, ids", "counts of all datasets in sight")
    lines: Lines = {name: [] for name in only}
    with _catalogue_of(IMAGES_OF_GROUPS, groups=max(sizes)) as opened:
        own = {catalogue.group_of(VIEWER, max(sizes))}
        others = [group for group in range(1, max(sizes) + 1) if group not in own]
        for before, size in zip((1, *sizes), sizes, strict=False):
            with opened.writing() as connection:
                joined = {(VIEWER, group) for group in others[before - 1 : size - 1]}
                if joined:
                    catalogue.join(connection, joined)
            for what, with_ms, _ in catalogue.measure(opened, f"u{VIEWER}", IMAGES_OF_GROUPS, only=frozenset(only)):
                lines[what].append((size, with_ms))
    title = f"Pages and counts among {IMAGES_OF_GROUPS:,} images, SQLite"
    draw(into / "cost-groups.png", title, "groups of the viewer", "ms of CPU", lines)


#: A person with one group at first, and among how many images theirs are.
VIEWER, IMAGES_OF_GROUPS = 11, 20_000


@contextmanager
def _catalogue_of(rows: int, *, groups: int = catalogue.GROUPS) -> Iterator[Catalogue]:
    with catalogue.sqlite() as url, closing(open_catalogue(url, create=True)) as opened:
        catalogue.build(opened, rows, groups=groups)
        yield opened


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """What measures and draws, and the sizes: two decades or more, for a few minutes and for as long as it takes."""

    measure: Callable[[Path, Sequence[int]], None]
    quick: Sequence[int]
    whole: Sequence[int]


PLOTS = {
    "files": Plot(measure=files, quick=(1000, 10_000, 100_000), whole=(1000, 10_000, 100_000, 1_000_000)),
    "directories": Plot(measure=directories, quick=(100, 1000, 10_000), whole=(100, 1000, 10_000, 100_000)),
    "idle": Plot(measure=idle, quick=(100, 1000, 10_000), whole=(100, 1000, 10_000, 20_000)),
    "planes": Plot(measure=planes, quick=(10, 100, 1000, 10_000), whole=(10, 100, 1000, 10_000, 100_000)),
    "images": Plot(measure=images, quick=(3000, 30_000, 300_000), whole=(3000, 30_000, 300_000, 1_000_000)),
    "groups": Plot(measure=groups, quick=(1, 10, 100, 200), whole=(1, 10, 100, 200)),
}


def main() -> int:
    """Measure and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two decades, in some minutes")
    parser.add_argument("--only", nargs="*", choices=PLOTS, metavar="PLOT", help=f"only these: {', '.join(PLOTS)}")
    parser.add_argument("--sizes", nargs="*", type=int, metavar="N", help="other sizes, of the plots that are named")
    parser.add_argument("--into", type=Path, default=DOCS, help="the folder for the pictures")
    chosen = parser.parse_args()
    for name in chosen.only or PLOTS:
        plot, begun = PLOTS[name], time.monotonic()
        plot.measure(chosen.into, chosen.sizes or (plot.quick if chosen.quick else plot.whole))
        print(f"{name}: {time.monotonic() - begun:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
