"""Keeps the rows of watch roots: registered, available or not, braked, retired; and people's decisions about paths."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update

from catalog.events import NewEvent, record
from catalog.models.ingest import Assignment, Directory, Event, Root, Sighting
from catalog.sightings import folders_at_or_below


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRoot:
    """A root as it is stored."""

    id: int
    name: str
    path: bytes
    role: str
    identity: Mapping[str, Any] | None
    availability: str
    reason: str | None
    last_pass_ended_at: datetime | None
    overflow_count: int

    @property
    def is_accepted(self) -> bool:
        """Tell whether a person accepted the root (its identity was dropped) and no pass has ended since."""
        return self.availability == "available" and self.identity is None and self.last_pass_ended_at is not None


def register_roots(
    connection: Connection, roots: Sequence[tuple[str, bytes, str]], *, now: datetime, via: str
) -> dict[str, KnownRoot]:
    """Insert or refresh the configured roots (name, path, role), and retire the others; gives the configured ones."""
    known = {root.name: root for root in known_roots(connection)}
    for name, path, role in roots:
        if name not in known:
            connection.execute(insert(Root), {"name": name, "path": path, "role": role})
            continue
        connection.execute(update(Root).where(Root.name == name).values(path=path, role=role))
        if known[name].availability == "retired":
            set_availability(connection, known[name].id, "available", None, now=now, via=via)
    names = {name for name, _, _ in roots}
    for gone in known.values():
        if gone.name not in names and gone.availability != "retired":
            set_availability(connection, gone.id, "retired", _RETIRED, now=now, via=via)
    return {root.name: root for root in known_roots(connection) if root.name in names}


_RETIRED = "the root is no longer in the configuration"


def known_roots(connection: Connection) -> list[KnownRoot]:
    """Give all roots, in the order of their names."""
    return [_known(row) for row in connection.execute(_KNOWN.order_by(Root.name)).mappings()]


def known_root(connection: Connection, root_id: int) -> KnownRoot:
    """Give one root."""
    return _known(connection.execute(_KNOWN.where(Root.id == root_id)).mappings().one())


_KNOWN = select(
    Root.id,
    Root.name,
    Root.path,
    Root.role,
    Root.identity,
    Root.availability,
    Root.reason,
    Root.last_pass_ended_at,
    Root.overflow_count,
)


def _known(row: RowMapping) -> KnownRoot:
    return KnownRoot(**(dict(row) | {"path": bytes(row["path"])}))


def set_availability(
    connection: Connection, root_id: int, availability: str, reason: str | None, *, now: datetime, via: str
) -> None:
    """Change whether a root can be used, with one event; nothing is written when it stays the same."""
    current = connection.execute(select(Root.availability, Root.reason).where(Root.id == root_id)).one()
    if (current.availability, current.reason) == (availability, reason):
        return
    connection.execute(update(Root).where(Root.id == root_id).values(availability=availability, reason=reason))
    if current.availability != availability:
        record(
            connection,
            NewEvent(
                what=f"root_{availability}",
                at=now,
                via=via,
                object_type="root",
                object_id=root_id,
                root_id=root_id,
                before={"availability": current.availability},
                after={"availability": availability, "reason": reason},
            ),
        )


def begin_pass(connection: Connection, root_id: int, *, now: datetime) -> None:
    """Note that a full pass of a root begins."""
    connection.execute(update(Root).where(Root.id == root_id).values(last_pass_started_at=now))


def end_pass(connection: Connection, root_id: int, identity: Mapping[str, Any] | None, *, now: datetime) -> None:
    """Note that a full pass of a root reached its end, and what the root looked like."""
    values: dict[str, Any] = {"last_pass_ended_at": now, "identity": dict(identity) if identity is not None else None}
    connection.execute(update(Root).where(Root.id == root_id).values(values))


def keep_identity(connection: Connection, root_id: int, identity: Mapping[str, Any]) -> None:
    """Keep what is known of a root between the ends of passes."""
    connection.execute(update(Root).where(Root.id == root_id).values(identity=dict(identity)))


def disks_away(identity: Mapping[str, Any] | None) -> list[tuple[bytes, str]]:
    """Give the folders, relative to the root, at which a disk was mounted that is not there, and what is said of it."""
    mounts = (identity or {}).get("mounts") or {}
    return [(bytes.fromhex(path), known["away"]) for path, known in sorted(mounts.items()) if "away" in known]


def count_overflows(connection: Connection, root_id: int, count: int) -> None:
    """Add to the number of times that the kernel dropped events of a root."""
    connection.execute(update(Root).where(Root.id == root_id).values(overflow_count=Root.overflow_count + count))


@dataclass(frozen=True, slots=True, kw_only=True)
class HandAssignment:
    """A person's decision about a path and all below it, in force; ``targets`` as they were given."""

    id: int
    root_id: int
    path: bytes
    targets: Mapping[str, Any]


def assignments(connection: Connection) -> tuple[HandAssignment, ...]:
    """Give all assignments in force, the newest last: of two about one path, the newest counts."""
    query = select(Assignment.id, Assignment.root_id, Assignment.path, Assignment.targets)
    rows = connection.execute(query.where(Assignment.revoked_at.is_(None)).order_by(Assignment.id))
    return tuple(
        HandAssignment(id=row.id, root_id=row.root_id, path=bytes(row.path), targets=row.targets) for row in rows
    )


def last_event_id(connection: Connection) -> int:
    """Give the newest event's id: when it has not changed, nobody decided anything."""
    return connection.scalar(select(Event.id).order_by(Event.id.desc()).limit(1)) or 0


def known_folders(connection: Connection, name: str) -> frozenset[bytes]:
    """Give the folders of a root that could be listed when they were last come by; some may be gone since."""
    query = select(Directory.path).join(Root, Root.id == Directory.root_id)
    return frozenset(
        bytes(path) for path in connection.scalars(query.where(Root.name == name, Directory.is_listed_whole))
    )


def sample_of(connection: Connection, root_id: int, *, below: bytes = b"", limit: int = 20) -> list[bytes]:
    """Give some paths that are there, by which the root is recognised when its disk comes back under another name.

    ``below``: only of this folder and what is below it, for a disk that is mounted there.
    """
    query = (
        select(Directory.path, Sighting.name)
        .join(Directory, Directory.id == Sighting.directory_id)
        .where(Directory.root_id == root_id, Sighting.missing_since.is_(None), folders_at_or_below(below))
        .limit(limit)
    )
    rows = ((bytes(row.path), bytes(row.name)) for row in connection.execute(query))
    return [folder + b"/" + name if folder else name for folder, name in rows]
