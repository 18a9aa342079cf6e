"""Files of the dialects that no real file here has: each value read is one that the helpers wrote into the tags."""

import io
import struct
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from catalog.records import ImageRecord
from ingest.readers import registry
from ingest.readers.protocol import OpenedFileImages, Source, region
from ingest.work import Outcome, ReadResult
from tests.helpers import slide_files, tiff_dialect_files
from tests.helpers.reads import read_path
from tests.helpers.tiff_dialect_files import HEIGHT, WIDTH, plane

LOCAL_TIME = datetime(2023, 3, 15, 12, 30).astimezone(UTC)  # what instruments write has no zone
ZONED_TIME = datetime(2023, 3, 15, 12, 30, tzinfo=UTC)
STACKS = sorted(tiff_dialect_files.EXAMPLES)


def read_bytes(folder: Path, name: str, data: bytes) -> ReadResult:
    path = folder / name
    path.write_bytes(data)
    return read_path(path)


def only_image(folder: Path, name: str, data: bytes) -> ImageRecord:
    result = read_bytes(folder, name, data)
    assert (result.outcome, result.reason) == (Outcome.READ, None)
    assert [thumbnail.failure for thumbnail in result.thumbnails] == [None]
    return result.images[0]


def example(folder: Path, name: str) -> ImageRecord:
    return only_image(folder, name, tiff_dialect_files.EXAMPLES[name]())


def opened(data: bytes) -> OpenedFileImages:
    source = Source(stream=io.BytesIO(data), size_bytes=len(data), name=b"a.tif", has_sibling=lambda _: False)
    return registry.reader_for(data[: registry.HEAD_BYTES], source).open(source)


@pytest.mark.parametrize("name", STACKS)
def test_each_plane_lies_where_its_channel_and_depth_say(name: str) -> None:
    images = opened(tiff_dialect_files.EXAMPLES[name]())
    (image,) = images.images
    record = image.record
    assert (record.size_x, record.size_y, record.size_t) == (WIDTH, HEIGHT, 1)
    for c in range(record.size_c):
        for z in range(record.size_z):
            assert np.array_equal(region(image, c=c, z=z), plane(c, z)), (c, z)
    images.close()


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_channels_that_alternate_in_pages_are_those_of_each_page(compression: str | None) -> None:
    """Uncompressed, the pages lie one after the other in one run."""
    pages = np.arange(3 * 40 * 60 * 2, dtype=np.uint16).reshape(3, 40, 60, 2)
    file = io.BytesIO()
    tifffile.imwrite(file, pages, photometric="minisblack", planarconfig="contig", compression=compression)
    images = opened(file.getvalue())
    (image,) = images.images
    assert (image.record.size_c, image.record.size_t) == (2, 3)
    for t, page in enumerate(pages):
        for c in range(2):
            assert np.array_equal(region(image, c=c, t=t), page[..., c]), (c, t)
    images.close()


@pytest.mark.parametrize(
    ("written", "color"),
    [
        ("-16776961", "#FF0000"),
        ("4278190335", "#FF0000"),
        ("16711935", "#00FF00"),
        ("99999999999", None),
        ("red", None),
    ],
)
def test_an_ome_colour_is_a_32_bit_number_or_missing(tmp_path: Path, written: str, color: str | None) -> None:
    xml = (
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0">'
        '<Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" SizeX="8" SizeY="6" SizeZ="1" SizeC="1" SizeT="1">'
        f'<Channel ID="Channel:0:0" Name="x" Color="{written}"/><TiffData/></Pixels></Image></OME>'
    )
    out = io.BytesIO()
    tifffile.imwrite(out, np.arange(48, dtype=np.uint16).reshape(6, 8), description=xml, metadata=None)
    assert [one.color for one in only_image(tmp_path, "a.ome.tif", out.getvalue()).channels] == [color]


