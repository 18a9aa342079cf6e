"""From what an index says of the files of one image to what is believed of the image itself. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

from catalog.records import Acquisition, Channel, StagePosition
from ingest.image_facts import ImageFacts
from ingest.indexes.values import NO_ACQUISITION, PlaneFacts

#: Steps between planes or time points may differ by this much and still be one step.
_TOLERANCE = 0.1

#: A file of an image: the dimensions that its name gave, and what the index says of it.
Told = tuple[Mapping[str, str], PlaneFacts]


def image_facts(told: Sequence[Told]) -> ImageFacts | None:
    """Join what is said of an image's files, in their order; None where nothing is said of any."""
    if not told:
        return None
    planes = [plane for _, plane in told]
    return ImageFacts(
        physical_size_x_um=_first(plane.physical_size_x_um for plane in planes),
        physical_size_y_um=_first(plane.physical_size_y_um for plane in planes),
        physical_size_z_um=_first(plane.z_step_um for plane in planes) or _z_step_um(told),
        time_increment_s=_time_increment_s(told),
        acquired_at=min((plane.acquired_at for plane in planes if plane.acquired_at is not None), default=None),
        channels=_channels(told),
        stacks=frozenset(captured.get("channel", "") for captured, plane in told if plane.is_stack),
        acquisition=_acquisition(planes),
    )


def _first(values: Iterable[float | None]) -> float | None:
    return next((value for value in values if value is not None), None)


def _channels(told: Sequence[Told]) -> dict[str, Channel]:
    """Give the channels by the value that names give; "" where names give none."""
    found: dict[str, Channel] = {}
    for captured, plane in told:
        if plane.channel is not None:
            found.setdefault(captured.get("channel", ""), plane.channel)
    return found


def _acquisition(planes: Sequence[PlaneFacts]) -> Acquisition | None:
    """Give instrument and objective of the first file that has any, with the stage's position of the first."""
    found = next((plane.acquisition for plane in planes if plane.acquisition != NO_ACQUISITION), NO_ACQUISITION)
    positioned = next((plane for plane in planes if plane.position_x_um is not None), None)
    if positioned is not None:
        place = StagePosition(
            x_um=positioned.position_x_um, y_um=positioned.position_y_um, z_um=positioned.position_z_um
        )
        found = replace(found, stage_position=place)
    return None if found == NO_ACQUISITION else found


def _z_step_um(told: Sequence[Told]) -> float | None:
    """Give the distance of planes, from the positions in one channel at one time."""
    first = told[0][0]
    stack = [
        (captured["z"], plane.position_z_um)
        for captured, plane in told
        if "z" in captured and all(captured.get(name) == first.get(name) for name in ("channel", "t"))
    ]
    positions = {z: position for z, position in stack if position is not None}
    return _step(sorted(set(positions.values())))


def _time_increment_s(told: Sequence[Told]) -> float | None:
    """Give the time between time points, from the earliest picture of each."""
    starts: dict[str, datetime] = {}
    for captured, plane in told:
        if "t" in captured and plane.acquired_at is not None:
            starts[captured["t"]] = min(plane.acquired_at, starts.get(captured["t"], plane.acquired_at))
    return _step(sorted(start.timestamp() for start in starts.values()))


def _step(values: Sequence[float]) -> float | None:
    """Give the step of a row of values that are evenly spaced, or nearly so."""
    steps = [later - earlier for earlier, later in pairwise(values)]
    if not steps:
        return None
    mean = (values[-1] - values[0]) / len(steps)
    is_even = mean > 0 and all(abs(step - mean) <= _TOLERANCE * mean for step in steps)
    return float(f"{mean:.6g}") if is_even else None
