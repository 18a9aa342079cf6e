"""What proposed rules really do: compiled and asked about every path, as a configuration would. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from config.path_text import text_path
from config.problems import ConfigurationError
from config.rule_outcome import OutcomeKind, example_problem
from config.rule_values import RuleMatch, RuleSkip
from config.rules import RootRules, compile_root
from config.settings import ExampleSettings, RuleSettings, Settings, SourceMark, WatchSettings
from config.suggesting.proposal import Draft, ProposedRule, ShownExample, first_of_each_kind

_MARK = SourceMark(file="suggestion", line=1, column=1)
EXAMPLES = 3
#: Examples are looked for among so many files of a rule.
_LOOKED_AT = 40


def compiled(drafts: Sequence[Draft]) -> RootRules:
    """Compile drafts as the rules of a root.

    Raises:
        ConfigurationError: one can't be used.

    """
    rules = tuple(_settings_of(draft) for draft in drafts)
    watch = WatchSettings(root=Path("/suggestion"), name="suggestion", rules=rules, mark=_MARK)
    settings = Settings(file=Path("suggestion"), watch=(watch,), source_text="", digest=b"\0" * 32)
    return compile_root(watch, settings)


def _settings_of(draft: Draft) -> RuleSettings:
    return RuleSettings(
        match=draft.match,
        skip=draft.skip,
        layout=draft.layout,
        owner="posix" if draft.is_posix and not draft.skip else None,
        set=dict(draft.sets),
        tags=draft.tags,
        key_values=dict(draft.key_values) or None,
        mark=_MARK,
    )


def usable(drafts: Iterable[Draft]) -> list[Draft]:
    """Leave out drafts that don't compile beside those before them, or that a text file can't hold."""
    good: list[Draft] = []
    for draft in drafts:
        if not all(text.isprintable() for text in (*draft.match, *draft.sets.values())):
            continue
        try:
            compiled([*good, draft])
        except ConfigurationError:
            continue
        good.append(draft)
    return good


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What rules do: those that take any path, the paths that none takes, and the people's names that they find."""

    rules: tuple[ProposedRule, ...] = ()
    uncovered: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


def measured(drafts: Sequence[Draft], paths: Sequence[str]) -> Measured:
    """Ask the rules about every path: what each takes first, with examples."""
    rules = compiled(drafts)
    taken: Mapping[int, list[str]] = defaultdict(list)
    people: dict[str, set[str]] = {"owner": set(), "group": set()}
    uncovered = []
    for path in paths:
        said = rules.match(text_path(path))
        if not isinstance(said, RuleMatch | RuleSkip):
            uncovered.append(path)
            continue
        taken[said.index].append(path)
        targets = said.targets if isinstance(said, RuleMatch) else {}
        for name in people.keys() & targets.keys():
            people[name].add(targets[name])
    return Measured(
        rules=tuple(
            ProposedRule(draft=draft, files=len(taken[index]), examples=_examples(rules, taken[index]))
            for index, draft in enumerate(drafts)
            if taken[index]
        ),
        uncovered=tuple(uncovered),
        owners=tuple(sorted(people["owner"])),
        groups=tuple(sorted(people["group"])),
    )


def _examples(rules: RootRules, paths: Sequence[str]) -> tuple[ShownExample, ...]:
    """Choose examples: names that a text file can tell, and what `check` will find right before others."""
    found = [_example(rules, path) for path in first_of_each_kind([p for p in paths if p.isprintable()], _LOOKED_AT)]
    good = [example for example in found if example.is_checkable] or found
    chosen = first_of_each_kind([example.path for example in good], EXAMPLES)
    return tuple(example for example in good if example.path in chosen)


def _example(rules: RootRules, path: str) -> ShownExample:
    said = rules.match(text_path(path))
    if not isinstance(said, RuleMatch):
        gives: Mapping[str, str] | str = OutcomeKind.SKIPPED.value
    else:
        gives = {name: text for name, text in said.targets.items() if text.isprintable()}
    wanted = ExampleSettings(paths=(path,), gives=gives)
    return ShownExample(
        path=path, gives=gives, is_checkable=bool(gives) and example_problem(rules, wanted, text_path(path)) is None
    )
