"""The list of images: keyset pages, newest first, one branch of the query for each group.

A page costs the same however many images there are and however deep it lies: each group's newest rows come from an
index on (group, imported, id), and the few rows that are left are merged. Many images share one moment of import
(they are committed in batches), so that the id decides among those.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, bindparam, select, tuple_, union_all

from catalog.documents import ImagePage
from catalog.errors import NotUnderstood
from catalog.models.base import AnySelect, BigId, UtcDateTime
from catalog.models.images import Image
from catalog.permissions import Acting, own_only_groups, readable_groups
from catalog.queries.filters import ImageFilters, conditions, has_narrow, images_in
from catalog.queries.image_documents import image_documents
from catalog.queries.objects import find_object
from catalog.references import ObjectReference
from catalog.visibility import BRANCHES_AT_MOST, visible

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CURSOR = re.compile(r"(-?[0-9]{1,18})-([0-9]{1,18})")

#: As many statements of pages are kept compiled: one for each number of groups that somebody is in.
_PAGES_KEPT = 64

_IMAGE = Image.__table__
_VIEWER = bindparam("viewer", type_=BigId)
_MOST = bindparam("most", type_=Integer())
#: Older than the last of the page before.
_OLDER: ColumnElement[bool] = tuple_(_IMAGE.c.created_at, _IMAGE.c.id) < tuple_(
    bindparam("before_at", type_=UtcDateTime()), bindparam("before_id", type_=BigId)
)

Key = tuple[datetime, int]
#: What each branch lists: all of a group (False), the viewer's own in a group (True), or everything (None).
_Shape = tuple[bool | None, ...]


def images(
    connection: Connection, acting: Acting, filters: ImageFilters, *, limit: int = 100, after: str | None = None
) -> ImagePage:
    """Give the newest images that fit, after the page that gave ``after``; everything of it as the viewer sees it."""
    keys = _page(connection, acting, conditions(connection, acting, filters), filters, limit + 1, after)
    shown = keys[:limit]
    documents = image_documents(connection, acting, [image_id for _, image_id in shown])
    return ImagePage(images=documents, next_after=_cursor(shown[-1]) if len(keys) > limit and shown else None)


def image_ids(
    connection: Connection, acting: Acting, filters: ImageFilters, *, limit: int, after: str | None = None
) -> tuple[tuple[int, ...], str | None]:
    """Give a page's ids alone, and how to continue."""
    keys = _page(connection, acting, conditions(connection, acting, filters), filters, limit + 1, after)
    next_after = _cursor(keys[limit - 1]) if len(keys) > limit else None
    return tuple(image_id for _, image_id in keys[:limit]), next_after


def images_within(connection: Connection, acting: Acting, reference: ObjectReference) -> tuple[int, ...]:
    """Give the ids of the images in an object (of an image, its own); raises NotFound for one out of sight."""
    find_object(connection, acting, reference)
    query = select(_IMAGE.c.id).where(_IMAGE.c.id.in_(images_in(acting, reference)), visible(acting, _IMAGE))
    return tuple(connection.scalars(query.order_by(_IMAGE.c.id)))


def _page(
    connection: Connection,
    acting: Acting,
    wanted: list[ColumnElement[bool]],
    filters: ImageFilters,
    limit: int,
    after: str | None,
) -> list[Key]:
    given: dict[str, Any] = {"most": limit}
    if after is not None:
        given["before_at"], given["before_id"] = _parse_cursor(after)
    if has_narrow(filters):
        return [(at, i) for at, i in connection.execute(_narrow(acting, wanted, is_continued=after is not None), given)]
    keys: list[Key] = []
    for branches in _chunks(_branches(acting, by_group=filters.owner is not None)):
        shape = tuple(None if branch is None else branch.is_own for branch in branches)
        given |= {_group(number): branch.group_id for number, branch in enumerate(branches) if branch is not None}
        given |= {"viewer": acting.experimenter_id} if any(shape) else {}
        merge = _merged if wanted else _kept
        query = merge(shape, tuple(wanted), is_continued=after is not None)
        keys.extend((at, i) for at, i in connection.execute(query, given))
    return sorted(keys, reverse=True)[:limit]


