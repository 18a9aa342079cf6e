"""Commits what walks of a root show (T1, T8), and its full passes as they end."""

from catalog import roots
from ingest.core import Core
from ingest.listing import ListingPart, PassEnded, RootLost
from ingest.looking import Looking
from ingest.watched import WatchedRoot

ROWS_AT_MOST = 1000


def take_parts(core: Core, root: WatchedRoot) -> bool:
    """Commit a batch of parts of a root's walks, or the end of one; tells whether there was anything."""
    while len(root.parts) < 64 and not root.scanner.parts.empty():
        root.parts.append(root.scanner.parts.get_nowait())
    if not root.parts:
        return False
    first = root.parts[0]
    if isinstance(first, ListingPart):
        _take_listing(core, root)
        return True
    if isinstance(first, RootLost):
        core.lose(root, first.reason)
    elif root.moves_under_way:
        return False
    else:
        _end_walk(core, root, first)
    root.parts.popleft()
    return True


def _take_listing(core: Core, root: WatchedRoot) -> None:
    batch: list[ListingPart] = []
    rows = 0
    for part in root.parts:
        if not isinstance(part, ListingPart) or (batch and rows + len(part.entries) > ROWS_AT_MOST):
            break
        if batch and (part.walk != batch[0].walk or any(part.directory == one.directory for one in batch)):
            break
        batch.append(part)
        rows += len(part.entries)
    with core.catalogue.writing() as connection:
        looked = core.looking(connection, root).parts(batch)
    core.find_again(root)
    core.follow_up(root, looked, is_hinted=False)
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


def _end_walk(core: Core, root: WatchedRoot, ended: PassEnded) -> None:
    walk = root.walks.get(ended.number)
    if walk is None:
        return
    if ended.failure is None:
        with core.catalogue.writing() as connection:
            looking = core.looking(connection, root)
            absent = walk.absent + (looking.unvisited(walk.visited) if ended.is_full else [])
            absent = [key for key in absent if key not in root.seen_meanwhile]
            if ended.is_full:
                _end_pass(core, looking, ended, absent)
            elif ended.other is None:
                core.mark(looking, absent)
    root.end_walk(ended.number)


def _end_pass(core: Core, looking: Looking, ended: PassEnded, absent: list[tuple[int, bytes]]) -> None:
    root, brake = looking.root, core.brakes[looking.root.id]
    refused = ended.other or looking.mark_gone(absent, brake)
    if refused is not None:
        core.set_availability(looking.connection, root, "braked", refused)
    elif not root.can_be_used or root.availability == "braked":
        core.set_availability(looking.connection, root, "available", None)
    if refused is not None:
        roots.end_pass(looking.connection, root.id, root.identity, now=looking.now)
        root.last_pass_ended_at = looking.now
        return
    brake.is_released = False
    sample = roots.sample_of(looking.connection, root.id)
    identity = dict(ended.identity) | {"sample": [path.hex() for path in sample]}
    roots.end_pass(looking.connection, root.id, identity, now=looking.now)
    root.identity, root.last_pass_ended_at = identity, looking.now
