"""Claims ready jobs for the workers (T3): a batch of them in the order of work, with the files that are to be read."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, null, select, update

from catalog.looks import MemberRow, StartedJob
from catalog.members import bounded, members_of, with_known
from catalog.models.ingest import Fileset, Job
from catalog.named_files import named_by

#: So many jobs are claimed at once whatever their size; more only of small files, up to so many bytes together.
FEW_JOBS = 25
SMALL_BYTES = 64_000_000


def start_jobs(
    connection: Connection, *, instance_id: int, root_ids: Sequence[int], limit: int, only_suspects: bool = False
) -> list[StartedJob]:
    """Claim up to ``limit`` ready jobs in the order of work.

    ``only_suspects``: of those that were under way when a process died, the least suspect first.
    """
    query = _SUSPECTS if only_suspects else _READY
    rows = connection.execute(query, {"roots": list(root_ids), "limit": limit}).all()
    if not rows:
        return []
    rows = bounded(connection, rows, {row.fileset_id: row.grouping for row in rows})
    members = members_of(connection, [row.fileset_id for row in rows])
    rows = rows[: count_to_claim([members.get(row.fileset_id, ()) for row in rows])]
    for kind in {row.kind for row in rows}:
        ids = [row.fileset_id for row in rows if row.kind == kind]
        connection.execute(_START, {"ids": ids, "b_kind": kind, "b_instance": instance_id})
    several = [row.fileset_id for row in rows if row.grouping != "file"]
    members |= with_known(connection, members, several)
    return [_started(connection, row, members) for row in rows]


def count_to_claim(members: Sequence[Iterable[MemberRow]]) -> int:
    """Tell how many of some jobs, given by their files, are claimed together: FEW_JOBS, or more while they are small.

    Each is up to three times under way when a process dies, and what is hinted waits for what workers have already.
    """
    total = 0
    for count, files in enumerate(members):
        total += sum(file.size_bytes for file in files)
        if count >= FEW_JOBS and total > SMALL_BYTES:
            return count
    return len(members)


def _started(connection: Connection, row: Row[Any], members: Mapping[int, tuple[MemberRow, ...]]) -> StartedJob:
    return StartedJob(
        fileset_id=row.fileset_id,
        kind=row.kind,
        claim=row.claim + 1,
        digest=bytes(row.digest),
        root_id=row.root_id,
        document=row.placement,
        attempts=row.attempts + 1,
        deaths=row.deaths + 1,
        grouping=row.grouping,
        key=bytes(row.key),
        named=named_by(connection, row.fileset_id) if row.grouping == "index" else frozenset(),
        members=members.get(row.fileset_id, ()),
    )


# Made once: building a statement costs as much as claiming twenty jobs.
_OF_ROOTS = (
    select(Job.fileset_id, Job.kind, Job.claim, Job.digest, Job.attempts, Job.deaths)
    .add_columns(Fileset.root_id, Fileset.placement, Fileset.grouping, Fileset.key)
    .join(Fileset, Fileset.id == Job.fileset_id)
    .where(
        Job.state == "ready",
        Job.kind.in_(("import", "hash")),
        Fileset.root_id.in_(bindparam("roots", expanding=True)),
    )
    .limit(bindparam("limit"))
)
_READY = _OF_ROOTS.order_by(Job.priority, Job.fileset_id)
_SUSPECTS = _OF_ROOTS.where(Job.deaths > 0).order_by(Job.deaths, Job.priority, Job.fileset_id)
_START = (
    update(Job)
    .where(Job.fileset_id.in_(bindparam("ids", expanding=True)), Job.kind == bindparam("b_kind"))
    .values(
        state="started",
        claim=Job.claim + 1,
        attempts=Job.attempts + 1,
        deaths=Job.deaths + 1,
        instance_id=bindparam("b_instance"),
        next_try_at=null(),
    )
    .execution_options(synchronize_session=False)
)
