"""One image of very many files: import, show, picture, one plane more, regions. `python -m benchmarks.large_set 1000`.

Each file is a plane of 8 x 8 px, so that what is measured is what a file costs, not its pixels. It is not one of the
numbered targets; the figures stand in docs/performance.md.
"""

import io
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import tifffile

from benchmarks.harness import PROGRAM, BenchSite, Ended, bench_site, cost_of
from catalog.acting import resolve_acting
from catalog.engine import open_catalogue
from catalog.queries.pixels import image_pixels
from ingest.pixels import opened_pixels, region, source_of

PLANES_OF_A_STACK = 100
SINGLE, JOINED = "{image}.{ext}", "{image}_t{t}_z{z}.{ext}"
REGIONS = 200


def write_planes(folder: Path, numbers: range) -> None:
    """Write planes that differ in their first pixels."""
    folder.mkdir(parents=True, exist_ok=True)
    buffer, pixels = io.BytesIO(), np.arange(64, dtype=np.uint16).reshape(8, 8)
    tifffile.imwrite(buffer, pixels)
    raw = bytearray(buffer.getvalue())
    at = bytes(raw).find(pixels.tobytes())
    for number in numbers:
        raw[at : at + 4] = (number + 1).to_bytes(4, "little")
        t, z = divmod(number, PLANES_OF_A_STACK)
        (folder / f"cell_t{t:04}_z{z:03}.tif").write_bytes(raw)


def regions_ms(site: BenchSite, planes: int) -> float:
    """Give the CPU time of a region of any plane, through the interface that every later reader uses."""
    with open_catalogue(f"sqlite:///{site.database}").reading() as connection:
        acting = resolve_acting(connection, "ada", now=datetime.now(UTC), writes_database=False)
        found = image_pixels(connection, acting, 1)
    assert found is not None
    chosen = np.random.default_rng(1).integers(0, planes, REGIONS)
    with opened_pixels(source_of(found, os.fsencode(site.folder / "data"))) as image:
        begun = time.process_time()
        for number in chosen:
            t, z = divmod(int(number), PLANES_OF_A_STACK)
            region(image, z=z, t=t)
    return (time.process_time() - begun) * 1000 / REGIONS


def measure(planes: int) -> list[tuple[str, Ended]]:
    """Give what each command costs with an image of so many planes."""
    with bench_site() as site:
        rules = site.folder / "coverslip.yaml"
        rules.write_text(rules.read_text(encoding="utf-8").replace(SINGLE, JOINED), encoding="utf-8")
        folder = site.inbox / "film"
        write_planes(folder, range(planes))

        def cost(*arguments: str) -> Ended:
            return cost_of([PROGRAM, "-c", rules, *arguments])

        site.run("init")
        found = [("import", cost("import")), ("import, nothing new", cost("import"))]
        write_planes(folder, range(planes, planes + 1))
        found += [
            ("import, one plane more", cost("import")),
            ("show", cost("show", "image:1")),
            ("thumbnail, drawn anew", cost("thumbnail", "image:1", "-o", str(site.folder / "p.png"), "--size", "512")),
            ("verify", cost("verify", "image:1")),
        ]
        print(f"{planes} planes: a region of any plane {regions_ms(site, planes):.2f} ms of CPU", flush=True)
        return found


def main() -> int:
    """Measure for each number of planes that is named."""
    for planes in map(int, sys.argv[1:] or ["1000"]):
        for name, ended in measure(planes):
            print(f"{planes} planes: {name}: {ended.cpu_s:.2f} s of CPU, {ended.peak_mib:.0f} MiB", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
