"""Merges and divides what the rules group otherwise, in short transactions: files leave, images are filed, files come.

A kill in between is harmless: what was done is no longer to be done, and who keeps the ids comes out the same again.
What concerns sets that describe themselves is one transaction: half of one would have no file that describes it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

from catalog.connections import Connection
from catalog.engine import Catalogue
from catalog.filed import Filed, filed_by_ids
from catalog.refiling import MEANWHILE, TAKEN_KEY, ApplyRun, Refiling, refile_page
from catalog.regroup_rows import read_anew
from catalog.regrouping import NewPart, absorb, known_under, release
from catalog.set_mains import put_main_aside, take_held_in
from ingest.comparing import Change, Kind, Options, compare
from ingest.described import DescribedSet, Sets, put_aside
from ingest.documents import placement_document
from ingest.grouping import order_of
from ingest.keeping import Joint
from ingest.placement import NotPlaced, NotPlacedAs
from ingest.plan_changes import Compared
from ingest.planning import PlannedRoot, main_looks, main_path
from ingest.regroup_plan import WantedFile, wanted_files, wanted_owner, why_unplaced

#: So many filesets are merged, or files released, in one transaction.
FILESETS_AT_ONCE = 50
FILES_AT_ONCE = 200


def refiling_of(one: Compared) -> Refiling:
    """Give what a comparison says as what the catalogue is to do."""
    change: Change = one.change
    assert change.document is not None  # noqa: S101 - there is something to do
    assert change.keys is not None  # noqa: S101 - they come with the document
    return Refiling(
        filed=one.filed,
        document=change.document,
        keys=change.keys,
        names=change.names,
        owner=change.owner if Kind.REOWNED in change.kinds else None,
        is_by_hand=change.is_by_hand,
        is_placed_anew=Kind.REFILED in change.kinds,
        is_drawn_anew=bool({Kind.CHANNELS, Kind.ASSOCIATED, Kind.READ} & change.kinds),
        is_forced=Kind.REFILED in change.kinds and not (one.filed.is_in_place or one.filed.is_unplaced),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A fileset as it is now, with what the rules say of its files; ``aside`` is why its main file leaves it."""

    filed: Filed
    files: Sequence[WantedFile]
    aside: NotPlaced | None = None

    @property
    def captured(self) -> Mapping[bytes, str | None]:
        return {file.path: file.captured for file in self.files}

    def goes_to(self, key: bytes) -> bool:
        """Tell whether all its files are placed, the first of them in the image of this key."""
        keys = [file.keys.key if file.keys is not None else None for file in self.files]
        return None not in keys and keys[0] == key

    def goes_whole_to(self, key: bytes) -> bool:
        return self.goes_to(key) and len({file.keys.key for file in self.files if file.keys is not None}) == 1


@dataclass(frozen=True, slots=True)
class _Known:
    """Files, by path, and main files that leave, by fileset, as the rules were asked about them."""

    files: Mapping[bytes, WantedFile] = field(default_factory=dict)
    aside: Mapping[int, NotPlaced] = field(default_factory=dict)

    def asked(self, filed: Filed) -> _Asked:
        """Give a fileset as it is now; what nobody was asked about came meanwhile."""
        aside = self.aside.get(filed.fileset_id)
        left = None if aside is None else main_path(filed)
        paths = (path for path in sorted(filed.paths, key=order_of) if path != left)
        files = [self.files.get(path) or WantedFile(path=path, decided=_CAME, filed_by="rule") for path in paths]
        return _Asked(filed=filed, files=files, aside=aside)


_CAME = NotPlaced(disposition=NotPlacedAs.HELD, reason=MEANWHILE)


class _StaysError(Exception):
    """A fileset has to stay as it is: what was written in this transaction is undone."""

    def __init__(self, compared: Compared, problem: str) -> None:
        super().__init__(problem)
        self.told = compared, problem


