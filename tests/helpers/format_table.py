"""Writes docs/formats.md from the real collection: ``python -m tests.helpers.format_table [--check]``."""

import os
import sys
from collections import Counter, defaultdict
from pathlib import Path

from config.endings import EndingKind, ending_of
from ingest.work import Outcome
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
  Of JPEG and PNG only EXIF's DateTimeOriginal counts; of plain TIFFs the DateTime tag, unless
  an editor of pictures wrote the file: then it is when it was edited.
- **Physical sizes.** Resolution tags are print sizes and count only where their writer means them: ImageJ with
  a unit of length other than the inch, NDPI, SCN and QPTIFF in centimetres. Everything else stays unknown.
- **Axes.** Pages of a TIFF about which nothing is said are time points; where files' names
  tell the time point and no z, they are planes. Positions are images of their own.
  Frames of a GIF are time points.
- **Pixels.** Half floats are called `float` with 16 significant bits; 64-bit integers have no name in OME and
  are refused.
- **Label, macro, overview and thumbnail** pictures inside a file are no images; of a Leica SCN slide, the image whose
  view is the whole slide is the macro. A rule with `associated_images: keep` keeps them beside the image.
- **Sets that describe themselves.** OME-TIFF companions (`.companion.ome`), OME-TIFFs in several files, NDTiff and
  Micro-Manager stacks in several files (`NAME.tif`, `NAME_1.tif` ...) and MetaMorph's `.nd` with its TIFF and STK
  files are one fileset: the file that describes the others is matched by the rules, the others are `part of` it and
  need no rule. Of OME-TIFFs that name each other the first in natural order is that file. What is named must be
  relative, without `..`, inside the folder, a plain file, and by the rules the same people's or nobody's; else the
  set is quarantined ("names a file outside its folder"). A file that no rule matches must also have been written by
  the same account. What is named and not there stops nothing: the image is `partial`, its planes are empty, and it
  grows when they come. When the file that describes the others is overwritten, the image and what people noted stay
  with it, and what it names no more is filed as if just found: an image of its own, or held, ignored or unmatched
  with the reason. Files that describe each other go on without one that was overwritten by something else; written
  back, it takes an `apply` to join them. Without its main file a set stays as it was; when another of its files
  changes then, it is quarantined until the main file is back, or, where each describes all, read without it. Where a
  rule's names decide (`by: names`, or it captures a well, channel, z or t), what files say of each other is of no
  account. A MetaMorph file beside an `.nd` that was not read yet waits for it. Each position of a Micro-Manager
  acquisition that has a file of its own is an image of its own, with the files that go on
  after it, whatever its OME-XML says of the others. A stack that was broken off has the planes that were recorded.
- **Several files, one image.** All files must have the same width, height and type of pixels; one that differs
  quarantines the image and is named. Planes inside the files count along the axes that names don't tell, or one after
  the other where both do. Colour files of several channels give their samples as channels. Smaller copies inside are
  used where the first plane's file has them; a file without is thinned out.
- **Whole or not.** A file is not settled while a part lies beyond its end, while pages are missing that it
  declares, while its last page cannot be unpacked, or while its end is zeros that look unwritten. Packed pieces
  above 256 MiB that claim to grow more than 500 times are bombs.
- **Alpha** is no channel of a greyscale picture (PNG; TIFF whose tag ExtraSamples says 1 or 2): the grey counts alone.
  A second sample that no tag calls alpha is a channel, and an OME-TIFF tells its channels itself: where it counts as
  many as there are pages of grey with alpha, one above all, each page's grey is one.
- **Pictures.** Contrast lies between the 0.5th and the 99.8th percentile of a spread sample. Colours: the
  file's; else by emission wavelength (blue below 480 nm, cyan, green, yellow, red, magenta from 650 nm), by the
  channel's name, by order. A single channel is grey unless the file colours it. At most seven channels are
  mixed; a contrast range that ImageJ stored is used where it shows something. TIFF's and EXIF's orientation, palettes,
  white-is-zero, CMYK, YCbCr and L*a*b* are shown as a person would see them.
  Planes above 1 GiB are sampled. Pixels that are not square are shown in the specimen's proportions.
  Nothing is enlarged.

## The collection, by layout
The state that each file gets where a rule without layout matches it (`tests/acceptance/test_real_files.py` drives the
program over them). As plates: [layouts](layouts.md).

| layout | files | imported | held | ignored | quarantined | settling | what they are |
|---|---:|---:|---:|---:|---:|---:|---|
"""

_STATES = ("imported", "held", "ignored", "quarantined", "settling")
#: Formats of the collection that are read, and its layouts of images in several files.
STANDING_ALONE = ("TIFF", "PNG", "JPEG", "GIF", "WSI:aperio", "tif")
SETS = ("ome-tiff-companion", "ome-tiff-multifile", "metamorph-nd")


def state_of(path: Path) -> tuple[str, str]:
    """Give the state that a file must get, and what it is or why: by its ending, then by reading it."""
    ending = ending_of(path.name)
    if ending is None:
        return "ignored", f"`{path.suffix}`"
    if ending.kind is EndingKind.NOT_READ:
        return "ignored", ending.format
    result = read_path(path)
    if result.outcome is Outcome.READ:
        return "imported", result.format or ""
    if result.outcome is Outcome.DESCRIBES:
        is_any_there = any((path.parent / os.fsdecode(one.path)).exists() for one in result.names)
        is_there = is_any_there or result.is_mutual
        return ("imported", "describes a set") if is_there else ("settling", "describes a set that is not there")
    is_refused = result.outcome is Outcome.REFUSED
    return "held" if is_refused else "quarantined", (result.reason or "").split(": ")[0]


def table(folder: Path) -> str:
    """Give the page's text."""
    layouts: dict[str, list[tuple[str, str]]] = defaultdict(list)
    exceptions = []
    for row in manifest(folder):
        state, said = state_of(folder / row["path"])
        if row["layout"] in SETS and state == "held":
            state, said = "imported", "part of a set"
        layouts[row["layout"]].append((state, said))
        if row["format"].startswith(STANDING_ALONE) and row["layout"] not in SETS and state != "imported":
            exceptions.append(f"- `{row['path']}` is {state}: {said}.")
    lines = [_line(layout, found) for layout, found in sorted(layouts.items())]
    return (
        _INTRO + "\n".join(lines) + "\n\n## Exceptions\nTIFF, PNG, JPEG and GIF files that stand alone and are not"
        " imported:\n\n" + "\n".join(exceptions) + "\n"
    )


def _line(layout: str, found: list[tuple[str, str]]) -> str:
    counts = Counter(state for state, _ in found)
    cells = [str(counts[state] or "") for state in _STATES]
    kinds = ", ".join(said for said, _ in Counter(said for _, said in found).most_common())
    return f"| {layout} | {len(found)} | {' | '.join(cells)} | {kinds} |"


def states_by_layout(page: str) -> dict[str, Counter[str]]:
    """Read the table back: how many files of each layout are in each state."""
    found = {}
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and len(cells) == 8 and cells[1].isdigit():
            found[cells[0]] = Counter({state: int(n) for state, n in zip(_STATES, cells[2:7], strict=True) if n})
    return found


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
