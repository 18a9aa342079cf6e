"""Minimal slides as the scanners write them: pyramids with their labels, macros and thumbnails; values chosen here."""

import io
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

SIDE = 512
#: What label and macro pictures are filled with: it must never show in an image's picture.
SECRET = 255


def tissue(side: int = SIDE) -> NDArray[np.uint8]:
    """Make an RGB picture (Y, X, S): dark left, red right."""
    picture = np.full((side, side, 3), 30, np.uint8)
    picture[:, side // 2 :, 0] = 200
    return picture


def secret(height: int, width: int) -> NDArray[np.uint8]:
    return np.full((height, width, 3), SECRET, np.uint8)


def _write(pages: list[tuple[NDArray[Any], dict[str, Any]]], **options: Any) -> bytes:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer, **options) as writer:
        for pixels, page in pages:
            writer.write(pixels, metadata=None, **{"photometric": "rgb", "software": False, **page})
    return buffer.getvalue()


def svs() -> bytes:
    """Write an Aperio slide: baseline, thumbnail, a level, label (subfile type 1), macro (9)."""
    notes = (
        "Aperio Image Library v11.2.1\r\n512x512 [0,0 512x512] (128x128) JPEG/RGB Q=70|AppMag = 20|MPP = 0.4990"
        "|ScanScope ID = SS1302|Date = 03/15/23|Time = 12:30:00|Filename = 10035"
    )
    tiles: dict[str, Any] = {"tile": (128, 128), "compression": "zlib"}
    return _write([
        (tissue(), {**tiles, "description": notes}),
        (secret(96, 96), {"description": "Aperio Image Library v11.2.1\r\n512x512 -> 96x96 - |AppMag = 20"}),
        (tissue(256), {**tiles, "description": "Aperio Image Library v11.2.1\r\n512x512 -> 256x256 JPEG/RGB Q=70"}),
        (secret(80, 60), {"description": "Aperio Image Library v11.2.1\r\nlabel 60x80", "subfiletype": 1}),
        (secret(50, 120), {"description": "Aperio Image Library v11.2.1\r\nmacro 120x50", "subfiletype": 9}),
    ])  # fmt: skip


def ndpi() -> bytes:
    """Write a Hamamatsu slide: levels at 20x, 10x, the macro (lens -1) and the map (-2), offsets of 8 bytes."""
    cm = {"resolution": (22727, 22727), "resolutionunit": "CENTIMETER", "compression": "zlib"}
    pages: list[tuple[NDArray[Any], dict[str, Any]]] = []
    for pixels, lens in (
        (tissue(), 20.0),
        (tissue(256), 10.0),
        (secret(100, 200), -1.0),
        (secret(50, 60)[..., 0], -2.0),
    ):
        private = [(65420, 4, 1, 1, True), (65421, 11, 1, lens, True), (65427, 2, 0, "S-17", True)]
        extra = [(271, 2, 0, "Hamamatsu", True), (272, 2, 0, "NanoZoomer", True), *private]
        kind = "minisblack" if pixels.ndim == 2 else "rgb"
        pages.append((pixels, {**cm, "extratags": extra, "photometric": kind, "datetime": "2023:03:15 12:30:00"}))
    return as_ndpi(_write(pages, byteorder="<"))


def as_ndpi(classic: bytes) -> bytes:
    """Write the directories anew at the end: the next one's offset in 8 bytes, then the values' upper halves."""
    body = bytearray(classic)
    (offset,) = struct.unpack_from("<I", body, 4)
    link = 4
    while offset:
        (count,) = struct.unpack_from("<H", body, offset)
        entries = bytes(body[offset : offset + 2 + 12 * count])
        (offset,) = struct.unpack_from("<I", body, offset + 2 + 12 * count)
        body += b"\0" * (len(body) % 2)
        place = len(body)
        body += entries + struct.pack("<Q", 0) + bytes(4 * count)
        struct.pack_into("<Q", body, link, place)
        link = place + len(entries)
    return bytes(body)


