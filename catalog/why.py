"""The whole story of one path: what it is, why, what it waits for, and what happened to it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, false, or_, select, true

from catalog.differing import differing
from catalog.documents import HistoryRow
from catalog.errors import NotFound
from catalog.file_sight import known, manageable
from catalog.models.images import Image
from catalog.models.ingest import Assignment, Directory, Event, Root
from catalog.models.people import Experimenter, ExperimenterGroup
from catalog.names import display, path_hash
from catalog.permissions import Acting
from catalog.places import Place, is_exactly, not_seen, place_of
from catalog.queries.history import EVENTS_AT_MOST, events, history_rows
from catalog.queries.show import copies_of
from catalog.roots import disks_away
from catalog.state_sql import facts, facts_of
from catalog.states import Mark, State, state_of
from catalog.visibility import visible


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignmentDocument:
    """A person's decision about a path, or a folder above it; ``made_by`` is None for the site's own account."""

    path: str
    targets: dict[str, Any]
    made_by: str | None
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyDocument:
    """What is known about one path.

    ``due_at``: looked at again then, or at once if that is past; ``next_try_at``: read again then.
    ``verified_at``: its bytes were last compared with the hash; ``damaged_since``: they are others since.

    ``owner`` and ``group`` are those of the images, else those that the rules found, as far as they got.
    ``owner_differs`` is what the folder says about a moved file (owner and group, or a reason), until somebody
    accepts it.
    """

    path: str
    root: str
    state: str
    reason: str
    marks: tuple[str, ...]
    rule: str | None
    owner: str | None
    group: str | None
    image_ids: tuple[int, ...]
    size_bytes: int
    filed_by: str | None
    assigned: AssignmentDocument | None
    due_at: datetime | None
    next_try_at: datetime | None
    attempts: int
    missing_since: datetime | None
    verified_at: datetime | None
    damaged_since: datetime | None
    owner_differs: dict[str, Any] | None
    history: tuple[HistoryRow, ...]


def why(connection: Connection, acting: Acting, path: bytes) -> WhyDocument:
    """Tell everything about an absolute path; raises NotFound for one that is unknown or not this person's to know."""
    place = place_of(connection, path)
    query = facts().add_columns(manageable(acting).label("is_manager")).where(is_exactly(place), known(acting))
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise _unknown(connection, acting, place, path)
    state = state_of(*facts_of(row))
    fileset_id = row["fileset_id"] if row["fileset_id"] is not None else row["original_fileset_id"]
    images = _images(connection, acting, fileset_id)
    marks = state.marks | ({Mark.COPY_OF} if _is_seen_copy(connection, acting, row) else set())
    owner, group = _whose(connection, acting, row, fileset_id)
    away = _why_away(connection, place)
    return WhyDocument(
        path=place.shown(),
        root=place.root,
        state=state.state.value,
        reason=f"{state.reason}; {away}" if away and state.state is not State.UNAVAILABLE else state.reason,
        marks=tuple(mark.value for mark in Mark if mark in marks),
        rule=row["rule"],
        owner=owner,
        group=group,
        image_ids=images,
        size_bytes=row["size_bytes"],
        filed_by=row["filed_by"],
        assigned=_assignment(connection, place),
        due_at=row["due_at"] and max(row["due_at"], row["first_seen_at"]),
        next_try_at=row["next_try_at"],
        attempts=row["attempts"] or 0,
        missing_since=row["missing_since"],
        verified_at=row["verified_at"],
        damaged_since=row["damaged_since"],
        owner_differs=differing(connection, acting, row["owner_differs"], is_manager=row["is_manager"]),
        history=_history(connection, acting, place, row),
    )


_AWAY = "the disk on which it lies is not there, and nothing about it is decided until that is back"


def _why_away(connection: Connection, place: Place) -> str | None:
    """Say of a path on a disk that is mounted inside its root that the disk is not there; None when it is."""
    identity = connection.scalar(select(Root.identity).where(Root.id == place.root_id))
    is_on_one = any(place.relative.startswith(path + b"/") for path, _ in disks_away(identity))
    return _AWAY if is_on_one else None


