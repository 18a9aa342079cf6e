"""Tells from looks that known files are somewhere else: one that left its path, several that exchanged their names."""

from collections.abc import Mapping

from catalog.connections import Connection
from catalog.exchanges import parked, placed_in_plates
from catalog.moves import MoveCandidate, move_candidates
from ingest.folders import below
from ingest.listing import Entry, EntryKind, NamesLook


def has_left(old: NamesLook, candidate: MoveCandidate) -> bool:
    """Tell whether a file left its path: nothing is there now, or another file, put there after it was renamed."""
    name = candidate.path.rpartition(b"/")[2]
    now = next((entry for entry in old.entries if entry.name == name), None)
    return name in old.gone or (now is not None and now.inode != candidate.inode)


def exchanged(connection: Connection, root_id: int, look: NamesLook) -> list[tuple[Entry, MoveCandidate]]:
    """Find imported files that exchanged their names in a folder, each with what is known of it; these names are free.

    By inode, size and time, and by one look at all of them, each of a ring lies where another of it lay. Files of
    several, and those in wells, are left to be updates.
    """
    entries = {(one.inode, one.size_bytes, one.mtime_ns): one for one in look.entries if one.kind is EntryKind.FILE}
    if len(entries) < 2:
        return []
    found = {
        entries[key].name: (entries[key], candidate)
        for key, candidate in move_candidates(connection, root_id, list(entries)).items()
        if _may_be_exchanged(look.directory, entries[key].name, candidate)
    }
    in_plates = placed_in_plates(connection, [candidate.fileset_id for _, candidate in found.values()])
    came_from = {name: known.name for name, (_, known) in found.items() if known.fileset_id not in in_plates}
    return [(found[name][0], parked(connection, found[name][1])) for name in sorted(in_rings(came_from))]


def partners(connection: Connection, root_id: int, look: NamesLook, replaced: set[bytes]) -> set[bytes]:
    """Give the names where the files lay that lie now in the place of others: they may have been exchanged.

    Events tell of one name at a time, and only one look at both can say so.
    """
    looks = [(one.inode, one.size_bytes, one.mtime_ns) for one in look.entries if one.name in replaced]
    found = move_candidates(connection, root_id, looks).values()
    return {known.name for known in found if known.path == below(look.directory, known.name)}


def _may_be_exchanged(directory: bytes, name: bytes, known: MoveCandidate) -> bool:
    is_from_here = known.path == below(directory, known.name) and known.name != name
    return is_from_here and known.is_done and not known.is_missing and known.grouping == "file"


def in_rings(came_from: Mapping[bytes, bytes]) -> set[bytes]:
    """Give the names of all rings: each file came from a name to which another file of the ring came. Pure."""
    left = dict(came_from)
    while True:
        sources = set(left.values())
        kept = {name: source for name, source in left.items() if source in left and name in sources}
        if len(kept) == len(left):
            return set(kept)
        left = kept
