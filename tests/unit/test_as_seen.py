"""Pictures show what a person would see of odd files, whose colours and corners were chosen here and stored by Pillow,
tifffile, or by hand."""

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageCms

from ingest.readers.as_seen import oriented
from ingest.readers.protocol import OpenedImage, Source
from ingest.readers.registry import reader_for
from ingest.render import limits_for
from ingest.work import Outcome
from tests.helpers.pictures import deep_png_bytes
from tests.helpers.reads import read_path

RED, DARK, GREEN = (250, 0, 0), (40, 40, 40), (0, 200, 0)
COLOUR = np.full((200, 300, 3), 40, np.uint8)
COLOUR[:60, :60], COLOUR[150:] = RED, GREEN
GREY = np.full((200, 300), 40, np.uint8)
GREY[:60, :60], GREY[150:] = 250, 120
#: How a picture is stored so that each orientation turns it upright again.
INVERSE = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}


@contextmanager
def opened(path: Path) -> Iterator[Sequence[OpenedImage]]:
    """Give a file's images, whose pixels are as they are stored."""
    with path.open("rb") as stream:
        size_bytes = path.stat().st_size
        source = Source(stream=stream, name=path.name.encode(), size_bytes=size_bytes, has_sibling=lambda _: False)
        reading = reader_for(path.read_bytes()[:1024], source).open(source)
        yield reading.images
        reading.close()


def picture(path: Path) -> NDArray[np.uint8]:
    (thumbnail,) = read_path(path).thumbnails
    assert thumbnail.failure is None
    assert thumbnail.data is not None
    return np.asarray(Image.open(io.BytesIO(thumbnail.data)).convert("RGB"))


def corners(seen: NDArray[np.uint8]) -> list[list[int]]:
    """Give the colours at top left, top right and bottom left."""
    return [seen[y, x].astype(int).tolist() for y, x in ((5, 5), (5, -6), (-6, 5))]


def assert_seen(path: Path, *colours: tuple[int, int, int], within: int = 5) -> None:
    seen = corners(picture(path))
    assert np.abs(np.array(seen) - np.array(colours)).max() <= within, (seen, colours)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["tif", "jpg"])
def test_pictures_stand_upright(tmp_path: Path, orientation: int, ending: str) -> None:
    stored = np.ascontiguousarray(oriented(COLOUR, INVERSE[orientation]))
    path = tmp_path / f"a.{ending}"
    if ending == "tif":
        tag = [(274, 3, 1, orientation, True)]
        tifffile.imwrite(path, stored, photometric="rgb", metadata=None, extratags=tag)
    else:
        exif = Image.Exif()
        exif[274] = orientation
        Image.fromarray(stored).save(path, exif=exif, quality=95)
    assert_seen(path, RED, DARK, GREEN)


def test_orientation_means_what_exif_says() -> None:
    """Orientation 6: the first stored row is the right side, the first stored column the top."""
    stored = np.array([[1, 2], [3, 4], [5, 6]])
    assert oriented(stored, 6).tolist() == [[5, 3, 1], [6, 4, 2]]
    assert oriented(stored, 8).tolist() == [[2, 4, 6], [1, 3, 5]]


def save(mode: str, **options: Any) -> Callable[[Path], None]:
    return lambda path: Image.fromarray(COLOUR).convert(mode).save(path, **options)


def quantized(path: Path) -> None:
    Image.fromarray(COLOUR).quantize(16).save(path)


def lab(path: Path) -> None:
    spaces = [ImageCms.createProfile(name) for name in ("sRGB", "LAB")]
    converted = ImageCms.profileToProfile(Image.fromarray(COLOUR), spaces[0], spaces[1], outputMode="LAB")
    assert converted is not None
    converted.save(path)


def palette(path: Path) -> None:
    table = np.zeros((3, 256), np.uint16)
    table[:, 0], table[:, 1], table[:, 2] = (np.array(colour) * 257 for colour in (DARK, RED, GREEN))
    indices = np.zeros((200, 300), np.uint8)
    indices[:60, :60], indices[150:] = 1, 2
    tifffile.imwrite(path, indices, photometric="palette", colormap=table, metadata=None)


