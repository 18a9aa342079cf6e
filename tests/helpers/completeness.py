"""Measures what the structural probe catches: ``python -m tests.helpers.completeness`` writes docs/completeness.md.

Every undamaged TIFF of the real collection is read (false alarms), and damaged variants of them that a fixed generator
makes. A variant that is read although it is damaged is a miss, and is explained by what was damaged. With ``--part N``
only a part is measured and kept in --cache, so that the whole takes several short runs; without, what the cache has
not is measured and the page is written. ``--check`` compares the page instead.
"""

import argparse
import difflib
import json
import os
import struct
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import tifffile

from ingest.probe import ZEROS_AT_MOST, zero_share
from ingest.work import Outcome
from tests.helpers.reads import read_path
from tests.helpers.real_data import real_data

PAGE = Path(__file__).parents[2] / "docs" / "completeness.md"
KINDS = ("undamaged", "cut", "zeros", "hole", "page missing", "XML cut")
CUT_FILES = 20
CUT_BYTES = 4096
PAGES_AT_MOST = 200
ENDINGS = (".tif", ".tiff", ".lsm", ".stk", ".svs", ".ndpi", ".btf", ".scn", ".qptiff")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What became of one variant; ``why`` explains a miss or a false alarm, '' for what is as it should be."""

    kind: str
    file: str
    where: int
    is_read: bool
    why: str


# -- what a file is made of -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Anatomy:
    """Byte ranges of a whole file: of directories and tag values, of pixels by piece, and of its OME-XML."""

    structure: tuple[tuple[int, int], ...]
    pixels: tuple[tuple[int, int], ...]
    row_bytes: int
    pixel_bytes: int
    is_packed: bool
    #: Where the pointer to each page stands, and its struct format: entry 0 is in the header.
    pointers: tuple[int, ...]
    pointer_format: str
    xml: tuple[int, int] | None
    declares_count: bool


def anatomy(path: Path) -> Anatomy | None:
    """Take a file apart with tifffile; None when it can't."""
    try:
        with tifffile.TiffFile(path) as tif:
            return _anatomy(tif)
    except Exception:  # noqa: BLE001 - whatever it can't read is left out of what is measured
        return None


