"""Micro-Manager's stacks: MMStack files (one summary in front) and NDTiff stacks (axes in each page's JSON, tag 51123).

A file that is full goes on in others: NAME.tif, NAME_1.tif, NAME_2.tif ... The first describes them all, the others
are refused as parts of a set; none is opened from here. Positions in files of their own (NAME_Pos0, NAME_Pos1 ...) are
images of their own, though the OME-XML of the first names them all: its index map tells what each file holds.
"""

import json
import math
import re
from dataclasses import replace
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from catalog.records import Acquisition, Channel, ImageRecord
from ingest.readers.protocol import (
    DamagedError,
    DescribedImage,
    DescribedPlane,
    DescribesError,
    Level,
    NamedPart,
    OpenPart,
    RefusedError,
    Source,
)
from ingest.readers.tiff_ome import is_ome
from ingest.readers.tiff_pages import own_pages
from ingest.readers.tiff_pixels import HolePlane, PagePlane, Plane, RawPlane, TiffImage, raw_dtype
from ingest.readers.tiff_series import Facts, Sizes, images_of, is_colour, record_of
from ingest.readers.values import color_hex, moment, positive, text

_PAGE_NOTES = 51123
_USUAL_DIRECTORY_BYTES = 2 + 13 * 12 + 4
_NUMBERED = re.compile(rb"^(?P<stem>.*?)(?:_(?P<number>\d+))?(?P<ending>(?:\.ome)?\.tiff?)$", re.IGNORECASE)
#: A file by whose name alone a first one must have been full: `NDTiffStack_1.tif`, `a_MMStack_Pos0_2.ome.tif`.
_CONTINUED = re.compile(rb"(^|_)(NDTiffStack|MMStack(_Pos\d+)?)_\d+(\.ome)?\.tiff?$", re.IGNORECASE)
#: More files of one stack than this are none.
PARTS_AT_MOST = 10_000
_AXES = {"channel": "C", "z": "Z", "time": "T", "position": "P"}


def is_micromanager(file: tifffile.TiffFile) -> bool:
    """Say whether Micro-Manager wrote a stack; one whose index is gone is left to its OME-XML, where it has any."""
    if is_nd_tiff(file):
        return True
    return bool(file.is_micromanager) and (_has_index(file) or not is_ome(file))


def _has_index(file: tifffile.TiffFile) -> bool:
    """Say whether a stack tells of each plane which one it is."""
    return bool(file.is_mmstack) and len((file.micromanager_metadata or {})["IndexMap"]) > 0


def is_nd_tiff(file: tifffile.TiffFile) -> bool:
    """Say whether NDTiff's mark stands in the header."""
    file.filehandle.seek(8)
    head = file.filehandle.read(4)
    return head in ((483729).to_bytes(4, "little"), (483729).to_bytes(4, "big"))


def describe(file: tifffile.TiffFile, source: Source) -> list[TiffImage]:
    """Give the positions of a stack that lies in one file; raises DescribesError for the first of several."""
    parts = _parts(source)
    if source.is_alone and (parts or _is_continued(source)):
        return own_pages(file, source, facts_of_summary(_summary(file), _page_notes(file.pages.first), 0))
    if parts:
        raise _describing(file, source, parts)
    _refuse_numbered(source)
    notes: dict[str, Any] = file.micromanager_metadata or {}
    summary = notes.get("Summary") or {}
    first = _page_notes(file.pages.first)
    if is_nd_tiff(file) or "Axes" in first:
        pages = [page.aspage() for page in file.pages]
        return _nd_images(source, pages, [_page_notes(page) for page in pages], summary)
    if _has_index(file) and not (_is_complete(summary, notes["IndexMap"]) and _has_usual_pages(file)):
        return _nd_images(source, *_indexed(file, first, notes["IndexMap"]), summary)

    def facts_of(position: int, sizes: Sizes) -> Facts:
        facts = facts_of_summary(summary, first, sizes.size_c)
        return facts if sizes.positions < 2 else replace(facts, name=_label(summary, {"position": position}))

    images: list[TiffImage] = []
    for series in file.series:
        images += images_of(source.stream, source.size_bytes, series, len(images), facts_of)
    return images


def _is_complete(summary: dict[str, Any], index_map: NDArray[np.uint32]) -> bool:
    """Say whether all declared planes were recorded; an acquisition that was broken off has fewer."""
    axes = ("Channels", "Slices", "Frames", "Positions")
    sizes = (max(1, int(positive(summary.get(axis)) or 1)) for axis in axes)
    return len(index_map) >= math.prod(sizes)


def _has_usual_pages(file: tifffile.TiffFile) -> bool:
    """Say whether pixels lie 162 bytes behind their directory's start, on which tifffile's fast way relies."""
    if len(file.pages) < 2:
        return True
    second = file.pages[1].aspage()
    return bool(second.dataoffsets[0] == second.offset + _USUAL_DIRECTORY_BYTES)