WAYS: dict[str, Callable[[Path], None]] = {
    "cmyk.tif": save("CMYK"), "cmyk-lzw.tif": save("CMYK", compression="tiff_lzw"), "ycbcr.tif": save("YCbCr"),
    "jpeg.tif": save("RGB", compression="jpeg", quality=95), "lab.tif": lab, "palette.tif": palette,
    "cmyk.jpg": save("CMYK", quality=95), "palette.png": quantized, "palette.gif": quantized, "a.bmp": save("RGB"),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(WAYS))
def test_colours_are_seen_whatever_space_they_are_stored_in(tmp_path: Path, name: str) -> None:
    WAYS[name](tmp_path / name)
    assert_seen(tmp_path / name, RED, DARK, GREEN, within=12)


@pytest.mark.parametrize("kind", ["miniswhite", "minisblack"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_what_is_bright_is_bright_also_where_the_least_value_is_white(tmp_path: Path, kind: Any, dtype: str) -> None:
    stored = GREY.astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", ~stored if kind == "miniswhite" else stored, photometric=kind, metadata=None)
    assert_seen(tmp_path / "a.tif", (255,) * 3, (0,) * 3, (97,) * 3)


def test_bits_of_fax_pages_are_black_on_white_as_stored(tmp_path: Path) -> None:
    Image.fromarray(GREY > 100).save(tmp_path / "a.tif", compression="group4")
    assert_seen(tmp_path / "a.tif", (255,) * 3, (0,) * 3, (255,) * 3)


def test_what_is_clear_is_shown_on_white(tmp_path: Path) -> None:
    clear = np.dstack([COLOUR, np.full((200, 300), 255, np.uint8)])
    clear[150:, :, 3] = 0
    Image.fromarray(clear).save(tmp_path / "a.png")
    tifffile.imwrite(tmp_path / "a.tif", clear, photometric="rgb", extrasamples=["unassalpha"], metadata=None)
    for name in ("a.png", "a.tif"):
        assert_seen(tmp_path / name, RED, DARK, (255, 255, 255))


#: How the second sample says what it is: alpha, which is no channel, or nothing.
CLEAR, FAINT, ANYTHING = ["unassalpha"], ["assocalpha"], ["unspecified"]


def grey_and(kind: list[str], **more: Any) -> Callable[[Path], None]:
    """Write the grey picture with a second sample that is bright where the grey is dark."""

    def write(path: Path) -> None:
        grey, is_apart = more.pop("grey", GREY), more.get("planarconfig") == "separate"
        pixels = np.stack([grey, 255 - GREY.astype(grey.dtype)], axis=0 if is_apart else -1)
        options: dict[str, Any] = {"photometric": "minisblack", "planarconfig": "contig", "metadata": None}
        tifffile.imwrite(path, pixels, extrasamples=kind, **(options | more))

    return write


GREYS: dict[str, Callable[[Path], None]] = {
    "clear": grey_and(CLEAR), "faint": grey_and(FAINT), "apart": grey_and(CLEAR, planarconfig="separate"),
    "packed": grey_and(CLEAR, compression="zlib", tile=(64, 64)), "deep": grey_and(CLEAR, grey=GREY.astype(np.uint16)),
    "shaped": grey_and(CLEAR, metadata={}), "inverted": grey_and(CLEAR, photometric="miniswhite", grey=255 - GREY),
    "pillow": lambda path: Image.merge("LA", [Image.fromarray(one) for one in (GREY, 255 - GREY)]).save(path),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(GREYS))
def test_grey_with_alpha_is_the_grey_alone(tmp_path: Path, name: str) -> None:
    GREYS[name](tmp_path / "a.tif")
    tifffile.imwrite(tmp_path / "grey.tif", GREY, metadata=None)
    (record,) = read_path(tmp_path / "a.tif").images
    assert (record.size_c, record.size_t, record.is_rgb, record.channels) == (1, 1, False, ())
    assert np.array_equal(picture(tmp_path / "a.tif"), picture(tmp_path / "grey.tif"))
    seen = picture(tmp_path / "a.tif").astype(int)
    assert np.array_equal(seen[..., 0], seen[..., 2]), "no colour"


def test_pages_of_grey_with_alpha_are_planes_of_one_channel(tmp_path: Path) -> None:
    pages = np.stack([np.dstack([GREY + one, 255 - GREY]) for one in range(3)]).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", pages, photometric="minisblack", planarconfig="contig", extrasamples=CLEAR)
    with opened(tmp_path / "a.tif") as images:
        (image,) = images
        assert (image.record.size_c, image.record.size_t) == (1, 3)
        planes = [np.concatenate([block.pixels for block in image.blocks(t=t)]) for t in range(3)]
    assert np.array_equal(np.stack(planes), pages[..., 0])


def test_a_palette_with_alpha_is_seen_in_its_colours(tmp_path: Path) -> None:
    indices = Image.fromarray(COLOUR).quantize(16)
    indices.convert("PA").save(tmp_path / "a.tif")
    assert_seen(tmp_path / "a.tif", RED, DARK, GREEN, within=12)


def test_a_second_sample_that_is_not_called_alpha_is_a_channel(tmp_path: Path) -> None:
    grey_and(ANYTHING)(tmp_path / "a.tif")
    (record,) = read_path(tmp_path / "a.tif").images
    assert record.size_c == 2
    ome = {"axes": "YXS", "Channel": {"Name": ["one", "two"]}}
    grey_and(CLEAR, metadata=ome, ome=True)(tmp_path / "b.ome.tif")
    (record,) = read_path(tmp_path / "b.ome.tif").images
    assert record.size_c == 2, "an OME-TIFF tells its channels itself"


def ome_grey(path: Path, kind: list[str], *, size_c: int, more: str = "", pages: int = 1, samples: int = 2) -> Path:
    """Write pages of grey, brighter from page to page, with a second sample, under an OME-XML of our own."""
    xml = (
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0" Name="x">'
        f'<Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint8" SizeX="300" SizeY="200" SizeC="{size_c}"'
        f' SizeZ="1" SizeT="1">{more}<TiffData/></Pixels></Image></OME>'
    )
    with tifffile.TiffWriter(path) as writer:
        for number in range(pages):
            layers = [GREY // 2 + number, 255 - GREY, GREY][:samples]
            options: dict[str, Any] = {"extrasamples": kind} if samples == 2 else {}
            kinds = "minisblack" if samples == 2 else "rgb"
            description = xml if number == 0 else None
            writer.write(
                np.dstack(layers),
                photometric=kinds,
                planarconfig="contig",
                metadata=None,
                description=description,
                **options,
            )
    return path


ONE_OF_TWO = '<Channel ID="Channel:0:0" Name="DAPI" SamplesPerPixel="2"/>'


@pytest.mark.parametrize("kind", [CLEAR, FAINT])
@pytest.mark.parametrize("more", ["", '<Channel ID="Channel:0:0" Name="DAPI" SamplesPerPixel="1"/>', ONE_OF_TWO])
def test_an_ome_tiff_that_tells_of_one_channel_over_grey_with_alpha_is_the_grey(
    tmp_path: Path, kind: list[str], more: str
) -> None:
    path = ome_grey(tmp_path / "a.ome.tif", kind, size_c=1, more=more)
    tifffile.imwrite(tmp_path / "grey.tif", GREY // 2, metadata=None)
    (record,) = read_path(path).images
    assert (record.size_c, record.size_t, record.is_rgb) == (1, 1, False)
    assert [channel.name for channel in record.channels] == (["DAPI"] if more else [])
    assert np.array_equal(picture(path), picture(tmp_path / "grey.tif"))


def test_as_many_pages_of_grey_with_alpha_as_channels_are_these_channels(tmp_path: Path) -> None:
    for pages in (2, 3):
        with opened(ome_grey(tmp_path / f"{pages}.ome.tif", CLEAR, size_c=pages, pages=pages)) as images:
            (image,) = images
            assert (image.record.size_c, image.record.size_t) == (pages, 1)
            for c in range(pages):
                seen = np.concatenate([block.pixels for block in image.blocks(c=c)])
                assert np.array_equal(seen, GREY // 2 + c)
    with opened(ome_grey(tmp_path / "one.ome.tif", CLEAR, size_c=2)) as images:
        (image,) = images
        seen = np.concatenate([block.pixels for block in image.blocks(c=1)])
        assert np.array_equal(seen, 255 - GREY), "two channels and one page: its samples are the channels"


@pytest.mark.parametrize(
    ("kind", "size_c", "samples", "reason"),
    [
        (ANYTHING, 1, 2, "the OME-XML says 1 channels, the page has 2 samples"),
        (CLEAR, 3, 2, "the OME-XML says 3 channels, the page has 2 samples"),
        (CLEAR, 1, 3, "the OME-XML says 1 channels, the page has 3 samples"),
    ],
)
def test_an_ome_xml_that_contradicts_its_page_is_refused(
    tmp_path: Path, kind: list[str], size_c: int, samples: int, reason: str
) -> None:
    path = ome_grey(tmp_path / "a.ome.tif", kind, size_c=size_c, samples=samples)
    refused = read_path(path)
    assert (refused.outcome, refused.reason, refused.images) == (Outcome.DAMAGED, reason, ())


def ramp(red: float, green: float, blue: float) -> NDArray[np.uint8]:
    table: NDArray[np.uint8] = (np.arange(256)[None, :] * np.array([[red], [green], [blue]])).astype(np.uint8)
    return table


def imagej(path: Path, data: NDArray[Any], **notes: Any) -> Path:
    tifffile.imwrite(path, data, imagej=True, metadata=notes)
    return path


def test_imagej_channels_have_the_colours_and_the_contrast_of_the_file(tmp_path: Path) -> None:
    stack = np.stack([GREY, GREY[:, ::-1]]).astype(np.uint16) * 10
    notes = {"mode": "composite", "LUTs": [ramp(1, 0, 0), ramp(0, 1, 0)], "Ranges": (400.0, 2500.0, 0.0, 5000.0)}
    seen = corners(picture(imagej(tmp_path / "a.tif", stack, axes="CYX", **notes)))
    assert np.abs(np.array(seen) - np.array([(255, 20, 0), (0, 128, 0), (97, 61, 0)])).max() <= 4, seen


def test_an_imagej_picture_is_seen_through_its_table(tmp_path: Path) -> None:
    inverted = 255 - ramp(1, 1, 1)
    assert_seen(imagej(tmp_path / "a.tif", GREY, axes="YX", LUTs=[inverted]), (5,) * 3, (215,) * 3, (135,) * 3)
    halves = np.zeros((3, 256), np.uint8)
    halves[0, :100], halves[1, 100:200], halves[2, 200:] = 255, 255, 255
    assert_seen(imagej(tmp_path / "b.tif", GREY, axes="YX", LUTs=[halves]), (0, 0, 255), (255, 0, 0), (0, 255, 0))


def test_a_range_that_would_show_nothing_gives_way_to_percentiles() -> None:
    sample = np.linspace(100, 200, 10_000)
    percentiles = limits_for(sample, None)
    assert limits_for(sample, (90.0, 210.0)) == (90.0, 210.0)
    assert limits_for(sample, (0.0, 65535.0)) == percentiles
    assert limits_for(sample, (1000.0, 2000.0)) == percentiles


@pytest.mark.parametrize(("samples", "size_c"), [(2, 1), (3, 3), (4, 4)])
def test_a_png_with_colours_of_16_bits_keeps_them(tmp_path: Path, samples: int, size_c: int) -> None:
    """Pillow would drop the lower eight."""
    pixels = np.full((40, 60, samples), 10_001, np.uint16)
    pixels[:12, :12, 0] = 64_250
    pixels[..., 3 if samples == 4 else -1] = 65_535 if samples != 3 else 10_002
    path = tmp_path / "a.png"
    path.write_bytes(deep_png_bytes(pixels))
    (record,) = read_path(path).images
    assert (record.pixels_type, record.size_c, record.is_rgb) == ("uint16", size_c, samples > 2)
    with opened(path) as images:
        (block,) = images[0].blocks()
    assert np.array_equal(block.pixels, pixels[..., :size_c] if samples > 2 else pixels[..., 0])
    bright, dark = picture(path)[5, 5], picture(path)[20, 50]
    assert int(bright[0]) > int(dark[0]) + 100
