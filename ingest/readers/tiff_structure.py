"""Walks the directories of a TIFF by hand, before a library touches it: is every part inside the file?

Bounded in time and memory for hostile input. The numbers of tags are those of the TIFF 6.0 and BigTIFF specifications.
"""

import struct
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ingest.probe import PixelTail
from ingest.readers.protocol import DamagedError, NotWholeError, Source
from ingest.readers.tiff_chain import Offsets, regular_run

#: More directories than this in one file is an attack or a mistake.
PAGES_AT_MOST = 4_000_000
#: Directories of real files have below 100 entries; the format allows 65,535.
ENTRIES_AT_MOST = 4096
#: A side longer than this is no picture.
SIDE_AT_MOST_PX = 1 << 30
#: Compressed pixels that grow more than this, in pieces above BOMB_BYTES, are a bomb.
BOMB_RATIO = 500
#: A description shorter than this may be anything; of a longer one so much is looked at from each end.
DESCRIPTION_AT_LEAST_BYTES = 16
DESCRIPTION_PIECE_BYTES = 1 << 16
BOMB_BYTES = 256 << 20

_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_INTEGERS = {1: "u1", 3: "u2", 4: "u4", 13: "u4", 16: "u8", 18: "u8", 6: "i1", 8: "i2", 9: "i4", 17: "i8"}
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_STRIP_OFFSETS, _SAMPLES, _ROWS_PER_STRIP, _STRIP_COUNTS, _PLANAR = 273, 277, 278, 279, 284
_TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_COUNTS, _SUB_IFDS = 322, 323, 324, 325, 330
_DESCRIPTION, _LSM, _NDPI = 270, 34412, 65420
_WANTED = frozenset(
    {_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _STRIP_OFFSETS, _SAMPLES, _ROWS_PER_STRIP, _STRIP_COUNTS}
    | {_PLANAR, _TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_COUNTS, _SUB_IFDS}
)


@dataclass(frozen=True, slots=True)
class Header:
    """Byte order ("<" or ">") and the sizes that differ between TIFF and BigTIFF."""

    order: str
    is_big: bool
    first: int
    #: Hamamatsu NDPI: the next directory's offset has 8 bytes, and the upper halves of all values follow it.
    is_ndpi: bool = False

    @property
    def inline_bytes(self) -> int:
        """Give the size up to which a value stands in its entry."""
        return 8 if self.is_big else 4

    @property
    def entry_bytes(self) -> int:
        """Give the size of a directory entry."""
        return 20 if self.is_big else 12


@dataclass(slots=True)
class Structure:
    """What the walk found: number of pages, where the last byte of pixels lies, and the last piece of pixels."""

    pages: int = 0
    #: The piece of pixels that lies furthest back, None before the first page.
    tail: PixelTail | None = None
    #: Zeiss LSM bends two tags: two BitsPerSample stand behind an offset though they would fit, and StripByteCounts of
    #: LZW strips tell the unpacked size.
    is_lsm: bool = False
    is_ndpi: bool = False
    offsets: Offsets = field(default_factory=Offsets)


def is_tiff(head: bytes) -> bool:
    """Say whether the first bytes are those of a TIFF, BigTIFF or NDPI."""
    return head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def read_header(source: Source) -> Header:
    """Read the header; raises NotWholeError while no directory is written yet."""
    source.stream.seek(0)
    head = source.stream.read(16)
    if not is_tiff(head):
        raise DamagedError("this is not a TIFF: its first bytes are not those of one")
    order = "<" if head[:2] == b"II" else ">"
    is_big = head[2:4] in (b"+\0", b"\0+")
    if len(head) < (16 if is_big else 8):
        raise NotWholeError(f"truncated: a TIFF's header is cut off after {len(head)} bytes")
    (first,) = struct.unpack(order + ("Q" if is_big else "I"), head[8:16] if is_big else head[4:8])
    if is_big and struct.unpack(order + "HH", head[4:8]) != (8, 0):
        raise DamagedError("the BigTIFF header is broken")
    if first == 0:
        raise NotWholeError("no image directory is written yet")
    header = Header(order, is_big, first)
    return header if is_big or order == ">" else _as_ndpi(source, header, head)


