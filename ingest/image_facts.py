"""What is known of an image from elsewhere than the tags of its files, and is believed over them. Frozen values, pure.

An instrument's index (``.HTD``, ``Index.idx.xml``, ``.mlf`` ...) tells channels, physical sizes, positions and times
better than the TIFFs that lie beside it (`ingest.beside`). What is None there leaves the tags' word.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import TypeVar

from catalog.records import Acquisition, Channel, HeldSeries, ImageRecord

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedChannel:
    """What a rule's `channels:` says about one captured value; the order is the channels' own."""

    value: str
    name: str | None = None
    color: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFacts:
    """What an index says of one image. ``channels`` are by captured value ("1", "DAPI"), as names give them.

    ``stacks`` are the captured values of channels whose files hold planes in z, whatever their tags call them.
    """

    physical_size_x_um: float | None = None
    physical_size_y_um: float | None = None
    physical_size_z_um: float | None = None
    time_increment_s: float | None = None
    acquired_at: datetime | None = None
    channels: Mapping[str, Channel] = field(default_factory=dict)
    stacks: frozenset[str] = frozenset()
    acquisition: Acquisition | None = None


def with_facts(record: ImageRecord, facts: ImageFacts | None, values: Sequence[str]) -> ImageRecord:
    """Put an index's word over what the tags say; ``values`` are the captured values of the channels, in order."""
    if facts is None:
        return record
    return replace(
        record,
        physical_size_x_um=_first(facts.physical_size_x_um, record.physical_size_x_um),
        physical_size_y_um=_first(facts.physical_size_y_um, record.physical_size_y_um),
        physical_size_z_um=_first(facts.physical_size_z_um, record.physical_size_z_um),
        time_increment_s=_first(facts.time_increment_s, record.time_increment_s),
        acquired_at=_first(facts.acquired_at, record.acquired_at),
        acquisition=_acquisition(facts.acquisition, record.acquisition),
        channels=_channels(record, facts, values),
    )


def as_stacks(holds: tuple[HeldSeries, ...], facts: ImageFacts | None, channel: str) -> tuple[HeldSeries, ...]:
    """Take planes inside a file for z where the index says that a stack was taken and the file calls them channels."""
    if facts is None or channel not in facts.stacks:
        return holds
    return tuple(
        replace(one, size_z=one.size_c, size_c=1, channels=one.channels[:1])
        if one.size_z == 1 and one.size_c > 1 and not one.is_rgb
        else one
        for one in holds
    )


def as_planes(holds: tuple[HeldSeries, ...], named: Container[str]) -> tuple[HeldSeries, ...]:
    """Take pages about which nothing is said for z where the files' names (``named``) tell the time point and no z."""
    if "t" not in named or "z" in named:
        return holds
    return tuple(
        replace(one, size_z=one.size_t, size_t=1) if one.is_time_assumed and one.size_z == 1 else one for one in holds
    )


def _first(told: _Value | None, otherwise: _Value | None) -> _Value | None:
    return otherwise if told is None else told


def _acquisition(told: Acquisition | None, tags: Acquisition) -> Acquisition:
    if told is None:
        return tags
    names = (one.name for one in fields(Acquisition))
    return Acquisition(**{name: _first(getattr(told, name), getattr(tags, name)) for name in names})


def _channels(record: ImageRecord, facts: ImageFacts, values: Sequence[str]) -> tuple[Channel, ...]:
    if not values and len(facts.channels) == 1:
        # A file alone, whose name tells no channel: the index knows of one only.
        values = tuple(facts.channels)
    if not facts.channels or record.is_rgb or len(values) != record.size_c:
        return record.channels
    plain = record.channels or (Channel(),) * record.size_c
    return tuple(
        _joined(facts.channels[value], one) if value in facts.channels else one
        for value, one in zip(values, plain, strict=True)
    )


def _joined(told: Channel, tags: Channel) -> Channel:
    """Believe the index for what it tells of a channel; the rest is the tags'."""
    return Channel(
        name=_first(told.name, tags.name),
        color=_first(told.color, tags.color),
        emission_wavelength_nm=_first(told.emission_wavelength_nm, tags.emission_wavelength_nm),
        excitation_wavelength_nm=_first(told.excitation_wavelength_nm, tags.excitation_wavelength_nm),
        exposure_time_s=_first(told.exposure_time_s, tags.exposure_time_s),
        window=_first(told.window, tags.window),
    )


def with_names(channels: Sequence[Channel], values: Sequence[str], said: Sequence[NamedChannel]) -> tuple[Channel, ...]:
    """Name and colour channels as the rule says; one that it does not name is called by its captured value."""
    by_value = {one.value: one for one in said}
    named = []
    for value, channel in zip(values, channels, strict=True):
        one = by_value.get(value)
        name = (one.name if one else None) or channel.name or (value if value and not value.isdecimal() else None)
        named.append(replace(channel, name=name, color=(one.color if one else None) or channel.color))
    return tuple(named)
