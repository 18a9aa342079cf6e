"""Lets an image change hands: to another group with its annotations, to another owner with what a rule noted."""

from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select, update

from catalog.models.annotations import Annotation, AnnotationLink, MapPair
from catalog.models.containers import DatasetImageLink, WellSample


def change_group(connection: Connection, image_id: int, to_group: int) -> None:
    """Take an image out of its containers, and its annotations with it; one that others use, too, is copied."""
    connection.execute(delete(DatasetImageLink).where(DatasetImageLink.image_id == image_id))
    connection.execute(delete(WellSample).where(WellSample.image_id == image_id))
    links = connection.execute(
        select(AnnotationLink.id, AnnotationLink.annotation_id).where(AnnotationLink.image_id == image_id)
    ).all()
    for link_id, annotation_id in links:
        if _is_elsewhere(connection, annotation_id, image_id):
            annotation_id = _copy(connection, annotation_id, to_group)
        else:
            connection.execute(update(Annotation).where(Annotation.id == annotation_id).values(group_id=to_group))
        connection.execute(
            update(AnnotationLink)
            .where(AnnotationLink.id == link_id)
            .values(annotation_id=annotation_id, group_id=to_group)
        )


def change_rule_annotations(connection: Connection, image_id: int, from_id: int, to_id: int, now: datetime) -> None:
    """Let what a rule noted belong to the new owner of the data; a tag that other images have, too, is copied."""
    links = connection.execute(
        select(AnnotationLink.id, AnnotationLink.annotation_id, AnnotationLink.group_id)
        .join(Annotation, Annotation.id == AnnotationLink.annotation_id)
        .where(AnnotationLink.image_id == image_id, Annotation.made_by == "rule", AnnotationLink.owner_id == from_id)
    ).all()
    for link_id, annotation_id, group_id in links if from_id != to_id else ():
        own_id = annotation_id
        if _is_elsewhere(connection, annotation_id, image_id):
            own_id = _copy(connection, annotation_id, group_id)
        owned = {"owner_id": to_id, "updated_at": now}
        connection.execute(update(Annotation).where(Annotation.id == own_id).values(owned))
        moved = {"annotation_id": own_id, "owner_id": to_id}
        connection.execute(update(AnnotationLink).where(AnnotationLink.id == link_id).values(moved))


def _is_elsewhere(connection: Connection, annotation_id: int, image_id: int) -> bool:
    others = select(func.count()).where(
        AnnotationLink.annotation_id == annotation_id, AnnotationLink.image_id.is_distinct_from(image_id)
    )
    return bool(connection.scalar(others))


def _copy(connection: Connection, annotation_id: int, to_group: int) -> int:
    row = connection.execute(select(Annotation.__table__).where(Annotation.id == annotation_id)).mappings().one()
    values = {name: value for name, value in row.items() if name != "id"} | {"group_id": to_group}
    made = connection.execute(insert(Annotation).values(values).returning(Annotation.id)).scalar_one()
    pairs = connection.execute(select(MapPair.__table__).where(MapPair.annotation_id == annotation_id)).mappings()
    copies = [dict(pair) | {"annotation_id": made} for pair in pairs]
    if copies:
        connection.execute(insert(MapPair), copies)
    return int(made)
