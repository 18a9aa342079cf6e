"""RE2, the reference matcher and a slow third opinion agree on every template and path; and none runs away."""

from datetime import datetime
from itertools import islice

import re2
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from config.dates import DateFormat, write
from config.path_text import nfc, path_text, text_path
from config.patterns import to_re2
from config.problems import ConfigurationError
from config.rule_values import RuleMatch
from config.templates import pattern_of
from config.templates_compile import CompiledTemplate, Fit, NoFit, PathView, compile_template
from config.templates_explain import stop_of
from config.templates_match import MOST_STEPS
from config.templates_parse import TemplateError
from config.value_types import TEXT, read_well, well_name
from tests.helpers.examples import examples
from tests.helpers.rules import rule, rules_of
from tests.helpers.slow_matcher import Spans, ways

PARTS = (
    "a", "b", "1", "_", "/", "A", "?", "*", "**/", "(a|ab)", "(b|_1)", "{x}", "{y}", "{x:int}", "{n:int}", "{w:word}",
    "{v:2d}", "{c:a|ab|b}", "{well}", "{row}", "{column}", "{p:path}", "{d:%m%d}", "{well:96}", "{:int}", ".", "/",
)  # fmt: skip
LEAF = st.sampled_from(PARTS)
TEMPLATES = st.recursive(
    st.lists(LEAF, min_size=1, max_size=5).map("".join),
    lambda inner: st.tuples(LEAF, inner, LEAF | st.just("")).map(lambda found: f"{found[0]}[{found[1]}]{found[2]}"),
    max_leaves=3,
)
PATHS = st.text(alphabet="abAB1_0/.é", max_size=14)
WHERE = st.dictionaries(st.sampled_from(["x", "y"]), st.sampled_from(["a+", "a|ab", ".*b", "[^a]+", "^b"]), max_size=1)


def compiled(source: str, where: dict[str, str] | None = None) -> CompiledTemplate:
    try:
        return compile_template(source, where or {})
    except TemplateError:
        assume(False)
        raise


def fulfils(template: CompiledTemplate, where: dict[str, str], text: str, spans: Spans) -> bool:
    """Check `where` and repeated names on one way, by their words in RULES."""
    values: dict[str, object] = {}
    for slot, (start, end) in spans.items():
        part = template.slots[slot]
        name, piece = str(part.name), text[start:end]
        if name in where and re2.fullmatch(f"(?i:{where[name]})", piece) is None:
            return False
        value = (part.type or TEXT).convert(piece)
        if values.setdefault(name, piece if value is None else value) != (piece if value is None else value):
            return False
    return True


def expected(template: CompiledTemplate, where: dict[str, str], text: str) -> dict[str, str] | None:
    """Find the first way that fits the whole path, then convert: what RULES says."""
    all_ways = islice(ways(pattern_of(template.template), text, 0, {}), 50_000)
    whole = (spans for end, spans in all_ways if end == len(text))
    spans = next((found for found in whole if fulfils(template, where, text, found)), None)
    if spans is None:
        return None
    found: dict[str, str] = {}
    for slot in sorted(spans):
        part, piece = template.slots[slot], text[slice(*spans[slot])]
        if (part.type or TEXT).convert(piece) is None:
            return None
        found.setdefault(str(part.name), piece)
    return found


@settings(max_examples=examples(300))
@given(source=TEMPLATES, text=PATHS, where=WHERE)
def test_the_first_way_is_the_same_for_all_three(source: str, text: str, where: dict[str, str]) -> None:
    template = compiled(source, where)
    outcome = template.fit(PathView(text))
    got = {name: one.text for name, one in outcome.captures.items()} if isinstance(outcome, Fit) else None
    assert got == expected(template, where, text)


@settings(max_examples=examples(300))
@given(source=TEMPLATES, data=st.data())
def test_re2_and_the_reference_matcher_agree_on_paths_that_fit(source: str, data: st.DataObject) -> None:
    template = compiled(source)
    text = data.draw(st.from_regex(_python_regex(template), fullmatch=True, alphabet="abAB1_0/."))
    assume("\n" not in text and len(text) < 60)
    outcome = template.fit(PathView(text))
    result = template.search(text)
    if isinstance(outcome, Fit):
        assert result.spans is not None
        first: dict[str, str] = {}
        for slot in sorted(result.spans):
            first.setdefault(str(template.slots[slot].name), text[slice(*result.spans[slot])])
        assert first == {name: one.text for name, one in outcome.captures.items()}
    else:
        assert result.spans is None or outcome.message
        assert stop_of(template, PathView(text)).message