def scn() -> bytes:
    """Write a Leica slide: a macro of the whole slide, and one scanned region with a level below."""
    description = """<?xml version="1.0" encoding="utf-8"?>
<scn xmlns="http://www.leica-microsystems.com/scn/2010/10/01"><collection name="c" sizeX="26000000" sizeY="76000000">
<image name="image_01"><creationDate>2023-03-15T12:00:00Z</creationDate><device model="Leica SCN400" version="1.5"/>
<pixels sizeX="100" sizeY="300"><dimension sizeX="100" sizeY="300" r="0" ifd="0"/></pixels>
<view sizeX="26000000" sizeY="76000000" offsetX="0" offsetY="0"/>
<scanSettings><objectiveSettings><objective>0.6</objective></objectiveSettings></scanSettings></image>
<image name="image_02"><creationDate>2023-03-15T12:30:00Z</creationDate><device model="Leica SCN400" version="1.5"/>
<pixels sizeX="512" sizeY="512"><dimension sizeX="512" sizeY="512" r="0" ifd="1"/>
<dimension sizeX="256" sizeY="256" r="1" ifd="2"/></pixels>
<view sizeX="256000" sizeY="256000" offsetX="9000000" offsetY="20000000"/>
<scanSettings><objectiveSettings><objective>20</objective></objectiveSettings><illuminationSettings>
<numericalAperture>0.7</numericalAperture><illuminationSource>brightfield</illuminationSource></illuminationSettings>
</scanSettings></image></collection></scn>"""
    tiles: dict[str, Any] = {"tile": (128, 128), "compression": "zlib"}
    return _write(
        [(secret(300, 100), {**tiles, "description": description}), (tissue(), tiles), (tissue(256), tiles)],
        bigtiff=True,
    )


def qptiff() -> bytes:
    """Write a PerkinElmer slide of three bands: full size, thumbnail, half size, macro, label."""

    def notes(kind: str, name: str = "", color: str = "") -> str:
        band = f"<Name>{name}</Name><Color>{color}</Color><ExposureTime>30000</ExposureTime>" if name else ""
        return (
            '<?xml version="1.0" encoding="utf-16"?><PerkinElmer-QPI-ImageDescription>'
            f"<ImageType>{kind}</ImageType>{band}<Objective>20x</Objective><CameraName>Opal</CameraName>"
            "<AcquisitionSoftware>Vectra Polaris</AcquisitionSoftware></PerkinElmer-QPI-ImageDescription>"
        )

    bands = (("DAPI", "0,0,255"), ("Opal 520", "0,255,0"), ("Opal 690", "255,0,0"))
    common: dict[str, Any] = {"software": "PerkinElmer-QPI", "resolution": (20000, 20000),
                              "resolutionunit": "CENTIMETER", "datetime": "2023:03:15 12:30:00"}  # fmt: skip
    tiles = {**common, "tile": (128, 128), "compression": "lzw", "photometric": "minisblack"}
    pages: list[tuple[NDArray[Any], dict[str, Any]]] = []
    for side, kind in ((SIDE, "FullResolution"), (100, ""), (SIDE // 2, "ReducedResolution")):
        if not kind:
            pages.append((secret(100, 80), {**common, "description": notes("Thumbnail")}))
            continue
        for name, color in bands:
            pages.append((tissue(side)[..., 0], {**tiles, "description": notes(kind, name, color)}))
    pages.append((secret(60, 150), {**common, "description": notes("Overview")}))
    pages.append((secret(64, 62), {**common, "description": notes("Label")}))
    return _write(pages, bigtiff=True)


SLIDES: dict[str, Callable[[], bytes]] = {"a.svs": svs, "a.ndpi": ndpi, "a.scn": scn, "a.qptiff": qptiff}


def examples() -> dict[str, bytes]:
    """Give one slide of each scanner, by its name."""
    return {name: make() for name, make in SLIDES.items()}