def test_a_lsm_tells_sizes_voxels_lines_colours_and_objective(tmp_path: Path) -> None:
    image = example(tmp_path, "a.lsm")
    assert (image.size_c, image.size_z, image.name) == (2, 3, "Kidney")
    assert (image.physical_size_x_um, image.physical_size_y_um, image.physical_size_z_um) == (0.15, 0.25, 0.4)
    told = [(c.name, c.color, c.excitation_wavelength_nm) for c in image.channels]
    assert told == [("Ch1-T1", "#00FF00", 488.0), ("Ch2-T2", "#FF0000", 561.0)]
    assert image.acquisition.objective is not None
    assert image.acquisition.objective.name == "Plan-Apochromat 63x/1.40 Oil"
    assert image.acquired_at == datetime(2023, 3, 15, 12, 0).astimezone(UTC)  # local, as the LSM says


def test_a_lsm_of_one_channel_is_read_too(tmp_path: Path) -> None:
    data = tiff_dialect_files.lsm(size_c=1, size_z=2)
    assert (only_image(tmp_path, "b.lsm", data).size_c, only_image(tmp_path, "b.lsm", data).size_z) == (1, 2)


def test_a_micro_manager_stack_tells_names_colours_and_steps(tmp_path: Path) -> None:
    image = example(tmp_path, "mm.ome.tif")
    assert (image.size_c, image.size_z, image.name) == (2, 2, "run1")
    assert (image.physical_size_x_um, image.physical_size_y_um, image.physical_size_z_um) == (0.325, 0.325, 1.5)
    assert [(c.name, c.color) for c in image.channels] == [("DAPI", "#0000FF"), ("Cy5", "#FF00FF")]
    assert (image.acquired_at, image.acquisition.detector) == (ZONED_TIME, "Prime95B")


def test_a_micro_manager_stack_with_longer_directories_is_read_by_its_index() -> None:
    (stack,) = opened(tiff_dialect_files.micromanager(size_c=2, size_z=3, is_usual=False)).images
    assert [[int(region(stack, c=c, z=z)[0, 0]) for z in range(3)] for c in range(2)] == [
        [1, 101, 201],
        [1001, 1101, 1201],
    ]


def test_a_micro_manager_stack_that_was_broken_off_has_holes(tmp_path: Path) -> None:
    data = tiff_dialect_files.micromanager(size_c=2, size_z=4, recorded=5)
    image = only_image(tmp_path, "short.tif", data)
    assert (image.size_c, image.size_z) == (2, 3)
    (stack,) = opened(data).images
    assert np.array_equal(region(stack, c=0, z=2), plane(0, 2))
    assert not region(stack, c=1, z=2).any()


def test_broken_display_settings_of_micro_manager_keep_no_stack_out(tmp_path: Path) -> None:
    data = bytearray(tiff_dialect_files.micromanager())
    struct.pack_into("<I", data, 20, 0)
    assert only_image(tmp_path, "mm.tif", bytes(data)).size_z == 2


def test_nd_tiff_orders_planes_by_their_axes(tmp_path: Path) -> None:
    image = example(tmp_path, "nd.tif")
    assert (image.size_c, image.size_z) == (2, 3)
    assert (image.physical_size_x_um, image.physical_size_z_um) == (0.65, 2.0)
    assert [channel.name for channel in image.channels] == ["GFP", "RFP"]
    assert image.acquisition.detector == "Orca"


def test_fluoview_tells_each_dimensions_step(tmp_path: Path) -> None:
    image = example(tmp_path, "fluoview.tif")
    assert (image.size_c, image.size_z, image.name) == (2, 3, "axon")
    assert (image.physical_size_x_um, image.physical_size_y_um, image.physical_size_z_um) == (0.2, 0.3, 1.25)
    assert image.acquired_at == LOCAL_TIME


def test_scanimage_tells_saved_channels_slices_and_their_step(tmp_path: Path) -> None:
    image = example(tmp_path, "scan.tif")
    assert (image.size_c, image.size_z, image.size_t, image.pixels_type) == (2, 3, 1, "int16")
    assert (image.physical_size_x_um, image.physical_size_z_um) == (None, 5.0)
    assert [channel.name for channel in image.channels] == ["Channel 1", "Channel 3"]
    assert image.acquired_at == datetime(2023, 3, 15, 12, 30, 1).astimezone(UTC)  # local


