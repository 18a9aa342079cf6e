"""Decides about one look at a file: unchanged, changed, new; and where it belongs. Pure but for asking the accounts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from catalog.captured import written
from catalog.filed import FilesetKeys
from catalog.looks import ChangedFile, KnownSighting, SeenFile, SeenFileset
from catalog.member_digests import member_digest
from catalog.moves import MoveCandidate
from catalog.roots import HandAssignment
from catalog.set_moves import PartMove
from config.endings import without_ending
from ingest.documents import Documents, copy_document
from ingest.filesets import file_digest, fileset_key, image_key, neighbour_key, only_describes, plate_key
from ingest.listing import Entry, EntryKind
from ingest.placement import NotPlaced, NotPlacedAs, Ownership, Placement, Target
from ingest.settling import is_first_look_enough

#: What the rules say about a path, and whose a placed file is (by its uid and gid).
Place = Callable[[bytes], Placement | NotPlaced]
Own = Callable[[Placement, int, int], Ownership | NotPlaced]
#: Makes the person that `unknown: create` asks for, and gives the ownership with the id; or why it can't.
Create = Callable[[Ownership], Ownership | NotPlaced]


def _no_creation(ownership: Ownership) -> Ownership | NotPlaced:
    raise LookupError(f"nobody makes the user {ownership.create_name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deciding:
    """What a decision needs, fixed for one batch. ``assigned`` are people's decisions for this root, newest last."""

    place: Place
    own: Own
    root_settle: timedelta
    now: datetime
    is_storage: bool = False
    #: Whether any rule of the root may join several files into one image.
    has_sets: bool = False
    assigned: tuple[HandAssignment, ...] = ()
    create: Create = _no_creation
    documents: Documents = field(default_factory=Documents)


def is_unchanged(entry: Entry, known: KnownSighting) -> bool:
    """Compare a look with what is stored: nothing is written when they are equal."""
    return (
        entry.size_bytes == known.size_bytes
        and entry.mtime_ns == known.mtime_ns
        and entry.ctime_ns == known.ctime_ns
        and entry.inode == known.inode
        and not known.is_missing
    )


def changed_file(directory: bytes, path: bytes, entry: Entry, known: KnownSighting, due_at: datetime) -> ChangedFile:
    """Give the new look at a catalogued file."""
    assert known.fileset_id is not None  # noqa: S101 - what is catalogued has a fileset
    before = None
    if not known.is_missing:
        before = member_digest(path, known.size_bytes, known.mtime_ns, known.ctime_ns, known.inode)
    return ChangedFile(
        directory=directory,
        name=entry.name,
        size_bytes=entry.size_bytes,
        mtime_ns=entry.mtime_ns,
        ctime_ns=entry.ctime_ns,
        inode=entry.inode,
        fileset_id=known.fileset_id,
        digest=digest_of(path, entry),
        due_at=due_at,
        digest_before=before,
        grouping=known.grouping or "file",
    )


def digest_of(path: bytes, entry: Entry) -> bytes:
    """Give the digest of the fileset that this one file is."""
    return file_digest(
        path, size_bytes=entry.size_bytes, mtime_ns=entry.mtime_ns, ctime_ns=entry.ctime_ns, inode=entry.inode
    )


def seen_file(deciding: Deciding, directory: bytes, path: bytes, entry: Entry, *, was_closed: bool) -> SeenFile:
    """Place a file that is not catalogued."""
    if deciding.is_storage:
        return _stored_copy(deciding, directory, path, entry)
    decided, filed_by = decide(deciding, path, entry)
    if isinstance(decided, NotPlaced):
        return _seen(directory, entry, decided)
    placement, ownership = decided
    if ownership.create_name is not None:
        made = deciding.create(ownership)
        if isinstance(made, NotPlaced):
            return _seen(directory, entry, made)
        ownership = made
    return placed_file(deciding, directory, entry, (placement, ownership), filed_by, was_closed=was_closed)


