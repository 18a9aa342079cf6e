"""The real plates and file sets, each with its rule; and what images of them say, as rows of docs/layouts.md."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "layouts.md"

#: Below the folder of real files: what a facility manager would write.
RULES = r"""
      - {match: 'plateviewer/{plate}', layout: scanr}
      - {match: 'plateviewer/{plate}', layout: almf}
      - {match: 'cellprofiler-examples/{plate}/images', layout: cellomics}
      - {match: 'cellprofiler-examples/{folder}/images', layout: imagexpress, set: {plate: 'IXM {folder}'}}
      - {match: 'faim-ipa/ImageXpress_exported/{plate}', layout: imagexpress}
      - {match: 'faim-ipa/ImageXpress/{plate}', layout: imagexpress}
      - {match: 'faim-ipa/CV8000/{plate}_{:%Y%m%d_%H%M%S}', layout: cellvoyager}
      - {match: 'operetta-compose/{plate}', layout: operetta}
      - {match: 'cytodataframe/{plate}/images', layout: operetta}
      - {match: 'metamorph-mda-parser/{dataset}', layout: metamorph}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table: a plate's run, or a dataset, with what its images have in common."""

    name: str
    run: str
    wells: str
    fields: str
    images: str
    channels: str
    z: str
    t: str
    px: str
    um: str

    @classmethod
    def read(cls, line: str) -> "Row":
        """Read a line of the page."""
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        return cls(**dict(zip(cls.__slots__, cells[: len(cls.__slots__)], strict=True)))


def rows_of_page() -> list[Row]:
    """Read the table of the page back."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("| plate or dataset |"))
    return [Row.read(line) for line in lines[start + 2 :] if line.startswith("|")]


def rows_of_images(images: Iterable[Any]) -> list[Row]:
    """Sum up what the program says of its images: a line for each plate's run or dataset."""
    groups: dict[tuple[str, str], list[Any]] = {}
    for image in images:
        groups.setdefault((image["plate"] or image["dataset"], image["run"] or ""), []).append(image)
    return [_row(name, run, found) for (name, run), found in sorted(groups.items())]


def _row(name: str, run: str, images: Sequence[Any]) -> Row:
    wells = {image["well"] for image in images if image["well"]}
    fields = {image["field"] for image in images if image["field"] is not None}
    return Row(
        name=name,
        run=run,
        wells=str(len(wells)) if wells else "",
        fields=str(len(fields)) if wells else "",
        images=str(len(images)),
        channels=_same(", ".join(one["name"] or "?" for one in image["channels"]) for image in images),
        z=_same(str(image["sizes"]["z"]) for image in images),
        t=_same(str(image["sizes"]["t"]) for image in images),
        px=_same(f"{image['sizes']['x']} x {image['sizes']['y']}" for image in images),
        um=_same(_microns(image["physical_size_um"]) for image in images),
    )


def _same(texts: Iterable[str]) -> str:
    return " / ".join(sorted(set(texts)))


def _microns(size: Any) -> str:
    said = [size[axis] for axis in "xyz"]
    return " x ".join("?" if one is None else f"{one:.4g}" for one in said) if any(said) else ""
