"""`check`: everything that is wrong with a configuration, its rules compiled and its embedded examples run."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from config.examples import ExampleCounts, run_examples
from config.loader import examine
from config.problems import Problem, Severity, in_order, problem_at
from config.reach import unreachable
from config.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """The outcome of `check`. ``problems`` are errors, an example that fails is one; ``warnings`` stop nothing."""

    ok: bool
    problems: tuple[Problem, ...]
    examples: ExampleCounts
    warnings: tuple[Problem, ...] = ()
    #: None when the file can't be used; given also when only the rules, examples or roots are at fault.
    settings: Settings | None = None


def check(path: Path, environ: Mapping[str, str]) -> CheckReport:
    """Examine a file as the daemon would, more strictly: roots have to exist, examples have to pass."""
    examined = examine(path, environ=environ, has_to_have_roots=True)
    examples, failures = run_examples(examined.settings) if examined.settings else (ExampleCounts(), ())
    problems = in_order((*examined.errors, *failures))
    idle = (*unreachable(examined.settings), *_without_rules(examined.settings)) if examined.settings else ()
    warnings = in_order((*(one for one in examined.problems if one.severity is Severity.WARNING), *idle))
    return CheckReport(
        ok=not problems, problems=problems, examples=examples, warnings=warnings, settings=examined.settings
    )


def _without_rules(settings: Settings) -> Iterator[Problem]:
    """Say of a root from which nothing can be imported that it has no rules; those of storage need none."""
    hint = "write rules; `coverslip suggest DIR` proposes some"
    for watch in settings.watch:
        if not watch.rules and watch.role != "storage":
            text = f"the root {watch.name} has no rules: its images stay unmatched, and nothing is imported"
            yield problem_at(watch.marks.get("rules", watch.mark), "rules", text, hint, severity=Severity.WARNING)
