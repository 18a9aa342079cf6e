"""Reduces planes by exact area mean, block by block as a file gives them, in the memory of the small picture."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.readers.protocol import Block, Level, Pixels

Floats = NDArray[np.float32]

#: Percentiles are taken from about this many pixels, spread evenly.
SAMPLE_PIXELS = 120_000


@dataclass(frozen=True, slots=True)
class Reduced:
    """A plane made small: area means as float32 (h, w) or (h, w, S), and sampled pixels, flat or (N, S)."""

    means: Floats
    sample: Pixels


class _Sample:
    """Gathers sampled pixels block by block: in one array as long as they are as many as was reckoned with."""

    def __init__(self, pixels: int) -> None:
        self._expected = pixels
        self._gathered: Pixels | None = None
        self._end = 0
        self._more: list[Pixels] = []

    def add(self, pixels: Pixels) -> None:
        """Copy a block's sampled pixels, (Y, X) or (Y, X, S)."""
        count = pixels.shape[0] * pixels.shape[1]
        if self._gathered is None:
            self._gathered = np.empty((max(count, self._expected), *pixels.shape[2:]), pixels.dtype)
        end = self._end + count
        if end > len(self._gathered) or self._more:
            self._more.append(pixels.reshape((count, *pixels.shape[2:])).copy())
            return
        self._gathered[self._end : end].reshape(pixels.shape)[...] = pixels
        self._end = end

    def whole(self) -> Pixels:
        """Give all of them, flat or (N, S), in the order in which they came."""
        if self._gathered is None:
            return np.zeros(0, np.uint8)
        gathered = self._gathered[: self._end]
        return np.concatenate([gathered, *self._more]) if self._more else gathered