def placed_file(
    deciding: Deciding,
    directory: bytes,
    entry: Entry,
    decided: tuple[Placement, Ownership],
    filed_by: str,
    *,
    was_closed: bool = False,
) -> SeenFile:
    """Give the look at a file that has a place, with the fileset that it is, or is a part of."""
    placement, ownership = decided
    path = directory + b"/" + entry.name if directory else entry.name
    settle = timedelta(seconds=placement.settle_s)
    wait = timedelta(0) if is_first_look_enough(settle, was_closed=was_closed) else settle
    keys = keys_of(deciding, path, placement, ownership)
    # By position, here and in `_seen`: half of the time that it takes with names, a million times a scan.
    fileset = SeenFileset(
        keys.key,
        deciding.documents.of(placement, ownership),
        ownership.owner_id,
        ownership.group_id,
        digest_of(path, entry),
        deciding.now + wait,
        filed_by,
        *keys[1:],
    )
    captured = written(placement.dimensions)
    return _seen(directory, entry, None, rule=placement.rule, fileset=fileset, captured=captured)


def keys_of(deciding: Deciding, path: bytes, placement: Placement, ownership: Ownership) -> FilesetKeys:
    """Give by what the fileset of a placed file is found again when further files come."""
    complete = placement.complete
    return FilesetKeys(
        key=image_key(placement, ownership) if placement.dimensions else fileset_key(path),
        grouping=_grouping_of(placement, path.rpartition(b"/")[2]),
        neighbour=neighbour_key(placement, ownership) if deciding.has_sets else None,
        plate_key=plate_key(placement, ownership) if complete and complete.per == "plate" else None,
        marker=complete.marker if complete else None,
    )


def _grouping_of(placement: Placement, name: bytes) -> str:
    if placement.dimensions:
        return "names"
    return "index" if only_describes(name) else "file"


def _stored_copy(deciding: Deciding, directory: bytes, path: bytes, entry: Entry) -> SeenFile:
    """Have a file below a storage root looked up by its content; rules say nothing about it, nobody owns it."""
    if entry.kind is EntryKind.FOLDER_IMAGE:
        return _seen(directory, entry, NotPlaced(disposition=NotPlacedAs.IGNORED, reason=_FOLDER_IN_STORAGE))
    if entry.kind is not EntryKind.FILE:
        return _seen(directory, entry, NotPlaced(disposition=NotPlacedAs.IGNORED, reason=entry.kind.value))
    fileset = SeenFileset(
        key=fileset_key(path),
        document=copy_document(deciding.root_settle),
        owner_id=None,
        group_id=None,
        digest=digest_of(path, entry),
        due_at=deciding.now + deciding.root_settle,
    )
    return _seen(directory, entry, None, fileset=fileset)._replace(is_copy=True)


_FOLDER_IN_STORAGE = "a folder that is one image: in storage only plain files are known as copies in this version"


def _seen(
    directory: bytes,
    entry: Entry,
    reason: NotPlaced | None,
    *,
    rule: str | None = None,
    fileset: SeenFileset | None = None,
    captured: str | None = None,
) -> SeenFile:
    if reason is None:
        return SeenFile(directory, *entry[:5], "member", None, rule, None, fileset, captured)
    why = (reason.disposition.value, reason.reason, reason.rule, reason.group_id)
    return SeenFile(directory, *entry[:5], *why, fileset, captured)


def part_move(
    candidate: MoveCandidate,
    path: bytes,
    entry: Entry,
    decided: tuple[Placement, Ownership] | NotPlaced,
    document: Mapping[str, Any] | None,
    differs: Mapping[str, Any] | None,
) -> PartMove:
    """Give the move of a file of several, with what its new path says of the image where it is the same people's.

    Of a set that describes itself the main file's path says it.
    """
    key, captured = None, None
    if document is not None and not isinstance(decided, NotPlaced):
        placement, ownership = decided
        if candidate.grouping == "names" and placement.dimensions:
            key, captured = image_key(placement, ownership), written(placement.dimensions)
        elif candidate.grouping == "index" and candidate.is_main:
            key = fileset_key(path)
    return PartMove(
        candidate=candidate,
        path=path,
        ctime_ns=entry.ctime_ns,
        digest=digest_of(path, entry),
        key=key,
        captured=captured,
        document=document if key is not None else None,
        owner_differs=differs,
    )


