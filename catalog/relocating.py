"""`relocate`: a root's files are in another folder now; its row gets the new folder, and its new name if it has one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from catalog.acting import acting_again
from catalog.errors import NotFound, Refused
from catalog.events import NewEvent, record
from catalog.models.ingest import Directory, Event, Fileset, Root, Sighting
from catalog.names import display
from catalog.permissions import Acting

#: What may come and go without anybody noticing.
_OF_NO_ACCOUNT = ("ignored", "skipped")


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFile:
    """A file that should be below a root: its path, and its size and modification time as last seen."""

    path: bytes
    size_bytes: int
    mtime_ns: int


def files_to_look_for(connection: Connection, acting: Acting, root: str, *, limit: int) -> list[KnownFile]:
    """Give some files that were there when the root was last seen, any ones; for administrators.

    Raises NotFound for a root that is not known.
    """
    if not (acting.is_administrator or acting.is_system):
        raise NotFound(f"there is no root {root}")
    root_id = _root_id(connection, root)
    query = (
        select(Directory.path, Sighting.name, Sighting.size_bytes, Sighting.mtime_ns)
        .join(Directory, Directory.id == Sighting.directory_id)
        .where(
            Directory.root_id == root_id, Sighting.missing_since.is_(None), Sighting.disposition.not_in(_OF_NO_ACCOUNT)
        )
        .order_by(func.random())
        .limit(limit)
    )
    return [
        KnownFile(
            path=bytes(row.path) + b"/" + bytes(row.name) if row.path else bytes(row.name),
            size_bytes=row.size_bytes,
            mtime_ns=row.mtime_ns,
        )
        for row in connection.execute(query)
    ]


def _root_id(connection: Connection, name: str) -> int:
    root_id = connection.scalar(select(Root.id).where(Root.name == name))
    if root_id is None:
        raise NotFound(f"there is no root {name}; `coverslip root ls` shows them")
    return root_id


def relocate(
    connection: Connection,
    acting: Acting,
    root: str,
    *,
    to: bytes,
    name: str,
    identity: Mapping[str, Any],
    now: datetime,
    via: str,
) -> None:
    """Give a root its new folder, and the name that the configuration has for it; its files keep all they have.

    The caller holds the ingest's lock and has looked at the folder; ``identity`` is what it is known by from now on.
    Raises Refused when files below the new name were taken in already: they would have to be told apart.
    """
    fresh = acting_again(connection, acting, now=now)
    if not (fresh.is_administrator or fresh.is_system):
        raise NotFound(f"there is no root {root}")
    root_id = _root_id(connection, root)
    old = connection.scalar(select(Root.path).where(Root.id == root_id)) or b""
    if name != root:
        _make_room(connection, name)
    values = {"name": name, "path": to, "identity": dict(identity), "availability": "available", "reason": None}
    connection.execute(update(Root).where(Root.id == root_id).values(values))
    event = NewEvent(
        what="root_relocated",
        at=now,
        via=via,
        acting=fresh,
        object_type="root",
        object_id=root_id,
        root_id=root_id,
        before={"name": root, "path": display(bytes(old))},
        after={"name": name, "path": display(to)},
    )
    record(connection, event)


def _make_room(connection: Connection, name: str) -> None:
    """Remove the row of a root that was only ever looked at under the new name."""
    other = connection.scalar(select(Root.id).where(Root.name == name))
    if other is None:
        return
    filesets = connection.scalar(select(func.count()).where(Fileset.root_id == other))
    events = connection.scalar(select(func.count()).where(Event.root_id == other, Event.object_type != "root"))
    if filesets or events:
        raise Refused(
            f"files below the root {name} were taken in as new ones already; `coverslip accept` of that folder joins"
            " them with the images that they had below the old root"
        )
    folders = select(Directory.id).where(Directory.root_id == other)
    connection.execute(delete(Sighting).where(Sighting.directory_id.in_(folders)))
    connection.execute(delete(Directory).where(Directory.root_id == other))
    connection.execute(delete(Root).where(Root.id == other))
