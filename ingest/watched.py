"""One watch root while the ingest runs: its rules, its scanner, and how its passes stand. Used by the loop's thread."""

import itertools
import os
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from catalog.roots import KnownRoot
from config.rules import RootRules
from config.settings import WatchSettings
from ingest.absent import Absent
from ingest.checks import AgainCheck, HintCheck, MoveCheck, ReplacedCheck
from ingest.listing import ListingPart, LookOrder, NamesLook, PassEnded, RootLost, WalkOrder
from ingest.regrouping import KeysNow
from ingest.scanner import RootScanner
from ingest.together import Together
from ingest.troubled import TroubledFolders

#: So many looks of hints may be asked of the scanner: what comes meanwhile waits by folder, and is looked at together.
HINTS_AHEAD = 100


@dataclass(slots=True, kw_only=True)
class Walk:
    """A walk under way. ``absent`` are known paths that its listings did not show.

    ``expected`` is the root's identity as known when it was ordered; ``replaced`` are names, by folder, of imported
    files in whose place another file lies: they are looked at again once moves are settled.
    """

    order: WalkOrder
    expected: Mapping[str, object] | None = None
    visited: set[int] = field(default_factory=set)
    absent: Absent = field(default_factory=Absent)
    replaced: dict[bytes, set[bytes]] = field(default_factory=dict)
    files: int = 0
    directories: int = 0
    #: A part of it was dropped: what it did not come by may be there.
    is_broken: bool = False


class WatchedRoot:
    """The state of one root in the loop. ``availability`` as in the root's row."""

    def __init__(self, row: KnownRoot, watch: WatchSettings, rules: RootRules, scanner: RootScanner) -> None:
        self.id = row.id
        self.name = row.name
        self.path = os.fsencode(watch.root)
        self.watch = watch
        self.rules = rules
        self.scanner = scanner
        self.identity = row.identity
        self.availability = row.availability
        self.reason = row.reason
        #: The mounts inside it as they are kept in its row.
        self.kept_mounts = scanner.mounts.known
        self.overflow_count = row.overflow_count
        self.last_pass_ended_at: datetime | None = row.last_pass_ended_at
        self.walks: dict[int, Walk] = {}
        #: The last walks that ended, for whoever waits for one.
        self.ended_walks: dict[int, Walk] = {}
        #: What was seen by other looks while walks were under way: their older listings can't tell that it is gone.
        self.seen_meanwhile: set[tuple[int, bytes]] = set()
        self.files_seen = 0
        self.directories_seen = 0
        self.looks_under_way = 0
        self.hints_under_way = 0
        self.moves_under_way = 0
        self.replaced_under_way = 0
        #: Due filesets whose members are being looked at.
        self.looking: set[int] = set()
        self.answers_together = Together(f"looks at {row.name}")
        self.parts_together = Together(f"parts of {row.name}")
        #: Taken from the scanner and not committed yet: an error of the database loses none.
        self.parts: deque[ListingPart | PassEnded | RootLost] = deque()
        self.answers: deque[tuple[LookOrder, NamesLook | RootLost]] = deque()
        #: Where placing again stands: the last key, or None when it is done.
        self.again_after: tuple[int, bytes] | None = None
        #: The newest fileset when placing again began: later ones are placed by what is in force now.
        self.again_up_to = 0
        self.is_placing_again = False
        #: Whether what is ignored, skipped or unmatched is placed again, too: a person decided about paths.
        self.is_placing_all = False
        self.retry_at_s = 0.0
        #: Whether files may be there that another file names.
        self.has_named = True
        self.troubled = TroubledFolders()
        #: What the rules of now make of what was catalogued under others.
        self.keys_now = KeysNow()
        self._numbers = itertools.count(1)

    @property
    def can_be_used(self) -> bool:
        """Tell whether files of the root can be looked at and read."""
        return self.availability in ("available", "braked")

    @property
    def has_disk_away(self) -> bool:
        """Tell whether something that was mounted inside it is not there."""
        return bool(self.scanner.mounts.away())

    @property
    def is_storage(self) -> bool:
        """Tell whether its files are only further places of known ones."""
        return self.watch.role == "storage"

    @property
    def has_hints_enough(self) -> bool:
        """Tell whether hints had better wait: those before them are not looked at yet."""
        return self.hints_under_way >= HINTS_AHEAD

    @property
    def is_unsettled(self) -> bool:
        """Tell whether something was seen, or asked of the scanner, that is not committed."""
        return bool(self.looks_under_way or self.parts or self.answers or self.is_placing_again)

    def end_walk(self, number: int) -> None:
        """Note that a walk came to its end."""
        walk = self.walks.pop(number, None)
        self.scanner.begun.discard(number)
        if walk is not None:
            walk.visited, walk.absent = set(), Absent()
            self.ended_walks[number] = walk
        if not self.walks:
            self.seen_meanwhile.clear()
        while len(self.ended_walks) > 100:
            self.ended_walks.pop(next(iter(self.ended_walks)))

    @property
    def is_scanning(self) -> bool:
        """Tell whether a full pass is ordered or under way."""
        return any(walk.order.is_full for walk in self.walks.values())

    def walk(self, directory: bytes = b"", *, is_full: bool = False, is_flat: bool = False) -> int:
        """Order a walk, unless one like it is ordered and not begun yet; gives its number."""
        for number, walk in self.walks.items():
            same = (walk.order.directory, walk.order.is_full, walk.order.is_flat) == (directory, is_full, is_flat)
            if same and number not in self.scanner.begun:
                return number
        order = WalkOrder(number=next(self._numbers), directory=directory, is_full=is_full, is_flat=is_flat)
        self.walks[order.number] = Walk(order=order, expected=self.identity)
        self.scanner.expected = self.identity
        self.scanner.walk(order)
        return order.number

    def look(self, order: LookOrder) -> None:
        """Order a look at single names."""
        self.looks_under_way += 1
        self.hints_under_way += isinstance(order.tag, HintCheck)
        self.moves_under_way += isinstance(order.tag, MoveCheck)
        self.replaced_under_way += isinstance(order.tag, ReplacedCheck)
        self.scanner.expected = self.identity
        self.scanner.look(order)

    def look_at(self, paths: Iterable[bytes], tag: AgainCheck | HintCheck) -> None:
        """Order looks at paths, folder by folder."""
        by_folder: dict[bytes, set[bytes]] = {}
        for path in paths:
            folder, _, name = path.rpartition(b"/")
            by_folder.setdefault(folder, set()).add(name)
        for folder, names in by_folder.items():
            self.look(LookOrder(directory=folder, names=frozenset(names), tag=tag))

    def answered(self, order: LookOrder) -> None:
        """Note that a look was answered and committed."""
        self.looks_under_way -= 1
        self.hints_under_way -= isinstance(order.tag, HintCheck)
        self.moves_under_way -= isinstance(order.tag, MoveCheck)
        self.replaced_under_way -= isinstance(order.tag, ReplacedCheck)

    def is_ignored_folder(self, path: bytes) -> bool:
        """Tell whether a folder is left out with all below it."""
        return self.rules.ignored(path) is not None
