"""Resolve who acts: an operating-system account, or the person behind `--as`, into ids of groups and roles."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, RowMapping, case, func, select

from catalog.engine import Catalogue
from catalog.errors import NotAllowed, NotFound
from catalog.events import NewEvent, record
from catalog.membership_sql import in_force
from catalog.models.people import Experimenter, ExperimenterGroup, Membership
from catalog.people_lock import people_stay
from catalog.permissions import Acting
from config.settings import PermissionLevel


def resolve_acting(
    connection: Connection, account: str, *, now: datetime, as_name: str | None = None, writes_database: bool = True
) -> Acting:
    """Give who acts. ``writes_database``: the account holds the database itself, which makes it an administrator.

    Without that, the account must be an active experimenter with a login. ``as_name`` needs an administrator, and
    gives that person's rights and no more; write it down with `record_acting_as`, or use `begin_request`.
    Raises NotFound for an unknown or closed person, NotAllowed for `--as` without being an administrator.
    """
    own = _of_account(connection, account, now=now, writes_database=writes_database)
    if as_name is None:
        return own
    if not own.is_administrator:
        raise NotAllowed(f"{account} may not act as {as_name}: --as is for administrators")
    person = _active_person(connection, Experimenter.name == as_name)
    if person is None:
        raise NotFound(f"there is no active user {as_name}; `coverslip user ls` shows them")
    acting = _with_roles(connection, person, now=now)
    return replace(acting, account=account, is_as=True, behind_id=own.experimenter_id)


def begin_request(catalogue: Catalogue, account: str, *, now: datetime, via: str, as_name: str | None = None) -> Acting:
    """Resolve who acts, and record it durably when it is `--as`, before anything is shown or done."""
    if as_name is None:
        with catalogue.reading() as connection:
            return resolve_acting(connection, account, now=now)
    with catalogue.writing() as connection:
        acting = resolve_acting(connection, account, now=now, as_name=as_name)
        record_acting_as(connection, acting, now=now, via=via)
        return acting


def record_acting_as(connection: Connection, acting: Acting, *, now: datetime, via: str) -> None:
    """Write down that an administrator acts as somebody else."""
    if acting.is_as:
        event = NewEvent(
            what="acting_as",
            at=now,
            via=via,
            acting=acting,
            object_type="experimenter",
            object_id=acting.experimenter_id,
        )
        record(connection, event)


def acting_again(connection: Connection, acting: Acting, *, now: datetime) -> Acting:
    """Read the roles again inside the writing transaction: they may have changed since the request began."""
    if acting.is_system:
        return acting
    people_stay(connection)
    if acting.experimenter_id is None:
        return replace(acting, levels=_all_levels(connection), at=now)
    person = _active_person(connection, Experimenter.id == acting.experimenter_id)
    if person is None:
        raise NotAllowed(f"{acting.name} is no longer an active user")
    fresh = _with_roles(connection, person, now=now, is_administrator=_stays_administrator(acting, person))
    return replace(fresh, account=acting.account, is_as=acting.is_as, behind_id=acting.behind_id)


def everybody(connection: Connection, *, now: datetime) -> tuple[Acting, ...]:
    """Give every active person with the roles at ``now``, by name: to say who would see what."""
    person = Experimenter.__table__
    query = select(person.c.id, person.c.name, person.c.is_administrator).where(person.c.closed_at.is_(None))
    rows = connection.execute(query.order_by(person.c.name)).mappings().all()
    return tuple(_with_roles(connection, row, now=now) for row in rows)


def _stays_administrator(acting: Acting, person: RowMapping) -> bool:
    # Who holds the database itself is an administrator whatever the row says; `--as` never inherits that.
    return bool(person["is_administrator"]) or (acting.holds_database and not acting.is_as)


def _of_account(connection: Connection, account: str, *, now: datetime, writes_database: bool) -> Acting:
    person = _active_person(connection, Experimenter.name == account)
    if person is not None and (person["has_login"] or writes_database):
        is_administrator = bool(person["is_administrator"]) or writes_database
        acting = _with_roles(connection, person, now=now, is_administrator=is_administrator)
        return replace(acting, account=account, holds_database=writes_database)
    if not writes_database:
        raise NotFound(f"{account} is no user of this catalogue; an administrator adds one with `coverslip user add`")
    return Acting(
        name=account,
        is_administrator=True,
        levels=_all_levels(connection),
        at=now,
        account=account,
        holds_database=True,
    )


def _active_person(connection: Connection, condition: object) -> RowMapping | None:
    person = Experimenter.__table__
    query = select(person.c.id, person.c.name, person.c.is_administrator, person.c.has_login)
    return connection.execute(query.where(condition, person.c.closed_at.is_(None))).mappings().one_or_none()  # type: ignore[arg-type]  # an SQL condition


def _with_roles(
    connection: Connection, person: RowMapping, *, now: datetime, is_administrator: bool | None = None
) -> Acting:
    is_administrator = bool(person["is_administrator"]) if is_administrator is None else is_administrator
    membership = Membership.__table__
    query = (
        select(membership.c.group_id, func.max(case((membership.c.is_owner, 1), else_=0)))
        .where(membership.c.experimenter_id == person["id"], in_force(membership, now))
        .group_by(membership.c.group_id)
    )
    owned_by_group = {group_id: bool(is_owner) for group_id, is_owner in connection.execute(query)}
    levels = _all_levels(connection)
    return Acting(
        name=person["name"],
        experimenter_id=person["id"],
        is_administrator=is_administrator,
        levels=levels if is_administrator else {i: levels[i] for i in owned_by_group},
        member_of=frozenset(owned_by_group),
        owner_of=frozenset(i for i, is_owner in owned_by_group.items() if is_owner),
        at=now,
    )


def _all_levels(connection: Connection) -> dict[int, PermissionLevel]:
    query = select(ExperimenterGroup.id, ExperimenterGroup.permissions)
    return {group_id: PermissionLevel(level) for group_id, level in connection.execute(query)}
