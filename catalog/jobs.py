"""Writes what is to be done: settled filesets become jobs (T2), jobs fail (T6) or are void (T7)."""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, case, delete, func, insert, null, or_, select, update

from catalog.events import NewEvent, record
from catalog.looks import DueFileset
from catalog.many import execute_many
from catalog.members import bounded, members_of
from catalog.models.ingest import Fileset, Instance, Job
from catalog.planning import unindexed
from catalog.upserts import insert_or_update

#: Starts without a result after which a file is quarantined.
DEATHS_AT_MOST = 3
DIED = "the process died while reading it; `coverslip retry` tries again"


class Settled(NamedTuple):
    """A fileset that was the same at two looks, with the priority of its job (0 hinted, 1 recent, 2 backlog).

    ``is_partial``: not all that its rule expects is there.
    """

    fileset_id: int
    digest: bytes
    priority: int
    is_partial: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """A fileset that is looked at again at ``due_at`` (None: once something changes), and why, for people.

    ``was_due_at`` is when it was due as it was judged: what was seen or placed anew meanwhile has another time, and the
    last word. None: it is so whatever came meanwhile.
    """

    fileset_id: int
    due_at: datetime | None
    was_due_at: datetime | None = None
    stalled_reason: str | None = None
    waits_for: str | None = None


def due_filesets(
    connection: Connection, *, now: datetime, root_ids: Sequence[int], limit: int, only: Sequence[int] | None = None
) -> list[DueFileset]:
    """Give filesets whose second look is due, of roots that can be looked at; ``only`` picks among these ids."""
    values: dict[str, Any] = {"now": now, "roots": list(root_ids), "limit": limit}
    query = _DUE if only is None else _DUE_AMONG
    rows = connection.execute(query, values | ({} if only is None else {"only": list(only)})).all()
    rows = bounded(connection, rows, {row.id: row.grouping for row in rows})
    members = members_of(connection, [row.id for row in rows])
    return [
        DueFileset(
            id=row.id,
            root_id=row.root_id,
            digest=bytes(row.seen_digest),
            document=row.placement,
            due_at=row.due_at,
            first_seen_at=row.first_seen_at,
            is_done=row.done_digest is not None,
            grouping=row.grouping,
            plate_key=None if row.plate_key is None else bytes(row.plate_key),
            members=members.get(row.id, ()),
        )
        for row in rows
    ]


# Made once, here and below: building a statement for 500 ids takes longer than the database does.
_DUE = (
    select(
        Fileset.id,
        Fileset.root_id,
        Fileset.seen_digest,
        Fileset.placement,
        Fileset.due_at,
        Fileset.first_seen_at,
        Fileset.done_digest,
        Fileset.grouping,
        Fileset.plate_key,
    )
    .where(Fileset.due_at <= bindparam("now"), unindexed(Fileset.root_id).in_(bindparam("roots", expanding=True)))
    .order_by(Fileset.due_at, Fileset.id)
    .limit(bindparam("limit"))
)
_DUE_AMONG = _DUE.where(Fileset.id.in_(bindparam("only", expanding=True)))


def next_due_at(connection: Connection, root_ids: Sequence[int] | None = None) -> datetime | None:
    """Give when the first of all filesets, or of those below some roots, is due; None when none is waited for.

    Without roots it is a look into an index; with them it reads what is due below the others, too.
    """
    if root_ids is None:
        return connection.scalar(_NEXT_DUE)
    return connection.scalar(_NEXT_DUE_BELOW, {"roots": list(root_ids)}) if root_ids else None


_NEXT_DUE = select(Fileset.due_at).where(Fileset.due_at.is_not(None)).order_by(Fileset.due_at).limit(1)
_NEXT_DUE_BELOW = _NEXT_DUE.where(unindexed(Fileset.root_id).in_(bindparam("roots", expanding=True)))


def settle(connection: Connection, settled: Sequence[Settled]) -> None:
    """Make or refresh the import jobs of settled filesets (T2): they are due no more.

    What is quarantined with this digest stays so; what has this digest as done needs no job.
    """
    if not settled:
        return
    ids = [one.fileset_id for one in settled]
    current = {row.id: row for row in connection.execute(_JOBS_OF, {"ids": ids})}
    state = {row.id: row for row in connection.execute(_SEEN_OF, {"ids": ids})}
    wanted = [one for one in settled if _needs_job(one, state.get(one.fileset_id), current.get(one.fileset_id))]
    quiet = [one.fileset_id for one in settled if _is_as_seen(one, state.get(one.fileset_id))]
    partial = [one.fileset_id for one in settled if one.is_partial]
    connection.execute(_QUIET, {"ids": quiet, "partial": partial})
    if wanted:
        _upsert_jobs(connection, [_ready(one) for one in wanted])


