"""Acquisitions of several positions as Micro-Manager saves them: stacks with an index map, or single images.

Every position has a file of its own, which goes on in `NAME_1.ome.tif` when it is full. The first file of all has the
OME-XML of all positions, the others point to it. Plane (c, z, t) of position p holds ``value(p, c, z, t)``.
"""

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from tests.helpers.tiff_writer import Tag, TiffWriter, ascii_tag, rational, shorts

SIZE = 24
Place = tuple[int, int, int]


def value(position: int, c: int, z: int, t: int) -> int:
    """Give the pixel in the corner of a plane."""
    return 1000 * (position + 1) + 100 * c + 10 * z + t


def pixels(position: int, place: Place) -> NDArray[np.uint16]:
    """Give a plane that is told from all others."""
    return np.arange(SIZE * SIZE, dtype=np.uint16).reshape(SIZE, SIZE) + np.uint16(value(position, *place))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stacks:
    """An acquisition saved as stacks. ``full_after``: planes that go into one file."""

    prefix: str
    labels: Sequence[str]
    channels: Sequence[str] = ("DAPI", "Cy5")
    size_z: int = 2
    size_t: int = 1
    full_after: int = 1000

    def write(self, folder: Path, positions: Sequence[int] | None = None) -> list[Path]:
        """Write the files of all positions, or of some; gives them in order."""
        folder.mkdir(parents=True, exist_ok=True)
        found = []
        for position in range(len(self.labels)) if positions is None else positions:
            for number, places in enumerate(self._files()):
                path = folder / self._name(position, number)
                is_master = (position, number) == (0, 0)
                xml = self._document() if is_master else self._pointer(path.name)
                path.write_bytes(self._file([(position, *place) for place in places], xml))
                found.append(path)
        return found

    def write_together(self, path: Path) -> Path:
        """Write all positions into one file."""
        planes = [(position, *place) for position in range(len(self.labels)) for place in self._places()]
        path.write_bytes(self._file(planes, ""))
        return path

    def _name(self, position: int, number: int) -> str:
        return f"{self.prefix}_MMStack_{self.labels[position]}{f'_{number}' if number else ''}.ome.tif"

    def _places(self) -> list[Place]:
        """Give the planes in the order in which they were taken: channel by channel at each z."""
        return [(c, z, t) for t, z, c in product(range(self.size_t), range(self.size_z), range(len(self.channels)))]

    def _files(self) -> list[list[Place]]:
        places = self._places()
        return [places[start : start + self.full_after] for start in range(0, len(places), self.full_after)]

    def summary(self) -> dict[str, object]:
        """Give the summary that stands in front of each file."""
        return {
            "MicroManagerVersion": "2.0.1", "Prefix": self.prefix, "Channels": len(self.channels),
            "Slices": self.size_z, "Frames": self.size_t, "Positions": len(self.labels),
            "ChNames": list(self.channels), "ChColors": [255, 16711935][: len(self.channels)], "PixelSize_um": 0.325,
            "z-step_um": 1.5, "StartTime": "2023-03-15 12:30:00 +0000", "SlicesFirst": False, "TimeFirst": False,
            "StagePositions": [{"Label": label, "GridRow": 0, "GridCol": 0} for label in self.labels],
        }  # fmt: skip

    def _file(self, planes: Sequence[tuple[int, int, int, int]], xml: str) -> bytes:
        summary = json.dumps(self.summary()).encode()
        preamble = struct.pack("<IIIIIIII", 54773648, 0, 483765892, 0, 99384722, 0, 2355492, len(summary)) + summary
        writer, index = TiffWriter(preamble=preamble), []
        for number, (position, c, z, t) in enumerate(planes):
            tags = _tags({"Camera": "Prime95B", "PositionName": self.labels[position], "ChannelIndex": c})
            if number == 0 and xml:
                tags[270] = ascii_tag(xml)
            offset = writer.page(pixels(position, (c, z, t)), tags, pixels_first=False)
            index.append(struct.pack("<5I", c, z, t, position, offset))
        table = struct.pack("<II", 3453623, len(index)) + b"".join(index)
        writer.patch(12, struct.pack("<I", writer.put(table)))
        writer.patch(20, struct.pack("<I", writer.put(struct.pack("<II", 347834724, 2) + b"[]")))
        writer.patch(28, struct.pack("<I", writer.put(struct.pack("<II", 84720485, 2) + b"{}")))
        return writer.finished()

    def _document(self) -> str:
        """Give the OME-XML of all positions, as it stands in the first file."""
        return _ome("a", "".join(self._image(position) for position in range(len(self.labels))))

    def _image(self, position: int) -> str:
        label = self.labels[position]
        channels = "".join(
            f'<Channel ID="Channel:{position}:{c}" Name="{name}" SamplesPerPixel="1"/>'
            for c, name in enumerate(self.channels)
        )
        data = "".join(
            f'<TiffData FirstC="{c}" FirstT="{t}" FirstZ="{z}" IFD="{ifd}" PlaneCount="1">'
            f'<UUID FileName="{self._name(position, number)}">urn:uuid:{self._name(position, number)}</UUID></TiffData>'
            for number, places in enumerate(self._files())
            for ifd, (c, z, t) in enumerate(places)
        )
        return (
            f'<Image ID="Image:{position}" Name="{self.prefix}_MMStack_{label}"><StageLabel Name="{label}"/>'
            f'<Pixels BigEndian="false" DimensionOrder="XYCZT" ID="Pixels:{position}" SizeX="{SIZE}" SizeY="{SIZE}" '
            f'SizeC="{len(self.channels)}" SizeZ="{self.size_z}" SizeT="{self.size_t}" Type="uint16">'
            f"{channels}{data}</Pixels></Image>"
        )

    def _pointer(self, name: str) -> str:
        return _ome(name, f'<BinaryOnly MetadataFile="{self._name(0, 0)}" UUID="urn:uuid:a"/>')


def _ome(uuid: str, content: str) -> str:
    head = '<?xml version="1.0" encoding="UTF-8" standalone="no"?><OME '
    return f'{head}xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:{uuid}">{content}</OME>'


def _tags(notes: dict[str, object]) -> dict[int, Tag]:
    resolution = {282: rational(1, 1), 283: rational(1, 1), 296: shorts(3)}
    return {51123: ascii_tag(json.dumps(notes)), **resolution}


def single_image(path: Path, position: int, place: Place) -> Path:
    """Write one image of an acquisition that is saved as separate images."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, pixels(position, place), imagej=True, metadata={"Info": "{}"})
    return path
