"""The jobs that make hashes of large files later, once it is quiet: after all imports."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, insert, select

from catalog.looks import ReadFileset
from catalog.models.images import OriginalFile
from catalog.models.ingest import Fileset, Job


def hash_jobs(reads: Iterable[ReadFileset]) -> Iterable[dict[str, Any]]:
    """Give the jobs for what was just read."""
    for read in reads:
        yield _hash_job(read.fileset_id, read.digest)


def _hash_job(fileset_id: int, digest: bytes) -> dict[str, Any]:
    return {"fileset_id": fileset_id, "kind": "hash", "digest": digest, "priority": 3, "state": "ready"}


def ask_again(connection: Connection, fileset_ids: Sequence[int]) -> None:
    """Note once more that hashes are to be made, where what is catalogued was only away, renamed, or lost a file."""
    pending = select(OriginalFile.id).where(OriginalFile.fileset_id == Fileset.id, OriginalFile.hash.is_(None))
    asked = select(Job.fileset_id).where(Job.fileset_id == Fileset.id, Job.kind == "hash")
    query = select(Fileset.id, Fileset.done_digest).where(
        Fileset.id.in_(list(fileset_ids)),
        Fileset.done_digest == Fileset.seen_digest,
        Fileset.removed_at.is_(None),
        pending.exists(),
        ~asked.exists(),
    )
    rows = [_hash_job(row.id, bytes(row.done_digest)) for row in connection.execute(query)]
    if rows:
        connection.execute(insert(Job), rows)