def test_scanimage_counts_volumes_as_times(tmp_path: Path) -> None:
    image = only_image(tmp_path, "volumes.tif", tiff_dialect_files.scanimage(size_z=6))
    assert (image.size_c, image.size_z, image.size_t) == (2, 3, 2)


def test_a_metamorph_stack_tells_distance_calibration_and_wavelength(tmp_path: Path) -> None:
    image = example(tmp_path, "a.stk")
    assert (image.size_z, image.physical_size_x_um, image.physical_size_z_um) == (3, 0.65, 2.0)
    assert image.acquired_at == LOCAL_TIME


@pytest.mark.parametrize("name", sorted(slide_files.SLIDES))
def test_of_a_slide_only_the_specimen_is_an_image(tmp_path: Path, name: str) -> None:
    result = read_bytes(tmp_path, name, slide_files.SLIDES[name]())
    assert (result.outcome, result.reason) == (Outcome.READ, None)
    (image,), (thumbnail,) = result.images, result.thumbnails
    assert (image.size_x, image.size_y, image.size_z, image.size_c, image.size_t) == (512, 512, 1, 3, 1)
    assert thumbnail.data is not None
    picture = np.asarray(Image.open(io.BytesIO(thumbnail.data)).convert("RGB"))
    assert picture.shape == (256, 256, 3)
    assert image.is_rgb == (name != "a.qptiff")
    assert (picture[:, :120] < 60).all()
    if image.is_rgb:
        assert np.abs(picture[128, 200].astype(int) - (200, 30, 30)).max() <= 4
        assert picture.max() < slide_files.SECRET - 20


@pytest.mark.parametrize("name", sorted(slide_files.SLIDES))
def test_slides_give_their_smaller_levels(name: str) -> None:
    (image,) = opened(slide_files.SLIDES[name]()).images
    assert [(level.size_x, level.size_y) for level in image.levels] == [(512, 512), (256, 256)]
    assert np.array_equal(region(image, level=1)[0, -1] if image.record.is_rgb else (200, 30, 30), (200, 30, 30))


@pytest.mark.parametrize(
    ("name", "size_um", "power", "taken_at"),
    [
        ("a.svs", 0.499, 20.0, LOCAL_TIME),
        ("a.ndpi", 10000 / 22727, 20.0, LOCAL_TIME),
        ("a.scn", 0.5, 20.0, ZONED_TIME),
        ("a.qptiff", 0.5, 20.0, LOCAL_TIME),
    ],
)
def test_slides_tell_pixel_size_objective_and_time(
    tmp_path: Path, name: str, size_um: float, power: float, taken_at: datetime
) -> None:
    image = read_bytes(tmp_path, name, slide_files.SLIDES[name]()).images[0]
    assert image.physical_size_x_um == pytest.approx(size_um)
    assert image.physical_size_y_um == pytest.approx(size_um)
    assert image.acquisition.objective is not None
    assert (image.acquisition.objective.nominal_magnification, image.acquired_at) == (power, taken_at)


def test_a_qptiff_tells_its_bands(tmp_path: Path) -> None:
    image = read_bytes(tmp_path, "a.qptiff", slide_files.qptiff()).images[0]
    told = [(c.name, c.color, c.exposure_time_s) for c in image.channels]
    assert told == [("DAPI", "#0000FF", 0.03), ("Opal 520", "#00FF00", 0.03), ("Opal 690", "#FF0000", 0.03)]


def test_a_leica_slide_with_a_doctype_is_damaged(tmp_path: Path) -> None:
    prologue = b'<?xml version="1.0" encoding="utf-8"?>'
    doctype = b"<!DOCTYPE scn>".ljust(len(prologue))
    result = read_bytes(tmp_path, "b.scn", slide_files.scn().replace(prologue, doctype))
    assert (result.outcome, result.reason) == (Outcome.DAMAGED, "the slide's XML has a DOCTYPE, which is refused")
