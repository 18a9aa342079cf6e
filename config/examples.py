"""The examples inside a configuration: paths with what shall become of them, run against the rules of their root."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from config.path_text import text_path
from config.problems import ConfigurationError, Problem, problem_at
from config.rule_outcome import example_problem
from config.rules import RootRules, compile_root, layout_alone
from config.settings import ExampleSettings, RuleSettings, Settings, WatchSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleCounts:
    """How many paths of examples gave what they shall."""

    passed: int = 0
    failed: int = 0


def run_examples(settings: Settings) -> tuple[ExampleCounts, tuple[Problem, ...]]:
    """Run the examples of all roots and own layouts that compile; the others' problems are told by the loader."""
    passed = 0
    failures: list[Problem] = []
    for compiled, written, key in _with_examples(settings):
        for number, rule in enumerate(written, 1):
            for example_number, example in enumerate(rule.examples):
                found = _run(compiled, rule, example, example_number, f"{key}.{number}")
                failures += found
                passed += len(example.paths) - len(found)
    return ExampleCounts(passed=passed, failed=len(failures)), tuple(failures)


def _with_examples(settings: Settings) -> Iterator[tuple[RootRules, tuple[RuleSettings, ...], str]]:
    for number, watch in enumerate(settings.watch, 1):
        rules = _compiled(watch, settings)
        if rules is not None:
            yield rules, watch.rules, f"watch.{number}.rules"
    for name, written in settings.layouts.items():
        alone = _layout_alone(name, settings) if any(rule.examples for rule in written) else None
        if alone is not None:
            yield alone, written, f"layouts.{name}"


def _layout_alone(name: str, settings: Settings) -> RootRules | None:
    try:
        return layout_alone(name, settings)
    except ConfigurationError:
        return None


def _compiled(watch: WatchSettings, settings: Settings) -> RootRules | None:
    try:
        return compile_root(watch, settings)
    except ConfigurationError:
        return None


def _run(rules: RootRules, rule: RuleSettings, example: ExampleSettings, number: int, key: str) -> list[Problem]:
    found = []
    for path_number, path in enumerate(example.paths):
        message = example_problem(rules, example, _below(rules.watch.root, path))
        if message is not None:
            place = f"examples.{number}"
            marks = (f"{place}.path", f"{place}.paths.{path_number}", f"{place}.paths", place)
            mark = next((rule.marks[name] for name in marks if name in rule.marks), rule.mark)
            hint = "`coverslip explain PATH` shows how far each rule comes"
            found.append(problem_at(mark, f"{key}.examples.{number + 1}", message, hint))
    return found


def _below(root: Path, path: str) -> bytes:
    r"""Give an example's path relative to the root; people also write the whole path, and ``\xNN`` for odd bytes."""
    inside = path.removeprefix(f"{root}/") if path.startswith("/") else path.removeprefix("./")
    return text_path(inside)
