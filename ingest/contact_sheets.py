"""Draws contact sheets from thumbnails that were made already: a dataset as a grid, a plate as its grid of wells."""

import io
import math
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from PIL import Image, ImageDraw, ImageFont, UnidentifiedImageError

_BACKGROUND = (24, 26, 30)
_EMPTY = (32, 35, 40)
_LINE = (58, 63, 71)
_TEXT = (222, 226, 232)
_DIM = (142, 150, 162)
_MARGIN, _GAP = 24, 10
_TITLE_PX, _NAME_PX = 22, 13
#: A sheet never grows beyond this, px a side: cells shrink before.
_SIDE_AT_MOST = 8000

_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
#: Told how many pictures were drawn since it was last told.
Drawn: TypeAlias = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One picture of a dataset's sheet; ``thumbnail`` is encoded, None where there is none."""

    name: str
    thumbnail: bytes | None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A finished sheet as PNG."""

    data: bytes
    width_px: int
    height_px: int


def _nobody_looks(_pictures: int) -> None:
    """Take how many pictures were drawn, for nobody."""


def dataset_sheet(
    title: str, tiles: Sequence[Tile], *, subtitle: str = "", tile_px: int = 192, drawn: Drawn = _nobody_looks
) -> Sheet:
    """Draw pictures in rows with their names below, about half as high again as wide at most.

    ``drawn`` is told of each picture.
    """
    columns = _columns(len(tiles))
    rows = max(1, -(-len(tiles) // columns))
    tile_px = min(tile_px, (_SIDE_AT_MOST - 2 * _MARGIN) // max(columns, rows) - _GAP - 2 * _NAME_PX)
    cell_height = tile_px + _NAME_PX * 2 + 10
    width = max(480, 2 * _MARGIN + columns * (tile_px + _GAP) - _GAP)
    top = _MARGIN + _TITLE_PX + (22 if subtitle else 0) + 14
    sheet = Image.new("RGB", (width, top + rows * (cell_height + _GAP) - _GAP + _MARGIN), _BACKGROUND)
    pen = ImageDraw.Draw(sheet)
    _heading(pen, title, subtitle, width)
    for i, tile in enumerate(tiles):
        left, upper = _MARGIN + i % columns * (tile_px + _GAP), top + i // columns * (cell_height + _GAP)
        _draw_picture(sheet, pen, tile.thumbnail, (left, upper, tile_px, tile_px))
        _write(pen, (left, upper + tile_px + 5), tile.name, _NAME_PX, _TEXT, tile_px)
        if tile.note:
            _write(pen, (left, upper + tile_px + 7 + _NAME_PX), tile.note, _NAME_PX - 2, _DIM, tile_px)
        drawn(1)
    return _finished(sheet)


def _columns(count: int) -> int:
    """Choose columns so that the sheet is about 3:2."""
    return max(1, min(count, round(math.sqrt(max(1, count) * 1.5))))


def plate_sheet(
    title: str,
    rows: int,
    columns: int,
    wells: Mapping[tuple[int, int], Sequence[bytes]],
    *,
    subtitle: str = "",
    well_px: int | None = None,
    drawn: Drawn = _nobody_looks,
) -> Sheet:
    """Draw a plate: row letters, column numbers, each well's fields side by side, empty wells as outlines.

    ``wells`` maps zero-based (row, column) to the encoded thumbnails of its fields, in their order.
    """
    rows = max([rows, *(row + 1 for row, _ in wells)])
    columns = max([columns, *(column + 1 for _, column in wells)])
    size = well_px or max(24, min(120, 1600 // max(1, columns)))
    size = max(4, min(size, (_SIDE_AT_MOST - 200) // max(rows, columns) - 4))
    gap, letters = max(2, size // 20), max(28, 12 * len(row_letters(rows - 1)) + 16)
    left, top = _MARGIN + letters, _MARGIN + _TITLE_PX + (22 if subtitle else 0) + 14 + 22
    width = max(480, left + columns * (size + gap) - gap + _MARGIN)
    sheet = Image.new("RGB", (width, top + rows * (size + gap) - gap + _MARGIN), _BACKGROUND)
    pen = ImageDraw.Draw(sheet)
    _heading(pen, title, subtitle, width)
    _axes(pen, rows, columns, (left, top, size, gap))
    for row in range(rows):
        for column in range(columns):
            box = (left + column * (size + gap), top + row * (size + gap), size, size)
            fields = wells.get((row, column), ())
            _draw_well(sheet, pen, fields, box)
            drawn(len(fields))
    return _finished(sheet)


def row_letters(row: int) -> str:
    """Name a zero-based row as plates do: A to Z, then AA to AF and on."""
    name = ""
    row += 1
    while row:
        row, letter = divmod(row - 1, 26)
        name = chr(65 + letter) + name
    return name


def _axes(pen: ImageDraw.ImageDraw, rows: int, columns: int, grid: tuple[int, int, int, int]) -> None:
    left, top, size, gap = grid
    font = _font(13 if size >= 22 else 9)
    every = 1 if size >= 18 else 2 if size >= 10 else 5
    for column in range(0, columns, every):
        middle = left + column * (size + gap) + size // 2
        pen.text((middle, top - 10), str(column + 1), fill=_DIM, font=font, anchor="mm")
    for row in range(0, rows, every):
        middle = top + row * (size + gap) + size // 2
        pen.text((left - 12, middle), row_letters(row), fill=_DIM, font=font, anchor="rm")


def _draw_well(
    sheet: Image.Image, pen: ImageDraw.ImageDraw, fields: Sequence[bytes], box: tuple[int, int, int, int]
) -> None:
    left, top, size, _ = box
    if not fields:
        pen.rounded_rectangle((left, top, left + size - 1, top + size - 1), radius=size // 8, outline=_LINE)
        return
    across = min(_ceiling_root(len(fields)), max(1, size // 8))
    down = min(-(-len(fields) // across), across)
    part = size // across
    inset_top = (size - down * part) // 2
    for i, field in enumerate(fields[: across * down]):
        x, y = left + i % across * part, top + inset_top + i // across * part
        _draw_picture(sheet, pen, field, (x, y, part - (1 if across > 1 else 0), part - (1 if across > 1 else 0)))


def _ceiling_root(count: int) -> int:
    root = int(count**0.5)
    return root if root * root >= count else root + 1


def _draw_picture(
    sheet: Image.Image, pen: ImageDraw.ImageDraw, encoded: bytes | None, box: tuple[int, int, int, int]
) -> None:
    """Fit a picture into a box, in its proportions; what is missing or unreadable is a crossed box."""
    left, top, width, height = box
    picture = _decoded(encoded)
    if picture is None:
        pen.rectangle((left, top, left + width - 1, top + height - 1), fill=_EMPTY, outline=_LINE)
        pen.line((left, top, left + width - 1, top + height - 1), fill=_LINE)
        pen.line((left + width - 1, top, left, top + height - 1), fill=_LINE)
        return
    scale = min(width / picture.width, height / picture.height)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    way = Image.Resampling.NEAREST if scale >= 2 else Image.Resampling.LANCZOS
    pen.rectangle((left, top, left + width - 1, top + height - 1), fill=_EMPTY)
    sheet.paste(picture.resize(size, way), (left + (width - size[0]) // 2, top + (height - size[1]) // 2))


def _decoded(encoded: bytes | None) -> Image.Image | None:
    if not encoded:
        return None
    try:
        return Image.open(io.BytesIO(encoded)).convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        return None


def _heading(pen: ImageDraw.ImageDraw, title: str, subtitle: str, width: int) -> None:
    _write(pen, (_MARGIN, _MARGIN - 6), title, _TITLE_PX, _TEXT, width - 2 * _MARGIN)
    if subtitle:
        _write(pen, (_MARGIN, _MARGIN + _TITLE_PX), subtitle, _NAME_PX, _DIM, width - 2 * _MARGIN)


def _write(
    pen: ImageDraw.ImageDraw, at: tuple[int, int], words: str, size: int, fill: tuple[int, int, int], width: int
) -> None:
    """Write one line that fits: long names lose their middle, where they differ least."""
    font = _font(size)
    line = printable(words)
    if pen.textlength(line, font=font) > width:
        line = _shortened(pen, line, font, width)
    pen.text(at, line, fill=fill, font=font)


def _shortened(pen: ImageDraw.ImageDraw, line: str, font: _Font, width: int) -> str:
    low, high = 0, len(line)
    while low < high:
        kept = (low + high + 1) // 2
        if pen.textlength(_without_middle(line, kept), font=font) <= width:
            low = kept
        else:
            high = kept - 1
    return _without_middle(line, low)


def _without_middle(line: str, kept: int) -> str:
    head = kept // 2
    return f"{line[:head]}…{line[len(line) - (kept - head) :]}"


def printable(words: str) -> str:
    """Make a line the bundled font can draw: marks that steer text go, letters it lacks lose accents or become "?"."""
    return "".join(_drawable(c) for c in words)


@lru_cache(maxsize=4096)
def _drawable(character: str) -> str:
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn"):
        return "?"
    if _has_glyph(character):
        return character
    plain = "".join(c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c))
    plain = plain.replace("\u03bc", "u")
    return plain if plain and all(_has_glyph(c) for c in plain) else "?"


def _has_glyph(character: str) -> bool:
    """Say whether the font draws more than its box for unknown characters."""
    font = _font(_NAME_PX)
    return character.isspace() or bytes(font.getmask(character)) != bytes(font.getmask("\U0010fffe"))


@lru_cache(maxsize=8)
def _font(size: int) -> _Font:
    return ImageFont.load_default(size)


def _finished(sheet: Image.Image) -> Sheet:
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    return Sheet(data=buffer.getvalue(), width_px=sheet.width, height_px=sheet.height)
