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
    if filing.tags or filing.key_values:
        for target, owner_id in _targets(connection, images, filing, filing.annotate, configuration_id, now):
            annotate_by_rule(
                connection,
                target,
                owner_id=owner_id,
                group_id=filing.group_id,
                tags=filing.tags,
                key_values=filing.key_values,
                now=now,
            )
    annotate_by_table(connection, images, filing, configuration_id=configuration_id, now=now)


def annotate_by_table(
    connection: Connection, images: list[int], filing: Filing, *, configuration_id: int | None, now: datetime
) -> None:
    """Put what the table beside the plate says where its ``on:`` says; its values replace earlier ones of a rule."""
    if not filing.table_pairs:
        return
    for target, owner_id in _targets(connection, images, filing, filing.table_on, configuration_id, now):
        annotate_by_rule(
            connection,
            target,
            owner_id=owner_id,
            group_id=filing.group_id,
            key_values=filing.table_pairs,
            is_replacing=True,
            now=now,
        )


def _targets(
    connection: Connection, images: list[int], filing: Filing, on: str, configuration_id: int | None, now: datetime
) -> list[tuple[ObjectReference, int]]:
    if on == "image":
        return [(ObjectReference(type="image", id=image_id), filing.owner_id) for image_id in images]
    if on == "well":
        wells = connection.scalars(select(WellSample.well_id).where(WellSample.image_id.in_(images)).distinct())
        return [(ObjectReference(type="well", id=well_id), filing.container_owner_id) for well_id in wells]
    container = innermost_container(connection, filing, configuration_id=configuration_id, now=now)
    if container is None or container[0] != on:
        return []
    return [(ObjectReference(type=container[0], id=container[1]), filing.container_owner_id)]
