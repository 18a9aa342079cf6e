"""Lets files leave a set whose main file, read anew, describes them no more: they are filed as if they were just found.

It happens in the transaction that writes what was read (T5). Until the ingest has looked at them again, which a restart
does too, they are held with the reason; no image holds them meanwhile.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, bindparam, update

from catalog.events import NewEvent, record
from catalog.looks import ReadFileset
from catalog.models.ingest import Fileset, Sighting
from catalog.names import display, path_hash
from catalog.queries.history import DIVIDED
from catalog.reasons import reason_ids
from catalog.regroup_rows import forget_contents, number_anew, sightings_of
from catalog.set_files import digest_before, take_from

#: What happened to a path: it was part of a set, and is not any more.
RELEASED = "released"


def release_unnamed(connection: Connection, read: ReadFileset, *, now: datetime, via: str) -> tuple[bytes, ...]:
    """Take those files out of a set that was just read which it does not name; gives their paths, to be looked at.

    What is gone from the disk stays with the images that it was part of, until it comes back.
    """
    named = {file.path for file in read.files} | read.names.keys()
    rows = sightings_of(connection, read.fileset_id)
    left = {path: row for path, row in rows.items() if path not in named and row.missing_since is None}
    if not left:
        return ()
    _hold(connection, read, left)
    contents = [row.original_file_id for row in left.values() if row.original_file_id is not None]
    forget_contents(connection, read.fileset_id, contents)
    number_anew(connection, read.fileset_id)
    _count_without(connection, read, left, is_alone=len(rows) - len(left) == 1)
    record(connection, *_events(read, left, now, via))
    return tuple(sorted(left))


def _reason(read: ReadFileset) -> str:
    main = display(read.files[0].path.rpartition(b"/")[2])
    return f"'{main}' describes it no more; it is filed anew as soon as it is looked at again"


def _hold(connection: Connection, read: ReadFileset, left: Mapping[bytes, Any]) -> None:
    """Hold files so that the next look at them is one at something new: no file changes at the time -1."""
    reason = _reason(read)
    values = {
        "disposition": "held",
        "reason_id": reason_ids(connection, [reason])[reason],
        "group_id": read.filing.group_id,
        "fileset_id": None,
        "original_file_id": None,
        "captured": None,
        "verified_at": None,
        "damaged_since": None,
        "ctime_ns": -1,
    }
    here = [{"b_directory": row.directory_id, "b_name": bytes(row.name)} for row in left.values()]
    connection.execute(_AT.values(values), here)


_AT = (
    update(Sighting)
    .where(Sighting.directory_id == bindparam("b_directory"), Sighting.name == bindparam("b_name"))
    .execution_options(synchronize_session=False)
)


def _count_without(connection: Connection, read: ReadFileset, left: Mapping[bytes, Any], *, is_alone: bool) -> None:
    """Bring in step what was seen of the set; one file alone is a set no more."""
    take_from(connection, {read.fileset_id: [digest_before(path, row) for path, row in left.items()]})
    mine = Fileset.id == read.fileset_id
    is_file = is_alone and not read.planes and not read.names
    grouping: dict[str, Any] = {"grouping": "file"} if is_file else {}
    # What an `apply` did to these files can't be taken back any more.
    connection.execute(update(Fileset).where(mine).values(generation=Fileset.generation + 1, **grouping))


def _events(read: ReadFileset, left: Mapping[bytes, Any], now: datetime, via: str) -> list[NewEvent]:
    """Tell the image's history how many left, and each path's own what it was."""
    told = partial(NewEvent, at=now, via=via, root_id=read.root_id, configuration_id=read.configuration_id)
    of_set = told(
        what=DIVIDED,
        object_type="fileset",
        object_id=read.fileset_id,
        fileset_id=read.fileset_id,
        after={"files": len(left), "reason": "its main file describes them no more"},
    )
    after = {"reason": _reason(read)}
    return [of_set, *(told(what=RELEASED, path_hash=path_hash(path), after=after) for path in left)]
