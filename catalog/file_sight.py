"""Who may know of a file before, beside and after it is an image: conditions on the rows of `state_sql.joined`.

A file with images is known to whoever sees one of them. Without images it belongs to where the rules placed it: its
owner there, and the owners of that group, know of it. What has no known owner is seen by administrators alone.
"""

from typing import Any

from sqlalchemy import ColumnElement, and_, exists, false, func, or_, select, true

from catalog.models.images import Image, OriginalFile
from catalog.models.ingest import Fileset, Sighting
from catalog.permissions import Acting
from catalog.visibility import visible


def placed_group() -> ColumnElement[Any]:
    """Give the group of a file: its images', else the one that the rules placed it in, as far as they got."""
    of_images = select(func.min(Image.group_id)).where(Image.fileset_id == Fileset.id).scalar_subquery()
    return func.coalesce(of_images, Fileset.group_id, Sighting.group_id)


def manageable(acting: Acting) -> ColumnElement[bool]:
    """Give the condition for `queue`, `retry`, `assign`: administrators all, group owners their own group's files."""
    if acting.is_system or acting.is_administrator:
        return true()
    if not acting.owner_of:
        return false()
    return placed_group().in_(sorted(acting.owner_of))


def known(acting: Acting) -> ColumnElement[bool]:
    """Give the condition for `why` and the counts of `status`: manageable, own, or with an image in sight."""
    if acting.is_system or acting.is_administrator:
        return true()
    has_images = exists().where(Image.fileset_id == Fileset.id)
    sees_image = exists().where(Image.fileset_id == Fileset.id, visible(acting, Image))
    is_own = and_(
        ~has_images,
        Fileset.owner_id == acting.experimenter_id,
        Fileset.group_id.in_(sorted(acting.member_of)),
    )
    # A place in storage belongs to no fileset: whoever sees the image that the file is of knows of it.
    of_file = exists().where(
        OriginalFile.id == Sighting.original_file_id,
        Image.fileset_id == OriginalFile.fileset_id,
        visible(acting, Image),
    )
    sees_place = and_(Sighting.fileset_id.is_(None), of_file)
    return or_(manageable(acting), sees_image, is_own, sees_place)
