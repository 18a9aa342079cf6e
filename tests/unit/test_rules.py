"""The rules of a root: names with a meaning, outputs, order, skip, ignore, and what is refused."""

from pathlib import Path
from typing import Any

import pytest

from config.ignoring import DEFAULT_PATTERNS
from config.problems import ConfigurationError
from config.rule_outcome import OutcomeKind, example_problem, outcome_of
from config.rule_values import NoRuleMatch, RuleMatch, RuleSkip
from config.rules import RootRules
from config.settings import ExampleSettings, KeyValueTable, RuleSettings
from tests.helpers.rules import rule, rules_of

PERSON = rule(
    "{person}/{day:%Y%m%d}_{project}[_{stain}]/**/{image}.{ext}",
    set={"owner": "{person|folk}", "group": "smith-lab", "dataset": "{day:%Y-%m-%d}[ {stain|spaces}]"},
    tags=("[{stain|lower}]", "confocal"),
    key_values={"Stain": "[{stain}]", "Acquired": "{day:%Y-%m-%d}"},
)
FOLK = {"folk": {"Ada": "ab3c", "C. Darwin": "cd4e"}}


def match(rules: RootRules, path: str) -> RuleMatch:
    found = rules.match(path.encode())
    assert isinstance(found, RuleMatch), found
    return found


def refused(*rules: RuleSettings, **watch: Any) -> list[tuple[int, int, str]]:
    with pytest.raises(ConfigurationError) as caught:
        rules_of(*rules, **watch)
    return [(problem.line, problem.column, str(problem)) for problem in caught.value.problems]


def test_set_tags_and_key_values_are_written_from_what_was_captured() -> None:
    found = match(rules_of(PERSON, lookups=FOLK), "Ada/20240513_myo_DAPI_x/raw/a.ome.tif")
    assert found.targets == {
        "owner": "ab3c",
        "group": "smith-lab",
        "project": "myo",
        "dataset": "2024-05-13 DAPI x",
        "image": "a",
    }
    assert found.tags == ("dapi_x", "confocal")
    assert found.key_values == (("Stain", "DAPI_x"), ("Acquired", "2024-05-13"))
    assert found.sources == {"owner": "set", "group": "set"}


def test_brackets_in_an_output_are_left_out_when_a_value_inside_is_missing() -> None:
    found = match(rules_of(PERSON, lookups=FOLK), "Ada/20240513_myo/a.tif")
    assert found.targets["dataset"] == "2024-05-13"
    assert found.tags == ("confocal",)
    assert found.key_values == (("Acquired", "2024-05-13"),)


def test_a_missing_entry_of_a_lookup_holds_the_file() -> None:
    found = match(rules_of(PERSON, lookups=FOLK), "Bob/20240513_myo/a.tif")
    assert found.held == "the lookup 'folk' has no entry 'Bob'"


@pytest.mark.parametrize(
    ("output", "wanted"),
    [
        ("{a|lower}", "ab_cd"),
        ("{a|upper}", "AB_CD"),
        ("{a|spaces|title}", "Ab Cd"),
        ("{a|strip}", "aB_cD"),
        ("{n:03d}", "007"),
        ("{n}", "7"),
        (r"\{a\}\[{n}\]", "{a}[7]"),
        ("x[ {b}]", "x"),
        ("[{b}[{a}]]x", "x"),
    ],
)
def test_filters_and_formats(output: str, wanted: str) -> None:
    rules = rules_of(rule("{a}-{n:int}[={b}].{ext}", set={"dataset": output}))
    assert match(rules, "aB_cD-7.tif").targets["dataset"] == wanted


def test_set_is_read_with_the_targets_own_type() -> None:
    rules = rules_of(rule("{plate}/{n:int}.{ext}", set={"well": "B{n}"}))
    found = match(rules, "P1/03.tif")
    assert found.well == (1, 2)
    assert found.targets["well"] == "B3"
    assert isinstance(rules.match(b"P1/100.tif"), NoRuleMatch)


def test_row_and_column_make_a_well_and_field_is_the_number_in_the_name() -> None:
    rules = rules_of(rule("{plate}/{row:int0}-{column:int0}_f{field}.{ext}"))
    found = match(rules, "P1/1-2_f007.tif")
    assert (found.well, found.field, found.targets["well"], found.targets["field"]) == ((1, 2), 7, "B3", "7")


def test_rules_are_tried_in_order_and_lists_of_matches_too() -> None:
    rules = rules_of(
        rule(("a/{project}_{image}.{ext}", "a/{image}.{ext}")), rule("{dataset}/{image}.{ext}", name="rest")
    )
    assert match(rules, "a/p_x.tif").targets == {"project": "p", "image": "x"}
    assert match(rules, "a/x.tif").targets == {"image": "x"}
    assert match(rules, "b/x.tif").rule == "rest"


def test_a_value_that_cannot_be_leaves_the_path_to_the_next_rule() -> None:
    rules = rules_of(rule("{day:%Y%m%d}/{image}.{ext}"), rule("{dataset}/{image}.{ext}"))
    assert match(rules, "20241301/x.tif").targets["dataset"] == "20241301"
    assert match(rules, "20241201/x.tif").targets == {"image": "x"}


