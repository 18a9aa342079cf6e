"""Applies changed rules to what is catalogued, and takes that back: page by page, each a short transaction.

A kill in between is harmless: what was done differs no more, and the next `apply` finds the rest.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from catalog.applies import Decision, decisions_of
from catalog.engine import Catalogue
from catalog.errors import Refused
from catalog.filed import filed_by_ids
from catalog.filings import filing_of
from catalog.people import create_unknown
from catalog.queries.history import DIVIDED, REFILED, REOWNED
from catalog.queries.objects import MERGED
from catalog.refiling import ApplyRun, goes_into_plate, place_page, refile_page
from catalog.undoing import place_back, undo_page
from catalog.ungrouping import ungroup_page
from ingest.comparing import Kind, Options
from ingest.plan_changes import Compared, compare_all, compare_page
from ingest.planning import PlannedRoot
from ingest.regroup_apply import Regrouping, refiling_of
from ingest.regroup_plan import regroupings_of

#: So many filesets are filed anew in one transaction.
AT_ONCE = 50
UNDONE_AT_ONCE = 50
#: So many wait for their place in a plate, 100 bytes each; where there are more, these are put there before.
WAITING_AT_MOST = 500_000
#: Events of filesets that were filed anew; the others tell of files that went from one to another.
FILINGS = (REFILED, REOWNED)

#: Called between transactions, for whoever wants to stop, or to be killed there.
Between = Callable[[], None]


def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """A fileset that was to be filed anew, by its first file: ``problem`` is why it was not, or not wholly."""

    path: bytes
    problem: str | None = None


@dataclass(slots=True, kw_only=True)
class Applying:
    """One `apply` under way. ``make_people`` is told after users were made, so that decisions know them."""

    catalogue: Catalogue
    run: ApplyRun
    options: Options
    made_people: Callable[[], None] = _nothing
    between: Between = _nothing
    #: What is to go into plates, with its first file.
    _waiting: dict[int, bytes] = field(default_factory=dict)

    def root(self, root: PlannedRoot) -> Iterator[Applied]:
        """File anew what is catalogued under a root and differs from the rules; gives what was not, too.

        What is merged or divided comes last: others have left its places then.
        """
        regroupings = regroupings_of(self.catalogue, root, self.options)
        for page in compare_all(self.catalogue, root, self.options, regroupings):
            plain = [one for one in page if one.joint is None]
            for start in range(0, len(plain), AT_ONCE):
                yield from self._batch(root, plain[start : start + AT_ONCE])
        yield from self._place()
        regrouping = Regrouping(
            catalogue=self.catalogue, run=self.run, options=self.options, between=self.between,
            sets={one.keys.key: one for one in regroupings.sets.values()}, by_path=regroupings.sets,
        )  # fmt: skip
        for joint in regroupings.joints:
            for one, problem in regrouping.all_of(root, joint) if joint.problem is None else ():
                if problem is None and _waits(one):
                    self._waiting[one.filed.fileset_id] = _shown(one)
                else:
                    yield Applied(path=_shown(one), problem=problem)
        yield from self._place()

    def some(self, root: PlannedRoot, page: Sequence[Compared]) -> Iterator[Applied]:
        """File anew what was compared already."""
        for start in range(0, len(page), AT_ONCE):
            yield from self._batch(root, page[start : start + AT_ONCE])
        yield from self._place()

    def _batch(self, root: PlannedRoot, page: Sequence[Compared]) -> Iterator[Applied]:
        page = self._make_people(root, page)
        wanted = [one for one in page if one.change.kinds and not _lacks_owner(one)]
        yield from (
            Applied(path=_shown(one), problem=f"'{one.change.create_name}' can't be made a user")
            for one in page
            if _lacks_owner(one)
        )
        if not wanted:
            return
        with self.catalogue.writing() as connection:
            results = refile_page(connection, [refiling_of(one) for one in wanted], self.run)
        self.between()
        for one in wanted:
            problem = results[one.filed.fileset_id]
            if problem is None and _waits(one):
                self._waiting[one.filed.fileset_id] = _shown(one)
                if len(self._waiting) > WAITING_AT_MOST:
                    yield from self._place()
            else:
                yield Applied(path=_shown(one), problem=problem)

    def _make_people(self, root: PlannedRoot, page: Sequence[Compared]) -> Sequence[Compared]:
        """Make the users that `unknown: create` asks for, then compare what is theirs again."""
        wanted = {
            (one.change.create_name or "", one.change.owner[1])
            for one in page
            if one.change.owner is not None and _lacks_owner(one)
        }
        if not wanted:
            return page
        for name, group_id in sorted(wanted):
            try:
                with self.catalogue.writing() as connection:
                    create_unknown(
                        connection, name, group_id, now=self.run.now, configuration_id=self.run.configuration_id
                    )
            except Refused:
                continue
        self.made_people()
        theirs = [one.filed for one in page if _lacks_owner(one)]
        return [one for one in page if not _lacks_owner(one)] + compare_page(root, theirs, self.options)

    def _place(self) -> Iterator[Applied]:
        """Put into plates what left its place, now that all that had to leave has left."""
        ids = sorted(self._waiting)
        for start in range(0, len(ids), AT_ONCE):
            chunk = ids[start : start + AT_ONCE]
            with self.catalogue.writing() as connection:
                taken = place_page(connection, chunk, self.run)
            self.between()
            for fileset_id in chunk:
                yield Applied(path=self._waiting.pop(fileset_id), problem=_told(taken.get(fileset_id)))


def _shown(one: Compared) -> bytes:
    return one.filed.paths[0] if one.filed.paths else b"fileset %d" % one.filed.fileset_id


def _waits(one: Compared) -> bool:
    """Tell whether a fileset that was filed anew has left its place, and goes into a plate once all have."""
    document = one.change.document
    return Kind.REFILED in one.change.kinds and document is not None and goes_into_plate(filing_of(document))


def _lacks_owner(one: Compared) -> bool:
    """Tell whether a user has to be made before it can change hands."""
    return one.change.create_name is not None and Kind.REOWNED in one.change.kinds


def _told(reason: str | None) -> str | None:
    return None if reason is None else f"it lies in no container now, its place is taken: {reason}"


def undo_all(
    catalogue: Catalogue, run: ApplyRun, apply_id: int, *, between: Between = _nothing
) -> Iterator[tuple[int, str | None]]:
    """Take an `apply` back, the newest decision first; gives each fileset, with the reason where it stays."""
    for decisions in _pages(catalogue, apply_id):
        for is_filing, some in groupby(decisions, key=lambda decision: decision.what in FILINGS):
            with catalogue.writing() as connection:
                results = (undo_page if is_filing else ungroup_page)(connection, list(some), run)
            between()
            yield from results.items()
    for decisions in _pages(catalogue, apply_id):
        waiting = _still_waiting(catalogue, [one for one in decisions if one.what in FILINGS])
        if not waiting:
            continue
        with catalogue.writing() as connection:
            taken = place_back(connection, waiting, run)
        between()
        yield from ((fileset_id, _told(reason)) for fileset_id, reason in taken.items())


def _pages(catalogue: Catalogue, apply_id: int) -> Iterator[list[Decision]]:
    before_id: int | None = None
    while True:
        with catalogue.reading() as connection:
            page, before_id = decisions_of(
                connection, apply_id, (*FILINGS, MERGED, DIVIDED), before_id=before_id, limit=UNDONE_AT_ONCE
            )
        if page:
            yield page
        if before_id is None:
            return


def _still_waiting(catalogue: Catalogue, decisions: Sequence[Decision]) -> list[Decision]:
    with catalogue.reading() as connection:
        filed: Mapping[int, object] = {
            fileset_id: one
            for fileset_id, one in filed_by_ids(connection, [d.fileset_id for d in decisions]).items()
            if one.is_unplaced
        }
    return [decision for decision in decisions if decision.fileset_id in filed]
