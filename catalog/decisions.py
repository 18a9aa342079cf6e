"""People's decisions about files: try again, file it so, this root is right. Idempotent, evented, permission-checked.

Every function takes a connection that writes and reads the roles again in it. The ingest notices the event and looks
again at what is held, unmatched or due; what is ready is read at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, insert, select, true, update

from catalog.acting import acting_again
from catalog.errors import NotAllowed, NotFound, Refused
from catalog.events import NewEvent, record
from catalog.file_sight import known, manageable, placed_group
from catalog.given_names import require_label
from catalog.looks import due_at_once
from catalog.membership_sql import in_force
from catalog.models.ingest import Assignment, Fileset, Job, Request, Root, Sighting
from catalog.models.people import Experimenter, ExperimenterGroup, Membership
from catalog.names import display, path_hash
from catalog.permissions import Acting
from catalog.places import Place, absolute, at_or_below, is_exactly, not_seen, place_of
from catalog.roots import disks_away
from catalog.state_sql import facts, facts_of
from catalog.states import State, state_of

#: What is placed by the rules again, as soon as the ingest notices the decision.
_PLACED_AGAIN = frozenset({State.HELD, State.UNMATCHED})
_READ_AGAIN = frozenset({State.WAITING, State.QUARANTINED})
_LOOKED_AT_AGAIN = frozenset({State.STALLED, State.SETTLING})
#: Targets that are looked up; the others are made as they are called.
_PEOPLE = frozenset({"owner", "group"})
_RETRIED = _PLACED_AGAIN | _READ_AGAIN | _LOOKED_AT_AGAIN

#: More files than this of one root, and the whole root is scanned instead.
_PATHS_AT_MOST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRow:
    """What came of a decision for one path: ``state`` was its state before; ``reason`` says why it was not done."""

    path: str
    root: str
    state: str | None
    done: bool
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """What a person decides about a path, as names; None leaves it to the rules."""

    owner: str | None = None
    group: str | None = None
    project: str | None = None
    dataset: str | None = None
    screen: str | None = None
    plate: str | None = None
    run: str | None = None
    image: str | None = None

    def document(self) -> dict[str, str]:
        """Give what is decided, by name of the target."""
        values = {target.name: getattr(self, target.name) for target in fields(self)}
        return {name: value for name, value in values.items() if value is not None}


def retry(
    connection: Connection, acting: Acting, paths: Sequence[bytes] | None, *, now: datetime, via: str
) -> tuple[DecisionRow, ...]:
    """Try files again now: these absolute paths (folders: all below), or everything that can be (None).

    Raises NotFound for a path of which this person knows nothing, NotAllowed where others decide about it.
    """
    fresh = acting_again(connection, acting, now=now)
    if paths is None:
        rows = _managed(connection, fresh, true(), only_retried=True)
        return _retried(connection, fresh, rows, now, via)
    found: list[DecisionRow] = []
    for path in paths:
        where = at_or_below(place_of(connection, path))
        rows = _managed(connection, fresh, where)
        if not rows:
            raise _not_theirs(connection, fresh, where, path)
        found.extend(_retried(connection, fresh, rows, now, via))
    return tuple(found)


def _managed(
    connection: Connection, acting: Acting, where: ColumnElement[bool], *, only_retried: bool = False
) -> list[tuple[RowMapping, State]]:
    query = facts().add_columns(Root.path.label("root_path"), placed_group().label("placed_group_id"))
    rows = connection.execute(query.where(where, manageable(acting))).mappings()
    found = [(row, state_of(*facts_of(row)).state) for row in rows]
    return [(row, state) for row, state in found if state in _RETRIED or not only_retried]


def _retried(
    connection: Connection, acting: Acting, rows: Sequence[tuple[RowMapping, State]], now: datetime, via: str
) -> tuple[DecisionRow, ...]:
    for row, state in rows:
        if state in _RETRIED:
            _try_again(connection, row, state, now)
            _tell(connection, acting, row, "retried", now, via, before={"state": state.value})
    _ask_daemon(connection, acting, [row for row, state in rows if state in _RETRIED], now)
    return tuple(
        DecisionRow(
            path=_shown(row),
            root=row["root_name"],
            state=state.value,
            done=state in _RETRIED,
            reason=None if state in _RETRIED else f"there is nothing to try again: it is {state.value}",
        )
        for row, state in rows
    )


def _ask_daemon(connection: Connection, acting: Acting, rows: Sequence[RowMapping], now: datetime) -> None:
    """Let a running daemon look at these files now; one that starts later does it then."""
    by_root: dict[str, list[RowMapping]] = {}
    for row in rows:
        by_root.setdefault(row["root_name"], []).append(row)
    for root, of_root in by_root.items():
        if len(of_root) > _PATHS_AT_MOST:
            _ask(connection, acting, "scan", {"root": root}, now)
        else:
            paths = [(bytes(row["root_path"]).rstrip(b"/") + b"/" + _relative(row)).hex() for row in of_root]
            _ask(connection, acting, "import", {"paths": paths, "wait": False}, now)


def _ask(connection: Connection, acting: Acting, kind: str, arguments: dict[str, Any], now: datetime) -> None:
    row = {"kind": kind, "arguments": arguments, "actor_id": acting.experimenter_id, "asked_at": now}
    connection.execute(insert(Request).values(row | {"state": "asked"}))


def _try_again(connection: Connection, row: RowMapping, state: State, now: datetime) -> None:
    """Leave rows so that the ingest takes them up: a job that is ready, or a fileset that is due."""
    if state in _READ_AGAIN:
        job = (Job.fileset_id == row["fileset_id"], Job.kind == "import", Job.state.in_(("waiting", "quarantined")))
        ready: dict[str, Any] = {"state": "ready", "attempts": 0, "deaths": 0, "next_try_at": None, "reason": None}
        connection.execute(update(Job).where(*job).values(ready))
    elif state in _PLACED_AGAIN:
        # No file changes at the time -1: the next look takes it for changed and asks the rules again.
        here = (Sighting.directory_id == row["directory_id"], Sighting.name == row["name"])
        connection.execute(update(Sighting).where(*here).values(ctime_ns=-1))
    elif state in _LOOKED_AT_AGAIN and row["fileset_id"] is not None:
        # The time allowed begins anew.
        again = {"due_at": due_at_once(now), "stalled_reason": None, "first_seen_at": now}
        connection.execute(update(Fileset).where(Fileset.id == row["fileset_id"]).values(again))


def assign(
    connection: Connection, acting: Acting, paths: Sequence[bytes], targets: Targets, *, now: datetime, via: str
) -> tuple[DecisionRow, ...]:
    """File paths by a person's word; administrators any file or folder, group owners files placed in their own group.

    Raises Refused for targets that don't fit together, NotFound for people, groups and paths out of reach.
    """
    fresh = acting_again(connection, acting, now=now)
    _check_targets(connection, targets, now)
    return tuple(_assigned(connection, fresh, place_of(connection, path), path, targets, now, via) for path in paths)


def revoke(
    connection: Connection, acting: Acting, paths: Sequence[bytes], *, now: datetime, via: str
) -> tuple[DecisionRow, ...]:
    """Take decisions about these very paths back; the rules decide again. A path without one is told as not done."""
    fresh = acting_again(connection, acting, now=now)
    found = []
    for path in paths:
        place = place_of(connection, path)
        row, state = _decidable(connection, fresh, place, path)
        in_force_here = (
            Assignment.root_id == place.root_id,
            Assignment.path_hash == path_hash(place.relative),
            Assignment.revoked_at.is_(None),
        )
        known = connection.scalar(select(Assignment.id).where(*in_force_here).limit(1))
        if known is not None:
            connection.execute(update(Assignment).where(*in_force_here).values(revoked_at=now))
            _tell_place(connection, fresh, place, row, "assignment_revoked", now, via)
        reason = None if known is not None else "nobody has decided about this path"
        found.append(_decided(place, state, done=known is not None, reason=reason))
    return tuple(found)


def _assigned(
    connection: Connection,
    acting: Acting,
    place: Place,
    path: bytes,
    targets: Targets,
    now: datetime,
    via: str,
) -> DecisionRow:
    row, state = _decidable(connection, acting, place, path)
    document = targets.document()
    if row is not None and not acting.is_administrator:
        document = _within_own_group(connection, acting, row, document)
    if _newest_targets(connection, place) == document:
        return _decided(place, state, done=True)
    connection.execute(
        insert(Assignment).values(
            root_id=place.root_id,
            path=place.relative,
            path_hash=path_hash(place.relative),
            targets=document,
            made_by_id=acting.behind_id if acting.is_as else acting.experimenter_id,
            made_at=now,
        )
    )
    _tell_place(connection, acting, place, row, "assigned", now, via, after=document)
    return _decided(place, state, done=True)


def _decided(place: Place, state: State | None, *, done: bool, reason: str | None = None) -> DecisionRow:
    shown = None if state is None else state.value
    return DecisionRow(path=place.shown(), root=place.root, state=shown, done=done, reason=reason)


def _decidable(
    connection: Connection, acting: Acting, place: Place, path: bytes
) -> tuple[RowMapping | None, State | None]:
    """Find the file that may be decided about; administrators may also name folders and what was not seen yet."""
    rows = _managed(connection, acting, is_exactly(place))
    if rows:
        return rows[0]
    if acting.is_administrator or acting.is_system:
        return None, None
    if _managed(connection, acting, at_or_below(place)):
        raise NotAllowed(f"{display(path)} is a folder: name the files in it; folders are for administrators")
    raise _not_theirs(connection, acting, at_or_below(place), path)


def _not_theirs(
    connection: Connection, acting: Acting, where: ColumnElement[bool], path: bytes
) -> NotAllowed | NotFound:
    """Say who decides about a path that this person knows of, and of any other what is said of one that is not."""
    group = select(ExperimenterGroup.name).where(ExperimenterGroup.id == placed_group()).scalar_subquery()
    query = facts().add_columns(group.label("placed_group"))
    row = connection.execute(query.where(where, known(acting)).limit(1)).mappings().first()
    if row is None:
        return not_seen(path)
    whose = f"an owner of the group {row['placed_group']}" if row["placed_group"] else "an owner of its group"
    return NotAllowed(f"{display(path)}: {acting.name} may not decide about it; {whose} or an administrator may")


def _within_own_group(
    connection: Connection, acting: Acting, row: RowMapping, document: dict[str, str]
) -> dict[str, str]:
    """Keep a group owner's decision inside the own group, and say the group in it."""
    own = connection.scalar(select(ExperimenterGroup.name).where(ExperimenterGroup.id == row["placed_group_id"]))
    asked = document.get("group", own)
    if asked != own:
        raise NotAllowed(f"{acting.name} may assign inside the group {own} only; an administrator may do it elsewhere")
    return document if own is None else document | {"group": own}


