"""Checks of the folders on the disk: roots and the state directory keep apart, whatever they are called.

Two paths are compared by name, by device and inode of every folder above them, and by the place in their file system
that the mount table tells, so that symbolic links and bind mounts in both directions are seen through.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from config.mount_table import Mount, mount_of, read_mounts
from config.problems import Problem, Severity, problem_at
from config.settings import Settings, SourceMark, WatchSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A folder as it can be compared. ``above`` are the (device, inode) pairs of it and all folders above it."""

    path: Path
    real: str
    identity: tuple[int, int] | None
    above: frozenset[tuple[int, int]]
    #: Device and path inside its file system.
    within: tuple[int, str] | None


def check_folders(settings: Settings, *, has_to_have_roots: bool) -> tuple[Problem, ...]:
    """Find roots that are missing, equal, inside one another, or mixed with the state directory."""
    mounts = read_mounts()
    problems = [*_same_names(settings.watch)]
    for watch in settings.watch:
        problems += _availability(watch, has_to_exist=has_to_have_roots)
    folders = [look_at(watch.root, mounts) for watch in settings.watch]
    for number, second in enumerate(folders):
        for first_number in range(number):
            problems += _overlap(settings.watch, folders[first_number], first_number, second, number)
    state = look_at(settings.state_dir, mounts)
    for watch, folder in zip(settings.watch, folders, strict=True):
        problems += _with_state(watch, folder, state)
    return tuple(problems)


def _root_problem(watch: WatchSettings, message: str, hint: str | None, severity: Severity = Severity.ERROR) -> Problem:
    mark = watch.marks.get("root", watch.mark)
    return problem_at(mark, "root", message, hint, severity=severity)


def _same_names(watched: tuple[WatchSettings, ...]) -> Iterator[Problem]:
    first: dict[str, SourceMark] = {}
    for watch in watched:
        if watch.name in first:
            mark = watch.marks.get("name", watch.mark)
            text = f"another root, in {first[watch.name]}, is called {watch.name!r} too"
            hint = "give one of them a name: of its own"
            yield problem_at(mark, "name", text, hint)
        first.setdefault(watch.name, watch.mark)


def _availability(watch: WatchSettings, *, has_to_exist: bool) -> Iterator[Problem]:
    severity = Severity.ERROR if has_to_exist else Severity.WARNING
    try:
        is_folder = os.path.isdir(watch.root) if watch.root.exists() else None  # noqa: PTH112 - must not raise
    except OSError:
        is_folder = None
    if is_folder is None:
        yield _root_problem(watch, f"there is no folder {watch.root}", "is the disk or share mounted?", severity)
    elif not is_folder:
        yield _root_problem(watch, f"{watch.root} is not a folder", "name the folder that holds the files", severity)


def _overlap(
    watched: tuple[WatchSettings, ...], first: Folder, first_number: int, second: Folder, number: int
) -> Iterator[Problem]:
    there = f"{first.path} ({watched[first_number].mark})"
    hint = "each file may lie below one root only; keep one of the two, with rules for both"
    watch = watched[number]
    if is_same(first, second):
        yield _root_problem(watch, f"{second.path} is the same folder as the root {there}", hint)
    elif contains(first, second):
        yield _root_problem(watch, f"{second.path} lies inside the root {there}", hint)
    elif contains(second, first):
        yield _root_problem(watch, f"{second.path} contains the root {there}", hint)


def _with_state(watch: WatchSettings, folder: Folder, state: Folder) -> Iterator[Problem]:
    hint = "nothing is ever written below a root; choose another state_dir"
    if is_same(folder, state) or contains(folder, state):
        yield _root_problem(watch, f"state_dir ({state.path}) lies inside this root", hint)
    elif contains(state, folder):
        yield _root_problem(watch, f"this root lies inside state_dir ({state.path})", "choose another state_dir")


def look_at(path: Path, mounts: tuple[Mount, ...]) -> Folder:
    """Look up what is needed for comparing; a folder that does not exist is compared by what is above it."""
    real = os.path.realpath(path)
    chain = [_identity(Path(real)), *(_identity(above) for above in Path(real).parents)]
    above = frozenset(pair for pair in chain if pair is not None)
    return Folder(path=path, real=real, identity=chain[0], above=above, within=_within(real, mounts))


def is_same(first: Folder, second: Folder) -> bool:
    """Tell whether two paths are one folder."""
    has_same_inode = first.identity is not None and first.identity == second.identity
    return first.real == second.real or has_same_inode or (first.within is not None and first.within == second.within)


def contains(outer: Folder, inner: Folder) -> bool:
    """Tell whether the first folder holds the second, at any depth."""
    if outer.identity is not None and outer.identity in inner.above:
        return True
    if _is_below(inner.real, outer.real):
        return True
    if outer.within is None or inner.within is None or outer.within[0] != inner.within[0]:
        return False
    return _is_below(inner.within[1], outer.within[1])


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(folder.rstrip("/") + "/")


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _within(real: str, mounts: tuple[Mount, ...]) -> tuple[int, str] | None:
    """Give the device and the path inside its file system."""
    mount = mount_of(os.fsencode(real), mounts)
    if mount is None:
        return None
    relative = os.path.relpath(real, os.fsdecode(mount.point))
    return mount.device, os.path.normpath(os.path.join(os.fsdecode(mount.root), relative))  # noqa: PTH118 - texts of the table
