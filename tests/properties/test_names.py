"""Names survive being shown and read back, whatever bytes they hold."""

from hypothesis import given
from hypothesis import strategies as st

from catalog.names import display, undisplay, well_name

tricky = st.lists(st.sampled_from([b"\\", b"x", b"4", b"f", b"\xff", b"\xc3", b"\xa9", b"\n", b"\x1b", b"a"])).map(
    b"".join
)


@given(st.one_of(st.binary(), tricky))
def test_display_loses_nothing_and_is_utf8(raw: bytes) -> None:
    shown = display(raw)

    shown.encode("utf-8")
    assert undisplay(shown) == raw


@given(tricky, tricky)
def test_different_names_are_shown_differently(one: bytes, other: bytes) -> None:
    assert (display(one) == display(other)) == (one == other)


def test_an_invalid_byte_is_shown_as_its_hex_digits_and_text_as_it_is() -> None:
    assert display(b"caf\xc3\xa9 \xff.tif") == "café \\xff.tif"


def test_what_a_shell_passed_is_understood() -> None:
    assert undisplay(b"a\xff".decode("utf-8", "surrogateescape")) == b"a\xff"


def test_wells_are_named_as_people_do() -> None:
    assert [well_name(1, 2), well_name(25, 0), well_name(26, 11)] == ["B3", "Z1", "AA12"]