def _check_targets(connection: Connection, targets: Targets, now: datetime) -> None:
    document = targets.document()
    if not document:
        raise Refused("nothing is assigned; say --owner, --group, --project, --dataset, --screen, --plate ...")
    if {"project", "dataset"} & document.keys() and {"screen", "plate", "run"} & document.keys():
        raise Refused("an image goes into a dataset or into a plate, not into both")
    for kind, name in document.items():
        if kind not in _PEOPLE:
            require_label(name)
    group_id = _named(connection, ExperimenterGroup, "group", targets.group)
    owner_id = _named(connection, Experimenter, "user", targets.owner)
    if owner_id is not None and group_id is not None:
        membership = Membership.__table__
        is_member = select(membership.c.group_id).where(
            membership.c.experimenter_id == owner_id, membership.c.group_id == group_id, in_force(membership, now)
        )
        if connection.scalar(is_member.limit(1)) is None:
            raise Refused(f"{targets.owner} is not an active member of the group {targets.group}")


def _named(connection: Connection, model: Any, kind: str, name: str | None) -> int | None:
    if name is None:
        return None
    query = select(model.id).where(model.name == name)
    if model is Experimenter:
        query = query.where(Experimenter.closed_at.is_(None))
    found: int | None = connection.scalar(query)
    if found is None:
        raise NotFound(f"there is no {kind} {name}")
    return found


