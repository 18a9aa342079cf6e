"""The rules of a watch root, compiled: which rule takes a path, and how far the others come."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from config.ignoring import Ignoring, problem_with
from config.path_text import encoded_text, path_text
from config.problems import ConfigurationError, Problem
from config.rule_compile import CompiledRule
from config.rule_expand import compile_layout, compile_rule
from config.rule_fit import fit_rule, try_rule
from config.rule_index import FEW_RULES, RuleIndex
from config.rule_memory import RuleMemory
from config.rule_values import NoRuleMatch, RuleMatch, RuleSkip, Tried
from config.settings import Settings, SourceMark, WatchSettings
from config.templates_compile import NoFit, PathView


class RootRules:
    """All rules of one root. Immutable; safe to share between threads."""

    def __init__(self, watch: WatchSettings, settings: Settings, rules: Sequence[CompiledRule]) -> None:
        self.watch = watch
        self.name = watch.name
        self.settings = settings
        self.rules = tuple(rules)
        self.has_skips = any(rule.settings.skip for rule in rules)
        #: Whether any rule may join several files into one image.
        self.has_sets = any(rule.gives_dimensions for rule in rules)
        #: Whether any rule waits for a marker file, and whether any reads a table.
        self.has_markers = any(rule.marker is not None for rule in rules)
        self.has_tables = any(rule.table is not None for rule in rules)
        self._ignoring = Ignoring(watch.ignore)
        self._no_match = NoRuleMatch(reason=_why_none(watch.name, len(rules)))

    def match(self, path: bytes) -> RuleMatch | RuleSkip | NoRuleMatch:
        """Find the first rule that matches a path relative to the root, in raw bytes."""
        encoded = encoded_text(path)
        folder = encoded[: encoded.rfind(b"/") + 1]
        view: PathView | None = None
        for number in self._candidates(encoded):
            memory = self._memories[number]
            known = memory.recall(encoded, folder)
            if not isinstance(known, bool):
                return known
            if not known:
                continue
            view = view or PathView(path_text(path))
            said = fit_rule(self.rules[number], view)
            if isinstance(said, NoFit):
                return _undecided(self.rules[number], said)
            if said is not None:
                memory.keep(encoded, folder, said)
                return said
        return self._no_match

    @cached_property
    def _memories(self) -> tuple[RuleMemory, ...]:
        return tuple(map(RuleMemory, self.rules))

    @cached_property
    def _index(self) -> RuleIndex | None:
        """Make the index when a path is first asked about: many configurations are only compiled."""
        return RuleIndex(self.rules) if len(self.rules) > FEW_RULES else None

    def _candidates(self, encoded: bytes) -> Sequence[int]:
        """Give the numbers of the rules that are worth asking about a path, in order."""
        return range(len(self.rules)) if self._index is None else self._index.rules_for(encoded)

    def tried(self, path: bytes) -> tuple[Tried, ...]:
        """Say for every rule, in order, how far it comes with a path, whether or not an earlier one matches."""
        view = PathView(path_text(path))
        told: list[Tried] = []
        first: str | None = None
        for tried in (tried for rule in self.rules for tried in try_rule(rule, view)):
            is_late = tried.is_match and first is not None
            told.append(replace(tried, message=f"would match, but rule {first} comes first") if is_late else tried)
            first = tried.rule if tried.is_match and first is None else first
        return tuple(told)

    def may_be_table(self, name: bytes) -> bool:
        """Tell whether a file of this name can be the table of a rule's `key_values: {from: ...}`."""
        if not self.has_tables:
            return False
        text = path_text(name)
        return any(rule.may_be_its_table(text) for rule in self.rules)

    def may_be_marker(self, name: bytes) -> bool:
        """Tell whether a file of this name can be the marker of a rule's `complete: {marker: ...}`."""
        if not self.has_markers:
            return False
        text = path_text(name)
        return any(rule.may_be_its_marker(text) for rule in self.rules)

    def ignored(self, path: bytes) -> str | None:
        """Find the ignore pattern that a file or folder (relative to the root) falls under."""
        return self._ignoring.pattern_for(path)


