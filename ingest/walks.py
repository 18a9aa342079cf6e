"""Commits what walks of a root show (T1, T8), and its full passes as they end."""

from collections.abc import Mapping, Sequence

from catalog import roots, sightings
from catalog.connections import Connection
from ingest.checks import ReplacedCheck
from ingest.core import Core
from ingest.inner_mounts import with_mounts
from ingest.listing import ListingPart, LookOrder, PassEnded, RootLost
from ingest.looking import REPLACED_AT_MOST, Looked
from ingest.unvisited import unvisited
from ingest.watched import Walk, WatchedRoot

ROWS_AT_MOST = 1000
FOLDERS_AT_ONCE = 100


def take_parts(core: Core, root: WatchedRoot) -> bool:
    """Commit a batch of parts of a root's walks, or the end of one; tells whether there was anything."""
    if not root.parts:
        root.parts.extend(root.scanner.take_parts())
    if not root.parts:
        return False
    first = root.parts[0]
    if isinstance(first, ListingPart):
        batch = _together(root)
        root.parts_together.take(len(batch), lambda: _take_listing(core, root, batch))
        return True
    if isinstance(first, RootLost):
        core.lose(root, first.reason)
    elif root.moves_under_way or root.replaced_under_way or _looks_at_replaced(root, first):
        return False
    else:
        _end_walk(core, root, first)
    root.parts.popleft()
    return True


def _together(root: WatchedRoot) -> list[ListingPart]:
    """Give the next parts of one walk, of different folders, that are committed together."""
    batch: list[ListingPart] = []
    rows = 0
    for part in root.parts:
        if not isinstance(part, ListingPart) or (batch and rows + len(part.entries) > ROWS_AT_MOST):
            break
        if batch and (root.parts_together.is_alone or part.walk != batch[0].walk):
            break
        if any(part.directory == one.directory for one in batch):
            break
        batch.append(part)
        rows += len(part.entries)
    return batch


def _take_listing(core: Core, root: WatchedRoot, batch: Sequence[ListingPart]) -> None:
    walk = root.walks.get(batch[0].walk)
    with core.catalogue.writing() as connection:
        if walk is not None and walk.order.is_full and not walk.directories:
            roots.begin_pass(connection, root.id, now=core.clock.now())
        looked = core.looking(connection, root).parts(batch)
        _keep_mounts(core, connection, root)
    core.find_again(root)
    if walk is not None:
        _put_off(walk, looked)
    core.follow_up(root, looked, is_hinted=False)
    if walk is not None:
        walk.visited |= looked.visited
        walk.absent.add(looked.absent, lasting=looked.absent_lasting)
        walk.files += looked.files
        walk.directories += len(looked.visited)
    for full in root.walks.values():
        if full is not walk and full.order.is_full:
            full.visited |= looked.visited
    root.directories_seen += len(looked.visited)
    _see_trouble(root, batch, core.clock.monotonic())
    for _ in batch:
        root.parts.popleft()


def _keep_mounts(core: Core, connection: Connection, root: WatchedRoot) -> None:
    """Keep with the root what is mounted inside it, as soon as its files are known; the first pass does at its end."""
    mounts = root.scanner.mounts
    if mounts.known is root.kept_mounts or root.identity is None or core.is_accepted(connection, root):
        return
    root.kept_mounts = mounts.known
    root.identity = with_mounts(root.identity, mounts)
    roots.keep_identity(connection, root.id, root.identity)


def _see_trouble(root: WatchedRoot, parts: Sequence[ListingPart], now_s: float) -> None:
    for part in parts:
        if part.problem is not None:
            root.troubled.failed(part.directory, now_s)
        elif part.low is None:
            root.troubled.listed(part.directory)


def walk_troubled(core: Core) -> None:
    """Walk folders again that could not be looked at whole."""
    for root in core.roots.values():
        if root.can_be_used:
            for folder in root.troubled.take_due(core.clock.monotonic()):
                root.walk(folder)


def _put_off(walk: Walk, looked: Looked) -> None:
    """Keep what was replaced until the walk's end, when all moves have been seen; when it is much, look soon."""
    if sum(map(len, walk.replaced.values())) >= REPLACED_AT_MOST:
        return
    for folder, names in looked.replaced.items():
        walk.replaced.setdefault(folder, set()).update(names)
    looked.replaced.clear()


