"""``include:``: several files become one root mapping; what two of them say is a conflict that names both places.

``groups``, ``users`` and ``lookups`` are joined by their keys, ``watch`` by its roots: a file may add rules to a root
that another one describes, after that one's. Everything else may be said by one file only.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path

from config.files import MOST_INCLUDED_FILES, Files, UnreadableError, unreadable
from config.problems import Problem
from config.source import BrokenFileError, Mapping, Node, Place, Scalar, Sequence, parse, problem

JOINED_BY_KEY = ("groups", "users", "lookups", "layouts")


@dataclass(slots=True)
class Gathered:
    """All files of a configuration, the main one first; ``shown`` is what messages call each."""

    roots: list[Mapping] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def folders(self) -> dict[str, Path]:
        """Give the folder of each file, by what messages call the file: relative paths in it start there."""
        return {root.place.file: path.parent for root, path in zip(self.roots, self.paths, strict=True)}


def gather(path: Path, shown: str, files: Files) -> Gathered:
    """Read a file and what it includes. Files that can't be used are problems of the place that names them."""
    gathered = Gathered()
    start = Place(shown, 1, 1)
    _gather(path, shown, start, "", files, gathered, ())
    return gathered


def _gather(
    path: Path, shown: str, named_at: Place, key: str, files: Files, into: Gathered, chain: tuple[Path, ...]
) -> None:
    path = Path(os.path.normpath(path))
    if path in chain:
        into.problems.append(problem(named_at, f"{shown} includes itself", "remove this include", key))
        return
    if path in into.paths or len(into.paths) > MOST_INCLUDED_FILES:
        return
    try:
        root, problems = parse(files.read(path), shown)
    except UnreadableError as error:
        into.problems.append(unreadable(named_at, key, error))
    except BrokenFileError as error:
        into.problems.extend(error.problems)
    else:
        into.problems.extend(problems)
        into.paths.append(path)
        into.roots.append(root)
        for pattern in _patterns(root, into):
            _include(path, shown, pattern, files, into, (*chain, path))


def _patterns(root: Mapping, into: Gathered) -> tuple[Scalar, ...]:
    node = root.get("include")
    if node is None:
        return ()
    items = node.items if isinstance(node, Sequence) else (node,)
    texts = tuple(item for item in items if isinstance(item, Scalar) and item.text)
    if len(texts) < len(items):
        into.problems.append(problem(node.place, "a list of files is expected here", "[rules.d/*.yaml]", "include"))
    return texts


def _include(path: Path, shown: str, pattern: Scalar, files: Files, into: Gathered, chain: tuple[Path, ...]) -> None:
    try:
        found = files.expand(path.parent, pattern.text)
    except UnreadableError as error:
        into.problems.append(unreadable(pattern.place, "include", error))
        return
    for one in found:
        shown_one = os.path.join(Path(shown).parent, os.path.relpath(one, path.parent))  # noqa: PTH118 - keeps ".."
        if Path(pattern.text).is_absolute():
            shown_one = str(one)
        _gather(one, os.path.normpath(shown_one), pattern.place, "include", files, into, chain)


def merge(gathered: Gathered) -> tuple[Mapping, tuple[Problem, ...]]:
    """Join the root mappings of several files. Of two that clash, the first stays."""
    roots, folders = gathered.roots, gathered.folders
    problems: list[Problem] = []
    entries: dict[str, tuple[Scalar, Node]] = {}
    for root in roots:
        for key, value in root.entries:
            if key.text == "include":
                continue
            if key.text not in entries:
                entries[key.text] = (key, value)
                continue
            first_key, first = entries[key.text]
            entries[key.text] = (first_key, _joined(key, first_key, first, value, folders, problems))
    place = roots[0].place
    return Mapping(place=place, entries=tuple(entries.values())), tuple(problems)


def _joined(
    key: Scalar, first_key: Scalar, first: Node, second: Node, folders: dict[str, Path], problems: list[Problem]
) -> Node:
    match first, second:
        case Mapping(), Mapping() if key.text in JOINED_BY_KEY:
            return _union(key.text, first, second, problems)
        case Sequence(), Sequence() if key.text == "watch":
            return _watched(first, second, folders, problems)
        case Scalar(is_nothing=True), _:
            return second
        case _, Scalar(is_nothing=True):
            return first
        case _:
            problems.append(_conflict(key.text, key, first_key))
            return first


def _union(section: str, first: Mapping, second: Mapping, problems: list[Problem]) -> Mapping:
    added = []
    for key, value in second.entries:
        there = first.key(key.text)
        if there is not None:
            problems.append(_conflict(f"{section}.{key.text}", key, there))
        else:
            added.append((key, value))
    return Mapping(place=first.place, entries=(*first.entries, *added))


def _watched(first: Sequence, second: Sequence, folders: dict[str, Path], problems: list[Problem]) -> Sequence:
    """Put the roots of a second file behind those of the first, or its rules behind those of the same root."""
    items = list(first.items)
    known = {path: number for number, item in enumerate(items) if (path := _root_of(item, folders)) is not None}
    for item in second.items:
        path = _root_of(item, folders)
        number = known.get(path) if path is not None else None
        there = items[number] if number is not None else None
        if number is not None and isinstance(there, Mapping) and isinstance(item, Mapping):
            items[number] = _same_root(there, item, problems)
        else:
            items.append(item)
    return Sequence(place=first.place, items=tuple(items))


def _root_of(item: Node, folders: dict[str, Path]) -> str | None:
    root = item.get("root") if isinstance(item, Mapping) else None
    if not isinstance(root, Scalar) or not root.text:
        return None
    return os.path.normpath(folders[root.place.file] / root.text)


def _same_root(first: Mapping, second: Mapping, problems: list[Problem]) -> Mapping:
    entries = {key.text: (key, value) for key, value in first.entries}
    for key, value in second.entries:
        if key.text == "root":
            continue
        if key.text not in entries:
            entries[key.text] = (key, value)
            continue
        there_key, there = entries[key.text]
        if key.text == "rules" and isinstance(there, Sequence) and isinstance(value, Sequence):
            entries["rules"] = (there_key, Sequence(place=there.place, items=(*there.items, *value.items)))
        else:
            problems.append(_conflict(key.text, key, there_key))
    return Mapping(place=first.place, entries=tuple(entries.values()))


def _conflict(key: str, second: Scalar, first: Scalar) -> Problem:
    where = f"{first.place.file}:{first.place.line}:{first.place.column}"
    return problem(second.place, f"this is said in {where} already", "keep one of the two", key)
