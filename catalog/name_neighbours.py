"""Finds catalogued files whose names stand next to that of a new file: the planes of one image lie side by side."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from catalog.models.ingest import Directory, Fileset, Sighting
from catalog.models.people import Configuration
from catalog.names import path_hash

#: So many on either side are looked at.
NEAR = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class NearFile:
    """A catalogued file near a new one, with its fileset's key and placement."""

    path: bytes
    key: bytes
    document: dict[str, Any]


def had_other_rules(connection: Connection) -> bool:
    """Tell whether anything can have been catalogued under other rules than those in force now."""
    return (connection.scalar(select(func.count()).select_from(Configuration)) or 0) > 1


def near_files(
    connection: Connection, root_id: int, directory: bytes, name: bytes, configuration_id: int | None
) -> list[NearFile]:
    """Give catalogued files next to a name in its folder that were placed under other rules than those of now."""
    query = (
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
        .limit(NEAR)
    )
    sides = (
        query.where(Sighting.name < name).order_by(Sighting.name.desc()),
        query.where(Sighting.name > name).order_by(Sighting.name),
    )
    folder = directory + b"/" if directory else b""
    return [
        NearFile(path=folder + bytes(row.name), key=bytes(row.key), document=row.placement)
        for side in sides
        for row in connection.execute(side)
    ]


def known_keys(connection: Connection, root_id: int, keys: list[bytes], *, is_catalogued: bool = False) -> set[bytes]:
    """Give those of some keys that filesets of a root have; ``is_catalogued``: only of filesets that were imported."""
    query = select(Fileset.key).where(Fileset.root_id == root_id, Fileset.key.in_(keys))
    if is_catalogued:
        query = query.where(Fileset.done_digest.is_not(None))
    return {bytes(key) for key in connection.scalars(query)}
