"""Writes small sets that one of their files describes: a companion and its planes."""

from pathlib import Path

import numpy as np
import tifffile

HEAD = '<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '


def companion(names: list[str], *, x: int = 24, y: int = 24) -> bytes:
    """Write OME-XML for one plane a file, along C."""
    data = "".join(
        f'<TiffData FirstC="{c}" FirstZ="0" FirstT="0" IFD="0" PlaneCount="1"><UUID FileName="{name}">urn:uuid:{c}'
        "</UUID></TiffData>"
        for c, name in enumerate(names)
    )
    channels = "".join(f'<Channel ID="Channel:0:{c}" Name="c{c}" SamplesPerPixel="1"/>' for c in range(len(names)))
    return (
        HEAD + 'UUID="urn:uuid:m"><Image ID="Image:0" Name="together"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" '
        f'Type="uint16" SizeX="{x}" SizeY="{y}" SizeZ="1" SizeC="{len(names)}" SizeT="1" PhysicalSizeX="0.5">'
        f"{channels}{data}</Pixels></Image></OME>"
    ).encode()


def part(path: Path, value: int, description: bytes | None = None) -> Path:
    """Write one plane."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((24, 24), value, np.uint16)
    pixels[0] = np.arange(24) + value
    tifffile.imwrite(path, pixels, description=description, metadata=None)
    return path
