"""Hands ready jobs to the workers (T3), and commits what they give (T5, T6)."""

import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from catalog import claims, jobs, store
from catalog.connections import Connection
from catalog.errors import CatalogueUnavailable
from catalog.importing import commit_hash, commit_reads
from catalog.looks import Committed, CommittedAs, ReadFileset, StartedJob
from catalog.stored_copies import commit_copy, link_contents, link_places_of
from ingest.adopting import take_described
from ingest.checks import AgainCheck, VerdictCheck
from ingest.core import Core, Done, Judged
from ingest.documents import is_copy
from ingest.listing import LookOrder
from ingest.work import LOOKED_AT_AGAIN, NO_FILESET, Outcome, ReadResult
from ingest.working import LONGEST_BACK_OFF, UnderWay, failed, read_copy, read_fileset, refused_as, task_of

log = logging.getLogger(__name__)

RESULTS_AT_MOST = 200
#: So many results are worth a commit of their own, or half of what is under way; fewer wait a moment for others.
WORTH_A_COMMIT = 80
#: With more than this under way nobody waits for one of them, and results do for others.
FEW_UNDER_WAY = 25
WAIT_FOR_OTHERS_S = 0.25
START_AT_MOST = 120
#: With more than this under way, files are so large that a few of them keep the workers busy.
HEAVY_BYTES = 400_000_000
HEAVY_SHARE = 16
#: What was under way when a process died is read one by one at the next start, so that three deaths condemn the file
#: that caused them and not those that were read beside it. A slow one does not keep the others waiting for longer.
ALONE_AT_MOST = timedelta(minutes=1)


def start_jobs(core: Core) -> bool:
    """Claim ready jobs and hand them to the workers (T3), as many as they can take."""
    if _room(core) <= 0 or not core.has_ready:
        return False
    with core.catalogue.writing() as connection:
        started = claim_jobs(core, connection)
    hand_out(core, started)
    return bool(started)


