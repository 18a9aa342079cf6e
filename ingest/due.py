"""Looks at filesets a second time when they are due (T2): what is the same becomes a job, hinted files first."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import islice

from catalog import jobs
from catalog.adopting import unresolved_folders
from catalog.connections import Connection
from catalog.jobs import Later, Settled
from catalog.looks import DueFileset
from ingest.checks import DueCheck
from ingest.core import BACKLOG, HASHES, RECENT, Core
from ingest.documents import is_copy
from ingest.filesets import members_digest
from ingest.folders import below
from ingest.listing import LookOrder, NamesLook
from ingest.looking import Looked, Looking
from ingest.set_looks import needs_own_look, order_look
from ingest.settling import MAX_WAIT, SecondLook, Verdict, is_recent, judge, why_stalled
from ingest.work import Look, Member

DUE_AT_MOST = 500
#: Jobs that may be ready before more of the backlog is looked at a second time.
READY_AT_MOST = 2000
#: How often to ask for what is due: not more often, and at the latest, when nobody wrote to the catalogue.
DUE_EVERY_S = 0.05
LOOK_AGAIN_S = 30.0
#: When files are looked at again that wait for one beside them to be read.
UNREAD_AGAIN = timedelta(milliseconds=500)
#: When what could not be looked at is looked at again.
UNKNOWN_AGAIN = timedelta(seconds=30)


def look_at_due(core: Core) -> bool:
    """Order second looks at filesets that are due: hinted ones first, the backlog only as workers keep up."""
    now_s = core.clock.monotonic()
    if not core.may_be_due and now_s < core.next_due_look_s:
        return False
    usable = core.usable()
    looking = {one for root in core.roots.values() for one in root.looking}
    wanted = list(islice((one for one in core.hot if one not in looking), DUE_AT_MOST))
    due: list[DueFileset] = []
    with core.catalogue.reading() as connection:
        now = core.steady.now()
        if wanted:
            due += jobs.due_filesets(connection, now=now, root_ids=usable, limit=DUE_AT_MOST, only=wanted)
        is_backlog_asked = not looking and core.ready_count < READY_AT_MOST
        if is_backlog_asked:
            seen = {one.id for one in due}
            found = jobs.due_filesets(connection, now=now, root_ids=usable, limit=DUE_AT_MOST)
            due += [one for one in found if one.id not in seen]
        if not due:
            _wait_for_the_next(core, now_s, (_next_due_at(connection, usable if is_backlog_asked else None, now), now))
    _order_looks(core, [one for one in due if one.id not in looking])
    return bool(due)


def _next_due_at(connection: Connection, usable: list[int] | None, now: datetime) -> datetime | None:
    """Give when anything is due; where nothing was found below the ``usable`` roots, what is due below others waits."""
    due_at = jobs.next_due_at(connection)
    if usable is None or due_at is None or due_at > now:
        return due_at
    return jobs.next_due_at(connection, usable)


def _wait_for_the_next(core: Core, now_s: float, due: tuple[datetime | None, datetime]) -> None:
    """Note when to ask again: at the next time that a fileset is due, and a little later for those that are held up."""
    due_at, now = due
    wait_s = LOOK_AGAIN_S if due_at is None else (due_at - now).total_seconds()
    core.may_be_due = False
    core.next_due_look_s = now_s + min(max(wait_s, DUE_EVERY_S), LOOK_AGAIN_S)


def _order_looks(core: Core, due: Iterable[DueFileset]) -> None:
    grouped: dict[tuple[int, bytes], dict[bytes, DueFileset]] = {}
    for one in due:
        if not one.members:
            _forget_empty(core, one)
            continue
        if needs_own_look(one):
            order_look(core.roots[one.root_id], one)
            continue
        folder, _, name = one.members[0].path.rpartition(b"/")
        grouped.setdefault((one.root_id, folder), {})[name] = one
    for (root_id, folder), filesets in grouped.items():
        root = core.roots[root_id]
        root.looking |= {one.id for one in filesets.values()}
        root.look(LookOrder(directory=folder, names=frozenset(filesets), tag=DueCheck(filesets=filesets)))


def _forget_empty(core: Core, due: DueFileset) -> None:
    with core.catalogue.writing() as connection:
        jobs.push_due(connection, [Later(fileset_id=due.id, due_at=None)])


def settle(core: Core, looking: Looking, check: DueCheck, look: NamesLook) -> Looked:
    """Judge second looks (T2): what is the same becomes a job, what changed is looked at again later."""
    settled: list[Settled] = []
    later: list[Later] = []
    unread = unresolved_folders(looking.connection, looking.root.id)
    changed: set[bytes] = set()
    for entry in look.entries:
        due = check.filesets[entry.name]
        path = below(look.directory, entry.name)
        seen = Look(size_bytes=entry.size_bytes, mtime_ns=entry.mtime_ns, ctime_ns=entry.ctime_ns, inode=entry.inode)
        second = second_look(core, due, members_digest([Member(path=path, look=seen)]))
        verdict, again_at = judge(second)
        if verdict is Verdict.SETTLED and _is_beside_unread(unread, due, look.directory):
            soon = core.steady.now() + max(UNREAD_AGAIN, timedelta(seconds=due.document["settle_s"]))
            later.append(Later(fileset_id=due.id, due_at=soon, was_due_at=due.due_at))
        elif verdict is Verdict.SETTLED:
            settled.append(settled_as(core, due, entry.ctime_ns))
        elif verdict is Verdict.EARLY:
            later.append(Later(fileset_id=due.id, due_at=again_at, was_due_at=due.due_at))
        else:
            changed.add(entry.name)
            if verdict is Verdict.STALLED:
                later.append(Later(fileset_id=due.id, due_at=again_at, stalled_reason=why_stalled(second)))
    again_at = core.steady.now() + UNKNOWN_AGAIN
    later += [Later(fileset_id=check.filesets[name].id, due_at=again_at) for name in look.unknown]
    looked = looking.names(_part_of(look, changed))
    core.mark(looking, looked)
    commit_verdicts(core, looking, settled, later)
    return looked


def _is_beside_unread(unread: Sequence[bytes], due: DueFileset, folder: bytes) -> bool:
    """Tell whether a file in this folder, or one above, may describe this one, whose own name decides nothing."""
    if due.is_done or due.document.get("by") == "names":
        return False
    return any(not above or (folder + b"/").startswith(above + b"/") for above in unread)


def commit_verdicts(core: Core, looking: Looking, settled: Sequence[Settled], later: Sequence[Later]) -> None:
    """Write what second looks said: jobs for what is settled, when to look again at the others."""
    jobs.settle(looking.connection, settled)
    jobs.push_due(looking.connection, later)
    core.has_ready = core.has_ready or bool(settled)
    for one in settled:
        core.hot.pop(one.fileset_id, None)


def second_look(core: Core, due: DueFileset, digest: bytes, lacking: str | None = None) -> SecondLook:
    """Give what is judged about a fileset that was looked at again."""
    settle = timedelta(seconds=due.document["settle_s"])
    complete = due.document.get("complete") or {}
    if is_copy(due.document):  # nothing below a storage root is placed again when its settle time changes
        settle = core.roots[due.root_id].watch.settle
    return SecondLook(
        digest_before=due.digest,
        digest_now=digest,
        first_look_at=max(due.due_at - settle, min(core.steady.began_at, due.due_at)),
        now=core.steady.now(),
        settle=settle if due.due_at <= core.steady.began_at else timedelta(0),
        waiting_since=due.first_seen_at,
        is_catalogued=due.is_done,
        lacking=lacking,
        max_wait=timedelta(seconds=complete.get("max_wait_s", MAX_WAIT.total_seconds())),
        on_stall=complete.get("on_stall", "hold"),
    )


def settled_as(core: Core, due: DueFileset, ctime_ns: int, *, is_partial: bool = False) -> Settled:
    """Give a settled fileset with the priority of its job: hinted first, then by the age of its newest file."""
    recent = RECENT if is_recent(ctime_ns, core.clock.now()) else BACKLOG
    if is_copy(due.document):
        return Settled(fileset_id=due.id, digest=due.digest, priority=HASHES)
    priority = core.hot.get(due.id, recent)
    return Settled(fileset_id=due.id, digest=due.digest, priority=priority, is_partial=is_partial)


def _part_of(look: NamesLook, names: set[bytes]) -> NamesLook:
    return NamesLook(
        directory=look.directory,
        entries=tuple(entry for entry in look.entries if entry.name in names),
        gone=look.gone,
        folders=look.folders,
    )
