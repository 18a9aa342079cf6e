"""What the rules make of what is catalogued: each fileset compared in turn, in pages, nothing written."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from catalog.engine import Catalogue
from catalog.filed import Filed, filed_page
from ingest.accounts import NOBODY
from ingest.comparing import Change, Options, compare
from ingest.deciding import decide
from ingest.listing import Entry, EntryKind
from ingest.placement import Placement
from ingest.planning import PlannedRoot, looks

PAGE = 500


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
    """Compare some filesets, each by its first file: looked at for whose it is on disk."""
    entries = looks(root.fd, [filed.paths[0] for filed in page if filed.paths])
    return [_compared(root, filed, filed.paths[0], entries[filed.paths[0]], options) for filed in page if filed.paths]


def _compared(root: PlannedRoot, filed: Filed, path: bytes, entry: Entry | None, options: Options) -> Compared:
    decided, filed_by = decide(root.deciding, path, entry or _absent(path))
    change = compare(filed, decided, filed_by, options, is_there=entry is not None)
    return Compared(filed=filed, change=change, placement=decided[0] if isinstance(decided, tuple) else None)


def _absent(path: bytes) -> Entry:
    """Stand for a file that is not there: nobody's."""
    return Entry(path.rpartition(b"/")[2], 0, 0, 0, 0, NOBODY, NOBODY, EntryKind.FILE)
