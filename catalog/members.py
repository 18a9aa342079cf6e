"""Reads the files of filesets as they were seen, a bounded number at a time; and what is known of them from earlier."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, RowMapping, bindparam, func, select

from catalog.looks import MemberRow
from catalog.models.images import OriginalFile
from catalog.models.ingest import Directory, Sighting
from catalog.records import FileRecord, HeldSeries

#: So many files of filesets of several are had at once, or those of one fileset.
FILES_AT_MOST = 20_000
_BATCH = 500
_Row = TypeVar("_Row")


def bounded(connection: Connection, rows: Sequence[_Row], groupings: Mapping[int, str]) -> list[_Row]:
    """Give the first of some rows, whose filesets together have no more than FILES_AT_MOST files; always one.

    ``groupings`` is in the order of the rows, by fileset. Filesets of one file are not counted.
    """
    several = [fileset_id for fileset_id, grouping in groupings.items() if grouping != "file"]
    if not several:
        return list(rows)
    query = select(Sighting.fileset_id, func.count()).where(Sighting.fileset_id.in_(several))
    counts = dict(connection.execute(query.group_by(Sighting.fileset_id)).all())
    total, kept = 0, 0
    for fileset_id in groupings:
        total += counts.get(fileset_id, 0)
        if total > FILES_AT_MOST and kept:
            break
        kept += 1
    return list(rows[:kept])


def members_of(connection: Connection, fileset_ids: Sequence[int]) -> dict[int, tuple[MemberRow, ...]]:
    """Give the members of filesets that are there, in the order of their paths."""
    if not fileset_ids:
        return {}
    found: dict[int, list[MemberRow]] = {}
    rows: Any = connection.execute(_MEMBERS, {"ids": list(fileset_ids)})
    for fileset_id, folder, name, size_bytes, mtime_ns, ctime_ns, inode, captured in rows:
        path = bytes(folder) + b"/" + bytes(name) if folder else bytes(name)
        member = MemberRow(path, size_bytes, mtime_ns, ctime_ns, inode, captured)
        found.setdefault(fileset_id, []).append(member)
    return {
        key: tuple(members if len(members) == 1 else sorted(members, key=lambda m: m.path))
        for key, members in found.items()
    }


_MEMBERS = (
    select(
        Sighting.fileset_id,
        Directory.path,
        Sighting.name,
        Sighting.size_bytes,
        Sighting.mtime_ns,
        Sighting.ctime_ns,
        Sighting.inode,
        Sighting.captured,
    )
    .join(Directory, Directory.id == Sighting.directory_id)
    .where(Sighting.fileset_id.in_(bindparam("ids", expanding=True)), Sighting.missing_since.is_(None))
)


def with_known(
    connection: Connection, members: Mapping[int, tuple[MemberRow, ...]], fileset_ids: Sequence[int]
) -> dict[int, tuple[MemberRow, ...]]:
    """Give members with what was read of them when they were read last, so that only what changed is read again."""
    found: dict[int, tuple[MemberRow, ...]] = {}
    for fileset_id in fileset_ids:
        if fileset_id in members:
            known = _known_files(connection, fileset_id)
            found[fileset_id] = tuple(one._replace(known=known.get(one.path)) for one in members[fileset_id])
    return found


def _known_files(connection: Connection, fileset_id: int) -> dict[bytes, FileRecord]:
    query = (
        select(Directory.path, Sighting.name, OriginalFile)
        .join(Directory, Directory.id == Sighting.directory_id)
        .join(OriginalFile, OriginalFile.id == Sighting.original_file_id)
        .where(Sighting.fileset_id == fileset_id, OriginalFile.read_as.is_not(None))
    )
    found = {}
    for row in connection.execute(query).mappings():
        folder, name = bytes(row["path"]), bytes(row["name"])
        path = folder + b"/" + name if folder else name
        found[path] = _file_record(path, row)
    return found


def _file_record(path: bytes, row: RowMapping) -> FileRecord:
    return FileRecord(
        path=path,
        size_bytes=row["size_bytes"],
        hash=row["hash"],
        hasher=row["hasher"],
        fingerprint=bytes(row["fingerprint"]),
        read_as=bytes(row["read_as"]),
        holds=tuple(HeldSeries(**one | {"channels": tuple(one["channels"])}) for one in row["holds"] or ()),
        is_read=False,
    )
