"""Tags, key-values and comments on objects, put there, changed and taken away by people.

Every function takes a connection that writes, and reads the roles again in that transaction: linking is judged by
the object, editing by the annotation's owner. What is refused says why and who may; each change is one event.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from catalog.acting import acting_again
from catalog.documents import AnnotationDocument
from catalog.errors import NotAllowed, NotFound, Refused
from catalog.events import NewEvent, record
from catalog.models.annotations import Annotation, AnnotationLink, MapPair
from catalog.models.containers import Well
from catalog.permissions import Acting, Action, may_link_annotation, may_on, who_may
from catalog.queries.annotations import annotations_of
from catalog.queries.objects import MODELS, FoundObject, find_object
from catalog.references import ObjectReference
from catalog.text_search import is_value

Pairs = Sequence[tuple[str, str]]


def annotations(
    connection: Connection, acting: Acting, target: ObjectReference, *, kind: str | None = None
) -> tuple[AnnotationDocument, ...]:
    """Give the annotations on an object: of a ``kind`` ('tag', 'map', 'comment'), or all."""
    return annotations_of(connection, acting, find_object(connection, acting, target), kind=kind)


def add_tag(
    connection: Connection, acting: Acting, target: ObjectReference, tag: str, *, now: datetime, via: str
) -> AnnotationDocument:
    """Tag an object; it stays as it is when a tag of this name in sight is on it already."""
    text = _text(tag, "a tag")
    acting, found = _annotatable(connection, acting, target, now)
    for known in annotations_of(connection, acting, found, kind="tag"):
        if known.value == text and not known.is_dormant:
            return known
    annotation_id = _reusable_tag(connection, acting, found, text)
    if annotation_id is None:
        annotation_id = _new(connection, acting, found, "tag", text, now)
    return _linked(connection, acting, found, annotation_id, now, via)


def add_key_values(
    connection: Connection, acting: Acting, target: ObjectReference, pairs: Pairs, *, now: datetime, via: str
) -> AnnotationDocument:
    """Add key-value pairs to an object, after the person's own ones; a pair that is there already stays once."""
    clean = [(_text(key, "a key"), value) for key, value in pairs]
    if not clean:
        raise Refused("no key-value pair was given; write them as KEY=VALUE")
    acting, found = _annotatable(connection, acting, target, now)
    own = [
        known
        for known in annotations_of(connection, acting, found, kind="map")
        if known.made_by == "hand" and known.owner == acting.name and known.linked_by == acting.name
    ]
    if not own:
        annotation_id = _new(connection, acting, found, "map", None, now)
        write_pairs(connection, annotation_id, _without_repeats(clean))
        return _linked(connection, acting, found, annotation_id, now, via)
    merged = _without_repeats([*own[0].pairs, *clean])
    return _rewritten(connection, acting, found, own[0], merged, now, via)


def add_comment(
    connection: Connection, acting: Acting, target: ObjectReference, text: str, *, now: datetime, via: str
) -> AnnotationDocument:
    """Comment on an object."""
    words = _text(text, "a comment")
    acting, found = _annotatable(connection, acting, target, now)
    return _linked(connection, acting, found, _new(connection, acting, found, "comment", words, now), now, via)


def edit_comment(
    connection: Connection,
    acting: Acting,
    target: ObjectReference,
    annotation_id: int,
    text: str,
    *,
    now: datetime,
    via: str,
) -> AnnotationDocument:
    """Change the words of a comment: judged by who owns the comment, not by the object."""
    words = _text(text, "a comment")
    acting, found, known = _one_of(connection, acting, target, "comment", annotation_id, now)
    _must_edit(acting, found, known)
    connection.execute(update(Annotation).where(Annotation.id == known.id).values(value=words, updated_at=now))
    _tell(connection, acting, found, "annotation_edited", known, now, via, after={"value": words})
    return _document(connection, acting, found, known.id)


def remove_tag(
    connection: Connection, acting: Acting, target: ObjectReference, tag: str, *, now: datetime, via: str
) -> tuple[AnnotationDocument, ...]:
    """Take a tag off an object, whoever put it there, as far as the person may; gives what was removed."""
    acting, found = _seen(connection, acting, target, now)
    known = [one for one in annotations_of(connection, acting, found, kind="tag") if one.value == tag]
    if not known:
        raise NotFound(f"{target} has no tag '{tag}'")
    return _unlink_all(connection, acting, found, known, now, via)


