"""What `verify` works on and what it found: which locations are to be compared, results, runs, and what is covered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, insert, not_, or_, select, tuple_, update

from catalog.events import NewEvent, record
from catalog.models.images import Image, OriginalFile
from catalog.models.ingest import Directory, Fileset, Root, Sighting, Verification
from catalog.names import path_hash
from catalog.permissions import SYSTEM, Acting
from catalog.places import absolute
from catalog.roots import disks_away, known_roots
from catalog.sightings import folders_at_or_below

#: The place of a location in the order of work: whether it was compared before, when, directory id, name.
Cursor = tuple[bool, datetime | None, int, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A place of an original file, as it was last seen, with the hash that it shall have."""

    root_id: int
    directory_id: int
    name: bytes
    path: bytes
    size_bytes: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    original_file_id: int
    ordinal: int
    fileset_id: int
    hasher: str
    hash: str
    verified_at: datetime | None
    damaged_since: datetime | None

    @property
    def cursor(self) -> Cursor:
        """Give its place in the order of work."""
        return self.verified_at is not None, self.verified_at, self.directory_id, self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A location whose bytes were read: ``found`` is the hash of other bytes, None when they are the same."""

    location: Location
    found: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How many locations there are, and how many were compared since they were last written.

    ``oldest_at``: none of these was compared longer ago. ``damaged`` are there with other bytes.
    """

    files: int
    verified: int
    oldest_at: datetime | None
    damaged: int

    @property
    def share(self) -> float:
        """Give the covered share, 1.0 where there is nothing to cover."""
        return self.verified / self.files if self.files else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run of `verify`; ``ended_at`` None: it goes on, or was broken off."""

    id: int
    via: str
    started_at: datetime
    ended_at: datetime | None
    checked: int
    bytes_read: int
    damaged: int
    missing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unavailable:
    """A root, or a disk inside one, that is not there or may not be judged; ``place`` is its absolute path."""

    place: str
    reason: str
    files: int


def _is_kept() -> ColumnElement[bool]:
    return and_(Sighting.original_file_id.is_not(None), Sighting.missing_since.is_(None), Fileset.removed_at.is_(None))


def _is_location(connection: Connection) -> ColumnElement[bool]:
    """Say of a place that its root, and the disk inside it on which it lies, are there as far as is known."""
    away = [_is_on(root.id, path) for root in known_roots(connection) for path, _ in disks_away(root.identity)]
    return and_(_is_kept(), Root.availability == "available", *(not_(one) for one in away))


def _is_on(root_id: int, path: bytes) -> ColumnElement[bool]:
    return and_(Directory.root_id == root_id, folders_at_or_below(path))


def _is_comparable() -> ColumnElement[bool]:
    """Leave out what has no hash yet, and what was written and not read again: its hash is of earlier bytes."""
    is_as_read = and_(
        Sighting.fileset_id == Fileset.id, Fileset.done_digest == Fileset.seen_digest, Fileset.due_at.is_(None)
    )
    return and_(OriginalFile.hash.is_not(None), or_(Sighting.fileset_id.is_(None), is_as_read))


def _from(query: Any) -> Any:
    return (
        query.select_from(Sighting)
        .join(Directory, Directory.id == Sighting.directory_id)
        .join(Root, Root.id == Directory.root_id)
        .join(OriginalFile, OriginalFile.id == Sighting.original_file_id)
        .join(Fileset, Fileset.id == OriginalFile.fileset_id)
    )


def locations(
    connection: Connection,
    *,
    before: datetime,
    after: Location | None = None,
    limit: int,
    image_ids: Sequence[int] | None = None,
) -> list[Location]:
    """Give a page of what is to be compared: never compared first, then the longest ago, none since ``before``.

    ``image_ids``: only files of these images, whenever they were compared, in the order of their filesets: so a page
    reads what it gives, and not all files of the catalogue, or of an image of very many.
    """
    query = _from(_LOCATION).where(_is_location(connection), _is_comparable())
    was_compared = Sighting.verified_at.is_not(None)
    query = query.where(or_(~was_compared, Sighting.verified_at < before))
    if image_ids is not None:
        return _of_images(connection, query, image_ids, after, limit)
    if after is not None:
        query = query.where(_comes_after(after.cursor))
    order = (was_compared, Sighting.verified_at, Sighting.directory_id, Sighting.name)
    return [_location(row) for row in connection.execute(query.order_by(*order).limit(limit))]


def _is_of(image_ids: Sequence[int]) -> ColumnElement[bool]:
    return OriginalFile.fileset_id.in_(select(Image.fileset_id).where(Image.id.in_(list(image_ids))))


def _of_images(
    connection: Connection, query: Any, image_ids: Sequence[int], after: Location | None, limit: int
) -> list[Location]:
    """Give a page of the files of images: first of the fileset where the last page ended, then of those after it."""
    of_file, place = (OriginalFile.fileset_id, OriginalFile.ordinal), (Sighting.directory_id, Sighting.name)
    found: list[Any] = []
    if after is not None:
        here = tuple_(*place) > tuple_(after.directory_id, after.name)
        rest = or_(OriginalFile.ordinal > after.ordinal, and_(OriginalFile.ordinal == after.ordinal, here))
        # The first of these terms is what the index answers.
        same = query.where(OriginalFile.fileset_id == after.fileset_id, OriginalFile.ordinal >= after.ordinal, rest)
        found += connection.execute(same.order_by(*of_file, *place).limit(limit))
        query = query.where(OriginalFile.fileset_id > after.fileset_id)
    if len(found) < limit:
        others = query.where(_is_of(image_ids)).order_by(*of_file, *place)
        found += connection.execute(others.limit(limit - len(found)))
    return [_location(row) for row in found]


def _comes_after(cursor: Cursor) -> ColumnElement[bool]:
    was_compared, at, directory_id, name = cursor
    here = tuple_(Sighting.directory_id, Sighting.name) > tuple_(directory_id, name)
    if not was_compared:
        return or_(Sighting.verified_at.is_not(None), here)
    return or_(Sighting.verified_at > at, and_(Sighting.verified_at == at, here))


_LOCATION = select(
    Directory.root_id,
    Directory.path,
    Sighting.directory_id,
    Sighting.name,
    Sighting.size_bytes,
    Sighting.mtime_ns,
    Sighting.ctime_ns,
    Sighting.inode,
    Sighting.original_file_id,
    OriginalFile.ordinal,
    OriginalFile.fileset_id,
    OriginalFile.hasher,
    OriginalFile.hash,
    Sighting.verified_at,
    Sighting.damaged_since,
)


def _location(row: Any) -> Location:
    folder, name = bytes(row.path), bytes(row.name)
    values = {key: value for key, value in row._mapping.items() if key not in ("path", "name")}
    return Location(**values, name=name, path=folder + b"/" + name if folder else name)


def coverage(connection: Connection) -> Coverage:
    """Count what can be reached at present, and how much of it was compared since it was last written."""
    here = _is_location(connection)
    columns = (func.count(), func.count(Sighting.verified_at), func.min(Sighting.verified_at))
    row = connection.execute(_from(select(*columns, func.count(Sighting.damaged_since))).where(here)).one()
    return Coverage(files=row[0], verified=row[1], oldest_at=row[2], damaged=row[3])


def count_comparable(connection: Connection) -> int:
    """Count the locations that can be compared."""
    query = _from(select(func.count())).where(_is_location(connection), _is_comparable())
    return int(connection.execute(query).scalar_one())


def unavailable(connection: Connection, *, image_ids: Sequence[int] | None = None) -> list[Unavailable]:
    """Count what lies where nothing can be reached or judged, by place; ``image_ids``: only files of these images."""
    found = []
    for root in known_roots(connection):
        if root.availability == "retired":
            continue
        is_there = root.availability == "available"
        for path, reason in disks_away(root.identity) if is_there else [(b"", root.reason or root.availability)]:
            query = _from(select(func.count())).where(_is_kept(), _is_on(root.id, path))
            files = connection.execute(query if image_ids is None else query.where(_is_of(image_ids))).scalar_one()
            if files:
                found.append(Unavailable(place=absolute(root.path, path), reason=reason, files=int(files)))
    return found


def write_compared(
    connection: Connection, compared: Sequence[Compared], *, now: datetime, via: str, acting: Acting = SYSTEM
) -> list[Compared]:
    """Write results; gives those that counted: what was seen to change while it was read is left as it is.

    Damage is one event when it is found, and one when the bytes are back without the file having been written.
    """
    counted = []
    for one in compared:
        since = None if one.found is None else (one.location.damaged_since or now)
        where = (*_unchanged(one.location), _still_means(one.location))
        written = connection.execute(update(Sighting).where(*where).values(verified_at=now, damaged_since=since))
        if written.rowcount:
            counted.append(one)
    record(connection, *(_event(one, now, via, acting) for one in counted if _is_news(one)))
    return counted


def _unchanged(location: Location) -> tuple[ColumnElement[bool], ...]:
    looked = ("directory_id", "name", "size_bytes", "mtime_ns", "ctime_ns", "inode", "original_file_id")
    same = tuple(getattr(Sighting, column) == getattr(location, column) for column in looked)
    return (*same, Sighting.missing_since.is_(None))


def _still_means(location: Location) -> ColumnElement[bool]:
    """Say that the original file still has the hash that was compared with."""
    original = select(OriginalFile.id).where(
        OriginalFile.id == location.original_file_id,
        OriginalFile.hash == location.hash,
        OriginalFile.hasher == location.hasher,
    )
    return original.exists()


def _is_news(one: Compared) -> bool:
    return (one.found is not None) != (one.location.damaged_since is not None)


def _event(one: Compared, now: datetime, via: str, acting: Acting) -> NewEvent:
    location = one.location
    hashes = {"hasher": location.hasher, "expected": location.hash, "found": one.found}
    return NewEvent(
        what="intact_again" if one.found is None else "damaged",
        at=now,
        via=via,
        acting=acting,
        object_type="fileset",
        object_id=location.fileset_id,
        fileset_id=location.fileset_id,
        root_id=location.root_id,
        path_hash=path_hash(location.path),
        after=None if one.found is None else hashes,
    )


def begin_run(connection: Connection, *, now: datetime, via: str) -> int:
    """Note that a run begins; a scheduled one that was broken off ends with it."""
    ended = update(Verification).where(Verification.ended_at.is_(None), Verification.via == via)
    if via == "daemon":
        connection.execute(ended.values(ended_at=now))
    row = {"via": via, "started_at": now, "checked": 0, "bytes_read": 0, "damaged": 0, "missing": 0}
    return int(connection.execute(insert(Verification).values(row).returning(Verification.id)).scalar_one())


def note_run(connection: Connection, run_id: int, *, checked: int, bytes_read: int, damaged: int, missing: int) -> None:
    """Note how far a run is."""
    values = {"checked": checked, "bytes_read": bytes_read, "damaged": damaged, "missing": missing}
    connection.execute(update(Verification).where(Verification.id == run_id).values(values))


def end_run(connection: Connection, run_id: int, *, now: datetime) -> None:
    """Note that a run came to its end."""
    connection.execute(update(Verification).where(Verification.id == run_id).values(ended_at=now))


def last_run(connection: Connection, *, via: str | None = None) -> Run | None:
    """Give the newest run (of the daemon's or of people's, when ``via`` says so)."""
    query = select(Verification.__table__).order_by(Verification.id.desc()).limit(1)
    if via is not None:
        query = query.where(Verification.via == via)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else Run(**row)
