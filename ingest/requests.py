"""One-shot imports: which paths, what is waited for, and the summary at the end. Used by the loop's thread."""

import os
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from catalog.scopes import ScopeCounts
from ingest.checks import RequestCheck
from ingest.summary import ImportSummary
from ingest.watched import WatchedRoot


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """A path of a root: ``name`` None is the directory and all below it."""

    root: WatchedRoot
    directory: bytes
    name: bytes | None = None

    def holds(self, root_id: int, path: bytes) -> bool:
        """Tell whether a file of a root lies in it."""
        if root_id != self.root.id:
            return False
        if self.name is not None:
            return path == (self.directory + b"/" + self.name if self.directory else self.name)
        return not self.directory or path.startswith(self.directory + b"/")


@dataclass(slots=True, kw_only=True)
class ImportRequest:
    """A request under way. ``began_s`` is monotonic."""

    paths: tuple[Path, ...]
    is_waiting: bool
    began_s: float
    future: "Future[ImportSummary]" = field(default_factory=Future)
    scopes: list[Scope] = field(default_factory=list)
    #: Walks (root id, number) that have not ended.
    walks: set[tuple[int, int]] = field(default_factory=set)
    #: Looks at named paths that are not answered.
    looks: list[tuple[Scope, Path, RequestCheck]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    imported: int = 0
    updated: int = 0
    bytes_read: int = 0
    scanned: int = 0
    checked_at_s: float = 0.0

    def holds(self, root_id: int, path: bytes) -> bool:
        """Tell whether a file belongs to the request."""
        return any(scope.holds(root_id, path) for scope in self.scopes)

    def summary(self, counts: list[ScopeCounts], now_s: float) -> ImportSummary:
        """Give the outcome."""
        done = sum(one.done for one in counts)
        return ImportSummary(
            scanned=self.scanned,
            imported=self.imported,
            updated=self.updated,
            unchanged=max(done - self.imported - self.updated, 0),
            held=sum(one.held for one in counts),
            unmatched=sum(one.unmatched for one in counts),
            failed=sum(one.failed for one in counts),
            stalled=sum(one.stalled for one in counts),
            seconds=now_s - self.began_s,
            bytes=self.bytes_read,
            problems=tuple(self.problems),
        )


def outermost(paths: Iterable[Path]) -> list[Path]:
    """Leave out what lies below another of these paths of one root: its files are counted with that one's."""
    kept: list[Path] = []
    for path in sorted(paths):
        if not kept or not path.is_relative_to(kept[-1]):
            kept.append(path)
    return kept


def scope_of(path: Path, roots: list[WatchedRoot]) -> Scope | str:
    """Find the root of a path, by its text; or say that it lies in none."""
    raw = os.path.normpath(os.fsencode(path))
    for root in roots:
        base = root.path.rstrip(b"/")
        if raw == base:
            return Scope(root=root, directory=b"")
        if raw.startswith(base + b"/"):
            directory, _, name = raw[len(base) + 1 :].rpartition(b"/")
            return Scope(root=root, directory=directory, name=name)
    return f"{path} lies in no watch root; `coverslip root ls` shows them"
