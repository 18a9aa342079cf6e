"""Has images read again whose table beside the plate, or whose instrument's index, is new or has changed."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, exists, or_, select, true, update

from catalog.models.images import Image, OriginalFile
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
        .where(_is_refreshable(root_id, largest_bytes), _is_below(directory))
    )
    rows = connection.execute(query).all()
    wanted = [row.id for row in rows if (row.placement.get("table") or {}).get("name") == name]
    _make_due(connection, wanted, due_at)
    return len(wanted)


def refresh_by_index(
    connection: Connection,
    root_id: int,
    directory: bytes,
    covers: Callable[[bytes], bool],
    *,
    is_deep: bool,
    is_detail: bool,
    largest_bytes: int,
    due_at: datetime,
) -> int:
    """Make due what is catalogued in a directory (or also below it) and may be described by a new or changed index.

    ``covers`` tells by the name of a file. An index grows while a plate is acquired: images of which one has told
    already are left alone, or, when it is the ``is_detail`` of an index, those whose physical size is known.
    """
    known = Image.physical_size_x_um.is_not(None) if is_detail else Image.acquisition["index"].as_string().is_not(None)
    query = (
        select(Fileset.id, Sighting.name)
        .join(Sighting, Sighting.fileset_id == Fileset.id)
        .join(Directory, Directory.id == Sighting.directory_id)
        .where(
            _is_refreshable(root_id, largest_bytes),
            _is_below(directory) if is_deep else Directory.path == directory,
            exists().where(Image.fileset_id == Fileset.id, ~known),
        )
    )
    wanted = list(dict.fromkeys(row.id for row in connection.execute(query) if covers(bytes(row.name))))
    _make_due(connection, wanted, due_at)
    return len(wanted)


def _is_refreshable(root_id: int, largest_bytes: int) -> ColumnElement[bool]:
    return and_(
        Fileset.root_id == root_id,
        Fileset.done_digest.is_not(None),
        Fileset.removed_at.is_(None),
        Sighting.missing_since.is_(None),
        ~exists().where(OriginalFile.fileset_id == Fileset.id, OriginalFile.size_bytes > largest_bytes),
    )


def _is_below(directory: bytes) -> ColumnElement[bool]:
    if not directory:
        return true()
    # "/" is 0x2f and "0" comes right after it: everything below, in the order of bytes.
    below = and_(Directory.path >= directory + b"/", Directory.path < directory + b"0")
    return or_(below, Directory.path == directory)


def _make_due(connection: Connection, wanted: Sequence[int], due_at: datetime) -> None:
    for start in range(0, len(wanted), _BATCH):
        some = wanted[start : start + _BATCH]
        # Empty, not null: it is catalogued, and what is done is no longer what is to be seen.
        values = {"done_digest": b"", "due_at": due_at}
        connection.execute(update(Fileset).where(Fileset.id.in_(some)).values(values))
