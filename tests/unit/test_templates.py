"""Path templates: every row of the table of `match`, and how it matches."""

import pytest

from config.path_text import path_text
from config.templates_compile import Fit, NoFit, PathView, compile_template
from config.templates_explain import stop_of
from config.templates_parse import TemplateError


def captures(template: str, path: str | bytes, **where: str) -> dict[str, str] | None:
    """Match a path; None when the template does not fit."""
    text = path_text(path) if isinstance(path, bytes) else path
    outcome = compile_template(template, where).fit(PathView(text))
    return {name: found.text for name, found in outcome.captures.items()} if isinstance(outcome, Fit) else None


def value(template: str, path: str) -> object:
    outcome = compile_template(template, {}).fit(PathView(path))
    assert isinstance(outcome, Fit)
    return next(iter(outcome.captures.values())).value


def problems(template: str) -> list[tuple[int, str]]:
    with pytest.raises(TemplateError) as caught:
        compile_template(template, {})
    return [(problem.offset, problem.message) for problem in caught.value.problems]


FITS: list[tuple[str, str, dict[str, str]]] = [
    # literal text: upper and lower case alike, captured values keep theirs
    ("Data/{image}.TIF", "dATA/Xy.tif", {"image": "Xy"}),
    ("größe/{image}.tif", "GRÖSSE/x.tif".replace("SS", "ß"), {"image": "x"}),
    # ? and *
    ("a?c.tif", "abc.tif", {}),
    ("a*c*.tif", "axxc.tif", {}),
    ("*.tif", ".tif", {}),
    # ** between slashes: any number of folders, none included
    ("a/**/{image}.tif", "a/x.tif", {"image": "x"}),
    ("a/**/{image}.tif", "a/b/c/x.tif", {"image": "x"}),
    ("**/{image}.tif", "x.tif", {"image": "x"}),
    ("{group}/**", "g/a/b.tif", {"group": "g"}),
    # (a|b)
    ("(tiff|png)/{image}.tif", "TIFF/x.tif", {"image": "x"}),
    ("x(|_thumb).tif", "x.tif", {}),
    ("x(_a|_ab){y}.tif", "x_abc.tif", {"y": "c"}),
    # [ ]: optional, nested, with placeholders and slashes
    ("[{a}/]{image}.tif", "x.tif", {"image": "x"}),
    ("[{a}/]{image}.tif", "d/x.tif", {"a": "d", "image": "x"}),
    ("{p}/[{d}/[{e}/]]{image}.tif", "p/d/e/x.tif", {"p": "p", "d": "d", "e": "e", "image": "x"}),
    ("{p}/[{d}/[{e}/]]{image}.tif", "p/d/x.tif", {"p": "p", "d": "d", "image": "x"}),
    ("{a}[_{b}].tif", "x_y_z.tif", {"a": "x", "b": "y_z"}),
    # {name}: one or more characters inside one component
    ("{a}_{b}.tif", "x_y_z.tif", {"a": "x", "b": "y_z"}),
    # :int :word :3d
    ("s{n:int}_{x}.tif", "s012_a.tif", {"n": "012", "x": "a"}),
    ("{w:word}-{x}.tif", "äb1-c.tif", {"w": "äb1", "x": "c"}),
    ("{a}{n:3d}.tif", "x0123.tif", {"a": "x0", "n": "123"}),
    # lists: one of these, kept, as much as will do
    ("{c:DAPI|GFP}.tif", "dapi.tif", {"c": "dapi"}),
    ("{c:A|AB}{x}.tif", "ABC.tif", {"c": "AB", "x": "C"}),
    ("{c:A|AB}{x}.tif", "AB.tif", {"c": "A", "x": "B"}),
    (r"{c:a\|b|c}.tif", "a|b.tif", {"c": "a|b"}),
    # paths, guids, unnamed
    ("{group}/{rest:path}/{image}.tif", "g/a/b/x.tif", {"group": "g", "rest": "a/b", "image": "x"}),
    (
        "x_w{channel:1d}{:guid}.tif",
        "x_w1D5F8F51A-3E85-4358-AE51-A465AF87386F.tif",
        {"channel": "1"},
    ),
    ("{:int}_{image}.tif", "77_x.tif", {"image": "x"}),
    # {ext}: any ending a reader knows, longest first
    ("{image}.{ext}", "x.ome.tif", {"image": "x", "ext": "ome.tif"}),
    ("{image}.{ext}", "x.y.TIF", {"image": "x.y", "ext": "TIF"}),
    ("{image}.{ext}", "x.companion.ome", {"image": "x", "ext": "companion.ome"}),
    ("{image}.{ext}", "x.ome.zarr", {"image": "x", "ext": "ome.zarr"}),
    # the escape
    (r"\{a\}\[{image}\]\*.tif", "{a}[x]*.tif", {"image": "x"}),
    (r"a\\b.tif", "a\\b.tif", {}),
    # z t field tile are numbers by themselves; :text undoes that
    ("z{z}t{t}.tif", "z01t2.tif", {"z": "01", "t": "2"}),
    ("{z:text}.tif", "top.tif", {"z": "top"}),
    # a name used twice has the same value
    ("{plate}/{plate}_{image}.tif", "P1/P1_x.tif", {"plate": "P1", "image": "x"}),
    ("{x}{name}/{name}.tif", "abcd/cd.tif", {"x": "ab", "name": "cd"}),
    ("{n:int}/{n:int}_{image}.tif", "007/7_x.tif", {"n": "007", "image": "x"}),
    # dates with their separators, and over folders
    ("{day:%Y/%m/%d}/{image}.tif", "2024/05/13/x.tif", {"day": "2024/05/13", "image": "x"}),
]


