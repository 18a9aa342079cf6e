"""Merges and divides what the rules group otherwise, in short transactions: files leave, images are filed, files come.

A kill in between is harmless: what was done is no longer to be done, and who keeps the ids comes out the same again.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from catalog.connections import Connection
from catalog.engine import Catalogue
from catalog.filed import Filed, filed_by_ids
from catalog.refiling import MEANWHILE, ApplyRun, Refiling, refile_page
from catalog.regroup_rows import read_anew
from catalog.regrouping import NewPart, absorb, release, waiting_under
from ingest.comparing import Change, Kind, Options, compare
from ingest.deciding import keys_of
from ingest.documents import placement_document
from ingest.keeping import Joint
from ingest.placement import NotPlaced
from ingest.plan_changes import Compared
from ingest.planning import PlannedRoot, main_looks
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
        is_drawn_anew=bool({Kind.CHANNELS, Kind.ASSOCIATED} & change.kinds),
        is_forced=Kind.REFILED in change.kinds and not (one.filed.is_in_place or one.filed.is_unplaced),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A fileset as it is now, with what the rules say of its files."""

    filed: Filed
    files: Sequence[WantedFile]

    @property
    def captured(self) -> Mapping[bytes, str | None]:
        return {file.path: file.captured for file in self.files}

    def goes_to(self, key: bytes) -> bool:
        """Tell whether all its files are placed, the first of them in the image of this key."""
        keys = [file.keys.key if file.keys is not None else None for file in self.files]
        return None not in keys and keys[0] == key

    def goes_whole_to(self, key: bytes) -> bool:
        return self.goes_to(key) and len({file.keys.key for file in self.files if file.keys is not None}) == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Regrouping:
    """Merges and divides for one `apply`."""

    catalogue: Catalogue
    run: ApplyRun
    options: Options
    between: Callable[[], None]

    def all_of(self, root: PlannedRoot, joint: Joint) -> Iterator[tuple[Compared, str | None]]:
        """Do what one joint wants; gives each fileset, with the reason where it stays.

        What changes hands does so first, as it is: files are merged and divided among one person's images only.
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
            kept = self._keep(root, key, keeper_id)
            if kept is None:
                continue
            yield kept
            if kept[1] is None:
                others = sorted(one for one, goes in joint.goes_to.items() if goes == key and one != keeper_id)
                yield from self._merge(root, key, keeper_id, others)

    def _asked(self, root: PlannedRoot, ids: Sequence[int]) -> dict[int, _Asked]:
        with self.catalogue.reading() as connection:
            found = filed_by_ids(connection, ids)
        looks = main_looks(root, list(found.values()))
        return {
            fileset_id: _Asked(filed=filed, files=wanted_files(root, filed, looks.get(fileset_id)))
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
        with self.catalogue.writing() as connection:
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
            with self.catalogue.writing() as connection:
                now = filed_by_ids(connection, [fileset_id], is_locking=True).get(fileset_id)
                if now != asked.filed:
                    return _left(asked.filed, MEANWHILE)
                release(connection, asked.filed, parts, self.run)
            self.between()

    def _keep(self, root: PlannedRoot, key: bytes, keeper_id: int) -> tuple[Compared, str | None] | None:
        """File anew the fileset that keeps its ids, and take in what came under the image's key meanwhile."""
        asked = self._asked(root, [keeper_id]).get(keeper_id)
        if asked is None:
            return None
        if not asked.goes_whole_to(key):
            return _left(asked.filed, MEANWHILE)
        compared = _compared(root, asked, self.options)
        with self.catalogue.writing() as connection:
            if filed_by_ids(connection, [keeper_id], is_locking=True).get(keeper_id) != asked.filed:
                return compared, MEANWHILE
            with connection.begin_nested() as savepoint:
                if key != asked.filed.keys.key:
                    self._take_in(connection, asked.filed, key)
                filed = filed_by_ids(connection, [keeper_id])[keeper_id]
                refiling = replace(refiling_of(compared), captured=asked.captured, filed=filed)
                problem = refile_page(connection, [refiling], self.run)[keeper_id]
                if problem is not None:
                    savepoint.rollback()
        self.between()
        return compared, problem

    def _take_in(self, connection: Connection, keeper: Filed, key: bytes) -> None:
        """Take in files that wait under the image's key, and are not catalogued yet."""
        waiting = waiting_under(connection, keeper.root_id, key)
        if waiting is not None:
            absorb(connection, waiting, keeper, {}, self.run)

    def _merge(
        self, root: PlannedRoot, key: bytes, keeper_id: int, others: Sequence[int]
    ) -> Iterator[tuple[Compared, str | None]]:
        """Let other filesets go into the one that keeps its ids."""
        for start in range(0, len(others), FILESETS_AT_ONCE):
            asked = self._asked(root, others[start : start + FILESETS_AT_ONCE])
            told: list[tuple[Compared, str | None]] = []
            with self.catalogue.writing() as connection:
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
    keys = partial(keys_of, root.deciding, first.path)
    change = compare(asked.filed, first.decided, first.filed_by, keys, options, is_regrouped=True)
    return Compared(filed=asked.filed, change=change, placement=first.decided[0])


def _as_merged(compared: Compared) -> Compared:
    return replace(compared, change=replace(compared.change, kinds=frozenset({Kind.MERGED})))


def _left(filed: Filed, why: str) -> tuple[Compared, str]:
    return Compared(filed=filed, change=Change(), placement=None), why