_SEEN_OF = select(Fileset.id, Fileset.seen_digest, Fileset.done_digest, Fileset.removed_at).where(
    Fileset.id.in_(bindparam("ids", expanding=True))
)
_JOBS_OF = select(Job.fileset_id.label("id"), Job.digest, Job.state).where(
    Job.fileset_id.in_(bindparam("ids", expanding=True)), Job.kind == "import"
)
_QUIET = (
    update(Fileset)
    .where(Fileset.id.in_(bindparam("ids", expanding=True)))
    .values(
        due_at=null(),
        stalled_reason=null(),
        waits_for=null(),
        is_partial=Fileset.id.in_(bindparam("partial", expanding=True)),
    )
    .execution_options(synchronize_session=False)
)


def _is_as_seen(one: Settled, fileset: Any) -> bool:
    return fileset is not None and bytes(fileset.seen_digest) == one.digest


def _needs_job(one: Settled, fileset: Any, job: Any) -> bool:
    if not _is_as_seen(one, fileset) or fileset.removed_at is not None:
        return False
    if bytes(fileset.done_digest or b"") == one.digest:
        return False
    return job is None or bytes(job.digest) != one.digest


def _ready(one: Settled) -> dict[str, Any]:
    return {
        "fileset_id": one.fileset_id,
        "kind": "import",
        "digest": one.digest,
        "priority": one.priority,
        "state": "ready",
        "attempts": 0,
        "deaths": 0,
        "next_try_at": None,
        "claim": 0,
        "instance_id": None,
        "reason": None,
    }


