"""How the whole thing stands: what the catalogue knows beside what the daemon tells, judged as ok or degraded. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from catalog.documents import FillingPlate
from catalog.status import (
    CatalogueStatus,
    InstanceStatus,
    ReasonCount,
    RootStatus,
    VerificationStatus,
    WorkStatus,
)
from daemon.health import Health, RootHealth
from ingest.free_space import too_little

OK, DEGRADED = "ok", "degraded"
#: A daemon that is well writes its state every few seconds.
SILENT_AFTER = timedelta(seconds=60)
#: A configuration's version is shown as `config show` shows it: the beginning of its digest.
VERSION_LETTERS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class RootDocument:
    """A watched folder. ``events`` is how it is watched now (watching, polling, degraded ...), null without a daemon.

    ``watched`` and ``unwatched`` count folders; ``path`` and ``reason`` are for administrators. ``disks_away`` counts
    disks that were mounted inside it and are not there: nothing about their files is decided until they are back.
    """

    name: str
    path: str | None
    available: bool
    availability: str
    reason: str | None
    events: str | None
    watched: int | None
    unwatched: int | None
    last_scan_at: datetime | None
    is_scanning: bool
    overflow_count: int
    unlisted: int
    disks_away: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationDocument:
    """The configuration in force: its version, and what is wrong with the file as it stands now, else null."""

    version: str | None
    problem: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonDocument:
    """The running daemon."""

    pid: int
    version: str
    started_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusDocument:
    """How everything stands; ``problems`` are sentences, none when ``state`` is ok; ``notes`` are such of no fault.

    ``counts`` are files by state, ``reasons`` why files are where they are, ``images`` how many you see, ``plates``
    which are filling. For administrators: ``progress`` with an estimate, how far originals were compared with their
    hashes (``verification``), the running ``daemon``, bytes free in the state directory, and the size of SQLite's
    write-ahead log. ``damaged`` counts files whose bytes changed though nothing wrote them.
    """

    state: str
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    roots: tuple[RootDocument, ...]
    counts: Mapping[str, int]
    reasons: tuple[ReasonCount, ...]
    images: int
    plates: tuple[FillingPlate, ...]
    config: ConfigurationDocument
    damaged: int
    progress: WorkStatus | None
    verification: VerificationStatus | None
    daemon: DaemonDocument | None
    free_bytes: int | None
    wal_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What was looked up: ``health`` is None when no daemon runs, ``configuration_problem`` when the file is right.

    ``notes`` are what the configuration in force leaves to be wished for.
    """

    catalogue: CatalogueStatus
    health: Health | None
    configuration_problem: str | None
    state_dir: Path
    free_bytes: int | None
    is_administrator: bool
    now: datetime
    notes: tuple[str, ...] = ()


def standing(seen: Observed) -> StatusDocument:
    """Judge what was looked up."""
    problems = tuple(dict.fromkeys(_problems(seen)))
    told = {root.name: root for root in seen.health.roots} if seen.health else {}
    is_admin = seen.is_administrator
    return StatusDocument(
        state=DEGRADED if problems else OK,
        problems=problems,
        notes=seen.notes,
        roots=tuple(_root(root, told.get(root.name), seen) for root in seen.catalogue.roots),
        counts=seen.catalogue.counts,
        reasons=seen.catalogue.reasons,
        images=seen.catalogue.images,
        plates=seen.catalogue.plates,
        config=ConfigurationDocument(version=_version(seen), problem=_configuration_problem(seen)),
        damaged=seen.catalogue.damaged,
        progress=_work(seen),
        verification=seen.catalogue.verification,
        daemon=_daemon(seen.health) if is_admin else None,
        free_bytes=seen.free_bytes if is_admin else None,
        wal_bytes=seen.catalogue.wal_bytes,
    )


def _problems(seen: Observed) -> Iterator[str]:
    if seen.health is None:
        yield f"no daemon is running{_last_seen(seen.catalogue.instance)}; start it with `coverslip run`"
    elif seen.now - datetime.fromisoformat(seen.health.updated_at) > SILENT_AFTER:
        yield f"the daemon has told nothing since {seen.health.updated_at}; it may be stuck"
    for root in seen.catalogue.roots:
        if root.availability in {"unavailable", "braked"}:
            yield f"root {root.name} is {root.availability}" + (f": {root.reason}" if root.reason else "")
        if root.unlisted:
            yield f"root {root.name}: {root.unlisted} folders could not be listed"
        yield from _disks_away(root)
    if seen.catalogue.damaged:
        yield _damage(seen.catalogue.damaged)
    for watch in seen.health.roots if seen.health else ():
        if watch.unwatched_count:
            yield _unwatched(watch, is_administrator=seen.is_administrator)
    if problem := _configuration_problem(seen):
        yield f"configuration: {problem}"
    if seen.health and seen.is_administrator:
        yield from seen.health.problems
    if problem := _no_space(seen):
        yield problem


def _no_space(seen: Observed) -> str | None:
    where = seen.state_dir if seen.is_administrator else "the state directory"
    return None if seen.free_bytes is None else too_little(seen.free_bytes, where)


def _work(seen: Observed) -> WorkStatus | None:
    """Give what is left to do; while the ingest pauses nobody knows for how long."""
    work = seen.catalogue.work
    return work if work is None or _no_space(seen) is None else replace(work, seconds_left=None)


def _disks_away(root: RootStatus) -> Iterator[str]:
    if root.disks_away and not root.away:
        yield f"root {root.name}: {root.disks_away} of the disks mounted inside it are not there"
    for where in root.away:
        yield f"root {root.name}: {where} (`coverslip root accept {root.name}` says that it stays away)"


def _damage(count: int) -> str:
    files = "1 file has" if count == 1 else f"{count} files have"
    return f"{files} other bytes than were imported, though nothing wrote there; see `coverslip queue damaged`"


def _last_seen(instance: InstanceStatus | None) -> str:
    if instance is None or instance.ended_at is None:
        return ""
    return f" (the last one ended at {instance.ended_at:%Y-%m-%d %H:%M} UTC)"


def _unwatched(watch: RootHealth, *, is_administrator: bool) -> str:
    names = f": {', '.join(watch.unwatched)}" if is_administrator and watch.unwatched else ""
    return f"root {watch.name}: {watch.unwatched_count} folders are not watched, only scanned{names}"


def _configuration_problem(seen: Observed) -> str | None:
    problem = seen.configuration_problem or (seen.health.config_problem if seen.health else None)
    if problem is None or seen.is_administrator:
        return problem
    return "the file is wrong, its last good version counts; administrators see what is wrong"


def _version(seen: Observed) -> str | None:
    if seen.health is not None:
        return seen.health.config_version[:VERSION_LETTERS]
    return seen.catalogue.config.digest[:VERSION_LETTERS] if seen.catalogue.config else None


def _daemon(health: Health | None) -> DaemonDocument | None:
    return (
        None if health is None else DaemonDocument(pid=health.pid, version=health.version, started_at=health.started_at)
    )


def _root(root: RootStatus, told: RootHealth | None, seen: Observed) -> RootDocument:
    reason = root.reason or (told.reason if told and seen.is_administrator else None)
    return RootDocument(
        name=root.name,
        path=root.path,
        available=root.available,
        availability=root.availability,
        reason=reason,
        events=told.events if told else None,
        watched=told.watched if told else None,
        unwatched=told.unwatched_count if told else None,
        last_scan_at=root.last_scan_at,
        is_scanning=root.is_scanning,
        overflow_count=max(root.overflow_count, told.overflow_count if told else 0),
        unlisted=root.unlisted,
        disks_away=root.disks_away,
    )
