"""Moves (T9): a known file found at a new path keeps its ids; what the rules filed is filed anew."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, select, update

from catalog.differing import without_placement
from catalog.events import NewEvent, record
from catalog.filed import UNPLACED
from catalog.filings import filing_of
from catalog.gone_contents import gone_among
from catalog.image_rows import file_images, image_names_of
from catalog.looks import Filing, ReadFileset
from catalog.models.containers import Dataset, DatasetImageLink, Plate, WellSample
from catalog.models.images import Image, OriginalFile
from catalog.models.ingest import Directory, Fileset, Job, Root, Sighting
from catalog.names import display, path_hash
from catalog.planning import unindexed
from catalog.set_files import digest_before


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveCandidate:
    """A known sighting that a new name may be the same file as: its old path must be gone now."""

    directory_id: int
    name: bytes
    path: bytes
    size_bytes: int
    mtime_ns: int
    inode: int
    fileset_id: int
    is_done: bool
    filed_by: str
    owner_id: int | None
    group_id: int | None
    #: The fileset's, and the digest of the file as it was seen there.
    grouping: str = "file"
    is_main: bool = False
    is_missing: bool = False
    digest: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A single file's fileset at its new path.

    ``document`` is its placement there, None to keep the old one (hand-filed, another owner's path, no rule);
    ``owner_differs`` tells the owner and group by the new folder when they are others. What was written before it
    moved, and not read yet, is looked at again at ``due_at``.
    """

    candidate: MoveCandidate
    path: bytes
    ctime_ns: int
    key: bytes
    digest: bytes
    due_at: datetime
    document: Mapping[str, Any] | None
    owner_differs: Mapping[str, Any] | None


def move_candidates(
    connection: Connection, root_id: int, looks: Sequence[tuple[int, int, int]]
) -> dict[tuple[int, int, int], MoveCandidate]:
    """Find known members of a root by (inode, size, mtime); hard links (several sightings of one) find none."""
    if not looks or not _is_any_among(connection, {inode for inode, _, _ in looks}):
        return {}
    query = (
        select(Sighting.directory_id, Sighting.name, Sighting.size_bytes, Sighting.mtime_ns, Sighting.inode)
        .add_columns(
            Sighting.fileset_id, Sighting.ctime_ns, Sighting.missing_since, Directory.path, OriginalFile.ordinal
        )
        .add_columns(Fileset.grouping)
        .add_columns(Fileset.done_digest, Fileset.filed_by, Fileset.owner_id, Fileset.group_id)
        .join(Directory, Directory.id == Sighting.directory_id)
        .join(Fileset, Fileset.id == Sighting.fileset_id)
        .outerjoin(OriginalFile, OriginalFile.id == Sighting.original_file_id)
        .where(
            Sighting.inode.in_({inode for inode, _, _ in looks}),
            unindexed(Directory.root_id) == root_id,
            Fileset.removed_at.is_(None),
        )
    )
    wanted = set(looks)
    found: dict[tuple[int, int, int], list[MoveCandidate]] = {}
    for row in connection.execute(query):
        key = (row.inode, row.size_bytes, row.mtime_ns)
        if key in wanted:
            found.setdefault(key, []).append(_candidate(row))
    return {key: candidates[0] for key, candidates in found.items() if len(candidates) == 1}


def _is_any_among(connection: Connection, inodes: Collection[int]) -> bool:
    """Tell whether an inode is known in the range of these: files that were made together have theirs together."""
    known = connection.scalar(_AMONG, {"least": min(inodes), "most": max(inodes)})
    return known is not None


_AMONG = (
    select(Sighting.inode)
    .where(Sighting.inode >= bindparam("least"), Sighting.inode <= bindparam("most"))
    .order_by(Sighting.inode)
    .limit(1)
)


def _candidate(row: Any) -> MoveCandidate:
    folder, name = bytes(row.path), bytes(row.name)
    return MoveCandidate(
        directory_id=row.directory_id,
        name=name,
        path=folder + b"/" + name if folder else name,
        size_bytes=row.size_bytes,
        mtime_ns=row.mtime_ns,
        inode=row.inode,
        fileset_id=row.fileset_id,
        is_done=row.done_digest is not None,
        filed_by=row.filed_by,
        owner_id=row.owner_id,
        group_id=row.group_id,
        grouping=row.grouping,
        is_main=row.ordinal == 0,
        is_missing=row.missing_since is not None,
        digest=digest_before(folder + b"/" + name if folder else name, row),
    )