def _room(core: Core) -> int:
    capacity = core.pool.capacity
    if sum(one.bytes_to_read for one in core.under_way.values()) > HEAVY_BYTES:
        capacity = max(capacity // HEAVY_SHARE, 1)
    return capacity - len(core.under_way)


def claim_jobs(core: Core, connection: Connection, *, freed: int = 0) -> list[StartedJob]:
    """Claim ready jobs (T3) in the caller's transaction; they are for `hand_out` once it is committed.

    ``freed`` of what counts as under way is done by this transaction.
    """
    limit = min(_room(core) + freed, START_AT_MOST)
    if limit <= 0 or not core.has_ready or core.is_ending:
        return []
    if core.has_suspects and len(core.under_way) > freed and core.steady.now() < core.alone_until:
        return []
    if core.has_suspects and len(core.under_way) <= freed:
        suspect = _claim_suspect(core, connection)
        if suspect:
            return suspect
    started = claims.start_jobs(connection, instance_id=core.instance_id, root_ids=core.usable(), limit=limit)
    for job in started:
        if not job.members:
            jobs.forget_job(connection, job.fileset_id, job.kind, job.claim)
    core.has_ready = len(started) >= min(limit, claims.FEW_JOBS)
    return started


def _claim_suspect(core: Core, connection: Connection) -> list[StartedJob]:
    """Claim one job that was under way when an earlier process died: it is read alone."""
    started = claims.start_jobs(
        connection, instance_id=core.instance_id, root_ids=core.usable(), limit=1, only_suspects=True
    )
    core.has_suspects = bool(started)
    core.alone_until = core.steady.now() + ALONE_AT_MOST
    for job in started:
        if not job.members:
            jobs.forget_job(connection, job.fileset_id, job.kind, job.claim)
    return [job for job in started if job.members]


def hand_out(core: Core, started: Sequence[StartedJob]) -> None:
    """Give claimed jobs to the workers."""
    tasks = []
    for job in started:
        if job.members:
            root = core.roots[job.root_id]
            core.under_way[job.fileset_id, job.claim, job.digest] = UnderWay(
                job=job, root=root, configuration_id=core.around.configuration_id
            )
            tasks.append(task_of(job, root, core.around.settings, core.hashers()))
    core.pool.submit_all(tasks)


def take_results(core: Core) -> bool:
    """Commit what workers gave (T5, T6), when it is worth it; tells whether anything was committed."""
    taken = core.pool.results.take(RESULTS_AT_MOST - len(core.results))
    core.checks.extend(result for result in taken if result.fileset_id == NO_FILESET)
    new = [result for result in taken if result.fileset_id != NO_FILESET]
    if new and not core.results:
        core.results_since_s = core.clock.monotonic()
    core.results.extend(new)
    if not core.results or not _is_worth_a_commit(core, has_new=bool(new)):
        return False
    _take(core)
    return True


def _take(core: Core) -> None:
    """Commit all results that are there, and hand out what is claimed with them."""
    mine = [(result, core.under_way.get((result.fileset_id, result.claim, result.digest))) for result in core.results]
    known = [(result, under_way) for result, under_way in mine if under_way is not None]
    committed, started = _commit_results(core, known)
    by_id = {one.fileset_id: one for one in committed}
    for result, under_way in known:
        del core.under_way[result.fileset_id, result.claim, result.digest]
        if result.outcome in LOOKED_AT_AGAIN:
            _ask_again(core, result, under_way)
        under_way.root.has_named = under_way.root.has_named or bool(result.names)
        if result.fileset_id in by_id and result.files:
            done = by_id[result.fileset_id]
            under_way.root.look_at(done.released, AgainCheck())  # after a kill the next pass does it
            core.committed.append(
                Done(
                    root=under_way.root,
                    path=result.files[0].path,
                    outcome=done,
                    bytes_read=result.bytes_read,
                    files=sum(file.is_read for file in result.files),
                )
            )
    core.results.clear()
    hand_out(core, started)


def _is_worth_a_commit(core: Core, *, has_new: bool) -> bool:
    """Tell whether to commit now: enough came, nothing else is under way, or no more came in a moment."""
    few = len(core.under_way) <= FEW_UNDER_WAY
    enough = len(core.under_way) if few else len(core.under_way) // 2
    if len(core.results) >= min(WORTH_A_COMMIT, max(core.pool.capacity // 2, 1), enough):
        return True
    if few:
        return not has_new
    return core.clock.monotonic() >= core.results_since_s + WAIT_FOR_OTHERS_S


def _commit_results(
    core: Core, known: Sequence[tuple[ReadResult, UnderWay]]
) -> tuple[list[Committed], list[StartedJob]]:
    """Commit results, and claim what the workers do next in the same transaction: one sync to disk for both."""
    now = core.clock.now()
    done = [(result, under_way) for result, under_way in known if result.outcome is Outcome.READ]
    copies = [read_copy(result) for result, under_way in done if is_copy(under_way.job.document)]
    of_images = [(result, under_way) for result, under_way in done if not is_copy(under_way.job.document)]
    reads = [read_fileset(result, under_way) for result, under_way in of_images if under_way.job.kind == "import"]
    hashes = [read_fileset(result, under_way) for result, under_way in of_images if under_way.job.kind == "hash"]
    with core.catalogue.writing() as connection:
        committed = commit_reads(connection, reads, now=now, via=core.via)
        for read in hashes:
            commit_hash(connection, read, now=now)
        for copy in copies:
            commit_copy(connection, copy, now=now, via=core.via)
        if core.has_storage:
            _link_copies(connection, [*reads, *hashes], committed, now, core.via)
        for result, under_way in known:
            if result.outcome is Outcome.READ:
                continue
            if result.outcome is Outcome.DESCRIBES and under_way.job.kind == "import":
                take_described(core, connection, result, under_way)
            elif result.outcome not in LOOKED_AT_AGAIN:
                _fail(core, connection, result, under_way, now)
        started = claim_jobs(core, connection, freed=len(known))
    return committed, started


def _link_copies(
    connection: Connection, reads: Sequence[ReadFileset], committed: Sequence[Committed], now: datetime, via: str
) -> None:
    """Let places in storage point to files that came, or changed."""
    contents = [(file.size_bytes, file.fingerprint) for read in reads for file in read.files]
    link_contents(connection, contents, now=now, via=via)
    updated = [one.fileset_id for one in committed if one.outcome is CommittedAs.UPDATED]
    link_places_of(connection, updated, now=now, via=via)


def _fail(core: Core, connection: Connection, result: ReadResult, under_way: UnderWay, now: datetime) -> None:
    failure = failed(result, under_way.job, now=core.steady.now(), waiting=core.counts.get("waiting", 0))
    if result.outcome is Outcome.REFUSED and under_way.job.kind == "import":
        if jobs.holds_claim(connection, failure):
            reason = failure.reason
            store.hold_fileset(connection, result.fileset_id, refused_as(result), reason, now=now, via=core.via)
        return
    jobs.fail_jobs(connection, [failure], now=now, via=core.via)


def _ask_again(core: Core, result: ReadResult, under_way: UnderWay) -> None:
    failure = failed(result, under_way.job, now=core.steady.now(), waiting=core.counts.get("waiting", 0))
    folder, _, name = (result.path or under_way.job.members[0].path).rpartition(b"/")
    root = core.roots.get(under_way.root.id)
    if root is None:
        return  # it left the configuration: the job is given back with what else is lost
    core.judging.add(Judged(root_id=root.id, fileset_id=failure.fileset_id, claim=failure.claim))
    root.look(LookOrder(directory=folder, names=frozenset({name}), tag=VerdictCheck(failure=failure)))


def wake_waiting(core: Core) -> None:
    """Make waiting jobs ready whose time has come, and count what is ready."""
    now = core.steady.now()
    with core.catalogue.reading() as connection:
        counts = jobs.count_work(connection)
    if counts.get("waiting"):
        with core.catalogue.writing() as connection:
            jobs.wake_waiting(connection, now=now, latest=now + LONGEST_BACK_OFF)
    busy = len(core.under_way) + len(core.judging)
    if counts.get("started", 0) > busy and not core.results:
        _give_back_lost(core)
    core.ready_count = counts.get("ready", 0)
    core.has_ready = core.has_ready or bool(core.ready_count) or bool(counts.get("waiting"))
    core.counts = counts


def _give_back_lost(core: Core) -> None:
    """Make claimed jobs ready again that nobody has: a commit whose answer was lost, a root that was taken out."""
    mine = {(job.fileset_id, job.claim) for job in core.judging}
    mine |= {(fileset_id, claim) for fileset_id, claim, _ in core.under_way}
    with core.catalogue.writing() as connection:
        jobs.give_back_lost(connection, core.instance_id, mine)


def drop_results(core: Core) -> None:
    """Take results one by one; the one that fails is tried again later, with the reason."""
    waiting, core.results = list(core.results), deque()
    for result in waiting:
        under_way = core.under_way.get((result.fileset_id, result.claim, result.digest))
        if under_way is None:
            continue
        core.results.append(result)
        try:
            _take(core)
        except CatalogueUnavailable:
            raise
        except Exception as error:  # the boundary of the loop: one file must not stop the others
            log.exception("commit_failed", extra={"fileset": result.fileset_id})
            core.results.clear()
            bad = replace(result, outcome=Outcome.TRANSIENT, reason=f"it could not be written: {error}")
            with core.catalogue.writing() as connection:
                _fail(core, connection, bad, under_way, core.clock.now())
            del core.under_way[result.fileset_id, result.claim, result.digest]
