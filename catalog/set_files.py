"""Keeps filesets of several files in step with their files: which of two takes a place, and the sum of what was seen.

Nothing here reads more of a fileset than the rows that a look concerns: a folder of 100,000 planes stays cheap.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, update

from catalog.captured import in_words
from catalog.events import NewEvent, record
from catalog.looks import ChangedFile, SeenFile, SeenFileset
from catalog.member_digests import NOTHING, changed, member_digest
from catalog.models.ingest import Directory, Fileset, Job, Sighting
from catalog.names import display, natural_key, path_hash
from catalog.reasons import reason_ids

#: The columns of a look.
LOOK = ("size_bytes", "mtime_ns", "ctime_ns", "inode")
_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenBefore:
    """What was stored of the paths of a batch: ids of directories, rows by (directory id, name)."""

    ids: Mapping[bytes, int]
    rows: Mapping[tuple[int, bytes], Any]

    def digest_in(self, file: SeenFile, fileset_id: int | None) -> bytes | None:
        """Give the digest with which a file counts in a fileset already; None where it does not."""
        row = self.rows.get((self.ids[file.directory], file.name))
        if row is None or fileset_id is None or row.fileset_id != fileset_id or row.missing_since is not None:
            return None
        return digest_before(file.path, row)


def digest_before(path: bytes, row: Any) -> bytes:
    """Give the digest of a stored look."""
    return member_digest(path, row.size_bytes, row.mtime_ns, row.ctime_ns, row.inode)


def files_by_key(files: Sequence[SeenFile]) -> dict[bytes, list[SeenFile]]:
    """Give the files of a batch that are, or may be, of filesets of several, by the fileset's key."""
    found: dict[bytes, list[SeenFile]] = {}
    for file in files:
        if file.fileset is not None:
            found.setdefault(file.fileset.key, []).append(file)
    return found


def joined_to(seen: SeenFileset, row: Any, files: Sequence[SeenFile], before: SeenBefore) -> SeenFileset:
    """Give the fileset as seen with these files in it; ``row`` is the fileset as stored, None where it is new."""
    known_id = None if row is None else row["id"]
    digest = NOTHING if row is None else bytes(row["seen_digest"])
    counted = (before.digest_in(file, known_id) for file in files)
    after = changed(
        digest,
        added=[file.fileset.digest for file in files if file.fileset],
        removed=[one for one in counted if one is not None],
    )
    return seen._replace(digest=after, due_at=max(file.fileset.due_at for file in files if file.fileset))


def digests_after(files: Sequence[ChangedFile], seen: Mapping[int, bytes]) -> dict[int, bytes]:
    """Give what filesets have seen after new looks at catalogued files, by id."""
    digests: dict[int, bytes] = {}
    for file in files:
        if file.grouping == "file":
            digests[file.fileset_id] = file.digest
            continue
        removed = [] if file.digest_before is None else [file.digest_before]
        before = digests.get(file.fileset_id, seen[file.fileset_id])
        digests[file.fileset_id] = changed(before, added=[file.digest], removed=removed)
    return digests


def take_from(connection: Connection, digests: Mapping[int, Sequence[bytes]]) -> None:
    """Take files out of what filesets have seen, by id; those that are catalogued as seen stay so, without them."""
    query = select(Fileset.id, Fileset.seen_digest, Fileset.done_digest).where(Fileset.id.in_(list(digests)))
    for row in connection.execute(query).all():
        seen = changed(bytes(row.seen_digest), removed=digests[row.id])
        is_current = row.done_digest is not None and bytes(row.done_digest) == bytes(row.seen_digest)
        values = {"seen_digest": seen} | ({"done_digest": seen} if is_current else {})
        connection.execute(update(Fileset).where(Fileset.id == row.id).values(values))
        if is_current:  # the hash that is to be made is that of what is left
            hashing = (Job.fileset_id == row.id, Job.kind == "hash", Job.state != "started")
            connection.execute(update(Job).where(*hashing).values(digest=seen))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Holder:
    """Who has a place in an image of many files: a file of this batch, or one that is stored."""

    path: bytes
    file: SeenFile | None = None
    row: Any = None

    @property
    def order(self) -> Any:
        return natural_key(display(self.path)), self.path


def without_clashes(
    connection: Connection, root_id: int, files: Sequence[SeenFile], *, now: datetime, via: str
) -> list[SeenFile]:
    """Hold what would take a place in an image that another file has; the first in natural order stays.

    In an image that is catalogued the file that it was made of stays.
    """
    clashes = clashes_of(connection, root_id, files)
    for known, new in clashes.put_out:
        _put_out(connection, root_id, known, new, now, via)
    held = clashes.held
    return [_as_held(file, held[file.path]) if file.path in held else file for file in files]