def move_file(connection: Connection, root_id: int, move: Move, directory_id: int, *, now: datetime, via: str) -> None:
    """Re-key the sighting and the fileset of an imported file; the content is known to be as it was last seen."""
    candidate = move.candidate
    name = move.path.rpartition(b"/")[2]
    here = (Sighting.directory_id == directory_id, Sighting.name == name)
    there = (Sighting.directory_id == candidate.directory_id, Sighting.name == candidate.name)
    drop_sighting(connection, here)
    connection.execute(
        update(Sighting)
        .where(*there)
        .values(directory_id=directory_id, name=name, ctime_ns=move.ctime_ns, missing_since=None)
    )
    due_at = None if _is_current(connection, candidate.fileset_id) else move.due_at
    rekey(connection, candidate.fileset_id, root_id, move.key, move.digest, due_at=due_at)
    connection.execute(
        update(Fileset).where(Fileset.id == candidate.fileset_id).values(owner_differs=move.owner_differs)
    )
    if move.document is not None:
        refile(connection, candidate.fileset_id, move.document, now=now)
    tell_move(connection, candidate.fileset_id, root_id, candidate.path, move.path, move.owner_differs, now, via)


def drop_sighting(connection: Connection, here: tuple[Any, ...]) -> None:
    """Make room at the new path: what lay there before was overwritten by the move, its record stays as missing."""
    row = connection.execute(select(Sighting.fileset_id).where(*here)).one_or_none()
    if row is not None:
        connection.execute(delete(Sighting).where(*here))
        if row.fileset_id is not None:
            connection.execute(update(Fileset).where(Fileset.id == row.fileset_id).values(due_at=None))
            connection.execute(delete(Job).where(Job.fileset_id == row.fileset_id))


def _is_current(connection: Connection, fileset_id: int) -> bool:
    """Tell whether the fileset is catalogued as it was last seen; else it is still to be read (again)."""
    query = select(Fileset.id).where(Fileset.id == fileset_id, Fileset.done_digest == Fileset.seen_digest)
    return connection.scalar(query) is not None


def rekey(
    connection: Connection, fileset_id: int, root_id: int, key: bytes, digest: bytes, *, due_at: datetime | None = None
) -> None:
    """Give the fileset its new key. One that held it before, and lost its file, gets out of the way.

    With ``due_at`` it is looked at again then, else it is catalogued with this digest.
    """
    holder = connection.scalar(
        select(Fileset.id).where(Fileset.root_id == root_id, Fileset.key == key, Fileset.id != fileset_id)
    )
    if holder is not None:
        connection.execute(update(Fileset).where(Fileset.id == holder).values(key=_freed_key(holder)))
    done = {"done_digest": digest} if due_at is None else {}
    values = {"root_id": root_id, "key": key, "seen_digest": digest, "due_at": due_at} | done
    connection.execute(update(Fileset).where(Fileset.id == fileset_id).values(values))
    connection.execute(delete(Job).where(Job.fileset_id == fileset_id, Job.kind == "import"))


def _freed_key(fileset_id: int) -> bytes:
    return path_hash(b"/moved over/%d" % fileset_id)


def tell_move(
    connection: Connection,
    fileset_id: int,
    root_id: int,
    old: bytes,
    new: bytes,
    differs: Mapping[str, Any] | None,
    now: datetime,
    via: str,
) -> None:
    """Record that a file moved."""
    after: dict[str, Any] = {"path": display(new)}
    if differs:
        after["owner_differs"] = without_placement(differs)
    record(
        connection,
        NewEvent(
            what="moved",
            at=now,
            via=via,
            object_type="fileset",
            object_id=fileset_id,
            fileset_id=fileset_id,
            root_id=root_id,
            path_hash=path_hash(new),
            before={"path": display(old)},
            after=after,
        ),
    )


def refile(connection: Connection, fileset_id: int, document: Mapping[str, Any], *, now: datetime) -> None:
    """File the images of a fileset by another placement of the same owner and group, unless filed by hand."""
    row = connection.execute(
        select(Fileset.placement, Fileset.filed_by, Fileset.root_id, Fileset.done_digest).where(
            Fileset.id == fileset_id
        )
    ).one()
    old, new = filing_of(row.placement), filing_of(document)
    connection.execute(update(Fileset).where(Fileset.id == fileset_id).values(placement=dict(document)))
    images = connection.execute(
        select(Image.id, Image.named_by, Image.series, Image.name)
        .where(Image.fileset_id == fileset_id)
        .order_by(Image.series)
    ).all()
    _rename(connection, [tuple(image) for image in images], old, new, now)
    is_unplaced = bool(row.placement.get(UNPLACED))
    if row.filed_by == "rule" and (is_unplaced or _place_of(old) != _place_of(new)):
        ids = [image.id for image in images]
        take_out(connection, ids, old)
        file_images(connection, ids, new, fileset_id=fileset_id, configuration_id=None, now=now)


