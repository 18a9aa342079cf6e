"""Carries one-shot imports through the loop: orders their looks, notes what was imported, and sums up."""

import os
from collections import defaultdict
from pathlib import Path

from catalog.looks import CommittedAs
from catalog.names import display
from catalog.scopes import ScopeCounts, count_scope
from ingest.checks import RequestCheck
from ingest.core import Core, Done
from ingest.folders import below
from ingest.inner_mounts import is_at_or_below
from ingest.listing import LookOrder, RootLost
from ingest.requests import ImportRequest, Scope, outermost, scope_of

_CHECK_EVERY_S = 0.1


class ImportRequests:
    """The requests under way."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._open: list[ImportRequest] = []

    @property
    def is_any_open(self) -> bool:
        """Tell whether somebody waits for an import."""
        return bool(self._open)

    def begin(self, request: ImportRequest) -> None:
        """Order the looks of a request."""
        self._open.append(request)
        known = list(self._core.roots.values())
        if not request.paths:
            for root in known:
                self._walk(request, Scope(root=root, directory=b""))
        placed: defaultdict[int, dict[Path, Scope]] = defaultdict(dict)
        for path in dict.fromkeys(request.paths):
            scope = scope_of(path, known)
            if isinstance(scope, str):
                request.problems.append(scope)
            else:
                placed[scope.root.id][Path(os.path.normpath(path))] = scope
        for scopes in placed.values():
            for path in outermost(scopes):
                self._look(request, scopes[path], path)

    def _look(self, request: ImportRequest, scope: Scope, path: Path) -> None:
        """Have the root's scanner look what the path is: a share that hangs must not stop the loop."""
        if scope.name is None:
            self._walk(request, scope)
            return
        check = RequestCheck(name=scope.name)
        request.looks.append((scope, path, check))
        scope.root.look(LookOrder(directory=scope.directory, names=frozenset({scope.name}), tag=check))

    def _see_looks(self, request: ImportRequest) -> None:
        for asked in list(request.looks):
            scope, path, check = asked
            if check.look is None and self._core.roots.get(scope.root.id) is scope.root:
                continue
            request.looks.remove(asked)
            self._judge(request, scope, path, check)

    def _judge(self, request: ImportRequest, scope: Scope, path: Path, check: RequestCheck) -> None:
        look = check.look
        if isinstance(look, RootLost):
            request.problems.append(f"root {scope.root.name}: {look.reason}")
        elif look is None:
            request.problems.append(f"{path} lies in no watch root any more")
        elif check.name in look.folders:
            self._walk(request, Scope(root=scope.root, directory=below(scope.directory, check.name)))
        elif look.entries:
            request.scopes.append(scope)
            request.scanned += 1
        elif check.name in look.gone:
            request.problems.append(f"{path} does not exist")
        else:
            request.problems.append(f"{path} can't be looked at: {look.problem}")

    def _walk(self, request: ImportRequest, scope: Scope) -> None:
        request.scopes.append(scope)
        number = scope.root.walk(scope.directory, is_full=not scope.directory)
        request.walks.add((scope.root.id, number))

    def note(self, done: Done) -> None:
        """Count a committed result for the requests whose paths hold it."""
        for request in self._open:
            if request.holds(done.root.id, done.path):
                request.bytes_read += done.bytes_read
                request.imported += done.files * (done.outcome.outcome is CommittedAs.IMPORTED)
                request.updated += done.files * (done.outcome.outcome is CommittedAs.UPDATED)

    def check(self) -> None:
        """Answer the requests that are done."""
        now_s = self._core.clock.monotonic()
        for request in list(self._open):
            self._see_looks(request)
            self._see_walks(request)
            if now_s - request.checked_at_s >= _CHECK_EVERY_S:
                request.checked_at_s = now_s
                self._answer_if_done(request)

    def _see_walks(self, request: ImportRequest) -> None:
        for root_id, number in list(request.walks):
            root = self._core.roots.get(root_id)
            walk = root.walks.get(number) if root is not None else None
            ended = root.ended_walks.get(number) if root is not None else None
            if walk is None:
                request.walks.discard((root_id, number))
                if ended is not None:
                    request.scanned += ended.files
            if root is not None and not root.can_be_used:
                sentence = f"root {root.name}: {root.reason}"
                if sentence not in request.problems:
                    request.problems.append(sentence)

    def _answer_if_done(self, request: ImportRequest) -> None:
        if self._core.around.has_new_names:
            return
        usable = [scope for scope in request.scopes if scope.root.can_be_used]
        if request.walks or request.looks or any(scope.root.is_unsettled for scope in usable):
            return
        if self._is_being_read(request):
            return
        counts = self._counts(request)
        left = sum(one.pending + (one.settling if request.is_waiting else 0) for one in counts) if usable else 0
        if not left:
            self._answer(request, counts)

    def _is_being_read(self, request: ImportRequest) -> bool:
        """Tell without asking the catalogue, which counts all its files, that a request is not done yet."""
        return any(
            request.holds(one.root.id, member.path)
            for one in self._core.under_way.values()
            for member in one.job.members[:1]
        )

    def _counts(self, request: ImportRequest) -> list[ScopeCounts]:
        now = self._core.steady.now()
        with self._core.catalogue.reading() as connection:
            return [
                count_scope(connection, scope.root.id, scope.directory, scope.name, now=now) for scope in request.scopes
            ]

    def _answer(self, request: ImportRequest, counts: list[ScopeCounts]) -> None:
        self._open.remove(request)
        request.problems += [sentence for scope in request.scopes if (sentence := _not_seen(scope)) is not None]
        if not request.future.done():
            request.future.set_result(request.summary(counts, self._core.clock.monotonic()))

    def finish_all(self, problem: str | None = None) -> None:
        """Answer all requests with what is done so far, and with why it is no more."""
        for request in list(self._open):
            request.problems += [problem] if problem else []
            self._answer(request, self._counts(request))

    def cancel_all(self) -> None:
        """Cancel what can't be answered any more: the loop ends."""
        for request in self._open:
            request.future.cancel()
        self._open.clear()


def _not_seen(scope: Scope) -> str | None:
    """Tell of folders whose files are not among those that were counted; disks that are away have their own word."""
    if scope.name is not None or not scope.root.can_be_used:
        return None
    away = scope.root.scanner.mounts.away()
    shut = scope.root.troubled.below(scope.directory)
    folders = [path for path in shut if not any(is_at_or_below(path, one) for one in away)]
    if not folders:
        return None
    more = f" and {len(folders) - 1} more" if len(folders) > 1 else ""
    return f"root {scope.root.name}: could not look at all of {display(folders[0]) or '.'}{more}"