def _indexed(
    file: tifffile.TiffFile, note: dict[str, Any], index_map: NDArray[np.uint32]
) -> tuple[list[tifffile.TiffPage], list[dict[str, Any]]]:
    """Give the recorded pages, and their axes by the index map: (channel, z, time, position, offset)."""
    places = {int(row[4]): [int(value) for value in row[:4]] for row in index_map}
    pages = [page for page in (found.aspage() for found in file.pages) if page.offset in places]
    axes = [dict(zip(("channel", "z", "time", "position"), places[page.offset], strict=True)) for page in pages]
    return pages, [{**note, "Axes": found} for found in axes]


def _is_continued(source: Source) -> bool:
    """Say whether it is NAME_1.tif, which goes on where another file was full."""
    match = _NUMBERED.match(source.name)
    if match is None:
        return False
    stem, number, ending = match["stem"], match["number"], match["ending"]
    is_stack = b"stack" in stem.lower()
    return bool(number is not None and is_stack and source.has_sibling(stem + ending)) or bool(
        _CONTINUED.search(source.name)
    )


def _refuse_numbered(source: Source) -> None:
    if _is_continued(source):
        raise RefusedError("part of a set: one of several files of a Micro-Manager stack")


def _part_name(source: Source, number: int) -> bytes | None:
    """Give the name of the file that goes on after the first; None where the first has no usual ending."""
    match = _NUMBERED.match(source.name)
    if match is None:
        return None
    ending = match["ending"]
    return source.name[: -len(ending)] + b"_%d" % number + ending


def _parts(source: Source) -> list[bytes]:
    """Give the names of the files that go on after this one and are there."""
    if _is_continued(source):
        return []
    found: list[bytes] = []
    for number in range(1, PARTS_AT_MOST):
        name = _part_name(source, number)
        if name is None or not source.has_sibling(name):
            break
        found.append(name)
    return found


def may_follow(source: Source) -> list[NamedPart]:
    """Give the name of the file that would go on after those that are there."""
    name = None if _is_continued(source) else _part_name(source, len(_parts(source)) + 1)
    return [] if name is None else [NamedPart(name=_text(name), is_needed=False)]


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def _summary(file: tifffile.TiffFile) -> dict[str, Any]:
    return (file.micromanager_metadata or {}).get("Summary") or {}


def _describing(file: tifffile.TiffFile, source: Source, parts: list[bytes]) -> DescribesError:
    """Say that this is the first of several files; which plane lies where stands in each of them."""
    summary, own = _summary(file), _text(source.name)
    names = [own, *map(_text, parts)]

    def join(open_part: OpenPart) -> list[DescribedImage]:
        return _joined(names, open_part, summary)

    named = [NamedPart(name=name) for name in names] + may_follow(source)
    reason = "part of a set: the first of several files of a Micro-Manager stack"
    return DescribesError(reason, format="Micro-Manager", names=named, join=join, holds_pixels=True, is_mutual=False)


def _joined(names: list[str], open_part: OpenPart, summary: dict[str, Any]) -> list[DescribedImage]:
    """Order the pages of all files by their axes; other axes than C, Z and T are images of their own."""
    placed: list[tuple[str, int, dict[str, Any]]] = []
    record: ImageRecord | None = None
    note: dict[str, Any] = {}
    for name in names:
        part = open_part(name)
        tiff = getattr(part, "file", None)
        if part is None or not isinstance(tiff, tifffile.TiffFile):
            continue
        record = record or part.images[0].record
        notes = _notes_of_pages(tiff)
        note = note or (notes[0] if notes else {})
        placed += [(name, number, found) for number, found in enumerate(notes)]
    if record is None:
        return []
    orders = _orders([found for _, _, found in placed])
    channels = tuple(text(key, 255) if isinstance(key, str) else None for key in orders["C"])
    images: dict[tuple[Any, ...], list[DescribedPlane]] = {}
    for name, number, found in placed:
        axes = _axes(found)
        c, z, t = (orders[role][_value(axes.get(axis, 0))] for axis, role in _named())
        plane = DescribedPlane(c=c, z=z, t=t, name=name, plane=number)
        images.setdefault(_elsewhere(axes), []).append(plane)
    facts = facts_of_summary(summary, note, len(orders["C"]), channels)
    return [
        _described(record, planes, _of_position(facts, summary, elsewhere, len(images)))
        for elsewhere, planes in images.items()
    ]


