"""The tags and key-values that a rule gives an object: they belong to the owner of the data, and people win.

For the ingest's commit: it can run again and again. What a person took off an object is not put there again.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from catalog.annotations import link_row, write_pairs
from catalog.models.annotations import Annotation, AnnotationLink, MapPair
from catalog.models.containers import Well
from catalog.models.ingest import Event
from catalog.queries.objects import LINK_COLUMNS
from catalog.references import ObjectReference
from catalog.text_search import is_value


def annotate_by_rule(
    connection: Connection,
    target: ObjectReference,
    *,
    owner_id: int,
    group_id: int,
    tags: Sequence[str] = (),
    key_values: Sequence[tuple[str, str]] = (),
    is_replacing: bool = False,
    now: datetime,
) -> None:
    """Put a rule's tags and key-values on an object of this owner and group, as far as they are not there already.

    ``is_replacing``: a rule's earlier values of the same keys go; what people wrote stays.
    """
    wanted_tags = [tag for tag in dict.fromkeys(text.strip() for text in tags) if tag]
    if not wanted_tags and not key_values:
        return
    removed_tags, removed_pairs = _taken_off(connection, target)
    known_tags = _known_tags(connection, target)
    for tag in wanted_tags:
        if tag not in known_tags and tag not in removed_tags:
            annotation_id = _tag(connection, tag, owner_id, group_id, now)
            _link(connection, target, annotation_id, owner_id, group_id, now)
    pairs = [pair for pair in dict.fromkeys(key_values) if pair not in removed_pairs]
    if pairs:
        _add_pairs(connection, target, pairs, owner_id, group_id, now, is_replacing=is_replacing)


def _taken_off(connection: Connection, target: ObjectReference) -> tuple[set[str], set[tuple[str, str]]]:
    """Give the tags and pairs that people took off the object, unless the last word about them was to put them on."""
    query = (
        select(Event.before, Event.after)
        .where(
            Event.object_type == target.type,
            Event.object_id == target.id,
            Event.what.in_(("annotated", "annotation_edited", "annotation_removed")),
        )
        .order_by(Event.id)
    )
    tags: set[str] = set()
    pairs: set[tuple[str, str]] = set()
    for before, after in connection.execute(query):
        tags = (tags | _tags(before)) - _tags(after)
        pairs = (pairs | _pairs(before)) - _pairs(after)
    return tags, pairs


def _tags(content: dict[str, Any] | None) -> set[str]:
    return {content["value"]} if content and content.get("kind") == "tag" else set()


def _pairs(content: dict[str, Any] | None) -> set[tuple[str, str]]:
    return {(key, value) for key, value in content.get("pairs", ())} if content else set()


def _known_tags(connection: Connection, target: ObjectReference) -> set[str]:
    query = (
        select(Annotation.value)
        .join(AnnotationLink, AnnotationLink.annotation_id == Annotation.id)
        .where(LINK_COLUMNS[target.type] == target.id, Annotation.kind == "tag")
    )
    return {value for value in connection.scalars(query) if value is not None}


def _tag(connection: Connection, tag: str, owner_id: int, group_id: int, now: datetime) -> int:
    """Find the owner's tag of this name, or make it."""
    query = (
        select(Annotation.id)
        .where(
            Annotation.group_id == group_id,
            Annotation.kind == "tag",
            is_value(tag),
            Annotation.owner_id == owner_id,
            Annotation.namespace.is_(None),
        )
        .order_by(Annotation.id)
        .limit(1)
    )
    known = connection.scalar(query)
    return known if known is not None else _new(connection, "tag", tag, owner_id, group_id, now)


def _new(connection: Connection, kind: str, value: str | None, owner_id: int, group_id: int, now: datetime) -> int:
    row = {
        "kind": kind,
        "value": value,
        "owner_id": owner_id,
        "group_id": group_id,
        "made_by": "rule",
        "created_at": now,
        "updated_at": now,
    }
    return int(connection.execute(insert(Annotation).values(row).returning(Annotation.id)).scalar_one())


def _link(
    connection: Connection,
    target: ObjectReference,
    annotation_id: int,
    owner_id: int,
    group_id: int,
    now: datetime,
) -> None:
    plate_id = None
    if target.type == "well":
        plate_id = connection.scalar(select(Well.plate_id).where(Well.id == target.id))
    row = {"annotation_id": annotation_id, "group_id": group_id, "owner_id": owner_id, "created_at": now}
    connection.execute(insert(AnnotationLink).values(row | link_row(target, plate_id)))


def _add_pairs(
    connection: Connection,
    target: ObjectReference,
    pairs: Sequence[tuple[str, str]],
    owner_id: int,
    group_id: int,
    now: datetime,
    *,
    is_replacing: bool,
) -> None:
    query = (
        select(Annotation.id, Annotation.made_by, MapPair.key, MapPair.value)
        .join(AnnotationLink, AnnotationLink.annotation_id == Annotation.id)
        .join(MapPair, MapPair.annotation_id == Annotation.id)
        .where(LINK_COLUMNS[target.type] == target.id, Annotation.kind == "map")
        .order_by(Annotation.id, MapPair.ordinal)
    )
    rows = connection.execute(query).all()
    there = {(key, value) for _, _, key, value in rows}
    missing = [pair for pair in pairs if pair not in there]
    keys = {key for key, _ in pairs} if is_replacing else set()
    by_rule = next((row.id for row in rows if row.made_by == "rule"), None)
    if by_rule is None and missing:
        made = _new(connection, "map", None, owner_id, group_id, now)
        write_pairs(connection, made, missing)
        _link(connection, target, made, owner_id, group_id, now)
        return
    mine = [(row.key, row.value) for row in rows if row.id == by_rule]
    kept = [pair for pair in mine if pair[0] not in keys or pair in pairs]
    if by_rule is None or [*kept, *missing] == mine:
        return
    write_pairs(connection, by_rule, [*kept, *missing])
    connection.execute(update(Annotation).where(Annotation.id == by_rule).values(updated_at=now))


def drop_by_rule(
    connection: Connection, images: Sequence[int], *, tags: Sequence[str], key_values: Sequence[tuple[str, str]]
) -> None:
    """Take tags and key-values off images that a rule put there; what people put there stays."""
    by_rule = select(Annotation.id).where(Annotation.made_by == "rule")
    if tags:
        tagged = by_rule.where(Annotation.kind == "tag", Annotation.value.in_(list(tags)))
        links = (AnnotationLink.image_id.in_(list(images)), AnnotationLink.annotation_id.in_(tagged))
        connection.execute(delete(AnnotationLink).where(*links))
    if key_values:
        query = (
            select(MapPair.annotation_id, MapPair.ordinal, MapPair.key, MapPair.value)
            .join(AnnotationLink, AnnotationLink.annotation_id == MapPair.annotation_id)
            .where(AnnotationLink.image_id.in_(list(images)), MapPair.annotation_id.in_(by_rule))
        )
        for row in connection.execute(query).all():
            if (row.key, row.value) in key_values:
                here = (MapPair.annotation_id == row.annotation_id, MapPair.ordinal == row.ordinal)
                connection.execute(delete(MapPair).where(*here))
