"""Reading a configuration: files, includes, tables, schema, cross checks; and the last good one.

A root that does not exist is an error for `check`, and a warning for everything else: a share that is not mounted
must not keep the daemon from starting.
"""

import hashlib
import os
import re
from collections.abc import Mapping as Dict
from dataclasses import dataclass
from pathlib import Path

from config.crosschecks import cross_check
from config.files import DiskFiles, Files
from config.kept import Kept, keep, read_kept
from config.lookups import read_tables
from config.merging import Gathered, gather, merge
from config.problems import ConfigurationError, Problem, Severity, in_order
from config.rule_nodes import check_rule_nodes
from config.settings import INTERNAL, Settings
from config.source import Mapping, Scalar, Sequence
from config.validation import as_data, marks, validate

LAST_GOOD = "last-good-configuration.json"
DEFAULT_STATE_DIR = Path("/var/lib/coverslip")
_STATE_DIR_LINE = re.compile(rb"^state_dir:[ \t]+['\"]?([^'\"#\r\n]+?)['\"]?[ \t]*(?:#.*)?$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What reading a configuration gave: settings unless the schema refused it, and every problem in order."""

    settings: Settings | None
    problems: tuple[Problem, ...]
    #: The best guess when the file is broken: where the last good configuration would be.
    state_dir: Path

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Give the problems that keep the configuration from being used."""
        return tuple(problem for problem in self.problems if problem.severity is Severity.ERROR)


def load(path: Path, *, environ: Dict[str, str]) -> Settings:
    """Read a configuration, its rules compiled once to know that they can be, its examples run.

    Raises ConfigurationError with all problems at once (an example that fails is one); warnings are let pass.
    """
    examined = examine(path, environ=environ)
    if examined.settings is None or examined.errors:
        raise ConfigurationError(examined.errors, examined.state_dir)
    failures = _failed_examples(examined.settings)
    if failures:
        raise ConfigurationError(failures, examined.state_dir)
    return examined.settings


def _failed_examples(settings: Settings) -> tuple[Problem, ...]:
    written = (*(watch.rules for watch in settings.watch), *settings.layouts.values())
    if not any(rule.examples for rules in written for rule in rules):
        return ()
    from config.examples import run_examples  # here, since RE2 is needed only when rules are

    return run_examples(settings)[1]


def examine(
    path: Path, *, environ: Dict[str, str], files: Files | None = None, has_to_have_roots: bool = False
) -> Examination:
    """Read a configuration and find everything that is wrong with it.

    ``has_to_have_roots``: roots that do not exist are errors, not warnings.
    """
    files = DiskFiles() if files is None else files
    whole = Path(os.path.abspath(path))  # noqa: PTH100 - links stay what they are called
    gathered = gather(whole, str(path), files)
    state_dir = _guessed_state_dir(whole, gathered, files, environ)
    if not gathered.roots:
        return Examination(settings=None, problems=in_order(gathered.problems), state_dir=state_dir)
    settings, problems = _settings(whole, gathered, files)
    problems = (*gathered.problems, *problems, *(files.loose if isinstance(files, DiskFiles) else ()))
    if settings is not None:
        state_dir = settings.state_dir
        problems = (*problems, *cross_check(settings, has_to_have_roots=has_to_have_roots), *_rule_problems(settings))
    return Examination(settings=settings, problems=in_order(problems), state_dir=state_dir)


def _rule_problems(settings: Settings) -> tuple[Problem, ...]:
    from config.rules import compile_all  # here, since RE2 is needed only when rules are

    try:
        compile_all(settings)
    except ConfigurationError as error:
        return error.problems
    return ()


def _settings(path: Path, gathered: Gathered, files: Files) -> tuple[Settings | None, tuple[Problem, ...]]:
    root, problems = merge(gathered)
    folders = gathered.folders
    problems = (*problems, *check_rule_nodes(root))
    data = as_data(root)
    if isinstance(data.get("lookups"), dict):
        problems = (*problems, *read_tables(root.get("lookups"), data["lookups"], files, folders))
    _make_absolute(data, root, folders, path.parent)
    text = source_text(path, gathered, files)
    sections = Mapping(place=root.place, entries=tuple(e for e in root.entries if e[0].text != "watch"))
    data |= {
        INTERNAL + "file": path,
        INTERNAL + "source_text": text,
        INTERNAL + "digest": hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest(),
        INTERNAL + "marks": marks(sections),
        INTERNAL + "read_texts": {str(p): t.decode("utf-8", "surrogateescape") for p, t in files.texts.items()},
        INTERNAL + "read_patterns": tuple(
            (str(folder), pattern, tuple(map(str, found))) for (folder, pattern), found in files.expansions.items()
        ),
    }
    settings, found = validate(root, data)
    return settings, (*problems, *found)


def remember_good(settings: Settings) -> None:
    """Keep this configuration in its state directory, durably, for when the file is broken. Raises OSError."""
    keep(
        settings.state_dir / LAST_GOOD,
        Kept(file=str(settings.file), texts=settings.read_texts, patterns=settings.read_patterns),
    )


def last_good(state_dir: Path) -> Settings | None:
    """Give the configuration that was remembered last; None when there is none that this program can use."""
    kept = read_kept(state_dir / LAST_GOOD)
    if kept is None:
        return None
    examined = examine(Path(kept.file), environ={}, files=kept.as_files())
    return None if examined.errors else examined.settings


def source_text(path: Path, gathered: Gathered, files: Files) -> str:
    """Give all texts that the configuration consists of, each but the main one under its name."""
    main = gathered.paths[0]
    parts = [files.texts[main].decode("utf-8", "backslashreplace")]
    for other in sorted(set(files.texts) - {main}):
        name = os.path.relpath(other, path.parent)
        parts.append(f"# --- {name}\n" + files.texts[other].decode("utf-8", "backslashreplace"))
    return "\n".join(parts)


def _make_absolute(data: dict[str, object], root: Mapping, folders: Dict[str, Path], base: Path) -> None:
    """Resolve relative folders against the folder of the file in which they stand."""
    for entry, node in ((data, root), *_watch_entries(data, root)):
        for key in ("state_dir", "root"):
            text, scalar = entry.get(key), node.get(key)
            if isinstance(text, str) and text and not text.startswith("~") and isinstance(scalar, Scalar):
                folder = folders.get(scalar.place.file, base)
                entry[key] = os.path.normpath(folder / text)


def _watch_entries(data: dict[str, object], root: Mapping) -> list[tuple[dict[str, object], Mapping]]:
    watch, node = data.get("watch"), root.get("watch")
    if not isinstance(watch, tuple) or not isinstance(node, Sequence):
        return []
    pairs = zip(watch, node.items, strict=True)
    return [(entry, item) for entry, item in pairs if isinstance(entry, dict) and isinstance(item, Mapping)]


def _guessed_state_dir(path: Path, gathered: Gathered, files: Files, environ: Dict[str, str]) -> Path:
    """Find where the state is although the file may be broken: in its nodes, its text, what systemd says."""
    for root, where in zip(gathered.roots, gathered.paths, strict=True):
        written = root.get("state_dir")
        if isinstance(written, Scalar) and written.text:
            return Path(os.path.normpath(where.parent / written.text))
    found = _STATE_DIR_LINE.search(files.texts.get(path, b""))
    if found:
        return Path(os.path.normpath(path.parent / os.fsdecode(found[1]).strip()))
    from_systemd = environ.get("STATE_DIRECTORY", "").split(":")[0]
    return Path(from_systemd) if from_systemd else DEFAULT_STATE_DIR
