"""Composes one image of several files: its sizes and where each plane lies, from what the names say and the files hold.

Pure. Files may hold planes along the axes that names tell, too (a stack for each z): they come one after the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from catalog.records import HeldSeries, PlaneRecord
from config.path_text import path_text
from ingest.grouping import Grid, Place, Values, grid_of
from ingest.readers.protocol import DamagedError

PLANES_AT_MOST = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A file of an image: what its name captured, and what it holds."""

    path: bytes
    values: Values
    holds: tuple[HeldSeries, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """One image of several files. ``channel_values`` are the captured values of its channels, in order."""

    series: int
    size_x: int
    size_y: int
    size_z: int
    size_c: int
    size_t: int
    pixels_type: str
    is_rgb: bool
    channel_values: tuple[str, ...]
    #: The first file of each channel, in natural order, and the channel's number inside it; () for RGB.
    channel_parts: tuple[tuple[bytes, int] | None, ...]
    planes: tuple[PlaneRecord, ...]


def compose(parts: Sequence[Part], *, channels: Sequence[str] = ()) -> list[Composed]:
    """Compose the images of files in natural order: one for each series inside them. Raises DamagedError.

    ``channels`` are captured values whose order a rule fixes. What no file holds is a hole: it has no plane.
    """
    grid = grid_of((part.values for part in parts), channels=channels)
    count = max((len(part.holds) for part in parts), default=0)
    return [
        _Composer(grid, [part for part in parts if series < len(part.holds)], series).composed()
        for series in range(count)
    ]


class _Composer:
    """Composes one series."""

    def __init__(self, grid: Grid, parts: Sequence[Part], series: int) -> None:
        self.grid = grid
        self.parts = parts
        self.series = series
        held = [part.holds[series] for part in parts]
        self.first = held[0]
        self.is_rgb = all(one.is_rgb for one in held) and len(grid.channel) == 1
        self.inner_c = 1 if self.is_rgb else max(one.size_c for one in held)
        self.inner_z = max(one.size_z for one in held)
        self.inner_t = max(one.size_t for one in held)

    def composed(self) -> Composed:
        """Check that the files go together, and place their planes."""
        for part in self.parts:
            self._check(part)
        size_c, size_z, size_t = (
            len(axis) * inner
            for axis, inner in (
                (self.grid.channel, self.inner_c),
                (self.grid.z, self.inner_z),
                (self.grid.t, self.inner_t),
            )
        )
        if size_c * size_z * size_t > PLANES_AT_MOST:
            raise DamagedError(f"{size_c} x {size_z} x {size_t} planes are too many for one image")
        places = list(self.grid.places(part.values for part in self.parts))
        placed = list(zip(self.parts, places, strict=True))
        planes = tuple(plane for part, place in placed for plane in self._planes(part, place))
        return Composed(
            series=self.series,
            size_x=self.first.size_x,
            size_y=self.first.size_y,
            size_z=size_z,
            size_c=self.first.size_c if self.is_rgb else size_c,
            size_t=size_t,
            pixels_type=self.first.pixels_type,
            is_rgb=self.is_rgb,
            channel_values=tuple(value for value in self.grid.channel for _ in range(self.inner_c)),
            channel_parts=self._channel_parts(placed, size_c),
            planes=planes,
        )

    def _check(self, part: Part) -> None:
        held, first = part.holds[self.series], self.first
        names = f"{_name(part.path)} does not fit to {_name(self.parts[0].path)}"
        if (held.size_x, held.size_y) != (first.size_x, first.size_y):
            sizes = f"{held.size_x} x {held.size_y} px, not {first.size_x} x {first.size_y}"
            raise DamagedError(f"{names}: it is {sizes}")
        if held.pixels_type != first.pixels_type:
            raise DamagedError(f"{names}: its pixels are {held.pixels_type}, not {first.pixels_type}")

    def _planes(self, part: Part, place: Place) -> list[PlaneRecord]:
        held = part.holds[self.series]
        c, z, t = place
        inner_c = 1 if self.is_rgb else held.size_c
        return [
            PlaneRecord(
                image_series=self.series,
                the_c=c * self.inner_c + own_c,
                the_z=z * self.inner_z + own_z,
                the_t=t * self.inner_t + own_t,
                path=part.path,
                series=self.series,
                plane=own_c + inner_c * (own_z + held.size_z * own_t),
            )
            for own_t in range(held.size_t)
            for own_z in range(held.size_z)
            for own_c in range(inner_c)
        ]

    def _channel_parts(self, placed: Sequence[tuple[Part, Place]], size_c: int) -> tuple[tuple[bytes, int] | None, ...]:
        found: dict[int, tuple[bytes, int]] = {}
        for part, place in reversed(placed):
            first = place[0] * self.inner_c
            found |= {first + own: (part.path, own) for own in range(part.holds[self.series].size_c)}
        return () if self.is_rgb else tuple(found.get(c) for c in range(size_c))


def _name(path: bytes) -> str:
    return path_text(path.rpartition(b"/")[2])
