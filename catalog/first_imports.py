"""Commits first imports many at a time (T5): a few statements for a whole batch instead of a dozen for each file.

Only for what is plain: the claim holds, nothing is catalogued yet, no known file may have moved here. Anything else,
and any error, is left to `catalog.importing`, which takes filesets one by one.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from catalog.associated_images import write_associated
from catalog.containers import innermost_container, link_images
from catalog.events import NewEvent, record
from catalog.file_rows import original_file_row
from catalog.gone_contents import Content, gone_among
from catalog.hash_jobs import hash_jobs
from catalog.ids import new_ids
from catalog.image_rows import detail_rows, image_rows
from catalog.looks import Committed, CommittedAs, ReadFileset
from catalog.many import execute_many
from catalog.models.images import Channel, Image, OriginalFile, Thumbnail
from catalog.models.ingest import Directory, Fileset, Job, Sighting
from catalog.names import path_hash
from catalog.neighbours import name_beside_neighbours
from catalog.plates import place_in_plate
from catalog.rule_marks import annotate_filed


class _TakenError(Exception):
    """The place of one fileset is taken: the batch is done one by one, which tells which."""


def commit_plain(
    connection: Connection, reads: Sequence[ReadFileset], *, now: datetime, via: str
) -> dict[tuple[int, int], Committed]:
    """Import those reads of a batch that can be taken together; gives their outcomes by fileset and claim.

    All of them or none: when one can't be written, nothing is, and all are for the caller to take one by one.
    """
    claimed = _claimed(connection, reads)
    plain = _without_twins(connection, [read for read, _ in claimed])
    if len(plain) < 2:
        return {}
    beside = {read.fileset_id for read, has_neighbours in claimed if has_neighbours}
    try:
        with connection.begin_nested():
            _write(connection, plain, now, via)
            for read in plain:
                if read.fileset_id in beside:
                    name_beside_neighbours(connection, read.fileset_id, now=now)
    except (_TakenError, IntegrityError):
        return {}
    done = CommittedAs.IMPORTED
    return {(read.fileset_id, read.claim): Committed(fileset_id=read.fileset_id, outcome=done) for read in plain}


_CLAIMS = (
    select(Job.fileset_id, Job.claim, Job.digest, Fileset.neighbour.is_not(None).label("has_neighbours"))
    .join(Fileset, Fileset.id == Job.fileset_id)
    .where(
        Job.fileset_id.in_(bindparam("ids", expanding=True)),
        Job.kind == "import",
        Job.state == "started",
        Fileset.seen_digest == Job.digest,
        Fileset.removed_at.is_(None),
        Fileset.done_digest.is_(None),
        Fileset.is_partial.is_(False),
    )
    .with_for_update()
)


def _claimed(connection: Connection, reads: Sequence[ReadFileset]) -> list[tuple[ReadFileset, bool]]:
    """Give the reads of one file whose claim still holds for just this digest, with nothing catalogued before.

    Each with whether images of other dimensions may lie beside it.
    """
    one_file = [
        read for read in reads if read.grouping == "file" and not read.names and len(read.files) == 1 and read.images
    ]
    rows = connection.execute(_CLAIMS, {"ids": [read.fileset_id for read in one_file]})
    held = {(row.fileset_id, row.claim, bytes(row.digest)): bool(row.has_neighbours) for row in rows}
    keys = ((read, (read.fileset_id, read.claim, read.digest)) for read in one_file)
    return [(read, held[key]) for read, key in keys if key in held]


_OWN_MISSING = select(Sighting.fileset_id).where(
    Sighting.fileset_id.in_(bindparam("ids", expanding=True)), Sighting.missing_since.is_not(None)
)


def _without_twins(connection: Connection, reads: Sequence[ReadFileset]) -> list[ReadFileset]:
    """Leave out what a known file that is gone may have moved to, and what is gone again itself."""
    if not reads:
        return []
    gone = gone_among(connection, {_content(read) for read in reads})
    missing = set(connection.scalars(_OWN_MISSING, {"ids": [read.fileset_id for read in reads]}))
    return [read for read in reads if _content(read) not in gone and read.fileset_id not in missing]


def _content(read: ReadFileset) -> Content:
    return read.files[0].size_bytes, read.files[0].fingerprint


def _write(connection: Connection, reads: Sequence[ReadFileset], now: datetime, via: str) -> None:
    _write_files(connection, reads, now)
    images = _write_images(connection, reads, now)
    _file(connection, reads, images, now)
    _finish(connection, reads)
    events = [_imported(read, ids, now, via) for read, ids in zip(reads, images, strict=True)]
    record(connection, *events)


# Inserted with ids that were taken before: SQLite could only return them row by row.
_INSERT_FILES = insert(OriginalFile)
_DIRECTORIES = select(Directory.root_id, Directory.path_hash, Directory.id).where(
    Directory.root_id.in_(bindparam("roots", expanding=True)),
    Directory.path_hash.in_(bindparam("folders", expanding=True)),
)
_POINT = (
    update(Sighting)
    .where(Sighting.directory_id == bindparam("b_directory"), Sighting.name == bindparam("b_name"))
    .values(original_file_id=bindparam("b_file"))
    .execution_options(synchronize_session=False)
)


def _write_files(connection: Connection, reads: Sequence[ReadFileset], now: datetime) -> None:
    ids = new_ids(connection, OriginalFile, len(reads))
    rows = [
        original_file_row(read.fileset_id, 0, read.files[0], now) | {"id": file_id}
        for read, file_id in zip(reads, ids, strict=True)
    ]
    execute_many(connection, _INSERT_FILES, rows)
    folders = {read.files[0].path.rpartition(b"/")[0] for read in reads}
    hashes = {folder: path_hash(folder) for folder in folders}
    wanted = {"roots": sorted({read.root_id for read in reads}), "folders": sorted(hashes.values())}
    known = {
        (root_id, bytes(hashed)): directory_id
        for root_id, hashed, directory_id in connection.execute(_DIRECTORIES, wanted)
    }
    pointed = []
    for read, file_id in zip(reads, ids, strict=True):
        folder, _, name = read.files[0].path.rpartition(b"/")
        directory_id = known.get((read.root_id, hashes[folder]))
        pointed.append({"b_directory": directory_id, "b_name": name, "b_file": file_id})
    execute_many(connection, _POINT, pointed)


_INSERT_IMAGES = insert(Image)
_INSERT_CHANNELS = insert(Channel)
_INSERT_THUMBNAILS = insert(Thumbnail)


def _write_images(connection: Connection, reads: Sequence[ReadFileset], now: datetime) -> list[list[int]]:
    rows = [row for read in reads for row in image_rows(read, now=now)]
    ids = new_ids(connection, Image, len(rows))
    execute_many(connection, _INSERT_IMAGES, [row | {"id": one} for row, one in zip(rows, ids, strict=True)])
    in_order = iter(ids)
    images = [list(islice(in_order, len(read.images))) for read in reads]
    channels: list[dict[str, Any]] = []
    pictures: list[dict[str, Any]] = []
    for read, own in zip(reads, images, strict=True):
        of_channels, of_pictures = detail_rows(own, read, now)
        channels += of_channels
        pictures += of_pictures
    execute_many(connection, _INSERT_CHANNELS, channels)
    execute_many(connection, _INSERT_THUMBNAILS, pictures)
    for read, own in zip(reads, images, strict=True):
        write_associated(connection, own, read.images)
    return images


def _file(connection: Connection, reads: Sequence[ReadFileset], images: Sequence[list[int]], now: datetime) -> None:
    """Find each container once, and link what goes into it at once; plates and rule's tags go one by one."""
    found: dict[Any, tuple[str, int] | None] = {}
    linked: dict[tuple[int, int, int], tuple[ReadFileset, list[int]]] = {}
    for read, ids in zip(reads, images, strict=True):
        filing = read.filing
        key = (filing.containers, filing.group_id)
        if key not in found:
            found[key] = innermost_container(connection, filing, configuration_id=read.configuration_id, now=now)
        container = found[key]
        if container is not None and container[0] == "dataset":
            of = (container[1], filing.owner_id, filing.group_id)
            linked.setdefault(of, (read, []))[1].extend(ids)
        elif container is not None and place_in_plate(
            connection, container[1], ids, filing, fileset_id=read.fileset_id, now=now
        ):
            raise _TakenError
    for (dataset_id, _, _), (read, ids) in linked.items():
        link_images(connection, dataset_id, ids, read.filing, now=now)
    for read, ids in zip(reads, images, strict=True):
        annotate_filed(connection, ids, read.filing, configuration_id=read.configuration_id, now=now)


