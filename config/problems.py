"""Configuration problems: all found at once, each with file, line and column."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol


class Severity(StrEnum):
    """How much a problem matters: an error keeps the configuration from being used, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One problem. ``line`` and ``column`` are 1-based; ``hint`` is what to do, without brackets."""

    file: str
    line: int
    column: int
    key: str
    message: str
    hint: str | None = None
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        """Give ``FILE:LINE:COL: key: message (hint)``."""
        hint = f" ({self.hint})" if self.hint else ""
        key = f"{self.key}: " if self.key else ""
        return f"{self.file}:{self.line}:{self.column}: {key}{self.message}{hint}"


class Mark(Protocol):
    """Whatever knows where it stands."""

    @property
    def file(self) -> str:
        """The file as people named it."""

    @property
    def line(self) -> int:
        """The line, from 1."""

    @property
    def column(self) -> int:
        """The column, from 1."""


def problem_at(
    mark: Mark, key: str, message: str, hint: str | None = None, *, severity: Severity = Severity.ERROR
) -> Problem:
    """Make the problem that stands at a mark."""
    return Problem(
        file=mark.file, line=mark.line, column=mark.column, key=key, message=message, hint=hint, severity=severity
    )


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Sort by file, line and column, each problem once."""
    return tuple(sorted(dict.fromkeys(problems), key=lambda p: (p.file, p.line, p.column, p.key, p.message)))


class ConfigurationError(Exception):
    """The configuration can't be used; ``problems`` are sorted by file, line and column.

    ``state_dir`` is where the broken file says that the state is, or its best guess: there the last good
    configuration is to be found. None when the error was not raised by the loader.
    """

    def __init__(self, problems: Iterable[Problem], state_dir: Path | None = None) -> None:
        self.problems = in_order(problems)
        self.state_dir = state_dir
        super().__init__("\n".join(str(problem) for problem in self.problems))
