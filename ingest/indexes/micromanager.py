"""Micro-Manager's metadata.txt beside single images: its summary, which stands in front and is enough.

What follows it, notes about each image, grows while images are taken and may be very long: it is not read.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from catalog.records import Channel
from ingest.indexes.values import IndexFormatError, PlaneFacts, PlateFacts
from ingest.readers.tiff_micromanager import facts_of_summary

#: The summary lies within so many bytes from the beginning.
HEAD_BYTES = 4 << 20
CHANNELS_AT_MOST = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class AcquisitionSummary:
    """What is said of all images of an acquisition, and the channels in their order."""

    facts: PlaneFacts
    channels: tuple[Channel, ...] = ()
    plate: PlateFacts = field(default_factory=PlateFacts)

    def plane(self, name: str, captured: Mapping[str, str]) -> PlaneFacts | None:  # noqa: ARG002 - as Index says
        """Give what is said of the channel that the name gives, by its number from 0 or its name."""
        return replace(self.facts, channel=self._channel(captured.get("channel")))

    def _channel(self, written: str | None) -> Channel | None:
        if written is None:
            return self.channels[0] if len(self.channels) == 1 else None
        named = next((channel for channel in self.channels if channel.name == written), None)
        if named is not None or not written.isdecimal() or len(written) > 6:
            return named
        return self.channels[int(written)] if int(written) < len(self.channels) else None


def parse_summary(head: bytes) -> AcquisitionSummary:
    """Parse the beginning of a metadata.txt; raises IndexFormatError."""
    text = head.decode("utf-8", "replace")
    at = text.find('"Summary"')
    begins = text.find("{", at) if at >= 0 else -1
    if begins < 0:
        raise IndexFormatError("has no summary of an acquisition")
    try:
        summary, _ = json.JSONDecoder().raw_decode(text, begins)
    except (ValueError, RecursionError) as error:
        raise IndexFormatError("has a summary that can't be read") from error
    names = summary.get("ChNames")
    count = min(len(names), CHANNELS_AT_MOST) if isinstance(names, list) else 0
    told = facts_of_summary(summary, {}, count)
    facts = PlaneFacts(
        physical_size_x_um=told.physical_size_x_um,
        physical_size_y_um=told.physical_size_y_um,
        z_step_um=told.physical_size_z_um,
        acquired_at=told.acquired_at,
        acquisition=told.acquisition,
    )
    return AcquisitionSummary(facts=facts, channels=told.channels)