def _do_nothing() -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Regrouping:
    """Merges and divides for one `apply`; ``sets`` are those that describe themselves from now on, by key.

    ``within`` is the transaction of what is done at once; ``known`` is what was looked at before it began.
    """

    catalogue: Catalogue
    run: ApplyRun
    options: Options
    between: Callable[[], None]
    sets: Mapping[bytes, DescribedSet]
    by_path: Sets
    within: Connection | None = None
    known: _Known = field(default_factory=_Known)

    def all_of(self, root: PlannedRoot, joint: Joint) -> Iterator[tuple[Compared, str | None]]:
        """Do what one joint wants; gives each fileset, with the reason where it stays."""
        if not joint.is_of_set:
            yield from self._steps(root, joint)
            return
        known = self._known(root, sorted(joint.goes_to))
        try:
            with self.catalogue.writing() as connection:
                at_once = replace(self, within=connection, known=known, between=_do_nothing)
                told = at_once._all_or_nothing(root, joint)
        except _StaysError as stays:
            told = [stays.told]
        self.between()
        yield from told

    def _known(self, root: PlannedRoot, ids: Sequence[int]) -> _Known:
        """Look at all files of some filesets before the transaction that builds on it."""
        files: dict[bytes, WantedFile] = {}
        aside: dict[int, NotPlaced] = {}
        for start in range(0, len(ids), FILESETS_AT_ONCE):
            for fileset_id, one in self._asked(root, ids[start : start + FILESETS_AT_ONCE]).items():
                files |= {file.path: file for file in one.files}
                if one.aside is not None:
                    aside[fileset_id] = one.aside
        return _Known(files, aside)

    def _all_or_nothing(self, root: PlannedRoot, joint: Joint) -> list[tuple[Compared, str | None]]:
        """Do all steps; raises _StaysError for the first fileset that has to stay."""
        told: list[tuple[Compared, str | None]] = []
        for compared, problem in self._steps(root, joint):
            if problem is not None:
                raise _StaysError(compared, problem)
            told.append((compared, problem))
        return told

    def _steps(self, root: PlannedRoot, joint: Joint) -> Iterator[tuple[Compared, str | None]]:
        """Do it step by step. What changes hands does so first, as it is.

        So files are merged and divided among one person's images only.
        """
        for fileset_id in sorted(joint.goes_to):
            problem = self._hand_over(root, fileset_id)
            if problem is not None:
                yield problem
                return
        for fileset_id in sorted(joint.divided):
            problem = self._divide(root, joint, fileset_id)
            if problem is not None:
                yield problem
                return
        for key, keeper_id in joint.keepers.items():
            others = sorted(one for one, goes in joint.goes_to.items() if goes == key and one != keeper_id)
            kept = self._keep(root, key, keeper_id, others)
            yield from kept
            if kept and kept[-1][1] is None:
                yield from self._merge(root, key, keeper_id, others)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        if self.within is not None:
            yield self.within
        else:
            with self.catalogue.reading() as connection:
                yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        if self.within is not None:
            yield self.within
        else:
            with self.catalogue.writing() as connection:
                yield connection

    def _asked(self, root: PlannedRoot, ids: Sequence[int]) -> dict[int, _Asked]:
        with self._reading() as connection:
            found = filed_by_ids(connection, ids)
        if self.within is not None:
            return {one: self.known.asked(filed) for one, filed in found.items() if filed.paths}
        looks = main_looks(root, list(found.values()))
        return {
            fileset_id: _Asked(
                filed=filed,
                files=wanted_files(root, filed, looks.get(fileset_id), self.by_path),
                aside=put_aside(root, filed, looks.get(fileset_id)),
            )
            for fileset_id, filed in found.items()
            if filed.paths
        }

    def _hand_over(self, root: PlannedRoot, fileset_id: int) -> tuple[Compared, str] | None:
        """Give a fileset to whom the rules say, grouped as it still is; gives why that can't be."""
        asked = self._asked(root, [fileset_id]).get(fileset_id)
        if asked is None or why_unplaced(asked.files) is not None:
            return None
        if wanted_owner(asked.files[0]) == (asked.filed.owner_id, asked.filed.group_id):
            return None
        compared = _compared(root, asked, self.options)
        if Kind.REOWNED not in compared.change.kinds:
            return compared, MEANWHILE
        with self._writing() as connection:
            still = replace(refiling_of(compared), keys=asked.filed.keys)
            problem = refile_page(connection, [still], self.run)[fileset_id]
        self.between()
        return None if problem is None else (compared, problem)

    def _divide(self, root: PlannedRoot, joint: Joint, fileset_id: int) -> tuple[Compared, str] | None:
        """Let the files go that are not of the image to which the fileset's ids go; gives why that can't be."""
        while True:
            asked = self._asked(root, [fileset_id]).get(fileset_id)
            if asked is None:
                return None
            if not asked.goes_to(joint.goes_to[fileset_id]):
                return _left(asked.filed, MEANWHILE)
            parts = list(_parts(asked, joint.goes_to[fileset_id]))
            if not parts:
                return None
            with self._writing() as connection:
                now = filed_by_ids(connection, [fileset_id], is_locking=True).get(fileset_id)
                if now != asked.filed:
                    return _left(asked.filed, MEANWHILE)
                release(connection, asked.filed, parts, self.run)
            self.between()

    def _keep(
        self, root: PlannedRoot, key: bytes, keeper_id: int, others: Sequence[int]
    ) -> list[tuple[Compared, str | None]]:
        """File anew the fileset that keeps its ids, and take in what is known under the image's key.

        The last that is given is the keeper, with the reason where it stays.
        """
        keeper = self._asked(root, [keeper_id]).get(keeper_id)
        if keeper is None:
            return []
        if not keeper.goes_whole_to(key):
            return [_left(keeper.filed, MEANWHILE)]
        compared = _compared(root, keeper, self.options)
        try:
            with self._writing() as connection:
                told = self._kept(connection, root, keeper, compared, key, others)
        except _StaysError as stays:
            if self.within is not None:
                raise
            return [stays.told]
        self.between()
        return [*told, (compared, None)]

    def _kept(
        self,
        connection: Connection,
        root: PlannedRoot,
        keeper: _Asked,
        compared: Compared,
        key: bytes,
        others: Sequence[int],
    ) -> list[tuple[Compared, str | None]]:
        """File the keeper anew; gives what went into it. Raises _StaysError."""
        keeper_id = keeper.filed.fileset_id
        if filed_by_ids(connection, [keeper_id], is_locking=True).get(keeper_id) != keeper.filed:
            raise _StaysError(compared, MEANWHILE)
        told = self._take_in(connection, root, compared, key, others)
        filed = filed_by_ids(connection, [keeper_id])[keeper_id]
        refiling = replace(refiling_of(compared), captured=keeper.captured, filed=filed)
        problem = refile_page(connection, [refiling], self.run)[keeper_id]
        if problem is not None:
            raise _StaysError(compared, problem)
        self._follow_main(connection, keeper, key)
        return told

    def _take_in(
        self, connection: Connection, root: PlannedRoot, keeper: Compared, key: bytes, others: Sequence[int]
    ) -> list[tuple[Compared, str | None]]:
        """Take in what is known under the image's key: files that wait; of a set, the image that its main file is."""
        known = None
        if key != keeper.filed.keys.key:
            known = known_under(connection, keeper.filed.root_id, key)
        if known is None:
            return []
        fileset_id, is_catalogued = known
        if not is_catalogued:
            absorb(connection, fileset_id, keeper.filed, {}, self.run)
            return []
        is_of_joint = self.within is not None and fileset_id in others
        other = self._asked(root, [fileset_id]).get(fileset_id) if is_of_joint else None
        if other is None or not other.goes_whole_to(key):
            raise _StaysError(keeper, TAKEN_KEY)
        absorb(connection, fileset_id, keeper.filed, other.captured, self.run)
        return [(_as_merged(_compared(root, other, self.options)), None)]

    def _follow_main(self, connection: Connection, keeper: _Asked, key: bytes) -> None:
        """Let the file that describes a set belong to it from now on; or to nothing, where it is one no more."""
        one = self.sets.get(key)
        if one is not None:
            take_held_in(connection, keeper.filed, one.main, one.held, one.decided[0].rule, self.run)
        elif keeper.aside is not None:
            disposition, reason = keeper.aside.disposition.value, keeper.aside.reason
            put_main_aside(connection, keeper.filed, main_path(keeper.filed), disposition, reason, self.run)

    def _merge(
        self, root: PlannedRoot, key: bytes, keeper_id: int, others: Sequence[int]
    ) -> Iterator[tuple[Compared, str | None]]:
        """Let other filesets go into the one that keeps its ids."""
        for start in range(0, len(others), FILESETS_AT_ONCE):
            asked = self._asked(root, others[start : start + FILESETS_AT_ONCE])
            told: list[tuple[Compared, str | None]] = []
            with self._writing() as connection:
                now = filed_by_ids(connection, [keeper_id, *asked], is_locking=True)
                keeper = now.get(keeper_id)
                for fileset_id, one in asked.items():
                    compared = _compared(root, one, self.options)
                    is_same = now.get(fileset_id) == one.filed and one.goes_whole_to(key)
                    if keeper is None or keeper.keys.key != key or not is_same:
                        told.append((compared, MEANWHILE))
                        continue
                    absorb(connection, fileset_id, keeper, one.captured, self.run)
                    told.append((_as_merged(compared), None))
                if any(problem is None for _, problem in told):
                    read_anew(connection, keeper_id, self.run.now)
            self.between()
            yield from told