@pytest.mark.parametrize(("template", "path", "wanted"), FITS)
def test_a_template_fits_and_captures(template: str, path: str, wanted: dict[str, str]) -> None:
    assert captures(template, path) == wanted


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("a?c.tif", "a/c.tif"),
        ("a*c.tif", "ab/bc.tif"),
        ("{a}.tif", "b/c.tif"),
        ("{a}.tif", ".tif"),
        ("a/**/b.tif", "ab.tif"),
        ("{rest:path}/x.tif", "x.tif"),
        ("{n:int}.tif", "a1.tif"),
        ("{n:int}.tif", "\u0661.tif"),
        ("{n:3d}.tif", "1234.tif"),
        ("{w:word}.tif", "a_b.tif"),
        ("{image}.{ext}", "x.docx"),
        ("{z:int}.tif", "top.tif"),
        ("{plate}/{plate}_{image}.tif", "P1/P2_x.tif"),
        ("{plate}/{plate}_{image}.tif", "P1/p1_x.tif"),
        ("{well}.tif", "b3.tif"),
        ("{well}.tif", "B123.tif"),
        ("{d:%Y%m%d}.tif", "20241301.tif"),
        ("{d:%Y%m%d}.tif", "20230229.tif"),
        ("{d:%H%M}.tif", "2460.tif"),
        ("{image}[_{d:%Y%m%d}].tif", "x_20241301.tif"),
        ("W{well:96}.tif", "W97.tif"),
        ("W{well:96}.tif", "W0.tif"),
        ("{well}.tif", "B0.tif"),
        ("{well}.tif", "r0c1.tif"),
        ("{x:int0}.tif".replace("x", "row"), "A.tif"),
    ],
)
def test_a_template_does_not_fit(template: str, path: str) -> None:
    assert captures(template, path) is None


