"""Every file of the real collection has a true outcome, and what is read agrees with Bio-Formats and with raw tags."""

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pytest

from catalog.records import ImageRecord
from ingest.work import Outcome, ReadResult
from tests.helpers.format_table import PAGE, table
from tests.helpers.raw_tags import first_page_tags
from tests.helpers.reads import read_path
from tests.helpers.real_data import manifest, needed_data

pytestmark = pytest.mark.needs_data

_OWN_FORMATS = ("TIFF", "PNG", "JPEG", "GIF", "WSI:aperio", "tif")
_SETS = {"ome-tiff-companion": "part of a set", "ome-tiff-multifile": "part of a set"}
#: The rows that do not read, each with the true reason; at most five may stand here.
_EXCEPTIONS = {
    "real/jax-omeroutils/jax_omeroutils/tests/data/invalid_test.tif": (
        Outcome.DAMAGED, "the first bytes are not those of a TIFF",  # it is a line of text
    ),
}  # fmt: skip
#: Bio-Formats' names of associated pictures that are no images here.
_ASSOCIATED = ("label", "macro", "overview", "thumbnail")


@lru_cache(maxsize=2000)
def outcome_of(path: Path) -> ReadResult:
    return read_path(path)


def rows(folder: Path) -> list[dict[str, str]]:
    return [row for row in manifest(folder) if (folder / row["path"]).is_file()]


def own_rows(folder: Path) -> list[dict[str, str]]:
    return [row for row in rows(folder) if row["format"].startswith(_OWN_FORMATS)]


def test_every_file_that_stands_alone_is_read_but_for_the_named_exceptions() -> None:
    folder = needed_data()
    assert len(_EXCEPTIONS) <= 5
    wrong = []
    count = 0
    for row in own_rows(folder):
        if row["layout"] in _SETS or row["path"] in _EXCEPTIONS:
            continue
        count += 1
        result = outcome_of(folder / row["path"])
        if result.outcome is not Outcome.READ:
            wrong.append((row["path"], result.outcome, result.reason))
    assert wrong == []
    assert count > 500


def test_every_image_read_has_a_picture() -> None:
    folder = needed_data()
    for row in own_rows(folder):
        result = outcome_of(folder / row["path"])
        assert len(result.thumbnails) == len(result.images)
        assert [t.failure for t in result.thumbnails if t.failure] == [], row["path"]


def test_the_exceptions_have_their_true_reason() -> None:
    folder = needed_data()
    for path, (outcome, reason) in _EXCEPTIONS.items():
        result = outcome_of(folder / path)
        assert result.outcome is outcome
        assert reason in (result.reason or "")


def test_parts_of_sets_are_never_imported_alone() -> None:
    folder = needed_data()
    parts = [row for row in own_rows(folder) if row["layout"] in _SETS]
    assert len(parts) == 9
    for row in parts:
        result = outcome_of(folder / row["path"])
        assert result.outcome in (Outcome.REFUSED, Outcome.DESCRIBES), row["path"]
        assert result.images == ()
        assert (result.reason or "").startswith("part of a set: ")


def test_files_of_other_formats_are_refused_and_never_damaged() -> None:
    folder = needed_data()
    others = [row for row in rows(folder) if not row["format"].startswith(_OWN_FORMATS)]
    assert others
    for row in others:
        result = outcome_of(folder / row["path"])
        size = (folder / row["path"]).stat().st_size
        expected = {Outcome.REFUSED, Outcome.DESCRIBES} if size else {Outcome.UNSETTLED}
        # OME-XML by itself: it may be a companion whose pictures are not named yet.
        is_bare = result.reason == "the OME-XML names no file with pixels"
        assert result.outcome in expected or is_bare, (row["path"], result.reason)


