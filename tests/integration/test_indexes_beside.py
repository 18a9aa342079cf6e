"""Plates whose instrument wrote an index: what it tells is catalogued, now or later. On both databases."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from catalog.engine import Catalogue
from config.settings import ChannelSettings, RuleSettings
from ingest.indexes import harmony
from tests.helpers import index_files
from tests.helpers.ingest_site import MARK, Site, add_person

NAMES = [f"r02c03f01p{z:02d}-ch{channel}sk1fk1fl1.tiff" for channel in (1, 2) for z in (1, 2)]


def rule(layout: str = "operetta", **fields: Any) -> RuleSettings:
    return RuleSettings(match=("{group}/{owner}/{screen}/{plate}",), layout=layout, mark=MARK, **fields)


@pytest.fixture
def site(catalogue: Catalogue, tmp_path: Path) -> Site:
    made = Site(catalogue, tmp_path)
    add_person(catalogue, "ab3c", "smith-lab")
    return made


@pytest.fixture
def plate(site: Site) -> Path:
    folder = site.root / "smith-lab/ab3c/S/P1/Images"
    folder.mkdir(parents=True)
    for number, name in enumerate(NAMES):
        picture(folder / name, number)
    return folder


def picture(path: Path, value: int) -> None:
    """Write a TIFF whose resolution tags claim something else than any index."""
    pixels = np.arange(64, dtype=np.uint16).reshape(8, 8) + value
    tifffile.imwrite(path, pixels, imagej=True, resolution=(1 / 7, 1 / 7), metadata={"unit": "um"})


def index(*names: str, um: float = 0.5) -> bytes:
    return index_files.harmony(
        {
            "URL": name,
            "ChannelID": name[name.index("-ch") + 3],
            "ChannelName": {"1": "HOECHST", "2": "Alexa 488"}[name[name.index("-ch") + 3]],
            "ImageResolutionX": str(um * 1e-6),
            "ImageResolutionY": str(um * 1e-6),
            "PositionX": "0.0005",
            "PositionY": "-0.0005",
            "PositionZ": str(int(name[name.index("p") + 1 : name.index("-")]) * 2e-6),
            "AbsTime": "2024-05-06T07:08:09+02:00",
        }
        for name in names
    )


def importing(site: Site, *rules: RuleSettings) -> Any:
    return site.import_(settings=site.settings(rules=rules or (rule(),)))


def images(site: Site) -> list[dict[str, Any]]:
    columns = "id, size_c, size_z, physical_size_x_um, physical_size_z_um, acquisition, pixels_replaced_at"
    return site.rows(f"SELECT {columns} FROM image ORDER BY id")


def channels(site: Site) -> list[str | None]:
    return [row["name"] for row in site.rows("SELECT name FROM channel ORDER BY image_id, ordinal")]


def test_an_index_is_believed_over_tags_and_what_it_promises_and_is_not_there_stops_nothing(
    site: Site, plate: Path
) -> None:
    (plate / "Index.idx.xml").write_bytes(
        index(*NAMES, "r02c03f02p01-ch1sk1fk1fl1.tiff", "r09c09f01p01-ch2sk1fk1fl1.tiff")
    )
    assert importing(site).failed == 0
    (image,) = images(site)
    assert (image["size_c"], image["size_z"]) == (2, 2)
    assert (image["physical_size_x_um"], image["physical_size_z_um"]) == (0.5, 2.0)
    assert channels(site) == ["HOECHST", "Alexa 488"]
    assert '"Index.idx.xml"' in str(image["acquisition"]).replace("'", '"')
    assert site.rows('SELECT "rows", "columns" FROM plate') == [{"rows": 16, "columns": 24}]
    assert [(row["row"], row["column"]) for row in site.rows('SELECT "row", "column" FROM well')] == [(1, 2)]


def test_what_the_rule_says_of_channels_comes_before_the_index(site: Site, plate: Path) -> None:
    (plate / "Index.idx.xml").write_bytes(index(*NAMES))
    importing(site, rule(channels={"2": ChannelSettings(name="tubulin"), "1": ChannelSettings(color="#112233")}))
    assert channels(site) == ["tubulin", "HOECHST"]


def test_a_broken_index_costs_what_it_would_have_told_and_the_history_says_so(site: Site, plate: Path) -> None:
    (plate / "Index.idx.xml").write_bytes(index(*NAMES)[:-40])
    assert importing(site).failed == 0
    (image,) = images(site)
    assert (image["size_c"], image["size_z"], image["physical_size_x_um"]) == (2, 2, 7.0)
    (event,) = site.rows("SELECT after FROM event WHERE what = 'imported'")
    assert "told nothing: it is broken" in str(event["after"])


def test_an_index_that_comes_later_describes_what_is_catalogued_in_place(site: Site, plate: Path) -> None:
    importing(site)
    (before,) = images(site)
    assert before["physical_size_x_um"] == 7.0
    (plate / "Index.idx.xml").write_bytes(index(*NAMES))
    importing(site)
    (after,) = images(site)
    assert (after["id"], after["physical_size_x_um"], after["pixels_replaced_at"]) == (before["id"], 0.5, None)
    assert channels(site) == ["HOECHST", "Alexa 488"]
    assert site.rows('SELECT "rows", "columns" FROM plate') == [{"rows": 16, "columns": 24}]
    assert [row["what"] for row in site.rows("SELECT what FROM event WHERE object_type = 'fileset' ORDER BY id")] == [
        "imported",
        "updated",
    ]


def test_an_index_that_grows_has_only_those_read_again_of_which_it_had_told_nothing(site: Site, plate: Path) -> None:
    other = "r02c03f02p01-ch1sk1fk1fl1.tiff"
    picture(plate / other, 9)
    (plate / "Index.idx.xml").write_bytes(index(*NAMES))
    importing(site)
    assert [row["physical_size_x_um"] for row in images(site)] == [0.5, 7.0]
    (plate / "Index.idx.xml").write_bytes(index(*NAMES, other, um=0.25))
    importing(site)
    assert len(site.rows("SELECT id FROM event WHERE what = 'updated'")) == 1
    assert [row["physical_size_x_um"] for row in images(site)] == [0.5, 0.25]


def test_an_htd_file_names_the_wavelengths_of_pictures_in_the_folders_below_it(site: Site) -> None:
    folder = site.root / "smith-lab/ab3c/S/P2"
    (folder / "TimePoint_1").mkdir(parents=True)
    for wave in (1, 2):
        picture(folder / "TimePoint_1" / f"x_B02_s1_w{wave}.TIF", wave)
    importing(site, rule("imagexpress"))
    assert channels(site) == [None, None]
    (folder / "x.HTD").write_bytes(index_files.htd("DAPI", "FITC", "Cy5"))
    importing(site, rule("imagexpress"))
    assert channels(site) == ["DAPI", "FITC"]
    assert site.rows('SELECT "rows", "columns" FROM plate') == [{"rows": 8, "columns": 12}]


def test_a_parser_that_fails_stops_no_import(site: Site, plate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: bytes) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(harmony, "parse", fails)
    (plate / "Index.idx.xml").write_bytes(index(*NAMES) + b" ")
    assert importing(site).failed == 0
    assert [row["physical_size_x_um"] for row in images(site)] == [7.0]


def test_a_plate_of_1536_wells_is_as_large_as_its_instrument_says(site: Site) -> None:
    folder = site.root / "smith-lab/ab3c/S/P1536"
    folder.mkdir(parents=True)
    for number, well in enumerate(("A01", "Z09", "AA10", "AF48")):
        picture(folder / f"x_{well}_T0001F001L01A01Z01C01.tif", number)
    records = "".join(index_files.record(path.name) for path in folder.iterdir())
    (folder / "MeasurementData.mlf").write_bytes(index_files.yokogawa("MeasurementData", records))
    detail = index_files.yokogawa("MeasurementDetail", "", RowCount="32", ColumnCount="48")
    (folder / "MeasurementDetail.mrf").write_bytes(detail)
    importing(site, rule("cellvoyager"))
    wells = site.rows('SELECT "row", "column" FROM well ORDER BY id')
    assert sorted((one["row"], one["column"]) for one in wells) == [(0, 0), (25, 8), (26, 9), (31, 47)]
    assert site.rows('SELECT "rows", "columns" FROM plate') == [{"rows": 32, "columns": 48}]


def test_two_days_of_one_plate_are_two_runs_with_the_same_wells(site: Site) -> None:
    for day in ("2024-04-22/1697", "2024-04-29/1702"):
        for well in ("B02", "B03"):
            for site_number in (1, 2):
                path = site.root / "smith-lab/ab3c/S/P" / day / f"x_{well}_s{site_number}_w1.TIF"
                path.parent.mkdir(parents=True, exist_ok=True)
                picture(path, site_number)
    importing(site, rule("imagexpress"))
    query = (
        'SELECT a.name, w."row", w."column", s.field FROM well_sample s JOIN well w ON w.id = s.well_id'
        " JOIN plate_acquisition a ON a.id = s.plate_acquisition_id"
    )
    found = sorted(tuple(row.values()) for row in site.rows(query))
    runs = ("2024-04-22 1697", "2024-04-29 1702")
    assert found == [(run, 1, column, field) for run in runs for column in (1, 2) for field in (1, 2)]
    assert len(site.rows("SELECT id FROM well")) == 2
