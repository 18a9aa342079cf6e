"""Puts a rule's tags and key-values where its ``on:`` says: on the images, their well, plate or dataset."""

from datetime import datetime

from sqlalchemy import Connection, select

from catalog.containers import innermost_container
from catalog.looks import Filing
from catalog.models.containers import WellSample
from catalog.references import ObjectReference
from catalog.rule_annotations import annotate_by_rule


def annotate_filed(
    connection: Connection, images: list[int], filing: Filing, *, configuration_id: int | None, now: datetime
) -> None:
    """Annotate what a filing speaks about; where there is no such thing (an image in no plate), nothing."""
    if not filing.tags and not filing.key_values:
        return
    for target, owner_id in _targets(connection, images, filing, configuration_id, now):
        annotate_by_rule(
            connection,
            target,
            owner_id=owner_id,
            group_id=filing.group_id,
            tags=filing.tags,
            key_values=filing.key_values,
            now=now,
        )


def _targets(
    connection: Connection, images: list[int], filing: Filing, configuration_id: int | None, now: datetime
) -> list[tuple[ObjectReference, int]]:
    if filing.annotate == "image":
        return [(ObjectReference(type="image", id=image_id), filing.owner_id) for image_id in images]
    if filing.annotate == "well":
        wells = connection.scalars(select(WellSample.well_id).where(WellSample.image_id.in_(images)).distinct())
        return [(ObjectReference(type="well", id=well_id), filing.container_owner_id) for well_id in wells]
    container = innermost_container(connection, filing, configuration_id=configuration_id, now=now)
    if container is None or container[0] != filing.annotate:
        return []
    return [(ObjectReference(type=container[0], id=container[1]), filing.container_owner_id)]
