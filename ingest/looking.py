"""Commits looks (T1, T8, T9): compares what a scanner saw with what is known, and writes the difference."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from catalog import sightings, store
from catalog.connections import Connection
from catalog.differing import PLACEMENT
from catalog.jobs import wake_closed
from catalog.looks import ChangedFile, DirectoryLook, KnownSighting, SeenFile
from catalog.missing import forget_renamed, mark_missing
from catalog.moves import Move, MoveCandidate, move_candidates, move_file
from catalog.name_neighbours import had_other_rules
from catalog.named_files import has_named
from catalog.plate_members import wake_by_marker
from catalog.set_moves import joins_another, move_part
from catalog.table_refresh import refresh_by_index, refresh_by_table
from config.path_text import path_text
from ingest.brake import Brake
from ingest.checks import MoveCheck
from ingest.deciding import Deciding, changed_file, decide, digest_of, is_unchanged, part_move, seen_file
from ingest.differences import Differences, differences, of_directory
from ingest.documents import placement_document
from ingest.filesets import fileset_key
from ingest.folders import below
from ingest.indexes.finding import described_by
from ingest.listing import Entry, EntryKind, ListingPart, LookOrder, NamesLook
from ingest.moving import exchanged, has_left, partners
from ingest.naming import adopt_late
from ingest.placement import NotPlaced
from ingest.regrouping import hold_joining
from ingest.watched import WatchedRoot

#: So many keys are had at once.
GONE_AT_MOST = 2500
#: So many replaced files are put off; more are updates at once.
REPLACED_AT_MOST = 10_000
#: What lies in a folder.
_There = tuple[bytes, Entry]


@dataclass(slots=True, kw_only=True)
class Looked:
    """What a commit of looks leaves to be done: orders for the scanner, folders to walk, filesets made due."""

    orders: list[LookOrder] = field(default_factory=list)
    folders: list[bytes] = field(default_factory=list)
    absent: list[tuple[int, bytes]] = field(default_factory=list)
    #: How many of these matter to the brake: what was only ignored or skipped does not.
    absent_lasting: int = 0
    #: Known folders that are gone with all below them, by id.
    gone_folders: list[int] = field(default_factory=list)
    visited: set[int] = field(default_factory=set)
    #: Names, by folder, of imported files in whose place another file lies: not written, to be looked at again.
    replaced: dict[bytes, set[bytes]] = field(default_factory=dict)
    needs_pass: bool = False
    files: int = 0
    #: Whether anything was written that may have made a fileset due.
    may_be_due: bool = True
    made: dict[bytes, int] = field(default_factory=dict)
    #: What is there (directory id, name), where an older listing may yet be committed that does not show it.
    seen: set[tuple[int, bytes]] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """The context of a commit of looks at one root. ``now`` is the wall clock's, for what is stored for people."""

    connection: Connection
    root: WatchedRoot
    deciding: Deciding
    configuration_id: int | None
    now: datetime
    via: str

    def parts(self, parts: Sequence[ListingPart]) -> Looked:
        """Commit parts of listings; what their ranges no longer show is given back, not yet marked."""
        looked = Looked(may_be_due=False)
        looks = {part.directory: _directory_look(part) for part in parts}
        ids = store.record_directories(self.connection, self.root.id, list(looks.values()), now=self.now)
        whole = [ids[part.directory] for part in parts if part.low is None and part.high is None]
        rows = sightings.looks_in_directories(self.connection, whole)
        # A full walk that has not begun will list what is there then: what is seen now says nothing against it.
        others = self.root.walks.keys() & self.root.scanner.begun - {part.walk for part in parts}
        is_among_others = any(self.root.walks[number].order.is_full for number in others)
        new: list[_There] = []
        for part in parts:
            directory_id = ids[part.directory]
            looked.visited.add(directory_id)
            looked.files += len(part.entries)
            if part.low is None and part.high is None:
                stored = of_directory(rows, directory_id)
            else:
                stored = sightings.looks_in_range(self.connection, directory_id, part.low, part.high)
            found = differences(directory_id, part, stored)
            if found and stored:
                self._take_differences(looked, part.directory, directory_id, found)
            elif found:
                new += [(part.directory, entry) for entry in found.entries]
            if is_among_others:
                looked.seen |= {(directory_id, entry.name) for entry in part.entries}
            if part.is_flat:
                looked.folders += self._new_folders(part.directory, part.folders)
        if new:  # of folders of which nothing was stored; each would take statements of its own
            looked.may_be_due = True
            self._take_fresh(looked, [one for one in new if self._counts(*one)])
        return looked

    def _take_differences(self, looked: Looked, directory: bytes, directory_id: int, found: Differences) -> None:
        """Commit what a part of a listing shows otherwise than it was known."""
        looked.may_be_due = True
        names = [*found.known, *found.gone]
        known = {bytes(row.name): row for row in sightings.known_by_names(self.connection, directory_id, names)}
        self._compare(looked, directory, found.entries, known)
        looked.absent += [(directory_id, name) for name in found.gone]
        looked.absent_lasting += sum(known[name].disposition not in ("ignored", "skipped") for name in found.gone)

    def names(self, look: NamesLook, *, is_again: bool = False, may_move: bool = True) -> Looked:
        """Commit a look at single names; ``is_again``: place them though they did not change."""
        looked = Looked(files=len(look.entries))
        for entry, candidate in () if may_move else exchanged(self.connection, self.root.id, look):
            self._move(MoveCheck(directory=look.directory, entry=entry, was_closed=False), candidate)
        names = [entry.name for entry in look.entries]
        known = self._known(look.directory, names)
        if look.entries:
            self._need_directory(look.directory)
        self._compare(
            looked, look.directory, look.entries, known, closed=look.closed, is_again=is_again, may_move=may_move
        )
        for replaced in looked.replaced.values():
            replaced |= partners(self.connection, self.root.id, look, replaced)
        if self.root.walks and look.entries:
            directory_id = sightings.directory_ids(self.connection, self.root.id, [look.directory])[look.directory]
            looked.seen = {(directory_id, entry.name) for entry in look.entries}
        self._gone(looked, look.directory, look.gone)
        there = self._known(look.directory, list(look.folders)) if look.folders else {}  # where a file lay
        looked.absent += [(row.directory_id, name) for name, row in there.items() if not row.is_missing]
        looked.folders += [below(look.directory, name) for name in look.folders]
        return looked

    def _need_directory(self, directory: bytes) -> None:
        if directory not in sightings.directory_ids(self.connection, self.root.id, [directory]):
            look = DirectoryLook(path=directory, is_whole=False)
            store.record_directories(self.connection, self.root.id, [look], now=self.now)

    def _known(self, directory: bytes, names: Sequence[bytes]) -> dict[bytes, KnownSighting]:
        ids = sightings.directory_ids(self.connection, self.root.id, [directory])
        if directory not in ids or not names:
            return {}
        return {bytes(row.name): row for row in sightings.known_by_names(self.connection, ids[directory], names)}

    def _gone(self, looked: Looked, directory: bytes, names: Iterable[bytes]) -> None:
        """Note what is known at names that are gone: files, and folders with all below."""
        ids = sightings.directory_ids(self.connection, self.root.id, [directory])
        for name in names:
            if directory in ids:
                looked.absent.append((ids[directory], name))
            looked.gone_folders += sightings.directories_below(self.connection, self.root.id, below(directory, name))

    def _new_folders(self, directory: bytes, names: Iterable[bytes]) -> list[bytes]:
        paths = [below(directory, name) for name in names]
        known = sightings.directory_ids(self.connection, self.root.id, paths)
        return [path for path in paths if path not in known]

    def _compare(
        self,
        looked: Looked,
        directory: bytes,
        entries: Sequence[Entry],
        known: dict[bytes, KnownSighting],
        *,
        closed: frozenset[bytes] = frozenset(),
        is_again: bool = False,
        may_move: bool = True,
    ) -> None:
        fresh: list[Entry] = []
        changed: list[ChangedFile] = []
        self._see_closed([known[entry.name] for entry in entries if entry.name in closed & known.keys()], entries)
        for entry in entries:
            stored = known.get(entry.name)
            if stored is None:
                if self._counts(directory, entry):
                    fresh.append(entry)
            elif stored.is_done:
                if not is_unchanged(entry, stored):
                    if may_move and self._is_replaced(looked, directory, entry, stored):
                        continue
                    changed.append(self._changed(directory, entry, stored, closed))
            elif is_again or not is_unchanged(entry, stored):
                fresh.append(entry)
        self._take_fresh(looked, [(directory, one) for one in fresh], changed, known, closed=closed, may_move=may_move)

    def _take_fresh(
        self,
        looked: Looked,
        fresh: Sequence[_There],
        changed: Sequence[ChangedFile] = (),
        known: Mapping[bytes, KnownSighting] = MappingProxyType({}),
        *,
        closed: frozenset[bytes] = frozenset(),
        may_move: bool = True,
    ) -> None:
        """Write what is new, or other than it was stored; ``known`` are the rows of the one folder, if any are."""
        new = [one for one in fresh if one[1].name not in known] if known else fresh
        withheld = self._withhold(looked, new, closed) if may_move else set()
        files = [self._seen(*one, closed) for one in fresh if not withheld or (one[0], one[1].name) not in withheld]
        looked.made |= self._write(files, changed, known.keys())
        told = [one for one in fresh if one[1].name not in known or not is_unchanged(one[1], known[one[1].name])]
        self._see_tables(told)
        self._see_indexes(told)
        self._see_markers(told)

    def _see_markers(self, new: Sequence[_There]) -> None:
        """Have filesets judged again that wait for a file of this name."""
        for directory, entry in new if self.root.rules.has_markers else ():
            if self.root.rules.may_be_marker(entry.name):
                name = path_text(entry.name)
                wake_by_marker(self.connection, self.root.id, directory, name, due_at=self.deciding.now)

    def _see_closed(self, known: Sequence[KnownSighting], entries: Sequence[Entry]) -> None:
        """Read at once what waited for its writer, who closed it without a further change."""
        now = {entry.name: entry for entry in entries}
        same = [one for one in known if is_unchanged(now[bytes(one.name)], one)]
        filesets = [one.fileset_id for one in same if one.fileset_id is not None]
        if filesets:
            wake_closed(self.connection, filesets)

    def _see_tables(self, new: Sequence[_There]) -> None:
        """Have images read again whose table beside the plate is new or changed."""
        for directory, entry in new if self.root.rules.has_tables else ():
            if entry.kind is EntryKind.FILE and self.root.rules.may_be_table(entry.name):
                refresh_by_table(
                    self.connection,
                    self.root.id,
                    directory,
                    path_text(entry.name),
                    largest_bytes=self.root.watch.hash_now_bytes,
                    due_at=self.deciding.now + self.deciding.root_settle,
                )

    def _see_indexes(self, new: Sequence[_There]) -> None:
        """Have images described again by an instrument's index that is new or changed."""
        for directory, entry in new:
            described = described_by(path_text(entry.name)) if entry.kind is EntryKind.FILE else None
            if described is not None:
                refresh_by_index(
                    self.connection,
                    self.root.id,
                    directory,
                    described.covers,
                    is_deep=described.is_deep,
                    is_detail=described.is_detail,
                    largest_bytes=self.root.watch.hash_now_bytes,
                    due_at=self.deciding.now + self.deciding.root_settle,
                )

    def _is_replaced(self, looked: Looked, directory: bytes, entry: Entry, stored: KnownSighting) -> bool:
        """Put off an imported name that holds another file now: the one that lay there may turn up elsewhere (T9)."""
        is_other = not stored.is_missing and entry.inode != stored.inode and entry.kind is EntryKind.FILE
        if not is_other or sum(map(len, looked.replaced.values())) >= REPLACED_AT_MOST:
            return False
        looked.replaced.setdefault(directory, set()).add(entry.name)
        return True

    def _counts(self, directory: bytes, entry: Entry) -> bool:
        """Tell whether a new name is kept: each file is, with its reason; of other kinds what no rule ignores."""
        return entry.kind is EntryKind.FILE or self.root.rules.ignored(below(directory, entry.name)) is None

    def _changed(self, directory: bytes, entry: Entry, stored: KnownSighting, closed: frozenset[bytes]) -> ChangedFile:
        settle = self.deciding.root_settle
        wait = timedelta(0) if entry.name in closed and not settle else settle
        return changed_file(directory, below(directory, entry.name), entry, stored, self.deciding.now + wait)

    def _seen(self, directory: bytes, entry: Entry, closed: frozenset[bytes]) -> SeenFile:
        path = below(directory, entry.name)
        return seen_file(self.deciding, directory, path, entry, was_closed=entry.name in closed)

    def _write(
        self, files: Sequence[SeenFile], changed: Sequence[ChangedFile], stored: Collection[bytes]
    ) -> dict[bytes, int]:
        store.record_changes(self.connection, self.root.id, changed)
        if self.deciding.has_sets and had_other_rules(self.connection):
            where = (self.connection, self.deciding, self.root.id)
            files = hold_joining(*where, files, self.configuration_id, self.root.keys_now)
        made = store.record_files(
            self.connection,
            self.root.id,
            files,
            configuration_id=self.configuration_id,
            now=self.now,
            via=self.via,
            stored=stored,
        )
        if self.root.has_named:
            self.root.has_named = has_named(self.connection, self.root.id)
            adopt_late(self.connection, self.deciding, self.root.id, [file.path for file in files])
        return made | {fileset_key(below(file.directory, file.name)): file.fileset_id for file in changed}

    def _withhold(self, looked: Looked, new: Sequence[_There], closed: frozenset[bytes]) -> set[tuple[bytes, bytes]]:
        """Ask, for new files that may be moved ones, whether the old path is gone; they wait for the answer."""
        files = [one for one in new if one[1].kind is EntryKind.FILE]
        looks = [(entry.inode, entry.size_bytes, entry.mtime_ns) for _, entry in files]
        candidates = move_candidates(self.connection, self.root.id, looks)
        withheld = set()
        for (directory, entry), key in zip(files, looks, strict=True):
            candidate = candidates.get(key)
            if candidate is not None:
                withheld.add((directory, entry.name))
                folder, _, name = candidate.path.rpartition(b"/")
                check = MoveCheck(directory=directory, entry=entry, was_closed=entry.name in closed)
                looked.orders.append(LookOrder(directory=folder, names=frozenset({name}), tag=check))
        return withheld

    def settle_move(self, check: MoveCheck, old: NamesLook) -> Looked:
        """Finish a withheld new file: the known one moved here if its old path is gone, else it is a new file."""
        entry = check.entry
        key = (entry.inode, entry.size_bytes, entry.mtime_ns)
        candidate = move_candidates(self.connection, self.root.id, [key]).get(key)
        if candidate is not None and not has_left(old, candidate):
            candidate = None
        if candidate is not None and candidate.path == below(check.directory, entry.name):
            candidate = None
        if candidate is not None and candidate.is_done and self._move(check, candidate):
            return self.names(old) if old.entries else Looked()
        closed = frozenset({entry.name}) if check.was_closed else frozenset()
        look = NamesLook(directory=check.directory, entries=(entry,), closed=closed)
        looked = self.names(look, may_move=False)
        if candidate is not None:
            forget_renamed(self.connection, candidate, self.deciding.now)
        return looked

    def _move(self, check: MoveCheck, candidate: MoveCandidate) -> bool:
        """Let a known file be at its new path; False when it belongs to another image there."""
        entry, path = check.entry, below(check.directory, check.entry.name)
        decided, _ = decide(self.deciding, path, entry)
        document: dict[str, Any] | None = None
        differs: dict[str, object] | None = None
        if isinstance(decided, NotPlaced):
            if decided.disposition.value == "held":
                differs = {"reason": decided.reason}
        elif (decided[1].owner_id, decided[1].group_id) == (candidate.owner_id, candidate.group_id):
            document = placement_document(*decided)
        else:
            differs = {
                "owner_id": decided[1].owner_id,
                "group_id": decided[1].group_id,
                PLACEMENT: placement_document(*decided),
            }
        self._need_directory(check.directory)
        ids = sightings.directory_ids(self.connection, self.root.id, [check.directory])
        due_at = self.deciding.now + self.deciding.root_settle
        if candidate.grouping != "file":
            part = part_move(candidate, path, entry, decided, document, differs)
            if joins_another(self.connection, self.root.id, part):
                return False
            where = (self.connection, self.root.id, part, ids[check.directory])
            move_part(*where, due_at=due_at, now=self.now, via=self.via)
            return True
        move = Move(
            candidate=candidate,
            path=path,
            ctime_ns=entry.ctime_ns,
            key=fileset_key(path),
            digest=digest_of(path, entry),
            due_at=due_at,
            document=document,
            owner_differs=differs,
        )
        move_file(self.connection, self.root.id, move, ids[check.directory], now=self.now, via=self.via)
        return True

    def gone(self, absent: Sequence[tuple[int, bytes]], folders: Sequence[int]) -> list[tuple[int, bytes]]:
        """Give the keys of what is known and gone, up to a bound that single looks don't mark."""
        return [*absent, *self.present_in(folders, limit=GONE_AT_MOST)]

    def mark_gone(self, keys: Sequence[tuple[int, bytes]], brake: Brake) -> None:
        """Mark what is gone as missing; the brake was asked."""
        times = {"due_at": self.deciding.now, "now": self.now}
        brake.note(mark_missing(self.connection, self.root.id, keys, **times, via=self.via))

    def counts(self, since: datetime) -> tuple[int, int]:
        """Count the files that are there by the catalogue, and those that went missing since."""
        present = sightings.countable(self.connection, self.root.id)
        return present, sightings.countable(self.connection, self.root.id, missing_after=since)

    def present_in(self, folders: Sequence[int], *, limit: int = GONE_AT_MOST) -> list[tuple[int, bytes]]:
        """Give keys of what is not missing yet in folders, by id."""
        return sightings.present_in(self.connection, folders, limit=limit) if folders else []

    def count_present(self, folders: Sequence[int]) -> int:
        """Count what is not missing yet in folders, by id."""
        return sightings.count_present(self.connection, folders)


def _directory_look(part: ListingPart) -> DirectoryLook:
    return DirectoryLook(path=part.directory, is_whole=part.problem is None, problem=part.problem)
