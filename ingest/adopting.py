"""Commits what a main file was found to name (T5): its files are adopted, and read with it once they are quiet."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from catalog import jobs, named_files, store
from catalog.adopting import NamedSighting, adopt, main_of, named_sightings, standing_alone
from catalog.connections import Connection
from catalog.held_sets import keep_held_set
from ingest.core import Core
from ingest.filesets import fileset_key
from ingest.naming import judge_named
from ingest.work import ReadResult
from ingest.working import UnderWay, failed


def take_described(core: Core, connection: Connection, result: ReadResult, under_way: UnderWay) -> None:
    """Commit what a main file names (T5): its files are adopted, and looked at with it before they are read."""
    failure = failed(result, under_way.job, now=core.steady.now())
    if not jobs.holds_claim(connection, failure):
        return
    root, now = under_way.root, core.clock.now()
    looking = core.looking(connection, root)
    fileset = main_of(connection, result.fileset_id)
    members = [member.path for member in under_way.job.members]
    # Where each file describes all of them the next one does when the first is gone.
    main = next((path for path in members if fileset_key(path) == bytes(fileset.key)), members[0])
    found = named_sightings(connection, root.id, [named.path for named in result.names])
    theirs = _without_strangers(connection, list(found.values())) if result.is_mutual else found.values()
    verdict = judge_named(looking.deciding, fileset, main, theirs, is_mutual=result.is_mutual)
    if verdict.quarantined is not None:
        refused = failed(result, under_way.job, now=core.steady.now(), reason=verdict.quarantined)
        jobs.fail_jobs(connection, [refused], now=now, via=core.via)
        return
    if verdict.is_for_apply:
        _keep_names(connection, root.id, fileset, main, result)
    if verdict.held is not None:
        store.hold_fileset(connection, result.fileset_id, "held", verdict.held, now=now, via=core.via)
        return
    named = {one.path: one.is_needed for one in result.names}
    named_files.keep_named(connection, root.id, result.fileset_id, named)
    settle = timedelta(seconds=fileset.placement["settle_s"])
    adopt(connection, result.fileset_id, verdict.files, due_at=looking.deciding.now + settle)
    root.has_named = core.may_be_due = True


def _without_strangers(connection: Connection, files: Sequence[NamedSighting]) -> list[NamedSighting]:
    """Leave out what can't be one of files that all describe each other: it was read, and describes none.

    Something else was written in its place. It counts as a file that is not there.
    """
    done = [file.fileset_id for file in files if file.is_done and file.fileset_id is not None]
    alone = standing_alone(connection, done)
    return [file for file in files if not (file.is_done and file.fileset_id in alone)]


def _keep_names(connection: Connection, root_id: int, fileset: Any, main: bytes, result: ReadResult) -> None:
    """Keep what a main file names that waits for `apply`: with its fileset, if it is catalogued, else with the file."""
    if fileset.done_digest is not None:
        named = {one.path: one.is_needed for one in result.names}
        named_files.keep_named(connection, root_id, fileset.id, named)
        return
    file = named_sightings(connection, root_id, [main]).get(main)
    if file is not None:
        names = frozenset(one.path for one in result.names)
        place = (file.directory_id, file.name)
        keep_held_set(connection, root_id, place, names, is_mutual=bool(result.is_mutual))
