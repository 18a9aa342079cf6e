"""Writes docs/formats.md from the real collection: ``python -m tests.helpers.format_table [--check]``."""

import sys
from collections import Counter, defaultdict
from pathlib import Path

from tests.helpers.reads import read_path
from tests.helpers.real_data import manifest, real_data

PAGE = Path(__file__).parents[2] / "docs" / "formats.md"

_INTRO = """# Formats

What Coverslip makes of files, by their first bytes and never by their name alone. Written by
`python -m tests.helpers.format_table` from a collection of real microscopy files; do not edit the table by hand.

## Read
OME-TIFF, ImageJ TIFF, MetaMorph STK, MetaSeries TIFF, Zeiss LSM, Micro-Manager and NDTiff stacks, FluoView, ScanImage,
Aperio SVS, Hamamatsu NDPI, Leica SCN, PerkinElmer QPTIFF, plain TIFF and BigTIFF; PNG, JPEG, BMP and GIF.

## What is decided where files are silent
- **Times.** A time without a zone is taken as local time of the machine that reads it, as instruments write it.
  Of JPEG and PNG only EXIF's DateTimeOriginal counts; of plain TIFFs the DateTime tag.
- **Physical sizes.** Resolution tags are print sizes and count only where their writer means them: ImageJ with
  a unit of length other than the inch, NDPI, SCN and QPTIFF in centimetres. Everything else stays unknown.
- **Axes.** Pages of a TIFF about which nothing is said are time points. Positions are images of their own.
  Frames of a GIF are time points.
- **Pixels.** Half floats are called `float` with 16 significant bits; 64-bit integers have no name in OME and
  are refused.
- **Label, macro, overview and thumbnail** pictures inside a file are no images.
- **Sets.** A file whose OME-XML names other files, or one of several files of a Micro-Manager stack, is held as
  part of a set; the others are not opened. A name that leads out of the folder makes the file damaged.
- **Whole or not.** A file is not settled while a part lies beyond its end, while pages are missing that it
  declares, while its last page cannot be unpacked, or while its end is zeros that look unwritten. Packed pieces
  above 256 MiB that claim to grow more than 500 times are bombs.
- **Pictures.** Contrast lies between the 0.5th and the 99.8th percentile of a spread sample. Colours: the
  file's; else by emission wavelength (blue below 480 nm, cyan, green, yellow, red, magenta from 650 nm), by the
  channel's name, by order. A single channel is grey unless the file colours it. At most seven channels are
  mixed. Planes above 1 GiB are sampled. Pixels that are not square are shown in the specimen's proportions.
  Nothing is enlarged.

## The collection, by layout
| layout | files | outcome | format or reason |
|---|---:|---|---|
"""


def table(folder: Path) -> str:
    """Give the page's text."""
    outcomes: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    for row in manifest(folder):
        path = folder / row["path"]
        if not path.is_file():
            outcomes[row["layout"]]["ignored", "a folder that is one image (OME-Zarr)"] += 1
            continue
        result = read_path(path)
        said = result.format or (result.reason or "").split(": ")[0]
        outcomes[row["layout"]][result.outcome.value, said] += 1
    lines = [
        f"| {layout} | {count} | {outcome} | {said} |"
        for layout, counted in sorted(outcomes.items())
        for (outcome, said), count in sorted(counted.items())
    ]
    return _INTRO + "\n".join(lines) + "\n"


def main() -> int:
    """Write the page, or with --check say whether it is as it would be written."""
    folder = real_data()
    if folder is None:
        sys.stderr.write("the folder of real files is not there: set COVERSLIP_TEST_DATA to it\n")
        return 1
    written = table(folder)
    if "--check" in sys.argv:
        return 0 if PAGE.read_text(encoding="utf-8") == written else 1
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(written, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