def decide(deciding: Deciding, path: bytes, entry: Entry) -> tuple[tuple[Placement, Ownership] | NotPlaced, str]:
    """Give where a file belongs and whose it is, or why not; and whether rule or hand decided."""
    if entry.kind not in (EntryKind.FILE, EntryKind.FOLDER_IMAGE):
        return NotPlaced(disposition=NotPlacedAs.IGNORED, reason=entry.kind.value), "rule"
    placed = placed_of(deciding, path)
    if isinstance(placed, NotPlaced):
        return placed, "rule"
    targets = _assigned_to(deciding.assigned, path) if deciding.assigned else None
    ownership = deciding.own(placed, entry.uid, entry.gid)
    if isinstance(ownership, NotPlaced):
        return ownership, "rule"
    return (placed, ownership), "rule" if targets is None else "hand"


def placed_of(deciding: Deciding, path: bytes) -> Placement | NotPlaced:
    """Give where the rules, and people's decisions over them, put a path."""
    placed: Placement | NotPlaced = deciding.place(path)
    targets = _assigned_to(deciding.assigned, path) if deciding.assigned else None
    return placed if targets is None else assigned_placement(placed, targets, path, deciding.root_settle)


def _assigned_to(assigned: tuple[HandAssignment, ...], path: bytes) -> Mapping[str, Any] | None:
    """Find the decision about this path: the deepest one, and of two about one folder the newest."""
    best: HandAssignment | None = None
    for one in assigned:
        is_about = one.path == path or one.path == b"" or path.startswith(one.path + b"/")
        if is_about and (best is None or len(one.path) >= len(best.path)):
            best = one
    return best.targets if best is not None else None


_FILING = ("project", "dataset", "screen", "plate", "run")


def assigned_placement(
    placed: Placement | NotPlaced, targets: Mapping[str, Any], path: bytes, settle: timedelta
) -> Placement | NotPlaced:
    """Put a person's decision over what the rules say; what no reader knows stays ignored."""
    if isinstance(placed, NotPlaced):
        if placed.disposition in (NotPlacedAs.IGNORED, NotPlacedAs.SKIPPED):
            return placed
        placed = _bare_placement(path, settle)
    given = {key: str(value) for key, value in targets.items() if value is not None}
    target = placed.target
    if given.keys() & set(_FILING):
        target = Target(
            project=given.get("project"),
            dataset=given.get("dataset"),
            screen=given.get("screen"),
            plate=given.get("plate"),
            run=given.get("run"),
            well=target.well,
            field=target.field,
            tile=target.tile,
        )
        if target.project is not None and target.dataset is None:
            target = replace(target, dataset=target.project)
        if target.plate is None:
            target = replace(target, well=None, field=None, tile=None)
    return placed._replace(
        likeness=None,
        target=target,
        image=given.get("image", placed.image),
        owner=given.get("owner", placed.owner),
        group=given.get("group", placed.group),
        owner_from="assigned" if "owner" in given else placed.owner_from,
        group_from="assigned" if "group" in given else placed.group_from,
        is_posix=placed.is_posix and "owner" not in given,
        crosscheck="off" if "owner" in given else placed.crosscheck,
    )


def _bare_placement(path: bytes, settle: timedelta) -> Placement:
    name = path.rpartition(b"/")[2].decode("utf-8", "backslashreplace")
    return Placement(
        rule="assigned",
        target=Target(),
        image=without_ending(name),
        owner=None,
        group=None,
        owner_from="assigned",
        group_from="assigned",
        settle_s=settle.total_seconds(),
    )
