"""The filters of `images`: what they are, and the conditions they become, each only through what the viewer sees."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select

from catalog.engine import SQLITE_LOWER
from catalog.errors import NotFound, NotUnderstood
from catalog.models.annotations import Annotation, AnnotationLink, MapPair
from catalog.models.base import AnySelect
from catalog.models.containers import (
    Dataset,
    DatasetImageLink,
    Plate,
    Project,
    ProjectDatasetLink,
    Screen,
    ScreenPlateLink,
    Well,
    WellSample,
)
from catalog.models.images import Image
from catalog.models.people import Experimenter, ExperimenterGroup
from catalog.permissions import Acting
from catalog.references import ObjectReference, parse_well
from catalog.text_search import is_pair, is_value
from catalog.visibility import visible

_CONTAINERS: dict[str, Any] = {"project": Project, "dataset": Dataset, "screen": Screen, "plate": Plate}
_NUMBERED = re.compile(r"(?:[a-z]+:)?([0-9]{1,18})")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFilters:
    """What `images` can be asked for; everything that is given must hold.

    Containers, owner and group are names (or `dataset:3`, or the number alone when nothing has that name);
    ``well`` is a name like "B3"; ``tags`` and ``key_values`` must all be there; ``name`` is a pattern with
    `* ? [..]`, upper and lower case alike; ``since`` (included) and ``until`` (not included) are about the import;
    ``text`` holds words that must each occur in name, description, tags, keys, values or comments.
    """

    project: str | None = None
    dataset: str | None = None
    screen: str | None = None
    plate: str | None = None
    well: str | None = None
    owner: str | None = None
    group: str | None = None
    tags: tuple[str, ...] = ()
    key_values: tuple[tuple[str, str], ...] = ()
    name: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    orphaned: bool = False
    text: str | None = None


def conditions(connection: Connection, acting: Acting, filters: ImageFilters) -> list[ColumnElement[bool]]:
    """Give the conditions on the image table; raises NotFound for a container or person that is not in sight."""
    dialect = connection.dialect.name
    found: list[ColumnElement[bool]] = []
    for kind in ("project", "dataset", "screen", "plate"):
        asked: str | None = getattr(filters, kind)
        if asked is not None:
            found.append(Image.id.in_(_in_container(acting, kind, _container_ids(connection, acting, kind, asked))))
    if filters.well is not None:
        found.append(Image.id.in_(_in_wells(acting, parse_well(filters.well))))
    if filters.owner is not None:
        found.append(Image.owner_id == _owner_id(connection, acting, filters.owner))
    if filters.group is not None:
        found.append(Image.group_id == _group_id(connection, acting, filters.group))
    found.extend(Image.id.in_(_with_tag(acting, tag)) for tag in filters.tags)
    found.extend(Image.id.in_(_with_pair(acting, key, value)) for key, value in filters.key_values)
    if filters.name is not None:
        found.append(glob_condition(dialect, Image.__table__.c.name, filters.name))
    if filters.since is not None:
        found.append(Image.created_at >= filters.since)
    if filters.until is not None:
        found.append(Image.created_at < filters.until)
    if filters.orphaned:
        found.append(is_orphaned(acting))
    found.extend(_has_word(dialect, acting, word) for word in (filters.text or "").split())
    return found


def has_narrow(filters: ImageFilters) -> bool:
    """Say whether a filter gives a set of ids to start from (else the pages' index is walked)."""
    containers = (filters.project, filters.dataset, filters.screen, filters.plate, filters.well)
    return any(value is not None for value in containers) or bool(filters.tags or filters.key_values)


def _container_ids(connection: Connection, acting: Acting, kind: str, asked: str) -> list[int]:
    model = _CONTAINERS[kind]
    seen = select(model.id).where(visible(acting, model))
    ids = list(connection.scalars(seen.where(model.name == asked)))
    numbered = _NUMBERED.fullmatch(asked)
    if not ids and numbered is not None and asked.partition(":")[0] in {kind, asked}:
        ids = list(connection.scalars(seen.where(model.id == int(numbered[1]))))
    if not ids:
        raise NotFound(f"there is no {kind} '{asked}'; `coverslip tree` shows what there is")
    return ids


def _owner_id(connection: Connection, acting: Acting, asked: str) -> int:
    """Find a person by name who is in sight, or whose data is: who has left stays the owner of what stays."""
    owns = exists().where(Image.owner_id == Experimenter.id, visible(acting, Image))
    seen = or_(visible(acting, Experimenter), owns)
    found = connection.scalar(select(Experimenter.id).where(Experimenter.name == asked, seen))
    if found is None:
        raise NotFound(f"there is no user '{asked}'; `coverslip user ls` shows whom you may see")
    return found


def _group_id(connection: Connection, acting: Acting, asked: str) -> int:
    seen = visible(acting, ExperimenterGroup)
    found = connection.scalar(select(ExperimenterGroup.id).where(ExperimenterGroup.name == asked, seen))
    if found is None:
        raise NotFound(f"there is no group '{asked}'; `coverslip group ls` shows which you may see")
    return found


def images_in(acting: Acting, reference: ObjectReference) -> AnySelect:
    """Select the ids of the images in a container or well, of an image its own, as far as the viewer sees the links."""
    match reference.type:
        case "image":
            return select(Image.id).where(Image.id == reference.id)
        case "well":
            return _images_of_plates(acting, WellSample.well_id == reference.id)
        case kind:
            return _in_container(acting, kind, [reference.id])


def _in_container(acting: Acting, kind: str, ids: list[int]) -> AnySelect:
    match kind:
        case "project":
            datasets = select(ProjectDatasetLink.dataset_id).where(
                ProjectDatasetLink.project_id.in_(ids), visible(acting, ProjectDatasetLink)
            )
            return _images_of_datasets(acting, DatasetImageLink.dataset_id.in_(datasets))
        case "dataset":
            return _images_of_datasets(acting, DatasetImageLink.dataset_id.in_(ids))
        case "screen":
            plates = select(ScreenPlateLink.plate_id).where(
                ScreenPlateLink.screen_id.in_(ids), visible(acting, ScreenPlateLink)
            )
            return _images_of_plates(acting, WellSample.plate_id.in_(plates))
        case _:
            return _images_of_plates(acting, WellSample.plate_id.in_(ids))


def _images_of_datasets(acting: Acting, condition: ColumnElement[bool]) -> AnySelect:
    return select(DatasetImageLink.image_id).where(condition, visible(acting, DatasetImageLink))


def _images_of_plates(acting: Acting, condition: ColumnElement[bool]) -> AnySelect:
    return select(WellSample.image_id).where(condition, visible(acting, WellSample))


def _in_wells(acting: Acting, well: tuple[int, int]) -> AnySelect:
    row, column = well
    return (
        select(WellSample.image_id)
        .join(Well, Well.id == WellSample.well_id)
        .where(Well.row == row, Well.column == column, visible(acting, WellSample))
    )


def _annotated(acting: Acting) -> AnySelect:
    """Select the images of annotation links in sight, beside the annotation."""
    return (
        select(AnnotationLink.image_id)
        .join(Annotation, Annotation.id == AnnotationLink.annotation_id)
        .where(AnnotationLink.image_id.is_not(None), visible(acting, AnnotationLink), visible(acting, Annotation))
    )


def _with_tag(acting: Acting, tag: str) -> AnySelect:
    tagged = _annotated(acting).where(Annotation.kind == "tag", is_value(tag))
    # The index begins with the group: naming all groups that can be concerned lets an administrator use it, too.
    return tagged if acting.is_system else tagged.where(Annotation.group_id.in_(sorted(acting.levels)))


def _with_pair(acting: Acting, key: str, value: str) -> AnySelect:
    return (
        _annotated(acting)
        .join(MapPair, MapPair.annotation_id == Annotation.id)
        .where(Annotation.kind == "map", is_pair(key, value))
    )


def is_orphaned(acting: Acting) -> ColumnElement[bool]:
    """Give the condition: in no dataset and no plate, as far as the viewer sees."""
    in_dataset = exists().where(DatasetImageLink.image_id == Image.id, visible(acting, DatasetImageLink))
    in_plate = exists().where(WellSample.image_id == Image.id, visible(acting, WellSample))
    return and_(~in_dataset, ~in_plate)


def _has_word(dialect: str, acting: Acting, word: str) -> ColumnElement[bool]:
    def contains(column: Any) -> ColumnElement[bool]:
        return _lower(dialect, column).contains(word.lower(), autoescape=True)

    in_pair = exists().where(
        MapPair.annotation_id == Annotation.id, or_(contains(MapPair.key), contains(MapPair.value))
    )
    annotated = _annotated(acting).where(AnnotationLink.image_id == Image.id, or_(contains(Annotation.value), in_pair))
    return or_(contains(Image.name), contains(Image.description), annotated.exists())


def _lower(dialect: str, column: Any) -> ColumnElement[Any]:
    """Lower a column beyond ASCII, too: SQLite's own lower() does not."""
    return getattr(func, SQLITE_LOWER)(column) if dialect == "sqlite" else func.lower(column)


def glob_condition(dialect: str, column: ColumnElement[str], pattern: str) -> ColumnElement[bool]:
    """Give the condition that a name fits a shell pattern (`* ? [a-z] [!a-z]`), upper and lower case alike."""
    parts = re.findall(r"\[[!^]?\]?[^\]]*\]|.", pattern.lower(), re.DOTALL)
    regex = "".join(_regex_part(part) for part in parts)
    try:
        re.compile(regex)
    except re.error as error:
        raise NotUnderstood(f"'{pattern}' is no pattern for names: {error.msg}") from error
    if dialect == "sqlite":
        return _lower(dialect, column).op("GLOB")("".join(_sqlite_part(part) for part in parts))
    return _lower(dialect, column).op("~")(f"^{regex}$")


def _sqlite_part(part: str) -> str:
    if part.startswith("[!") and len(part) > 1:
        return "[^" + part[2:]
    return "[[]" if part == "[" else part


def _regex_part(part: str) -> str:
    match part:
        case "*":
            return ".*"
        case "?":
            return "."
        case _ if len(part) > 1:
            inner = part[1:-1].replace("\\", "\\\\").replace("[", "\\[")
            negated = inner.startswith(("!", "^"))
            inner = inner[1:] if negated else inner
            # A bracket that comes first is meant itself; Python and PostgreSQL agree on the escape.
            inner = "\\]" + inner[1:] if inner.startswith("]") else inner
            return f"[{'^' if negated else ''}{inner}]"
        case _:
            return part if part.isalnum() or not part.isascii() else "\\" + part
