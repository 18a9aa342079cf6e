"""Where the files of an image of many files lie in it: ranks of what their names capture, holes, clashes. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

from catalog.names import natural_key
from config.path_text import path_text
from config.rule_values import DIMENSIONS

#: What a name captured: texts by `channel`, `z`, `t`.
Values: TypeAlias = Mapping[str, str]
#: Indices (c, z, t).
Place: TypeAlias = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The values of each dimension in order: a value's place in it is its index. Not captured: one empty value."""

    channel: tuple[str, ...]
    z: tuple[str, ...]
    t: tuple[str, ...]

    @property
    def axes(self) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        """Give the values of channel, z and t."""
        return self.channel, self.z, self.t

    @property
    def size(self) -> int:
        """Give how many places there are."""
        return len(self.channel) * len(self.z) * len(self.t)

    def places(self, files: Iterable[Values]) -> Iterator[Place]:
        """Give the place (c, z, t) of each file."""
        ranks = [{value: rank for rank, value in enumerate(axis)} for axis in self.axes]
        for values in files:
            c, z, t = (rank[values.get(name, "")] for name, rank in zip(DIMENSIONS, ranks, strict=True))
            yield c, z, t


def values_in_order(values: Iterable[str], first: Sequence[str] = ()) -> tuple[str, ...]:
    """Rank values: those named ``first`` in that order, then the others naturally (digits compare as numbers).

    Only what was seen has a rank: numbers are never shifted, and what is missing between them takes no place.
    """
    seen = set(values)
    given = [value for value in dict.fromkeys(first) if value in seen]
    others = sorted(seen.difference(given), key=lambda value: (natural_key(value), value))
    return (*given, *others)


def grid_of(files: Iterable[Values], *, channels: Sequence[str] = ()) -> Grid:
    """Rank what the files of one image captured; ``channels`` are the values whose order a rule fixes."""
    seen: dict[str, set[str]] = {name: set() for name in DIMENSIONS}
    for values in files:
        for name in DIMENSIONS:
            seen[name].add(values.get(name, ""))
    return Grid(
        channel=values_in_order(seen["channel"], channels),
        z=values_in_order(seen["z"]),
        t=values_in_order(seen["t"]),
    )


def first_hole(grid: Grid, files: Iterable[Values]) -> Place | None:
    """Give the first place that no file fills, in the order of c, z, t."""
    filled = set(grid.places(files))
    if len(filled) == grid.size:
        return None
    sizes = [range(len(axis)) for axis in grid.axes]
    return next((c, z, t) for c, z, t in product(*sizes) if (c, z, t) not in filled)


def order_of(path: bytes) -> tuple[object, bytes]:
    """Give the key by which files of the same place come in natural order: the first stays, the others are held."""
    return natural_key(path_text(path)), path
