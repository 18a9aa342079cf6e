"""Finds what a fileset is a copy of: those of the same content that were before it. Changes nothing."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, exists, func, select

from catalog.models.images import Image, OriginalFile
from catalog.models.ingest import Directory, Fileset, Root, Sighting

#: Filesets with the same first file that are compared file by file.
_CANDIDATES_AT_MOST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where and when a fileset came to be known: ``path`` is its first file's, relative to its root."""

    fileset_id: int
    root_id: int
    path: bytes
    first_seen_at: datetime
    imported_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LostOriginal:
    """The earlier fileset, and its original file for each of the copy's, by ids."""

    fileset_id: int
    files: Mapping[int, int]


def was_before(one: Standing, other: Standing) -> bool:
    """Tell whether one was in the catalogue when the other was first seen."""
    return one.imported_at <= other.first_seen_at


def is_original_of(one: Standing, other: Standing) -> bool:
    """Tell which of two of the same content is the original, so that a race of two scans has no say in it.

    The one that was in the catalogue first; of two that were found together the one whose root was configured first
    (those of one file: in its order), and in one root the one whose path comes first.
    """
    if was_before(one, other) or was_before(other, one):
        return was_before(one, other)
    return _place(one) < _place(other)


def eldest(standings: Iterable[Standing]) -> Standing | None:
    """Give the original among some of the same content: none was before it, and of those it comes first."""
    found = list(standings)
    first = [one for one in found if not any(was_before(other, one) for other in found if other is not one)]
    return min(first or found, key=_place, default=None)


def _place(one: Standing) -> tuple[int, bytes]:
    return one.root_id, one.path


def originals_of(connection: Connection, fileset_id: int) -> list[int]:
    """Give the filesets of which one has copies of files in it, whoever owns them: they count as before it."""
    mine = _standing(connection, fileset_id)
    if mine is None:
        return []
    other = OriginalFile.__table__.alias("other")
    same = and_(
        other.c.size_bytes == OriginalFile.size_bytes,
        other.c.fingerprint == OriginalFile.fingerprint,
        other.c.hasher == OriginalFile.hasher,
        other.c.hash == OriginalFile.hash,
        other.c.fileset_id != OriginalFile.fileset_id,
    )
    query = select(other.c.fileset_id).distinct().select_from(OriginalFile).join(other, same)
    query = query.where(OriginalFile.fileset_id == fileset_id).order_by(other.c.fileset_id)
    standings = [_standing(connection, one) for one in connection.scalars(query.limit(_CANDIDATES_AT_MOST))]
    return [one.fileset_id for one in standings if one is not None and is_original_of(one, mine)]


def lost_original(connection: Connection, copy: Any) -> LostOriginal | None:
    """Find an earlier fileset of the same owner and group, with the same content, all of whose files are gone.

    ``copy`` is a row of the copy's fileset (id, owner_id, group_id, grouping). Of several files each must have its
    like, under the same name relative to the folder that holds them all.
    """
    members = _members(connection, copy.id, copy.grouping)
    mine = _standing(connection, copy.id)
    if not members or mine is None:
        return None
    pairs = {}
    for fileset_id in _candidates(connection, copy, members[0].content):
        files = _paired(members, _members(connection, fileset_id, copy.grouping))
        if files is not None:
            pairs[fileset_id] = files
    standings = [_standing(connection, fileset_id) for fileset_id in pairs]
    found = eldest(one for one in standings if one is not None and is_original_of(one, mine))
    return None if found is None else LostOriginal(fileset_id=found.fileset_id, files=pairs[found.fileset_id])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Member:
    original_file_id: int
    name: bytes
    content: tuple[int, bytes | None, str | None, str | None]


