# ruff: noqa: E501 - a table of inputs and their whole messages
"""`layout:` stands for the layout's own rules below the rule's match, with all that the rule says beside it."""

from pathlib import Path
from typing import Any

import pytest

from config.check import check
from config.loader import load
from config.rule_values import RuleMatch, RuleSkip
from config.rules import RootRules, compile_root
from config.show import effective
from tests.helpers.configurations import problems_of, write

OWN = """\
layouts:
  mine:
    - name: masks
      match: 'masks/*'
      skip: true
    - match: ['{well}_{field}.{ext}', 'z{z}/{well}_{field}.{ext}']
      tags: [from mine]
      on: well
"""


def rules_of(folder: Path, rule: str, layouts: str = "") -> RootRules:
    settings = load(
        write(folder, f"{layouts}watch:\n  - root: .\n    name: r\n    rules:\n      - {rule}\n"), environ={}
    )
    return compile_root(settings.watch[0], settings)


def match(rules: RootRules, path: str) -> RuleMatch:
    found = rules.match(path.encode())
    assert isinstance(found, RuleMatch), rules.tried(path.encode())
    return found


def test_the_rule_above_and_the_layout_below_give_the_targets_together(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, "{match: '{group}/{owner}/{screen}/{plate}', layout: imagexpress}")
    found = match(rules, "lab/ab3c/siRNA/P001/TimePoint_1/exp_B03_s2_w1.tif")
    assert dict(found.targets) == {
        "group": "lab", "owner": "ab3c", "screen": "siRNA", "plate": "P001",
        "well": "B3", "field": "2", "channel": "1", "t": "1",
    }  # fmt: skip
    assert found.rule == "r#1/imagexpress/images"
    skipped = rules.match(b"lab/ab3c/siRNA/P001/exp_B03_s2_w1_thumb.tif")
    assert isinstance(skipped, RuleSkip)
    assert skipped.rule == "r#1/imagexpress/thumbnails"


def test_a_rule_with_a_name_lends_it_to_the_layouts_rules(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, "{match: '{plate}', layout: mine, name: screens}", OWN)
    assert match(rules, "P/B3_1.tif").rule == "screens/mine/2"


def test_each_match_of_the_rule_is_put_before_each_match_of_the_layout(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, "{match: ['{plate}', 'old/{screen}/{plate}'], layout: mine}", OWN)
    assert match(rules, "P/B3_1.tif").template == "{plate}/{well}_{field}.{ext}"
    assert match(rules, "old/S/P/z4/B3_1.tif").template == "old/{screen}/{plate}/z{z}/{well}_{field}.{ext}"


def test_without_a_match_the_layouts_names_begin_at_the_root(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, "{layout: imagexpress, set: {plate: P001}}")
    found = match(rules, "TimePoint_1/exp_B03_s2_w1.tif")
    assert dict(found.targets) == {"plate": "P001", "well": "B3", "field": "2", "channel": "1", "t": "1"}
    assert not isinstance(rules.match(b"P001/TimePoint_1/exp_B03_s2_w1.tif"), RuleMatch)
    tried = rules.tried(b"TimePoint_1/exp_B03_s2.doc")
    assert {one.rule.partition("/")[0] for one in tried} == {"r#1"}


def test_without_a_match_what_is_wrong_is_said_at_the_layout(tmp_path: Path) -> None:
    text = "watch:\n  - root: .\n    name: r\n    rules:\n      - layout: imagexpress\n"
    (problem,) = check(write(tmp_path, f"state_dir: {tmp_path.parent}/s\n{text}"), {}).problems
    assert (problem.key, problem.line) == ("watch.1.rules.1.layout", 6)
    assert problem.message == "with layout imagexpress it gives run and well but no plate"


