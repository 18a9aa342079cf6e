"""Finds or makes the containers that a rule names, by origin key, and links what goes into them. Race-safe."""

from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update

from catalog.looks import ContainerName, Filing
from catalog.many import execute_many
from catalog.models.containers import (
    Dataset,
    DatasetImageLink,
    Plate,
    Project,
    ProjectDatasetLink,
    Screen,
    ScreenPlateLink,
)
from catalog.upserts import insert_unless_there

_MODELS: dict[str, type[Project | Dataset | Screen | Plate]] = {
    "project": Project,
    "dataset": Dataset,
    "screen": Screen,
    "plate": Plate,
}
_BY_KEY = {
    kind: select(model.id, model.group_id).where(model.origin_key == bindparam("key"))
    for kind, model in _MODELS.items()
}
_LINKS: dict[str, tuple[type[ProjectDatasetLink | ScreenPlateLink], str]] = {
    "dataset": (ProjectDatasetLink, "project_id"),
    "plate": (ScreenPlateLink, "screen_id"),
}


def innermost_container(
    connection: Connection, filing: Filing, *, configuration_id: int | None, now: datetime
) -> tuple[str, int] | None:
    """Give kind and id of the container that images go into; made, with its parents, when it is not there.

    An outer container is only made, and linked, together with the inner one: what a person unlinked or moved
    since stays where the person put it. None: the images are orphaned.
    """
    if not filing.containers:
        return None
    inner = filing.containers[-1]
    found = _find(connection, inner, filing.group_id)
    if found is not None:
        return inner.kind, found
    parent_id: int | None = None
    for container in filing.containers:
        own_id, is_new = _find_or_make(connection, container, filing, configuration_id, now)
        if parent_id is not None and is_new:
            _link(connection, container.kind, parent_id, own_id, filing, now)
        parent_id = own_id
    assert parent_id is not None  # noqa: S101 - there is at least one container
    return inner.kind, parent_id


def _find(connection: Connection, container: ContainerName, group_id: int) -> int | None:
    model = _MODELS[container.kind]
    row = connection.execute(_BY_KEY[container.kind], {"key": container.origin_key}).one_or_none()
    if row is None:
        return None
    if row.group_id == group_id:
        return int(row.id)
    # Moving to another group releases the key; whoever forgot to would tie two groups together here.
    connection.execute(update(model).where(model.id == row.id).values(origin_key=None))
    return None


def _find_or_make(
    connection: Connection, container: ContainerName, filing: Filing, configuration_id: int | None, now: datetime
) -> tuple[int, bool]:
    found = _find(connection, container, filing.group_id)
    if found is not None:
        return found, False
    row = {
        "name": container.name,
        "owner_id": filing.container_owner_id,
        "group_id": filing.group_id,
        "owner_by": filing.owner_by,
        "configuration_id": configuration_id,
        "created_at": now,
        "updated_at": now,
        "origin_key": container.origin_key,
    }
    made = connection.execute(insert_unless_there(connection, _MODELS[container.kind]).values(row))
    found = _find(connection, container, filing.group_id)
    assert found is not None  # noqa: S101 - inserted here, or by the one that was faster
    return found, bool(made.rowcount)


def _link(connection: Connection, kind: str, parent_id: int, child_id: int, filing: Filing, now: datetime) -> None:
    model, parent_column = _LINKS[kind]
    row = {
        parent_column: parent_id,
        f"{kind}_id": child_id,
        "group_id": filing.group_id,
        "owner_id": filing.container_owner_id,
        "created_at": now,
    }
    connection.execute(insert_unless_there(connection, model).values(row))


def link_images(connection: Connection, dataset_id: int, images: list[int], filing: Filing, *, now: datetime) -> None:
    """Put images into a dataset."""
    rows = [
        {
            "dataset_id": dataset_id,
            "image_id": image_id,
            "group_id": filing.group_id,
            "owner_id": filing.owner_id,
            "created_at": now,
        }
        for image_id in images
    ]
    execute_many(connection, insert_unless_there(connection, DatasetImageLink), rows)