def _parts(asked: _Asked, kept_key: bytes) -> Iterator[NewPart]:
    """Give the files that leave by the image they go to; so many that one transaction stays short."""
    leaving: dict[bytes, list[WantedFile]] = {}
    count = 0
    for file in asked.files:
        if file.keys is not None and file.keys.key != kept_key and count < FILES_AT_ONCE:
            leaving.setdefault(file.keys.key, []).append(file)
            count += 1
    for files in leaving.values():
        first = files[0]
        if first.keys is None or isinstance(first.decided, NotPlaced):
            continue
        placement, ownership = first.decided
        yield NewPart(
            keys=first.keys,
            document=placement_document(placement, ownership),
            owner=(ownership.owner_id, ownership.group_id),
            is_by_hand=first.filed_by == "hand",
            captured={file.path: file.captured for file in files},
        )


def _compared(root: PlannedRoot, asked: _Asked, options: Options) -> Compared:
    first = asked.files[0]
    if isinstance(first.decided, NotPlaced):
        return Compared(filed=asked.filed, change=Change(), placement=None)
    keys = partial(first.keys_of, root)
    change = compare(asked.filed, first.decided, first.filed_by, keys, options, is_regrouped=True)
    return Compared(filed=asked.filed, change=change, placement=first.decided[0])


def _as_merged(compared: Compared) -> Compared:
    return replace(compared, change=replace(compared.change, kinds=frozenset({Kind.MERGED})))


def _left(filed: Filed, why: str) -> tuple[Compared, str]:
    return Compared(filed=filed, change=Change(), placement=None), why
