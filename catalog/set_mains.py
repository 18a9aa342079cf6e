"""The main file of a set that describes itself, when `apply` makes it one or parts it: in, aside, and back."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from catalog.adopting import named_sightings
from catalog.events import NewEvent, record
from catalog.filed import Filed
from catalog.models.images import OriginalFile
from catalog.models.ingest import Sighting
from catalog.named_files import keep_named
from catalog.queries.history import DIVIDED, RESTORE
from catalog.queries.objects import MERGED
from catalog.reasons import reason_ids
from catalog.refiling import ApplyRun, event_of
from catalog.regroup_rows import forget_contents, generation_of, number_anew, read_anew, sightings_of

#: Under this an event keeps how a main file was.
MAIN = "main"
#: Numbers of files are moved out of the way by so much while they are counted anew.
_AWAY = 1 << 30


def take_held_in(
    connection: Connection, filed: Filed, main: bytes, held: Sequence[bytes], rule: str | None, run: ApplyRun
) -> None:
    """Let files that describe a set and were held belong to it; its main file is the first of its files.

    What it names is asked for again when it is read.
    """
    for path, file in sorted(named_sightings(connection, filed.root_id, held).items()):
        here = _at(file.directory_id, file.name)
        row = connection.execute(select(*_KEPT).where(*here)).mappings().one()
        if row["disposition"] != "held":
            continue
        values = {"disposition": "member", "reason_id": None, "group_id": None, "captured": None}
        owned = {"fileset_id": filed.fileset_id, "rule": rule, "configuration_id": run.configuration_id}
        connection.execute(update(Sighting).where(*here).values(values | owned))
        _tell(connection, filed, MERGED, path, dict(row), values | {"fileset_id": filed.fileset_id}, run)
    _put_first(connection, filed.fileset_id, main)
    keep_named(connection, filed.root_id, filed.fileset_id, {})
    read_anew(connection, filed.fileset_id, run.now)


def put_main_aside(
    connection: Connection, filed: Filed, path: bytes, disposition: str, reason: str, run: ApplyRun
) -> None:
    """Take the main file, which holds no pixels, out of a fileset that is an image of its own from now on."""
    file = sightings_of(connection, filed.fileset_id)[path]
    here = _at(file.directory_id, bytes(file.name))
    row = connection.execute(select(*_KEPT).where(*here)).mappings().one()
    reason_id = reason_ids(connection, [reason])[reason]
    values = {"disposition": disposition, "reason_id": reason_id, "fileset_id": None, "captured": None}
    connection.execute(update(Sighting).where(*here).values(values | {"configuration_id": run.configuration_id}))
    if file.original_file_id is not None:
        forget_contents(connection, filed.fileset_id, [file.original_file_id])
    _tell(connection, filed, DIVIDED, path, dict(row), values, run)
    number_anew(connection, filed.fileset_id)
    keep_named(connection, filed.root_id, filed.fileset_id, {})
    read_anew(connection, filed.fileset_id, run.now)


_KEPT = (
    Sighting.directory_id,
    Sighting.name,
    Sighting.disposition,
    Sighting.reason_id,
    Sighting.fileset_id,
    Sighting.group_id,
    Sighting.captured,
    Sighting.rule,
    Sighting.configuration_id,
)


def _at(directory_id: int, name: bytes) -> tuple[Any, Any]:
    return Sighting.directory_id == directory_id, Sighting.name == name


def _tell(
    connection: Connection,
    filed: Filed,
    what: str,
    path: bytes,
    row: Mapping[str, Any],
    after: Mapping[str, Any],
    run: ApplyRun,
) -> None:
    restore = {
        MAIN: {**row, "name": bytes(row["name"]).hex()},
        "is": [after["disposition"], after["fileset_id"]],
        "of": filed.fileset_id,
        "generation": generation_of(connection, filed.fileset_id),
    }
    told = {"files": 1, "apply": run.id}
    record(connection, event_of(filed, what, run, path=path, before={RESTORE: restore}, after=told))


def _put_first(connection: Connection, fileset_id: int, main: bytes) -> None:
    """Count the files of a fileset from 1 on, the main one 0, whether or not it was read yet."""
    row = sightings_of(connection, fileset_id).get(main)
    main_id = None if row is None else row.original_file_id
    query = select(OriginalFile.id).where(OriginalFile.fileset_id == fileset_id).order_by(OriginalFile.ordinal)
    others = [file_id for file_id in connection.scalars(query) if file_id != main_id]
    away = update(OriginalFile).where(OriginalFile.fileset_id == fileset_id)
    connection.execute(away.values(ordinal=OriginalFile.ordinal + _AWAY))
    numbers = [{"b_id": file_id, "b_ordinal": number} for number, file_id in enumerate(others, 1)]
    numbers += [] if main_id is None else [{"b_id": main_id, "b_ordinal": 0}]
    if numbers:
        connection.execute(_NUMBER, numbers)


_NUMBER = (
    update(OriginalFile)
    .where(OriginalFile.id == bindparam("b_id"))
    .values(ordinal=bindparam("b_ordinal"))
    .execution_options(synchronize_session=False)
)


def give_main_back(
    connection: Connection, restore: Mapping[str, Any], run: ApplyRun, *, read_since: str
) -> tuple[int, str | None] | None:
    """Let a main file be again what it was; gives its fileset with why not, or None where nothing is to be done."""
    row, fileset_id = dict(restore[MAIN]), restore["of"]
    row["name"] = bytes.fromhex(row["name"])
    here = _at(row["directory_id"], row["name"])
    now = connection.execute(select(Sighting.disposition, Sighting.fileset_id).where(*here)).one_or_none()
    if now is None or [now.disposition, now.fileset_id] != restore["is"]:
        return None
    if generation_of(connection, fileset_id) != restore["generation"]:
        return fileset_id, read_since
    connection.execute(update(Sighting).where(*here).values(row))
    read_anew(connection, fileset_id, run.now)
    number_anew(connection, fileset_id)
    _tell_back(connection, fileset_id, row, run)
    return fileset_id, None


def _tell_back(connection: Connection, fileset_id: int, row: Mapping[str, Any], run: ApplyRun) -> None:
    event = NewEvent(
        what=DIVIDED if row["fileset_id"] is None else MERGED,
        at=run.now,
        via=run.via,
        acting=run.acting,
        object_type="fileset",
        object_id=fileset_id,
        fileset_id=fileset_id,
        after={"files": 1, "undone": run.id},
        configuration_id=run.configuration_id,
    )
    record(connection, event)