def _place_of(filing: Filing) -> Any:
    return filing.containers, filing.run, filing.well, filing.field


def _rename(connection: Connection, images: Sequence[Any], old: Filing, new: Filing, now: datetime) -> None:
    for image_id, named_by, _, name in images:
        if named_by == "rule" and old.image != new.image:
            renamed = image_names_of(name, old, new)
            connection.execute(
                update(Image).where(Image.id == image_id).values(name=renamed, rule=new.rule, updated_at=now)
            )


def take_out(connection: Connection, images: list[int], old: Filing) -> None:
    """Remove images from where the old placement put them; where people put them, they stay."""
    if not old.containers:
        return
    inner = old.containers[-1]
    if inner.kind == "dataset":
        dataset = select(Dataset.id).where(Dataset.origin_key == inner.origin_key).scalar_subquery()
        connection.execute(
            delete(DatasetImageLink).where(
                DatasetImageLink.image_id.in_(images), DatasetImageLink.dataset_id == dataset
            )
        )
    else:
        plate = select(Plate.id).where(Plate.origin_key == inner.origin_key).scalar_subquery()
        connection.execute(delete(WellSample).where(WellSample.image_id.in_(images), WellSample.plate_id == plate))


def adopt_by_content(connection: Connection, read: ReadFileset, *, now: datetime, via: str) -> bool:
    """Recognise a file by its hash whose old path is gone, of the same owner and group: it moved across disks.

    The fileset that was seen at the new path gives way to the known one, with its ids. Tells whether it did.
    """
    known_id = _twin_that_is_gone(connection, read)
    if known_id is None:
        return False
    new = connection.execute(
        select(Fileset.key, Fileset.placement, Fileset.root_id).where(Fileset.id == read.fileset_id)
    ).one()
    old_path = path_of_fileset(connection, known_id)
    original = connection.scalar(select(OriginalFile.id).where(OriginalFile.fileset_id == known_id))
    connection.execute(delete(Sighting).where(Sighting.fileset_id == known_id))
    connection.execute(
        update(Sighting)
        .where(Sighting.fileset_id == read.fileset_id)
        .values(fileset_id=known_id, original_file_id=original)
    )
    connection.execute(delete(Job).where(Job.fileset_id == read.fileset_id))
    connection.execute(delete(Fileset).where(Fileset.id == read.fileset_id))
    rekey(connection, known_id, new.root_id, bytes(new.key), read.digest)
    refile(connection, known_id, new.placement, now=now)
    tell_move(connection, known_id, new.root_id, old_path, read.files[0].path, None, now, via)
    return True


def _twin_that_is_gone(connection: Connection, read: ReadFileset) -> int | None:
    if len(read.files) != 1 or read.files[0].hash is None:
        return None
    file = read.files[0]
    if not gone_among(connection, [(file.size_bytes, file.fingerprint)]):
        return None
    present = select(Sighting.fileset_id).where(Sighting.fileset_id == Fileset.id, Sighting.missing_since.is_(None))
    absent = select(Sighting.fileset_id).where(Sighting.fileset_id == Fileset.id, Sighting.missing_since.is_not(None))
    other = OriginalFile.__table__.alias()
    siblings = (
        select(func.count())
        .select_from(other)
        .where(other.c.fileset_id == Fileset.id)
        .correlate(Fileset)
        .scalar_subquery()
    )
    query = (
        select(Fileset.id)
        .join(OriginalFile, OriginalFile.fileset_id == Fileset.id)
        .join(Root, Root.id == Fileset.root_id)
        .where(
            OriginalFile.size_bytes == file.size_bytes,
            OriginalFile.fingerprint == file.fingerprint,
            OriginalFile.hash == file.hash,
            OriginalFile.hasher == file.hasher,
            Fileset.id != read.fileset_id,
            Fileset.owner_id == read.filing.owner_id,
            Fileset.group_id == read.filing.group_id,
            Fileset.done_digest.is_not(None),
            Fileset.removed_at.is_(None),
            Root.availability == "available",
            absent.exists(),
            ~present.exists(),
            siblings == 1,
            Fileset.grouping == "file",
        )
        .order_by(Fileset.id)
        .limit(1)
    )
    return connection.scalar(query)


def path_of_fileset(connection: Connection, fileset_id: int) -> bytes:
    """Give the path of a fileset's file, relative to its root."""
    row = connection.execute(
        select(Directory.path, Sighting.name)
        .join(Directory, Directory.id == Sighting.directory_id)
        .where(Sighting.fileset_id == fileset_id)
        .limit(1)
    ).one()
    folder, name = bytes(row.path), bytes(row.name)
    return folder + b"/" + name if folder else name
