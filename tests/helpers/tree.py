"""An invented folder tree, and short ways to write its files."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import product


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A tree by its files. ``wanted`` are values for some of them; ``edits``: what the first guess still lacks.

    ``users`` and ``groups`` are those who are known when the tree is looked at.
    """

    name: str
    files: tuple[str, ...]
    wanted: Mapping[str, Mapping[str, str] | str]
    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    edits: str = ""
    uncovered: tuple[str, ...] = field(default=())


def _path(*parts: str) -> str:
    return "/".join(parts)


def made(*parts: str | tuple[str, ...], write: Callable[..., str] = _path) -> tuple[str, ...]:
    """Give every combination of the parts, written by a function."""
    choices = [(part,) if isinstance(part, str) else part for part in parts]
    return tuple(write(*combination) for combination in product(*choices))


def numbers(pattern: str, count: int, start: int = 1) -> tuple[str, ...]:
    return tuple(pattern.format(number) for number in range(start, start + count))


def wells(rows: str, columns: int) -> tuple[str, ...]:
    return tuple(f"{row}{column:02}" for row in rows for column in range(1, columns + 1))
