"""Yokogawa CellVoyager (CV7000, CV8000): MeasurementData.mlf lists pictures, MeasurementDetail.mrf the cameras'
pixels and the plate, the .mes file what the channels are. Lengths are in um, exposures in ms, wavelengths in nm.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from catalog.records import Acquisition, Channel, Objective
from ingest import hardened_xml
from ingest.hardened_xml import Attributes, XmlError
from ingest.indexes.values import (
    NO_ACQUISITION,
    PLANES_AT_MOST,
    IndexFormatError,
    NamedPlanes,
    PlaneFacts,
    PlateFacts,
    base_name,
    whole_number,
)
from ingest.readers.values import length_um, moment, number, positive, text, time_s

#: A filter by its middle and width, nm: BP445/45.
_BAND = re.compile(r"BP(\d{3,4})/(\d{1,3})")
_COLOR = re.compile(r"#[0-9A-Fa-f]{2}([0-9A-Fa-f]{6})")


#: Channel and instrument by the channel's number.
Channels = dict[str, tuple[Channel, Acquisition]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """What the .mrf file says: the plate, where the channels' settings are, and each camera's pixels by channel."""

    plate: PlateFacts
    settings_name: str | None
    pixels: dict[str, PlaneFacts]


NO_DETAIL = Detail(plate=PlateFacts(), settings_name=None, pixels={})


def parse_detail(xml: bytes) -> Detail:
    """Parse a .mrf file; raises IndexFormatError."""
    root: Attributes = {}
    plate: list[str] = []
    pixels: dict[str, PlaneFacts] = {}

    def start(local: str, attributes: Attributes) -> None:
        if local == "MeasurementDetail":
            root.update(attributes)
        elif local == "MeasurementSamplePlate":
            plate.append(attributes.get("Name", ""))
        elif local == "MeasurementChannel":
            pixels[attributes.get("Ch", "")] = PlaneFacts(
                size_x=whole_number(attributes.get("HorizontalPixels")),
                size_y=whole_number(attributes.get("VerticalPixels")),
                physical_size_x_um=length_um(attributes.get("HorizontalPixelDimension"), "um"),
                physical_size_y_um=length_um(attributes.get("VerticalPixelDimension"), "um"),
            )

    _run(xml, start, "MeasurementDetail")
    facts = PlateFacts(
        name=text(plate[0], 255) if plate else None,
        rows=whole_number(root.get("RowCount"), 702),
        columns=whole_number(root.get("ColumnCount"), 999),
    )
    return Detail(plate=facts, settings_name=base_name(root.get("MeasurementSettingFileName")), pixels=pixels)


def parse_settings(xml: bytes) -> Channels:
    """Parse a .mes file: channel and objective by the channel's number; raises IndexFormatError."""
    sources: dict[str, str] = {}
    written: dict[str, Attributes] = {}
    lit_by: dict[str, str] = {}
    current: list[str] = []

    def start(local: str, attributes: Attributes) -> None:
        if local == "LightSource":
            sources[attributes.get("Name", "")] = attributes.get("WaveLength", "")
        elif local == "Channel" and "Ch" in attributes:
            written[attributes["Ch"]] = attributes
            current[:] = [attributes["Ch"]]

    def source_named(local: str, value: str) -> None:
        if local == "LightSourceName" and current:
            lit_by.setdefault(current[0], value)

    _run(xml, start, "MeasurementSetting", source_named)
    return {
        number_: (_channel(one, sources.get(lit_by.get(number_, ""))), _acquisition(one))
        for number_, one in written.items()
    }


def _channel(written: Attributes, source_nm: str | None) -> Channel:
    band = _BAND.fullmatch(written.get("Acquisition", ""))
    color = _COLOR.fullmatch(written.get("Color", ""))
    return Channel(
        name=text(written.get("Fluorophore"), 255) or text(written.get("Acquisition"), 255),
        color=f"#{color[1].upper()}" if color else None,
        excitation_wavelength_nm=positive(source_nm),
        emission_wavelength_nm=float(band[1]) if band else None,
        exposure_time_s=time_s(written.get("ExposureTime"), "ms"),
    )


def _acquisition(written: Attributes) -> Acquisition:
    objective = Objective(
        name=text(written.get("Objective"), 255), nominal_magnification=positive(written.get("Magnification"))
    )
    return Acquisition(
        objective=None if objective == Objective() else objective, detector=text(written.get("CameraType"), 255)
    )


def parse_records(xml: bytes, detail: Detail | None, channels: Channels | None) -> NamedPlanes:
    """Parse a .mlf file, joined with what the two others say where they could be read; raises IndexFormatError."""
    planes: dict[str, PlaneFacts] = {}
    current: list[Attributes] = []

    def start(local: str, attributes: Attributes) -> None:
        current[:] = [attributes] if local == "MeasurementRecord" else []

    def named(local: str, value: str) -> None:
        name = base_name(value)
        if local != "MeasurementRecord" or name is None or not current or current[0].get("Type", "IMG") != "IMG":
            return
        if len(planes) >= PLANES_AT_MOST:
            raise IndexFormatError(f"lists more than {PLANES_AT_MOST:,} pictures")
        planes[name] = _plane(current[0], detail, channels or {})

    _run(xml, start, "MeasurementData", named)
    return NamedPlanes(plate=detail.plate if detail else PlateFacts(), planes=planes)


def _plane(record: Attributes, detail: Detail | None, channels: Channels) -> PlaneFacts:
    number_ = record.get("Ch", "")
    channel, acquisition = channels.get(number_, (None, NO_ACQUISITION))
    pixels = detail.pixels.get(number_, PlaneFacts()) if detail else PlaneFacts()
    return replace(
        pixels,
        channel=channel,
        position_x_um=number(record.get("X")),
        position_y_um=number(record.get("Y")),
        position_z_um=number(record.get("Z")),
        acquired_at=moment(record.get("Time")),
        acquisition=acquisition,
    )


def _run(
    xml: bytes,
    start: Callable[[str, Attributes], None],
    root: str,
    with_text: Callable[[str, str], None] | None = None,
) -> None:
    """Run over a document, giving each element's attributes by their local names, and its text at its end."""
    seen: list[str] = []
    pieces: list[str] = []

    def opened(local: str, attributes: Attributes) -> None:
        if not seen:
            seen.append(local)
        pieces.clear()
        start(local, {name.rpartition(":")[2]: value for name, value in attributes.items()})

    def closed(local: str) -> None:
        if with_text is not None:
            with_text(local, "".join(pieces).strip())
        pieces.clear()

    try:
        hardened_xml.parse(xml, start=opened, end=closed, text=pieces.append)
    except XmlError as error:
        raise IndexFormatError(str(error)) from error
    if seen != [root]:
        raise IndexFormatError(f"is none of Yokogawa's: it does not begin with {root}")