def _end_walk(core: Core, root: WatchedRoot, ended: PassEnded) -> None:
    """Mark what the walk did not find (T8), in short transactions; then the pass has ended."""
    walk = root.walks.get(ended.number)
    if walk is None:
        return
    if ended.failure is None and not walk.is_broken:
        refused = ended.other or _mark_absent(core, root, walk)
        if ended.is_full:
            _end_pass(core, root, walk, ended, refused)
        elif refused is not None and (ended.other is None or root.availability != "braked"):
            root.walk(is_full=True)  # it decides; of another root in this one's place it says so
    root.end_walk(ended.number)


def _mark_absent(core: Core, root: WatchedRoot, walk: Walk) -> str | None:
    """Mark what is gone, a page a transaction; or mark nothing, and say why."""
    brake = core.brakes[root.id]
    with core.catalogue.reading() as connection:
        looking = core.looking(connection, root)
        folders = unvisited(looking.connection, root.id, walk.visited) if walk.order.is_full else []
        count = walk.absent.lasting + looking.count_present(folders)
        refused = brake.why_not(count, looking.counts)
    if refused is not None:
        return refused
    while keys := walk.absent.first():
        with core.catalogue.writing() as connection:
            there = root.seen_meanwhile
            core.looking(connection, root).mark_gone([key for key in keys if key not in there], brake)
        walk.absent.drop_first()
    while folders:
        with core.catalogue.writing() as connection:
            looking = core.looking(connection, root)
            found = looking.present_in(folders[:FOLDERS_AT_ONCE])
            keys = [key for key in found if key not in root.seen_meanwhile]
            looking.mark_gone(keys, brake)
            if not keys:
                sightings.forget_problems(connection, folders[:FOLDERS_AT_ONCE])
        if not keys:
            del folders[:FOLDERS_AT_ONCE]
    return None


def _end_pass(core: Core, root: WatchedRoot, walk: Walk, ended: PassEnded, refused: str | None) -> None:
    if refused is not None:
        if walk.expected is not root.identity:
            root.walk(is_full=True)  # the root was accepted while it was walked: only the next walk can judge
            return
        core.set_availability(root, "braked", refused)
        if root.availability == "braked":
            _note_end(core, root, root.identity)
        return
    if root.availability != "available":
        core.set_availability(root, "available", None)
    core.brakes[root.id].is_released = False
    root.troubled.forget_gone()
    with core.catalogue.reading() as connection:
        sample = roots.sample_of(connection, root.id)
        _sample_mounts(connection, root)
    identity = dict(ended.identity) | {"sample": [path.hex() for path in sample]}
    _note_end(core, root, with_mounts(identity, root.scanner.mounts))


def _sample_mounts(connection: Connection, root: WatchedRoot) -> None:
    """Take the files by which the mounts inside are recognised; one without files that is away is forgotten."""
    mounts, samples = root.scanner.mounts, {}
    for path in mounts.known:
        found = roots.sample_of(connection, root.id, below=path)
        if found:
            samples[path] = [one[len(path) + 1 :].hex() for one in found]
    mounts.samples = samples
    mounts.forget([path for path in mounts.away() if path not in samples])


def _note_end(core: Core, root: WatchedRoot, identity: Mapping[str, object] | None) -> None:
    now = core.clock.now()
    with core.catalogue.writing() as connection:
        is_accepted = core.is_accepted(connection, root)
        if not is_accepted:
            roots.end_pass(connection, root.id, identity, now=now)
    if is_accepted:  # by a person, while the root was walked
        core.accept(root)
    else:
        root.identity, root.last_pass_ended_at, root.kept_mounts = identity, now, root.scanner.mounts.known


def _looks_at_replaced(root: WatchedRoot, ended: PassEnded) -> bool:
    """Look again at names that hold another file than before: by now it is known whether the old one moved."""
    walk = root.walks.get(ended.number)
    if walk is None or not walk.replaced:
        return False
    for folder, names in walk.replaced.items():
        root.look(LookOrder(directory=folder, names=frozenset(names), tag=ReplacedCheck()))
    walk.replaced.clear()
    return True
