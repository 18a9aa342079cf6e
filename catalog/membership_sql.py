"""When a membership is in force, as an SQL condition."""

from datetime import datetime

from sqlalchemy import ColumnElement, FromClause, and_, or_, select

from catalog.models.people import Experimenter


def in_force(membership: FromClause, now: datetime | None) -> ColumnElement[bool]:
    """Give the condition: not run out at ``now``, and the person is active (not closed).

    Every source's word is a row; a person is a member while any row is in force.
    """
    person = Experimenter.__table__.alias()
    is_closed = (
        select(person.c.id).where(person.c.id == membership.c.experimenter_id, person.c.closed_at.is_not(None)).exists()
    )
    if now is None:
        return and_(membership.c.until_at.is_(None), ~is_closed)
    return and_(or_(membership.c.until_at.is_(None), membership.c.until_at > now), ~is_closed)