def test_skip_makes_matches_skipped() -> None:
    rules = rules_of(rule("**/*_thumb*.*", skip=True, name="thumbs"), rule("{dataset}/{image}.{ext}"))
    assert isinstance(rules.match(b"d/x_thumb.tif"), RuleSkip)
    assert outcome_of(rules, b"d/x_thumb.tif").kind is OutcomeKind.SKIPPED
    assert outcome_of(rules, b"d/x_thumb.docx").kind is OutcomeKind.SKIPPED
    assert outcome_of(rules, b"d/x.tif").kind is OutcomeKind.MATCHED


def test_a_regular_expression_has_named_groups_with_the_same_meanings() -> None:
    rules = rules_of(rule(regex=r"(?P<plate>P\d+)/(?P<well>[A-Z]\d+)_s(?P<field>\d+)(?P<extra>_x)?\.tif"))
    found = match(rules, "P12/B03_s2.tif")
    assert (found.targets["plate"], found.well, found.field) == ("P12", (1, 2), 2)
    assert isinstance(rules.match(b"P12/B00_s2.tif"), NoRuleMatch)
    assert isinstance(rules.match(b"x/P12/B03_s2.tif"), NoRuleMatch)


@pytest.mark.parametrize(
    ("path", "word"),
    [
        (b".hidden/x.tif", "'.*'"),
        (b"a/.x.tif", "'.*'"),
        (b"a/x.tif.part", "'*.part'"),
        (b"a/~$x.tif", "'~$*'"),
        (b"a/THUMBS.DB", "'Thumbs.db'"),
        (b"raw/old/x.tif", "'raw/old'"),
        (b"a/b/Cal3/x.tif", "'Cal[0-9]'"),
        (b"a/b/x.bak.tif", "'**/*.bak.tif'"),
        (b"notes.docx", "no reader knows '.docx' files"),
        (b"README", "without an ending"),
        (b"a/stack.czi", "Zeiss CZI"),
        (b"a/STACK.ND2", "Nikon ND2"),
        (b"a/p.ome.zarr", "OME-Zarr"),
        (b"a/p.zarr/0/0/1.tif", "part of 'p.zarr'"),
    ],
)
def test_what_is_ignored_says_why(path: bytes, word: str) -> None:
    rules = rules_of(rule("**/{image}.{ext}"), ignore=("raw/old", "Cal[0-9]", "**/*.bak.tif"))
    outcome = outcome_of(rules, path)
    assert outcome.kind is OutcomeKind.IGNORED
    assert word in outcome.reason


def test_a_supported_image_without_a_rule_is_unmatched_and_a_companion_is_matched_like_an_image() -> None:
    rules = rules_of(rule("in/{image}.{ext}"))
    assert outcome_of(rules, b"out/x.tif").kind is OutcomeKind.UNMATCHED
    assert outcome_of(rules, b"in/x.companion.ome").kind is OutcomeKind.MATCHED


def test_every_rule_is_told_how_far_it_came() -> None:
    rules = rules_of(
        rule("{group}/{day:%Y%m%d}/{image}.{ext}"),
        rule(regex="x.*"),
        rule(("a/{image}.{ext}", "{group}/{owner}/{image}.{ext}")),
    )
    tried = rules.tried(b"g/o/x.tif")
    assert [(one.rule, one.is_match, one.stopped_at) for one in tried] == [
        ("confocal#1", False, "{day:%Y%m%d}"),
        ("confocal#2", False, "x"),
        ("confocal#3", False, "a/"),
        ("confocal#3", True, None),
    ]
    assert tried[0].template_offset == 8
    assert tried[0].path_offset == 2


