"""What a scan of a root would do by these rules, without doing it: each file in turn, nothing written anywhere."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from catalog import sightings
from catalog.connections import Connection
from catalog.engine import Catalogue
from catalog.filed import Filed
from catalog.held_sets import held_for_apply
from catalog.looks import KnownSighting, SeenFile
from catalog.moves import MoveCandidate, move_candidates
from catalog.name_neighbours import known_keys
from catalog.set_files import clash, clashes_of
from catalog.stored_copies import UNKNOWN
from config.rules import RootRules
from ingest.accounts import NOBODY
from ingest.deciding import Deciding, decide, is_unchanged, placed_file
from ingest.filesets import fileset_key
from ingest.folders import below, open_folder
from ingest.grouping import order_of
from ingest.inner_mounts import InnerMounts
from ingest.listing import Entry, EntryKind, ListingPart
from ingest.placement import NotPlaced, NotPlacedAs, Ownership, Placement
from ingest.regrouping import KeysNow, hold_joining
from ingest.scanner import look_at, walk_folders
from ingest.unvisited import unvisited

#: Files that are gone and may turn up elsewhere; of more it is not waited to be known.
ABSENT_AT_MOST = 200_000
#: Places in images of several files that are remembered; of more it is not foreseen that two files want the same.
PLACES_AT_MOST = 1_000_000
_FOLDERS_AT_ONCE = 20


class FileFate(StrEnum):
    """What a scan makes of one file."""

    ADD = "add"
    UPDATE = "update"
    MOVE = "move"
    MISSING = "missing"
    UNMATCHED = "unmatched"
    HELD = "held"
    #: Catalogued, and as it was; or ignored, or skipped by a rule.
    UNCHANGED = "unchanged"
    IGNORED = "ignored"
    SKIPPED = "skipped"
    #: Below a storage root, and new or changed: its content is looked up among the known files.
    LOOKED_UP = "looked_up"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFile:
    """One file, by its path relative to the root. ``came_from`` is where a moved file lay."""

    path: bytes
    fate: FileFate
    reason: str | None = None
    placement: Placement | None = None
    ownership: Ownership | None = None
    came_from: bytes | None = None
    #: It is a further file of an image that is new with another one, or catalogued already.
    is_further: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRoot:
    """A root to be planned, open. ``id`` is None for one that the catalogue does not know yet."""

    id: int | None
    fd: int
    rules: RootRules
    deciding: Deciding
    #: What was mounted inside it when it was last looked at.
    mounts: InnerMounts
    #: Of the rules that are planned; None where they were never in force.
    configuration_id: int | None = None


@dataclass(slots=True)
class _Walk:
    """What is remembered of a walk: directories come by, and what is gone or has moved."""

    visited: set[int] = field(default_factory=set)
    broken: set[int] = field(default_factory=set)
    absent: dict[tuple[int, bytes], bytes] = field(default_factory=dict)
    left: set[tuple[int, bytes]] = field(default_factory=set)
    #: Keys of images of several files that came by, and who has which place in them.
    images: set[bytes] = field(default_factory=set)
    places: dict[tuple[bytes, str], bytes] = field(default_factory=dict)
    keys_now: KeysNow = field(default_factory=KeysNow)


def plan_files(catalogue: Catalogue, root: PlannedRoot) -> Iterator[PlannedFile]:
    """Walk a root and say what a scan would make of each file; what is gone comes last."""
    walk = _Walk()
    ignored = root.rules.ignored
    for part in walk_folders(root.fd, is_ignored=lambda path: ignored(path) is not None, mounts=root.mounts):
        with catalogue.reading() as connection:
            planned = list(_plan_part(connection, root, part, walk))
        yield from planned
    for key, path in walk.absent.items():
        if key not in walk.left:
            yield PlannedFile(path=path, fate=FileFate.MISSING)
    if root.id is not None:
        yield from _gone_folders(catalogue, root.id, walk)


def _plan_part(connection: Connection, root: PlannedRoot, part: ListingPart, walk: _Walk) -> Iterator[PlannedFile]:
    known = _known(connection, root.id, part, walk)
    new = [entry for entry in part.entries if entry.name not in known and entry.kind is EntryKind.FILE]
    moved = _moved(connection, root, new, walk)
    pending = [row.fileset_id for row in known.values() if row.fileset_id is not None and not row.is_done]
    given_up = sightings.quarantined_among(connection, pending)
    waiting = _waiting(connection, known)
    planned = {
        entry.name: _plan_entry(root, part.directory, entry, known, moved, given_up, waiting) for entry in part.entries
    }
    new_ones = [entry for entry in part.entries if planned[entry.name].fate is FileFate.ADD]
    together = _together(connection, root, part.directory, [(entry, planned[entry.name]) for entry in new_ones], walk)
    yield from ((planned | together)[entry.name] for entry in part.entries)
    there = {entry.name for entry in part.entries} | part.unknown
    if part.problem is None or part.unknown:
        gone = [row for row in known.values() if not row.is_missing and row.name not in there]
        lasting = [row for row in gone if row.disposition not in ("ignored", "skipped")]
        for row in lasting:
            path = below(part.directory, bytes(row.name))
            if len(walk.absent) < ABSENT_AT_MOST:
                walk.absent[row.directory_id, bytes(row.name)] = path
            else:
                yield PlannedFile(path=path, fate=FileFate.MISSING)


def _plan_entry(
    root: PlannedRoot,
    directory: bytes,
    entry: Entry,
    known: Mapping[bytes, KnownSighting],
    moved: Mapping[bytes, MoveCandidate],
    given_up: Mapping[int, str],
    waiting: Mapping[bytes, str],
) -> PlannedFile:
    """Say what becomes of one file, whatever lies beside it."""
    path, row = below(directory, entry.name), known.get(entry.name)
    if root.deciding.is_storage:
        return _stored(path, entry, row)
    if row is not None and row.is_done:
        return PlannedFile(path=path, fate=FileFate.UNCHANGED if is_unchanged(entry, row) else FileFate.UPDATE)
    if entry.name in moved:
        return _move(root, path, entry, moved[entry.name])
    if row is not None and row.fileset_id is not None and row.fileset_id in given_up and is_unchanged(entry, row):
        return PlannedFile(path=path, fate=FileFate.HELD, reason=f"quarantined: {given_up[row.fileset_id]}")
    planned = _placed(root, path, entry)
    if row is not None and entry.name in waiting and planned.fate is FileFate.ADD and is_unchanged(entry, row):
        return PlannedFile(path=path, fate=FileFate.HELD, reason=waiting[entry.name])
    return planned


def _waiting(connection: Connection, known: Mapping[bytes, KnownSighting]) -> dict[bytes, str]:
    """Say why files wait for `apply` that describe others: by name, only a reader can tell."""
    held = next((row for row in known.values() if row.disposition == "held"), None)
    return {} if held is None else held_for_apply(connection, held.directory_id)


def _together(
    connection: Connection,
    root: PlannedRoot,
    directory: bytes,
    new: Sequence[tuple[Entry, PlannedFile]],
    walk: _Walk,
) -> dict[bytes, PlannedFile]:
    """Put new files of a folder together as an import does: which are of one image, which are held for another file."""
    if not root.deciding.has_sets:
        return {}
    files = {
        entry.name: placed_file(root.deciding, directory, entry, (file.placement, file.ownership), "rule")
        for entry, file in new
        if file.placement is not None and file.ownership is not None and file.placement.dimensions
    }
    wait = _held_for_apply(connection, root, list(files.values()), walk.keys_now)
    held = {name: why for name, file in wait.items() if (why := file.reason) is not None}
    left = [file for name, file in files.items() if name not in held]
    if root.id is not None:
        clashes = clashes_of(connection, root.id, left).held
        held |= {file.name: clashes[file.path] for file in left if file.path in clashes}
    keys = list({file.fileset.key for file in left if file.fileset is not None})
    catalogued = known_keys(connection, root.id, keys, is_catalogued=True) if root.id is not None and keys else set()
    found: dict[bytes, PlannedFile] = {}
    planned = {entry.name: file for entry, file in new}
    for file in sorted(files.values(), key=lambda one: order_of(one.path)):
        why = held.get(file.name) or _taken(file, walk)
        if why is not None:
            found[file.name] = PlannedFile(path=file.path, fate=FileFate.HELD, reason=why)
        elif file.fileset is not None:
            key = file.fileset.key
            found[file.name] = replace(planned[file.name], is_further=key in walk.images or key in catalogued)
            walk.images.add(key)
    return found


def _held_for_apply(
    connection: Connection, root: PlannedRoot, files: Sequence[SeenFile], keys_now: KeysNow
) -> dict[bytes, SeenFile]:
    if root.id is None or not files:
        return {}
    held = hold_joining(connection, root.deciding, root.id, files, root.configuration_id, keys_now)
    return {file.name: file for file in held if file.disposition == "held"}


def _taken(file: SeenFile, walk: _Walk) -> str | None:
    """Say which file that came by has the place of this one; else it has it now."""
    if file.fileset is None or file.captured is None:
        return None
    place = (file.fileset.key, file.captured)
    taken_by = walk.places.get(place)
    if taken_by is None and len(walk.places) < PLACES_AT_MOST:
        walk.places[place] = file.path
    return None if taken_by is None else clash(taken_by, file.path, file.captured)


def _stored(path: bytes, entry: Entry, row: KnownSighting | None) -> PlannedFile:
    """Say what becomes of a file below a storage root: no rule is asked, it is a further place or nothing."""
    if entry.kind is not EntryKind.FILE:
        return PlannedFile(path=path, fate=FileFate.IGNORED, reason=entry.kind.value)
    if row is None or not is_unchanged(entry, row):
        return PlannedFile(path=path, fate=FileFate.LOOKED_UP)
    if row.disposition == NotPlacedAs.UNMATCHED:
        return PlannedFile(path=path, fate=FileFate.UNMATCHED, reason=UNKNOWN)
    return PlannedFile(path=path, fate=FileFate.UNCHANGED)


def _known(connection: Connection, root_id: int | None, part: ListingPart, walk: _Walk) -> dict[bytes, KnownSighting]:
    if root_id is None:
        return {}
    directory_id = sightings.directory_ids(connection, root_id, [part.directory]).get(part.directory)
    if directory_id is None:
        return {}
    walk.visited.add(directory_id)
    if part.problem is not None:
        walk.broken.add(directory_id)
    rows = sightings.known_in_range(connection, directory_id, part.low, part.high)
    return {bytes(row.name): row for row in rows}


def _moved(connection: Connection, root: PlannedRoot, new: Sequence[Entry], walk: _Walk) -> dict[bytes, MoveCandidate]:
    """Find the new files that are known ones whose old path is gone now."""
    if root.id is None or root.deciding.is_storage:
        return {}
    looks = [(entry.inode, entry.size_bytes, entry.mtime_ns) for entry in new]
    candidates = move_candidates(connection, root.id, looks)
    found = {}
    for entry, key in zip(new, looks, strict=True):
        candidate = candidates.get(key)
        if candidate is None or not _has_left(root.fd, candidate):
            continue
        walk.left.add((candidate.directory_id, candidate.name))
        if candidate.is_done:
            found[entry.name] = candidate
    return found


def _has_left(root_fd: int, candidate: MoveCandidate) -> bool:
    entry = looks(root_fd, [candidate.path])[candidate.path]
    return entry is None or entry.inode != candidate.inode


def _move(root: PlannedRoot, path: bytes, entry: Entry, candidate: MoveCandidate) -> PlannedFile:
    decided, _ = decide(root.deciding, path, entry)
    placement, ownership, reason = None, None, None
    if isinstance(decided, NotPlaced):
        reason = f"stays filed as it is: {decided.reason}"
    elif (decided[1].owner_id, decided[1].group_id) != (candidate.owner_id, candidate.group_id):
        reason = "stays whose it is until somebody says `accept`: this is another owner's folder"
    else:
        placement, ownership = decided
    return PlannedFile(
        path=path,
        fate=FileFate.MOVE,
        reason=reason,
        placement=placement,
        ownership=ownership,
        came_from=candidate.path,
    )


_FATES: Mapping[NotPlacedAs, FileFate] = {
    NotPlacedAs.IGNORED: FileFate.IGNORED,
    NotPlacedAs.SKIPPED: FileFate.SKIPPED,
    NotPlacedAs.UNMATCHED: FileFate.UNMATCHED,
    NotPlacedAs.HELD: FileFate.HELD,
}


def _placed(root: PlannedRoot, path: bytes, entry: Entry) -> PlannedFile:
    decided, _ = decide(root.deciding, path, entry)
    if isinstance(decided, NotPlaced):
        return PlannedFile(path=path, fate=_FATES[decided.disposition], reason=decided.reason)
    return PlannedFile(path=path, fate=FileFate.ADD, placement=decided[0], ownership=decided[1])


def _gone_folders(catalogue: Catalogue, root_id: int, walk: _Walk) -> Iterator[PlannedFile]:
    with catalogue.reading() as connection:
        folders = unvisited(connection, root_id, walk.visited, broken=walk.broken)
    for start in range(0, len(folders), _FOLDERS_AT_ONCE):
        with catalogue.reading() as connection:
            rows = list(sightings.lasting_in(connection, folders[start : start + _FOLDERS_AT_ONCE]))
        for directory_id, folder, name in rows:
            if (directory_id, name) not in walk.left:
                yield PlannedFile(path=below(folder, name), fate=FileFate.MISSING)


def looks(root_fd: int, paths: Sequence[bytes]) -> dict[bytes, Entry | None]:
    """Look at files by their paths below an open root, each folder opened once; None for what is not there."""
    by_folder: dict[bytes, list[bytes]] = {}
    for path in paths:
        by_folder.setdefault(path.rpartition(b"/")[0], []).append(path)
    found: dict[bytes, Entry | None] = dict.fromkeys(paths)
    for folder, inside in by_folder.items():
        try:
            with open_folder(root_fd, folder) as descriptor:
                found |= {path: _entry(descriptor, path.rpartition(b"/")[2]) for path in inside}
        except OSError:
            continue
    return found


def _entry(folder_fd: int, name: bytes) -> Entry | None:
    try:
        return look_at(folder_fd, name)
    except OSError:
        return None


def main_path(filed: Filed) -> bytes:
    """Give the file that the rules are asked about: the one by whose path the fileset is known, else the first."""
    return next((path for path in filed.paths if fileset_key(path) == filed.keys.key), filed.paths[0])


def main_looks(root: PlannedRoot, page: Sequence[Filed]) -> dict[int, Entry]:
    """Look at the main files of filesets, by fileset; what is not there is left out."""
    mains = {filed.fileset_id: main_path(filed) for filed in page if filed.paths}
    entries = looks(root.fd, list(mains.values()))
    return {fileset_id: entry for fileset_id, path in mains.items() if (entry := entries[path]) is not None}


def absent(path: bytes) -> Entry:
    """Stand for a file that is not there: nobody's."""
    return Entry(path.rpartition(b"/")[2], 0, 0, 0, 0, NOBODY, NOBODY, EntryKind.FILE)
