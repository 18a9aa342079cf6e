"""Tables beside plates: the nearest counts, wells in any spelling, and nothing in them can stop an import."""

import os
from pathlib import Path

import pytest

from config.rule_values import TableLookup
from ingest.opening import opened_root
from ingest.tables import LARGEST_TABLE_BYTES, TableLine, table_line
from tests.helpers.pictures import put

B3 = TableLookup(name="platemap.csv", by="well", value="B3", on="well")


def line(root: Path, wanted: TableLookup = B3, path: bytes = b"s/p/img/b3.tif") -> TableLine:
    with opened_root(os.fsencode(root)) as descriptor:
        return table_line(descriptor, path, wanted)


@pytest.mark.parametrize("well", ["B3", "B03", "b03", "r02c03", "R2C3", " B3 ", '"B3"'])
def test_a_line_is_found_by_its_well_in_any_spelling(tmp_path: Path, well: str) -> None:
    put(tmp_path / "s/p/platemap.csv", f"Gene,WELL,Dose\nx,B4,1\nPLK1,{well},\n".encode())
    assert line(tmp_path).pairs == (("Gene", "PLK1"),)


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_spreadsheets_of_all_languages_are_read(tmp_path: Path, mark: str) -> None:
    put(tmp_path / "s/p/platemap.csv", f"\ufeffwell{mark}Größe\r\nB3{mark}groß\r\n".encode())
    assert line(tmp_path).pairs == (("Größe", "groß"),)


@pytest.mark.parametrize(("encoding", "is_told"), [("utf-8", False), ("utf-16", False), ("cp1252", True)])
def test_what_spreadsheets_save_is_read_and_a_guess_is_told(tmp_path: Path, encoding: str, is_told: bool) -> None:
    put(tmp_path / "s/p/platemap.csv", "well;Größe\r\nB3;5 µM\r\n".encode(encoding))
    found = line(tmp_path)
    assert found.pairs == (("Größe", "5 µM"),)
    assert ("Windows-1252" in (found.note or "")) == is_told


def test_the_nearest_table_counts_up_to_the_root(tmp_path: Path) -> None:
    put(tmp_path / "platemap.csv", b"well,where\nB3,root\n")
    assert line(tmp_path).pairs == (("where", "root"),)
    put(tmp_path / "s/p/platemap.csv", b"well,where\nB3,plate\n")
    assert line(tmp_path).pairs == (("where", "plate"),)


def test_numbers_and_texts_find_their_line(tmp_path: Path) -> None:
    put(tmp_path / "s/t.csv", b"slide,stain\n007,HE\nA,PAS\n")
    assert line(tmp_path, TableLookup(name="t.csv", by="slide", value="7", on="image")).pairs == (("stain", "HE"),)
    assert line(tmp_path, TableLookup(name="t.csv", by="slide", value="A", on="image")).pairs == (("stain", "PAS"),)


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (b"", "no column 'well'"),
        (b"gene\nPLK1\n", "no column 'well'"),
        (b"well,gene\nA1,x\n", "no line for well B3"),
        (b"well,gene\nB3\n", "no line for well B3"),
        (b"well\n\x81\x8d", "not a text in UTF-8"),
        (b"\xff\xfew", "not a text in UTF-8"),
        (b"well\n" + b"x" * LARGEST_TABLE_BYTES, "larger than 4 MiB"),
        (b"well,gene\nB3," + b"y" * 200_000 + b"\n", "field larger than"),
    ],
)
def test_what_is_no_table_gives_nothing_but_a_note(tmp_path: Path, content: bytes, note: str) -> None:
    put(tmp_path / "s/p/platemap.csv", content)
    assert line(tmp_path).pairs == ()
    assert note in (line(tmp_path).note or "")


def test_no_link_is_followed_to_a_table(tmp_path: Path) -> None:
    secret = put(tmp_path / "elsewhere.csv", b"well,secret\nB3,salary\n")
    (tmp_path / "root/s/p").mkdir(parents=True)
    (tmp_path / "root/s/p/platemap.csv").symlink_to(secret)
    found = line(tmp_path / "root")
    assert found.pairs == ()
    assert "symbolic link" in (found.note or "")
    (tmp_path / "root/s/p/platemap.csv").unlink()
    os.mkfifo(tmp_path / "root/s/p/platemap.csv")
    assert line(tmp_path / "root").pairs == ()


def test_a_missing_table_is_said(tmp_path: Path) -> None:
    assert line(tmp_path).note == "there is no 'platemap.csv' beside it"
