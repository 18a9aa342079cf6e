"""Moves of files of filesets of several (T9): sightings follow the files, with the first the image is filed anew.

What is catalogued is never split: files that stay behind stay in the image.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from catalog.fileset_looks import forget_jobs
from catalog.member_digests import changed
from catalog.models.ingest import Fileset, NamedFile, Sighting
from catalog.moves import MoveCandidate, drop_sighting, refile, tell_move
from catalog.names import path_hash


@dataclass(frozen=True, slots=True, kw_only=True)
class PartMove:
    """A file of several at its new path.

    ``key`` is that of the fileset it belongs to by its new path (None: the path decides nothing), ``document`` its
    placement there, ``captured`` what its name says now. ``digest`` is that of the file at its new path.
    """

    candidate: MoveCandidate
    path: bytes
    ctime_ns: int
    digest: bytes
    key: bytes | None = None
    captured: str | None = None
    document: Mapping[str, Any] | None = None
    owner_differs: Mapping[str, Any] | None = None


def joins_another(connection: Connection, root_id: int, move: PartMove) -> bool:
    """Tell whether the new path belongs to another image that is catalogued: then the file is new there."""
    if move.key is None:
        return False
    query = select(Fileset.id).where(
        Fileset.root_id == root_id,
        Fileset.key == move.key,
        Fileset.id != move.candidate.fileset_id,
        Fileset.done_digest.is_not(None),
    )
    return connection.scalar(query) is not None


def move_part(
    connection: Connection,
    root_id: int,
    move: PartMove,
    directory_id: int,
    *,
    due_at: datetime,
    now: datetime,
    via: str,
) -> None:
    """Let a file's sighting follow it, and file its image anew where the new path says so."""
    candidate = move.candidate
    row = connection.execute(
        select(Fileset.key, Fileset.seen_digest, Fileset.done_digest).where(Fileset.id == candidate.fileset_id)
    ).one()
    _follow(connection, move, directory_id)
    seen, done = bytes(row.seen_digest), bytes(row.done_digest or b"")
    removed = [] if candidate.is_missing else [candidate.digest]
    after = changed(seen, added=[move.digest], removed=removed)
    values: dict[str, Any] = {"seen_digest": after, "owner_differs": move.owner_differs}
    if seen == done and not candidate.is_missing:
        values["done_digest"] = after
    else:
        values["due_at"] = due_at
        forget_jobs(connection, [candidate.fileset_id])
    connection.execute(update(Fileset).where(Fileset.id == candidate.fileset_id).values(values))
    if move.key is not None and move.key != bytes(row.key) and move.document is not None:
        _take_over(connection, root_id, candidate.fileset_id, move.key, due_at)
        connection.execute(update(Fileset).where(Fileset.id == candidate.fileset_id).values(key=move.key))
        refile(connection, candidate.fileset_id, move.document, now=now)
        _rename_named(connection, candidate, move.path)
        tell_move(connection, candidate.fileset_id, root_id, candidate.path, move.path, move.owner_differs, now, via)


def _follow(connection: Connection, move: PartMove, directory_id: int) -> None:
    candidate = move.candidate
    name = move.path.rpartition(b"/")[2]
    drop_sighting(connection, (Sighting.directory_id == directory_id, Sighting.name == name))
    captured = {"captured": move.captured} if move.captured is not None else {}
    connection.execute(
        update(Sighting)
        .where(Sighting.directory_id == candidate.directory_id, Sighting.name == candidate.name)
        .values(directory_id=directory_id, name=name, ctime_ns=move.ctime_ns, missing_since=None, **captured)
    )


def _take_over(connection: Connection, root_id: int, fileset_id: int, key: bytes, due_at: datetime) -> None:
    """Take the files of a fileset that waits under the new key: they came beside the moved ones."""
    other = connection.execute(
        select(Fileset.id, Fileset.seen_digest).where(
            Fileset.root_id == root_id, Fileset.key == key, Fileset.id != fileset_id
        )
    ).one_or_none()
    if other is None:
        return
    own = connection.scalars(select(Fileset.seen_digest).where(Fileset.id == fileset_id)).one()
    connection.execute(update(Sighting).where(Sighting.fileset_id == other.id).values(fileset_id=fileset_id))
    forget_jobs(connection, [other.id, fileset_id])
    connection.execute(delete(NamedFile).where(NamedFile.fileset_id == other.id))
    connection.execute(delete(Fileset).where(Fileset.id == other.id))
    seen = changed(bytes(own), added=[bytes(other.seen_digest)])
    connection.execute(update(Fileset).where(Fileset.id == fileset_id).values(seen_digest=seen, due_at=due_at))


def _rename_named(connection: Connection, candidate: MoveCandidate, path: bytes) -> None:
    """Let what a main file names lie in its new folder."""
    old, new = candidate.path.rpartition(b"/")[0], path.rpartition(b"/")[0]
    query = select(NamedFile.path, NamedFile.root_id, NamedFile.is_needed)
    rows = connection.execute(query.where(NamedFile.fileset_id == candidate.fileset_id)).all()
    if not rows or old == new:
        return
    connection.execute(delete(NamedFile).where(NamedFile.fileset_id == candidate.fileset_id))
    renamed = []
    for row in rows:
        inner = bytes(row.path).removeprefix(old).lstrip(b"/") if old else bytes(row.path)
        moved = new + b"/" + inner if new else inner
        renamed.append(
            {
                "fileset_id": candidate.fileset_id,
                "path": moved,
                "path_hash": path_hash(moved),
                "root_id": row.root_id,
                "is_needed": row.is_needed,
            }
        )
    connection.execute(insert(NamedFile), renamed)