def _as_ndpi(source: Source, header: Header, head: bytes) -> Header:
    """Take a file for an NDPI by its private tag in the directory that the header's 8 bytes point to."""
    (first,) = struct.unpack("<Q", head[4:12].ljust(8, b"\0"))
    if first + 2 > source.size_bytes:
        return header
    source.stream.seek(first)
    (count,) = struct.unpack("<H", source.stream.read(2))
    entries = source.stream.read(12 * min(count, ENTRIES_AT_MOST))
    tags = {entries[i : i + 2] for i in range(0, len(entries), 12)}
    return replace(header, first=first, is_ndpi=True) if _NDPI.to_bytes(2, "little") in tags else header


def walk(source: Source) -> Structure:
    """Follow all directories and sub-directories; raises DamagedError or NotWholeError."""
    header = read_header(source)
    structure = Structure(is_ndpi=header.is_ndpi)
    seen: set[int] = set()
    offset = header.first
    while offset:
        if offset in seen or offset in structure.offsets.run:
            raise DamagedError(f"image directory {structure.pages + 1} points back to an earlier one: a circle")
        if len(seen) + len(structure.offsets.run) >= PAGES_AT_MOST:
            raise DamagedError(f"more than {PAGES_AT_MOST} image directories")
        seen.add(offset)
        structure.pages += 1
        structure.offsets.append(offset)
        offset = _visit(source, header, offset, structure, seen)
        if structure.pages == 2 and not header.is_ndpi:
            offset = _run_on(source, header, offset, structure)
    return structure


def _run_on(source: Source, header: Header, third: int, structure: Structure) -> int:
    """Check equal directories from the third on at once; give the offset of the first that is not among them."""
    second, tail = structure.offsets[1], structure.tail
    if not third > second or tail is None:
        return third
    run = regular_run(
        source.stream, source.size_bytes, second, third, order=header.order, is_big=header.is_big
    )  # fmt: skip
    if run is None:
        return third
    structure.tail = replace(tail, offset=max(run.furthest_pixels, tail.offset))
    structure.pages += len(run.offsets) - 1
    structure.offsets.run_on(run.offsets[1:])
    return run.following


def _visit(source: Source, header: Header, offset: int, structure: Structure, seen: set[int]) -> int:
    """Check one directory and those below it; give the offset of the next."""
    tags, following = _read_directory(source, header, offset, structure.pages)
    page = f"page {structure.pages}"
    structure.is_lsm = structure.is_lsm or (structure.pages == 1 and _LSM in tags)
    if structure.pages == 1 and _DESCRIPTION in tags:
        _check_description(source, header, tags[_DESCRIPTION])
    _check_page(source, header, tags, page, structure)
    for below in _integers(source, header, tags.get(_SUB_IFDS), page).tolist():
        if below in seen or below in structure.offsets.run:
            raise DamagedError(f"{page} points back to an earlier image directory: a circle")
        seen.add(below)
        below_tags, _ = _read_directory(source, header, below, structure.pages)
        _check_page(source, header, below_tags, f"a smaller copy of {page}", structure)
    return following


Entry: TypeAlias = tuple[int, int, bytes]


def _check_description(source: Source, header: Header, entry: Entry) -> None:
    """Refuse a description that is all zeros, or XML that stops in the middle: it was not written to its end.

    Without it libraries take an OME-TIFF for a plain one.
    """
    _, size, value = entry
    if size <= max(header.inline_bytes, DESCRIPTION_AT_LEAST_BYTES):
        return
    pointer = _pointer(header, value)
    first = _read(source, pointer, min(size, DESCRIPTION_PIECE_BYTES), "the description")
    last = _read(source, pointer + max(0, size - DESCRIPTION_PIECE_BYTES), len(first), "the description")
    if not first.strip(b"\0") and not last.strip(b"\0"):
        raise NotWholeError("the description is zeros: not written yet")
    end = last.rstrip(b"\0 \t\r\n")
    is_cut = not end.endswith(b">") or (end.endswith(b"-->") and size <= DESCRIPTION_PIECE_BYTES and b"</" not in end)
    if first.removeprefix(b"\xef\xbb\xbf").startswith((b"<?xml", b"<OME")) and is_cut:
        raise NotWholeError("the XML of the description is cut off")


