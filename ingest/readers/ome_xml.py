"""Reads OME-XML with expat: only what the catalogue takes, in one pass, without building a tree; DOCTYPE is refused.

The terms and their defaults are those of the OME model 2016-06 (units: um, nm, s where no unit is written).
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from ingest import hardened_xml
from ingest.hardened_xml import Attributes
from ingest.readers.protocol import DamagedError


@dataclass(slots=True)
class TiffData:
    """Which planes lie in which directories, and in which file when it is told."""

    attributes: Attributes
    uuid: str | None = None
    file_name: str | None = None


@dataclass(slots=True)
class OmeChannel:
    """A Channel element and its detector's id."""

    attributes: Attributes
    detector: str | None = None


@dataclass(slots=True)
class OmeImage:
    """An Image element with its Pixels."""

    attributes: Attributes
    pixels: Attributes | None = None
    description: str | None = None
    date: str | None = None
    objective: str | None = None
    instrument: str | None = None
    channels: list[OmeChannel] = field(default_factory=list)
    tiff_data: list[TiffData] = field(default_factory=list)
    #: Exposure of the first plane of each channel: (value, unit) by TheC.
    exposures: dict[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(slots=True)
class OmeDocument:
    """What an OME element holds; ``parts`` are Objective, Detector and Microscope elements by id."""

    attributes: Attributes = field(default_factory=dict)
    images: list[OmeImage] = field(default_factory=list)
    is_ome: bool = False
    is_binary_only: bool = False
    metadata_file: str | None = None
    parts: dict[str, Attributes] = field(default_factory=dict)
    microscopes: dict[str, Attributes] = field(default_factory=dict)


class _Handler:
    """Expat's callbacks: they fill a document."""

    def __init__(self) -> None:
        self.document = OmeDocument()
        self._path: list[str] = []
        self._text: list[str] | None = None
        self._instrument = ""
        self._starts: dict[str, Callable[[Attributes], None]] = {
            "Image": self._image, "Pixels": self._pixels, "Channel": self._channel, "TiffData": self._tiff_data,
            "UUID": self._uuid, "Plane": self._plane, "BinaryOnly": self._binary_only, "Instrument": self._instrument_,
            "Objective": self._part, "Detector": self._part, "Microscope": self._microscope,
            "ObjectiveSettings": self._objective, "InstrumentRef": self._instrument_ref,
            "DetectorSettings": self._detector, "ObjectiveRef": self._objective,
        }  # fmt: skip

    def start(self, local: str, attributes: Attributes) -> None:
        """Note the begin of an element, called by its local name."""
        self._path.append(local)
        if len(self._path) == 1:
            self.document.is_ome = local == "OME"
            self.document.attributes = attributes
        take = self._starts.get(local)
        if take is not None:
            take(attributes)
        if local in ("AcquisitionDate", "UUID") or (local == "Description" and self._path[-2:-1] == ["Image"]):
            self._text = []

    def end(self, local: str) -> None:
        """Note an element's end and its text."""
        if self._text is not None and local in ("AcquisitionDate", "Description", "UUID"):
            self._take_text(local, "".join(self._text).strip())
            self._text = None
        self._path.pop()

    def text(self, data: str) -> None:
        """Collect text where it is wanted."""
        if self._text is not None:
            self._text.append(data)

    def _take_text(self, local: str, text: str) -> None:
        images = self.document.images
        if not images:
            return
        if local == "UUID":
            if images[-1].tiff_data and self._path[-2:-1] == ["TiffData"]:
                images[-1].tiff_data[-1].uuid = text
        elif local == "Description":
            images[-1].description = text
        elif images[-1].date is None:
            images[-1].date = text

    def _image(self, attributes: Attributes) -> None:
        if self._path == ["OME", "Image"]:
            self.document.images.append(OmeImage(attributes))

    def _pixels(self, attributes: Attributes) -> None:
        if self.document.images and self.document.images[-1].pixels is None:
            self.document.images[-1].pixels = attributes

    def _channel(self, attributes: Attributes) -> None:
        if self._path[-2:-1] == ["Pixels"] and self.document.images:
            self.document.images[-1].channels.append(OmeChannel(attributes))

    def _tiff_data(self, attributes: Attributes) -> None:
        if self.document.images:
            self.document.images[-1].tiff_data.append(TiffData(attributes))

    def _uuid(self, attributes: Attributes) -> None:
        if self._path[-2:-1] == ["TiffData"] and self.document.images and self.document.images[-1].tiff_data:
            self.document.images[-1].tiff_data[-1].file_name = attributes.get("FileName")

    def _plane(self, attributes: Attributes) -> None:
        if self.document.images and "ExposureTime" in attributes:
            exposure = (attributes["ExposureTime"], attributes.get("ExposureTimeUnit", "s"))
            self.document.images[-1].exposures.setdefault(attributes.get("TheC", "0"), exposure)

    def _binary_only(self, attributes: Attributes) -> None:
        self.document.is_binary_only = True
        self.document.metadata_file = attributes.get("MetadataFile")

    def _instrument_(self, attributes: Attributes) -> None:
        self._instrument = attributes.get("ID", "")

    def _part(self, attributes: Attributes) -> None:
        self.document.parts[attributes.get("ID", "")] = attributes

    def _microscope(self, attributes: Attributes) -> None:
        self.document.microscopes[self._instrument] = attributes

    def _objective(self, attributes: Attributes) -> None:
        if self._path[-2:-1] == ["Image"] and self.document.images:
            self.document.images[-1].objective = attributes.get("ID")

    def _instrument_ref(self, attributes: Attributes) -> None:
        if self._path[-2:-1] == ["Image"] and self.document.images:
            self.document.images[-1].instrument = attributes.get("ID")

    def _detector(self, attributes: Attributes) -> None:
        if self.document.images and self.document.images[-1].channels:
            self.document.images[-1].channels[-1].detector = attributes.get("ID")


def parse(xml: bytes) -> OmeDocument:
    """Parse OME-XML; raises DamagedError for what is broken, hostile or not OME-XML."""
    handler = _Handler()
    try:
        hardened_xml.parse(xml, start=handler.start, end=handler.end, text=handler.text)
    except hardened_xml.XmlError as error:
        raise DamagedError(f"the OME-XML {error}") from error
    if not handler.document.is_ome:
        raise DamagedError("the OME-XML is broken: it does not begin with an OME element")
    return handler.document