class Grid:
    """Adds up blocks in cells of ``factor`` x ``factor`` px; memory is that of the small grid."""

    def __init__(self, level: Level, factor: int, *, is_sampled: bool = False) -> None:
        self._is_sampled = is_sampled
        self._factor = factor
        self._shape = (-(-level.size_y // factor), -(-level.size_x // factor))
        self._sums: NDArray[np.float64] | None = None
        self._counts: NDArray[np.float64] | None = None
        self._level = level
        #: Sums of whole rows of cells, one below the other, as most files give them: they only have to be joined.
        self._rows: list[Pixels] = []
        self._rows_end = 0
        self._stride = max(1, int((level.size_x * level.size_y / SAMPLE_PIXELS) ** 0.5))
        self._sample = _Sample(-(-level.size_y // self._stride) * -(-level.size_x // self._stride))

    def add(self, block: Block) -> None:
        """Add a block's finite pixels."""
        pixels = np.abs(block.pixels) if block.pixels.dtype.kind == "c" else block.pixels
        if pixels.dtype.kind == "b":
            pixels = pixels.view(np.uint8)
        offset = (-block.top % self._stride, -block.left % self._stride)
        self._sample.add(pixels[offset[0] :: self._stride, offset[1] :: self._stride])
        is_finite = np.isfinite(pixels) if pixels.dtype.kind == "f" else None
        if is_finite is None or is_finite.all():
            sums = cell_sums(pixels, self._factor, block.top, block.left)
            if self._is_next_rows(block):
                self._rows.append(sums)
                self._rows_end += len(pixels)
                return
            counts = self._counts_of(block.top, block.left, *pixels.shape[:2])
        else:
            counts = cell_sums(is_finite.astype(np.uint8), self._factor, block.top, block.left)
            sums = cell_sums(np.where(is_finite, pixels, 0), self._factor, block.top, block.left)
        self._leave_rows()
        self._put(block.top, block.left, sums, counts)

    def _is_next_rows(self, block: Block) -> bool:
        """Tell whether a block holds whole rows of cells, right below those before."""
        is_whole = block.pixels.shape[1] == self._level.size_x and self._sums is None
        return is_whole and block.top == self._rows_end and block.top % self._factor == 0 and block.left == 0

    def _means_of_rows(self) -> Floats:
        sums = np.concatenate(self._rows) if len(self._rows) > 1 else self._rows[0]
        if self._factor == 1:
            means: Floats = sums.astype(np.float32)
        elif self._level.size_y % self._factor == 0 and self._level.size_x % self._factor == 0:
            means = _divided(sums, self._factor**2)  # all cells are whole
        else:
            counts = self._counts_of(0, 0, self._level.size_y, self._level.size_x)
            means = (sums / (counts if sums.ndim == 2 else counts[..., None])).astype(np.float32)
        return _darkened(means) if sums.dtype.kind == "f" else means

    def _leave_rows(self) -> None:
        """Put the rows into the grid: what follows is of another shape, or the plane ended early."""
        rows, self._rows = self._rows, []
        top = 0
        for sums in rows:
            height = min(len(sums) * self._factor, self._rows_end - top)
            self._put(top, 0, sums, self._counts_of(top, 0, height, self._level.size_x))
            top += height

    def _counts_of(self, top: int, left: int, height: int, width: int) -> Pixels:
        rows = cell_sums(np.ones((height, 1), np.uint8), self._factor, top, 0)
        columns = cell_sums(np.ones((1, width), np.uint8), self._factor, 0, left)
        return rows.astype(np.float64) * columns

    def _put(self, top_px: int, left_px: int, sums: Pixels, counts: Pixels) -> None:
        if counts.ndim < sums.ndim:
            counts = counts[..., None]
        if self._sums is None or self._counts is None:
            self._sums = np.zeros(self._shape + sums.shape[2:], np.float64)
            self._counts = np.zeros(self._shape + counts.shape[2:], np.float64)
        top, left = top_px // self._factor, left_px // self._factor
        height, width = sums.shape[:2]
        self._sums[top : top + height, left : left + width] += sums
        self._counts[top : top + height, left : left + width] += counts

    def reduced(self) -> Reduced:
        """Divide sums by counts; cells that were not sampled take a neighbour's value, those of NaN the lowest."""
        if self._rows and self._rows_end == self._level.size_y:
            return Reduced(self._means_of_rows(), self._sample.whole())
        self._leave_rows()
        if self._sums is None or self._counts is None:
            return Reduced(np.zeros(self._shape, np.float32), np.zeros(0, np.uint8))
        with np.errstate(invalid="ignore", divide="ignore"):
            means = (self._sums / self._counts).astype(np.float32)
        return Reduced(_filled(means) if self._is_sampled else _darkened(means), self._sample.whole())


def _divided(sums: Pixels, count: int) -> Floats:
    """Divide sums by the number of pixels of a cell, as exactly as float32 tells it."""
    if sums.dtype.kind == "u" and count & (count - 1) == 0:  # a power of two is divided by without an error
        return np.multiply(sums, np.float32(1 / count), dtype=np.float32, casting="unsafe")
    means: Floats = (sums * (1.0 / count)).astype(np.float32)
    return means


def cell_sums(pixels: Pixels, factor: int, top: int, left: int) -> Pixels:
    """Sum (Y, X[, S]) pixels in the cells of a grid of ``factor`` px; the block begins at (top, left) of the grid.

    The sums' dtype holds them exactly (for floats: as float64); with ``factor`` 1 they are the pixels themselves.
    """
    if factor == 1:
        return pixels
    rows = _sum_rows(pixels, factor, top % factor)
    return _sum_columns(rows, factor, left % factor)


def _sum_rows(pixels: Pixels, factor: int, phase: int) -> Pixels:
    """Sum ``factor`` rows each; the first rows may belong to a cell that began above."""
    height = len(pixels)
    head = min(height, -phase % factor)
    whole = (height - head) // factor
    wide = _for_rows(pixels, factor)
    parts = []
    if head:
        parts.append(np.add.reduce(pixels[:head], axis=0, dtype=wide, keepdims=True))
    if whole:
        body = pixels[head : head + whole * factor]
        parts.append(np.add.reduce(body.reshape(whole, factor, *pixels.shape[1:]), axis=1, dtype=wide))
    if head + whole * factor < height:
        parts.append(np.add.reduce(pixels[head + whole * factor :], axis=0, dtype=wide, keepdims=True))
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _for_rows(pixels: Pixels, factor: int) -> Any:
    """Give the dtype in which rows are added: 16 bits where the values leave room, at half the time of 32."""
    dtype = pixels.dtype
    if dtype.kind == "u" and dtype.itemsize <= 2 and factor <= 256:
        highest = 255 if dtype.itemsize == 1 else int(pixels.max(initial=0))
        return np.uint16 if highest * factor <= 65535 else np.uint32
    return np.float64 if dtype.kind == "f" or dtype == np.uint64 else np.int64


def _sum_columns(rows: Pixels, factor: int, phase: int) -> Pixels:
    """Sum ``factor`` columns each; the first ones may belong to a cell that began left of them."""
    width = rows.shape[1]
    wide: Any = np.uint32 if rows.dtype.kind == "u" else rows.dtype
    head = min(width, -phase % factor)
    whole = (width - head) // factor
    parts = []
    if head:
        parts.append(rows[:, :head].sum(axis=1, dtype=wide, keepdims=True))
    if whole:
        parts.append(_whole_cells(rows[:, head : head + whole * factor], factor, wide))
    if head + whole * factor < width:
        parts.append(rows[:, head + whole * factor :].sum(axis=1, dtype=wide, keepdims=True))
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


def _whole_cells(rows: Pixels, factor: int, wide: Any) -> Pixels:
    """Sum ``factor`` columns each, of which nothing is left over."""
    if rows.dtype == np.uint16 and rows.ndim == 2 and factor % 2 == 0 and rows.flags.c_contiguous:
        # Two neighbours lie in one word, whatever its byte order: one pass without a gap adds them up.
        words = rows.view(np.uint32)
        rows, factor = words >> 16, factor // 2
        rows += words & 0xFFFF
    if factor == 1:
        return rows
    total: Pixels = np.add(rows[:, 0::factor], rows[:, 1::factor], dtype=wide)
    for i in range(2, factor):
        total += rows[:, i::factor]
    return total


def _darkened(means: Floats) -> Floats:
    """Give cells of nothing but NaN the lowest value, which is shown black."""
    is_known = np.isfinite(means)
    if is_known.all():
        return means
    lowest = means[is_known].min() if is_known.any() else np.float32(0)
    dark: Floats = np.where(is_known, means, lowest).astype(np.float32)
    return dark


def _filled(means: Floats) -> Floats:
    """Give cells without a value that of the nearest known row and column."""
    is_known = np.isfinite(means if means.ndim == 2 else means[..., 0])
    if is_known.all():
        return means
    rows, columns = np.flatnonzero(is_known.any(axis=1)), np.flatnonzero(is_known.any(axis=0))
    if not len(rows):
        return np.zeros_like(means)
    nearest_rows = rows[np.abs(np.arange(means.shape[0])[:, None] - rows).argmin(axis=1)]
    nearest_columns = columns[np.abs(np.arange(means.shape[1])[:, None] - columns).argmin(axis=1)]
    borrowed = means[nearest_rows][:, nearest_columns]
    filled: Floats = np.where(np.isfinite(means), means, borrowed).astype(np.float32)
    return np.nan_to_num(filled, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
