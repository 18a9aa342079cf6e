"""Minimal files of microscopes' TIFF dialects, tag by tag after the public descriptions, with values chosen here.

Pixels: plane (c, z, t) of a grey stack is the ramp of ``plane(c, z, t)``, so that a swapped axis shows.
"""

import json
import struct
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tests.helpers.tiff_writer import (
    BYTE,
    DOUBLE,
    LONG,
    RATIONAL,
    SHORT,
    Tag,
    TiffWriter,
    ascii_tag,
    longs,
    rational,
    shorts,
)

HEIGHT, WIDTH = 24, 32


def plane(c: int = 0, z: int = 0, t: int = 0) -> NDArray[np.uint16]:
    """Make a plane that no other (c, z, t) has: a ramp from 1000 * c + 100 * z + 10 * t + 1."""
    ramp = np.arange(HEIGHT * WIDTH, dtype=np.uint16).reshape(HEIGHT, WIDTH) % 7
    return ramp + np.uint16(1000 * c + 100 * z + 10 * t + 1)


def lsm(size_c: int = 2, size_z: int = 3) -> bytes:
    """Write a Zeiss LSM stack: planes of channels apart, a small copy after each page (CZ_LSMINFO, tag 34412)."""
    writer = TiffWriter()
    colors = writer.put(_lsm_colors(("Ch1-T1", "Ch2-T2"), ((0, 255, 0), (255, 0, 0))))
    scan = writer.put(_lsm_scan_information())
    info = struct.pack(
        "<IiiiiiiiiiddddddHHIIIIIdIIIIIIII", 67127628, 500, WIDTH, HEIGHT, size_z, size_c, 1, 2, 8, 6,
        1.5e-7, 2.5e-7, 4e-7, 0, 0, 0, 0, 0, 0, 0, 0, 0, colors, 0.0, 0, scan, 0, 0, 0, 0, 0, 0,
    )  # fmt: skip
    for z in range(size_z):
        stack = np.stack([plane(c, z) for c in range(size_c)])
        bits = Tag(SHORT, struct.pack(f"<{size_c}H", *[16] * size_c), is_apart=size_c == 2)
        tags = {254: longs(0), 258: bits} | ({34412: Tag(BYTE, info.ljust(500, b"\0"))} if z == 0 else {})
        writer.page(stack, tags, planes=size_c)
        writer.page(np.zeros((6, 8, 3), np.uint8), {254: longs(1)}, photometric=2)
    return writer.finished()


def _lsm_colors(names: tuple[str, ...], colors: tuple[tuple[int, int, int], ...]) -> bytes:
    values = b"".join(bytes((*color, 0)) for color in colors)
    texts = b"".join(struct.pack("<I", len(name) + 1) + name.encode() + b"\0" for name in names)
    size = 24 + len(values) + len(texts)
    return struct.pack("<IIIIII", size, len(colors), len(names), 24, 24 + len(values), 0) + values + texts


def _lsm_scan_information() -> bytes:
    """Nest sub-blocks: a recording with its objective and time, two tracks with one laser line each."""

    def entry(number: int, kind: int, value: bytes) -> bytes:
        return struct.pack("<III", number, kind, len(value)) + value

    def words(number: int, value: str) -> bytes:
        return entry(number, 2, value.encode() + b"\0")

    end = entry(0xFFFFFFFF, 0, b"")
    block = entry(0x10000000, 0, b"") + words(0x10000001, "Kidney") + words(0x10000004, "Plan-Apochromat 63x/1.40 Oil")
    block += entry(0x10000036, 5, struct.pack("<d", 45000.5))  # noon of 2023-03-15
    block += entry(0x20000000, 0, b"")
    for line_nm in (488.0, 561.0):
        block += entry(0x40000000, 0, b"") + entry(0x40000006, 4, struct.pack("<i", 1)) + entry(0x80000000, 0, b"")
        for wavelength, is_on in ((line_nm, 1), (633.0, 0)):
            block += entry(0x90000000, 0, b"") + entry(0x90000003, 5, struct.pack("<d", wavelength))
            block += entry(0x90000004, 4, struct.pack("<i", is_on)) + end
        block += end + entry(0xC0000000, 0, b"") + entry(0xD0000000, 0, b"")
        block += entry(0xD0000017, 4, struct.pack("<i", 1)) + end + end + end
    return block + end + end


