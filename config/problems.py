"""Configuration problems: all found at once, each with file, line and column."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One problem. ``line`` and ``column`` are 1-based; ``hint`` is what to do, without brackets."""

    file: str
    line: int
    column: int
    key: str
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        """Give ``FILE:LINE:COL: key: message (hint)``."""
        hint = f" ({self.hint})" if self.hint else ""
        key = f"{self.key}: " if self.key else ""
        return f"{self.file}:{self.line}:{self.column}: {key}{self.message}{hint}"


class ConfigurationError(Exception):
    """The configuration can't be used; ``problems`` are sorted by file, line and column."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = tuple(sorted(problems, key=lambda p: (p.file, p.line, p.column)))
        super().__init__("\n".join(str(problem) for problem in self.problems))
