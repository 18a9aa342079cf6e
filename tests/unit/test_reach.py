"""Rules that an earlier one leaves no path: found where it is so for all paths, never said of one that can match."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.reach import takes_all, unreachable
from config.settings import RuleSettings
from config.templates_compile import Fit, PathView, compile_template
from config.templates_parse import TemplateError
from tests.helpers.rules import rule, rules_of

GENERAL = "{group}/{owner}/{project}/[{dataset}/**/]{image}.{ext}"


def told(*rules: RuleSettings) -> list[str]:
    return [problem.message for problem in unreachable(rules_of(*rules).settings)]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("**/*", "{group}/{owner}/{image}.tif"),
        ("**/{image}.{ext}", GENERAL),
        (GENERAL, "{group}/{owner}/screens/{image}.{ext}"),
        (GENERAL, "{group}/{owner}/{project}/{day:%Y%m%d}/cell_{image}.OME.TIF"),
        (GENERAL, "lab/{owner}/(a|b)/x_{n:int}.tif"),
        ("{group}/{:path}/{image}.{ext}", "{group}/{owner}/{project}/{image}.tif"),
        ("{a}_{n:int}.tif", "{a:word}_{n:3d}.TIF"),
    ],
)
def test_a_rule_behind_one_that_takes_everything_is_warned_of(first: str, second: str) -> None:
    owner = {"owner": "ada"}
    assert told(rule(first, set=owner), rule(second)) == [
        "this can never match: confocal#1 comes first and takes every such path"
    ]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("{group}/{owner}/{image}.{ext}", GENERAL),
        (GENERAL, "{owner}/{image}.{ext}"),
        ("{group}/{owner}/{n:int}.tif", "{group}/{owner}/{n:word}.tif"),
        ("{group}/{owner}/{project}/{day:%Y%m%d}.tif", "{group}/{owner}/{project}/{n:8d}.tif"),
        ("{plate}/{well}.tif", "{plate}/{image:A01|B02}.tif"),
        ("{a}/{a}/{image}.tif", "{group}/{owner}/{image}.tif"),
        ("{group}/**/{image}.tif", "{group}/**/{image}.ome.tiff"),
        ("*.tif", "?/?.tif"),
    ],
)
def test_a_rule_that_some_path_reaches_is_not_warned_of(first: str, second: str) -> None:
    assert told(rule(first), rule(second)) == []


def test_where_keeps_a_rule_from_taking_everything() -> None:
    general = rule("{group}/{owner}/{image}.{ext}", where={"group": "lab.*"})
    assert told(general, rule("{group}/{owner}/x.tif")) == []


def test_a_skip_that_comes_first_is_told_with_its_place() -> None:
    (problem,) = unreachable(rules_of(rule("**/*.tif", skip=True), rule("{owner}/{image}.tif")).settings)
    assert str(problem) == (
        "coverslip.yaml:10:16: watch.1.rules.2.match: this can never match: confocal#1 comes first and takes every such"
        " path (put the special rule before the general one)"
    )


PIECES = st.sampled_from(["a", "1", "*", "?", "**/", "{x}", "{n:int}", "{w:word}", "(a|1)", "[a]", "/", "{c:a|1}"])
TEMPLATES = st.lists(PIECES, min_size=1, max_size=4).map("".join)
WORDS = ["".join(word) for length in range(1, 6) for word in itertools.product("a1/", repeat=length)]


@settings(max_examples=60)
@given(TEMPLATES, TEMPLATES)
def test_what_is_said_to_take_all_takes_every_short_path(general: str, special: str) -> None:
    try:
        first, second = compile_template(general, {}), compile_template(special, {})
    except TemplateError:
        return
    if takes_all(first, second):
        for word in WORDS:
            view = PathView(word)
            assert not isinstance(second.fit(view), Fit) or isinstance(first.fit(view), Fit), word