def _why_none(root: str, count: int) -> str:
    if count == 0:
        return f"root '{root}' has no rules"
    return f"no rule of root '{root}' matches" + (f" ({count} were tried)" if count > 1 else "")


def _undecided(rule: CompiledRule, outcome: NoFit) -> RuleMatch:
    """Hold a path that a rule can't decide within its bound, so that no later rule takes it by mistake."""
    return RuleMatch(
        rule=rule.name,
        index=rule.index,
        template=rule.matchers[0].source,
        settings=rule.settings,
        captures={},
        targets={},
        held=outcome.message or "it can't be decided whether the rule matches",
    )


def compile_root(watch: WatchSettings, settings: Settings) -> RootRules:
    """Compile the rules of a root.

    Raises:
        ConfigurationError: with all that is wrong, each with its place inside the template.

    """
    number = next((n for n, other in enumerate(settings.watch, 1) if other is watch), 1)
    problems: list[Problem] = _ignore_problems(watch, f"watch.{number}")
    compiled: list[CompiledRule] = []
    for index, rule in enumerate(watch.rules):
        key = f"watch.{number}.rules.{index + 1}"
        name = f"{watch.name}#{index + 1}"
        made, found = compile_rule(rule, settings, name=name, index=index, key=key)
        compiled += made
        problems += found
    problems += _shadowed(compiled, number)
    if problems:
        raise ConfigurationError(tuple(problems))
    return RootRules(watch, settings, compiled)


def layout_alone(name: str, settings: Settings) -> RootRules:
    """Compile a layout as if its rules stood in a root of their own, for its examples and for names to be tried with.

    Raises:
        ConfigurationError: with all that is wrong with it.

    """
    compiled, problems = compile_layout(name, settings)
    if problems:
        raise ConfigurationError(tuple(problems))
    mark = SourceMark(file=str(settings.file), line=1, column=1)
    return RootRules(WatchSettings(root=Path("/"), name=f"layout {name}", mark=mark), settings, compiled)


def compile_all(settings: Settings) -> dict[str, RootRules]:
    """Compile the rules of all roots, by root name.

    Raises:
        ConfigurationError: with the problems of all roots.

    """
    compiled: dict[str, RootRules] = {}
    problems: list[Problem] = []
    for name in settings.layouts:
        problems += compile_layout(name, settings)[1]
    for watch in settings.watch:
        try:
            compiled[watch.name] = compile_root(watch, settings)
        except ConfigurationError as error:
            problems += error.problems
    if problems:
        raise ConfigurationError(tuple(problems))
    return compiled


def _ignore_problems(watch: WatchSettings, key: str) -> list[Problem]:
    found = []
    for number, pattern in enumerate(watch.ignore):
        message = problem_with(pattern)
        if message:
            mark = watch.marks.get(f"ignore.{number}", watch.mark)
            found.append(
                Problem(file=mark.file, line=mark.line, column=mark.column, key=f"{key}.ignore", message=message)
            )
    return found


def _shadowed(rules: Sequence[CompiledRule], number: int) -> list[Problem]:
    """Find matches that an earlier rule without `where` takes all files from."""
    first: dict[str, str] = {}
    found = []
    for rule in rules:
        for position, matcher in enumerate(rule.matchers):
            if matcher.source in first:
                mark = _match_mark(rule, position)
                message = f"this can never match: {first[matcher.source]} has the same match and comes first"
                key = f"watch.{number}.rules.{rule.index + 1}.match"
                found.append(Problem(file=mark.file, line=mark.line, column=mark.column, key=key, message=message))
            elif not rule.settings.where and not rule.sets.keys() & {"well", "row", "column", "field", "tile"}:
                first[matcher.source] = rule.written
    return found


def _match_mark(rule: CompiledRule, position: int) -> SourceMark:
    marks = rule.settings.marks
    key = "layout" if rule.settings.layout is not None else f"match.{position}"
    return marks.get(key, marks.get("match", rule.settings.mark))
