"""Names that are made to be slow cost steps in proportion to their length times the template's parts, never more."""

import pytest

from config.rule_index import RuleIndex
from config.rule_values import NoRuleMatch, RuleMatch
from config.suggesting.proposing import propose
from config.templates_compile import Fit, PathView, compile_template
from config.templates_match import MOST_STEPS
from tests.helpers.rules import rule, rules_of

COMPONENT = 255
PATH = 4096
TEMPLATES = (
    "{group}/{owner}/{project}/[{dataset}/**/]{image}.{ext}",
    "{a}_{b}_{c}_{d}_{e}_{f}_{g}_{h}.{ext}",
    "**/{a}_*_{b}_*_{c}_*[_{d}]_x{n:int}.{ext}",
    "[{a}_][{b}_][{c}_][{d}_][{e}_]{image}.{ext}",
    "{p:path}/{q:path}/*-*-*-*-*-{image}.{ext}",
    "**/**/**/**/{:text}_{well}_s{field}_w{channel:1d}{:guid}.{ext}",
)
#: The longest that a file system gives: runs of a separator, of letters, of digits, of what almost ends a template.
NAMES = {
    "underscores": "_" * COMPONENT,
    "underscores and an ending": "_" * (COMPONENT - 4) + ".tif",
    "almost": "a_" * 120 + "x",
    "wells": "_A01" * 60 + "_s1",
    "digits": "1" * COMPONENT,
    "dots": "." * 200 + "tif.tif.tif",
    "deep": "/".join(["a"] * (PATH // 2)),
    "deep underscores": "/".join(["_" * 31] * (PATH // 32)),
    "deep and long": "/".join(["x_" * 127 + "y"] * 15),
    "slashes of dashes": "/".join(["-" * COMPONENT] * 16),
}


@pytest.mark.parametrize("source", TEMPLATES)
@pytest.mark.parametrize("name", NAMES)
def test_a_search_takes_at_most_length_times_parts(source: str, name: str) -> None:
    template, text = compile_template(source, {}), NAMES[name][:PATH]
    assert template.search(text).steps <= len(template.program.code) * (len(text) + 1)


@pytest.mark.parametrize("source", TEMPLATES)
def test_twice_the_length_costs_twice_the_steps(source: str) -> None:
    template = compile_template(source, {})
    for piece in ("_", "a_", "_A01", "-/", "x/"):
        short, long = (template.search(piece * count).steps for count in (150, 300))
        assert long <= 2.2 * short + 200, piece


@pytest.mark.parametrize("name", ["underscores and an ending", "wells", "deep underscores"])
def test_where_and_repeated_names_end_in_an_answer_within_the_bound(name: str) -> None:
    text = NAMES[name][:PATH]
    template = compile_template("**/{a}_{b}_{c}_{b}.{ext}", {"c": "[^a]+b"})
    result = template.search(text)
    assert result.steps <= MOST_STEPS + 1
    outcome = template.fit(PathView(text))
    assert not isinstance(outcome, Fit)
    # RE2 may know that it can't fit where the search gives up, never the other way round.
    assert result.gave_up or not outcome.is_undecided


def test_many_rules_ask_only_those_that_can_take_a_hostile_name() -> None:
    rules = rules_of(*(rule(f"lab{number}/**/{{a}}_{{b}}_{{c}}_n{number}_{{image}}.{{ext}}") for number in range(200)))
    index = RuleIndex(rules.rules)
    for text in NAMES.values():
        assert set(index.rules_for(f"lab7/{text}"[:PATH].encode())) <= {7}
    taken = rules.match(b"lab7/" + b"_" * 100 + b"/x_y_z_n7_" + b"_" * 200 + b".tif")
    assert isinstance(taken, RuleMatch)
    assert taken.index == 7
    assert isinstance(rules.match(b"lab7/x_y_z_n8_a.tif"), NoRuleMatch)


def test_suggestions_for_hostile_names_are_made_of_them_as_of_others() -> None:
    files = [f"smith-lab/ab3c/p/{name.replace('/', '_')[:251]}.tif".encode() for name in NAMES.values()]
    files += [f"smith-lab/ab3c/{'/'.join(['_' * 31] * 30)}/{number}.tif".encode() for number in range(5)]
    proposal = propose(files, root_name="d")
    assert proposal.uncovered == ()
    assert proposal.images == len(files)
