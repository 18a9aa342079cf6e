"""Has images read again whose table beside the plate is new or has changed."""

from datetime import datetime

from sqlalchemy import Connection, and_, exists, select, update

from catalog.models.images import OriginalFile
from catalog.models.ingest import Directory, Fileset, Sighting

_BATCH = 500


def refresh_by_table(
    connection: Connection, root_id: int, directory: bytes, name: str, *, largest_bytes: int, due_at: datetime
) -> int:
    """Make due what is catalogued below a directory and looks its key-values up in a table of this name.

    Reading it again finds the same content: nothing but the key-values changes. A file so large that its hash is made
    later would count as new content then, so it is left alone. Gives how many are due.
    """
    query = (
        select(Fileset.id, Fileset.placement)
        .join(Sighting, Sighting.fileset_id == Fileset.id)
        .join(Directory, Directory.id == Sighting.directory_id)
        .where(
            Fileset.root_id == root_id,
            Fileset.done_digest.is_not(None),
            Fileset.removed_at.is_(None),
            Sighting.missing_since.is_(None),
            ~exists().where(OriginalFile.fileset_id == Fileset.id, OriginalFile.size_bytes > largest_bytes),
        )
    )
    if directory:
        # "/" is 0x2f and "0" comes right after it: everything below, in the order of bytes.
        below = and_(Directory.path >= directory + b"/", Directory.path < directory + b"0")
        query = query.where(below | (Directory.path == directory))
    rows = connection.execute(query).all()
    wanted = [row.id for row in rows if (row.placement.get("table") or {}).get("name") == name]
    for start in range(0, len(wanted), _BATCH):
        some = wanted[start : start + _BATCH]
        # Empty, not null: it is catalogued, and what is done is no longer what is to be seen.
        values = {"done_digest": b"", "due_at": due_at}
        connection.execute(update(Fileset).where(Fileset.id.in_(some)).values(values))
    return len(wanted)