def _unknown(connection: Connection, acting: Acting, place: Place, path: bytes) -> NotFound:
    """Tell an administrator about a folder; to all others an unknown path is an unknown path."""
    if not (acting.is_administrator or acting.is_system):
        return not_seen(path)
    at_place = and_(Directory.root_id == place.root_id, Directory.path_hash == path_hash(place.relative))
    folder = connection.execute(select(Directory.problem).where(at_place)).one_or_none()
    if folder is not None and folder.problem:
        return NotFound(f"{display(path)} is a folder that could not be listed: {folder.problem}")
    if folder is not None:
        return NotFound(f"{display(path)} is a folder; name a file in it, or see `coverslip queue`")
    above = place.relative.rpartition(b"/")[0]
    at_above = and_(Directory.root_id == place.root_id, Directory.path_hash == path_hash(above))
    problem = connection.scalar(select(Directory.problem).where(at_above))
    if problem:
        return NotFound(f"{display(path)} was not seen: its folder could not be listed: {problem}")
    return not_seen(path)


def _images(connection: Connection, acting: Acting, fileset_id: int | None) -> tuple[int, ...]:
    query = select(Image.id).where(Image.fileset_id == fileset_id, visible(acting, Image)).order_by(Image.series)
    return tuple(connection.scalars(query))


def _is_seen_copy(connection: Connection, acting: Acting, row: RowMapping) -> bool:
    return row["fileset_id"] is not None and bool(copies_of(connection, acting, row["fileset_id"]))


def _whose(
    connection: Connection, acting: Acting, row: RowMapping, fileset_id: int | None
) -> tuple[str | None, str | None]:
    of_images = select(Image.owner_id, Image.group_id).where(Image.fileset_id == fileset_id)
    image = connection.execute(of_images.where(visible(acting, Image)).limit(1)).one_or_none()
    owner_id = row["owner_id"] if image is None else image.owner_id
    group_id = (row["group_id"] or row["held_group_id"]) if image is None else image.group_id
    owner = connection.scalar(select(Experimenter.name).where(Experimenter.id == owner_id))
    group = connection.scalar(select(ExperimenterGroup.name).where(ExperimenterGroup.id == group_id))
    return owner, group


def _assignment(connection: Connection, place: Place) -> AssignmentDocument | None:
    """Give the newest decision in force about the path or a folder above it."""
    parts = place.relative.split(b"/")
    above = [b"/".join(parts[:count]) for count in range(len(parts) + 1)]
    query = (
        select(Assignment.path, Assignment.targets, Assignment.made_at, Experimenter.name)
        .outerjoin(Experimenter, Experimenter.id == Assignment.made_by_id)
        .where(
            Assignment.root_id == place.root_id,
            Assignment.path_hash.in_([path_hash(path) for path in above]),
            Assignment.revoked_at.is_(None),
        )
        .order_by(Assignment.id.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return AssignmentDocument(
        path=Place(root_id=place.root_id, root=place.root, root_path=place.root_path, relative=bytes(row.path)).shown(),
        targets=row.targets,
        made_by=row.name,
        made_at=row.made_at,
    )


def _history(connection: Connection, acting: Acting, place: Place, row: RowMapping) -> tuple[HistoryRow, ...]:
    of_set: ColumnElement[bool] = false()
    if row["fileset_id"] is not None:
        whole_set = or_(Event.object_type.is_(None), Event.object_type == "fileset")
        of_set = and_(Event.fileset_id == row["fileset_id"], whole_set)
    of_path: ColumnElement[bool] = false()
    if row["is_manager"]:
        # Why it was held may name other people: for those who may decide about it.
        # Another file that lay here once may have been another group's.
        sees_all = acting.is_system or acting.is_administrator
        of_this = true() if sees_all else or_(Event.fileset_id.is_(None), Event.fileset_id == row["fileset_id"])
        of_path = and_(Event.root_id == place.root_id, Event.path_hash == path_hash(place.relative), of_this)
    query = events(acting).where(or_(of_set, of_path)).order_by(Event.id.desc()).limit(EVENTS_AT_MOST)
    return history_rows(acting, connection.execute(query).mappings())
