"""The tree of projects, datasets, screens and plates, with counts of the images that the viewer sees."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select, union_all

from catalog.documents import TreeRow
from catalog.models.containers import (
    Dataset,
    DatasetImageLink,
    Plate,
    Project,
    ProjectDatasetLink,
    Screen,
    ScreenPlateLink,
    WellSample,
)
from catalog.models.images import Image
from catalog.models.people import Experimenter, ExperimenterGroup
from catalog.names import natural_key
from catalog.permissions import Acting, rights
from catalog.queries.filters import is_orphaned
from catalog.queries.plate_fill import well_counts
from catalog.visibility import BRANCHES_AT_MOST, dormant, visible, visible_by_group

_Children = dict[int | None, list[tuple[int, bool]]]


def tree(connection: Connection, acting: Acting) -> tuple[TreeRow, ...]:
    """Give projects with their datasets, datasets in no project, screens with their plates, plates in no screen.

    Sorted by name at each level; at the end one row for the images that are in none of them, if there are any.
    Counts hold each image once, however many links lead to it.
    """
    projects = _containers(connection, acting, Project)
    datasets = _containers(connection, acting, Dataset)
    screens = _containers(connection, acting, Screen)
    plates = _containers(connection, acting, Plate)
    of_datasets = dataset_counts(connection, acting)
    of_plates = plate_counts(connection, acting)
    in_projects = _links(connection, acting, ProjectDatasetLink, "project_id", "dataset_id")
    in_screens = _links(connection, acting, ScreenPlateLink, "screen_id", "plate_id")
    of_projects = _project_counts(connection, acting)
    dataset_rows = {i: _row(acting, "dataset", row, of_datasets.get(i, 0)) for i, row in datasets.items()}
    wells = well_counts(connection, acting)
    plate_rows = {
        i: replace(_row(acting, "plate", row, of_plates.get(i, 0)), wells=wells.get(i)) for i, row in plates.items()
    }
    return (
        *_nested(acting, "project", projects, in_projects, dataset_rows, of_projects),
        *_nested(acting, "screen", screens, in_screens, plate_rows, None),
        *_orphaned(connection, acting),
    )


def dataset_counts(connection: Connection, acting: Acting, dataset_id: int | None = None) -> dict[int, int]:
    """Count the images in sight of each dataset (or of one), by links that are in force for the viewer."""
    return _counts(connection, acting, DatasetImageLink, DatasetImageLink.dataset_id, Dataset, dataset_id)


def plate_counts(connection: Connection, acting: Acting, plate_id: int | None = None) -> dict[int, int]:
    """Count the images in sight of each plate (or of one)."""
    return _counts(connection, acting, WellSample, WellSample.plate_id, Plate, plate_id)


def _counts(
    connection: Connection, acting: Acting, link: Any, column: Any, container: Any, wanted: int | None
) -> dict[int, int]:
    # Whoever sees a link sees both its ends: counting needs the link table alone, by an index with the group. A
    # container is in one group: nothing is counted twice. Counted for each container, as a database that is told to
    # group compares each link with the one before it: half as long again.
    if acting.is_system or acting.is_administrator:
        branches = [(visible(acting, container), visible(acting, link))]
    else:
        branches = list(zip(visible_by_group(acting, container), visible_by_group(acting, link), strict=True))
    within = [] if wanted is None else [container.id == wanted]
    counts: dict[int, int] = {}
    for start in range(0, len(branches), BRANCHES_AT_MOST):
        parts = [
            select(container.id, select(func.count()).where(of_link, column == container.id).scalar_subquery()).where(
                of_container, *within
            )
            for of_container, of_link in branches[start : start + BRANCHES_AT_MOST]
        ]
        counts.update((row[0], row[1]) for row in connection.execute(union_all(*parts)))
    return counts


def _project_counts(connection: Connection, acting: Acting) -> dict[int, int]:
    query = (
        select(ProjectDatasetLink.project_id, func.count(DatasetImageLink.image_id.distinct()))
        .join(DatasetImageLink, DatasetImageLink.dataset_id == ProjectDatasetLink.dataset_id)
        .where(visible(acting, ProjectDatasetLink), visible(acting, DatasetImageLink))
        .group_by(ProjectDatasetLink.project_id)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def project_count(connection: Connection, acting: Acting, project_id: int) -> int:
    """Count the images in sight below one project, each once."""
    return (
        connection.scalar(
            select(func.count(DatasetImageLink.image_id.distinct()))
            .join(ProjectDatasetLink, DatasetImageLink.dataset_id == ProjectDatasetLink.dataset_id)
            .where(
                ProjectDatasetLink.project_id == project_id,
                visible(acting, ProjectDatasetLink),
                visible(acting, DatasetImageLink),
            )
        )
        or 0
    )


def screen_count(connection: Connection, acting: Acting, screen_id: int) -> int:
    """Count the images in sight below one screen (an image is in one plate only)."""
    return (
        connection.scalar(
            select(func.count())
            .select_from(WellSample)
            .join(ScreenPlateLink, ScreenPlateLink.plate_id == WellSample.plate_id)
            .where(
                ScreenPlateLink.screen_id == screen_id, visible(acting, ScreenPlateLink), visible(acting, WellSample)
            )
        )
        or 0
    )


def _containers(connection: Connection, acting: Acting, model: Any) -> dict[int, RowMapping]:
    query = (
        select(
            model.id,
            model.name,
            model.owner_id,
            model.group_id,
            Experimenter.name.label("owner_name"),
            ExperimenterGroup.name.label("group_name"),
        )
        .join(Experimenter, Experimenter.id == model.owner_id)
        .join(ExperimenterGroup, ExperimenterGroup.id == model.group_id)
        .where(visible(acting, model))
    )
    return {row["id"]: row for row in connection.execute(query).mappings()}


def _links(connection: Connection, acting: Acting, link: Any, parent: str, child: str) -> _Children:
    """Give the children of each parent, each with whether its link is dormant."""
    query = select(getattr(link, parent), getattr(link, child), dormant(acting, link)).where(visible(acting, link))
    found: _Children = defaultdict(list)
    for parent_id, child_id, sleeps in connection.execute(query):
        found[parent_id].append((child_id, bool(sleeps)))
    return found


def _row(acting: Acting, kind: str, row: RowMapping, images: int) -> TreeRow:
    return TreeRow(
        id=row["id"],
        type=kind,
        name=row["name"],
        owner=row["owner_name"],
        group=row["group_name"],
        images=images,
        permissions=rights(acting, group_id=row["group_id"], owner_id=row["owner_id"]),
    )


def _nested(
    acting: Acting,
    kind: str,
    parents: dict[int, RowMapping],
    links: _Children,
    children: dict[int, TreeRow],
    counts: dict[int, int] | None,
) -> list[TreeRow]:
    """Hang children below their parents (a child of two parents below both), then those without a parent."""
    rows: list[TreeRow] = []
    placed: set[int] = set()
    for parent_id, parent in parents.items():
        below = [_hung(children[i], sleeps) for i, sleeps in links.get(parent_id, []) if i in children]
        placed.update(child.id for child in below if child.id is not None)
        count = sum(child.images for child in below) if counts is None else counts.get(parent_id, 0)
        rows.append(_with_children(_row(acting, kind, parent, count), below))
    alone = [child for i, child in children.items() if i not in placed]
    return [*_by_name(rows), *_by_name(alone)]


def _hung(child: TreeRow, is_dormant: bool) -> TreeRow:
    return replace(child, is_dormant=True) if is_dormant else child


def _with_children(row: TreeRow, children: Iterable[TreeRow]) -> TreeRow:
    return replace(row, children=tuple(_by_name(children)))


def _by_name(rows: Iterable[TreeRow]) -> list[TreeRow]:
    return sorted(rows, key=lambda row: (natural_key(row.name), row.id or 0))


def _orphaned(connection: Connection, acting: Acting) -> list[TreeRow]:
    query = select(func.count()).select_from(Image).where(visible(acting, Image), is_orphaned(acting))
    count = connection.scalar(query) or 0
    if not count:
        return []
    row = TreeRow(
        id=None, type="orphaned", name="orphaned images", owner=None, group=None, images=count, permissions=None
    )
    return [row]