@pytest.mark.parametrize(
    ("template", "path", "wanted"),
    [
        ("{well}.tif", "B3.tif", (1, 2)),
        ("{well}.tif", "B03.tif", (1, 2)),
        ("{well}.tif", "AF48.tif", (31, 47)),
        ("{well}.tif", "r02c03.tif", (1, 2)),
        ("W{well:96}.tif", "W1.tif", (0, 0)),
        ("W{well:96}.tif", "W0013.tif", (1, 0)),
        ("W{well:8x12}.tif", "W96.tif", (7, 11)),
        ("{row}_x.tif", "C_x.tif", 2),
        ("{row}_x.tif", "3_x.tif", 2),
        ("{column}_x.tif", "12_x.tif", 11),
        ("{row:int0}_x.tif", "0_x.tif", 0),
        ("{n:int}.tif", "0012.tif", 12),
        ("{n:3d}.tif", "012.tif", 12),
    ],
)
def test_a_value_is_read_by_its_type(template: str, path: str, wanted: object) -> None:
    assert value(template, path) == wanted


@pytest.mark.parametrize(
    ("form", "text", "wanted"),
    [
        ("%Y%m%d_%H%M", "20240513_0930", "2024-05-13T09:30:00"),
        ("%y%m%d", "240229", "2024-02-29T00:00:00"),
        ("%d%b%Y", "03May2024", "2024-05-03T00:00:00"),
        ("%m%d", "0229", "2000-02-29T00:00:00"),
        ("%Y-%j", "2024-060", "2024-02-29T00:00:00"),
        ("%I-%M%p", "12-05AM", "2000-01-01T00:05:00"),
    ],
)
def test_a_date_is_read_in_its_format(form: str, text: str, wanted: str) -> None:
    assert value(f"{{d:{form}}}.tif", f"{text}.tif").isoformat() == wanted  # type: ignore[attr-defined] # a datetime


def test_row_and_column_side_by_side_are_letters_and_digits() -> None:
    assert captures("x_{row}{column}.tif", "x_AB12.tif") == {"row": "AB", "column": "12"}
    assert captures("x_{column}{row}.tif", "x_12B.tif") == {"row": "B", "column": "12"}


def test_where_is_part_of_the_match() -> None:
    assert captures("{s}_{image}.tif", "a_b_c.tif", s="a_b") == {"s": "a_b", "image": "c"}
    assert captures("{image}[_{stain}].tif", "x_y.tif", stain="DAPI|GFP") == {"image": "x_y"}
    assert captures("{image}[_{stain}].tif", "x_gfp.tif", stain="DAPI|GFP") == {"image": "x", "stain": "gfp"}
    assert captures("{image}[_{stain}].tif", "x_y.tif", stain="^DAPI$") == {"image": "x_y"}
    assert captures("{a}/{image}.tif", "b/c/x.tif", a=".*") is None


def test_text_takes_as_little_and_digits_as_much_as_will_do() -> None:
    assert captures("{a}{n:int}_{b}.tif", "x123_y.tif") == {"a": "x", "n": "123", "b": "y"}
    assert captures("*{b}.tif", "xyz.tif") == {"b": "xyz"}
    assert captures("**/{b}/{c}.tif", "x/y/z.tif") == {"b": "y", "c": "z"}
    assert captures("{rest:path}/[{d}/]{c}.tif", "x/y/z.tif") == {"rest": "x", "d": "y", "c": "z"}


def test_names_are_compared_composed_and_bytes_that_are_not_utf8_as_escapes() -> None:
    assert captures("é/{image}.tif", "e\u0301/x.tif".encode()) == {"image": "x"}
    assert captures("{a}_{image}.tif", b"\xe9_x.tif") == {"a": "\\xe9", "image": "x"}
    assert captures(r"\\xE9_{image}.tif", b"\xe9_x.tif") == {"image": "x"}
    assert captures(r"\\xe9_{image}.tif", b"\\xe9_x.tif") is None
    assert captures(r"\\\\xe9_{image}.tif", b"\\xe9_x.tif") == {"image": "x"}