def remove_key_values(
    connection: Connection,
    acting: Acting,
    target: ObjectReference,
    key: str,
    value: str | None = None,
    *,
    now: datetime,
    via: str,
) -> tuple[AnnotationDocument, ...]:
    """Take pairs with this key (and value) off an object; gives the annotations as they were.

    An annotation of which nothing is left is unlinked. Changing somebody else's pairs is judged by their owner; when
    all pairs of an annotation go, whoever may unlink it may do so.
    """
    acting, found = _seen(connection, acting, target, now)
    touched = [
        (one, tuple(pair for pair in one.pairs if not _fits(pair, key, value)))
        for one in annotations_of(connection, acting, found, kind="map")
    ]
    touched = [(one, left) for one, left in touched if len(left) != len(one.pairs)]
    if not touched:
        raise NotFound(f"{target} has no key '{key}'" + ("" if value is None else f" with the value '{value}'"))
    for one, left in touched:
        if left:
            _must_edit(acting, found, one)
            _rewritten(connection, acting, found, one, left, now, via)
        else:
            _unlink_all(connection, acting, found, [one], now, via)
    return tuple(one for one, _ in touched)


def remove_comment(
    connection: Connection, acting: Acting, target: ObjectReference, annotation_id: int, *, now: datetime, via: str
) -> AnnotationDocument:
    """Take one comment off an object."""
    acting, found, known = _one_of(connection, acting, target, "comment", annotation_id, now)
    _unlink_all(connection, acting, found, [known], now, via)
    return known


def write_pairs(connection: Connection, annotation_id: int, pairs: Pairs) -> None:
    """Replace the pairs of a map annotation."""
    connection.execute(delete(MapPair).where(MapPair.annotation_id == annotation_id))
    rows = [
        {"annotation_id": annotation_id, "ordinal": ordinal, "key": key, "value": value}
        for ordinal, (key, value) in enumerate(pairs)
    ]
    if rows:
        connection.execute(insert(MapPair), rows)


def link_row(target: ObjectReference, plate_id: int | None) -> dict[str, Any]:
    """Give the columns of a link that say what it is on; a well's link names its plate, too."""
    row: dict[str, Any] = {f"{target.type}_id": target.id}
    return row if plate_id is None else row | {"well_plate_id": plate_id}


def _text(text: str, what: str) -> str:
    stripped = text.strip()
    if not stripped:
        raise Refused(f"{what} can't be empty")
    if "\x00" in stripped:
        raise Refused(f"{what} can't hold the character NUL")
    return stripped


def _without_repeats(pairs: Pairs) -> list[tuple[str, str]]:
    return list(dict.fromkeys(pairs))


def _fits(pair: tuple[str, str], key: str, value: str | None) -> bool:
    return pair[0] == key and (value is None or pair[1] == value)


def _seen(connection: Connection, acting: Acting, target: ObjectReference, now: datetime) -> tuple[Acting, FoundObject]:
    """Read the roles again, now that nothing can change them any more, and find the object."""
    fresh = acting_again(connection, acting, now=now)
    # On PostgreSQL two writers could both find a tag missing, and both put it there: one waits for the other here.
    model = Well if target.type == "well" else MODELS[target.type]
    connection.execute(select(model.id).where(model.id == target.id).with_for_update(key_share=True))
    return fresh, find_object(connection, fresh, target)


def _annotatable(
    connection: Connection, acting: Acting, target: ObjectReference, now: datetime
) -> tuple[Acting, FoundObject]:
    fresh, found = _seen(connection, acting, target, now)
    if not may_on(fresh, Action.ANNOTATE, group_id=found.group_id, owner_id=found.owner_id):
        raise NotAllowed(_refusal(fresh, found, Action.ANNOTATE, f"annotate {target}"))
    fresh.person_id()
    return fresh, found


def _refusal(acting: Acting, found: FoundObject, action: Action, what: str) -> str:
    level = acting.levels[found.group_id]
    return f"{acting.name} may not {what}: the group {found.group} is {level.value}; {who_may(action, level)} may"


def _one_of(
    connection: Connection, acting: Acting, target: ObjectReference, kind: str, annotation_id: int, now: datetime
) -> tuple[Acting, FoundObject, AnnotationDocument]:
    fresh, found = _seen(connection, acting, target, now)
    for known in annotations_of(connection, fresh, found, kind=kind):
        if known.id == annotation_id:
            return fresh, found, known
    raise NotFound(f"{target} has no {kind} {annotation_id}")


def _must_edit(acting: Acting, found: FoundObject, known: AnnotationDocument) -> None:
    if not known.can_edit:
        what = f"change what {known.owner} noted on {found.reference}"
        raise NotAllowed(_refusal(acting, found, Action.EDIT, what).replace("owner of the data", "owner of the note"))