def test_sizes_agree_with_the_raw_tags_of_the_first_page() -> None:
    folder = needed_data()
    checked = 0
    for row in own_rows(folder):
        result = outcome_of(folder / row["path"])
        if result.outcome is not Outcome.READ or not row["format"].startswith("TIFF"):
            continue
        tags = first_page_tags(folder / row["path"])
        image = result.images[0]
        assert (image.size_x, image.size_y) == (tags[256][0], tags[257][0]), row["path"]
        checked += 1
    assert checked > 450


def test_pixels_types_of_pngs_agree_with_their_headers() -> None:
    folder = needed_data()
    pngs = [folder / row["path"] for row in rows(folder) if row["format"] == "PNG"]
    assert len(pngs) >= 8
    for path in pngs:
        depth = path.read_bytes()[24]
        expected = {1: {"bit"}, 16: {"uint16"}}.get(depth, {"uint8"})
        assert {image.pixels_type for image in outcome_of(path).images} == expected, (path, depth)


@dataclass(frozen=True)
class Truth:
    """An Image element: of what Bio-Formats printed, or of the XML in the file itself."""

    sizes: tuple[int, ...]
    kind: str
    physical: tuple[float | None, float | None, float | None]
    names: tuple[str | None, ...]
    emission_nm: tuple[float | None, ...]
    excitation_nm: tuple[float | None, ...]
    colors: tuple[str | None, ...]
    increment_s: float | None
    acquired: str | None


_SECONDS = {"s": 1.0, "ms": 1e-3, "min": 60.0}
_UM = {"fm": 1e-9, "µm": 1.0, "nm": 1e-3, "mm": 1e3, "cm": 1e4, "m": 1e6}


def truths(path: Path) -> list[Truth]:
    images = ET.parse(path).getroot().iterfind("{*}Image")
    return [
        truth_of(image)
        for image in images
        if not any(word in (image.get("Name") or "").lower() for word in _ASSOCIATED)
    ]


def truth_of(image: ET.Element) -> Truth:
    pixels = image.find("{*}Pixels")
    assert pixels is not None
    x, y, z = (
        float(value) * _UM.get(pixels.get(f"PhysicalSize{axis}Unit", "µm"), float("nan")) if value else None
        for axis in "XYZ"
        for value in [pixels.get(f"PhysicalSize{axis}")]
    )
    channels = list(pixels.iterfind("{*}Channel"))
    increment = pixels.get("TimeIncrement")
    return Truth(
        sizes=tuple(int(pixels.get(f"Size{axis}") or 0) for axis in "XYZCT"),
        kind=pixels.get("Type") or "",
        physical=(x, y, z),
        names=tuple(channel.get("Name") or None for channel in channels),
        emission_nm=numbers(channels, "EmissionWavelength"),
        excitation_nm=numbers(channels, "ExcitationWavelength"),
        colors=tuple(color_of(channel.get("Color")) for channel in channels),
        increment_s=float(increment) * _SECONDS[pixels.get("TimeIncrementUnit", "s")] if increment else None,
        acquired=image.findtext("{*}AcquisitionDate"),
    )


def numbers(channels: list[ET.Element], key: str) -> tuple[float | None, ...]:
    return tuple(float(value) if (value := channel.get(key)) else None for channel in channels)


def color_of(signed: str | None) -> str | None:
    """OME writes RGBA as a signed number of 32 bits."""
    return None if signed is None else f"#{(int(signed) & 0xFFFFFFFF) >> 8:06X}"


_COMPARED = {
    "libvips__multi-channel-z-series.ome.tif": "real/libvips/multi-channel-z-series.ome.tif",
    "mobie__collections__xyzct-mitosis.tif": "real/mobie/collections/xyzct-mitosis.tif",
    "bioformats-made__svs_pyramid.ome.tiff": "made/bioformats-made/svs_pyramid.ome.tiff",
    "pathml__small_HE.svs": "real/pathml/small_HE.svs",
}