def test_what_the_rule_says_holds_for_all_rules_of_the_layout_and_wins_over_theirs(tmp_path: Path) -> None:
    rule = (
        "{match: '{day:%Y%m%d}_{person}', layout: mine, set: {plate: '{day:%d.%m.}', owner: '{person|lower}'}, "
        "tags: ['z[{z}]', all], crosscheck: 'off', key_values: {Day: '{day:%Y}'}, complete: {settle: 5s}}"
    )
    plain, deep = (match(rules_of(tmp_path, rule, OWN), f"20240229_ADA/{path}") for path in ("B3_1.tif", "z7/B3_1.tif"))
    assert (plain.targets["plate"], plain.targets["owner"], plain.tags) == ("29.02.", "ada", ("from mine", "z", "all"))
    assert (deep.tags, deep.key_values) == (("from mine", "z7", "all"), (("Day", "2024"),))
    assert (plain.settings.crosscheck, plain.settings.on, plain.settings.layout) == ("off", "well", "mine")
    assert plain.settings.complete is not None


def test_where_limits_what_the_rule_and_what_the_layout_captures(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, "{match: '{plate}', layout: mine, where: {plate: 'P[0-9]', field: '[1-3]'}}", OWN)
    assert match(rules, "P1/B3_3.tif").field == 3
    assert isinstance(rules.match(b"P1/masks/x.tif"), RuleSkip)
    for path in (b"P1/B3_4.tif", b"Q1/B3_1.tif", b"Q1/masks/x.tif"):
        assert not isinstance(rules.match(path), RuleMatch | RuleSkip), path


def test_a_rule_of_the_layout_waits_only_for_dimensions_that_it_gives(tmp_path: Path) -> None:
    names = ("P/ZStep_1/x_B03_s1_w1.tif", "P/ZStep_0/x_B03_s1_w1.tif")
    for expect, wanted in (("channel: 3, z: 20", [(3, 20), (3, None)]), ("z: 20", [(None, 20), None])):
        rule = (
            f"{{match: '{{plate}}', layout: imagexpress, complete: {{expect: {{{expect}}}, per: plate, settle: 1s}}}}"
        )
        rules = rules_of(tmp_path, rule)
        complete = [match(rules, name).settings.complete for name in names]
        found = [one.expect for one in complete if one is not None]
        assert [one and (one.channel, one.z) for one in found] == wanted


def test_what_a_layout_skips_needs_no_plate_of_its_own(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, "{match: '{folder}', layout: imagexpress, set: {plate: 'P {folder}'}}")
    assert match(rules, "x/exp_B03_s2_w1.tif").targets["plate"] == "P x"
    assert isinstance(rules.match(b"x/exp_B03_s2_w1_thumb.tif"), RuleSkip)


def test_a_rule_that_skips_skips_all_that_its_layout_takes(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, "{match: 'old/{plate}', layout: mine, skip: true}", OWN)
    assert isinstance(rules.match(b"old/P/B3_1.tif"), RuleSkip)


def test_a_layout_of_ones_own_takes_the_place_of_a_built_in_one(tmp_path: Path) -> None:
    own = "layouts: {scanr: [{match: '{well}.{ext}'}]}\n"
    rules = rules_of(tmp_path, "{match: '{plate}', layout: scanr}", own)
    assert match(rules, "P/B3.tif").targets["well"] == "B3"
    assert not isinstance(rules.match(b"P/A1--W00001--P00001--Z00000--T00000--GFP.tif"), RuleMatch)


def test_explain_says_of_each_rule_of_the_layout_how_far_its_best_spelling_comes(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, "{match: '{plate}', layout: imagexpress}")
    tried = rules.tried(b"P/TimePoint_1/exp_B03_s2_wX.tif")
    assert [one.rule.rpartition("/")[2] for one in tried] == [
        "thumbnails",
        "index",
        "projections",
        "projections of one site",
        "images",
        "images of one site",
    ]
    assert tried[4].path_offset == len("P/TimePoint_1/exp_B03_s2_w")
    assert tried[4].template_offset is not None


def test_settings_in_force_say_the_layout_and_mean_the_same_when_they_are_loaded_again(tmp_path: Path) -> None:
    text = OWN + "watch: [{root: ., rules: [{match: '{plate}', layout: mine}]}]\n"
    settings = load(write(tmp_path, text), environ={})
    again = load(write(tmp_path, effective(settings)), environ={})
    found = [compile_root(one.watch[0], one).match(b"P/z4/B3_1.tif") for one in (settings, again)]
    first, second = (one for one in found if isinstance(one, RuleMatch))
    assert (first.rule, first.targets, first.tags) == (second.rule, second.targets, second.tags)
    assert (first.settings.on, second.settings.on) == ("well", "well")


