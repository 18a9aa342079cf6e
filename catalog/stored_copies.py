"""Further places of known files, below storage roots: found by content, never new images.

A file there is read once for its hash, which is kept (`StoredCopy`); whenever originals come or change, the places
that have their content are pointed to them. A place of no known content is `unmatched`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, tuple_, update

from catalog.events import NewEvent, record
from catalog.looks import ReadCopy
from catalog.models.images import OriginalFile
from catalog.models.ingest import Directory, Fileset, Job, Root, Sighting, StoredCopy
from catalog.names import display, path_hash
from catalog.reasons import reason_ids

UNKNOWN = "no file of the catalogue has this content; it is looked for again when files are imported"
#: Originals of one content that are compared by their paths.
_TWINS_AT_MOST = 100
_AT_ONCE = 200

Key = tuple[int, bytes]
Content = tuple[int, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A file below a storage root, with what it points to now."""

    key: Key
    root_id: int
    path: bytes
    shown: str
    original_file_id: int | None


def commit_copy(connection: Connection, read: ReadCopy, *, now: datetime, via: str) -> bool:
    """Keep the content of a file of a storage root and point it to its original; gives whether the claim still held."""
    mine = (Job.fileset_id == read.fileset_id, Job.kind == "import", Job.claim == read.claim, Job.state == "started")
    seen = select(Fileset.id).join(Job, Job.fileset_id == Fileset.id)
    holds = connection.scalar(seen.where(*mine, Job.digest == read.digest, Fileset.seen_digest == read.digest))
    if holds is None:
        connection.execute(delete(Job).where(*mine))
        return False
    of_fileset = select(Sighting.directory_id, Sighting.name).where(Sighting.fileset_id == read.fileset_id)
    keys = [(row.directory_id, bytes(row.name)) for row in connection.execute(of_fileset)]
    connection.execute(update(Sighting).where(Sighting.fileset_id == read.fileset_id).values(fileset_id=None))
    connection.execute(delete(Job).where(Job.fileset_id == read.fileset_id))
    connection.execute(delete(Fileset).where(Fileset.id == read.fileset_id))
    for key in keys:
        connection.execute(delete(StoredCopy).where(*_at(key)))
        rows = [
            {
                "directory_id": key[0],
                "name": key[1],
                "hasher": file.hasher,
                "hash": file.hash,
                "size_bytes": file.size_bytes,
                "fingerprint": file.fingerprint,
            }
            for file in read.files
        ]
        connection.execute(insert(StoredCopy), rows)
    link(connection, keys, now=now, via=via)
    return True


def _at(key: Key) -> tuple[Any, Any]:
    return StoredCopy.directory_id == key[0], StoredCopy.name == key[1]


def link_contents(connection: Connection, contents: Sequence[Content], *, now: datetime, via: str) -> None:
    """Point the places that have these contents (size, fingerprint) to originals: some came, or changed."""
    for start in range(0, len(contents), _AT_ONCE):
        part = sorted(set(contents[start : start + _AT_ONCE]))
        query = select(StoredCopy.directory_id, StoredCopy.name).where(
            tuple_(StoredCopy.size_bytes, StoredCopy.fingerprint).in_(part)
        )
        link(connection, _keys(connection, query), now=now, via=via)


def link_places_of(connection: Connection, fileset_ids: Sequence[int], *, now: datetime, via: str) -> None:
    """Look again at the places of files whose content changed: they may be of the earlier content."""
    for start in range(0, len(fileset_ids), _AT_ONCE):
        query = (
            select(StoredCopy.directory_id, StoredCopy.name)
            .join(Sighting, _is_place())
            .join(OriginalFile, OriginalFile.id == Sighting.original_file_id)
            .where(OriginalFile.fileset_id.in_(list(fileset_ids[start : start + _AT_ONCE])))
        )
        link(connection, _keys(connection, query), now=now, via=via)


def _is_place() -> Any:
    return (Sighting.directory_id == StoredCopy.directory_id) & (Sighting.name == StoredCopy.name)


def _keys(connection: Connection, query: Any) -> list[Key]:
    return list(dict.fromkeys((row.directory_id, bytes(row.name)) for row in connection.execute(query)))


def link(connection: Connection, keys: Sequence[Key], *, now: datetime, via: str) -> None:
    """Point places to the original of their content, or to none; written only where that is another than before."""
    for place in _places(connection, keys):
        original = _original_of(connection, place)
        known = None if original is None else original[0]
        if known is not None and known == place.original_file_id:
            _settle(connection, place)
            continue
        _point(connection, place, known)
        if original is not None:
            record(connection, _located(place, original[1], now, via))
            _forget_gone(connection, original[0], place.key)


