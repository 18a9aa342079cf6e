"""Finds rules that can never match because an earlier one takes every path that they match.

Whether one pattern takes all that another takes is decided on automata; where that can't be told, nothing is said.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import assert_never

from config.patterns import Capture, Chars, Choice, PartOf, Repeat, Text, has
from config.patterns import Sequence as Pattern
from config.problems import ConfigurationError, Problem, Severity, problem_at
from config.rule_compile import CompiledRule
from config.rules import compile_root
from config.settings import Settings
from config.templates_compile import CompiledTemplate, Fit, PathView
from config.value_types import Kind

#: Pairs of states that are looked at for one comparison; more, and it can't be told.
PAIRS_AT_MOST = 20_000
#: Characters that stand for all others: one at least of each kind that a set tells apart.
_PROBES = "".join(map(chr, range(32, 127))) + "é\u0301☃"
#: Targets whose text is read once more: a path that fits may still not be taken.
_READ_AGAIN = frozenset({"well", "row", "column", "field", "tile"})


def unreachable(settings: Settings) -> tuple[Problem, ...]:
    """Warn of matches that never get a path; roots whose rules don't compile are left out."""
    found: list[Problem] = []
    for number, watch in enumerate(settings.watch, 1):
        try:
            rules = compile_root(watch, settings).rules
        except ConfigurationError:
            continue
        found += _in_root(rules, f"watch.{number}")
    return tuple(found)


def _in_root(rules: Sequence[CompiledRule], key: str) -> Iterator[Problem]:
    earlier: list[tuple[CompiledRule, CompiledTemplate]] = []
    for rule in rules:
        for position, matcher in enumerate(rule.matchers):
            if not isinstance(matcher, CompiledTemplate):
                continue
            taker = next((one for one, by in earlier if takes_all(by, matcher)), None)
            if taker is not None:
                marks = rule.settings.marks
                mark = marks.get(f"match.{position}", marks.get("match", rule.settings.mark))
                message = f"this can never match: {taker.name} comes first and takes every such path"
                hint = "put the special rule before the general one"
                yield problem_at(mark, f"{key}.rules.{rule.index + 1}.match", message, hint, severity=Severity.WARNING)
            elif _is_exact(rule, matcher):
                earlier.append((rule, matcher))


def _is_exact(rule: CompiledRule, matcher: CompiledTemplate) -> bool:
    """Tell whether a rule takes every path that its pattern fits: no value can make it step back."""
    names = [part.name for part in matcher.slots if part.name]
    kinds = {kind.kind for kind in matcher.names.values()}
    reads = (rule.sets.keys() | set(names)) & _READ_AGAIN
    return (
        not rule.settings.where
        and len(names) == len(set(names))
        and kinds <= {Kind.TEXT, Kind.NUMBER}
        and all(name in matcher.names and matcher.names[name].kind is Kind.NUMBER for name in reads)
    )


def takes_all(general: CompiledTemplate, special: CompiledTemplate) -> bool:
    """Tell whether every path that one template fits is fitted by the other; False where that can't be told."""
    example = _shortest(special.pattern)
    if not isinstance(general.fit(PathView(example)), Fit):
        return False
    return _includes(_automaton(general.pattern), _automaton(special.pattern))


def _shortest(pattern: Pattern) -> str:
    """Give a short path that a pattern fits."""
    return "".join(map(_shortest_of, pattern))


def _shortest_of(node: object) -> str:
    match node:
        case Text():
            return node.text
        case Chars():
            return next(probe for probe in "xA1" if has(node.chars, probe) or probe == "1") * node.low
        case Choice():
            return min((_shortest(way) for way in node.ways), key=len)
        case Repeat():
            return ""
        case Capture() | PartOf():
            return _shortest(node.body)
        case _:
            raise TypeError(node)


