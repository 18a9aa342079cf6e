"""The permission table as SQL conditions; a property test holds them and `catalog.permissions` together.

Every condition is made of id lists that were resolved once (`Acting`), so that an index on (group, ...) serves it.
Counts over many groups are faster with one branch per group (UNION ALL): `visible_by_group`. Pages of images have the
same branches, of parameters instead of values (`catalog.queries.images`), so that a statement can be kept.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, FromClause, TableClause, and_, false, or_, select, true
from sqlalchemy import column as column_named
from sqlalchemy import table as table_named

from catalog.membership_sql import in_force
from catalog.models.annotations import ANNOTATED, Annotation, AnnotationLink, MapPair
from catalog.models.base import Base
from catalog.models.containers import (
    Dataset,
    DatasetImageLink,
    Plate,
    PlateAcquisition,
    Project,
    ProjectDatasetLink,
    Screen,
    ScreenPlateLink,
    Well,
    WellSample,
)
from catalog.models.images import AssociatedImage, Channel, Image, OriginalFile, PlaneLocation, Thumbnail
from catalog.models.ingest import Fileset
from catalog.models.people import Experimenter, ExperimenterGroup, Membership
from catalog.permissions import (
    LEVELS,
    Acting,
    Action,
    Role,
    may,
    may_in_group,
    own_only_groups,
    private_groups,
    readable_groups,
)
from config.settings import PermissionLevel

__all__ = [
    "BRANCHES_AT_MOST",
    "dormant",
    "one_owner",
    "own_only_groups",
    "permitted",
    "readable_groups",
    "visible",
    "visible_by_group",
]

#: As many branches as go into one statement; SQLite allows 500.
BRANCHES_AT_MOST = 400

type_or_table = type[Base] | FromClause

_OBJECTS = {model.__tablename__: model for model in (Project, Dataset, Screen, Plate, Image)}
#: Link tables: the columns of both ends, with the tables they point to.
_LINKS: dict[str, tuple[tuple[str, Any], tuple[str, Any]]] = {
    ProjectDatasetLink.__tablename__: (("project_id", Project), ("dataset_id", Dataset)),
    DatasetImageLink.__tablename__: (("dataset_id", Dataset), ("image_id", Image)),
    ScreenPlateLink.__tablename__: (("screen_id", Screen), ("plate_id", Plate)),
    WellSample.__tablename__: (("plate_id", Plate), ("image_id", Image)),
}
#: What is seen with the row that a column points to.
_PARTS: dict[str, tuple[str, Any]] = {
    PlateAcquisition.__tablename__: ("plate_id", Plate),
    Well.__tablename__: ("plate_id", Plate),
    Channel.__tablename__: ("image_id", Image),
    PlaneLocation.__tablename__: ("image_id", Image),
    Thumbnail.__tablename__: ("image_id", Image),
    AssociatedImage.__tablename__: ("image_id", Image),
    MapPair.__tablename__: ("annotation_id", Annotation),
}


def visible(acting: Acting, table: type_or_table) -> ColumnElement[bool]:
    """Give the condition under which a row of this table (a model, a table or an alias) is seen.

    Objects, annotations, links, parts of objects, files, people, groups and memberships have one. A link is seen
    by whoever sees both its ends, a dormant one only by group owners and administrators (see `dormant`).
    """
    source = _source(table)
    name = _name(source)
    if acting.is_system:
        return true()
    if name in _OBJECTS or name == Annotation.__tablename__:
        return permitted(acting, Action.VIEW, source)
    if name in _LINKS:
        return _visible_link(acting, source, _LINKS[name])
    if name == AnnotationLink.__tablename__:
        return _visible_annotation_link(acting, source)
    if name in _PARTS:
        column, owner = _PARTS[name]
        return _seen_with(acting, source.c[column], owner)
    return _visible_other(acting, source, name)


def visible_by_group(acting: Acting, table: type_or_table) -> list[ColumnElement[bool]]:
    """Give conditions of which each row that is seen fulfils one, each for one group: each is served by an index.

    Of objects and of links between them, for who is neither the site nor an administrator: these see all groups.
    """
    source, own = _source(table), acting.experimenter_id
    ends = () if _name(source) in _OBJECTS else _LINKS[_name(source)]
    return [
        *(source.c.group_id == group_id for group_id in sorted(readable_groups(acting))),
        *(
            and_(source.c.group_id == group_id, source.c.owner_id == own, *_own_ends(source, ends, group_id, own))
            for group_id in sorted(own_only_groups(acting))
        ),
    ]


def _own_ends(
    source: FromClause, ends: tuple[tuple[str, Any], ...], group_id: int, own: int | None
) -> Iterator[ColumnElement[bool]]:
    """Give, for each end of a link, that it is one's own: links are met by their group, and looked up in a list.

    That list is made once for all links, and both databases have to be kept to it: what is compared with true is no
    join. They take owners and groups for independent and expect a few images where there are thousands: PostgreSQL
    would read all of them for each link, SQLite look for each of them in each dataset.
    """
    for column, model in ends:
        end = _end(model, "owner_id", "group_id")
        mine = select(end.c.id).where(end.c.owner_id == own, end.c.group_id == group_id)
        yield source.c[column].in_(mine).is_(true())


def permitted(acting: Acting, action: Action, table: type_or_table) -> ColumnElement[bool]:
    """Give the condition under which an action is allowed on a row that has ``group_id`` and ``owner_id``."""
    if acting.is_system or _administrators_always(acting, action):
        return true()
    source = _source(table)
    by_role = sorted(i for i in acting.levels if may_in_group(acting, action, i))
    by_own = sorted(i for i in acting.member_of if i not in by_role and may(action, acting.levels[i], Role.DATA_OWNER))
    ways: list[ColumnElement[bool]] = []
    if by_role:
        ways.append(source.c.group_id.in_(by_role))
    if by_own:
        ways.append(and_(source.c.group_id.in_(by_own), source.c.owner_id == acting.experimenter_id))
    return or_(false(), *ways)


def dormant(acting: Acting, link: type_or_table) -> ColumnElement[bool]:
    """Give the condition under which a link sleeps: in a private group, and link, parent and child not of one owner.

    Members never see such links; for group owners and administrators this is the mark.
    """
    return and_(_is_private(acting, _source(link)), ~one_owner(link))


def one_owner(link: type_or_table) -> ColumnElement[bool]:
    """Give the condition under which link, parent and child have one owner: in force at every level."""
    source = _source(link)
    ends = _LINKS.get(_name(source))
    return _annotation_link_has_one_owner(source) if ends is None else _has_one_owner(source, ends)


def _administrators_always(acting: Acting, action: Action) -> bool:
    return acting.is_administrator and all(may(action, level, Role.ADMINISTRATOR) for level in LEVELS)


def _is_private(acting: Acting, source: FromClause) -> ColumnElement[bool]:
    if acting.is_system:
        private = select(ExperimenterGroup.id).where(ExperimenterGroup.permissions == PermissionLevel.PRIVATE.value)
        return source.c.group_id.in_(private)
    return source.c.group_id.in_(private_groups(acting))


def _end(model: Any, *columns: str) -> Any:
    """Give an alias that knows these columns only: one of the whole table takes as long to build as a small query."""
    known = model.__table__.c
    return table_named(
        model.__tablename__, *(column_named(name, known[name].type) for name in ("id", *columns))
    ).alias()


def _owner_of(pointer: ColumnElement[Any], model: Any) -> ColumnElement[int]:
    end = _end(model, "owner_id")
    return select(end.c.owner_id).where(end.c.id == pointer).scalar_subquery()


def _has_one_owner(source: FromClause, ends: tuple[tuple[str, Any], tuple[str, Any]]) -> ColumnElement[bool]:
    return and_(*(_owner_of(source.c[column], model) == source.c.owner_id for column, model in ends))


def _annotation_link_has_one_owner(source: FromClause) -> ColumnElement[bool]:
    objects = [
        _owner_of(source.c[f"{name}_id"], _OBJECTS[name]) == source.c.owner_id
        for name in ANNOTATED  # all but one are NULL: not true
    ]
    well, plate = _end(Well, "plate_id"), _end(Plate, "owner_id")
    of_well = (
        select(plate.c.owner_id)
        .join_from(well, plate, plate.c.id == well.c.plate_id)
        .where(well.c.id == source.c.well_id)
        .scalar_subquery()
    )
    on_own = [and_(source.c[f"{name}_id"].is_not(None), owned) for name, owned in zip(ANNOTATED, objects, strict=True)]
    on_own.append(and_(source.c.well_id.is_not(None), of_well == source.c.owner_id))
    return and_(_owner_of(source.c.annotation_id, Annotation) == source.c.owner_id, or_(*on_own))


def _visible_link(
    acting: Acting, source: FromClause, ends: tuple[tuple[str, Any], tuple[str, Any]]
) -> ColumnElement[bool]:
    """Both ends are in the link's group (composite keys): where all is seen, so are they; else all three are own."""
    if acting.is_administrator:
        return true()
    return _in_readable_or_own(acting, source, _has_one_owner(source, ends))


