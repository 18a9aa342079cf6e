"""The steps of the ingest, each one transaction: looks, due filesets, starts, results. Used by the loop's thread."""

import logging
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from catalog import jobs, roots, sightings, store
from catalog.connections import Connection
from catalog.engine import Catalogue
from catalog.errors import CatalogueUnavailable
from catalog.importing import commit_hash, commit_reads
from catalog.jobs import Failed, Settled
from catalog.looks import Committed, DueFileset
from ingest.brake import Brake
from ingest.clock import Clock, SteadyTime
from ingest.filesets import members_digest
from ingest.hints import Hint
from ingest.listing import ListingPart, LookOrder, NamesLook, PassEnded, RootLost
from ingest.looking import Looked, Looking
from ingest.pool import ReadPool
from ingest.scanner import below
from ingest.settling import SecondLook, Verdict, is_recent, judge
from ingest.surroundings import Surroundings
from ingest.watched import AgainCheck, HintCheck, MoveCheck, WatchedRoot
from ingest.work import Look, Member, Outcome, ReadResult
from ingest.working import LONGEST_BACK_OFF, UnderWay, failed, read_fileset, refused_as, task_of

log = logging.getLogger(__name__)

HINTED, RECENT, BACKLOG = 0, 1, 2
ROWS_AT_MOST = 1000
RESULTS_AT_MOST = 50
DUE_AT_MOST = 500
START_AT_MOST = 10
#: Jobs that may be ready before more of the backlog is looked at a second time.
READY_AT_MOST = 2000
HOT_AT_MOST = 10_000
_UNKNOWN_AGAIN = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A result that was committed, with where its file lies."""

    root: WatchedRoot
    path: bytes
    outcome: Committed
    bytes_read: int


class DueCheck:
    """Why names are looked at: filesets are due; ``filesets`` by the name of their file."""

    __slots__ = ("filesets",)

    def __init__(self, filesets: dict[bytes, DueFileset]) -> None:
        self.filesets = filesets


class VerdictCheck:
    """Why a name is looked at: a reader found it not whole; did it change, or is it incomplete?"""

    __slots__ = ("failure",)

    def __init__(self, failure: Failed) -> None:
        self.failure = failure


class Core:
    """The state that the steps share."""

    def __init__(
        self, catalogue: Catalogue, pool: ReadPool, clock: Clock, steady: SteadyTime, around: Surroundings, via: str
    ) -> None:
        self.catalogue = catalogue
        self.pool = pool
        self.clock = clock
        self.steady = steady
        self.around = around
        self.via = via
        self.instance_id = 0
        self.roots: dict[int, WatchedRoot] = {}
        self.brakes: dict[int, Brake] = {}
        self.under_way: dict[tuple[int, int, bytes], UnderWay] = {}
        self.results: deque[ReadResult] = deque()
        #: Filesets to look at before the backlog, with their priority.
        self.hot: dict[int, int] = {}
        self.has_ready = True
        self.ready_count = 0
        self.counts: dict[str, int] = {}
        self.committed: list[Done] = []

    def take_committed(self) -> list[Done]:
        """Give what was committed since the last time."""
        taken, self.committed = self.committed, []
        return taken

    def see_acceptance(self) -> None:
        """Notice that a person accepted a root: its row says available while it was braked or not recognised."""
        with self.catalogue.reading() as connection:
            rows = roots.known_roots(connection)
        for row in rows:
            root = self.roots.get(row.id)
            if root is not None and row.availability == "available" and root.availability in ("braked", "unavailable"):
                root.availability, root.reason, root.identity = "available", None, None
                self.brakes[root.id].is_released = True
                root.walk(is_full=True)

    def drop_poisoned(self, step: str) -> None:
        """Drop what made a step fail for a reason of the program's own: the next pass looks at it again."""
        if step == "result":
            self._drop_results()
        for root in self.roots.values():
            if step == "look" and root.answers:
                order, _ = root.answers.popleft()
                root.answered(order)
                root.looking.clear()
            if step == "scan" and root.parts:
                part = root.parts.popleft()
                if isinstance(part, PassEnded):
                    root.end_walk(part.number)

    def _drop_results(self) -> None:
        """Take results one by one; the one that fails is tried again later, with the reason."""
        waiting, self.results = list(self.results), deque()
        for result in waiting:
            under_way = self.under_way.get((result.fileset_id, result.claim, result.digest))
            if under_way is None:
                continue
            self.results.append(result)
            try:
                self.take_results()
            except CatalogueUnavailable:
                raise
            except Exception as error:  # the boundary of the loop: one file must not stop the others
                log.exception("commit_failed", extra={"fileset": result.fileset_id})
                self.results.clear()
                bad = replace(result, outcome=Outcome.TRANSIENT, reason=f"it could not be written: {error}")
                with self.catalogue.writing() as connection:
                    self._fail(connection, bad, under_way, self.clock.now())
                del self.under_way[result.fileset_id, result.claim, result.digest]

    def usable(self) -> list[int]:
        """Give the ids of roots that can be looked at."""
        return [root.id for root in self.roots.values() if root.can_be_used]

    def _looking(self, connection: Connection, root: WatchedRoot) -> Looking:
        now = self.clock.now()
        return Looking(
            connection=connection,
            root=root,
            deciding=self.around.deciding(connection, root, self.steady, now),
            configuration_id=self.around.configuration_id,
            now=now,
            via=self.via,
        )

    # -- hints ------------------------------------------------------------------------------------------------

    def follow(self, root: WatchedRoot, hint: Hint) -> None:
        """Turn a hint into orders for the root's scanner."""
        if hint.directory and root.is_ignored_folder(hint.directory):
            return
        if hint.names is not None:
            root.look(LookOrder(directory=hint.directory, names=hint.names, closed=hint.closed, tag=HintCheck()))
        elif hint.is_tree:
            root.walk(hint.directory)
        else:
            root.walk(hint.directory, is_flat=True)

    # -- looks ------------------------------------------------------------------------------------------------

    def take_answer(self, root: WatchedRoot) -> bool:
        """Commit one answer of a root's scanner; tells whether there was one."""
        while not root.scanner.answers.empty():
            root.answers.append(root.scanner.answers.get_nowait())
        if not root.answers:
            return False
        order, look = root.answers[0]
        if isinstance(look, RootLost):
            self._lost(root, order, look.reason)
        else:
            looked = self._commit_answer(root, order, look)
            self._follow_up(root, looked, is_hinted=isinstance(order.tag, HintCheck))
        root.answers.popleft()
        root.answered(order)
        if isinstance(order.tag, DueCheck):
            root.looking -= {due.id for due in order.tag.filesets.values()}
        return True

    def _commit_answer(self, root: WatchedRoot, order: LookOrder, look: NamesLook) -> Looked:
        with self.catalogue.writing() as connection:
            looking = self._looking(connection, root)
            match order.tag:
                case MoveCheck() as check:
                    return looking.settle_move(check, look)
                case DueCheck() as check:
                    return self._settle(looking, check, look)
                case VerdictCheck() as check:
                    return self._verdict(looking, check.failure, look)
                case AgainCheck():
                    return self._names(looking, look, is_again=True)
                case _:
                    return self._names(looking, look)

    def _names(self, looking: Looking, look: NamesLook, *, is_again: bool = False) -> Looked:
        looked = looking.names(look, is_again=is_again)
        self._mark(looking, looked.absent)
        return looked

    def _mark(self, looking: Looking, absent: Sequence[tuple[int, bytes]]) -> None:
        root = looking.root
        if not absent or root.availability == "braked":
            return
        refused = looking.mark_gone(absent, self.brakes[root.id])
        if refused is not None:
            self._set(looking.connection, root, "braked", refused)

    def _set(self, connection: Connection, root: WatchedRoot, availability: str, reason: str | None) -> None:
        roots.set_availability(connection, root.id, availability, reason, now=self.clock.now(), via=self.via)
        root.availability, root.reason = availability, reason

    def _follow_up(self, root: WatchedRoot, looked: Looked, *, is_hinted: bool) -> None:
        for order in looked.orders:
            root.look(order)
        for folder in looked.folders:
            if not root.is_ignored_folder(folder):
                root.walk(folder)
        if is_hinted and len(self.hot) < HOT_AT_MOST:
            self.hot |= dict.fromkeys(looked.made.values(), HINTED)
        root.files_seen += looked.files

    def _lost(self, root: WatchedRoot, order: LookOrder, reason: str) -> None:
        self.lose(root, reason)
        if isinstance(order.tag, VerdictCheck):
            failure = replace(order.tag.failure, reason=reason, next_try_at=self.steady.now() + _UNKNOWN_AGAIN)
            with self.catalogue.writing() as connection:
                jobs.fail_jobs(connection, [failure], now=self.clock.now(), via=self.via)

    def lose(self, root: WatchedRoot, reason: str) -> None:
        """Note that a root can't be looked at; nothing below it is judged until it is back."""
        with self.catalogue.writing() as connection:
            self._set(connection, root, "unavailable", reason)

    def find_again(self, root: WatchedRoot) -> None:
        """Note that a root is there again."""
        if root.availability == "unavailable":
            with self.catalogue.writing() as connection:
                self._set(connection, root, "available", None)

    # -- walks ------------------------------------------------------------------------------------------------

    def take_parts(self, root: WatchedRoot) -> bool:
        """Commit a batch of parts of a root's walks, or the end of one; tells whether there was anything."""
        while len(root.parts) < 64 and not root.scanner.parts.empty():
            root.parts.append(root.scanner.parts.get_nowait())
        if not root.parts:
            return False
        first = root.parts[0]
        if isinstance(first, ListingPart):
            self._take_listing(root)
            return True
        if isinstance(first, RootLost):
            self.lose(root, first.reason)
        elif root.moves_under_way:
            return False
        else:
            self._end_walk(root, first)
        root.parts.popleft()
        return True

    def _take_listing(self, root: WatchedRoot) -> None:
        batch: list[ListingPart] = []
        rows = 0
        for part in root.parts:
            if not isinstance(part, ListingPart) or (batch and rows + len(part.entries) > ROWS_AT_MOST):
                break
            if batch and (part.walk != batch[0].walk or any(part.directory == one.directory for one in batch)):
                break
            batch.append(part)
            rows += len(part.entries)
        with self.catalogue.writing() as connection:
            looked = self._looking(connection, root).parts(batch)
        self.find_again(root)
        self._follow_up(root, looked, is_hinted=False)
        walk = root.walks.get(batch[0].walk)
        if walk is not None:
            walk.visited |= looked.visited
            walk.absent += looked.absent
            walk.files += looked.files
            walk.directories += len(looked.visited)
        for full in root.walks.values():
            if full is not walk and full.order.is_full:
                full.visited |= looked.visited
        root.directories_seen += len(looked.visited)
        for _ in batch:
            root.parts.popleft()

    def _end_walk(self, root: WatchedRoot, ended: PassEnded) -> None:
        walk = root.walks.get(ended.number)
        if walk is None:
            return
        if ended.failure is None:
            with self.catalogue.writing() as connection:
                looking = self._looking(connection, root)
                absent = walk.absent + (looking.unvisited(walk.visited) if ended.is_full else [])
                if ended.is_full:
                    self._end_pass(looking, ended, absent)
                elif ended.other is None:
                    self._mark(looking, absent)
        root.end_walk(ended.number)

    def _end_pass(self, looking: Looking, ended: PassEnded, absent: list[tuple[int, bytes]]) -> None:
        root, brake = looking.root, self.brakes[looking.root.id]
        refused = ended.other or looking.mark_gone(absent, brake)
        if refused is not None:
            self._set(looking.connection, root, "braked", refused)
        elif not root.can_be_used or root.availability == "braked":
            self._set(looking.connection, root, "available", None)
        if refused is not None:
            roots.end_pass(looking.connection, root.id, root.identity, now=looking.now)
            root.last_pass_ended_at = looking.now
            return
        brake.is_released = False
        sample = roots.sample_of(looking.connection, root.id)
        identity = dict(ended.identity) | {"sample": [path.hex() for path in sample]}
        roots.end_pass(looking.connection, root.id, identity, now=looking.now)
        root.identity, root.last_pass_ended_at = identity, looking.now

    # -- settling ---------------------------------------------------------------------------------------------

    def look_at_due(self) -> bool:
        """Order second looks at filesets that are due: hinted ones first, the backlog only as workers keep up."""
        usable = self.usable()
        looking = {one for root in self.roots.values() for one in root.looking}
        wanted = [one for one in self.hot if one not in looking]
        due: list[DueFileset] = []
        with self.catalogue.reading() as connection:
            now = self.steady.now()
            if wanted:
                due += jobs.due_filesets(
                    connection, now=now, root_ids=usable, limit=DUE_AT_MOST, only=wanted[:DUE_AT_MOST]
                )
            if not looking and self.ready_count < READY_AT_MOST:
                seen = {one.id for one in due}
                found = jobs.due_filesets(connection, now=now, root_ids=usable, limit=DUE_AT_MOST)
                due += [one for one in found if one.id not in seen]
        self._order_looks([one for one in due if one.id not in looking])
        return bool(due)

    def _order_looks(self, due: Iterable[DueFileset]) -> None:
        grouped: dict[tuple[int, bytes], dict[bytes, DueFileset]] = {}
        for one in due:
            if not one.members:
                self._forget_empty(one)
                continue
            folder, _, name = one.members[0].path.rpartition(b"/")
            grouped.setdefault((one.root_id, folder), {})[name] = one
        for (root_id, folder), filesets in grouped.items():
            root = self.roots[root_id]
            root.looking |= {one.id for one in filesets.values()}
            root.look(LookOrder(directory=folder, names=frozenset(filesets), tag=DueCheck(filesets)))

    def _forget_empty(self, due: DueFileset) -> None:
        with self.catalogue.writing() as connection:
            jobs.push_due(connection, [(due.id, None, None)])

    def _settle(self, looking: Looking, check: DueCheck, look: NamesLook) -> Looked:
        """Judge second looks (T2): what is the same becomes a job, what changed is looked at again later."""
        settled: list[Settled] = []
        later: list[tuple[int, datetime | None, str | None]] = []
        changed: set[bytes] = set()
        for entry in look.entries:
            due = check.filesets[entry.name]
            path = below(look.directory, entry.name)
            seen = Look(
                size_bytes=entry.size_bytes, mtime_ns=entry.mtime_ns, ctime_ns=entry.ctime_ns, inode=entry.inode
            )
            verdict, again_at = judge(self._second_look(due, members_digest([Member(path=path, look=seen)])))
            if verdict is Verdict.SETTLED:
                settled.append(self._settled(due, entry.ctime_ns))
            elif verdict is Verdict.EARLY:
                later.append((due.id, again_at, None))
            else:
                changed.add(entry.name)
                if verdict is Verdict.STALLED:
                    later.append((due.id, again_at, "it has been changing for more than two hours"))
        again_at = self.steady.now() + _UNKNOWN_AGAIN
        later += [(check.filesets[name].id, again_at, None) for name in look.unknown]
        looked = looking.names(_part_of(look, changed))
        self._mark(looking, looked.absent)
        jobs.settle(looking.connection, settled)
        jobs.push_due(looking.connection, later)
        self.has_ready = self.has_ready or bool(settled)
        for one in settled:
            self.hot.pop(one.fileset_id, None)
        return looked

    def _second_look(self, due: DueFileset, digest: bytes) -> SecondLook:
        settle = timedelta(seconds=due.document["settle_s"])
        return SecondLook(
            digest_before=due.digest,
            digest_now=digest,
            first_look_at=max(due.due_at - settle, min(self.steady.began_at, due.due_at)),
            now=self.steady.now(),
            settle=settle if due.due_at <= self.steady.began_at else timedelta(0),
            waiting_since=due.first_seen_at,
            is_catalogued=due.is_done,
        )

    def _settled(self, due: DueFileset, ctime_ns: int) -> Settled:
        recent = RECENT if is_recent(ctime_ns, self.clock.now()) else BACKLOG
        return Settled(fileset_id=due.id, digest=due.digest, priority=self.hot.get(due.id, recent))

    def _verdict(self, looking: Looking, failure: Failed, look: NamesLook) -> Looked:
        """Decide about a file that a reader found not whole: changed meanwhile, or incomplete as it lies there."""
        looked = looking.names(look)
        self._mark(looking, looked.absent)
        jobs.fail_jobs(looking.connection, [failure], now=looking.now, via=self.via)
        return looked

    # -- work -------------------------------------------------------------------------------------------------

    def start_jobs(self) -> bool:
        """Claim ready jobs and hand them to the workers (T3), as many as they can take."""
        room = self.pool.capacity - len(self.under_way)
        if room <= 0 or not self.has_ready:
            return False
        with self.catalogue.writing() as connection:
            limit = min(room, START_AT_MOST)
            started = jobs.start_jobs(connection, instance_id=self.instance_id, root_ids=self.usable(), limit=limit)
            for job in started:
                if not job.members:
                    jobs.forget_job(connection, job.fileset_id, job.kind, job.claim)
        self.has_ready = len(started) == limit
        for job in started:
            if job.members:
                root = self.roots[job.root_id]
                self.under_way[job.fileset_id, job.claim, job.digest] = UnderWay(
                    job=job, root=root, configuration_id=self.around.configuration_id
                )
                self.pool.submit(task_of(job, root, self.around.settings))
        return bool(started)

    def take_results(self) -> bool:
        """Commit what workers gave (T5, T6); tells whether there was anything."""
        self.results.extend(self.pool.results.take(RESULTS_AT_MOST - len(self.results)))
        if not self.results:
            return False
        mine = [
            (result, self.under_way.get((result.fileset_id, result.claim, result.digest))) for result in self.results
        ]
        known = [(result, under_way) for result, under_way in mine if under_way is not None]
        committed = self._commit_results(known)
        by_id = {one.fileset_id: one for one in committed}
        for result, under_way in known:
            del self.under_way[result.fileset_id, result.claim, result.digest]
            if result.outcome is Outcome.UNSETTLED:
                self._ask_again(result, under_way)
            if result.fileset_id in by_id and result.files:
                done = by_id[result.fileset_id]
                self.committed.append(
                    Done(
                        root=under_way.root,
                        path=result.files[0].path,
                        outcome=done,
                        bytes_read=result.bytes_read,
                    )
                )
        self.results.clear()
        return True

    def _commit_results(self, known: Sequence[tuple[ReadResult, UnderWay]]) -> list[Committed]:
        now = self.clock.now()
        reads = [
            read_fileset(result, under_way)
            for result, under_way in known
            if result.outcome is Outcome.READ and under_way.job.kind == "import"
        ]
        with self.catalogue.writing() as connection:
            committed = commit_reads(connection, reads, now=now, via=self.via)
            for result, under_way in known:
                if result.outcome is Outcome.READ:
                    if under_way.job.kind == "hash":
                        commit_hash(connection, read_fileset(result, under_way))
                elif result.outcome is not Outcome.UNSETTLED:
                    self._fail(connection, result, under_way, now)
        return committed

    def _fail(self, connection: Connection, result: ReadResult, under_way: UnderWay, now: datetime) -> None:
        failure = failed(result, under_way.job, now=self.steady.now())
        if result.outcome is Outcome.REFUSED and under_way.job.kind == "import":
            if jobs.holds_claim(connection, failure):
                reason = failure.reason
                store.hold_fileset(connection, result.fileset_id, refused_as(result), reason, now=now, via=self.via)
            return
        jobs.fail_jobs(connection, [failure], now=now, via=self.via)

    def _ask_again(self, result: ReadResult, under_way: UnderWay) -> None:
        failure = failed(result, under_way.job, now=self.steady.now())
        folder, _, name = under_way.job.members[0].path.rpartition(b"/")
        under_way.root.look(LookOrder(directory=folder, names=frozenset({name}), tag=VerdictCheck(failure)))

    def wake_waiting(self) -> None:
        """Make waiting jobs ready whose time has come, and count what is ready."""
        now = self.steady.now()
        with self.catalogue.reading() as connection:
            counts = jobs.count_work(connection)
        if counts.get("waiting"):
            with self.catalogue.writing() as connection:
                jobs.wake_waiting(connection, now=now, latest=now + LONGEST_BACK_OFF)
        self.ready_count = counts.get("ready", 0)
        self.has_ready = self.has_ready or bool(self.ready_count) or bool(counts.get("waiting"))
        self.counts = counts

    def place_again(self, root: WatchedRoot) -> bool:
        """Order looks at a page of paths that changed rules or people may place otherwise (T10)."""
        if not root.is_placing_again or root.looks_under_way > 4:
            return False
        with self.catalogue.reading() as connection:
            page = list(
                sightings.replaceable(
                    connection,
                    root.id,
                    configuration_id=None if root.is_placing_all else self.around.configuration_id,
                    after=root.again_after,
                    limit=ROWS_AT_MOST,
                )
            )
        grouped: dict[bytes, set[bytes]] = {}
        for _, folder, name, _ in page:
            grouped.setdefault(folder, set()).add(name)
        for folder, names in grouped.items():
            root.look(LookOrder(directory=folder, names=frozenset(names), tag=AgainCheck()))
        root.again_after = (page[-1][0], page[-1][2]) if page else None
        root.is_placing_again = len(page) == ROWS_AT_MOST
        return bool(page)


def _part_of(look: NamesLook, names: set[bytes]) -> NamesLook:
    return NamesLook(
        directory=look.directory,
        entries=tuple(entry for entry in look.entries if entry.name in names),
        gone=look.gone,
        folders=look.folders,
    )