def _members(connection: Connection, fileset_id: int, grouping: str) -> list[_Member]:
    """Give the files of a fileset, each once; of an image of one file the name has nothing to say."""
    query = (
        select(OriginalFile.id, OriginalFile.size_bytes, OriginalFile.fingerprint, OriginalFile.hasher)
        .add_columns(OriginalFile.hash, Directory.path, Sighting.name)
        .outerjoin(Sighting, (Sighting.original_file_id == OriginalFile.id) & (Sighting.fileset_id == fileset_id))
        .outerjoin(Directory, Directory.id == Sighting.directory_id)
        .where(OriginalFile.fileset_id == fileset_id)
        .order_by(OriginalFile.ordinal)
    )
    rows = connection.execute(query).all()
    if any(row.name is None or row.hash is None for row in rows):
        return []
    folder = _common([bytes(row.path) for row in rows])
    return [
        _Member(
            original_file_id=row.id,
            name=b"" if grouping == "file" else _path(row)[len(folder) :].lstrip(b"/"),
            content=(row.size_bytes, row.fingerprint, row.hasher, row.hash),
        )
        for row in rows
    ]


def _common(folders: Sequence[bytes]) -> bytes:
    return os.path.commonpath(folders) if folders and all(folders) else b""


def _path(row: Any) -> bytes:
    return bytes(row.path) + b"/" + bytes(row.name) if row.path else bytes(row.name)


def _paired(members: Sequence[_Member], others: Sequence[_Member]) -> dict[int, int] | None:
    """Give the other's file for each of a copy's, by ids; None when the two are not the same."""
    theirs = {other.name: other for other in others}
    if len(theirs) != len(members) or len(others) != len(members):
        return None
    pairs = {}
    for member in members:
        other = theirs.get(member.name)
        if other is None or other.content != member.content:
            return None
        pairs[member.original_file_id] = other.original_file_id
    return pairs


def _candidates(
    connection: Connection, copy: Any, content: tuple[int, bytes | None, str | None, str | None]
) -> list[int]:
    """Give filesets in which a file of this content is, and of which no file is there, or watched any more."""
    is_there = (
        select(Sighting.name)
        .join(Directory, Directory.id == Sighting.directory_id)
        .join(Root, Root.id == Directory.root_id)
        .where(Sighting.fileset_id == Fileset.id, Sighting.missing_since.is_(None), Root.availability != "retired")
        .exists()
    )
    size_bytes, fingerprint, hasher, hashed = content
    query = (
        select(Fileset.id)
        .distinct()
        .join(OriginalFile, OriginalFile.fileset_id == Fileset.id)
        .join(Root, Root.id == Fileset.root_id)
        .where(
            OriginalFile.size_bytes == size_bytes,
            OriginalFile.fingerprint == fingerprint,
            OriginalFile.hasher == hasher,
            OriginalFile.hash == hashed,
            Fileset.id != copy.id,
            Fileset.owner_id == copy.owner_id,
            Fileset.group_id == copy.group_id,
            Fileset.grouping == copy.grouping,
            Fileset.done_digest.is_not(None),
            Fileset.removed_at.is_(None),
            Root.role != "storage",
            exists().where(Sighting.fileset_id == Fileset.id),
            ~is_there,
        )
        .order_by(Fileset.id)
        .limit(_CANDIDATES_AT_MOST)
    )
    return list(connection.scalars(query))


def _standing(connection: Connection, fileset_id: int) -> Standing | None:
    seen = (
        select(Fileset.root_id, Fileset.first_seen_at, Directory.path, Sighting.name)
        .join(Sighting, Sighting.fileset_id == Fileset.id)
        .join(Directory, Directory.id == Sighting.directory_id)
        .where(Fileset.id == fileset_id)
        .order_by(Directory.path, Sighting.name)
        .limit(1)
    )
    row = connection.execute(seen).one_or_none()
    imported_at = connection.scalar(select(func.min(Image.created_at)).where(Image.fileset_id == fileset_id))
    if row is None or imported_at is None:
        return None
    return Standing(
        fileset_id=fileset_id,
        root_id=row.root_id,
        path=_path(row),
        first_seen_at=row.first_seen_at,
        imported_at=imported_at,
    )
