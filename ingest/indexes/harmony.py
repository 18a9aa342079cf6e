"""Index.idx.xml and Index.xml of Harmony (Operetta, Opera Phenix, Sonata): a record for each picture.

Newer versions say what all pictures of a channel share once, in ``Maps/Map/Entry`` with the channel's number. Lengths
are in m, exposures in s, wavelengths in nm; units are written as attributes.
"""

from catalog.records import Acquisition, Channel, Objective
from ingest import hardened_xml
from ingest.hardened_xml import Attributes, XmlError
from ingest.indexes.values import (
    PLANES_AT_MOST,
    IndexFormatError,
    NamedPlanes,
    PlaneFacts,
    PlateFacts,
    base_name,
    whole_number,
)
from ingest.readers.values import length_um, moment, number, positive, text, time_s

_PLATE_KEYS = ("PlateID", "Name", "PlateRows", "PlateColumns")
#: What is wanted of a record: everything else, such as flatfield profiles, is long and left out.
_WANTED = frozenset({
    "URL", "State", "ChannelID", "ChannelName", "ImageResolutionX", "ImageResolutionY", "ImageSizeX", "ImageSizeY",
    "PositionX", "PositionY", "PositionZ", "AbsPositionZ", "AbsTime", "MainExcitationWavelength",
    "MainEmissionWavelength", "ObjectiveMagnification", "ObjectiveNA", "ExposureTime", "CameraType",
})  # fmt: skip
_LONGEST_TEXT = 1000

#: A record's texts with their units.
_Fields = dict[str, tuple[str, str | None]]


def parse(xml: bytes) -> NamedPlanes:
    """Parse an index; raises IndexFormatError."""
    handler = _Handler()
    try:
        hardened_xml.parse(xml, start=handler.start, end=handler.end, text=handler.text)
    except XmlError as error:
        raise IndexFormatError(str(error)) from error
    if handler.root != "EvaluationInputData":
        raise IndexFormatError("is no index of Harmony: it does not begin with EvaluationInputData")
    name = handler.plate.get("Name") or handler.plate.get("PlateID")
    plate = PlateFacts(
        name=text(name, 255),
        rows=whole_number(handler.plate.get("PlateRows"), 702),
        columns=whole_number(handler.plate.get("PlateColumns"), 999),
    )
    return NamedPlanes(plate=plate, planes=handler.planes)


class _Handler:
    """Expat's callbacks: they collect the plate and the pictures."""

    def __init__(self) -> None:
        self.root: str | None = None
        self.plate: dict[str, str] = {}
        self.planes: dict[str, PlaneFacts] = {}
        self._shared: dict[str, _Fields] = {}
        self._known: dict[tuple[object, ...], tuple[Channel, Acquisition]] = {}
        self._path: list[str] = []
        self._fields: _Fields | None = None
        self._unit: str | None = None
        self._text: list[str] | None = None
        self._channel = ""

    def start(self, local: str, attributes: Attributes) -> None:
        """Note an element's begin."""
        self._path.append(local)
        self.root = self.root or local
        is_record = self._path[-2:] == ["Images", "Image"]
        if is_record or self._path[-2:] == ["Map", "Entry"]:
            self._fields = {}
            self._channel = attributes.get("ChannelID", "")
        elif (self._fields is not None and local in _WANTED) or self._is_of_plate():
            self._text, self._unit = [], attributes.get("Unit")

    def text(self, data: str) -> None:
        """Collect text where it is wanted."""
        if self._text is not None and sum(map(len, self._text)) < _LONGEST_TEXT:
            self._text.append(data[:_LONGEST_TEXT])

    def end(self, local: str) -> None:
        """Note an element's end."""
        if self._text is not None:
            written = "".join(self._text).strip()
            if self._fields is not None:
                self._fields[local] = (written, self._unit)
            else:
                self.plate.setdefault(local, written)
            self._text = None
        elif self._path[-2:] == ["Map", "Entry"] and self._fields is not None:
            self._shared.setdefault(self._channel, {}).update(self._fields)
            self._fields = None
        elif self._path[-2:] == ["Images", "Image"] and self._fields is not None:
            self._take(self._fields)
            self._fields = None
        self._path.pop()

    def _is_of_plate(self) -> bool:
        return self._path[-3:-1] == ["Plates", "Plate"] and self._path[-1] in _PLATE_KEYS

    def _take(self, fields: _Fields) -> None:
        name = base_name(fields.get("URL", ("", None))[0])
        if name is None:
            return
        if len(self.planes) >= PLANES_AT_MOST:
            raise IndexFormatError(f"lists more than {PLANES_AT_MOST:,} pictures")
        channel_id = fields.get("ChannelID", ("", None))[0]
        whole = self._shared.get(channel_id, {}) | fields
        channel, acquisition = self._of_channel(whole)
        self.planes[name] = _plane(whole, channel, acquisition)

    def _of_channel(self, fields: _Fields) -> tuple[Channel, Acquisition]:
        """Give channel and instrument, one object for all pictures that say the same."""
        names = (
            "ChannelName", "MainExcitationWavelength", "MainEmissionWavelength", "ExposureTime",
            "ObjectiveMagnification", "ObjectiveNA", "CameraType",
        )  # fmt: skip
        key = tuple(fields.get(name) for name in names)
        if key not in self._known:
            self._known[key] = (_channel(fields), _acquisition(fields))
        return self._known[key]


def _plane(fields: _Fields, channel: Channel, acquisition: Acquisition) -> PlaneFacts:
    return PlaneFacts(
        channel=channel,
        size_x=whole_number(_text(fields, "ImageSizeX")),
        size_y=whole_number(_text(fields, "ImageSizeY")),
        physical_size_x_um=_length_um(fields, "ImageResolutionX"),
        physical_size_y_um=_length_um(fields, "ImageResolutionY"),
        position_x_um=_position_um(fields, "PositionX"),
        position_y_um=_position_um(fields, "PositionY"),
        position_z_um=_position_um(fields, "PositionZ"),
        acquired_at=moment(_text(fields, "AbsTime")),
        acquisition=acquisition,
    )


def _text(fields: _Fields, name: str) -> str | None:
    return fields[name][0] or None if name in fields else None


def _length_um(fields: _Fields, name: str) -> float | None:
    return length_um(_text(fields, name), fields[name][1] or "m") if name in fields else None


def _position_um(fields: _Fields, name: str) -> float | None:
    """Give a position, which unlike a length may be zero or negative."""
    amount = number(_text(fields, name))
    unit_um = length_um(1, fields[name][1] or "m") if name in fields else None
    return None if amount is None or unit_um is None else float(f"{amount * unit_um:.14g}")


def _channel(fields: _Fields) -> Channel:
    return Channel(
        name=text(_text(fields, "ChannelName"), 255),
        excitation_wavelength_nm=positive(_text(fields, "MainExcitationWavelength")),
        emission_wavelength_nm=positive(_text(fields, "MainEmissionWavelength")),
        exposure_time_s=time_s(_text(fields, "ExposureTime"), fields.get("ExposureTime", ("", None))[1] or "s"),
    )


def _acquisition(fields: _Fields) -> Acquisition:
    objective = Objective(
        nominal_magnification=positive(_text(fields, "ObjectiveMagnification")),
        lens_na=positive(_text(fields, "ObjectiveNA")),
    )
    return Acquisition(
        objective=None if objective == Objective() else objective, detector=text(_text(fields, "CameraType"), 255)
    )
