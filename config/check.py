"""`check`: everything that is wrong with a configuration, its rules compiled and its embedded examples run."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from config.crosschecks import without_rules
from config.examples import ExampleCounts, run_examples
from config.loader import examine
from config.problems import Problem, Severity, in_order
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
    idle = (*unreachable(examined.settings), *without_rules(examined.settings)) if examined.settings else ()
    warnings = in_order((*(one for one in examined.problems if one.severity is Severity.WARNING), *idle))
    return CheckReport(
        ok=not problems, problems=problems, examples=examples, warnings=warnings, settings=examined.settings
    )
