"""Files that describe others which are catalogued otherwise: kept until `apply` makes one set of them."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from catalog.models.held_sets import HeldSet
from catalog.models.ingest import Directory, Fileset, NamedFile, Reason, Sighting


@dataclass(frozen=True, slots=True, kw_only=True)
class SetMain:
    """A file with the paths, relative to the root, of those it describes.

    ``fileset_id`` is that of one which is catalogued as an image of its own; None: it is held.
    """

    path: bytes
    names: frozenset[bytes]
    is_mutual: bool
    fileset_id: int | None = None


def keep_held_set(
    connection: Connection, root_id: int, place: tuple[int, bytes], names: frozenset[bytes], *, is_mutual: bool
) -> None:
    """Keep what a file (directory id, name) that is going to be held was found to name, relative to the root."""
    directory_id, name = place
    connection.execute(delete(HeldSet).where(HeldSet.directory_id == directory_id, HeldSet.name == name))
    folder = bytes(connection.scalars(select(Directory.path).where(Directory.id == directory_id)).one())
    inner = [path.removeprefix(folder).lstrip(b"/") if folder else path for path in sorted(names)]
    row = {"directory_id": directory_id, "name": name, "root_id": root_id, "is_mutual": is_mutual}
    connection.execute(insert(HeldSet), row | {"names": [one.hex() for one in inner]})


def set_mains(connection: Connection, root_id: int) -> list[SetMain]:
    """Give the files of a root that describe others and are held, or catalogued as images of their own."""
    return [*_held(connection, root_id), *_catalogued(connection, root_id)]


def _held(connection: Connection, root_id: int) -> list[SetMain]:
    query = (
        select(Directory.path, HeldSet.name, HeldSet.names, HeldSet.is_mutual)
        .join(Sighting, (Sighting.directory_id == HeldSet.directory_id) & (Sighting.name == HeldSet.name))
        .join(Directory, Directory.id == HeldSet.directory_id)
        .where(HeldSet.root_id == root_id, Sighting.disposition == "held", Sighting.missing_since.is_(None))
        .order_by(HeldSet.directory_id, HeldSet.name)
    )
    found = []
    for row in connection.execute(query):
        folder = bytes(row.path)
        names = frozenset(_below(folder, bytes.fromhex(name)) for name in row.names)
        found.append(SetMain(path=_below(folder, bytes(row.name)), names=names, is_mutual=row.is_mutual))
    return found


def _catalogued(connection: Connection, root_id: int) -> list[SetMain]:
    query = (
        select(NamedFile.fileset_id, NamedFile.path, Directory.path.label("folder"), Sighting.name)
        .join(Fileset, Fileset.id == NamedFile.fileset_id)
        .join(Sighting, Sighting.fileset_id == Fileset.id)
        .join(Directory, Directory.id == Sighting.directory_id)
        .where(
            NamedFile.root_id == root_id,
            Fileset.grouping == "file",
            Fileset.done_digest.is_not(None),
            Fileset.removed_at.is_(None),
        )
    )
    named: dict[tuple[int, bytes], set[bytes]] = {}
    for row in connection.execute(query):
        main = _below(bytes(row.folder), bytes(row.name))
        named.setdefault((row.fileset_id, main), set()).add(bytes(row.path))
    return [
        SetMain(path=main, names=frozenset(names), is_mutual=False, fileset_id=fileset_id)
        for (fileset_id, main), names in sorted(named.items())
    ]


def held_for_apply(connection: Connection, directory_id: int) -> dict[bytes, str]:
    """Give, by name, why files of a folder that describe others are held."""
    query = (
        select(Sighting.name, Reason.sentence)
        .join(HeldSet, (Sighting.directory_id == HeldSet.directory_id) & (Sighting.name == HeldSet.name))
        .join(Reason, Reason.id == Sighting.reason_id)
        .where(HeldSet.directory_id == directory_id, Sighting.disposition == "held")
    )
    return {bytes(row.name): row.sentence for row in connection.execute(query)}


def _below(folder: bytes, name: Any) -> bytes:
    return folder + b"/" + bytes(name) if folder else bytes(name)
