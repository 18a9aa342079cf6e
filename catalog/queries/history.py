"""What happened to an object: its events, oldest first, as its viewer may know them."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, or_, select, true

from catalog.documents import HistoryRow
from catalog.models.base import AnySelect
from catalog.models.ingest import Event
from catalog.models.people import Experimenter
from catalog.permissions import Acting, readable_groups
from catalog.queries.objects import FoundObject, find_object
from catalog.references import ObjectReference

EVENTS_AT_MOST = 1000
#: What happened to an annotation of an object.
ANNOTATION_EVENTS = ("annotated", "annotation_edited", "annotation_removed")


def history(
    connection: Connection, acting: Acting, reference: ObjectReference, *, limit: int = EVENTS_AT_MOST
) -> tuple[HistoryRow, ...]:
    """Give the newest ``limit`` events of an object in sight (of an image: its files', too), oldest first."""
    found = find_object(connection, acting, reference)
    query = events().where(_about(found), _in_sight(acting, found)).order_by(Event.id.desc()).limit(limit)
    return history_rows(connection.execute(query).mappings())


def _in_sight(acting: Acting, found: FoundObject) -> ColumnElement[bool]:
    """Hide from members of a private group what others noted on their data: those links are dormant."""
    if acting.is_system or found.group_id in readable_groups(acting):
        return true()
    own = or_(Event.actor_id == acting.experimenter_id, Event.acting_as_id == acting.experimenter_id)
    return or_(Event.what.not_in(ANNOTATION_EVENTS), own)


def _about(found: FoundObject) -> ColumnElement[bool]:
    own = and_(Event.object_type == found.reference.type, Event.object_id == found.reference.id)
    if found.reference.type != "image":
        return own
    # Of the fileset's events only what is about the set as a whole: another image of it has a history of its own.
    of_set = or_(Event.object_type.is_(None), Event.object_type == "fileset")
    return or_(own, and_(Event.fileset_id == found.row["fileset_id"], of_set))


def events() -> AnySelect:
    """Select events beside the names of who acted; the caller says which, and that they may be seen."""
    actor = Experimenter.__table__.alias("actor")
    acting_as = Experimenter.__table__.alias("acting_as")
    return (
        select(Event.__table__, actor.c.name.label("actor_name"), acting_as.c.name.label("acting_as_name"))
        .outerjoin(actor, actor.c.id == Event.actor_id)
        .outerjoin(acting_as, acting_as.c.id == Event.acting_as_id)
    )


def history_rows(newest_first: Iterable[RowMapping]) -> tuple[HistoryRow, ...]:
    """Turn rows of `events` into documents, oldest first."""
    rows = [
        HistoryRow(
            at=row["at"],
            actor=row["actor_name"] or row["account"],
            acting_as=row["acting_as_name"],
            via=row["via"],
            what=row["what"],
            object=None if row["object_id"] is None else f"{row['object_type']}:{row['object_id']}",
            before=row["before"],
            after=row["after"],
            configuration_id=row["configuration_id"],
        )
        for row in newest_first
    ]
    return tuple(reversed(rows))
