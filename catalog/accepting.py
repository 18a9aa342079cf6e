"""`accept`: a moved file's images become those of the owner and group whose folder it lies in now.

Nothing changes hands by moving files; this is the word of somebody who may give or move the images.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select, update

from catalog.acting import acting_again
from catalog.changing_hands import change_group, change_rule_annotations
from catalog.decisions import DecisionRow
from catalog.differing import PLACEMENT, without_placement
from catalog.events import NewEvent, record
from catalog.file_sight import known
from catalog.filings import filing_of
from catalog.image_rows import file_images
from catalog.joining import join_copy
from catalog.membership_sql import in_force
from catalog.models.containers import DatasetImageLink, WellSample
from catalog.models.images import Image
from catalog.models.ingest import Fileset, Root
from catalog.models.people import Membership
from catalog.moves import refile, take_out
from catalog.permissions import Acting, Role, may_give, may_move, object_roles
from catalog.places import absolute, at_or_below, not_seen, place_of
from catalog.queries.history import CHANGED_HANDS
from catalog.state_sql import facts, facts_of
from catalog.states import state_of


def accept(
    connection: Connection, acting: Acting, paths: Sequence[bytes], *, now: datetime, via: str
) -> tuple[DecisionRow, ...]:
    """Accept where moved files lie now: these absolute paths (folders: all marked files below).

    A copy whose original is gone is joined with it (`catalog.joining`).

    The owner of the data, an owner of the group (within it) or an administrator may. Images that go to another group
    leave their containers and are filed as the rules file the new folder;
    annotations go with them. Raises NotFound for a path of which this person knows nothing.
    """
    fresh = acting_again(connection, acting, now=now)
    found: list[DecisionRow] = []
    for path in paths:
        query = facts().add_columns(Root.path.label("root_path"))
        rows = connection.execute(
            query.where(at_or_below(place_of(connection, path)), known(fresh), Fileset.removed_at.is_(None))
        ).mappings()
        here = rows.all()
        if not here:
            raise not_seen(path)
        marked = [row for row in here if row["owner_differs"] is not None]
        found.extend(_accepted(connection, fresh, row, now, via) for row in marked)
        joined = [_joined(connection, fresh, row, now, via) for row in here if row["owner_differs"] is None]
        found.extend(row for row in joined if row is not None)
        if not marked and joined == [None]:
            found.append(_row(here[0], done=True, reason="there is nothing to accept"))
    return tuple(found)


def _joined(connection: Connection, acting: Acting, row: RowMapping, now: datetime, via: str) -> DecisionRow | None:
    outcome = join_copy(connection, acting, row, now=now, via=via)
    return None if outcome is None else _row(row, done=outcome.done, reason=outcome.reason)


def _row(row: RowMapping, *, done: bool, reason: str | None = None) -> DecisionRow:
    folder, name = bytes(row["directory_path"]), bytes(row["name"])
    return DecisionRow(
        path=absolute(bytes(row["root_path"]), folder + b"/" + name if folder else name),
        root=row["root_name"],
        state=state_of(*facts_of(row)).state.value,
        done=done,
        reason=reason,
    )


def _accepted(connection: Connection, acting: Acting, row: RowMapping, now: datetime, via: str) -> DecisionRow:
    differs = row["owner_differs"]
    if "owner_id" not in differs:
        return _row(row, done=False, reason=_why_nobody(acting, row))
    to_owner, to_group = differs["owner_id"], differs["group_id"]
    images = connection.execute(
        select(Image.id, Image.owner_id, Image.group_id)
        .where(Image.fileset_id == row["fileset_id"])
        .order_by(Image.series)
    ).all()
    if not _is_member(connection, to_owner, to_group, now):
        return _row(row, done=False, reason="the owner by the folder is not an active member of that group")
    for image in images:
        if not _may(acting, image.owner_id, image.group_id, to_owner, to_group):
            reason = "the owner of the data, an owner of the group (within it) or an administrator may accept this"
            return _row(row, done=False, reason=reason)
    before = [{"image": i.id, "owner_id": i.owner_id, "group_id": i.group_id} for i in images]
    _change_hands(connection, row["fileset_id"], images, differs, now)
    record(connection, _event(acting, row, {"images": before}, now, via))
    return _row(row, done=True)


def _change_hands(
    connection: Connection, fileset_id: int, images: Sequence[Any], differs: dict[str, Any], now: datetime
) -> None:
    """Give images and fileset their new owner and group, and file them as the rules file the new folder."""
    changed = {"owner_id": differs["owner_id"], "group_id": differs["group_id"]}
    document = differs.get(PLACEMENT)
    fileset = connection.execute(select(Fileset.placement, Fileset.filed_by).where(Fileset.id == fileset_id)).one()
    for image in images:
        if image.group_id != changed["group_id"]:
            change_group(connection, image.id, changed["group_id"])
        change_rule_annotations(connection, image.id, image.owner_id, changed["owner_id"], now)
    ids = [image.id for image in images]
    if document is not None and fileset.filed_by == "rule":
        take_out(connection, ids, filing_of(fileset.placement))
    how = {"owner_by": "accepted by hand", "updated_at": now}
    connection.execute(update(Image).where(Image.fileset_id == fileset_id).values(changed | how))
    connection.execute(update(Fileset).where(Fileset.id == fileset_id).values(changed | {"owner_differs": None}))
    if document is not None:
        _file_anew(connection, fileset_id, ids, document, is_by_rule=fileset.filed_by == "rule", now=now)


def _file_anew(
    connection: Connection, fileset_id: int, images: list[int], document: Any, *, is_by_rule: bool, now: datetime
) -> None:
    """File by the placement of the new folder; a place in a plate that is taken leaves the images in none."""
    refile(connection, fileset_id, document, now=now)
    if not is_by_rule:
        return
    linked = select(DatasetImageLink.image_id).where(DatasetImageLink.image_id.in_(images))
    placed = select(WellSample.image_id).where(WellSample.image_id.in_(images))
    filed = {*connection.scalars(linked), *connection.scalars(placed)}
    if left := [image for image in images if image not in filed]:
        file_images(connection, left, filing_of(document), fileset_id=fileset_id, configuration_id=None, now=now)


def _why_nobody(acting: Acting, row: RowMapping) -> str:
    """Say that the new folder names no owner; why it does not is for those who manage the group."""
    is_manager = acting.is_system or acting.is_administrator or row["group_id"] in acting.owner_of
    why = row["owner_differs"].get("reason") if is_manager else None
    sentence = "the new folder does not tell whose it is"
    return f"{sentence}: {why}" if why else f"{sentence}; move it to a folder that does"


def _is_member(connection: Connection, owner_id: int, group_id: int, now: datetime) -> bool:
    membership = Membership.__table__
    query = select(func.count()).where(
        membership.c.experimenter_id == owner_id, membership.c.group_id == group_id, in_force(membership, now)
    )
    return bool(connection.scalar(query))


def _may(acting: Acting, owner_id: int, group_id: int, to_owner: int, to_group: int) -> bool:
    """Judge both changes; the owner of the data may say yes to a new owner, which is not giving it away unasked."""
    is_own = Role.DATA_OWNER in object_roles(acting, group_id=group_id, owner_id=owner_id)
    may_change_owner = (
        to_owner == owner_id or is_own or may_give(acting, group_id=group_id, owner_id=owner_id, is_to_member=True)
    )
    may_change_group = to_group == group_id or may_move(
        acting, group_id=group_id, owner_id=owner_id, to_group_id=to_group
    )
    return may_change_owner and may_change_group


def _event(acting: Acting, row: RowMapping, before: dict[str, Any], now: datetime, via: str) -> NewEvent:
    return NewEvent(
        what=CHANGED_HANDS,
        at=now,
        via=via,
        acting=acting,
        object_type="fileset",
        object_id=row["fileset_id"],
        fileset_id=row["fileset_id"],
        root_id=row["root_id"],
        before=before,
        after=without_placement(row["owner_differs"]),
    )
