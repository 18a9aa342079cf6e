"""What happened to an object: its events, oldest first, as its viewer may know them."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, case, or_, select, true

from catalog.documents import HistoryRow
from catalog.models.base import AnySelect
from catalog.models.ingest import Event
from catalog.models.people import Experimenter
from catalog.permissions import Acting, readable_groups
from catalog.queries.objects import FoundObject, find_object
from catalog.references import ObjectReference
from catalog.visibility import visible

EVENTS_AT_MOST = 1000
#: In an event of `apply`: how everything was, for taking it back.
RESTORE = "restore"
#: Stands for an actor whom the viewer does not see.
SOMEBODY = "somebody"
#: The event of a fileset that got another owner or group by a person's word.
CHANGED_HANDS = "accepted"
#: Of one that `apply` filed anew, and of one that got another owner or group by it.
REFILED, REOWNED = "refiled", "reowned"
#: Of a fileset that files left for another (`MERGED` is the other way round).
DIVIDED = "divided"
#: What happened to an annotation of an object.
ANNOTATION_EVENTS = ("annotated", "annotation_edited", "annotation_removed")


def history(
    connection: Connection, acting: Acting, reference: ObjectReference, *, limit: int = EVENTS_AT_MOST
) -> tuple[HistoryRow, ...]:
    """Give the newest ``limit`` events of an object in sight (of an image: its files', too), oldest first."""
    found = find_object(connection, acting, reference)
    query = events(acting).where(_about(found), _in_sight(acting, found)).order_by(Event.id.desc()).limit(limit)
    return history_rows(acting, connection.execute(query).mappings())


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


def events(acting: Acting) -> AnySelect:
    """Select events beside the names of who acted, as far as the viewer sees them; the caller says which events."""
    actor = Experimenter.__table__.alias("actor")
    acting_as = Experimenter.__table__.alias("acting_as")

    def name(person: Any) -> Any:
        return case((visible(acting, person), person.c.name), (person.c.id.is_not(None), SOMEBODY))

    return (
        select(Event.__table__, name(actor).label("actor_name"), name(acting_as).label("acting_as_name"))
        .outerjoin(actor, actor.c.id == Event.actor_id)
        .outerjoin(acting_as, acting_as.c.id == Event.acting_as_id)
    )


def history_rows(acting: Acting, newest_first: Iterable[RowMapping]) -> tuple[HistoryRow, ...]:
    """Turn rows of `events` into documents, oldest first.

    Whose the data was, and where it lay, before it changed hands is told to administrators only: to all others it
    may be the folder of people whom they do not see.
    """
    sees_all = acting.is_system or acting.is_administrator
    is_earlier = False
    rows: list[HistoryRow] = []
    for row in newest_first:
        changed_hands = row["what"] in (CHANGED_HANDS, REOWNED)
        before, after = (without_restore(content) for content in (row["before"], row["after"]))
        if not sees_all:
            before, after = (_told(content, is_earlier or changed_hands) for content in (before, after))
        is_earlier = is_earlier or changed_hands
        account = row["account"] if sees_all or row["account"] in {None, acting.account} else SOMEBODY
        rows.append(_row(row, row["actor_name"] or account, before, after))
    return tuple(reversed(rows))


def without_restore(content: dict[str, Any] | None) -> dict[str, Any] | None:
    """Leave out what is only for `apply --undo`."""
    return None if content is None else {key: value for key, value in content.items() if key != RESTORE}


def _told(content: dict[str, Any] | None, is_of_others: bool) -> dict[str, Any] | None:
    """Leave out ids of people and groups (names are told elsewhere, by sight), and others' places."""
    hidden = {
        "owner_differs",
        "owner_id",
        "group_id",
        *(("path", "rule", "owner_by", "images", "place", "image") if is_of_others else ()),
    }
    kept = {key: value for key, value in (content or {}).items() if key not in hidden}
    return kept or None


def _row(row: RowMapping, actor: str | None, before: dict[str, Any] | None, after: dict[str, Any] | None) -> HistoryRow:
    return HistoryRow(
        at=row["at"],
        actor=actor,
        acting_as=row["acting_as_name"],
        via=row["via"],
        what=row["what"],
        object=None if row["object_id"] is None else f"{row['object_type']}:{row['object_id']}",
        before=before,
        after=after,
        configuration_id=row["configuration_id"],
    )
