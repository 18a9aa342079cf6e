"""Commits what a main file was found to name (T5): its files are adopted, and read with it once they are quiet."""

from datetime import timedelta

from catalog import jobs, named_files, store
from catalog.adopting import adopt, main_of, named_sightings
from catalog.connections import Connection
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
    main = next(member.path for member in under_way.job.members if fileset_key(member.path) == bytes(fileset.key))
    found = named_sightings(connection, root.id, [named.path for named in result.names])
    verdict = judge_named(looking.deciding, fileset, main, found.values(), is_mutual=result.is_mutual)
    if verdict.quarantined is not None:
        refused = failed(result, under_way.job, now=core.steady.now(), reason=verdict.quarantined)
        jobs.fail_jobs(connection, [refused], now=now, via=core.via)
        return
    if verdict.held is not None:
        store.hold_fileset(connection, result.fileset_id, "held", verdict.held, now=now, via=core.via)
        return
    named = {one.path: one.is_needed for one in result.names}
    named_files.keep_named(connection, root.id, result.fileset_id, named)
    settle = timedelta(seconds=fileset.placement["settle_s"])
    adopt(connection, result.fileset_id, verdict.files, due_at=looking.deciding.now + settle)
    root.has_named = core.may_be_due = True
