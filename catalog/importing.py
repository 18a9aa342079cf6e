"""Commits what was read (T5): each fileset for itself, results that came too late are discarded."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from catalog.events import NewEvent, record
from catalog.first_imports import commit_plain
from catalog.hash_jobs import ask_again, hash_jobs
from catalog.image_rows import insert_images, is_told_anew, replace_images, write_files
from catalog.looks import TO_BE_READ, Committed, CommittedAs, ReadFileset
from catalog.models.images import Image, OriginalFile
from catalog.models.ingest import Fileset, Job
from catalog.moves import adopt_by_content
from catalog.named_files import keep_named
from catalog.neighbours import name_beside_neighbours
from catalog.plates import note_plate
from catalog.rule_marks import annotate_by_table
from catalog.set_leaving import release_unnamed
from catalog.set_rows import are_pixels_replaced, are_planes_the_same, write_planes
from catalog.store import hold_fileset

_READ_AS_IT_IS = (CommittedAs.IMPORTED, CommittedAs.UPDATED, CommittedAs.UNCHANGED)


def commit_reads(connection: Connection, reads: Sequence[ReadFileset], *, now: datetime, via: str) -> list[Committed]:
    """Write results into the catalogue: what is plain together, the rest one by one, in the order of ``reads``.

    One whose place in a plate is taken leaves nothing behind but the files, which are held.
    """
    plain = commit_plain(connection, reads, now=now, via=via)
    outcomes = []
    for read in reads:
        if (read.fileset_id, read.claim) in plain:
            outcomes.append(plain[read.fileset_id, read.claim])
            continue
        outcome = _commit(connection, read, now=now, via=via)
        if outcome.outcome is CommittedAs.TAKEN:
            assert outcome.reason is not None  # noqa: S101 - TAKEN tells why
            hold_fileset(connection, read.fileset_id, "held", outcome.reason, now=now, via=via)
        elif read.grouping == "index" and outcome.outcome in _READ_AS_IT_IS:
            outcome = outcome._replace(released=release_unnamed(connection, read, now=now, via=via))
        outcomes.append(outcome)
    return outcomes


def _commit(connection: Connection, read: ReadFileset, *, now: datetime, via: str) -> Committed:
    fileset = _claimed_fileset(connection, read)
    if fileset is None:
        return Committed(fileset_id=read.fileset_id, outcome=CommittedAs.DISCARDED)
    if fileset.done_digest is None:
        return _first_import(connection, read, now, via)
    update_it = _update if read.grouping == "file" else _update_set
    is_to_be_read = bytes(fileset.done_digest) == TO_BE_READ
    return update_it(connection, read, fileset.generation, now, via, is_to_be_read=is_to_be_read)


def _claimed_fileset(connection: Connection, read: ReadFileset) -> Any:
    """Give the fileset if the claim still holds for just this digest; else drop what is void."""
    job_is_mine = (
        Job.fileset_id == read.fileset_id,
        Job.kind == "import",
        Job.claim == read.claim,
        Job.state == "started",
    )
    query = (
        select(Fileset.done_digest, Fileset.generation)
        .join(Job, Job.fileset_id == Fileset.id)
        .where(
            *job_is_mine,
            Job.digest == read.digest,
            Fileset.seen_digest == read.digest,
            Fileset.removed_at.is_(None),
        )
        .with_for_update()
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        connection.execute(delete(Job).where(*job_is_mine))
    return row


def _first_import(connection: Connection, read: ReadFileset, now: datetime, via: str) -> Committed:
    if adopt_by_content(connection, read, now=now, via=via):
        return Committed(fileset_id=read.fileset_id, outcome=CommittedAs.MOVED)
    # Files and planes, which may be 100,000, stay out of the savepoint: at each statement inside one SQLite walks along
    # all pages that were changed since it began.
    with connection.begin_nested() as savepoint:
        images, reason = insert_images(connection, read, now=now)
        if reason is not None:
            savepoint.rollback()
    if reason is not None:
        return Committed(fileset_id=read.fileset_id, outcome=CommittedAs.TAKEN, reason=reason)
    write_files(connection, read, now=now)
    write_planes(connection, read, dict(zip((image.series for image in read.images), images, strict=True)))
    name_beside_neighbours(connection, read.fileset_id, now=now)
    _finish(connection, read, generation=1)
    after = {"images": images, "rule": read.filing.rule, "owner_by": read.filing.owner_by, "format": read.format}
    record(connection, _event("imported", read, after | read.notes(), now, via))
    return Committed(fileset_id=read.fileset_id, outcome=CommittedAs.IMPORTED)


def _update(
    connection: Connection, read: ReadFileset, generation: int, now: datetime, via: str, *, is_to_be_read: bool
) -> Committed:
    is_other = _is_other_content(connection, read)
    if not is_to_be_read and not is_other:
        write_files(connection, read, now=now)
        if is_told_anew(connection, read):
            return _describe_again(connection, read, generation, now, via)
        _annotate(connection, read, now)
        _finish(connection, read, generation=generation)
        return Committed(fileset_id=read.fileset_id, outcome=CommittedAs.UNCHANGED)
    write_files(connection, read, now=now)
    images = replace_images(connection, read, now=now, are_pixels_replaced=is_other)
    _annotate(connection, read, now)
    _finish(connection, read, generation=generation + 1)
    record(connection, _event("updated", read, {"images": images, "format": read.format} | read.notes(), now, via))
    return Committed(fileset_id=read.fileset_id, outcome=CommittedAs.UPDATED)


def _update_set(
    connection: Connection, read: ReadFileset, generation: int, now: datetime, via: str, *, is_to_be_read: bool
) -> Committed:
    """Take in what came or changed among several files; only what changed makes annotations those of earlier pixels."""
    is_replaced = are_pixels_replaced(connection, read)
    images = {row.series: row.id for row in connection.execute(_images_of(read.fileset_id))}
    write_files(connection, read, now=now)
    is_same = not (is_replaced or is_to_be_read) and set(images) == {image.series for image in read.images}
    if is_same and are_planes_the_same(connection, read, images):
        if is_told_anew(connection, read):
            return _describe_again(connection, read, generation, now, via)
        _annotate(connection, read, now)
        _finish(connection, read, generation=generation)
        return Committed(fileset_id=read.fileset_id, outcome=CommittedAs.UNCHANGED)
    ids = replace_images(connection, read, now=now, are_pixels_replaced=is_replaced)
    _annotate(connection, read, now)
    _finish(connection, read, generation=generation + 1)
    after = {"images": ids, "format": read.format, "files": len(read.files), "pixels_replaced": is_replaced}
    record(connection, _event("updated", read, after | read.notes(), now, via))
    return Committed(fileset_id=read.fileset_id, outcome=CommittedAs.UPDATED)


def _describe_again(connection: Connection, read: ReadFileset, generation: int, now: datetime, via: str) -> Committed:
    """Take in what an instrument's index tells of pixels that are known already."""
    ids = replace_images(connection, read, now=now, are_pixels_replaced=False)
    note_plate(connection, ids, read.filing)
    _annotate(connection, read, now)
    _finish(connection, read, generation=generation)
    indexes = sorted({image.acquisition.index for image in read.images if image.acquisition.index})
    after = {"images": ids, "format": read.format, "index": indexes, "pixels_replaced": False}
    record(connection, _event("updated", read, after, now, via))
    return Committed(fileset_id=read.fileset_id, outcome=CommittedAs.UPDATED)


