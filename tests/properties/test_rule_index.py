"""The index of many rules changes nothing but the time: the same rule takes a path as if all were asked in turn."""

import re2
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from config.path_text import path_text
from config.pattern_split import cuts_of, without_slash
from config.patterns import to_re2
from config.problems import ConfigurationError
from config.rule_index import FEW_RULES, ExpressionSet, RuleIndex
from config.rules import RootRules
from config.templates import pattern_of
from config.templates_parse import TemplateError, parse
from tests.helpers.rules import rule, rules_of
from tests.properties.test_template_matching import PATHS, TEMPLATES

#: Templates that are always right, for an index to be made.
OTHERS = ("a/{x}b", "{x}_1", "b/{p:path}/a", "0*/{x:int}", "A{y}b", "**/{w:word}")


def fits(expression: str, text: str) -> bool:
    return re2.fullmatch(expression, text) is not None


@settings(max_examples=200)
@given(source=TEMPLATES, text=PATHS)
def test_the_cuts_of_a_template_fit_what_it_fits(source: str, text: str) -> None:
    try:
        pattern = pattern_of(parse(source))
    except TemplateError:
        assume(False)
    folder, slash, name = text.rpartition("/")
    if slash:
        cut = any(fits(to_re2(f, {}), folder) and fits(to_re2(n, {}), name) for f, n in cuts_of(pattern))
    else:
        bare = without_slash(pattern)
        cut = bare is not None and fits(to_re2(bare, {}), name)
    assert cut == fits(to_re2(pattern, {}), text)


def usable_rules(sources: list[str]) -> RootRules:
    """Compile what can be compiled of these, and enough others that the index is used."""
    good = []
    for source in dict.fromkeys([*sources, *OTHERS]):
        try:
            rules_of(rule(source))
        except ConfigurationError:
            continue
        good.append(rule(source))
    assert len(good) > FEW_RULES
    return rules_of(*good)


@settings(max_examples=20)
@given(sources=st.lists(TEMPLATES, min_size=4, max_size=8), texts=st.lists(PATHS, min_size=1, max_size=12))
def test_the_same_rule_takes_a_path_as_in_turn(sources: list[str], texts: list[str]) -> None:
    rules = usable_rules(sources)
    index = RuleIndex(rules.rules)
    alone = [RootRules(rules.watch, rules.settings, [one]) for one in rules.rules]
    for path in map(str.encode, texts):
        in_turn = [number for number, one in enumerate(alone) if hasattr(one.match(path), "index")]
        found = list(index.rules_for(path_text(path).encode()))
        assert set(in_turn) <= set(found)
        assert found == sorted(set(found))
        said = rules.match(path)
        assert getattr(said, "index", None) == (in_turn[0] if in_turn else None)


def test_a_set_that_cannot_tell_says_that_all_may_match() -> None:
    """Thousands of states at once: RE2 gives up in silence, and nothing may be missed by it."""
    expressions = [f"(?:a|b)*a(?:a|b){{{count}}}x{count}" for count in range(12, 24)]
    starved = ExpressionSet(expressions, set_bytes=100_000)
    plenty = ExpressionSet(expressions)
    text = b"ab" * 300 + b"a" + b"b" * 14 + b"x14"
    assert list(plenty.matching(text)) == [2]
    assert 2 in starved.matching(text)
    assert list(starved.matching(b"ab" * 300)) in ([], list(range(len(expressions))))


def test_too_large_a_set_is_no_set() -> None:
    expressions = [f"x{number}(?:abc|def){{40}}" for number in range(200)]
    assert list(ExpressionSet(expressions, set_bytes=10_000).matching(b"y")) == list(range(200))
