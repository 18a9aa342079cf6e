"""Compares a part of a listing with what is stored of it: only what differs goes on to be decided about. Pure.

Nearly every file of nearly every scan is as it was. Both sides come as plain tuples in the order of names, so that a
whole folder is compared at once; one that differs is compared name by name, with the same outcome as if each file's row
had been read and judged (`ingest.deciding.is_unchanged`).
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from catalog.looks import StoredLook
from ingest.listing import Entry, ListingPart


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """What a part of a listing shows otherwise than it is stored.

    ``entries`` are new, changed, or back; ``known`` the names among them that are stored, ``gone`` the names that are
    stored as there and are not listed.
    """

    entries: Sequence[Entry] = ()
    known: Sequence[bytes] = ()
    gone: Sequence[bytes] = ()

    def __bool__(self) -> bool:
        """Tell whether there is any."""
        return bool(self.entries or self.gone)


NONE = Differences()


def of_directory(rows: Sequence[StoredLook], directory_id: int) -> Sequence[StoredLook]:
    """Give the rows of one directory, of rows in the order of directories."""
    low: tuple[int] = (directory_id,)
    high: tuple[int] = (directory_id + 1,)
    return rows[bisect_left(rows, low) : bisect_left(rows, high)]


def differences(directory_id: int, part: ListingPart, stored: Sequence[StoredLook]) -> Differences:
    """Compare a part with the rows of its range, both in the order of names."""
    here = directory_id
    seen = [(here, n, size, mtime, ctime, inode, None) for n, size, mtime, ctime, inode, _, _, _ in part.entries]
    if seen == stored:
        return NONE
    rows = set(stored)
    entries = [entry for entry, look in zip(part.entries, seen, strict=True) if look not in rows]
    names = {row[1] for row in stored}
    return Differences(
        entries=entries,
        known=[entry.name for entry in entries if entry.name in names],
        gone=_gone(part, stored),
    )


def _gone(part: ListingPart, stored: Sequence[StoredLook]) -> list[bytes]:
    """Give the names that are stored as there and were not listed; none where the listing broke off."""
    if part.problem is not None and not part.unknown:
        return []
    there = {entry.name for entry in part.entries} | part.unknown
    return [name for _, name, *_, missing_since in stored if missing_since is None and name not in there]