def _visible_annotation_link(acting: Acting, source: FromClause) -> ColumnElement[bool]:
    if acting.is_administrator:
        return true()
    return _in_readable_or_own(acting, source, _annotation_link_has_one_owner(source))


def _in_readable_or_own(acting: Acting, source: FromClause, one_owner: ColumnElement[bool]) -> ColumnElement[bool]:
    ways: list[ColumnElement[bool]] = []
    if readable := readable_groups(acting):
        ways.append(source.c.group_id.in_(readable))
    if own := own_only_groups(acting):
        ways.append(and_(source.c.group_id.in_(own), source.c.owner_id == acting.experimenter_id, one_owner))
    return or_(false(), *ways)


def _seen_with(acting: Acting, pointer: ColumnElement[Any], model: Any) -> ColumnElement[bool]:
    if acting.is_administrator:
        return true()
    owner = _end(model, "owner_id", "group_id")
    return select(owner.c.id).where(owner.c.id == pointer, visible(acting, owner)).exists()


def _visible_other(acting: Acting, source: FromClause, name: str) -> ColumnElement[bool]:
    if acting.is_administrator:
        return true()
    if name == Experimenter.__tablename__:
        return or_(source.c.id == acting.experimenter_id, source.c.id.in_(_fellows(acting)))
    if name == ExperimenterGroup.__tablename__:
        return source.c.id.in_(sorted(acting.member_of))
    if name == Membership.__tablename__:
        seen = source.c.group_id.in_(_groups_whose_members_are_seen(acting))
        return or_(source.c.experimenter_id == acting.experimenter_id, seen)
    if name in {Fileset.__tablename__, OriginalFile.__tablename__}:
        image = _end(Image, "fileset_id", "owner_id", "group_id")
        fileset = source.c.id if name == Fileset.__tablename__ else source.c.fileset_id
        return select(image.c.id).where(image.c.fileset_id == fileset, visible(acting, image)).exists()
    raise TypeError(f"there is no rule about who sees rows of {name}")


def _groups_whose_members_are_seen(acting: Acting) -> list[int]:
    return sorted(i for i in acting.levels if may_in_group(acting, Action.SEE_MEMBERS, i))


def _fellows(acting: Acting) -> Any:
    """Select the people who are now members of a group whose members are seen."""
    membership = Membership.__table__.alias()
    groups = _groups_whose_members_are_seen(acting)
    now_in = in_force(membership, acting.at)
    return select(membership.c.experimenter_id).where(membership.c.group_id.in_(groups), now_in)


def _source(table: type_or_table) -> FromClause:
    if isinstance(table, FromClause):
        return table
    return table.__table__


def _name(source: FromClause) -> str:
    """Give the name of the table behind an alias."""
    while not isinstance(source, TableClause):
        source = source.element  # type: ignore[attr-defined]  # aliases have it
    return source.name
