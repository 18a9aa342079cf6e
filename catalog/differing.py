"""What the folder of a moved file says against its owner, for people: names, and only those in their sight."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from catalog.models.people import Experimenter, ExperimenterGroup
from catalog.permissions import Acting
from catalog.visibility import visible

#: The placement by the new folder, as far as the rules decided it: what `accept` files by.
PLACEMENT = "placement"


def differing(
    connection: Connection, acting: Acting, stored: Mapping[str, Any] | None, *, is_manager: bool = True
) -> dict[str, Any] | None:
    """Give owner and group by the folder (None: not in sight), or the reason why it tells none.

    The reason may name people of other groups: it is for those who decide about the file.
    """
    if stored is None:
        return None
    if "owner_id" not in stored:
        return {"reason": stored.get("reason") if is_manager else None}
    return {
        "owner": _name(connection, acting, Experimenter, stored["owner_id"]),
        "group": _name(connection, acting, ExperimenterGroup, stored["group_id"]),
    }


def without_placement(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Give what an event tells of it."""
    return {key: value for key, value in stored.items() if key != PLACEMENT}


def _name(connection: Connection, acting: Acting, model: Any, object_id: int) -> str | None:
    return connection.scalar(select(model.name).where(model.id == object_id, visible(acting, model)))
