"""The fixed scenario of the kill tests: what people do to their files, in stages.

Single, multi-series, growing, moved, deleted, put back, copied, held and then released files; an image of several
files that gets one more, loses one and moves with its folder; one whose main file is overwritten, and names the other
no more; copies in storage, one of which is all that is left.
"""

import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from pathlib import Path

import tifffile

from tests.helpers.described_sets import companion, part
from tests.helpers.pictures import plane, png_bytes, put, tiff_bytes

CONFIGURATION = """
catalog: {{url: '{url}'}}
state_dir: {folder}/state
groups:
  smith-lab: {{owners: [js2x], members: [{members}]}}
users: {{js2x: {{}}, {users}}}
watch:
  - root: {folder}/data
    name: confocal
    settle: 20ms
    rules:
      - match: '{{group}}/{{owner}}/{{project}}/{{dataset}}/{{image}}_z{{z}}.tif'
      - match: '{{group}}/{{owner}}/{{project}}/[{{dataset}}/**/]{{image}}.{{ext}}'
  - root: {folder}/archive
    name: archive
    role: storage
    settle: 20ms
"""
ADA = "smith-lab/ab3c/p"
ROOTS = {"confocal": "data", "archive": "archive"}


def write_configuration(folder: Path, url: str, *, is_released: bool) -> None:
    """Write the configuration in one step, before or after the held person became known."""
    members, users = ("ab3c, zz9z", "ab3c: {}, zz9z: {}") if is_released else ("ab3c", "ab3c: {}")
    fresh = folder / "coverslip.yaml.new"
    fresh.write_text(CONFIGURATION.format(url=url, folder=folder, members=members, users=users), encoding="utf-8")
    fresh.chmod(0o644)
    fresh.rename(folder / "coverslip.yaml")


@cache
def series_bytes() -> bytes:
    """Encode two series as one OME-TIFF."""
    out = BytesIO()
    with tifffile.TiffWriter(out, ome=True) as writer:
        writer.write(plane(21), photometric="minisblack")
        writer.write(plane(22, 48), photometric="minisblack")
    return out.getvalue()


@cache
def growing_bytes() -> bytes:
    """Encode the file that is written in two halves."""
    return tiff_bytes(31, 96)


def archived(folder: Path, path: str, to: str) -> None:
    """Copy a file of the data folder into storage, as `cp -p` does."""
    (folder / "archive" / to).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(folder / "data" / path, folder / "archive" / to)


def _arrive(folder: Path) -> None:
    data = folder / "data"
    for number, name in enumerate(("d/one.tif", "d/two.tif", "d/gone.tif", "e/a.tif", "e/b.tif", "d/kept.tif"), 1):
        put(data / ADA / name, tiff_bytes(number))
    put(data / ADA / "d/series.ome.tif", series_bytes())
    put(data / ADA / "d/grow.tif", growing_bytes()[:-2000])
    put(data / ADA / "d/notes.txt", b"hello")
    put(data / "smith-lab/zz9z/p/d/held.tif", tiff_bytes(41))
    for z in (1, 2):
        put(data / ADA / f"e/stack_z{z}.tif", tiff_bytes(50 + z))
    part(data / ADA / "g/main.ome.tif", 61, companion(["main.ome.tif", "part.tif"]))
    part(data / ADA / "g/part.tif", 62)
    archived(folder, f"{ADA}/e/a.tif", "2026/a.tif")
    archived(folder, f"{ADA}/e/stack_z1.tif", "2026/stack_z1.tif")


def _grow(folder: Path) -> None:
    data = folder / "data"
    put(data / ADA / "d/grow.tif", growing_bytes())
    put(folder / "replacement", tiff_bytes(11)).rename(data / ADA / "d/one.tif")
    put(data / ADA / "d/three.png", png_bytes(3))
    put(data / ADA / "e/stack_z3.tif", tiff_bytes(53))
    archived(folder, f"{ADA}/d/kept.tif", "2026/kept.tif")


