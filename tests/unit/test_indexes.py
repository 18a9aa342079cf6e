"""Instruments' index files: what the real ones say, read by hand, and what hostile and broken ones do."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.records import Acquisition, Channel, Objective
from ingest.indexes import harmony, micromanager, quoted_lines, yokogawa
from ingest.indexes.values import IndexFormatError, PlaneFacts, PlateFacts, base_name
from tests.helpers import index_files
from tests.helpers.real_data import needed_data

CV8000 = "CV8000-Minimal-DataSet-2C-3W-4S-FP2-stack"


def real(*parts: str) -> Path:
    return needed_data().joinpath("real", *parts)


def test_an_operettas_index_is_read_as_it_stands() -> None:
    found = harmony.parse(real("operetta-compose", "operetta_plate", "Images", "Index.idx.xml").read_bytes())
    assert found.plate == PlateFacts(name="Test_Sample_BALL", rows=16, columns=24)
    assert set(found.planes) == {"r03c03f01p01-ch1sk1fk1fl1.tiff", "r03c03f02p01-ch1sk1fk1fl1.tiff"}
    assert found.plane("r03c03f02p01-ch1sk1fk1fl1.tiff", {}) == PlaneFacts(
        channel=Channel(
            name="Fluorescein (FITC)",
            excitation_wavelength_nm=475,
            emission_wavelength_nm=525,
            exposure_time_s=0.006,
        ),
        size_x=1080,
        size_y=1080,
        physical_size_x_um=1.1959521619135,
        physical_size_y_um=1.1959521619135,
        position_x_um=645.814,
        position_y_um=645.814,
        position_z_um=20,
        acquired_at=datetime(2022, 12, 19, 9, 19, 27, 157000, tzinfo=UTC),
        acquisition=Acquisition(objective=Objective(nominal_magnification=10, lens_na=0.3), detector="AndorZylaCam"),
    )
    assert found.plane("r03c03f03p01-ch1sk1fk1fl1.tiff", {}) is None


def test_what_newer_versions_of_harmony_say_once_for_a_channel_holds_for_its_pictures() -> None:
    shared = (
        '<Maps><Map><Entry ChannelID="2"><ChannelName>HOECHST 33342</ChannelName>'
        '<ImageResolutionX Unit="m">2.97E-07</ImageResolutionX></Entry></Map></Maps>'
    )
    written = index_files.harmony(
        [{"URL": "a.tiff", "ChannelID": "2"}, {"URL": "b.tiff", "ChannelID": "1"}], shared=shared
    )
    found = harmony.parse(written)
    assert found.planes["a.tiff"].channel == Channel(name="HOECHST 33342")
    assert found.planes["a.tiff"].physical_size_x_um == 0.297
    assert found.planes["b.tiff"].channel == Channel()


def test_a_cellvoyagers_three_files_are_read_as_they_stand() -> None:
    folder = real("faim-ipa", "CV8000", f"{CV8000}_20230918_135839", CV8000)
    detail = yokogawa.parse_detail((folder / "MeasurementDetail.mrf").read_bytes())
    assert detail.plate == PlateFacts(name=CV8000, rows=8, columns=12)
    assert detail.settings_name == "Minimal-3C3W2S-FP2-stack.mes"
    channels = yokogawa.parse_settings((folder / detail.settings_name).read_bytes())
    assert sorted(channels) == ["1", "2", "3", "4"]
    found = yokogawa.parse_records((folder / "MeasurementData.mlf").read_bytes(), detail, channels)
    assert len(found.planes) == 96
    assert found.planes[f"{CV8000}_D08_T0001F001L01A02Z03C02.tif"] == PlaneFacts(
        channel=Channel(
            name="BP525/50",
            color="#00FFA1",
            excitation_wavelength_nm=488,
            emission_wavelength_nm=525,
            exposure_time_s=0.1,
        ),
        size_x=2000,
        size_y=2000,
        physical_size_x_um=0.325,
        physical_size_y_um=0.325,
        position_x_um=-567.1,
        position_y_um=402.9,
        position_z_um=6,
        acquired_at=datetime(2023, 9, 18, 11, 58, 45, 976000, tzinfo=UTC),
        acquisition=Acquisition(objective=Objective(name="20x v2", nominal_magnification=20), detector="DCAM"),
    )
    alone = yokogawa.parse_records((folder / "MeasurementData.mlf").read_bytes(), None, None)
    assert alone.planes.keys() == found.planes.keys()
    assert alone.plate == PlateFacts()


def test_an_htd_file_names_wavelengths_also_those_that_are_not_there() -> None:
    found = quoted_lines.parse_htd(real("faim-ipa", "ImageXpress_exported", "9987_Plate_3434", "9987.HTD").read_bytes())
    assert found.plate == PlateFacts(rows=8, columns=12)
    assert found.names == {"1": "DAPI", "2": "FITC", "3": "Texas Red", "4": "Cy5"}
    assert found.plane("9987_B02_s1_w3.TIF", {"channel": "3"}) == PlaneFacts(channel=Channel(name="Texas Red"))
    assert found.plane("9987_B02_s1_w5.TIF", {"channel": "5"}) is None
    assert found.plane("9987_B02_s1.TIF", {}) is None, "which of the four it is nobody says"
    one = quoted_lines.parse_htd(real("faim-ipa", "ImageXpress_exported", "9987_Plate_3420", "9987.HTD").read_bytes())
    assert one.plane("9987_B02.TIF", {}) == PlaneFacts(channel=Channel(name="DAPI"))


@pytest.mark.parametrize(
    ("name", "waves", "steps_um", "stages"),
    [
        ("data/sample_3ch_2pos_mixed-z.nd", ["Conf640", "Conf561", "Conf488"], {"2": 3.0, "3": 3.0}, 2),
        ("sample_2ch_75pos_361t.nd", ["BF-488-Cam1", "488-BF-Cam0"], {"1": 2.0, "2": 2.0}, 75),
        ("sample_4ch_1pos_1z.nd", ["confDAPI", "confGFP", "confmCherry", "confCy5"], {}, 0),
        ("sample_4ch_4pos.nd", ["Conf640", "Conf561", "Conf488", "Conf405"], dict.fromkeys("1234", 3.0), 4),
    ],
)
def test_the_nd_files_are_read_as_they_stand(
    name: str, waves: list[str], steps_um: dict[str, float], stages: int
) -> None:
    found = quoted_lines.parse_nd(real("metamorph-mda-parser", *name.split("/")).read_bytes())
    assert list(found.names.values()) == waves
    assert (found.z_steps_um, len(found.stages)) == (steps_um, stages)
    told = found.plane("x", {"channel": "02"})
    assert told == PlaneFacts(channel=Channel(name=waves[1]), z_step_um=steps_um.get("2"), is_stack="2" in steps_um)


def test_a_step_with_a_decimal_comma_and_a_name_in_the_machines_code_page_are_read() -> None:
    text = '"NDInfoFile", Version 1.0\r\n"DoWave", TRUE\r\n"NWavelengths", 1\r\n"WaveName1", "Grün µ"\r\n'
    found = quoted_lines.parse_nd((text + '"DoZSeries", TRUE\r\n"ZStepSize", 0,5\r\n').encode("cp1252"))
    assert found.names == {"1": "Grün µ"}
    assert found.z_steps_um == {"1": 0.5}


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../a.tif",
        "a/b.tif",
        "/etc/passwd",
        r"..\a.tif",
        r"C:\a.tif",
        "C:a.tif",
        "http://x/a.tif",
        "a\0.tif",
    ],
)
def test_a_name_that_leaves_the_indexs_folder_is_no_name(name: str) -> None:
    assert base_name(name) is None
    if "\0" not in name:
        assert harmony.parse(index_files.harmony([{"URL": name}, {"URL": "b.tiff"}])).planes.keys() == {"b.tiff"}
        inner = index_files.record(name) + index_files.record("b.tif")
        written = index_files.yokogawa("MeasurementData", inner)
        assert yokogawa.parse_records(written, None, None).planes.keys() == {"b.tif"}


def test_settings_outside_the_folder_and_errors_among_the_records_are_not_followed() -> None:
    written = index_files.yokogawa("MeasurementDetail", "", MeasurementSettingFileName="../../other.mes", RowCount="-1")
    assert yokogawa.parse_detail(written) == yokogawa.NO_DETAIL
    inner = index_files.record("a.tif", kind="ERR") + index_files.record("b.tif")
    assert yokogawa.parse_records(index_files.yokogawa("MeasurementData", inner), None, None).planes.keys() == {"b.tif"}


XML: list[Callable[[bytes], object]] = [
    harmony.parse,
    yokogawa.parse_detail,
    yokogawa.parse_settings,
    lambda xml: yokogawa.parse_records(xml, None, None),
]
LINES: list[Callable[[bytes], object]] = [quoted_lines.parse_htd, quoted_lines.parse_nd]


@pytest.mark.parametrize("parse", XML)
@pytest.mark.parametrize(
    ("xml", "sentence"),
    [
        (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "has a DOCTYPE, which is refused"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "has a DOCTYPE, which is refused"),
        (b"<a>" * 100, "is nested too deeply"),
        (b"<a><b>", "is broken: "),
        (b"", "is broken: "),
        (b"<a/>", "it does not begin with "),
        (b"\xff\xfe\x00\x00garbage", "is broken: "),
    ],
)
def test_hostile_and_broken_xml_is_refused_with_a_sentence(
    parse: Callable[[bytes], object], xml: bytes, sentence: str
) -> None:
    with pytest.raises(IndexFormatError) as raised:
        parse(xml)
    assert sentence in str(raised.value)


@pytest.mark.parametrize("parse", [*XML, *LINES])
@given(data=st.binary(max_size=300), at=st.integers(0, 5000), seed=st.sampled_from(range(4)))
@settings(max_examples=25)
def test_whatever_stands_in_an_index_it_is_read_or_refused(
    parse: Callable[[bytes], object], data: bytes, at: int, seed: int
) -> None:
    whole = (
        index_files.harmony([{"URL": "a.tiff", "ChannelID": "1", "ImageResolutionX": "1e-6", "AbsTime": "x"}]),
        index_files.yokogawa("MeasurementData", index_files.record("a.tif")),
        index_files.htd("DAPI", "FITC"),
        index_files.htd("DAPI").replace(b"HTSInfo", b"NDInfo"),
    )[seed]
    for written in (data, whole[:at] + data + whole[at:], whole[: at % len(whole)]):
        with suppress(IndexFormatError):
            parse(written)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '{"Summary": ',
        '{"Summary": {"ChNames": [',
        '{"Summary": ' + '{"a": ' * 5000,
        '{"Other": {}}',
        "\xff\x00",
    ],
)
def test_a_metadata_txt_without_a_readable_summary_says_so(text: str) -> None:
    with pytest.raises(IndexFormatError, match="summary"):
        micromanager.parse_summary(text.encode("latin-1"))


def test_a_summary_of_odd_values_tells_what_it_can() -> None:
    text = '{"Summary": {"ChNames": ["GFP", 7], "ChColors": "red", "PixelSize_um": 0, "z-step_um": "-1", "Frames": []}}'
    found = micromanager.parse_summary(text.encode())
    assert found.facts.physical_size_x_um is None
    assert found.plane("img", {"channel": "GFP"}) == replace(found.facts, channel=Channel(name="GFP"))
    assert found.plane("img", {"channel": "000"}) == found.plane("img", {"channel": "GFP"})
    assert found.plane("img", {"channel": "9"}) == found.facts