@pytest.mark.parametrize(
    ("wrong", "line", "column", "word"),
    [
        (rule("{image}.docx"), 10, 16, "no reader knows '.docx'"),
        (rule("{project:itn}/{image}.{ext}"), 10, 26, "unknown type 'itn'"),
        (rule("{project}/{plate}/{well}.{ext}"), 10, 16, "gives both project and plate and well"),
        (rule("{project}/{image}.{ext}", set={"plate": "x"}), 10, 16, "gives both"),
        (rule("{screen}/{image}.{ext}"), 10, 16, "gives screen but no plate"),
        (rule("[{plate}/]{well}.{ext}"), 10, 16, "plate may be missing"),
        (rule("{plate}/{row}.{ext}"), 10, 16, "without the other"),
        (rule("{plate}/{row}_{column}_{well}.{ext}"), 10, 16, "also its row"),
        (rule(()), 20, 8, "needs a match"),
        (rule("{image}.{ext}", regex="x"), 20, 8, "not both"),
        (rule(regex="(?P<a>x"), 20, 8, "RE2"),
        (rule(regex="(?P<a>x)(?=y)"), 20, 8, "RE2"),
        (rule(regex="(?P<a>x)", where={"a": "x"}), 20, 8, "write it into"),
        (rule("{image}.{ext}", where={"stain": "x"}), 20, 8, "captured by no part"),
        (rule("{image}.{ext}", where={"image": "("}), 20, 8, "RE2"),
        (rule("{image}_{s:A|B}.{ext}", where={"s": "C"}), 20, 8, "never match"),
        (rule("{image}.{ext}", set={"ownr": "x"}), 20, 8, "did you mean 'owner'"),
        (rule("{image}.{ext}", set={"dataset": "x {stain}"}), 20, 11, "captured by no part"),
        (rule("{image}[_{s}].{ext}", set={"dataset": "{s}"}), 20, 9, "may be missing"),
        (rule("{image}.{ext}", set={"dataset": "{image|uper}"}), 20, 9, "neither a filter nor a lookup"),
        (rule("{image}.{ext}", set={"dataset": "{image:03d}"}), 20, 9, "text and can't be formatted"),
        (rule("{d:%Y}_{image}.{ext}", set={"dataset": "{d:%Y-%m}"}), 20, 9, "asks for %m"),
        (rule("{plate}/{image}.{ext}", key_values=KeyValueTable(table="x.csv")), 20, 8, "gives no well"),
        (rule("{plate}/{well}.{ext}", key_values=KeyValueTable(table="../x.csv")), 20, 8, "not a file name"),
        (rule("{dataset}/{image}.{ext}", tags=("x",), on="well"), 20, 8, "files into no well"),
        (rule("{plate}/{well}.{ext}", tags=("x",), on="dataset"), 20, 8, "files into no dataset"),
    ],
)
def test_a_wrong_rule_is_refused_with_its_place(wrong: RuleSettings, line: int, column: int, word: str) -> None:
    found = refused(wrong)
    assert [place[:2] for place in found] == [(line, column)], found
    assert word in found[0][2]


@pytest.mark.parametrize(
    ("said", "by", "goes_to"),
    [
        ({}, "well", "well"),
        ({}, "plate", "plate"),
        ({}, "image", "image"),
        ({}, "batch", "image"),
        ({"on": "image"}, "well", "image"),
        ({"on": "plate"}, "batch", "plate"),
    ],
)
def test_values_of_a_table_go_to_what_the_rule_says_else_to_what_they_are_found_by(
    said: dict[str, Any], by: str, goes_to: str
) -> None:
    made = rule("{plate}/{batch}/{well}_{image}.{ext}", key_values=KeyValueTable(table="x.csv", by=by), **said)
    found = match(rules_of(made), "P/b/A1_x.tif").table
    assert found is not None
    assert (found.by, found.on) == (by, goes_to)
    chosen = KeyValueTable(table="x.csv", by=by, on="well")
    found = match(
        rules_of(rule("{plate}/{batch}/{well}_{image}.{ext}", key_values=chosen, **said)), "P/b/A1_x.tif"
    ).table
    assert found is not None
    assert found.on == "well"


def test_a_name_that_only_some_of_the_matches_capture_may_be_missing() -> None:
    both = ("{a}/{stain}_{image}.{ext}", "{a}/{image}.{ext}")
    assert "may be missing" in refused(rule(both, tags=("{stain}",)))[0][2]
    assert match(rules_of(rule(both, tags=("[{stain}]", "{a}"))), "x/y.tif").tags == ("x",)


def test_a_rule_behind_one_with_the_same_match_is_refused() -> None:
    assert "can never match" in refused(rule("{image}.{ext}"), rule("{image}.{ext}", skip=True))[0][2]


def test_an_ignore_pattern_that_is_none_is_refused() -> None:
    assert "ignores everything" in refused(rule("{image}.{ext}"), ignore=("**",))[0][2]
    assert refused(rule("{image}.{ext}"), ignore=("a[z-a]",))


def test_examples_are_compared_with_what_the_rules_give() -> None:
    rules = rules_of(
        rule("{group}/{owner}/{screen}/{plate}/**/*_{well}_s{field}_w{channel:int}.tif"),
        rule("{group}/{owner}/**/*_thumb.tif", skip=True),
    )
    path = b"smith-lab/ab3c/siRNA/P001/TimePoint_1/exp_B03_s2_w1.tif"
    gives = {"group": "smith-lab", "owner": "ab3c", "screen": "siRNA", "plate": "P001", "well": "B3", "field": "2"}
    good = ExampleSettings(paths=(path.decode(),), gives=gives | {"channel": "1"})
    assert example_problem(rules, good, path) is None
    wrong = ExampleSettings(paths=(path.decode(),), gives={"well": "B4", "z": "1"})
    assert example_problem(rules, wrong, path) == f"'{path.decode()}': well is 'B3', not 'B4'; z is missing, not '1'"
    skipped = ExampleSettings(paths=("x",), gives="skipped")
    assert example_problem(rules, skipped, b"smith-lab/ab3c/x_thumb.tif") is None
    assert "not skipped" in str(example_problem(rules, skipped, path))


def test_every_default_of_ignore_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "rules.md").read_text(encoding="utf-8")
    assert all(f"`{pattern}`" in text for pattern in DEFAULT_PATTERNS)
