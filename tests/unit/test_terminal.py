"""What comes from outside can't act on a terminal, and nothing of it is lost."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from catalog.documents import DatasetPictures, GridPicture, NamedPicture, Picture, PlateGrid
from daemon.output import Output, as_plain
from daemon.pictures import sheet_of
from daemon.tables import cell, duration_text, size_text, table_lines
from daemon.terminal import escape_line, wants_color


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("Zelle µm 細胞", "Zelle µm 細胞"),
        ("esc-\x1b[31mred", "esc-\\x1b[31mred"),
        ("two\nlines\r\t", "two\\nlines\\r\\t"),
        ("right\u202eto left", "right\\u202eto left"),
        ("\u200bhidden", "\\u200bhidden"),
        ("byte \udcff", "byte \\xff"),
        ("c1 \x9b", "c1 \\x9b"),
    ],
)
def test_control_and_bidi_characters_are_shown_not_obeyed(text: str, shown: str) -> None:
    assert escape_line(text) == shown


@given(st.text(st.characters(codec=None, exclude_categories=())))
def test_an_escaped_line_is_one_line_that_a_terminal_can_print(text: str) -> None:
    shown = escape_line(text)
    assert len(shown.splitlines()) <= 1
    assert shown.isprintable() or all(c.isprintable() or c.isspace() for c in shown)
    assert not set(shown) & {"\x1b", "\n", "\r", "\x9b", "\u202e", "\u2066"}
    shown.encode()


def test_columns_are_aligned_as_wide_characters_are_shown() -> None:
    lines = table_lines(("name", "n"), [("細胞", 3), ("cell", 12)], right=frozenset({"n"}))
    assert lines == ["name   n", "細胞   3", "cell  12"]


def test_a_name_with_escape_sequences_is_harmless_in_a_table() -> None:
    (_, row) = table_lines(("name",), [("\x1b]0;owned\x07",)], right=frozenset())
    assert row == "\\x1b]0;owned\\x07"


def test_json_holds_odd_names_as_they_are_displayed() -> None:
    assert as_plain({"path": b"a\xff", "name": "b\udcfe", "tags": ("x",), "none": None}) == {
        "path": "a\\xff",
        "name": "b\\xfe",
        "tags": ["x"],
        "none": None,
    }


def test_a_value_without_a_form_in_json_is_a_mistake_of_the_program() -> None:
    with pytest.raises(TypeError, match="object has no form in JSON"):
        as_plain(object())


def test_messages_go_to_standard_error_and_documents_to_standard_output() -> None:
    out, err = io.StringIO(), io.StringIO()
    output = Output(as_json=True, out=out, err=err)
    output.document({"a": 1}, lambda _document, printer: printer.line("never"))
    output.message("a\x1bword")
    assert out.getvalue() == '{\n  "a": 1\n}\n'
    assert err.getvalue() == "a\\x1bword\n"


def test_colour_is_for_terminals_only(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert wants_color(Terminal())
    assert not wants_color(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not wants_color(Terminal())


def test_sizes_spans_and_cells_read_as_people_write_them() -> None:
    assert [size_text(n) for n in (0, 999, 1000, 8_400_000)] == ["0 B", "999 B", "1.0 kB", "8.4 MB"]
    assert [duration_text(s) for s in (0, 59, 3_661, 90_000)] == ["0 s", "59 s", "1 h 1 min", "1 d 1 h"]
    assert [cell(value) for value in (None, True, 1.5, ("a", "b"), b"\xff")] == ["", "yes", "1.5", "a, b", "\\xff"]


class Terminal(io.StringIO):
    """A stream at which somebody looks."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("kind", ["dataset", "plate"])
def test_a_bar_on_the_terminal_reaches_its_end_while_a_sheet_is_drawn(kind: str) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "PNG")
    seen = Picture(image_id=1, media_type="image/png", width_px=8, height_px=8, data=buffer.getvalue(), failure=None)
    named = tuple(NamedPicture(name=f"{n}", picture=seen) for n in range(4))
    fields = tuple(GridPicture(row=0, column=n, field=0, run="", name="", picture=seen) for n in range(4))
    found = (
        DatasetPictures(id=1, name="d", pictures=named, total=4)
        if kind == "dataset"
        else PlateGrid(id=1, name="p", rows=2, columns=4, fields=fields)
    )
    told = Terminal()
    sheet_of(found, Output(as_json=False, out=io.StringIO(), err=told))
    assert "drawing" in told.getvalue()
    assert "100%" in told.getvalue()
    quiet = io.StringIO()
    sheet_of(found, Output(as_json=False, out=io.StringIO(), err=quiet))
    assert quiet.getvalue() == ""
