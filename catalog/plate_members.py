"""Reads what the names in a plate captured whose rule waits for all of it (`per: plate`), and wakes what waits."""

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, or_, select, update

from catalog.models.ingest import Directory, Fileset, Sighting


def captured_by_image(connection: Connection, root_id: int, plate_key: bytes) -> tuple[tuple[str | None, ...], ...]:
    """Give, for each fileset of a plate, what the names of its files captured."""
    query = (
        select(Sighting.fileset_id, Sighting.captured)
        .join(Fileset, Fileset.id == Sighting.fileset_id)
        .where(Fileset.root_id == root_id, Fileset.plate_key == plate_key, Sighting.missing_since.is_(None))
    )
    found: dict[int, list[str | None]] = {}
    for fileset_id, captured in connection.execute(query):
        found.setdefault(fileset_id or 0, []).append(captured)
    return tuple(tuple(texts) for texts in found.values())


def wake(connection: Connection, root_id: int, plate_key: bytes, *, due_at: datetime) -> None:
    """Have the filesets of a plate judged again that are quiet and wait for the rest of it."""
    mine = (Fileset.root_id == root_id, Fileset.plate_key == plate_key, _is_waiting())
    connection.execute(update(Fileset).where(*mine).values(due_at=due_at, stalled_reason=None))


def wake_by_marker(connection: Connection, root_id: int, directory: bytes, marker: str, *, due_at: datetime) -> None:
    """Have filesets judged again whose marker has this name, and whose files lie in this directory or below it."""
    query = (
        select(Fileset.id)
        .join(Sighting, Sighting.fileset_id == Fileset.id)
        .join(Directory, Directory.id == Sighting.directory_id)
        .where(Fileset.root_id == root_id, Fileset.marker == marker, _is_waiting())
        .distinct()
    )
    if directory:
        # "/" is 0x2f and "0" comes right after it: everything below, in the order of bytes.
        inner = and_(Directory.path >= directory + b"/", Directory.path < directory + b"0")
        query = query.where(or_(Directory.path == directory, inner))
    ids = list(connection.scalars(query))
    for start in range(0, len(ids), 500):
        some = Fileset.id.in_(ids[start : start + 500])
        connection.execute(update(Fileset).where(some).values(due_at=due_at, stalled_reason=None))


def _is_waiting() -> ColumnElement[bool]:
    """Say of a fileset that it was quiet when it was judged, not whole, and that nothing was seen of it since."""
    is_quiet = or_(Fileset.waits_for.is_not(None), and_(Fileset.stalled_reason.is_not(None), Fileset.due_at.is_(None)))
    return and_(Fileset.done_digest.is_(None), Fileset.removed_at.is_(None), is_quiet)
