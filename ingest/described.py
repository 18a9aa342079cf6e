"""Which files are parts of a set that one of them describes, by the rules of now: `apply` joins and parts them.

A set is one while its main file has a place and its rule lets the reader tell what belongs together (`by`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from catalog.adopting import named_sightings
from catalog.connections import Connection
from catalog.engine import Catalogue
from catalog.filed import Filed, FilesetKeys
from catalog.held_sets import SetMain, set_mains
from ingest.deciding import decide, keys_of
from ingest.filesets import only_describes
from ingest.grouping import order_of
from ingest.listing import Entry
from ingest.placement import NotPlaced, NotPlacedAs, Ownership, Placement
from ingest.planning import PlannedRoot, absent, looks, main_path

#: Why a file that describes others is none of their images any more.
ASIDE = (NotPlacedAs.SKIPPED, NotPlacedAs.UNMATCHED, NotPlacedAs.IGNORED)
_Decided = tuple[Placement, Ownership] | NotPlaced
_NEEDS_MAIN = "it may tell nothing without the file that describes it; `by: names` in its rule reads it for itself"
_OTHER = "by the rules it is somebody else's than the file that describes it"


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribedSet:
    """A set: its main file with what the rules say of it. ``held`` are files of it that wait for `apply`, by path."""

    main: bytes
    decided: tuple[Placement, Ownership]
    filed_by: str
    keys: FilesetKeys
    held: tuple[bytes, ...] = ()

    def why_not(
        self, path: bytes, decided: tuple[Placement, Ownership] | NotPlaced, catalogued: tuple[int, int]
    ) -> NotPlaced | None:
        """Say why a file can't be part of it though it is named: it waits for a person, or is another's.

        One about which the rules say nothing is whose it is ``catalogued`` as: (owner, group).
        """
        if path == self.main:
            return None
        if isinstance(decided, NotPlaced):
            if decided.disposition is NotPlacedAs.HELD:
                return decided
            own = catalogued
        else:
            own = decided[1].owner_id, decided[1].group_id
        if own == (self.decided[1].owner_id, self.decided[1].group_id):
            return None
        return NotPlaced(disposition=NotPlacedAs.HELD, reason=_OTHER)


#: Sets by the paths of their files.
Sets = Mapping[bytes, DescribedSet]


def described_sets(catalogue: Catalogue, root: PlannedRoot) -> dict[bytes, DescribedSet]:
    """Give the sets that files describe which are held, or catalogued as images of their own, by all their paths.

    What two of them name belongs to the first in natural order.
    """
    if root.id is None:
        return {}
    found: dict[bytes, DescribedSet] = {}
    with catalogue.reading() as connection:
        mains = [one for one in set_mains(connection, root.id) if _is_apart(connection, root.id, one)]
        mains.sort(key=lambda one: order_of(one.path))
        firsts = [_first(connection, root.id, one) for one in mains]
    held = {one.path for one in mains if one.fileset_id is None}
    entries = looks(root.fd, firsts)
    for main, first in zip(mains, firsts, strict=True):
        files = main.names | {main.path, first}
        one = None if files & found.keys() else _set_of(root, first, entries[first])
        if one is not None:
            one = replace(one, held=tuple(sorted(files & held)))
            found |= dict.fromkeys(files, one)
    return found


def _is_apart(connection: Connection, root_id: int, main: SetMain) -> bool:
    """Tell whether a file waits for `apply`: it is held, or catalogued apart from others that it names."""
    if main.fileset_id is None:
        return True
    there = named_sightings(connection, root_id, sorted(main.names)).values()
    return any(file.is_done and file.fileset_id != main.fileset_id for file in there)


def _first(connection: Connection, root_id: int, main: SetMain) -> bytes:
    """Give the file by which a set is known: where each describes all of them, the first of those that are there."""
    if not main.is_mutual:
        return main.path
    there = named_sightings(connection, root_id, sorted(main.names))
    known = [path for path, file in there.items() if file.is_done or file.disposition == "held"]
    return min([main.path, *known], key=order_of)


def own_set(root: PlannedRoot, filed: Filed, look: Entry | None) -> DescribedSet | None:
    """Give the set that a catalogued fileset is, if its main file still makes it one; None also for other filesets."""
    return _set_of(root, main_path(filed), look) if filed.keys.grouping == "index" else None


def _set_of(root: PlannedRoot, main: bytes, look: Entry | None) -> DescribedSet | None:
    decided, filed_by = decide(root.deciding, main, look or absent(main))
    if isinstance(decided, NotPlaced) or decided[0].by == "names":
        return None
    keys = keys_of(root.deciding, main, *decided)._replace(grouping="index")
    return DescribedSet(main=main, decided=decided, filed_by=filed_by, keys=keys)


def without_main(
    path: bytes, decided: tuple[Placement, Ownership] | NotPlaced
) -> tuple[Placement, Ownership] | NotPlaced:
    """Decide about a file whose main file leaves: an OME-TIFF may have all its metadata there, and be refused alone."""
    is_ome = b".ome." in path.rpartition(b"/")[2].lower()
    if isinstance(decided, NotPlaced) or decided[0].by == "names" or not is_ome:
        return decided
    return NotPlaced(disposition=NotPlacedAs.HELD, reason=_NEEDS_MAIN)


def put_aside(root: PlannedRoot, filed: Filed, look: Entry | None) -> NotPlaced | None:
    """Say what becomes of the main file of a set that is one no more, if it holds no pixels; None where it stays."""
    path = main_path(filed)
    if filed.keys.grouping != "index" or not only_describes(path):
        return None
    decided, _ = decide(root.deciding, path, look or absent(path))
    return decided if isinstance(decided, NotPlaced) and decided.disposition in ASIDE else None