@pytest.mark.parametrize(
    ("template", "offset", "word"),
    [
        ("{n:int}{channel}", 0, "begin alike"),
        ("{channel:int}*.tif", 0, "begin alike"),
        ("a/{w:word}[x]_b.tif", 2, "begin alike"),
        ("{well}{field}.tif", 0, "begin alike"),
        ("{n:int}5.tif", 0, "begin alike"),
        ("{n:int}[_{a}]{b}.tif", 0, "begin alike"),
        ("[{n:int}]{b}.tif", 1, "begin alike"),
        ("{d:%H%f}{b}.tif", 0, "begin alike"),
        ("/a.tif", 0, "begins with '/'"),
        ("a/", 1, "ends with '/'"),
        ("a//b.tif", 1, "//"),
        ("../a.tif", 0, ".."),
        ("", 0, "empty"),
        ("a**b.tif", 1, "between slashes"),
        ("a/x{p:path}/b.tif", 3, "between slashes"),
        ("{p:path}x.tif", 0, "between slashes"),
        ("a[b.tif", 1, "never closed"),
        ("a]b.tif", 1, "closes nothing"),
        ("a{b.tif", 1, "never closed"),
        ("a(b|c.tif", 1, "never closed"),
        ("a (cropped 1).tif", 2, "one text only"),
        ("a|b.tif", 1, "no beginning"),
        ("{a:itn}.tif", 3, "unknown type 'itn'"),
        ("{a:}.tif", 3, "no type"),
        ("{}.tif", 0, "no name"),
        ("{a b}.tif", 0, "not a placeholder"),
        ("{a|lower}.tif", 0, "not a placeholder"),
        ("{well:97}.tif", 6, "97"),
        ("{d:%Q}.tif", 3, "%Q"),
        ("{a}/{a:int}.tif".replace("{a}", "{a:word}"), 9, "same value"),
        ("".join(f"{{a{n}}}/" for n in range(65)) + "x.tif", 0, "65 placeholders"),
    ],
)
def test_what_check_refuses_is_told_with_its_place(template: str, offset: int, word: str) -> None:
    found = problems(template)
    assert [place for place, _ in found] == [offset], found
    assert word in found[0][1]


def test_all_problems_of_a_template_are_told_at_once() -> None:
    assert len(problems("/a]b{c:itn}(x).tif")) == 4


def stop(template: str, path: str) -> tuple[str | None, int | None, int | None, str]:
    found = stop_of(compile_template(template, {}), PathView(path))
    return found.part, found.template_offset, found.path_offset, found.message


def test_a_stop_names_the_part_the_places_and_what_was_wanted() -> None:
    part, offset, at, message = stop("{group}/{day:%Y%m%d}/{image}.{ext}", "g/20xx0101/x.tif")
    assert (part, offset, at) == ("{day:%Y%m%d}", 8, 2)
    part, offset, at, message = stop("{group}/{image}.{ext}", "g/x.docx")
    assert (part, offset, at) == ("{ext}", 16, 4)
    assert "an ending that a reader knows" in message
    assert "docx" in message
    part, offset, at, message = stop("{group}/x.tif", "g/x.tif.bak")
    assert (part, offset) == (None, 13)
    assert ".bak" in message


def test_a_value_that_cannot_be_is_told_by_the_stop() -> None:
    assert stop("{day:%Y%m%d}.tif", "20241301.tif") == (
        "{day:%Y%m%d}",
        0,
        None,
        "'20241301' can't be {day:%Y%m%d}, which wants a date such as 20240513",
    )


def test_a_name_with_too_many_ways_is_undecided_and_no_miss() -> None:
    template = compile_template("*".join(["{a}", "{b}", "{c}", "{d}", "{a}", "{b}", "{c}", "{d}"]) + "!.tif", {})
    outcome = template.fit(PathView("ab" * 100 + "c!.tif"))
    assert isinstance(outcome, NoFit)
    assert outcome.is_undecided