@pytest.mark.parametrize("truth_name", sorted(_COMPARED))
def test_images_agree_with_bioformats(truth_name: str) -> None:
    folder = needed_data()
    result = outcome_of(folder / _COMPARED[truth_name])
    expected = truths(folder / "truth" / f"{truth_name}.ome.xml")[: len(result.images)]
    assert result.outcome is Outcome.READ
    for image, truth in zip(result.images, expected, strict=True):
        assert_same(image, truth)


def test_ome_tiffs_say_what_the_xml_in_them_says() -> None:
    """The XML is taken out with struct and read with another parser; nothing of the reader is used."""
    folder = needed_data()
    compared = 0
    for row in own_rows(folder):
        result = outcome_of(folder / row["path"])
        if row["format"] != "TIFF[ome]" or result.outcome is not Outcome.READ:
            continue
        xml = b"".join(first_page_tags(folder / row["path"])[270]).rstrip(b"\0")
        expected = [truth_of(image) for image in ET.fromstring(xml).iterfind("{*}Image")]
        for image, truth in zip(result.images, expected[: len(result.images)], strict=True):
            assert_same(image, truth)
            compared += 1
    assert compared >= 7


def assert_same(image: ImageRecord, truth: Truth) -> None:
    assert (image.size_x, image.size_y, image.size_z, image.size_c, image.size_t) == truth.sizes
    assert image.pixels_type == truth.kind
    ours = (image.physical_size_x_um, image.physical_size_y_um, image.physical_size_z_um, image.time_increment_s)
    for mine, theirs in zip(ours, (*truth.physical, truth.increment_s), strict=True):
        assert mine == (None if theirs is None else pytest.approx(theirs, rel=1e-6))
    # Neither has a time zone: both are of the machine that reads.
    acquired = image.acquired_at.astimezone().isoformat()[:19] if image.acquired_at else ""
    assert acquired == (truth.acquired or "")[:19]
    if not image.is_rgb:
        channels = image.channels
        assert tuple(channel.name for channel in channels) == truth.names
        assert tuple(channel.emission_wavelength_nm for channel in channels) == truth.emission_nm
        assert tuple(channel.excitation_wavelength_nm for channel in channels) == truth.excitation_nm
        # What Bio-Formats leaves out: colours that ImageJ keeps as tables.
        assert not any(truth.colors) or tuple(channel.color for channel in channels) == truth.colors


def test_a_slides_label_and_macro_are_no_images() -> None:
    folder = needed_data()
    assert len(outcome_of(folder / "real/pathml/small_HE.svs").images) == 1
    assert len(outcome_of(folder / "real/pathml/small_vectra.qptiff").images) == 1
    assert len(outcome_of(folder / "made/bioformats-made/lif_sweep.ome.tiff").images) == 3


def test_a_dpi_tag_is_no_physical_size() -> None:
    folder = needed_data()
    path = folder / "real/plateviewer/SCANR-C2-S1-T1/A1--W00001--P00001--Z00000--T00000--GFP.tif"
    assert first_page_tags(path)[282]
    assert outcome_of(path).images[0].physical_size_x_um is None


def test_the_date_of_an_edit_is_no_acquisition() -> None:
    folder = needed_data() / "real/cellprofiler-examples"
    edited = outcome_of(next((folder / "ExampleVitraImages/images").glob("Channel 1-01-A-01-00.tif"))).images[0]
    assert (edited.acquisition.software or "").startswith("Adobe Photoshop")
    assert edited.acquired_at is None
    assert outcome_of(folder / "ExampleCometAssay/images/CometTails.tif").images[0].acquired_at is not None


def test_an_ome_tif_without_ome_xml_is_a_plain_tiff() -> None:
    folder = needed_data()
    named = [row for row in own_rows(folder) if row["layout"] == "hcs-almf-ometif"]
    assert named
    assert {outcome_of(folder / row["path"]).format for row in named} == {"TIFF"}


def test_the_table_in_the_documentation_is_as_the_files_are() -> None:
    folder = needed_data()
    assert PAGE.read_text(encoding="utf-8") == table(folder)