def _newest_targets(connection: Connection, place: Place) -> Mapping[str, Any] | None:
    query = (
        select(Assignment.targets)
        .where(
            Assignment.root_id == place.root_id,
            Assignment.path_hash == path_hash(place.relative),
            Assignment.revoked_at.is_(None),
        )
        .order_by(Assignment.id.desc())
        .limit(1)
    )
    found: Mapping[str, Any] | None = connection.scalar(query)
    return found


def accept_root(connection: Connection, acting: Acting, name: str, *, now: datetime, via: str) -> DecisionRow:
    """Release a root's brake, or take its directory as it is now for the right one; for administrators.

    The kept identity and the brake go: the next pass takes the root as it finds it. So do the disks that were mounted
    inside it: where one is not there, its files are missing from then on.
    """
    fresh = acting_again(connection, acting, now=now)
    query = select(Root.id, Root.path, Root.availability, Root.identity).where(Root.name == name)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"there is no root {name}; `coverslip root ls` shows them")
    if not fresh.is_administrator:
        raise NotAllowed(f"{fresh.name} may not accept the root {name}: only an administrator may")
    shown = display(bytes(row.path))
    away = [absolute(bytes(row.path), path) for path, _ in disks_away(row.identity)]
    if row.availability == "retired" or (row.availability == "available" and not away):
        reason = "it is no longer in the configuration" if row.availability == "retired" else None
        return DecisionRow(path=shown, root=name, state=row.availability, done=reason is None, reason=reason)
    event = NewEvent(
        what="root_accepted",
        at=now,
        via=via,
        acting=fresh,
        object_type="root",
        object_id=row.id,
        root_id=row.id,
        before={"availability": row.availability} | ({"disks away": away} if away else {}),
    )
    record(connection, event)
    accepted = {"availability": "available", "reason": None, "identity": None}
    connection.execute(update(Root).where(Root.id == row.id).values(accepted))
    _ask(connection, fresh, "scan", {"root": name}, now)
    return DecisionRow(path=shown, root=name, state=row.availability, done=True)


def _shown(row: RowMapping) -> str:
    return absolute(bytes(row["root_path"]), _relative(row))


def _relative(row: RowMapping) -> bytes:
    folder, name = bytes(row["directory_path"]), bytes(row["name"])
    return folder + b"/" + name if folder else name


def _tell(
    connection: Connection,
    acting: Acting,
    row: RowMapping,
    what: str,
    now: datetime,
    via: str,
    before: dict[str, Any] | None = None,
) -> None:
    event = NewEvent(
        what=what,
        at=now,
        via=via,
        acting=acting,
        fileset_id=row["fileset_id"],
        root_id=row["root_id"],
        path_hash=path_hash(_relative(row)),
        before=before,
    )
    record(connection, event)


def _tell_place(
    connection: Connection,
    acting: Acting,
    place: Place,
    row: RowMapping | None,
    what: str,
    now: datetime,
    via: str,
    after: dict[str, Any] | None = None,
) -> None:
    event = NewEvent(
        what=what,
        at=now,
        via=via,
        acting=acting,
        fileset_id=None if row is None else row["fileset_id"],
        root_id=place.root_id,
        path_hash=path_hash(place.relative),
        after=after,
    )
    record(connection, event)
