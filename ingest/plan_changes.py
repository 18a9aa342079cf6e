"""What the rules make of what is catalogued: each fileset compared in turn, in pages, nothing written."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from catalog.captured import written
from catalog.engine import Catalogue
from catalog.filed import Filed, filed_page
from ingest.accounts import NOBODY
from ingest.comparing import Change, Kept, Kind, Options, compare, regrouped
from ingest.deciding import decide, keys_of
from ingest.filesets import fileset_key
from ingest.listing import Entry, EntryKind
from ingest.placement import NotPlaced, Ownership, Placement
from ingest.planning import PlannedRoot, looks

#: Filesets at once; each may have thousands of files.
PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A catalogued fileset with what the rules make of it now; ``placement`` is None where they file it nowhere."""

    filed: Filed
    change: Change
    placement: Placement | None


def compare_all(catalogue: Catalogue, root: PlannedRoot, options: Options) -> Iterator[list[Compared]]:
    """Compare everything that is catalogued under a root, a page at a time, in the order of ids."""
    after = 0
    while root.id is not None:
        with catalogue.reading() as connection:
            page = filed_page(connection, root.id, after_id=after, limit=PAGE)
        if not page:
            return
        after = page[-1].fileset_id
        yield compare_page(root, page, options)


def compare_page(root: PlannedRoot, page: Sequence[Filed], options: Options) -> list[Compared]:
    """Compare some filesets, each by its main file: looked at for whose it is on disk."""
    mains = {filed.fileset_id: _main_path(filed) for filed in page if filed.paths}
    entries = looks(root.fd, list(mains.values()))
    return [
        _compared(root, filed, mains[filed.fileset_id], entries[mains[filed.fileset_id]], options)
        for filed in page
        if filed.paths
    ]


def _main_path(filed: Filed) -> bytes:
    """Give the file that the rules are asked about: the one by whose path the fileset is known, else the first."""
    return next((path for path in filed.paths if fileset_key(path) == filed.keys.key), filed.paths[0])


def _compared(root: PlannedRoot, filed: Filed, path: bytes, entry: Entry | None, options: Options) -> Compared:
    look = entry or _absent(path)
    decided, filed_by = decide(root.deciding, path, look)
    if isinstance(decided, NotPlaced):
        change = compare(filed, decided, filed_by, partial(keys_of, root.deciding, path), options)
        return Compared(filed=filed, change=change, placement=None)
    keys = partial(keys_of, root.deciding, path)
    change = compare(filed, decided, filed_by, keys, options, is_there=entry is not None)
    is_same_set = Kind.REGROUPED not in change.kept and filed.keys.grouping == "names"
    if is_same_set and not _stay_together(root, filed, look, decided):
        change = regrouped(Kept.OTHER_PLANES)
    return Compared(filed=filed, change=change, placement=decided[0])


def _stay_together(root: PlannedRoot, filed: Filed, look: Entry, main: tuple[Placement, Ownership]) -> bool:
    """Tell whether the rules make one image of the files of an image still, with the same plane for each.

    They were written together: whose the first is on disk counts for all.
    """
    wanted = keys_of(root.deciding, filed.paths[0], *main).key
    for path, captured in zip(filed.paths, filed.captured, strict=True):
        decided, _ = decide(root.deciding, path, look._replace(name=path.rpartition(b"/")[2]))
        if isinstance(decided, NotPlaced) or keys_of(root.deciding, path, *decided).key != wanted:
            return False
        if written(decided[0].dimensions) != captured:
            return False
    return True


def _absent(path: bytes) -> Entry:
    """Stand for a file that is not there: nobody's."""
    return Entry(path.rpartition(b"/")[2], 0, 0, 0, 0, NOBODY, NOBODY, EntryKind.FILE)
