"""The list of images: keyset pages, newest first, one branch of the query for each group.

A page costs the same however many images there are and however deep it lies: each group's newest rows come from an
index on (group, imported, id), and the few rows that are left are merged. Many images share one moment of import
(they are committed in batches), so that the id decides among those.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, literal, select, tuple_, union_all

from catalog.documents import ImagePage
from catalog.errors import NotUnderstood
from catalog.models.base import AnySelect, BigId, UtcDateTime
from catalog.models.images import Image
from catalog.permissions import Acting
from catalog.queries.filters import ImageFilters, conditions, has_narrow, images_in
from catalog.queries.image_documents import image_documents
from catalog.queries.objects import find_object
from catalog.references import ObjectReference
from catalog.visibility import BRANCHES_AT_MOST, visible, visible_by_group

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CURSOR = re.compile(r"(-?[0-9]{1,18})-([0-9]{1,18})")

#: The table itself: statements over mapped attributes take three times as long to build.
_IMAGE = Image.__table__

Key = tuple[datetime, int]


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
    if after is not None:
        wanted = [*wanted, _older_than(_parse_cursor(after))]
    if has_narrow(filters):
        # The ids come from elsewhere and are few. Materialized: else the order lures a planner into walking the
        # index of all images, newest first, until enough of them fit.
        fitting = select(_IMAGE.c.created_at, _IMAGE.c.id).where(visible(acting, _IMAGE), *wanted)
        fits = fitting.cte("fits").prefix_with("MATERIALIZED")
        newest_first = (fits.c.created_at.desc(), fits.c.id.desc())
        query = select(fits.c.created_at, fits.c.id).order_by(*newest_first).limit(limit)
        return [(at, image_id) for at, image_id in connection.execute(query)]
    keys: list[Key] = []
    for branches in _chunks(_branches(acting, by_group=filters.owner is not None)):
        keys.extend((at, i) for at, i in connection.execute(_merged(branches, wanted, limit)))
    return sorted(keys, reverse=True)[:limit]


def _branches(acting: Acting, *, by_group: bool) -> list[ColumnElement[bool] | None]:
    """Give the condition of each branch: one for each group; None for everything (the site, administrators).

    ``by_group``: also for administrators, because one owner's newest come from an index with the group.
    """
    if acting.is_system or (acting.is_administrator and not by_group):
        return [None]
    return [*visible_by_group(acting, _IMAGE)]


def _chunks(branches: list[ColumnElement[bool] | None]) -> Iterator[list[ColumnElement[bool] | None]]:
    for start in range(0, len(branches), BRANCHES_AT_MOST):
        yield branches[start : start + BRANCHES_AT_MOST]


def _merged(branches: list[ColumnElement[bool] | None], wanted: list[ColumnElement[bool]], limit: int) -> AnySelect:
    parts: list[AnySelect] = []
    for branch in branches:
        of_group = select(_IMAGE.c.created_at, _IMAGE.c.id).where(*([] if branch is None else [branch]), *wanted)
        # Wrapped: SQLite takes ORDER BY and LIMIT inside a branch only so.
        parts.append(select(_newest(of_group, limit).subquery()))
    merged = union_all(*parts).subquery()
    newest_first = (merged.c.created_at.desc(), merged.c.id.desc())
    return select(merged.c.created_at, merged.c.id).order_by(*newest_first).limit(limit)


def _newest(query: AnySelect, limit: int) -> AnySelect:
    return query.order_by(_IMAGE.c.created_at.desc(), _IMAGE.c.id.desc()).limit(limit)


def _older_than(key: Key) -> ColumnElement[bool]:
    at, image_id = key
    return tuple_(_IMAGE.c.created_at, _IMAGE.c.id) < tuple_(literal(at, UtcDateTime()), literal(image_id, BigId))


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