def _places(connection: Connection, keys: Sequence[Key]) -> list[_Place]:
    found = []
    for key in keys:
        query = (
            select(Sighting.original_file_id, Directory.root_id, Directory.path, Root.path.label("root_path"))
            .join(Directory, Directory.id == Sighting.directory_id)
            .join(Root, Root.id == Directory.root_id)
            # One that is being read again is pointed anew when that is done.
            .where(Sighting.directory_id == key[0], Sighting.name == key[1], Sighting.fileset_id.is_(None))
        )
        row = connection.execute(query).one_or_none()
        if row is not None:
            path = bytes(row.path) + b"/" + key[1] if row.path else key[1]
            found.append(
                _Place(
                    key=key,
                    root_id=row.root_id,
                    path=path,
                    shown=display(bytes(row.root_path).rstrip(b"/") + b"/" + path),
                    original_file_id=row.original_file_id,
                )
            )
    return found


_ORIGINALS = (
    select(OriginalFile.id, OriginalFile.fileset_id, Directory.path, Sighting.name)
    .join(
        StoredCopy,
        (StoredCopy.size_bytes == OriginalFile.size_bytes)
        & (StoredCopy.fingerprint == OriginalFile.fingerprint)
        & (StoredCopy.hasher == OriginalFile.hasher)
        & (StoredCopy.hash == OriginalFile.hash),
    )
    .join(Fileset, Fileset.id == OriginalFile.fileset_id)
    .outerjoin(Sighting, (Sighting.original_file_id == OriginalFile.id) & (Sighting.fileset_id == Fileset.id))
    .outerjoin(Directory, Directory.id == Sighting.directory_id)
    .where(
        StoredCopy.directory_id == bindparam("directory"),
        StoredCopy.name == bindparam("name"),
        Fileset.removed_at.is_(None),
    )
    .order_by(OriginalFile.id)
    .limit(_TWINS_AT_MOST)
)


def _original_of(connection: Connection, place: _Place) -> tuple[int, int] | None:
    """Find the original (its id and its fileset's): of several with this content the one whose path is most alike."""
    rows = connection.execute(_ORIGINALS, {"directory": place.key[0], "name": place.key[1]}).all()
    if not rows:
        return None
    best = max(rows, key=lambda row: (_alike(place.path, row), -row.id))
    return best.id, best.fileset_id


def _alike(path: bytes, row: Any) -> int:
    if row.name is None:
        return -1
    other = [*bytes(row.path or b"").split(b"/"), bytes(row.name)]
    count = 0
    for mine, its in zip(reversed(path.split(b"/")), reversed(other), strict=False):
        if mine != its:
            break
        count += 1
    return count


def _here(place: _Place) -> tuple[Any, Any]:
    return Sighting.directory_id == place.key[0], Sighting.name == place.key[1]


def _settle(connection: Connection, place: _Place) -> None:
    values = {"disposition": "member", "reason_id": None, "group_id": None}
    connection.execute(update(Sighting).where(*_here(place)).values(values))


def _point(connection: Connection, place: _Place, original_file_id: int | None) -> None:
    unknown = reason_ids(connection, [UNKNOWN])[UNKNOWN] if original_file_id is None else None
    values = {
        "original_file_id": original_file_id,
        "disposition": "unmatched" if original_file_id is None else "member",
        "reason_id": unknown,
        "group_id": None,
        "verified_at": None,
        "damaged_since": None,
    }
    connection.execute(update(Sighting).where(*_here(place)).values(values))


def _forget_gone(connection: Connection, original_file_id: int, key: Key) -> None:
    """Forget places in storage that are gone, now that another one is known."""
    gone = (
        Sighting.original_file_id == original_file_id,
        Sighting.missing_since.is_not(None),
        Sighting.fileset_id.is_(None),
        tuple_(Sighting.directory_id, Sighting.name) != tuple_(*key),
    )
    connection.execute(delete(Sighting).where(*gone))


def _located(place: _Place, fileset_id: int, now: datetime, via: str) -> NewEvent:
    return NewEvent(
        what="located",
        at=now,
        via=via,
        object_type="fileset",
        object_id=fileset_id,
        fileset_id=fileset_id,
        root_id=place.root_id,
        path_hash=path_hash(place.path),
        after={"path": place.shown},
    )
