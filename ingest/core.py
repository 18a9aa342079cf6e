"""What the steps of the ingest share: its roots, its workers, and what is under way. Used by the loop's thread."""

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from catalog import roots
from catalog.connections import Connection
from catalog.engine import Catalogue
from catalog.looks import Committed
from ingest.brake import Brake
from ingest.checks import HintCheck, ReplacedCheck
from ingest.clock import Clock, SteadyTime
from ingest.hints import Hint
from ingest.listing import LookOrder
from ingest.looking import Looked, Looking
from ingest.pool import ReadPool
from ingest.surroundings import Surroundings
from ingest.watched import WatchedRoot
from ingest.work import ReadResult
from ingest.working import UnderWay

HINTED, RECENT, BACKLOG, HASHES = 0, 1, 2, 3
HOT_AT_MOST = 10_000
#: More than this is marked as missing by full passes only, in many short transactions.
MARKED_AT_ONCE = 2000


class Done(NamedTuple):
    """A result that was committed, with where its file lies."""

    root: WatchedRoot
    path: bytes
    outcome: Committed
    bytes_read: int
    #: How many files were read for it: of an image of many only what is new or changed.
    files: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A started job whose file is looked at once more before its reader's verdict counts."""

    root_id: int
    fileset_id: int
    claim: int


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
        self.judging: set[Judged] = set()
        self.results: deque[ReadResult] = deque()
        #: Since when (monotonic) the first of them waits to be committed.
        self.results_since_s = 0.0
        #: What workers found for `verify`.
        self.checks: deque[ReadResult] = deque()
        #: Filesets to look at before the backlog, with their priority.
        self.hot: dict[int, int] = {}
        #: Something was committed that may be due now; else there is nothing to ask before that monotonic time.
        self.may_be_due = True
        self.next_due_look_s = 0.0
        self.has_ready = True
        #: Whether there may be jobs that were under way when an earlier process died; they are read alone until then.
        self.has_suspects = True
        self.alone_until = steady.now()
        #: The loop ends: what workers have is taken in, nothing more is started.
        self.is_ending = False
        self.ready_count = 0
        self.counts: dict[str, int] = {}
        #: What the names in the last plate captured whose rule waits for all of it, and when that was read.
        self.plates: dict[tuple[int, bytes], tuple[float, tuple[tuple[str | None, ...], ...]]] = {}
        self.committed: list[Done] = []

    def take_committed(self) -> list[Done]:
        """Give what was committed since the last time."""
        taken, self.committed = self.committed, []
        return taken

    def forget(self) -> None:
        """Drop all that was seen and is under way: the ingest begins anew. Results still to come are not known."""
        for root in self.roots.values():
            root.scanner.stop(within_s=1.0)
        for root in self.roots.values():
            root.scanner.stop(within_s=1.0)
        self.roots.clear()
        self.under_way.clear()
        self.judging.clear()
        self.results.clear()
        self.checks.clear()
        self.hot.clear()
        self.committed.clear()
        self.has_ready = self.may_be_due = True
        self.next_due_look_s = 0.0

    def see_acceptance(self) -> None:
        """Take over what a person said with `root accept`, in whatever process, and look at the root as it is now."""
        if all(root.availability == "available" and not root.has_disk_away for root in self.roots.values()):
            return
        with self.catalogue.reading() as connection:
            accepted = [root for root in self.roots.values() if self.is_accepted(connection, root)]
        for root in accepted:
            self.accept(root)

    def is_accepted(self, connection: Connection, root: WatchedRoot) -> bool:
        """Tell whether the root's row was accepted by a person while it, or a disk inside it, is not right here."""
        is_waiting = root.availability in ("braked", "unavailable") or (
            root.has_disk_away and root.identity is not None
        )
        return is_waiting and roots.known_root(connection, root.id).is_accepted

    def accept(self, root: WatchedRoot) -> None:
        """Take the root as it is: its brake is released until a full pass has ended, its identity is found anew."""
        root.availability, root.reason, root.identity = "available", None, None
        root.scanner.mounts.forget(list(root.scanner.mounts.known))
        self.brakes[root.id].is_released = True
        root.walk(is_full=True)

    @property
    def has_storage(self) -> bool:
        """Tell whether a storage root is configured."""
        return any(root.is_storage for root in self.roots.values())

    def hashers(self) -> tuple[str, ...]:
        """Give the hashers of the roots whose files are imported: copies in storage are compared by these."""
        return tuple(sorted({root.watch.hash.value for root in self.roots.values() if not root.is_storage}))

    def usable(self) -> list[int]:
        """Give the ids of roots that can be looked at."""
        return [root.id for root in self.roots.values() if root.can_be_used]

    def looking(self, connection: Connection, root: WatchedRoot) -> Looking:
        """Give what commits of looks at a root need, for one transaction."""
        now = self.clock.now()
        return Looking(
            connection=connection,
            root=root,
            deciding=self.around.deciding(connection, root, self.steady, now),
            configuration_id=self.around.configuration_id,
            now=now,
            via=self.via,
        )

    def mark(self, looking: Looking, looked: Looked) -> None:
        """Mark what single looks found gone. When it is much, a full pass is to decide: it sees moves first."""
        root = looking.root
        if root.availability == "braked" or not (looked.absent or looked.gone_folders):
            return
        gone = looking.gone(looked.absent, looked.gone_folders)
        if len(gone) > MARKED_AT_ONCE or self.brakes[root.id].why_not(len(gone), looking.counts) is not None:
            looked.needs_pass = True
        else:
            looking.mark_gone(gone, self.brakes[root.id])

    def set_availability(self, root: WatchedRoot, availability: str, reason: str | None) -> None:
        """Change whether a root can be used, in its row and then here; what a person accepted meanwhile comes first."""
        with self.catalogue.writing() as connection:
            is_accepted = availability != "available" and self.is_accepted(connection, root)
            if not is_accepted:
                now = self.clock.now()
                roots.set_availability(connection, root.id, availability, reason, now=now, via=self.via)
        if is_accepted:
            self.accept(root)
        else:
            root.availability, root.reason = availability, reason
        self.may_be_due = True

    def lose(self, root: WatchedRoot, reason: str) -> None:
        """Note that a root can't be looked at; nothing below it is judged until it is back."""
        self.set_availability(root, "unavailable", reason)

    def find_again(self, root: WatchedRoot) -> None:
        """Note that a root is there again."""
        if root.availability == "unavailable":
            self.set_availability(root, "available", None)

    def follow_up(self, root: WatchedRoot, looked: Looked, *, is_hinted: bool) -> None:
        """Order what a commit of looks left to be done."""
        self.may_be_due = self.may_be_due or looked.may_be_due
        if root.walks:
            root.seen_meanwhile |= looked.seen
        for order in looked.orders:
            root.look(order)
        for folder in looked.folders:
            if not root.is_ignored_folder(folder):
                root.walk(folder)
        for folder, names in looked.replaced.items():
            root.look(LookOrder(directory=folder, names=frozenset(names), tag=ReplacedCheck()))
        if looked.needs_pass:
            root.walk(is_full=True)
        if is_hinted and len(self.hot) < HOT_AT_MOST:
            self.hot |= dict.fromkeys(looked.made.values(), HINTED)
        root.files_seen += looked.files

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