def _read_directory(source: Source, header: Header, offset: int, page: int) -> tuple[dict[int, Entry], int]:
    """Read a directory's wanted entries as {tag: (type, count, value field)} and the offset of the next directory."""
    count_format, next_format = ("Q", "Q") if header.is_big else ("H", "Q" if header.is_ndpi else "I")
    count_bytes = struct.calcsize(count_format)
    data = _read(source, offset, count_bytes, f"image directory {page}")
    (count,) = struct.unpack(header.order + count_format, data)
    if count == 0:
        raise NotWholeError(f"image directory {page} is empty: not written yet")
    if count > ENTRIES_AT_MOST:
        raise DamagedError(f"image directory {page} claims {count} entries")
    size = count * header.entry_bytes
    body = _read(source, offset + count_bytes, size, f"image directory {page}")
    tail = _read(source, offset + count_bytes + size, struct.calcsize(next_format), f"image directory {page}")
    (following,) = struct.unpack(header.order + next_format, tail)
    if header.is_ndpi:
        upper = _read(source, offset + count_bytes + size + 8, 4 * count, f"image directory {page}")
        body = b"".join(body[12 * i : 12 * i + 12] + upper[4 * i : 4 * i + 4] for i in range(count))
    entry = struct.Struct(header.order + ("HHQ8s" if header.is_big else "HHI8s" if header.is_ndpi else "HHI4s"))
    tags: dict[int, Entry] = {}
    for tag, type_, n, value in entry.iter_unpack(body):
        kind = 16 if header.is_ndpi and (type_, n) == (4, 1) else type_
        if tag in _WANTED or tag in (_DESCRIPTION, _LSM):
            tags[tag] = (kind, n, value)
        if tag not in _WANTED and n * _TYPE_BYTES.get(type_, 0) > header.inline_bytes:
            _must_lie_inside(
                source, n * _TYPE_BYTES[type_], _pointer(header, value), f"tag {tag} of image directory {page}"
            )
    return tags, int(following)


def _pointer(header: Header, value: bytes) -> int:
    return int(struct.unpack(header.order + ("Q" if len(value) == 8 else "I"), value)[0])


def _must_lie_inside(source: Source, size: int, pointer: int, what: str) -> None:
    if pointer + size > source.size_bytes:
        raise NotWholeError(
            f"truncated: {what} ends at {pointer + size}, beyond the file's end at {source.size_bytes} bytes"
        )


def _read(source: Source, offset: int, size: int, what: str) -> bytes:
    if offset + size > source.size_bytes:
        raise NotWholeError(
            f"truncated: {what} ends at {offset + size}, beyond the file's end at {source.size_bytes} bytes"
        )
    source.stream.seek(offset)
    return source.stream.read(size)


def _integers(source: Source, header: Header, entry: Entry | None, page: str) -> NDArray[np.uint64]:
    """Give the values of an integer tag, () when it is absent."""
    if entry is None:
        return np.zeros(0, np.uint64)
    kind, count, field_bytes = entry
    code = _INTEGERS.get(kind)
    if code is None:
        raise DamagedError(f"a tag of {page} that must be a whole number is none")
    size = count * _TYPE_BYTES[kind]
    if size <= header.inline_bytes or (header.is_ndpi and (kind, count) == (16, 1)):
        data = field_bytes[:size]
    else:
        if size > source.size_bytes:
            raise DamagedError(f"a tag of {page} claims {count} values, more than the file can hold")
        data = _read(source, _pointer(header, field_bytes), size, f"a tag of {page}")
    return np.frombuffer(data, header.order + code).astype(np.uint64)


def _one(source: Source, header: Header, entry: Entry | None, page: str, otherwise: int) -> int:
    """Give the first value of an integer tag; most stand alone in their entry, and are no array then."""
    if entry is None:
        return otherwise
    kind, count, value = entry
    if count == 1 and kind in (3, 4):
        return int.from_bytes(value[: _TYPE_BYTES[kind]], "little" if header.order == "<" else "big")
    return _first(_integers(source, header, entry, page), otherwise)


def _first(values: NDArray[np.uint64], otherwise: int) -> int:
    return int(values[0]) if len(values) else otherwise


