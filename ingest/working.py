"""Turns results of workers into what is committed (T5) or into failures (T6). Pure but for the commit itself."""

from datetime import datetime, timedelta
from typing import Literal, NamedTuple, cast

from catalog.filings import filing_of
from catalog.jobs import DEATHS_AT_MOST, DIED, Failed
from catalog.looks import ReadCopy, ReadFileset, StartedJob
from config.rule_values import TableLookup
from config.settings import Settings
from ingest.documents import is_copy
from ingest.filesets import fileset_key
from ingest.image_facts import NamedChannel
from ingest.placement import NotPlaced, place
from ingest.watched import WatchedRoot
from ingest.work import Look, Member, Outcome, Purpose, ReadResult, ReadTask

#: First waits, s; then the last of them for half an hour, then ten minutes.
_BACK_OFF_S = (5.0, 15.0, 30.0, 60.0)
_OFTEN_UP_TO = 30
#: Files that wait are tried so many a second at most: a tree that may not be read must not keep the workers busy.
_TRIES_A_SECOND = 10
LONGEST_BACK_OFF = timedelta(minutes=10)
_HASH_ALL_BYTES = 1 << 62


class UnderWay(NamedTuple):
    """A job that a worker has."""

    job: StartedJob
    root: WatchedRoot
    configuration_id: int | None

    @property
    def bytes_to_read(self) -> int:
        """Give the size of its files."""
        return sum(member.size_bytes for member in self.job.members)


def task_of(job: StartedJob, root: WatchedRoot, settings: Settings, hashers: tuple[str, ...]) -> ReadTask:
    """Give a claimed job as a worker gets it.

    A hash that was put off is all that is made then; of a set of files all are read, whatever their size.
    ``hashers`` are those that a file below a storage root is compared by.
    """
    document = job.document
    is_hash = (job.kind == "hash" and job.grouping == "file") or is_copy(document)
    return ReadTask(
        fileset_id=job.fileset_id,
        claim=job.claim,
        digest=job.digest,
        root=root.path,
        members=tuple(
            Member(
                path=member.path,
                look=Look(
                    size_bytes=member.size_bytes,
                    mtime_ns=member.mtime_ns,
                    ctime_ns=member.ctime_ns,
                    inode=member.inode,
                ),
                captured=member.captured,
                known=member.known,
            )
            for member in job.members
        ),
        hasher=root.watch.hash.value,
        hash_now_bytes=_HASH_ALL_BYTES if job.kind == "hash" else root.watch.hash_now_bytes,
        thumbnail_px=settings.thumbnails.size_px,
        projection=cast(Literal["middle", "max", "mean"], document.get("projection", "middle")),
        associated_images=cast(Literal["hide", "keep", "drop"], document.get("associated_images", "hide")),
        table=TableLookup(**document["table"]) if document.get("table") else None,
        may_be_open=job.kind == "hash" or job.attempts > _OFTEN_UP_TO,
        grouping=job.grouping,
        is_by_names=document.get("by") == "names",
        channels=tuple(NamedChannel(**channel) for channel in document.get("channels", ())),
        named=job.named,
        strangers=_strangers(job, root),
        main=next((member.path for member in job.members if fileset_key(member.path) == job.key), None),
        purpose=Purpose.HASH if is_hash else Purpose.IMPORT,
        hashers=hashers if is_copy(document) else (),
    )


def _strangers(job: StartedJob, root: WatchedRoot) -> frozenset[bytes]:
    if job.grouping != "index":
        return frozenset()
    paths = (member.path for member in job.members)
    return frozenset(path for path in paths if isinstance(place(root.rules, path), NotPlaced))


def read_fileset(result: ReadResult, under_way: UnderWay) -> ReadFileset:
    """Join what was read with where it goes."""
    return ReadFileset(
        fileset_id=result.fileset_id,
        root_id=under_way.root.id,
        claim=result.claim,
        digest=result.digest,
        format=result.format or "unknown",
        filing=filing_of(under_way.job.document, result.table_pairs, _plate_size(result)),
        files=result.files,
        images=result.images,
        pictures=result.thumbnails,
        planes=result.planes,
        grouping=under_way.job.grouping,
        names={named.path: named.is_needed for named in result.names},
        configuration_id=under_way.configuration_id,
        table_note=result.table_note,
        index_note=result.index_note,
    )


def read_copy(result: ReadResult) -> ReadCopy:
    """Give what was read of a file below a storage root."""
    return ReadCopy(fileset_id=result.fileset_id, claim=result.claim, digest=result.digest, files=result.files)


def _plate_size(result: ReadResult) -> tuple[int, int] | None:
    plate = result.plate
    return None if plate is None or plate.rows is None or plate.columns is None else (plate.rows, plate.columns)


def failed(
    result: ReadResult, job: StartedJob, *, now: datetime, waiting: int = 0, reason: str | None = None
) -> Failed:
    """Give what a result without images means for its job: wait with back-off, or quarantined."""
    is_death = result.outcome is Outcome.DIED
    reason = reason or result.reason or "reading failed without saying why"
    next_try_at: datetime | None = None
    if is_death and job.deaths >= DEATHS_AT_MOST:
        reason = DIED if result.reason is None else f"{DIED.partition(';')[0]} ({result.reason})"
    elif is_death or result.outcome in (Outcome.TRANSIENT, Outcome.ANOTHER):
        next_try_at = now + back_off(job.attempts, waiting=waiting)
    elif result.outcome is Outcome.UNSETTLED:
        reason = f"incomplete: {reason}"
    return Failed(
        fileset_id=result.fileset_id,
        kind=job.kind,
        claim=result.claim,
        digest=result.digest,
        reason=reason,
        next_try_at=next_try_at,
        is_death=is_death,
    )


def back_off(attempts: int, *, waiting: int = 0) -> timedelta:
    """Give how long to wait after so many attempts, with so many files waiting: 5 s at first, up to 10 min.

    For half an hour a file is tried every minute: a mode that a person mends shows nowhere else soon.
    """
    if attempts > _OFTEN_UP_TO:
        return LONGEST_BACK_OFF
    usual_s = _BACK_OFF_S[min(max(attempts, 1), len(_BACK_OFF_S)) - 1]
    return min(timedelta(seconds=max(usual_s, waiting / _TRIES_A_SECOND)), LONGEST_BACK_OFF)


def refused_as(result: ReadResult) -> str:
    """Tell whether a refused file is held (a later version or a person can import it) or ignored (no reader)."""
    return "held" if (result.reason or "").startswith("part of") else "ignored"
