"""Micro-Manager's stacks: MMStack files (one summary in front) and NDTiff stacks (axes in each page's JSON, tag 51123).

Both spread one acquisition over several files; such a file is refused as part of a set, its neighbours never opened.
"""

import json
import re
from typing import Any

import tifffile

from catalog.records import Acquisition, Channel
from ingest.readers.protocol import DamagedError, Level, RefusedError, Source
from ingest.readers.tiff_pixels import PagePlane, Plane, RawPlane, TiffImage, raw_dtype
from ingest.readers.tiff_series import Facts, Sizes, images_of, is_colour, record_of
from ingest.readers.values import color_hex, moment, positive, text

_PAGE_NOTES = 51123
_NUMBERED = re.compile(rb"^(?P<stem>.*?)(?:_(?P<number>\d+))?(?P<ending>(?:\.ome)?\.tiff?)$", re.IGNORECASE)
_AXES = {"channel": "C", "z": "Z", "time": "T", "position": "P"}


def is_micromanager(file: tifffile.TiffFile) -> bool:
    """Say whether Micro-Manager wrote a stack."""
    return bool(file.is_micromanager) or _is_nd_tiff(file)


def _is_nd_tiff(file: tifffile.TiffFile) -> bool:
    """Say whether NDTiff's mark stands in the header."""
    file.filehandle.seek(8)
    head = file.filehandle.read(4)
    return head in ((483729).to_bytes(4, "little"), (483729).to_bytes(4, "big"))


def describe(file: tifffile.TiffFile, source: Source) -> list[TiffImage]:
    """Give the positions of a stack that lies in one file."""
    _refuse_numbered(source)
    notes: dict[str, Any] = file.micromanager_metadata or {}
    summary = notes.get("Summary") or {}
    pages = [page.aspage() for page in file.pages]
    described = [_page_notes(page) for page in pages]
    if _is_nd_tiff(file) or any("Axes" in note for note in described):
        return _nd_images(source, pages, described, summary)

    def facts_of(position: int, sizes: Sizes) -> Facts:  # noqa: ARG001  # all positions alike
        return _facts(summary, described[0] if described else {}, sizes.size_c)

    images: list[TiffImage] = []
    for series in file.series:
        images += images_of(source.stream, source.size_bytes, series, len(images), facts_of)
    return images


def _refuse_numbered(source: Source) -> None:
    """Refuse NAME_1.tif, and NAME.tif beside NAME_1.tif: one stack in several files."""
    match = _NUMBERED.match(source.name)
    if match is None:
        return
    stem, number, ending = match["stem"], match["number"], match["ending"]
    is_stack = b"stack" in stem.lower()
    if number is not None and is_stack and source.has_sibling(stem + ending):
        raise RefusedError("part of a set: one of several files of a Micro-Manager stack")
    full = source.name[: -len(ending)]
    if source.has_sibling(full + b"_1" + ending):
        raise RefusedError("part of a set: the first of several files of a Micro-Manager stack")


def _page_notes(page: tifffile.TiffPage) -> dict[str, Any]:
    tag = page.tags.get(_PAGE_NOTES)
    value = tag.value if tag is not None else None
    if isinstance(value, str | bytes):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}


def _nd_images(
    source: Source, pages: list[tifffile.TiffPage], notes: list[dict[str, Any]], summary: dict[str, Any]
) -> list[TiffImage]:
    """Order pages by their axes; axes that are not C, Z or T are positions of their own."""
    orders: dict[str, dict[Any, int]] = {"C": {}, "Z": {}, "T": {}}
    placed: dict[tuple[Any, ...], dict[tuple[int, int, int], tifffile.TiffPage]] = {}
    for page, note in zip(pages, notes, strict=True):
        axes = note.get("Axes") or {}
        if not isinstance(axes, dict):
            raise DamagedError("a page does not say where it belongs")
        index = {role: orders[role].setdefault(axes.get(name, 0), len(orders[role])) for name, role in _named()}
        elsewhere = tuple(sorted((k, str(v)) for k, v in axes.items() if _AXES.get(k, "P") == "P"))
        placed.setdefault(elsewhere, {})[index["C"], index["Z"], index["T"]] = page
    names = tuple(text(key, 255) if isinstance(key, str) else None for key in orders["C"])
    images: list[TiffImage] = []
    for planes in placed.values():
        note = notes[0] if notes else {}
        images.append(_nd_image(source, planes, _facts(summary, note, len(orders["C"]), names), len(images)))
    return images


def _named() -> list[tuple[str, str]]:
    return [(name, role) for name, role in _AXES.items() if role != "P"]


def _nd_image(
    source: Source, planes: dict[tuple[int, int, int], tifffile.TiffPage], facts: Facts, index: int
) -> TiffImage:
    page = next(iter(planes.values()))
    c, z, t = (max(key[axis] for key in planes) + 1 for axis in range(3))
    rgb = is_colour(page) and c == 1
    sizes = Sizes(
        size_x=page.imagewidth, size_y=page.imagelength, size_z=z, size_c=c, size_t=t, positions=1,
        samples=page.samplesperpixel, is_rgb=rgb,
    )  # fmt: skip

    def locate(level: int, c: int, z: int, t: int) -> Plane:  # noqa: ARG001  # one level
        found = planes.get((0 if rgb else c, z, t))
        if found is None:
            raise DamagedError(f"plane channel {c}, z {z}, t {t} was not recorded")
        dtype = raw_dtype(found)
        if dtype is None or rgb:
            return PagePlane(found)
        return RawPlane(source.stream, found.dataoffsets[0], (found.imagelength, found.imagewidth), dtype)

    levels = (Level(size_x=page.imagewidth, size_y=page.imagelength),)
    return TiffImage(record_of(index, sizes, page, facts), levels, locate)


def _facts(summary: dict[str, Any], note: dict[str, Any], count: int, names: tuple[str | None, ...] = ()) -> Facts:
    pixel = positive(summary.get("PixelSize_um")) or positive(note.get("PixelSizeUm"))
    interval = positive(summary.get("Interval_ms"))
    return Facts(
        name=text(summary.get("Prefix"), 255),
        acquired_at=moment(summary.get("StartTime") or summary.get("Time") or note.get("ReceivedTime")),
        physical_size_x_um=pixel,
        physical_size_y_um=pixel,
        physical_size_z_um=positive(summary.get("z-step_um")),
        time_increment_s=interval / 1000 if interval else None,
        channels=_channels(summary, count, names),
        acquisition=Acquisition(
            detector=text(note.get("Camera") or note.get("Core-Camera"), 255),
            software=f"Micro-Manager {summary.get('MicroManagerVersion', '')}".strip(),
        ),
    )


def _channels(summary: dict[str, Any], count: int, names: tuple[str | None, ...]) -> tuple[Channel, ...]:
    listed, colors = summary.get("ChNames"), summary.get("ChColors")
    listed = listed if isinstance(listed, list) else []
    colors = colors if isinstance(colors, list) else []
    made = []
    for i in range(count):
        name = names[i] if i < len(names) and names[i] else text(listed[i], 255) if i < len(listed) else None
        value = colors[i] if i < len(colors) and isinstance(colors[i], int) else None
        color = None if value is None else color_hex(value >> 16, value >> 8, value)
        made.append(Channel(name=name, color=color))
    return tuple(made)
