"""Reads what is known of directories and sightings, for the comparison with a listing. Runs as the site itself."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Executable, bindparam, func, select, true, tuple_, update

from catalog.looks import KnownSighting, StoredLook
from catalog.models.base import AnySelect
from catalog.models.ingest import Directory, Fileset, Job, Sighting
from catalog.names import path_hash
from catalog.planning import unindexed

_KNOWN: AnySelect = (
    select(
        Sighting.directory_id,
        Sighting.name,
        Sighting.size_bytes,
        Sighting.mtime_ns,
        Sighting.ctime_ns,
        Sighting.inode,
        Sighting.disposition,
        Sighting.fileset_id,
        Sighting.missing_since.is_not(None),
        Fileset.done_digest.is_not(None),
        Sighting.configuration_id,
        Fileset.grouping,
    )
    .outerjoin(Fileset, Fileset.id == Sighting.fileset_id)
    .order_by(Sighting.directory_id, Sighting.name)
)

_NAMES_AT_ONCE = 1000
#: What counts when much goes missing; what is only ignored or skipped does not.
_LASTING = ("member", "held", "unmatched")


def directory_ids(connection: Connection, root_id: int, paths: Sequence[bytes]) -> dict[bytes, int]:
    """Give the ids of those of the directories that are known."""
    if not paths:
        return {}
    hashes = [path_hash(path) for path in paths]
    rows = connection.execute(_DIRECTORY_IDS, {"root": root_id, "hashes": hashes})
    return {bytes(path): directory_id for path, directory_id in rows}


_DIRECTORY_IDS = select(Directory.path, Directory.id).where(
    Directory.root_id == bindparam("root"), Directory.path_hash.in_(bindparam("hashes", expanding=True))
)


def looks_in_directories(connection: Connection, ids: Sequence[int]) -> list[StoredLook]:
    """Give the looks at all names of these directories, in the order of directory and name."""
    return _looks(connection, _LOOKS_IN_DIRECTORIES, {"ids": list(ids)}) if ids else []


def looks_in_range(
    connection: Connection, directory_id: int, low: bytes | None, high: bytes | None
) -> list[StoredLook]:
    """Give the looks at names of one directory over ``low`` and up to ``high`` (None: open end), by name."""
    return _looks(connection, _in_range(_LOOKS, directory_id, low, high))


def _looks(connection: Connection, query: Executable, values: Mapping[str, Any] | None = None) -> list[StoredLook]:
    """Take the rows from the driver as they are: a row that SQLAlchemy makes costs more than the look itself."""
    result = connection.execute(query, values)
    rows: list[StoredLook] = list(result.cursor.fetchall())
    result.close()
    return rows


_LOOKS: AnySelect = select(
    Sighting.directory_id,
    Sighting.name,
    Sighting.size_bytes,
    Sighting.mtime_ns,
    Sighting.ctime_ns,
    Sighting.inode,
    Sighting.missing_since,
).order_by(Sighting.directory_id, Sighting.name)
_LOOKS_IN_DIRECTORIES = _LOOKS.where(Sighting.directory_id.in_(bindparam("ids", expanding=True)))


def known_in_range(
    connection: Connection, directory_id: int, low: bytes | None, high: bytes | None
) -> list[KnownSighting]:
    """Give the sightings of one directory with names over ``low`` and up to ``high`` (None: open end)."""
    rows = connection.execute(_in_range(_KNOWN, directory_id, low, high))
    return [KnownSighting._make(row) for row in rows.all()]


def _in_range(query: AnySelect, directory_id: int, low: bytes | None, high: bytes | None) -> AnySelect:
    query = query.where(Sighting.directory_id == directory_id)
    if low is not None:
        query = query.where(Sighting.name > low)
    return query if high is None else query.where(Sighting.name <= high)


def known_by_names(connection: Connection, directory_id: int, names: Sequence[bytes]) -> list[KnownSighting]:
    """Give the sightings of single names."""
    found: list[KnownSighting] = []
    for start in range(0, len(names), _NAMES_AT_ONCE):
        some = list(names[start : start + _NAMES_AT_ONCE])
        query = _KNOWN.where(Sighting.directory_id == directory_id, Sighting.name.in_(some))
        found += [KnownSighting._make(row) for row in connection.execute(query).all()]
    return found


def directories_of(connection: Connection, root_id: int, *, after_id: int = 0, limit: int = 10_000) -> list[
    tuple[int, bytes, bool]
]:  # fmt: skip
    """Give a page of all known directories of a root: id, path, whether the last listing was whole."""
    query = (
        select(Directory.id, Directory.path, Directory.is_listed_whole)
        .where(Directory.root_id == root_id, Directory.id > after_id)
        .order_by(Directory.id)
        .limit(limit)
    )
    return [(row.id, bytes(row.path), row.is_listed_whole) for row in connection.execute(query)]


def directories_below(connection: Connection, root_id: int, path: bytes) -> list[int]:
    """Give the ids of a directory and all known directories below it; none when it is not known."""
    if path not in directory_ids(connection, root_id, [path]):
        return []
    query = select(Directory.id).where(Directory.root_id == root_id, folders_at_or_below(path))
    return list(connection.scalars(query))


def forget_problems(connection: Connection, directory_ids: Sequence[int]) -> None:
    """Forget why folders could not be listed: they are gone."""
    query = update(Directory).where(Directory.id.in_(directory_ids), Directory.problem.is_not(None))
    connection.execute(query.values(problem=None))


def folders_at_or_below(path: bytes) -> ColumnElement[bool]:
    """Say of directories that they are this one (relative to its root) or lie below it."""
    # "/" is 0x2f and "0" comes right after it: everything below, in the order of bytes.
    below = (Directory.path >= path + b"/") & (Directory.path < path + b"0")
    return (Directory.path == path) | below if path else true()


def present_in(connection: Connection, directory_ids: Sequence[int], *, limit: int) -> list[tuple[int, bytes]]:
    """Give keys of sightings of these directories that are not missing yet."""
    query = (
        select(Sighting.directory_id, Sighting.name)
        .where(Sighting.directory_id.in_(directory_ids), Sighting.missing_since.is_(None))
        .order_by(Sighting.directory_id, Sighting.name)
        .limit(limit)
    )
    return [(row.directory_id, bytes(row.name)) for row in connection.execute(query)]


def lasting_in(connection: Connection, directory_ids: Sequence[int]) -> Iterator[tuple[int, bytes, bytes]]:
    """Give directory id, directory path and name of what would be noticed if it went missing, in these directories."""
    query = (
        select(Sighting.directory_id, Directory.path, Sighting.name)
        .join(Directory, Directory.id == Sighting.directory_id)
        .where(
            Sighting.directory_id.in_(directory_ids),
            Sighting.missing_since.is_(None),
            Sighting.disposition.in_(_LASTING),
        )
        .order_by(Sighting.directory_id, Sighting.name)
    )
    for row in connection.execute(query):
        yield row.directory_id, bytes(row.path), bytes(row.name)


def count_present(connection: Connection, directory_ids: Sequence[int]) -> int:
    """Count the sightings of these directories that matter to the brake and are not missing yet."""
    count = 0
    for start in range(0, len(directory_ids), 500):
        query = (
            select(func.count())
            .select_from(Sighting)
            .where(
                Sighting.directory_id.in_(directory_ids[start : start + 500]),
                Sighting.missing_since.is_(None),
                Sighting.disposition.in_(_LASTING),
            )
        )
        count += connection.scalar(query) or 0
    return count


def newest_fileset(connection: Connection) -> int:
    """Give the id of the fileset that was made last, 0 when there is none; ids only grow."""
    return connection.scalar(select(func.max(Fileset.id))) or 0


def replaceable(
    connection: Connection,
    root_id: int,
    *,
    configuration_id: int | None,
    after: tuple[int, bytes] | None,
    limit: int,
    up_to_fileset: int,
) -> Iterator[tuple[int, bytes, bytes, str]]:
    """Give a page of paths that a change of rules or people may place otherwise: nothing that is catalogued.

    Filesets that were made after the change, over ``up_to_fileset``, are placed as it says already.

    With ``configuration_id``, what this configuration ignored, skipped or did not match is left out: people alone
    don't change that.

    Yields directory id, directory path, name and disposition, in the order of the key.
    """
    query = (
        select(Sighting.directory_id, Directory.path, Sighting.name, Sighting.disposition)
        .join(Directory, Directory.id == Sighting.directory_id)
        .outerjoin(Fileset, Fileset.id == Sighting.fileset_id)
        .where(unindexed(Directory.root_id) == root_id, Sighting.missing_since.is_(None), _never_done())
        .where(Sighting.fileset_id.is_(None) | (Sighting.fileset_id <= up_to_fileset))
        .order_by(Sighting.directory_id, Sighting.name)
        .limit(limit)
    )
    if configuration_id is not None:
        is_other = Sighting.configuration_id.is_distinct_from(configuration_id)
        query = query.where(Sighting.disposition.in_(("held", "member")) | is_other)
    if after is not None:
        query = query.where(tuple_(Sighting.directory_id, Sighting.name) > tuple_(*after))
    for row in connection.execute(query):
        yield row.directory_id, bytes(row.path), bytes(row.name), row.disposition


def _never_done() -> ColumnElement[bool]:
    return Sighting.fileset_id.is_(None) | (Fileset.done_digest.is_(None) & Fileset.removed_at.is_(None))


def countable(connection: Connection, root_id: int, *, missing_after: datetime | None = None) -> int:
    """Count a root's files that matter to the brake: present ones, or those missing since a moment."""
    present = Sighting.missing_since.is_(None)
    condition = present if missing_after is None else Sighting.missing_since > missing_after
    query = (
        select(func.count())
        .select_from(Sighting)
        .join(Directory, Directory.id == Sighting.directory_id)
        .where(Directory.root_id == root_id, Sighting.disposition.in_(_LASTING), condition)
    )
    return connection.scalar(query) or 0


def quarantined_among(connection: Connection, fileset_ids: Collection[int]) -> dict[int, str]:
    """Give those of the filesets that were given up, with the reason: they are not read again until they change."""
    if not fileset_ids:
        return {}
    query = select(Job.fileset_id, Job.reason).where(
        Job.fileset_id.in_(list(fileset_ids)), Job.kind == "import", Job.state == "quarantined"
    )
    return {row.fileset_id: row.reason or "" for row in connection.execute(query)}
