"""Configuration files for tests, written where only their owner may write, and their problems as lines."""

from pathlib import Path

from config.loader import examine


def write(folder: Path, text: str, name: str = "coverslip.yaml") -> Path:
    """Write a file below the folder."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def problems_of(folder: Path, text: str, *, has_to_have_roots: bool = False) -> list[str]:
    """Give all problems, errors and warnings, with {folder} instead of the folder's path."""
    examined = examine(write(folder, text), environ={}, has_to_have_roots=has_to_have_roots)
    lines = [str(problem).replace(f"{folder}/coverslip.yaml", "f") for problem in examined.problems]
    return [line.replace(str(folder), "{folder}") for line in lines]
