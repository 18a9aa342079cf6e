"""Truncated, torn, hostile and set-forming files: the right outcome, one line, bounded memory."""

import io
import os
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from config.endings import ENDINGS, EndingKind
from ingest.readers.registry import readable_endings
from ingest.work import Outcome
from tests.helpers.reads import read_path

NOISE = np.random.default_rng(7).integers(100, 4000, (6, 96, 130), dtype=np.uint16)
NOT_READ = {Outcome.UNSETTLED, Outcome.DAMAGED}


def tiff(**options: Any) -> bytes:
    buffer = io.BytesIO()
    data = options.pop("data", NOISE)
    tifffile.imwrite(buffer, data, **options)
    return buffer.getvalue()


def saved(folder: Path, data: bytes, name: str = "a.tif") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


KINDS: dict[str, bytes] = {
    "plain pages": tiff(photometric="minisblack", metadata=None),
    "ome": tiff(ome=True, metadata={"axes": "ZYX"}),
    "ome deflated tiles": tiff(ome=True, metadata={"axes": "CYX"}, compression="zlib", tile=(32, 32)),
    "imagej": tiff(imagej=True, metadata={"axes": "ZYX"}),
    "big lzw": tiff(bigtiff=True, compression="lzw", photometric="minisblack", metadata=None),
    "shaped": tiff(photometric="minisblack"),
}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_whole_file_is_read(tmp_path: Path, kind: str) -> None:
    result = read_path(saved(tmp_path, KINDS[kind]))
    assert (result.outcome, result.reason) == (Outcome.READ, None)
    image = result.images[0]
    assert image.size_z * image.size_c * image.size_t == 6
    assert result.thumbnails[0].failure is None


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_no_truncated_file_is_read(tmp_path: Path, kind: str) -> None:
    whole = KINDS[kind]
    # tifffile ends its files with 16 bytes that nothing refers to: without them a file is whole.
    cuts = {1, 4, 7, 9, len(whole) - 17, *range(10, len(whole) - 16, max(1, len(whole) // 40))}
    for cut in cuts:
        result = read_path(saved(tmp_path, whole[:cut], f"{cut}.tif"))
        assert result.outcome in NOT_READ, (kind, cut, len(whole))
        assert result.reason
        assert "\n" not in result.reason


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_no_file_with_a_tail_of_zeros_is_read(tmp_path: Path, kind: str) -> None:
    whole = KINDS[kind]
    for share in (0.2, 0.5, 0.8, 0.9):
        cut = int(len(whole) * share)
        result = read_path(saved(tmp_path, whole[:cut] + bytes(len(whole) - cut), f"{share}.tif"))
        assert result.outcome in NOT_READ, (kind, share)


def test_pixels_without_a_place_in_the_file_are_not_written_yet(tmp_path: Path) -> None:
    for kind, options in (("strips", {"rowsperstrip": 32}), ("tiles", {"tile": (32, 32)})):
        whole = bytearray(tiff(data=NOISE[0], compression="zlib", metadata=None, **options))
        with tifffile.TiffFile(io.BytesIO(whole)) as file:
            tags = file.pages.first.tags
            for code in (273, 279, 324, 325):
                if code in tags:
                    start = tags[code].valueoffset
                    whole[start : start + tags[code].valuebytecount] = bytes(tags[code].valuebytecount)
        result = read_path(saved(tmp_path, bytes(whole), f"{kind}.tif"))
        assert (result.outcome, result.reason) == (
            Outcome.UNSETTLED, f"page 1's {kind.removesuffix('s')} 1 is not written yet",
        )  # fmt: skip


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_ome_xml_that_was_not_written_to_its_end_is_not_taken_for_a_plain_file(tmp_path: Path, share: float) -> None:
    whole = bytearray(KINDS["ome"])
    with tifffile.TiffFile(io.BytesIO(whole)) as file:
        tag = file.pages.first.tags[270]
        cut = tag.valueoffset + int(tag.valuebytecount * share)
        end = tag.valueoffset + tag.valuebytecount
    whole[cut:end] = bytes(end - cut)
    assert read_path(saved(tmp_path, bytes(whole))).outcome is Outcome.UNSETTLED


def test_a_reserved_file_is_not_read(tmp_path: Path) -> None:
    whole = KINDS["plain pages"]
    path = tmp_path / "reserved.tif"
    with path.open("wb") as file:
        file.truncate(len(whole) + (1 << 16))
        file.write(whole[:4096])
    assert read_path(path).outcome is Outcome.UNSETTLED


def test_a_reserved_file_of_zeros_is_not_read_however_often_it_is_tried(tmp_path: Path) -> None:
    """Its blocks count as written once they were read: nothing is read before that is asked."""
    whole = tiff(data=NOISE[0], photometric="minisblack", metadata=None)
    path = tmp_path / "reserved.tif"
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, len(whole))
        file.write(whole[:4096])
        if os.lseek(file.fileno(), 0, os.SEEK_HOLE) == len(whole):
            pytest.skip("this file system does not tell what is only reserved")

    assert [read_path(path).outcome for _ in range(2)] == [Outcome.UNSETTLED] * 2


def test_black_images_and_masks_with_black_borders_are_read(tmp_path: Path) -> None:
    mask = np.zeros((512, 512), np.uint16)
    mask[:100, :300] = 1
    for data in (np.zeros((256, 256), np.uint16), mask):
        assert read_path(saved(tmp_path, tiff(data=data))).outcome is Outcome.READ


def test_a_circle_of_directories_is_damaged(tmp_path: Path) -> None:
    data = bytearray(tiff(data=NOISE[0], metadata=None))
    (first,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, first)
    struct.pack_into("<I", data, first + 2 + 12 * count, first)
    result = read_path(saved(tmp_path, bytes(data)))
    assert result.outcome is Outcome.DAMAGED
    assert "circle" in (result.reason or "")


@pytest.mark.parametrize("tag", [256, 257, 277, 258])
def test_absurd_sizes_in_a_header_are_damaged(tmp_path: Path, tag: int) -> None:
    data = bytearray(tiff(data=NOISE[0], metadata=None))
    (first,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, first)
    for i in range(count):
        at = first + 2 + 12 * i
        if struct.unpack_from("<H", data, at)[0] == tag:
            struct.pack_into("<HII", data, at + 2, 4, 1, 2**31)
    assert read_path(saved(tmp_path, bytes(data))).outcome is Outcome.DAMAGED


def test_a_deflate_bomb_in_a_tiff_is_damaged(tmp_path: Path) -> None:
    data = bytearray(tiff(data=np.zeros((64, 64), np.uint8), compression="zlib", metadata=None, rowsperstrip=64))
    (first,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, first)
    for i in range(count):
        at = first + 2 + 12 * i
        if struct.unpack_from("<H", data, at)[0] in (256, 257, 278):
            struct.pack_into("<HII", data, at + 2, 4, 1, 60000)
    result = read_path(saved(tmp_path, bytes(data)))
    assert result.outcome is Outcome.DAMAGED
    assert "bomb" in (result.reason or "")


def png_bomb() -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    packed = zlib.compress(bytes(1 << 20))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def test_a_png_bomb_is_damaged(tmp_path: Path) -> None:
    result = read_path(saved(tmp_path, png_bomb(), "a.png"))
    assert result.outcome is Outcome.DAMAGED
    assert result.reason


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP"])
def test_no_truncated_picture_is_read(tmp_path: Path, form: str) -> None:
    buffer = io.BytesIO()
    Image.fromarray((NOISE[0] >> 4).astype(np.uint8)).save(buffer, form)
    whole = buffer.getvalue()
    assert read_path(saved(tmp_path, whole, "w." + form.lower())).outcome is Outcome.READ
    for cut in (3, 20, len(whole) // 3, len(whole) // 2, len(whole) - 3):
        result = read_path(saved(tmp_path, whole[:cut], f"{cut}.{form.lower()}"))
        assert result.outcome in NOT_READ, cut


@pytest.mark.parametrize("step", [1, 7])
def test_bit_flips_never_raise(tmp_path: Path, step: int) -> None:
    whole = bytearray(KINDS["ome"][:2048] + KINDS["ome"][-2048:])
    for at in range(0, len(whole), 37 * step):
        flipped = bytearray(KINDS["ome"])
        position = at if at < 2048 else len(flipped) - 4096 + at
        flipped[position] ^= 1 << (at % 8)
        result = read_path(saved(tmp_path, bytes(flipped), "flip.tif"))
        assert result.outcome in {Outcome.READ, *NOT_READ, Outcome.REFUSED}
        assert "\n" not in (result.reason or "")


def ome(xml_change: Any) -> bytes:
    """Give an OME-TIFF whose XML a function changed; tag and count are rewritten by hand."""
    xml = xml_change(tifffile.TiffFile(io.BytesIO(KINDS["ome"])).pages.first.description)
    return tiff(description=xml.encode(), metadata=None, photometric="minisblack")


def with_file_name(name: str) -> Any:
    def change(xml: str) -> str:
        start = xml.index("<TiffData")
        end = xml.index(">", start)
        uuid = f'<UUID FileName="{name}">urn:uuid:00000000-0000-0000-0000-000000000001</UUID>'
        return xml[:start] + '<TiffData IFD="0" PlaneCount="6">' + uuid + xml[end + 1 :].replace("", "", 1)

    def closed(xml: str) -> str:
        changed = change(xml)
        return changed if "</TiffData>" in changed else changed.replace("</UUID>", "</UUID></TiffData>", 1)

    return closed


OUTSIDE = ["../other/secret.tif", "/etc/passwd", "C:\\data\\x.tif", "http://host/x.tif", "a/../../x.tif", "\\\\srv\\x"]


@pytest.mark.parametrize("name", OUTSIDE)
def test_an_ome_tiff_that_names_a_file_outside_its_folder_is_damaged(tmp_path: Path, name: str) -> None:
    result = read_path(saved(tmp_path, ome(with_file_name(name)), "a.ome.tif"))
    assert result.outcome is Outcome.DAMAGED
    assert "names a file outside its folder" in (result.reason or "")


def test_an_ome_tiff_that_names_a_neighbour_is_part_of_a_set_and_the_neighbour_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "b.ome.tif").symlink_to("/proc/self/mem")
    result = read_path(saved(tmp_path, ome(with_file_name("b.ome.tif")), "a.ome.tif"))
    assert result.outcome is Outcome.DESCRIBES
    assert [named.path for named in result.names] == [b"b.ome.tif"]


def test_an_ome_tiff_that_names_itself_is_read(tmp_path: Path) -> None:
    assert read_path(saved(tmp_path, ome(with_file_name("a.ome.tif")), "a.ome.tif")).outcome is Outcome.READ


def test_a_doctype_in_ome_xml_is_refused(tmp_path: Path) -> None:
    def change(xml: str) -> str:
        end = xml.index("?>") + 2 if xml.startswith("<?xml") else 0
        return xml[:end] + '<!DOCTYPE OME [<!ENTITY a "aaaa">]>' + xml[end:]

    result = read_path(saved(tmp_path, ome(change)))
    assert result.outcome is Outcome.DAMAGED
    assert "DOCTYPE" in (result.reason or "")


def test_broken_ome_xml_is_damaged(tmp_path: Path) -> None:
    result = read_path(saved(tmp_path, ome(lambda xml: xml.replace("</Pixels>", ""))))
    assert result.outcome is Outcome.DAMAGED


def test_fewer_pages_than_declared_are_not_settled(tmp_path: Path) -> None:
    change = lambda xml: xml.replace('SizeZ="6"', 'SizeZ="9"').replace('PlaneCount="6"', 'PlaneCount="9"')  # noqa: E731
    result = read_path(saved(tmp_path, ome(change)))
    assert result.outcome is Outcome.UNSETTLED
    assert "declared" in (result.reason or "")


def test_a_plane_that_the_xml_promises_and_the_file_lacks_is_named(tmp_path: Path) -> None:
    def change(xml: str) -> str:
        return re.sub(r"<TiffData.*?</TiffData>", "<TiffData/>", xml.replace('SizeZ="6"', 'SizeZ="9"'), flags=re.DOTALL)

    result = read_path(saved(tmp_path, ome(change)))
    assert result.outcome is Outcome.DAMAGED
    assert "says z 9, c 1, t 1, but the file has no plane for z 9, c 1, t 1" in (result.reason or "")


def test_the_registry_agrees_with_the_table_of_endings() -> None:
    table = {b"." + e.text.encode() for e in ENDINGS.values() if e.kind is not EndingKind.NOT_READ}
    simple = {ending for ending in table if ending.count(b".") == 1}
    assert simple == {ending for ending in readable_endings() if ending.count(b".") == 1}
    read = {max((known for known in readable_endings() if ending.endswith(known)), default=None) for ending in table}
    assert read == readable_endings()


def test_a_page_left_out_of_an_imagej_stack_is_not_whole_and_no_failure_of_the_reader(tmp_path: Path) -> None:
    whole = bytearray(tiff(data=NOISE[:2], imagej=True, metadata={"axes": "ZYX"}, compression="zlib"))
    with tifffile.TiffFile(io.BytesIO(whole)) as file:
        first, second = (page.aspage() for page in list(file.pages)[:2])
        to, of = (page.offset + 2 + 12 * len(page.tags) for page in (first, second))
    whole[to : to + 4] = whole[of : of + 4]
    result = read_path(saved(tmp_path, bytes(whole)))
    assert result.outcome in NOT_READ
    assert "reader failed" not in (result.reason or "")
