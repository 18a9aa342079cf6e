"""The catalogue's part of `status`: roots, files by state, work that is left, the configuration in force."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, RowMapping, bindparam, func, literal_column, select

from catalog.counting import count_each
from catalog.documents import FillingPlate
from catalog.errors import NotAllowed
from catalog.file_sight import known, manageable
from catalog.jobs import count_due
from catalog.models.images import Image
from catalog.models.ingest import Directory, Event, Instance, Job, Root, Sighting
from catalog.models.people import Configuration
from catalog.names import display
from catalog.permissions import Acting
from catalog.queries.plate_fill import filling_plates
from catalog.roots import disks_away
from catalog.state_sql import joined, reason_column, state_column
from catalog.states import State
from catalog.verification import Coverage, Run, coverage, last_run
from catalog.visibility import visible

#: Reasons that `status` names, the most frequent first.
REASONS_AT_MOST = 50
#: Reasons are counted in so many folders at a time.
FOLDERS_AT_ONCE = 100
#: The rate is taken over so many imports, none older than this.
_RATE_OVER = 500
_RATE_WITHIN = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class RootStatus:
    """A root. ``path`` and ``reason`` are None for all but administrators.

    ``unlisted`` counts folders whose last listing ended with an error. ``disks_away`` counts the disks mounted inside
    the root that are not there, ``away`` tells administrators where, and why that is thought.
    """

    name: str
    path: str | None
    role: str
    available: bool
    availability: str
    reason: str | None
    last_scan_at: datetime | None
    is_scanning: bool
    overflow_count: int
    unlisted: int
    disks_away: int = 0
    away: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonCount:
    """How many files are in a state for one reason."""

    state: str
    reason: str
    files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationStatus:
    """The configuration in force: its number in the catalogue, digest in hex, and since when."""

    version: int
    digest: str
    in_force_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkStatus:
    """What is left to do, in filesets. ``seconds_left`` is an estimate for what is due, ready and started.

    What waits for files that are not there yet is no part of it: nobody knows when they come. It is None where
    nothing is left or nothing is known; ``per_second`` are filesets imported a second lately.
    """

    due: int
    ready: int
    started: int
    waiting: int
    quarantined: int
    hashes_pending: int
    per_second: float | None
    seconds_left: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationStatus:
    """How far originals were compared with their hashes since they were last written, and the newest run."""

    coverage: Coverage
    last_run: Run | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceStatus:
    """The process that ingests, or did last; ``ended_at`` is None while it runs (or was killed)."""

    host: str
    pid: int
    version: str
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueStatus:
    """The catalogue's part of `status`, as its viewer may know it.

    Administrators know of all files; others of those in their sight, and of reasons only where they may decide.
    ``damaged`` counts files in sight whose bytes changed though nothing wrote them.
    ``wal_bytes`` is None where there is no write-ahead log of SQLite's.
    """

    roots: tuple[RootStatus, ...]
    counts: dict[str, int]
    reasons: tuple[ReasonCount, ...]
    images: int
    plates: tuple[FillingPlate, ...]
    config: ConfigurationStatus | None
    work: WorkStatus | None
    instance: InstanceStatus | None
    wal_bytes: int | None
    damaged: int = 0
    verification: VerificationStatus | None = None


def status(connection: Connection, acting: Acting, *, now: datetime) -> CatalogueStatus:
    """Give the state of everything; `work` and `instance` are for administrators."""
    sees_all = acting.is_administrator or acting.is_system
    counts = file_counts(connection, acting)
    is_all_imported = sum(counts.values()) == counts[State.IMPORTED.value]
    return CatalogueStatus(
        roots=_roots(connection, sees_all=sees_all),
        counts=counts,
        reasons=() if is_all_imported else _reasons(connection, acting),
        images=connection.scalar(select(func.count()).select_from(Image).where(visible(acting, Image))) or 0,
        plates=filling_plates(connection, acting, now=now),
        config=_configuration(connection),
        work=work_status(connection, acting, now=now) if sees_all else None,
        instance=_instance(connection) if sees_all else None,
        wal_bytes=wal_bytes(connection) if sees_all else None,
        damaged=_damaged(connection, acting),
        verification=_verification(connection) if sees_all else None,
    )


def _damaged(connection: Connection, acting: Acting) -> int:
    query = select(func.count()).select_from(joined()).where(Sighting.damaged_since.is_not(None), known(acting))
    return connection.scalar(query.where(Sighting.missing_since.is_(None))) or 0


def _verification(connection: Connection) -> VerificationStatus:
    return VerificationStatus(coverage=coverage(connection), last_run=last_run(connection))


def file_counts(connection: Connection, acting: Acting) -> dict[str, int]:
    """Count the files in sight by state; every state is named, also with 0."""
    states = select(state_column().label("state")).select_from(joined()).where(known(acting))
    return count_each(connection, states, [state.value for state in State])


def _reasons(connection: Connection, acting: Acting) -> tuple[ReasonCount, ...]:
    """Count files that are not imported by state and reason, some folders at a time: these are sorted, in memory."""
    rows = (
        select(state_column().label("state"), reason_column().label("reason"))
        .select_from(joined())
        .where(manageable(acting), Directory.id > bindparam("after"), Directory.id <= bindparam("up_to"))
        .subquery()
    )
    query = (
        select(rows.c.state, rows.c.reason, func.count())
        .where(rows.c.state != State.IMPORTED.value)
        .group_by(rows.c.state, rows.c.reason)
    )
    found: Counter[tuple[str, str]] = Counter()
    last = connection.scalar(select(func.max(Directory.id))) or 0
    for after in range(0, last, FOLDERS_AT_ONCE):
        for state, reason, files in connection.execute(query, {"after": after, "up_to": after + FOLDERS_AT_ONCE}):
            found[state, reason] += files
    most = sorted(found.items(), key=lambda one: (-one[1], one[0]))[:REASONS_AT_MOST]
    return tuple(ReasonCount(state=state, reason=reason, files=files) for (state, reason), files in most)


def root_statuses(connection: Connection, acting: Acting) -> tuple[RootStatus, ...]:
    """Give the roots alone, for `root ls`; paths and reasons for administrators."""
    return _roots(connection, sees_all=acting.is_administrator or acting.is_system)


def _roots(connection: Connection, *, sees_all: bool) -> tuple[RootStatus, ...]:
    unlisted = (
        select(func.count()).where(Directory.root_id == Root.id, Directory.problem.is_not(None)).scalar_subquery()
    )
    query = select(Root.__table__, unlisted.label("unlisted")).order_by(Root.name)
    return tuple(_root(row, sees_all=sees_all) for row in connection.execute(query).mappings())


def _root(row: RowMapping, *, sees_all: bool) -> RootStatus:
    away = disks_away(row["identity"])
    return RootStatus(
        name=row["name"],
        path=display(bytes(row["path"])) if sees_all else None,
        role=row["role"],
        available=row["availability"] == "available",
        availability=row["availability"],
        reason=row["reason"] if sees_all else None,
        last_scan_at=row["last_pass_ended_at"],
        is_scanning=_is_scanning(row["last_pass_started_at"], row["last_pass_ended_at"]),
        overflow_count=row["overflow_count"],
        unlisted=max(row["unlisted"] - len(away), 0),
        disks_away=len(away),
        away=tuple(f"{display(path)}: {why}" for path, why in away) if sees_all else (),
    )


def _is_scanning(started_at: datetime | None, ended_at: datetime | None) -> bool:
    return started_at is not None and (ended_at is None or ended_at < started_at)


def _configuration(connection: Connection) -> ConfigurationStatus | None:
    query = select(Configuration.id, Configuration.digest, Configuration.in_force_at)
    row = connection.execute(query.order_by(Configuration.in_force_at.desc(), Configuration.id.desc()).limit(1)).first()
    if row is None:
        return None
    return ConfigurationStatus(version=row.id, digest=bytes(row.digest).hex(), in_force_at=row.in_force_at)


def work_status(connection: Connection, acting: Acting, *, now: datetime) -> WorkStatus:
    """Count what is left to do, with an estimate from the imports of the last minutes; for administrators."""
    if not (acting.is_administrator or acting.is_system):
        raise NotAllowed("only administrators see how much work is left for everybody")
    due, lacking = count_due(connection)
    jobs = select(Job.kind, Job.state, func.count()).group_by(Job.kind, Job.state)
    by_kind = {(row[0], row[1]): row[2] for row in connection.execute(jobs)}
    imports = {state: by_kind.get(("import", state), 0) for state in ("ready", "started", "waiting", "quarantined")}
    per_second = _per_second(connection, now)
    left = due - lacking + imports["ready"] + imports["started"]
    return WorkStatus(
        due=due,
        **imports,
        hashes_pending=sum(count for (kind, _), count in by_kind.items() if kind == "hash"),
        per_second=per_second,
        seconds_left=left / per_second if left and per_second else None,
    )


def _per_second(connection: Connection, now: datetime) -> float | None:
    newest = (
        select(Event.at)
        .where(Event.what.in_(("imported", "updated")))
        .order_by(Event.id.desc())
        .limit(literal_column(str(_RATE_OVER)))
    )
    at = [moment for moment in connection.scalars(newest) if now - _RATE_WITHIN <= moment <= now]
    if len(at) < 2:
        return None
    seconds = (now - min(at)).total_seconds()
    return len(at) / seconds if seconds > 0 else None


def _instance(connection: Connection) -> InstanceStatus | None:
    row = connection.execute(select(Instance.__table__).order_by(Instance.id.desc()).limit(1)).mappings().one_or_none()
    if row is None:
        return None
    return InstanceStatus(
        host=row["host"],
        pid=row["pid"],
        version=row["version"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
    )


def wal_bytes(connection: Connection) -> int | None:
    """Give the size of SQLite's write-ahead log: one idle reader lets it grow without bound."""
    database = connection.engine.url.database
    if connection.dialect.name != "sqlite" or not database:
        return None
    try:
        return Path(f"{database}-wal").stat().st_size
    except FileNotFoundError:
        return 0
