"""Finds catalogued files that lie where those of a new file's image would, and were placed under other rules."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from catalog.models.base import AnySelect
from catalog.models.ingest import Directory, Fileset, Sighting
from catalog.models.people import Configuration
from catalog.names import path_hash

_PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class NearFile:
    """A catalogued file near a new one, with its fileset's key and placement."""

    path: bytes
    key: bytes
    document: dict[str, Any]


def had_other_rules(connection: Connection) -> bool:
    """Tell whether anything can have been catalogued under other rules than those in force now."""
    return (connection.scalar(select(func.count()).select_from(Configuration)) or 0) > 1


def files_of_other_rules(
    connection: Connection, root_id: int, directory: bytes, configuration_id: int | None
) -> Iterator[NearFile]:
    """Give the catalogued files of a folder that were placed under other rules than those of now, by name."""
    folder = directory + b"/" if directory else b""
    after = b""
    while True:
        query = _other_ruled(root_id, directory, configuration_id).where(Sighting.name > after)
        rows = connection.execute(query.order_by(Sighting.name).limit(_PAGE)).all()
        for row in rows:
            yield NearFile(path=folder + bytes(row.name), key=bytes(row.key), document=row.placement)
        if len(rows) < _PAGE:
            return
        after = bytes(rows[-1].name)


def file_of_other_rules(
    connection: Connection, root_id: int, path: bytes, configuration_id: int | None
) -> NearFile | None:
    """Give one file, if it is still catalogued as it was under other rules."""
    directory, _, name = path.rpartition(b"/")
    row = connection.execute(_other_ruled(root_id, directory, configuration_id).where(Sighting.name == name)).first()
    return None if row is None else NearFile(path=path, key=bytes(row.key), document=row.placement)


def _other_ruled(root_id: int, directory: bytes, configuration_id: int | None) -> AnySelect:
    return (
        select(Sighting.name, Fileset.key, Fileset.placement)
        .join(Directory, Directory.id == Sighting.directory_id)
        .join(Fileset, Fileset.id == Sighting.fileset_id)
        .where(
            Directory.root_id == root_id,
            Directory.path_hash == path_hash(directory),
            Fileset.done_digest.is_not(None),
            Fileset.removed_at.is_(None),
            Sighting.configuration_id.is_distinct_from(configuration_id),
        )
    )


def folders_beside(connection: Connection, root_id: int, above: bytes, depth: int) -> list[bytes]:
    """Give the known folders below a folder that lie as deep as ``depth`` components of their path say, in order."""
    here = Directory.root_id == root_id
    if above:
        # "/" is 0x2f and "0" comes right after it: everything below, in the order of bytes.
        here = here & (Directory.path >= above + b"/") & (Directory.path < above + b"0")
    paths = map(bytes, connection.scalars(select(Directory.path).where(here).order_by(Directory.path)))
    return [path for path in paths if path and path.count(b"/") + 1 == depth]


def known_keys(connection: Connection, root_id: int, keys: list[bytes], *, is_catalogued: bool = False) -> set[bytes]:
    """Give those of some keys that filesets of a root have; ``is_catalogued``: only of filesets that were imported."""
    query = select(Fileset.key).where(Fileset.root_id == root_id, Fileset.key.in_(keys))
    if is_catalogued:
        query = query.where(Fileset.done_digest.is_not(None))
    return {bytes(key) for key in connection.scalars(query)}