def _move(folder: Path) -> None:
    data = folder / "data"
    put(data / ADA / "g/main.ome.tif", tiff_bytes(63))
    (data / ADA / "d2").mkdir()
    (data / ADA / "d/two.tif").rename(data / ADA / "d2/other.tif")
    (data / ADA / "e/stack_z2.tif").unlink()
    (data / ADA / "e").rename(data / ADA / "f")
    (data / ADA / "d/gone.tif").unlink()
    (data / ADA / "d/kept.tif").unlink()
    (folder / "archive/2026/a.tif").rename(folder / "archive/a.tif")


def _release(folder: Path) -> None:
    """Let the archive move; what else happens is an edit of the configuration."""
    (folder / "archive/2026").rename(folder / "archive/old")


def _come_back(folder: Path) -> None:
    data = folder / "data"
    put(data / ADA / "d/gone.tif", tiff_bytes(3))
    shutil.copy2(data / ADA / "d/one.tif", data / ADA / "d/copy.tif")
    shutil.copy2(data / ADA / "d/three.png", data / ADA / "d2/three.png")
    (data / ADA / "d/three.png").unlink()
    shutil.copy2(folder / "archive/old/kept.tif", data / ADA / "d/kept.tif")
    put(data / ADA / "f/stack_z2.tif", tiff_bytes(52))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What happens on the disk, which paths moved by it, and what must be imported after it: below data, in storage."""

    act: Callable[[Path], None]
    moved: Mapping[str, str] = field(default_factory=dict)
    complete: Mapping[str, int] = field(default_factory=dict)
    stored: tuple[str, ...] = ()

    @property
    def filesets(self) -> int:
        """Give how many filesets that are: the planes of the stack are one."""
        return sum(not re.search("_z[23]", path) for path in self.complete)


_SINGLE = ("d/one.tif", "d/two.tif", "d/gone.tif", "e/a.tif", "e/b.tif", "d/kept.tif")
_SETS = ("e/stack_z1.tif", "e/stack_z2.tif", "g/main.ome.tif", "g/part.tif")
_FIRST = {f"{ADA}/{name}": 1 for name in (*_SINGLE, *_SETS)}
_FIRST |= {f"{ADA}/d/series.ome.tif": 2}
_SECOND = _FIRST | {f"{ADA}/{name}": 1 for name in ("d/grow.tif", "d/three.png", "e/stack_z3.tif")}
_MOVED = {f"{ADA}/d/two.tif": f"{ADA}/d2/other.tif"} | {
    f"{ADA}/e/{name}.tif": f"{ADA}/f/{name}.tif" for name in ("a", "b", "stack_z1", "stack_z3")
}
_GONE, _KEPT, _PLANE = f"{ADA}/d/gone.tif", f"{ADA}/d/kept.tif", f"{ADA}/e/stack_z2.tif"
_THIRD = {_MOVED.get(path, path): images for path, images in _SECOND.items() if path not in (_GONE, _KEPT, _PLANE)}
_FOURTH = _THIRD | {"smith-lab/zz9z/p/d/held.tif": 1}
#: A file that ends at another path, as a copy of what it was.
COPIED_AWAY = f"{ADA}/d/three.png"
#: Files that do not stay what they were: that one, and one that was part of an image and becomes its own.
BECOMES_ANOTHER = frozenset({COPIED_AWAY, f"{ADA}/g/part.tif"})
_FIFTH = {path: images for path, images in _FOURTH.items() if path != COPIED_AWAY}
_FIFTH |= dict.fromkeys(
    (_GONE, _KEPT, *(f"{ADA}/{name}" for name in ("f/stack_z2.tif", "d/copy.tif", "d2/three.png"))), 1
)
STAGES = (
    Stage(act=_arrive, complete=_FIRST, stored=("2026/a.tif", "2026/stack_z1.tif")),
    Stage(act=_grow, complete=_SECOND, stored=("2026/a.tif", "2026/stack_z1.tif", "2026/kept.tif")),
    Stage(act=_move, moved=_MOVED, complete=_THIRD, stored=("a.tif", "2026/stack_z1.tif", "2026/kept.tif")),
    Stage(act=_release, complete=_FOURTH, stored=("a.tif", "old/stack_z1.tif", "old/kept.tif")),
    Stage(act=_come_back, complete=_FIFTH, stored=("a.tif", "old/stack_z1.tif", "old/kept.tif")),
)
RELEASED_AT = 3