def test_examples_of_rules_and_of_own_layouts_are_run_by_check(tmp_path: Path) -> None:
    text = (
        "layouts:\n  mine:\n    - match: '{well}.{ext}'\n      examples:\n        - {path: B3.tif, gives: {well: B4}}\n"
        "watch:\n  - root: .\n    rules:\n      - match: '{plate}'\n        layout: mine\n        examples:\n"
        "          - {path: P/B3.tif, gives: {well: B03, plate: P}}\n          - {path: P/x.tif, gives: {well: B3}}\n"
    )
    report = check(write(tmp_path, text), {})
    assert (report.examples.passed, report.examples.failed) == (1, 2)
    assert [(one.line, one.key) for one in report.problems] == [
        (5, "layouts.mine.1.examples.1"),
        (13, "watch.1.rules.1.examples.2"),
    ]


RULE = "watch:\n  - root: .\n    rules:\n      - match: "


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (RULE + "'{plate:xy}'\n        layout: scanr\n", ["f:4:24: watch.1.rules.1.match: unknown type 'xy'"]),
        (RULE + "['{plate}', '{a}/[{plate}']\n        layout: scanr\n", ["f:4:33: watch.1.rules.1.match.2: '[' is never closed"]),
        (RULE + "'{plate}/'\n        layout: scanr\n", ["f:4:24: watch.1.rules.1.match: ends with '/'"]),
        (RULE + "'{screen}'\n        layout: scanr\n", ["f:5:17: watch.1.rules.1.layout: with layout scanr it gives screen and well but no plate"]),
        (RULE + "'{dataset}'\n        layout: scanr\n", ["f:5:17: watch.1.rules.1.layout: with layout scanr it gives both dataset and"]),
        (RULE + "'{plate}'\n        layout: scanr\n        where: {x: y}\n", ["f:6:20: watch.1.rules.1.where.x: 'x' is captured by no part"]),
        (RULE + "'{plate}'\n        layout: imagexpress\n        tags: ['{z}']\n", ["f:6:17: watch.1.rules.1.tags.1: 'z' may be missing"]),
        (RULE + "'{plate}'\n        layout: imagexpress\n        tags: ['[{zz}]']\n", ["f:6:18: watch.1.rules.1.tags.1: 'zz' is captured by no part"]),
        (RULE + "'{plate}'\n        layout: scanr\n      - match: '{plate}'\n        layout: scanr\n", ["f:7:17: watch.1.rules.2.match: this can never match: {root}#1 has the same match and comes first"]),
        ("watch:\n  - root: .\n    rules:\n      - regex: 'x'\n        layout: scanr\n", ["f:5:17: watch.1.rules.1.layout: a rule with a layout has a match, not a regex"]),
        ("layouts: {a: [{match: '{n:int}{field}.tif'}]}\n" + RULE + "'{plate}'\n        layout: a\n", ["f:1:24: layouts.a.1.match: '{n:int}' takes as much as it can"]),
        ("layouts: {a: [{match: '{well}.xyz'}]}\n", ["f:1:23: layouts.a.1.match: this can match no image: no reader knows '.xyz' files"]),
        ("layouts: {a: [{regex: x}]}\n", ["f:1:16: layouts.a.1.regex: a layout's rule has no regex"]),
        ("layouts: {a: [{mtch: x}]}\n", ["f:1:16: layouts.a.1.mtch: this key is not known (did you mean match?)"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_where_the_user_wrote_it(tmp_path: Path, text: str, wanted: list[Any]) -> None:
    found = problems_of(tmp_path, text)
    assert len(found) == len(wanted), found
    for problem, start in zip(found, wanted, strict=True):
        assert problem.startswith(start.replace("{root}", tmp_path.name)), problem
