"""Write the record of events: append-only, one for each decision or result, none for a look."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert

from catalog.many import execute_many
from catalog.models.ingest import Event
from catalog.permissions import SYSTEM, Acting


class NewEvent(NamedTuple):
    """An event to be written. ``what`` is a constant word of up to 32 letters; ``via`` is 'daemon', 'cli' ...

    ``before`` and ``after`` are small documents (JSON) with what changed, never file contents.
    """

    what: str
    at: datetime
    via: str
    acting: Acting = SYSTEM
    object_type: str | None = None
    object_id: int | None = None
    fileset_id: int | None = None
    root_id: int | None = None
    path_hash: bytes | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    configuration_id: int | None = None


def record(connection: Connection, *events: NewEvent) -> None:
    """Append events, in the transaction of what they tell of."""
    execute_many(connection, _INSERT, [_row(event) for event in events])


_INSERT = insert(Event)


def record_one(connection: Connection, event: NewEvent) -> int:
    """Append one event and give its id, by which others refer to it."""
    return int(connection.execute(insert(Event).returning(Event.id), _row(event)).scalar_one())


def _row(event: NewEvent) -> dict[str, Any]:
    acting = event.acting
    return {
        "at": event.at,
        "actor_id": acting.behind_id if acting.is_as else acting.experimenter_id,
        "acting_as_id": acting.experimenter_id if acting.is_as else None,
        "account": acting.account,
        "via": event.via,
        "what": event.what,
        "object_type": event.object_type,
        "object_id": event.object_id,
        "fileset_id": event.fileset_id,
        "root_id": event.root_id,
        "path_hash": event.path_hash,
        "before": dict(event.before) if event.before is not None else None,
        "after": dict(event.after) if event.after is not None else None,
        "configuration_id": event.configuration_id,
    }