def _python_regex(template: CompiledTemplate) -> str:
    return to_re2(pattern_of(template.template), {}).replace(r"[\pL\pM\pN]", "[a-zA-Z0-9]")


HOSTILE = st.sampled_from(["a", "_", "a_", "/", "a/", "1", "ab1_", "é", "."])


@settings(max_examples=examples(60))
@given(source=TEMPLATES, unit=HOSTILE, times=st.integers(1, 4096), tail=st.sampled_from(["", "!", "/x", "\\xff"]))
def test_the_reference_matcher_takes_at_most_length_times_parts_steps(
    source: str, unit: str, times: int, tail: str
) -> None:
    template = compiled(source)
    text = (unit * times)[:800] + tail
    result = template.search(text)
    size = len(template.program.code) * (len(text) + 1)
    assert result.steps <= (MOST_STEPS + 1 if template.program.constraints else size)
    assert not (result.gave_up and not template.program.constraints)


def test_long_runs_of_separators_take_no_more_steps_than_the_bound() -> None:
    template = compile_template("*_*_*_*_*_*_*_*_{image}.tif", {})
    for text in ("_" * 255 + ".tiff", "a/" * 2048, ("b" * 255 + "/") * 16, "_/" * 2048 + "x.tif"):
        result = template.search(text)
        assert result.steps <= len(template.program.code) * (len(text) + 1)
        assert isinstance(template.fit(PathView(text)), NoFit)


def test_giving_up_is_bounded_too() -> None:
    template = compile_template("{a}_{b}_{a}_{b}_{c}_{c}!.tif", {"a": ".*x.*"})
    result = template.search("_x" * 127 + ".tif")
    assert result.steps <= MOST_STEPS + 1


@settings(max_examples=examples(300))
@given(st.lists(st.sampled_from([b"a", b"\\", b"x", b"ff", b"\xff", b"\xc3\xa9", b"/", b"e", b"\xe2"]), max_size=10))
def test_a_path_and_its_text_are_one_to_one(pieces: list[bytes]) -> None:
    path = b"".join(pieces)
    text = path_text(path)
    text.encode("utf-8")
    assert text == nfc(text)
    assert text_path(text) == path


@given(row=st.integers(0, 701), column=st.integers(0, 98))
def test_a_well_is_read_as_it_is_written(row: int, column: int) -> None:
    assert read_well(well_name((row, column))) == (row, column)


@given(
    date=st.builds(datetime.replace, st.datetimes(), year=st.integers(1969, 2068), day=st.integers(1, 28)),
    form=st.sampled_from(
        ["%Y%m%d_%H%M%S", "%Y-%m-%d %I.%M.%S%p", "%d%b%Y-%H%M%S", "%y%j%H%M%S", "%A %d %B %Y %H:%M:%S"]
    ),
)
def test_a_date_is_read_as_it_is_written(date: datetime, form: str) -> None:
    parsed = DateFormat.parse(form)
    whole = date.replace(microsecond=0)
    assert parsed.read(write(whole, form)) == whole
    assert parsed.missing_for(form) is None


@settings(max_examples=examples(150))
@given(source=TEMPLATES, text=st.text(alphabet="abAB1_0/", min_size=1, max_size=10))
def test_what_is_explained_agrees_with_what_is_matched(source: str, text: str) -> None:
    compiled(source)
    try:
        rules = rules_of(rule(source))
    except ConfigurationError:
        return  # a well without a plate and the like: the template is good, the rule is not
    tried = rules.tried(text.encode())
    assert [one.is_match for one in tried] == [isinstance(rules.match(text.encode()), RuleMatch)]
    assert all(one.message for one in tried)
    for one in tried:
        if one.stopped_at is not None and one.template_offset is not None:
            assert source.startswith(one.stopped_at, one.template_offset)