_DONE = (
    update(Fileset)
    .where(Fileset.id == bindparam("b_id"))
    .values(done_digest=bindparam("b_digest"), due_at=None, stalled_reason=None, generation=1)
    .execution_options(synchronize_session=False)
)
_FORGET = delete(Job).where(Job.fileset_id == bindparam("b_id"), Job.kind == bindparam("b_kind"))
_INSERT_JOBS = insert(Job)


def _finish(connection: Connection, reads: Sequence[ReadFileset]) -> None:
    execute_many(connection, _DONE, [{"b_id": read.fileset_id, "b_digest": read.digest} for read in reads])
    execute_many(connection, _FORGET, [{"b_id": read.fileset_id, "b_kind": "import"} for read in reads])
    unhashed = [read for read in reads if any(file.hash is None for file in read.files)]
    if unhashed:
        execute_many(connection, _FORGET, [{"b_id": read.fileset_id, "b_kind": "hash"} for read in unhashed])
        execute_many(connection, _INSERT_JOBS, list(hash_jobs(unhashed)))


def _imported(read: ReadFileset, images: list[int], now: datetime, via: str) -> NewEvent:
    filing = read.filing
    return NewEvent(
        what="imported",
        at=now,
        via=via,
        object_type="fileset",
        object_id=read.fileset_id,
        fileset_id=read.fileset_id,
        root_id=read.root_id,
        after={"images": images, "rule": filing.rule, "owner_by": filing.owner_by, "format": read.format}
        | read.notes(),
        configuration_id=read.configuration_id,
    )
