"""What the main file of a fileset names: kept from its import on, so that no later reader has to look into it again."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, delete, insert, select

from catalog.models.ingest import Fileset, NamedFile
from catalog.names import path_hash

_BATCH = 500


def named_by(connection: Connection, fileset_id: int) -> frozenset[bytes]:
    """Give the paths, relative to the root, that the main file of a fileset was found to name."""
    query = select(NamedFile.path).where(NamedFile.fileset_id == fileset_id)
    return frozenset(bytes(path) for path in connection.scalars(query))


def needed_by(connection: Connection, fileset_id: int) -> list[bytes]:
    """Give the named paths that are waited for, in order."""
    query = select(NamedFile.path).where(NamedFile.fileset_id == fileset_id, NamedFile.is_needed)
    return sorted(bytes(path) for path in connection.scalars(query))


def keep_named(connection: Connection, root_id: int, fileset_id: int, names: Mapping[bytes, bool]) -> None:
    """Keep what a main file names now, by path, with whether it is waited for; what it named before is forgotten."""
    connection.execute(delete(NamedFile).where(NamedFile.fileset_id == fileset_id))
    rows = [
        {
            "fileset_id": fileset_id,
            "path_hash": path_hash(path),
            "root_id": root_id,
            "path": path,
            "is_needed": is_needed,
        }
        for path, is_needed in names.items()
    ]
    if rows:
        connection.execute(insert(NamedFile), rows)


def has_named(connection: Connection, root_id: int) -> bool:
    """Tell whether any file of a root is named by another."""
    return connection.scalar(select(NamedFile.fileset_id).where(NamedFile.root_id == root_id).limit(1)) is not None


def namers_of(connection: Connection, root_id: int, paths: Sequence[bytes]) -> dict[int, list[bytes]]:
    """Give the filesets whose main files name some of these paths, with which; of two that name one, the first."""
    found: dict[bytes, int] = {}
    for start in range(0, len(paths), _BATCH):
        hashes = [path_hash(path) for path in paths[start : start + _BATCH]]
        query = (
            select(NamedFile.path, NamedFile.fileset_id)
            .join(Fileset, Fileset.id == NamedFile.fileset_id)
            .where(NamedFile.root_id == root_id, NamedFile.path_hash.in_(hashes), Fileset.removed_at.is_(None))
            .order_by(NamedFile.fileset_id)
        )
        for path, fileset_id in connection.execute(query):
            found.setdefault(bytes(path), fileset_id)
    by_fileset: dict[int, list[bytes]] = {}
    for path, fileset_id in found.items():
        by_fileset.setdefault(fileset_id, []).append(path)
    return by_fileset