def _reusable_tag(connection: Connection, acting: Acting, found: FoundObject, text: str) -> int | None:
    """Find the annotation of this text that may be put on the object: one's own first."""
    query = (
        select(Annotation.id, Annotation.owner_id)
        .where(
            Annotation.group_id == found.group_id,
            Annotation.kind == "tag",
            is_value(text),
            Annotation.namespace.is_(None),
        )
        .order_by(Annotation.id)
    )
    usable = [
        (owner_id != acting.experimenter_id, annotation_id)
        for annotation_id, owner_id in connection.execute(query)
        if may_link_annotation(
            acting, group_id=found.group_id, object_owner_id=found.owner_id, annotation_owner_id=owner_id
        )
    ]
    return min(usable)[1] if usable else None


def _new(
    connection: Connection, acting: Acting, found: FoundObject, kind: str, value: str | None, now: datetime
) -> int:
    row = {
        "kind": kind,
        "value": value,
        "owner_id": acting.person_id(),
        "group_id": found.group_id,
        "made_by": "hand",
        "created_at": now,
        "updated_at": now,
    }
    return int(connection.execute(insert(Annotation).values(row).returning(Annotation.id)).scalar_one())


def _linked(
    connection: Connection, acting: Acting, found: FoundObject, annotation_id: int, now: datetime, via: str
) -> AnnotationDocument:
    target = found.reference
    row = {"annotation_id": annotation_id, "group_id": found.group_id, "owner_id": acting.person_id()}
    plate_id = found.row["plate_id"] if target.type == "well" else None
    connection.execute(insert(AnnotationLink).values(row | {"created_at": now} | link_row(target, plate_id)))
    document = _document(connection, acting, found, annotation_id)
    _tell(connection, acting, found, "annotated", document, now, via, after=_content(document))
    return document


def _rewritten(
    connection: Connection,
    acting: Acting,
    found: FoundObject,
    known: AnnotationDocument,
    pairs: Pairs,
    now: datetime,
    via: str,
) -> AnnotationDocument:
    if tuple(pairs) == known.pairs:
        return known
    write_pairs(connection, known.id, pairs)
    connection.execute(update(Annotation).where(Annotation.id == known.id).values(updated_at=now))
    changed = _document(connection, acting, found, known.id)
    _tell(connection, acting, found, "annotation_edited", known, now, via, after=_content(changed))
    return changed


def _document(connection: Connection, acting: Acting, found: FoundObject, annotation_id: int) -> AnnotationDocument:
    known = annotations_of(connection, acting, found)
    return next(one for one in reversed(known) if one.id == annotation_id)


def _unlink_all(
    connection: Connection,
    acting: Acting,
    found: FoundObject,
    known: Sequence[AnnotationDocument],
    now: datetime,
    via: str,
) -> tuple[AnnotationDocument, ...]:
    """Remove those links that the person may remove; refuse when that is none of them."""
    removable = tuple(one for one in known if one.can_unlink)
    if not removable:
        what = f"remove what {known[0].linked_by} put on {found.reference}"
        raise NotAllowed(_refusal(acting, found, Action.REMOVE_ANNOTATIONS, what))
    for one in removable:
        connection.execute(delete(AnnotationLink).where(AnnotationLink.id == one.link_id))
        _tell(connection, acting, found, "annotation_removed", one, now, via)
        _drop_if_alone(connection, one)
    return removable


def _drop_if_alone(connection: Connection, known: AnnotationDocument) -> None:
    """Delete an annotation that is on nothing any more, if the person may change it; else it stays its owner's."""
    is_used = select(AnnotationLink.id).where(AnnotationLink.annotation_id == known.id).limit(1)
    if known.can_edit and connection.scalar(is_used) is None:
        connection.execute(delete(Annotation).where(Annotation.id == known.id))


def _content(known: AnnotationDocument) -> dict[str, Any]:
    if known.kind == "map":
        return {"annotation": known.id, "kind": known.kind, "pairs": [list(pair) for pair in known.pairs]}
    return {"annotation": known.id, "kind": known.kind, "value": known.value}


def _tell(
    connection: Connection,
    acting: Acting,
    found: FoundObject,
    what: str,
    known: AnnotationDocument,
    now: datetime,
    via: str,
    after: dict[str, Any] | None = None,
) -> None:
    event = NewEvent(
        what=what,
        at=now,
        via=via,
        acting=acting,
        object_type=found.reference.type,
        object_id=found.reference.id,
        before=None if what == "annotated" else _content(known),
        after=after,
    )
    record(connection, event)