def _notes_of_pages(file: tifffile.TiffFile) -> list[dict[str, Any]]:
    pages = [page.aspage() for page in file.pages]
    notes = [_page_notes(page) for page in pages]
    index_map = (file.micromanager_metadata or {}).get("IndexMap") if file.is_mmstack else None
    if index_map is None or "Axes" in notes[0]:
        return notes
    places = {int(row[4]): [int(value) for value in row[:4]] for row in index_map}
    names = ("channel", "z", "time", "position")
    return [
        {**note, "Axes": dict(zip(names, places.get(page.offset, [0, 0, 0, 0]), strict=True))}
        for page, note in zip(pages, notes, strict=True)
    ]


def _described(record: ImageRecord, planes: list[DescribedPlane], facts: Facts) -> DescribedImage:
    sizes = [max(getattr(plane, axis) for plane in planes) + 1 for axis in "czt"]
    is_rgb = record.is_rgb and sizes[0] == 1
    joined = replace(
        record, size_c=record.size_c if is_rgb else sizes[0], size_z=sizes[1], size_t=sizes[2], is_rgb=is_rgb,
        name=facts.name, acquired_at=facts.acquired_at, physical_size_x_um=facts.physical_size_x_um,
        physical_size_y_um=facts.physical_size_y_um, physical_size_z_um=facts.physical_size_z_um,
        time_increment_s=facts.time_increment_s, acquisition=facts.acquisition,
        channels=facts.channels if not is_rgb and len(facts.channels) == sizes[0] else (),
    )  # fmt: skip
    return DescribedImage(record=joined, planes=planes)


def _elsewhere(axes: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(sorted((k, str(v)) for k, v in axes.items() if _AXES.get(k, "P") == "P"))


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
    orders = _orders(notes)
    placed: dict[tuple[Any, ...], dict[tuple[int, int, int], tifffile.TiffPage]] = {}
    for page, note in zip(pages, notes, strict=True):
        axes = _axes(note)
        index = {role: orders[role][_value(axes.get(name, 0))] for name, role in _named()}
        placed.setdefault(_elsewhere(axes), {})[index["C"], index["Z"], index["T"]] = page
    names = tuple(text(key, 255) if isinstance(key, str) else None for key in orders["C"])
    facts = facts_of_summary(summary, notes[0] if notes else {}, len(orders["C"]), names)
    return [
        _nd_image(source, planes, _of_position(facts, summary, elsewhere, len(placed)), index)
        for index, (elsewhere, planes) in enumerate(placed.items())
    ]


def _of_position(facts: Facts, summary: dict[str, Any], elsewhere: tuple[Any, ...], count: int) -> Facts:
    """Call each of several positions by its label."""
    return facts if count < 2 else replace(facts, name=_label(summary, dict(elsewhere)))


def _label(summary: dict[str, Any], elsewhere: dict[str, Any]) -> str | None:
    """Give what the acquisition calls a position; NDTiff has other axes, too, such as a grid's row and column."""
    if set(elsewhere) != {"position"}:
        return text(" ".join(f"{name} {value}" for name, value in elsewhere.items()), 255)
    number = str(elsewhere["position"])
    listed = summary.get("StagePositions") or summary.get("InitialPositionList")
    if not number.isdecimal():
        return text(number, 255)
    found = listed[int(number)] if isinstance(listed, list) and int(number) < len(listed) else None
    label = text(found.get("Label"), 255) if isinstance(found, dict) else None
    return label or f"Pos{number}"


def _orders(notes: list[dict[str, Any]]) -> dict[str, dict[str | int, int]]:
    """Rank the values of each axis: numbers by size, names as they come."""
    orders: dict[str, dict[str | int, int]] = {}
    for name, role in _named():
        seen = dict.fromkeys(_value(axes.get(name, 0)) for axes in map(_axes, notes))
        values = sorted(seen, key=lambda value: value if isinstance(value, int) else 0)
        orders[role] = {value: rank for rank, value in enumerate(values)}
    return orders


def _axes(note: dict[str, Any]) -> dict[str, Any]:
    axes = note.get("Axes") or {}
    if not isinstance(axes, dict):
        raise DamagedError("a page does not say where it belongs")
    return axes


def _value(written: Any) -> str | int:
    return written if isinstance(written, int) else str(written)


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
            return HolePlane((page.imagelength, page.imagewidth), np.dtype(page.dtype or np.uint8))
        dtype = raw_dtype(found)
        if dtype is None or rgb:
            return PagePlane(found, source.stream)
        return RawPlane(source.stream, found.dataoffsets[0], (found.imagelength, found.imagewidth), dtype)

    levels = (Level(size_x=page.imagewidth, size_y=page.imagelength),)
    return TiffImage(record_of(index, sizes, page, facts), levels, locate)


def facts_of_summary(
    summary: dict[str, Any], note: dict[str, Any], count: int, names: tuple[str | None, ...] = ()
) -> Facts:
    """Give what an acquisition's summary tells, with one page's notes, of images of so many channels."""
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