def _narrow(acting: Acting, wanted: list[ColumnElement[bool]], *, is_continued: bool) -> AnySelect:
    """Select from few ids, which come from elsewhere.

    Materialized: else the order lures a planner into walking the index of all images, newest first, until enough of
    them fit.
    """
    older = [_OLDER] if is_continued else []
    fitting = select(_IMAGE.c.created_at, _IMAGE.c.id).where(visible(acting, _IMAGE), *wanted, *older)
    fits = fitting.cte("fits").prefix_with("MATERIALIZED")
    newest_first = (fits.c.created_at.desc(), fits.c.id.desc())
    return select(fits.c.created_at, fits.c.id).order_by(*newest_first).limit(_MOST)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Branch:
    """A group whose images are listed, all of them or only the viewer's own."""

    group_id: int
    is_own: bool


def _branches(acting: Acting, *, by_group: bool) -> list[_Branch | None]:
    """Give one branch for each group; None for everything (the site, administrators).

    ``by_group``: also for administrators, because one owner's newest come from an index with the group.
    """
    if acting.is_system or (acting.is_administrator and not by_group):
        return [None]
    return [
        *(_Branch(group_id=group_id, is_own=False) for group_id in readable_groups(acting)),
        *(_Branch(group_id=group_id, is_own=True) for group_id in own_only_groups(acting)),
    ]


def _chunks(branches: list[_Branch | None]) -> Iterator[list[_Branch | None]]:
    for start in range(0, len(branches), BRANCHES_AT_MOST):
        yield branches[start : start + BRANCHES_AT_MOST]


def _merged(shape: _Shape, wanted: tuple[ColumnElement[bool], ...], *, is_continued: bool) -> AnySelect:
    """Merge branches of these kinds into one page."""
    older = [_OLDER] if is_continued else []
    parts: list[AnySelect] = []
    for of_branch in _conditions(shape):
        of_group = select(_IMAGE.c.created_at, _IMAGE.c.id).where(*of_branch, *wanted, *older)
        # Wrapped: SQLite takes ORDER BY and LIMIT inside a branch only so.
        parts.append(select(_newest(of_group).subquery()))
    merged = union_all(*parts).subquery()
    newest_first = (merged.c.created_at.desc(), merged.c.id.desc())
    return select(merged.c.created_at, merged.c.id).order_by(*newest_first).limit(_MOST)


#: For pages without filters: such a statement takes five times as long to build as the database takes for it.
_kept = lru_cache(maxsize=_PAGES_KEPT)(_merged)


def _conditions(shape: _Shape) -> Iterator[list[ColumnElement[bool]]]:
    """Give the conditions of each branch."""
    for number, is_own in enumerate(shape):
        in_group = [] if is_own is None else [_IMAGE.c.group_id == bindparam(_group(number), type_=BigId)]
        yield [*in_group, _IMAGE.c.owner_id == _VIEWER] if is_own else [*in_group]


def _group(number: int) -> str:
    """Name the parameter of a branch's group."""
    return f"group_{number}"


def _newest(query: AnySelect) -> AnySelect:
    return query.order_by(_IMAGE.c.created_at.desc(), _IMAGE.c.id.desc()).limit(_MOST)


def _cursor(key: Key) -> str:
    at, image_id = key
    return f"{(at - _EPOCH) // timedelta(microseconds=1)}-{image_id}"


def _parse_cursor(text: str) -> Key:
    found = _CURSOR.fullmatch(text)
    if found is None:
        raise NotUnderstood(f"'{text}' does not continue a list; take what the page before it gave for --after")
    try:
        return _EPOCH + timedelta(microseconds=int(found[1])), int(found[2])
    except OverflowError as error:
        raise NotUnderstood(f"'{text}' does not continue a list: no such time") from error