def _images_of(fileset_id: int) -> Any:
    return select(Image.id, Image.series).where(Image.fileset_id == fileset_id)


def _annotate(connection: Connection, read: ReadFileset, now: datetime) -> None:
    """Put what the table beside the plate says now on what is catalogued already."""
    if read.filing.table_pairs:
        images = list(connection.scalars(select(Image.id).where(Image.fileset_id == read.fileset_id)))
        annotate_by_table(connection, images, read.filing, configuration_id=read.configuration_id, now=now)


def _is_other_content(connection: Connection, read: ReadFileset) -> bool:
    """Compare with what is catalogued: by hash where both have one, else by size and fingerprint.

    A hash that is missing on one side counts as other content: reading again is harmless, a wrong picture is not.
    """
    query = (
        select(OriginalFile.size_bytes, OriginalFile.hasher, OriginalFile.hash, OriginalFile.fingerprint)
        .where(OriginalFile.fileset_id == read.fileset_id)
        .order_by(OriginalFile.ordinal)
    )
    known = [(row.size_bytes, row.hasher, row.hash, bytes(row.fingerprint)) for row in connection.execute(query)]
    new = [(file.size_bytes, file.hasher, file.hash, file.fingerprint) for file in read.files]
    if known != new or any(one[2] is None for one in known):
        return True
    count = len(connection.scalars(select(Image.id).where(Image.fileset_id == read.fileset_id)).all())
    return count != len(read.images)


