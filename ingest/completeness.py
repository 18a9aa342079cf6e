"""Decides whether files are whole as their rule says: its marker is there, and as many as it expects. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from config.rule_values import DIMENSIONS
from ingest.grouping import Grid, Place, Values, first_hole, grid_of
from ingest.placement import Complete


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What there is of an image: what its files' names captured (one entry a file), whether the marker is there."""

    files: Sequence[Values]
    has_marker: bool = False


def lacking(complete: Complete | None, found: Iterable[Found]) -> str | None:
    """Say what is waited for, None when all is there. ``found`` is one image, or all of a plate (`per: plate`)."""
    if complete is None:
        return None
    images = list(found)
    if complete.marker is not None and not any(image.has_marker for image in images):
        return f"it waits for '{complete.marker}'"
    if "files" in complete.expect:
        count, wanted = sum(len(image.files) for image in images), complete.expect["files"]
        return None if count >= wanted else f"it waits for files: {count} of {wanted} are there"
    wanted_values = {name: complete.expect[name] for name in DIMENSIONS if name in complete.expect}
    if not wanted_values:
        return None
    said = (_lacking_values(wanted_values, image.files) for image in images)
    return next((sentence for sentence in said if sentence is not None), None)


def _lacking_values(wanted: Mapping[str, int], files: Sequence[Values]) -> str | None:
    """Compare distinct values with how many are expected; then every combination of them must be there."""
    grid = grid_of(files)
    counts = {name: len(set(axis) - {""}) for name, axis in _axes(grid).items()}
    few = [f"{counts[name]} of {count} in {name}" for name, count in wanted.items() if counts[name] < count]
    if few:
        return f"it waits for planes: {', '.join(few)} are there"
    hole = first_hole(grid, files)
    if hole is None:
        return None
    there = len(set(grid.places(files)))
    return f"it waits for planes: {there} of {grid.size} are there, {_place(grid, hole)} is not"


def _axes(grid: Grid) -> dict[str, tuple[str, ...]]:
    return dict(zip(DIMENSIONS, grid.axes, strict=True))


def _place(grid: Grid, place: Place) -> str:
    values = zip(_axes(grid).items(), place, strict=True)
    return ", ".join(f"{name} {axis[index]}" for (name, axis), index in values if axis[index])
