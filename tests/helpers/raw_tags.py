"""Reads the tags of a TIFF's first page with nothing but struct: a truth that is independent of every library."""

import struct
from pathlib import Path
from typing import Any

_FORMATS = {1: "B", 2: "c", 3: "H", 4: "I", 5: "II", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d", 16: "Q"}


def first_page_tags(path: Path) -> dict[int, tuple[Any, ...]]:
    """Give the first directory's tags as tuples of values."""
    data = path.read_bytes()
    order = "<" if data[:2] == b"II" else ">"
    is_big = struct.unpack(order + "H", data[2:4])[0] == 43
    (offset,) = struct.unpack_from(order + ("Q" if is_big else "I"), data, 8 if is_big else 4)
    (count,) = struct.unpack_from(order + ("Q" if is_big else "H"), data, offset)
    start, size = offset + (8 if is_big else 2), 20 if is_big else 12
    tags = {}
    for i in range(count):
        tag, kind, number = struct.unpack_from(order + ("HHQ" if is_big else "HHI"), data, start + i * size)
        if kind in _FORMATS:
            tags[tag] = _values(data, order, start + i * size + size - (8 if is_big else 4), kind, number, is_big)
    return tags


def _values(data: bytes, order: str, at: int, kind: int, number: int, is_big: bool) -> tuple[Any, ...]:
    form = order + _FORMATS[kind] * number
    if struct.calcsize(form) > (8 if is_big else 4):
        (at,) = struct.unpack_from(order + ("Q" if is_big else "I"), data, at)
    return struct.unpack_from(form, data, at)