def _finish(connection: Connection, read: ReadFileset, *, generation: int) -> None:
    values = {"done_digest": read.digest, "due_at": None, "stalled_reason": None, "generation": generation}
    connection.execute(update(Fileset).where(Fileset.id == read.fileset_id).values(values))
    connection.execute(delete(Job).where(Job.fileset_id == read.fileset_id, Job.kind == "import"))
    if read.names or read.grouping == "index":
        keep_named(connection, read.root_id, read.fileset_id, read.names)
        _see_whole(connection, read)
    is_partial = select(Fileset.is_partial).where(Fileset.id == read.fileset_id).scalar_subquery()
    if read.grouping != "file":
        mine = (Image.fileset_id == read.fileset_id, Image.series.in_([image.series for image in read.images]))
        connection.execute(update(Image).where(*mine).values(is_partial=is_partial))
    if any(file.hash is None for file in read.files):
        _ask_for_hash(connection, read)


def _see_whole(connection: Connection, read: ReadFileset) -> None:
    """Call a set partial no more that lacks nothing of what it names now; what a rule waits for is another matter."""
    there = {file.path for file in read.files}
    if any(is_needed and path not in there for path, is_needed in read.names.items()):
        return
    query = select(Fileset.placement).where(Fileset.id == read.fileset_id, Fileset.is_partial)
    placement = connection.scalar(query)
    if placement is not None and not placement.get("complete"):
        connection.execute(update(Fileset).where(Fileset.id == read.fileset_id).values(is_partial=False))


def _ask_for_hash(connection: Connection, read: ReadFileset) -> None:
    """Note that the hash is to be made once it is quiet: after all imports."""
    connection.execute(delete(Job).where(Job.fileset_id == read.fileset_id, Job.kind == "hash"))
    connection.execute(insert(Job), list(hash_jobs([read])))


def _event(what: str, read: ReadFileset, after: dict[str, Any], now: datetime, via: str) -> NewEvent:
    return NewEvent(
        what=what,
        at=now,
        via=via,
        object_type="fileset",
        object_id=read.fileset_id,
        fileset_id=read.fileset_id,
        root_id=read.root_id,
        after=after,
        configuration_id=read.configuration_id,
    )


def commit_hash(connection: Connection, read: ReadFileset, *, now: datetime) -> bool:
    """Store a hash that was made later, if the file is still what was imported; gives whether it was."""
    mine = (
        Job.fileset_id == read.fileset_id,
        Job.kind == "hash",
        Job.claim == read.claim,
        Job.state == "started",
    )
    current = select(Fileset.id).where(
        Fileset.id == read.fileset_id, Fileset.done_digest == read.digest, Fileset.seen_digest == read.digest
    )
    holds = connection.scalar(select(Job.fileset_id).where(*mine)) and connection.scalar(current)
    connection.execute(delete(Job).where(*mine))
    if not holds:
        ask_again(connection, [read.fileset_id])
        return False
    if read.grouping != "file":
        write_files(connection, read, now=now)
        return True
    for ordinal, file in enumerate(read.files):
        connection.execute(
            update(OriginalFile)
            .where(OriginalFile.fileset_id == read.fileset_id, OriginalFile.ordinal == ordinal)
            .values(hash=file.hash, hasher=file.hasher)
        )
    return True