@dataclass(frozen=True, slots=True)
class Clashes:
    """Files of a batch that are held, with the reason, by path; and stored ones that give way to one of the batch."""

    held: Mapping[bytes, str]
    put_out: Sequence[tuple["_Holder", "_Holder"]]


def clashes_of(connection: Connection, root_id: int, files: Sequence[SeenFile]) -> Clashes:
    """Find who has to give way where two files want one place; writes nothing."""
    by_key = files_by_key([file for file in files if file.captured is not None])
    held: dict[bytes, str] = {}
    put_out: list[tuple[_Holder, _Holder]] = []
    stored = _stored_holders(connection, root_id, by_key) if by_key else {}
    for key, some in by_key.items():
        places: dict[str | None, _Holder] = {}
        for file in sorted(some, key=lambda one: _Holder(path=one.path).order):
            new = _Holder(path=file.path, file=file)
            known = places.get(file.captured) or stored.get((key, file.captured or ""))
            if known is None or known.path == file.path:
                places[file.captured] = new
            elif known.row is not None and not known.row.is_done and new.order < known.order:
                places[file.captured] = new
                put_out.append((known, new))
            else:
                held[file.path] = clash(known.path, file.path, file.captured)
    return Clashes(held, put_out)


def clash(taken_by: bytes, path: bytes, captured: str | None) -> str:
    """Say why a file is held: "same channel 1, z 3 as NAME"; by its path where that lies in another folder."""
    folder, _, name = taken_by.rpartition(b"/")
    return f"same {in_words(captured)} as {display(name if path.rpartition(b'/')[0] == folder else taken_by)}"


def _as_held(file: SeenFile, reason: str) -> SeenFile:
    group_id = file.fileset.group_id if file.fileset else None
    return file._replace(disposition="held", reason=reason, fileset=None, captured=None, group_id=group_id)


def _stored_holders(
    connection: Connection, root_id: int, by_key: Mapping[bytes, Sequence[SeenFile]]
) -> dict[tuple[bytes, str], _Holder]:
    """Find, for the places that a batch wants, who has them: by an index, whatever the fileset's size."""
    query = select(Fileset.id, Fileset.key, Fileset.done_digest.is_not(None).label("is_done")).where(
        Fileset.root_id == root_id, Fileset.key.in_(list(by_key))
    )
    found: dict[tuple[bytes, str], _Holder] = {}
    for fileset in connection.execute(query).all():
        key = bytes(fileset.key)
        wanted = sorted({file.captured for file in by_key[key] if file.captured})
        for start in range(0, len(wanted), _BATCH):
            for row in connection.execute(_holders(fileset, wanted[start : start + _BATCH])):
                folder, name = bytes(row.path), bytes(row.name)
                path = folder + b"/" + name if folder else name
                found[key, row.captured] = _Holder(path=path, row=row)
    return found


def _holders(fileset: Any, captured: Sequence[str]) -> Any:
    return (
        select(
            Sighting.directory_id,
            Directory.path,
            Sighting.name,
            Sighting.captured,
            Sighting.fileset_id,
            *(getattr(Sighting, column) for column in LOOK),
        )
        .add_columns(func.coalesce(fileset.is_done, False).label("is_done"))
        .join(Directory, Directory.id == Sighting.directory_id)
        .where(
            Sighting.fileset_id == fileset.id,
            Sighting.captured.in_(captured),
            Sighting.missing_since.is_(None),
        )
    )


def _put_out(connection: Connection, root_id: int, known: _Holder, new: _Holder, now: datetime, via: str) -> None:
    """Hold a stored file whose place goes to one that comes before it."""
    row = known.row
    reason = clash(new.path, known.path, row.captured)
    group_id = new.file.fileset.group_id if new.file and new.file.fileset else None
    reason_id = reason_ids(connection, [reason])[reason]
    connection.execute(
        update(Sighting)
        .where(Sighting.directory_id == row.directory_id, Sighting.name == row.name)
        .values(disposition="held", reason_id=reason_id, fileset_id=None, captured=None, group_id=group_id)
    )
    take_from(connection, {row.fileset_id: [digest_before(known.path, row)]})
    event = {"what": "held", "at": now, "via": via, "root_id": root_id, "path_hash": path_hash(known.path)}
    record(connection, NewEvent(**event, after={"reason": reason}))  # type: ignore[arg-type] # as named above