MM_SUMMARY = {
    "MicroManagerVersion": "2.0.1", "Prefix": "run1", "Channels": 2, "Slices": 2, "Frames": 1, "Positions": 1,
    "ChNames": ["DAPI", "Cy5"], "ChColors": [255, 16711935], "PixelSize_um": 0.325, "z-step_um": 1.5,
    "StartTime": "2023-03-15 12:30:00 +0000", "SlicesFirst": False, "TimeFirst": False, "Interval_ms": 0,
}  # fmt: skip


def micromanager(size_c: int = 2, size_z: int = 2, *, recorded: int | None = None, is_usual: bool = True) -> bytes:
    """Write a Micro-Manager MMStack file: index map and summary in front, JSON in each page's tag 51123.

    ``recorded``: an acquisition that was broken off after so many planes.
    """
    summary = json.dumps({**MM_SUMMARY, "Channels": size_c, "Slices": size_z}).encode()
    preamble = struct.pack("<IIIIIIII", 54773648, 0, 483765892, 0, 99384722, 0, 2355492, len(summary)) + summary
    writer = TiffWriter(preamble=preamble)
    places = [(c, z) for z in range(size_z) for c in range(size_c)][:recorded]
    index = []
    for c, z in places:
        notes = {"Camera": "Prime95B", "PixelSizeUm": 0.325, "ChannelIndex": c, "SliceIndex": z}
        index.append((c, z, 0, 0, writer.page(plane(c, z), _mm_tags(notes, is_usual=is_usual), pixels_first=False)))
    rows = b"".join(struct.pack("<5I", *row) for row in index)
    writer.patch(12, struct.pack("<I", writer.put(struct.pack("<II", 3453623, len(index)) + rows)))
    writer.patch(20, struct.pack("<I", writer.put(struct.pack("<II", 347834724, 2) + b"[]")))
    writer.patch(28, struct.pack("<I", writer.put(struct.pack("<II", 84720485, 2) + b"{}")))
    return writer.finished()


def _mm_tags(notes: dict[str, object], *, is_usual: bool) -> dict[int, Tag]:
    """Make a directory 13 entries long, as Micro-Manager does and some readers rely on, or one longer."""
    resolution = {282: rational(1, 1), 283: rational(1, 1), 296: shorts(3)}
    if not is_usual:
        resolution[305] = ascii_tag("Micro-Manager")
    return {51123: ascii_tag(json.dumps(notes)), **resolution}


def ndtiff() -> bytes:
    """Write an NDTiff 3 stack: mark and summary in front, axes in each page's tag 51123; planes in odd order."""
    summary = json.dumps({"MicroManagerVersion": "2.0.3", "PixelSize_um": 0.65, "z-step_um": 2.0, "Prefix": "nd"})
    written = summary.encode()
    writer = TiffWriter(preamble=struct.pack("<IIIII", 483729, 3, 3, 2355492, len(written)) + written)
    for z in (1, 0, 2):
        for c, name in enumerate(("GFP", "RFP")):
            axes = {"Axes": {"channel": name, "z": z}, "Camera": "Orca", "PixelSizeUm": 0.65,
                    "ReceivedTime": "2023-03-15 12:30:00.250 +0000"}  # fmt: skip
            writer.page(plane(c, z), {51123: ascii_tag(json.dumps(axes))})
    return writer.finished()