def _upsert_jobs(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Insert jobs or make them ready again; a claim only ever grows, so that a late result is known as late."""
    statement = insert_or_update(connection, Job, rows[0], key=("fileset_id", "kind"), kept=("claim",))
    execute_many(connection, statement, rows)


def push_due(connection: Connection, later: Sequence[Later]) -> None:
    """Look at filesets again later, or no more before something changes."""
    if later:
        rows = [
            {
                "b_id": one.fileset_id,
                "b_due": one.due_at,
                "b_was": one.was_due_at,
                "b_reason": one.stalled_reason,
                "b_waits": one.waits_for,
            }
            for one in later
        ]
        execute_many(connection, _PUSH, rows)


_WAS = bindparam("b_was", type_=Fileset.__table__.c.due_at.type)
_PUSH = (
    update(Fileset)
    .where(Fileset.id == bindparam("b_id"), or_(_WAS.is_(None), Fileset.due_at == _WAS))
    .values(due_at=bindparam("b_due"), stalled_reason=bindparam("b_reason"), waits_for=bindparam("b_waits"))
    .execution_options(synchronize_session=False)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A start that brought no import. ``next_try_at`` None: quarantined until the file changes."""

    fileset_id: int
    kind: str
    claim: int
    digest: bytes
    reason: str
    next_try_at: datetime | None
    is_death: bool = False


def fail_jobs(connection: Connection, failed: Sequence[Failed], *, now: datetime, via: str) -> list[int]:
    """Let jobs wait or be quarantined (T6); gives the filesets whose claim still held, the rest was late."""
    held = []
    for one in failed:
        values: dict[str, Any] = {
            "state": "waiting" if one.next_try_at else "quarantined",
            "next_try_at": one.next_try_at,
            "reason": one.reason,
            "instance_id": None,
        }
        if not one.is_death:
            values["deaths"] = 0
        changed = connection.execute(update(Job).where(*_claimed(one)).values(values))
        if changed.rowcount:
            held.append(one.fileset_id)
            if one.next_try_at is None:
                record(connection, _quarantined(one.fileset_id, one.reason, now, via))
        else:
            connection.execute(delete(Job).where(*_void(one)))
    return held


def holds_claim(connection: Connection, one: Failed) -> bool:
    """Tell whether the claim still holds for just this digest; a void one is dropped."""
    if connection.scalar(select(Job.fileset_id).where(*_claimed(one))) is not None:
        return True
    connection.execute(delete(Job).where(*_void(one)))
    return False


def _claimed(one: Failed) -> tuple[Any, ...]:
    return (*_same_claim(one), Job.digest == one.digest)


def _same_claim(one: Failed) -> tuple[Any, ...]:
    return (
        Job.fileset_id == one.fileset_id,
        Job.kind == one.kind,
        Job.claim == one.claim,
        Job.state == "started",
    )


def _void(one: Failed) -> tuple[Any, ...]:
    # The look made it void while it was read: with its result it is gone, and settling makes a new one.
    return (*_same_claim(one), Job.digest != one.digest)


def _quarantined(fileset_id: int, reason: str, now: datetime, via: str) -> NewEvent:
    return NewEvent(
        what="quarantined",
        at=now,
        via=via,
        object_type="fileset",
        object_id=fileset_id,
        fileset_id=fileset_id,
        after={"reason": reason},
    )


def forget_job(connection: Connection, fileset_id: int, kind: str, claim: int) -> None:
    """Drop a started job whose result is of no use: by claim, so that a newer start is left alone."""
    mine = (Job.fileset_id == fileset_id, Job.kind == kind, Job.claim == claim, Job.state == "started")
    connection.execute(delete(Job).where(*mine))


def wake_waiting(connection: Connection, *, now: datetime, latest: datetime) -> int:
    """Make waiting jobs ready whose time has come; one that waits past ``latest`` was set by a stepped clock."""
    is_time = (Job.next_try_at <= now) | (Job.next_try_at > latest) | Job.next_try_at.is_(None)
    query = update(Job).where(Job.state == "waiting", is_time).values(state="ready", next_try_at=None)
    return int(connection.execute(query).rowcount)


def wake_closed(connection: Connection, fileset_ids: Sequence[int]) -> None:
    """Make waiting jobs of these filesets ready: a file was closed unchanged, which may be what they wait for."""
    mine = (Job.fileset_id.in_(list(fileset_ids)), Job.kind == "import", Job.state == "waiting")
    connection.execute(update(Job).where(*mine).values(state="ready", next_try_at=None))


def begin_instance(
    connection: Connection, *, host: str, pid: int, version: str, now: datetime, due_at: datetime, via: str
) -> int:
    """Note who ingests now (T7): void the claims of others, quarantine what killed them three times, clamp times.

    The caller holds the ingest lock. Filesets that were waited for are due at ``due_at`` (now), their settle time
    starts anew.
    """
    ended = update(Instance).where(Instance.ended_at.is_(None)).values(ended_at=now)
    connection.execute(ended)
    row = {"host": host, "pid": pid, "version": version, "started_at": now}
    instance_id = connection.scalar(insert(Instance).returning(Instance.id), row)
    void = (Job.state == "started", Job.instance_id.is_(None) | (Job.instance_id != instance_id))
    killers = list(connection.scalars(select(Job.fileset_id).where(*void, Job.deaths >= DEATHS_AT_MOST)))
    connection.execute(delete(Job).where(*void, Job.digest == b""))
    is_killer = Job.deaths >= DEATHS_AT_MOST
    connection.execute(
        update(Job)
        .where(*void)
        .values(
            state=case((is_killer, "quarantined"), else_="ready"),
            reason=case((is_killer, DIED), else_=Job.reason),
            instance_id=None,
        )
    )
    record(connection, *(_quarantined(fileset_id, DIED, now, via) for fileset_id in killers))
    connection.execute(update(Fileset).where(Fileset.due_at.is_not(None)).values(due_at=due_at))
    # The clock was stepped back: the time allowed would never pass. It counts for what is waited for only.
    stepped = (Fileset.due_at.is_not(None), Fileset.first_seen_at > now)
    connection.execute(update(Fileset).where(*stepped).values(first_seen_at=now))
    assert instance_id is not None  # noqa: S101 - an insert returns its key
    return int(instance_id)


def end_instance(connection: Connection, instance_id: int, *, now: datetime) -> None:
    """Give back what is claimed and not done, without counting it as a death."""
    mine = (Job.state == "started", Job.instance_id == instance_id)
    connection.execute(delete(Job).where(*mine, Job.digest == b""))
    connection.execute(
        update(Job)
        .where(*mine)
        .values(state="ready", instance_id=None, deaths=case((Job.deaths > 0, Job.deaths - 1), else_=0))
    )
    connection.execute(update(Instance).where(Instance.id == instance_id).values(ended_at=now))


def give_back_lost(connection: Connection, instance_id: int, known: Container[tuple[int, int]]) -> None:
    """Make an instance's started jobs ready again that are not among the ``known`` (fileset id, claim)."""
    query = select(Job.fileset_id, Job.kind, Job.claim, Job.digest).where(
        Job.state == "started", Job.instance_id == instance_id
    )
    for row in connection.execute(query).all():
        if (row.fileset_id, row.claim) in known:
            continue
        mine = (Job.fileset_id == row.fileset_id, Job.kind == row.kind)
        if bytes(row.digest) == b"":
            connection.execute(delete(Job).where(*mine))
        else:
            fewer = case((Job.deaths > 0, Job.deaths - 1), else_=0)
            connection.execute(update(Job).where(*mine).values(state="ready", instance_id=None, deaths=fewer))


def count_work(connection: Connection) -> dict[str, int]:
    """Count the filesets that are due, those among them that lack files, and the jobs by state."""
    counts = {state: count for state, count in connection.execute(_BY_STATE)}  # noqa: C416 - rows are not pairs to mypy
    counts["due"], counts["lacking"] = count_due(connection)
    return counts


def count_due(connection: Connection) -> tuple[int, int]:
    """Count the filesets that are due, and those among them that wait for files that are not there yet."""
    due = connection.scalar(_DUE_COUNT) or 0
    return due, (connection.scalar(_LACKING) or 0) if due else 0


#: Each counts an index: it is asked every second, and after the first scan of a large tree all of it is due.
_DUE_COUNT = select(func.count()).where(Fileset.due_at.is_not(None))
_LACKING = _DUE_COUNT.where(Fileset.waits_for.is_not(None))


#: By an index alone. Of which kind they are (`status` asks) is not in it: with that this would take five times as long.
_BY_STATE = select(Job.state, func.count()).group_by(Job.state)