@dataclass(slots=True)
class Automaton:
    """States from 0 (the start); each has steps by a character test, and free steps. The last state accepts."""

    steps: list[list[tuple[Text | Chars, int]]] = field(default_factory=lambda: [[]])
    free: list[list[int]] = field(default_factory=lambda: [[]])
    end: int = 0

    def state(self) -> int:
        """Make a state."""
        self.steps.append([])
        self.free.append([])
        return len(self.steps) - 1

    def closed(self, states: frozenset[int]) -> frozenset[int]:
        """Give what can be reached by free steps."""
        found, waiting = set(states), list(states)
        while waiting:
            for state in self.free[waiting.pop()]:
                if state not in found:
                    found.add(state)
                    waiting.append(state)
        return frozenset(found)

    def after(self, states: frozenset[int], character: str) -> frozenset[int]:
        """Give the states after a character."""
        found = {target for state in states for test, target in self.steps[state] if _fits(test, character)}
        return self.closed(frozenset(found))


def _fits(test: Text | Chars, character: str) -> bool:
    if isinstance(test, Chars):
        return has(test.chars, character)
    return test.text.casefold() == character.casefold()


def _automaton(pattern: Pattern) -> Automaton:
    made = Automaton()
    made.end = _build(made, pattern, 0)
    return made


def _build(made: Automaton, pattern: Pattern, start: int) -> int:
    for node in pattern:
        start = _build_node(made, node, start)
    return start


def _build_node(made: Automaton, node: Text | Chars | Choice | Repeat | Capture | PartOf, start: int) -> int:
    match node:
        case Text():
            for character in node.text:
                start = _step(made, Text(character), start)
            return start
        case Chars():
            return _build_chars(made, node, start)
        case Choice():
            end = made.state()
            for way in node.ways:
                made.free[_build(made, way, start)].append(end)
            return end
        case Repeat():
            around, end = made.state(), made.state()
            made.free[start].append(around)
            made.free[_build(made, node.body, around)].append(around)
            made.free[around].append(end)
            return end
        case Capture() | PartOf():
            return _build(made, node.body, start)
        case _:
            assert_never(node)


def _step(made: Automaton, test: Text | Chars, start: int) -> int:
    end = made.state()
    made.steps[start].append((test, end))
    return end


def _build_chars(made: Automaton, node: Chars, start: int) -> int:
    for _ in range(node.low):
        start = _step(made, node, start)
    end = made.state()
    made.free[start].append(end)
    if node.high is None:
        around = made.state()
        made.free[start].append(around)
        made.steps[around].append((node, around))
        made.free[around].append(end)
        return end
    for _ in range(node.high - node.low):
        start = _step(made, node, start)
        made.free[start].append(end)
    return end


def _includes(general: Automaton, special: Automaton) -> bool:
    """Walk both side by side: a path that only the special one fits disproves it."""
    probes = _alphabet(general, special)
    begin = (special.closed(frozenset({0})), general.closed(frozenset({0})))
    seen, waiting = {begin}, [begin]
    while waiting:
        own, other = waiting.pop()
        if special.end in own and general.end not in other:
            return False
        for character in probes:
            after = special.after(own, character)
            pair = (after, general.after(other, character))
            if after and pair not in seen:
                seen.add(pair)
                waiting.append(pair)
        if len(seen) > PAIRS_AT_MOST:
            return False
    return True


def _alphabet(*automata: Automaton) -> list[str]:
    """Give one character of each kind that the tests tell apart."""
    tests = {test for one in automata for steps in one.steps for test, _ in steps}
    texts = {test.text for test in tests if isinstance(test, Text)}
    ordered = sorted(tests, key=repr)
    kinds: dict[tuple[bool, ...], str] = {}
    for character in sorted(set(_PROBES) | texts | {text.swapcase() for text in texts if len(text.swapcase()) == 1}):
        if unicodedata.normalize("NFC", character) == character:
            kinds.setdefault(tuple(_fits(test, character) for test in ordered), character)
    return list(kinds.values())
