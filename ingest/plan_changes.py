"""What the rules make of what is catalogued: each fileset compared in turn, in pages, nothing written."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from catalog.engine import Catalogue
from catalog.filed import Filed, filed_page
from config.path_text import path_text
from ingest.comparing import Change, Kept, Kind, Options, compare, regrouped
from ingest.deciding import decide, keys_of
from ingest.described import Sets
from ingest.keeping import Joint
from ingest.listing import Entry
from ingest.placement import NotPlaced, NotPlacedAs, Ownership, Placement
from ingest.planning import PlannedRoot, absent, looks, main_looks, main_path
from ingest.regroup_plan import Regroupings, regroupings_of, wanted_files, why_unplaced

#: Filesets at once; each may have thousands of files.
PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A catalogued fileset with what the rules make of it now; ``placement`` is None where they file it nowhere.

    ``joint`` is what it is merged or divided with.
    """

    filed: Filed
    change: Change
    placement: Placement | None
    joint: Joint | None = None


def compare_all(
    catalogue: Catalogue, root: PlannedRoot, options: Options, regroupings: Regroupings | None = None
) -> Iterator[list[Compared]]:
    """Compare everything that is catalogued under a root, a page at a time, in the order of ids."""
    found = regroupings or regroupings_of(catalogue, root, options)
    after = 0
    while root.id is not None:
        with catalogue.reading() as connection:
            page = filed_page(connection, root.id, after_id=after, limit=PAGE)
        if not page:
            return
        after = page[-1].fileset_id
        yield compare_page(root, page, options, found)


def compare_page(
    root: PlannedRoot, page: Sequence[Filed], options: Options, regroupings: Regroupings | None = None
) -> list[Compared]:
    """Compare some filesets, each by its main file: looked at for whose it is on disk.

    Without ``regroupings`` each is compared for itself: it is told where its files would be grouped otherwise.
    """
    entries = main_looks(root, page)
    joints = {} if regroupings is None else regroupings.by_fileset
    compared = []
    for filed in page:
        if filed.paths:
            entry, joint = entries.get(filed.fileset_id), joints.get(filed.fileset_id)
            alone = (
                _compared(root, filed, entry, options)
                if joint is None
                else _regrouped(root, filed, entry, joint, options, regroupings.sets if regroupings else {})
            )
            why = _why_regrouped(root, filed, entry) if regroupings is None else None
            alone = alone if why is None else replace(alone, change=regrouped(why))
            compared.append(alone)
    return compared


def _compared(root: PlannedRoot, filed: Filed, entry: Entry | None, options: Options) -> Compared:
    path = main_path(filed)
    decided, filed_by = decide(root.deciding, path, entry or absent(path))
    if filed.keys.grouping == "index" and not isinstance(decided, NotPlaced):
        decided = _of_all_writers(root, filed, decided)
    keys = partial(keys_of, root.deciding, path)
    change = compare(filed, decided, filed_by, keys, options, is_there=entry is not None)
    return Compared(filed=filed, change=change, placement=None if isinstance(decided, NotPlaced) else decided[0])


def _of_all_writers(
    root: PlannedRoot, filed: Filed, decided: tuple[Placement, Ownership]
) -> tuple[Placement, Ownership] | NotPlaced:
    """Judge the files that a main file names, too: each by who wrote it. The first that is another's holds them all."""
    placement, ownership = decided
    for path, entry in looks(root.fd, filed.paths).items():
        own = ownership if entry is None else root.deciding.own(placement, entry.uid, entry.gid)
        name = path_text(path.rpartition(b"/")[2])
        if isinstance(own, NotPlaced):
            return replace(own, reason=f"'{name}': {own.reason}")
        if (own.owner_id, own.group_id) != (ownership.owner_id, ownership.group_id):
            return NotPlaced(
                disposition=NotPlacedAs.HELD, reason=f"'{name}' belongs to somebody else than its main file"
            )
    return decided


def _why_regrouped(root: PlannedRoot, filed: Filed, entry: Entry | None) -> str | None:
    """Say that the rules no longer make one image of the files of an image, with the same plane for each."""
    if filed.keys.grouping != "names":
        return None
    files = wanted_files(root, filed, entry, {})
    unplaced = why_unplaced(files)
    captured = dict(zip(filed.paths, filed.captured, strict=True))
    is_read_so = all(captured[file.path] == file.captured for file in files)
    is_one = len({file.keys.key for file in files if file.keys is not None}) == 1
    return unplaced or (None if is_read_so and is_one else Kept.APPLY_ONLY)


def _regrouped(
    root: PlannedRoot, filed: Filed, entry: Entry | None, joint: Joint, options: Options, sets: Sets
) -> Compared:
    """Say what becomes of a fileset that is merged or divided: it keeps its ids, or goes into another one."""
    first = next((file for file in wanted_files(root, filed, entry, sets) if file.keys is not None), None)
    if first is None or isinstance(first.decided, NotPlaced) or joint.problem is not None:
        placement = None if first is None or isinstance(first.decided, NotPlaced) else first.decided[0]
        why = joint.problem or Kept.APPLY_ONLY
        return Compared(filed=filed, change=regrouped(why), placement=placement, joint=joint)
    change = compare(filed, first.decided, first.filed_by, partial(first.keys_of, root), options, is_regrouped=True)
    is_kept = joint.keeper_of(filed.fileset_id) == filed.fileset_id
    if not is_kept:
        change = replace(change, kinds=frozenset({Kind.MERGED}) | (change.kinds & {Kind.REOWNED}), names={})
    if filed.fileset_id in joint.divided:
        change = replace(change, kinds=change.kinds | {Kind.DIVIDED})
    return Compared(filed=filed, change=change, placement=first.decided[0], joint=joint)
