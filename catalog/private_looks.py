"""Administrators' looks into private groups: each is recorded, once for each command and group."""

from datetime import datetime

from sqlalchemy import Connection, select

from catalog.engine import Catalogue
from catalog.events import NewEvent, record
from catalog.models.people import ExperimenterGroup
from catalog.permissions import Acting, looked_into, private_groups
from catalog.queries.objects import find_object
from catalog.references import ObjectReference


def groups_named(connection: Connection, names: frozenset[str]) -> frozenset[int]:
    """Give the ids of the groups with these names."""
    query = select(ExperimenterGroup.id).where(ExperimenterGroup.name.in_(names))
    return frozenset(connection.execute(query).scalars())


def group_of(connection: Connection, acting: Acting, reference: ObjectReference) -> str:
    """Give the name of the group that an object belongs to; raises NotFound for one out of sight."""
    return find_object(connection, acting, reference).group


def may_be_recorded(acting: Acting) -> bool:
    """Say whether a look of this person can be one into a group seen only as administrator."""
    return bool(looked_into(acting, frozenset(private_groups(acting))))


def record_looks(
    catalogue: Catalogue, acting: Acting, names: frozenset[str], *, command: str, now: datetime, via: str
) -> None:
    """Record that an administrator has looked into the private ones of these groups; nothing for anybody else."""
    if not names or not may_be_recorded(acting):
        return
    with catalogue.reading() as connection:
        seen = looked_into(acting, groups_named(connection, names))
    if not seen:
        return
    events = [
        NewEvent(
            what="looked_into",
            at=now,
            via=via,
            acting=acting,
            object_type="group",
            object_id=group_id,
            after={"command": command},
        )
        for group_id in seen
    ]
    with catalogue.writing() as connection:
        record(connection, *events)