def _check_page(source: Source, header: Header, tags: dict[int, Entry], page: str, structure: Structure) -> None:
    def one(tag: int, otherwise: int) -> int:
        return _one(source, header, tags.get(tag), page, otherwise)

    width, height = one(_WIDTH, 0), one(_HEIGHT, 0)
    if not 0 < width <= SIDE_AT_MOST_PX or not 0 < height <= SIDE_AT_MOST_PX:
        raise DamagedError(f"{page} claims to be {width} x {height} px")
    is_tiled = _TILE_OFFSETS in tags
    offsets = _integers(source, header, tags.get(_TILE_OFFSETS if is_tiled else _STRIP_OFFSETS), page)
    counts = _integers(source, header, tags.get(_TILE_COUNTS if is_tiled else _STRIP_COUNTS), page)
    bits = _lsm_bits(source, header, tags, page) if structure.is_lsm else one(_BITS, 1)
    samples = one(_SAMPLES, 1)
    if bits > 128 or samples > 65535 or bits == 0 or samples == 0:
        raise DamagedError(f"{page} claims {samples} samples of {bits} bits a pixel")
    plane_bytes = width * height * bits * samples // 8
    is_compressed = one(_COMPRESSION, 1) not in (0, 1)
    if not is_compressed and one(_PHOTOMETRIC, 1) != 6 and plane_bytes > source.size_bytes and (counts > 0).all():
        _say_too_short(source, page, width, height, plane_bytes)
    if structure.is_lsm and is_compressed:
        _check_pieces(source, offsets, np.zeros_like(offsets), page, "strip")
    elif len(counts) == len(offsets):
        _check_written(offsets, counts, page, is_tiled=is_tiled, is_packed=is_compressed)
        _check_pieces(source, offsets, counts, page, "tile" if is_tiled else "strip")
        planar = 1 if one(_PLANAR, 1) == 2 else samples
        row = (one(_TILE_WIDTH, width) if is_tiled else width) * bits * planar // 8
        _note_last(structure, offsets, counts, is_compressed, max(1, row), max(1, bits * planar // 8))
    if is_compressed:
        side = (
            one(_TILE_WIDTH, 0) * one(_TILE_HEIGHT, 0)
            if is_tiled
            else width * min(height, one(_ROWS_PER_STRIP, height))
        )
        planar = 1 if one(_PLANAR, 1) == 2 else samples
        _check_bomb(side * planar * bits // 8, counts, page)


def _lsm_bits(source: Source, header: Header, tags: dict[int, Entry], page: str) -> int:
    kind, count, value = tags.get(_BITS, (3, 1, b"\1\0\0\0"))
    if (kind, count, len(value)) != (3, 2, 4):
        return _first(_integers(source, header, (kind, count, value), page), 1)
    (pointer,) = struct.unpack(header.order + "I", value)
    return int(struct.unpack(header.order + "H", _read(source, pointer, 4, f"a tag of {page}")[:2])[0])


def _say_too_short(source: Source, page: str, width: int, height: int, plane_bytes: int) -> None:
    sentence = f"{page} claims {width} x {height} px, {plane_bytes} bytes, in a file of {source.size_bytes} bytes"
    if plane_bytes > 64 * source.size_bytes + (1 << 26):
        raise DamagedError(sentence)
    raise NotWholeError("truncated: " + sentence)


def _check_written(
    offsets: NDArray[np.uint64], counts: NDArray[np.uint64], page: str, *, is_tiled: bool, is_packed: bool
) -> None:
    """Refuse pieces of pixels that have no place in the file yet. Tiles may be left out, but never all of them."""
    absent = (offsets == 0) | ((counts == 0) & is_packed)
    if len(absent) and (absent.all() if is_tiled else absent.any()):
        number = int(np.argmax(absent)) + 1
        raise NotWholeError(f"{page}'s {'tile' if is_tiled else 'strip'} {number} is not written yet")


def _check_pieces(
    source: Source, offsets: NDArray[np.uint64], counts: NDArray[np.uint64], page: str, piece: str
) -> None:
    ends = offsets + counts
    beyond = np.flatnonzero((ends > source.size_bytes) | (ends < offsets))
    if len(beyond):
        number = int(beyond[0])
        raise NotWholeError(
            f"truncated: {page}'s {piece} {number + 1} ends at {int(ends[number])},"
            f" beyond the file's end at {source.size_bytes} bytes"
        )


def _note_last(
    structure: Structure,
    offsets: NDArray[np.uint64],
    counts: NDArray[np.uint64],
    is_packed: bool,
    row_bytes: int,
    pixel_bytes: int,
) -> None:
    if not len(offsets):
        return
    last = int(np.argmax(offsets))
    if structure.tail is None or int(offsets[last]) >= structure.tail.offset:
        structure.tail = PixelTail(
            offset=int(offsets[last]), size_bytes=int(counts[last]), is_packed=is_packed,
            row_bytes=row_bytes, pixel_bytes=pixel_bytes,
        )  # fmt: skip


def _check_bomb(piece_bytes: int, counts: NDArray[np.uint64], page: str) -> None:
    """Refuse pieces of pixels that unpack to far more than they hold."""
    if piece_bytes > BOMB_BYTES and len(counts) and piece_bytes > BOMB_RATIO * int(counts.max()):
        packed = int(counts.max())
        raise DamagedError(f"{page} claims that {packed} bytes unpack to {piece_bytes}: a decompression bomb")