def fluoview(size_c: int = 2, size_z: int = 3) -> bytes:
    """Write an Olympus FluoView stack: MM_Header (34361) and MM_Stamp (34362)."""

    def dimension(name: bytes = b"", size: int = 0, step: float = 0.0, unit: bytes = b"") -> bytes:
        return struct.pack("<16sidd64s", name, size, 0.0, step, unit)

    dimensions = dimension(b"x", WIDTH, 0.2, b"um") + dimension(b"y", HEIGHT, 0.3, b"um")
    dimensions += dimension(b"z", size_z, 1.25, b"um") + dimension(b"Ch", size_c, 0.0, b"Ch")
    dimensions += dimension() * 6
    header = struct.pack("<hB257sIiIIiI", 0, 1, b"axon", 0, 0, 0, 0, 0, 0) + dimensions
    header += (
        struct.pack("<IhddddIdd", 0, 0, 0, 0, 0, 4095, 0, 1, 0) + dimension(b"grey") + struct.pack("<IiI", 0, 0, 0)
    )
    writer = TiffWriter()
    for c in range(size_c):
        for z in range(size_z):
            tags = {34361: Tag(BYTE, header), 34362: Tag(DOUBLE, struct.pack("<8d", *[0.0] * 8)),
                    306: ascii_tag("2023:03:15 12:30:00")}  # fmt: skip
            writer.page(plane(c, z), tags)
    return writer.finished()


def scanimage(size_c: int = 2, size_z: int = 3) -> bytes:
    """Write a ScanImage BigTIFF, version 4: frame data in front, again in Software, the frame's own in each page."""
    frame = (
        "SI.VERSION_MAJOR = 2021\nSI.hChannels.channelSave = [1;3]\nSI.hStackManager.framesPerSlice = 1\n"
        "SI.hStackManager.numSlices = 3\nSI.hStackManager.stackZStepSize = 5\nSI.hRoiManager.scanFrameRate = 30\n"
        "SI.objectiveResolution = 15\n"
    )
    data = frame.encode() + b"\0"
    groups = json.dumps({"RoiGroups": {}}).encode() + b"\0"
    writer = TiffWriter(
        is_big=True, preamble=struct.pack("<IIII", 0x07030301, 4, len(data), len(groups)) + data + groups
    )
    for z in range(size_z):
        for c in range(size_c):
            own = f"frameNumbers = {z + 1}\nframeTimestamps_sec = {0.1 * z}\nepoch = [2023 3 15 12 30 1.5]\n"
            tags = {270: ascii_tag(own), 305: ascii_tag(frame), 315: ascii_tag("{}")}
            writer.page(plane(c, z).astype(np.int16), tags)
    return writer.finished()


def stk(planes: int = 3) -> bytes:
    """Write a MetaMorph stack: one directory for all planes, UIC1 (33628) to UIC4; 2.0 um apart."""
    writer = TiffWriter()
    pixels = np.concatenate([plane(0, z) for z in range(planes)])
    units = writer.put(struct.pack("<I", 3) + b"um\0")
    step = writer.put(struct.pack("<II", 65, 100))
    uic1 = struct.pack("<6I", *(4, step), *(5, step), *(6, units))
    second = (
        struct.pack("<6I", 2, 1, *(2460018, 45_000_000) * 2) * planes
    )  # 12:30 of 2023-03-15, one less than the Julian day
    third = struct.pack("<II", 525, 1) * planes
    tags = {
        257: longs(HEIGHT), 278: longs(HEIGHT), 279: longs(HEIGHT * WIDTH * 2), 305: ascii_tag("MetaMorph 7.8"),
        33628: Tag(LONG, uic1, 3), 33629: Tag(RATIONAL, second, planes), 33630: Tag(RATIONAL, third, planes),
        33631: Tag(LONG, bytes(4 * planes), planes),
    }  # fmt: skip
    writer.page(pixels, tags)
    return writer.finished()


EXAMPLES: dict[str, Callable[[], bytes]] = {
    "a.lsm": lsm, "mm.ome.tif": micromanager, "nd.tif": ndtiff, "fluoview.tif": fluoview, "scan.tif": scanimage,
    "a.stk": stk,
}  # fmt: skip


def examples() -> dict[str, bytes]:
    """Give one file of each dialect, by a name that fits it."""
    return {name: make() for name, make in EXAMPLES.items()}