def _anatomy(tif: tifffile.TiffFile) -> Anatomy:
    structure, pixels, pointers = [], [], []
    form = tif.tiff
    pages = [page.aspage() for page in tif.pages]
    below = [inner.aspage() for page in pages for inner in (page.pages or ())]
    for page in (*pages, *below):
        size = form.tagnosize + len(page.tags) * form.tagsize + form.offsetsize
        structure.append((page.offset, page.offset + size))
        structure += [(tag.valueoffset, tag.valueoffset + tag.valuebytecount) for tag in page.tags]
        pieces = zip(page.dataoffsets, page.databytecounts, strict=False)
        pixels += [(start, start + count) for start, count in pieces if count]
    for page in pages:
        pointers.append(page.offset + form.tagnosize + _entries(tif, page.offset) * form.tagsize)
    first = pages[0]
    bits = first.bitspersample * (first.samplesperpixel if first.planarconfig == 1 else 1)
    xml = first.tags.get(270) if tif.is_ome else None
    return Anatomy(
        structure=tuple(structure),
        pixels=tuple(pixels),
        row_bytes=max(1, (first.tilewidth if first.is_tiled else first.imagewidth) * bits // 8),
        pixel_bytes=max(1, bits // 8),
        is_packed=first.compression != 1,
        pointers=(8 if form.version == 43 else 4, *pointers),
        pointer_format=form.offsetformat,
        xml=(xml.valueoffset, xml.valueoffset + xml.valuebytecount) if xml is not None else None,
        declares_count=bool(
            tif.is_ome
            or tif.is_imagej
            or tif.is_micromanager
            or tif.is_lsm
            or tif.is_stk
            or tif.is_shaped
            or tif.is_scn
        ),
    )


def _entries(tif: tifffile.TiffFile, offset: int) -> int:
    tif.filehandle.seek(offset)
    form = tif.tiff
    return int(struct.unpack(form.tagnoformat, tif.filehandle.read(form.tagnosize))[0])


def _touches(ranges: tuple[tuple[int, int], ...], start: int, end: int) -> bool:
    return any(first < end and last > start for first, last in ranges)


# -- the generator ----------------------------------------------------------------------------------------------------


@contextmanager
def _copy(path: Path, folder: Path) -> Iterator[Path]:
    made = folder / path.name
    made.write_bytes(path.read_bytes())
    yield made
    made.unlink()


def cuts(path: Path, folder: Path, name: str) -> Iterator[Finding]:
    """Cut the file at every 4 KiB."""
    parts, size = anatomy(path), path.stat().st_size
    with _copy(path, folder) as made:
        for cut in range((size - 1) // CUT_BYTES * CUT_BYTES, 0, -CUT_BYTES):
            os.truncate(made, cut)
            yield _judge(made, "cut", name, cut, lambda cut=cut: _why_cut(parts, cut, size))  # type: ignore[misc]  # bound


def _why_cut(parts: Anatomy | None, cut: int, size: int) -> str:
    if parts is not None and not _touches(parts.structure + parts.pixels, cut, size):
        return "nothing refers to what was cut off"
    return "?"


def zeros(path: Path, folder: Path, name: str, *, is_hole: bool = False) -> Iterator[Finding]:
    """Fill the last tenth, two tenths ... with zeros, or make holes of them (a sparse copy)."""
    whole = path.read_bytes()
    parts, size = anatomy(path), len(whole)
    with _copy(path, folder) as made:
        for tenth in range(9, 0, -1):
            start = size * tenth // 10
            if not whole[start:].strip(b"\0"):
                continue  # zeros already: not damaged
            if is_hole:
                os.truncate(made, start)
                os.truncate(made, size)
            else:
                with made.open("r+b") as file:
                    file.seek(start)
                    file.write(bytes(size - start))
            kind = "hole" if is_hole else "zeros"
            yield _judge(made, kind, name, start, lambda start=start: _why_zeros(parts, whole, start))  # type: ignore[misc]  # bound


def holes(path: Path, folder: Path, name: str) -> Iterator[Finding]:
    """Make holes of the last tenth, two tenths ..."""
    return zeros(path, folder, name, is_hole=True)


def _why_zeros(parts: Anatomy | None, whole: bytes, start: int) -> str:
    if parts is None:
        return "?"
    last = len(whole.rstrip(b"\0"))
    if not _touches(parts.structure + parts.pixels, start, last):
        return "nothing refers to what became zeros"
    if last - start < CUT_BYTES:
        return "fewer than 4096 bytes became zeros"
    written = len(whole[:start].rstrip(b"\0"))
    end = max(end for _, end in parts.pixels)
    if parts.is_packed:
        return "?" if end - written >= CUT_BYTES else "fewer than 4096 zeros at the end of packed pixels"
    if end - written < CUT_BYTES:
        return "fewer than 4096 zeros: pictures end in black"
    if written <= min(start for start, _ in parts.pixels):
        return "all pixels became zeros: as in a picture that is black"
    piece = max((piece for piece in parts.pixels if piece[0] <= written), default=(0, 0))
    into_row = (written - piece[0]) % parts.row_bytes
    if into_row <= parts.pixel_bytes or parts.row_bytes - into_row <= parts.pixel_bytes:
        return "the zeros begin with a row: as in a picture that ends in black"
    if zero_share(whole[max(0, written - (1 << 16)) : written], parts.pixel_bytes) >= ZEROS_AT_MOST:
        return "zeros are common in the picture"
    return "?"


def pages_missing(path: Path, folder: Path, name: str) -> Iterator[Finding]:
    """Leave each page out of the chain of directories; its bytes stay."""
    parts, whole = anatomy(path), path.read_bytes()
    if parts is None or len(parts.pointers) < 3 or name.endswith(".ndpi"):
        return
    size, before = struct.calcsize(parts.pointer_format), _sizes(path)
    with _copy(path, folder) as made:
        for page in range(min(len(parts.pointers) - 1, PAGES_AT_MOST)):
            to, of = parts.pointers[page], parts.pointers[page + 1]
            made.write_bytes(whole[:to] + whole[of : of + size] + whole[to + size :])
            yield _judge(
                made,
                "page missing",
                name,
                page + 1,
                lambda page=page: _why_missing(parts, made, before, page),  # type: ignore[misc]  # bound
            )


def _why_missing(parts: Anatomy, made: Path, before: list[tuple[int, ...]], page: int) -> str:
    if _sizes(made) == before:
        return "all planes are found without that page's directory (they lie in a row)"
    if parts.declares_count and page == 0:
        return "what the file declares stood in its first page"
    return "?" if parts.declares_count else "the file declares no number of pages"


def xml_cuts(path: Path, folder: Path, name: str) -> Iterator[Finding]:
    """Cut the OME-XML at every tenth; the rest of its bytes are zeros."""
    parts, whole = anatomy(path), path.read_bytes()
    if parts is None or parts.xml is None:
        return
    start, end = parts.xml
    with _copy(path, folder) as made:
        for tenth in range(10):
            cut = start + (end - start) * tenth // 10
            made.write_bytes(whole[:cut] + bytes(end - cut) + whole[end:])
            yield _judge(made, "XML cut", name, tenth, lambda: "?")


def _sizes(path: Path) -> list[tuple[int, ...]]:
    """Give the sizes of the images that are read from a file."""
    images = read_path(path, thumbnail_px=32).images
    return [(image.size_x, image.size_y, image.size_z, image.size_c, image.size_t) for image in images]


def _judge(path: Path, kind: str, name: str, where: int, why: Callable[[], str]) -> Finding:
    is_read = _is_read(path)
    return Finding(kind=kind, file=name, where=where, is_read=is_read, why=why() if is_read else "")


def _is_read(path: Path) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read_path(path, thumbnail_px=32).outcome is Outcome.READ


_WAYS: dict[str, Callable[[Path, Path, str], Iterator[Finding]]] = {
    "cut": cuts, "zeros": zeros, "hole": holes, "page missing": pages_missing, "XML cut": xml_cuts,
}  # fmt: skip


# -- the collection ---------------------------------------------------------------------------------------------------


def tiffs(folder: Path) -> list[Path]:
    """Give all files of the collection with a TIFF's ending, by size."""
    found = [path for path in folder.rglob("*") if path.name.lower().endswith(ENDINGS) and path.is_file()]
    return sorted(found, key=lambda path: (path.stat().st_size, str(path)))


def undamaged(folder: Path, files: list[Path]) -> Iterator[Finding]:
    """Read all as they lie: a refusal as damaged or not whole is a false alarm, unless the file is really broken."""
    for path in files:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = read_path(path, thumbnail_px=32)
        is_alarm = result.outcome in (Outcome.UNSETTLED, Outcome.DAMAGED)
        yield Finding(
            kind="undamaged", file=str(path.relative_to(folder)), where=0, is_read=result.outcome is Outcome.READ,
            why=(result.reason or "").split(": ")[0] if is_alarm else "",
        )  # fmt: skip


def measured(kind: str, folder: Path, files: list[Path]) -> Iterator[Finding]:
    """Measure all variants of one kind of these files."""
    with tempfile.TemporaryDirectory(prefix="coverslip-completeness-") as scratch:
        for path in files:
            yield from _WAYS[kind](path, Path(scratch), str(path.relative_to(folder)))


def spread(files: list[Path], count: int) -> list[Path]:
    """Give so many files, spread evenly over all sizes."""
    return [files[(2 * number + 1) * len(files) // (2 * count)] for number in range(count)]


# -- the page ---------------------------------------------------------------------------------------------------------

_INTRO = """# Whole or not: how well the probe tells

A file is imported when it is quiet and structurally whole. What the structural probe catches is measured over all
undamaged TIFFs of a collection of real microscopy files and over damaged variants that a fixed generator makes of
them. Written by `python -m tests.helpers.completeness`; do not edit the tables by hand.

- **cut**: twenty files, spread over all sizes, cut at every 4 KiB (one is smaller than that).
- **zeros**, **hole**: the last tenth, two tenths ... nine tenths of each file are zeros, or were never written (a
  pre-allocated or sparse copy).
- **page missing**: each page (of the first 200) left out of the chain.
- **XML cut**: the OME-XML cut at every tenth.

*Caught* is not imported: not whole, damaged or refused. *Missed* is imported though something was taken away.

| variant | files | variants | caught | missed | of these unexplained |
|---|---:|---:|---:|---:|---:|
"""


def page(found: list[Finding]) -> str:
    """Give the page's text."""
    lines = []
    for kind in KINDS[1:]:
        mine = [one for one in found if one.kind == kind]
        missed = [one for one in mine if one.is_read]
        unexplained = sum(one.why == "?" for one in missed)
        files = len({one.file for one in mine})
        lines.append(f"| {kind} | {files} | {len(mine)} | {len(mine) - len(missed)} | {len(missed)} | {unexplained} |")
    return _INTRO + "\n".join(lines) + "\n\n" + _misses(found) + "\n" + _alarms(found)


def _misses(found: list[Finding]) -> str:
    counted = Counter((one.kind, one.why) for one in found if one.is_read and one.kind != "undamaged")
    lines = [f"| {kind} | {why} | {count} |" for (kind, why), count in sorted(counted.items())]
    head = "## What is missed, and why\n\n| variant | why | variants |\n|---|---|---:|\n"
    named = [f"- {one.kind} at {one.where}: `{one.file}`" for one in found if one.is_read and one.why == "?"]
    told = "\nUnexplained:\n\n" + "\n".join(named[:50]) + "\n" if named else ""
    return head + "\n".join(lines) + "\n" + told


def _alarms(found: list[Finding]) -> str:
    mine = [one for one in found if one.kind == "undamaged"]
    alarms = [one for one in mine if one.why]
    lines = [f"- `{one.file}`: {one.why}" for one in alarms]
    read = sum(one.is_read for one in mine)
    return (
        f"## False alarms\n\nOf {len(mine)} files as they lie in the collection {read} are read,"
        f" {len(mine) - len(alarms) - read} are held or ignored (part of a set, or of a kind that is not read), and"
        f" {len(alarms)} are called damaged or not whole:\n\n" + "\n".join(lines) + "\n"
    )


def _measure_part(kind: str, folder: Path, cache: Path, part: int, parts: int) -> None:
    kept = cache / f"{kind}-{part}-of-{parts}.jsonl".replace(" ", "-")
    if kept.exists():
        return
    if kind == "undamaged":
        found = list(undamaged(folder, tiffs(folder)[part::parts]))
    else:
        files = [path for path in tiffs(folder) if _is_read(path)]
        files = (spread(files, CUT_FILES) if kind == "cut" else files)[part::parts]
        found = list(measured(kind, folder, files))
    kept.write_text("".join(json.dumps(asdict(one)) + "\n" for one in found), encoding="utf-8")


def main() -> int:
    """Measure, and write or check the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "coverslip-completeness")
    parser.add_argument("--parts", type=int, default=4)
    parser.add_argument("--part", type=int)
    parser.add_argument("--kind", choices=KINDS)
    parser.add_argument("--check", action="store_true")
    chosen = parser.parse_args()
    folder = real_data()
    if folder is None:
        sys.stderr.write("the folder of real files is not there: set COVERSLIP_TEST_DATA to it\n")
        return 1
    chosen.cache.mkdir(parents=True, exist_ok=True)
    kinds = KINDS if chosen.kind is None else (chosen.kind,)
    for kind in kinds:
        for part in range(chosen.parts) if chosen.part is None else (chosen.part,):
            _measure_part(kind, folder, chosen.cache, part, chosen.parts)
    if chosen.part is not None or chosen.kind is not None:
        return 0
    lines = [line for kept in sorted(chosen.cache.glob(f"*-of-{chosen.parts}.jsonl")) for line in kept.open()]
    written = page(sorted((Finding(**json.loads(line)) for line in lines), key=lambda one: (one.file, one.where)))
    if chosen.check:
        differs = list(difflib.unified_diff(PAGE.read_text(encoding="utf-8").splitlines(), written.splitlines(), n=0))
        sys.stdout.writelines(f"{line}\n" for line in differs)
        return 1 if differs else 0
    PAGE.write_text(written, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
