"""Reads a fileset in a worker: open beneath the root, check, describe, hash and picture, in one pass over small files.

``read`` never raises for what a file can cause: every outcome is a value with one sentence.
"""

import errno
import io
import logging
import os
from dataclasses import replace
from typing import BinaryIO, cast

from catalog.records import FileRecord, ThumbnailRecord
from ingest import fingerprint, probe
from ingest.opening import BUFFER_BYTES, NotAPlainFileError, OpenedFile, opened_beneath, opened_root
from ingest.readers import registry
from ingest.readers.protocol import (
    NotWholeError,
    OpenedFileImages,
    ReadingError,
    RefusedError,
    Source,
)
from ingest.tables import table_line
from ingest.thumbnails import make_thumbnail
from ingest.work import Look, Outcome, ReadResult, ReadTask

#: Files up to this size are read once into memory and hashed, checked and pictured from there.
IN_MEMORY_BYTES = 64 << 20
STILL_OPEN = "somebody has the file open for writing"

logger = logging.getLogger(__name__)


def read(task: ReadTask) -> ReadResult:
    """Do a task; the result is READ with records and thumbnails, or another outcome with its reason."""
    try:
        with opened_root(task.root) as root:
            return _read_members(task, root)
    except ReadingError as problem:
        return _without(task, _outcome_of(problem), problem.reason)
    except NotAPlainFileError as error:
        return _without(task, Outcome.UNSETTLED, f"not a plain file any more: {error.strerror}")
    except OSError as error:
        return _without(task, Outcome.TRANSIENT, _sentence(error))
    except MemoryError:
        return _without(task, Outcome.DAMAGED, "reading it would take more memory than a worker may have")
    except Exception as error:
        logger.exception("read_failed")
        return _without(task, Outcome.DAMAGED, f"the reader failed over it: {type(error).__name__}")


def _read_members(task: ReadTask, root: int) -> ReadResult:
    if len(task.members) != 1:
        raise RefusedError(f"part of a set: {len(task.members)} files that must be read together")
    member = task.members[0]
    with opened_beneath(root, member.path) as opened:
        _must_be(opened.look(), member.look, "before it was read")
        if not task.may_be_open and opened.raw.is_open_for_writing():
            return _without(task, Outcome.TRANSIENT, STILL_OPEN)
        result = _read_one(task, member.path, opened, member.look)
        _must_be(opened.look(), member.look, "while it was read")
    if task.table is None:
        return result
    line = table_line(root, member.path, task.table)
    return replace(result, table_pairs=line.pairs, table_note=line.note)


def _must_be(now: Look, then: Look, when: str) -> None:
    if now != then:
        raise NotWholeError(f"the file changed {when}")


def _read_one(task: ReadTask, path: bytes, opened: OpenedFile, look: Look) -> ReadResult:
    stream = _stream_of(opened, look.size_bytes)
    source = Source(stream=stream, size_bytes=look.size_bytes, name=opened.name, has_sibling=opened.has_sibling)
    head = stream.read(registry.HEAD_BYTES)
    reader = registry.reader_for(head, source)
    probe.check_tail_written(opened.raw, look.size_bytes)
    images = reader.open(source)
    try:
        images.check_last_plane()
        records = tuple(image.record for image in images.images)
        thumbnails = _thumbnails(task, images)
    finally:
        images.close()
    return ReadResult(
        fileset_id=task.fileset_id, claim=task.claim, digest=task.digest, outcome=Outcome.READ, format=images.format,
        files=(_file_record(task, path, look, stream),), images=records, thumbnails=thumbnails,
        bytes_read=look.size_bytes,
    )  # fmt: skip


def _stream_of(opened: OpenedFile, size_bytes: int) -> BinaryIO:
    """Give a small file's bytes from memory, a large one's through a buffer; neither has a name."""
    if size_bytes > IN_MEMORY_BYTES:
        return cast(BinaryIO, io.BufferedReader(opened.raw.borrowed(), BUFFER_BYTES))
    return io.BytesIO(opened.raw.content(size_bytes))


def _thumbnails(task: ReadTask, images: OpenedFileImages) -> tuple[ThumbnailRecord, ...]:
    return tuple(
        make_thumbnail(image, size_px=task.thumbnail_px, projection=task.projection) for image in images.images
    )


def _file_record(task: ReadTask, path: bytes, look: Look, stream: BinaryIO) -> FileRecord:
    is_hashed = look.size_bytes <= task.hash_now_bytes
    digest = fingerprint.hash_stream(task.hasher, stream) if is_hashed else None
    return FileRecord(
        path=path, size_bytes=look.size_bytes, hash=digest, hasher=task.hasher if is_hashed else None,
        fingerprint=fingerprint.fingerprint(stream, look.size_bytes),
    )  # fmt: skip


def _outcome_of(problem: ReadingError) -> Outcome:
    match problem:
        case NotWholeError():
            return Outcome.UNSETTLED
        case RefusedError():
            return Outcome.REFUSED
        case _:
            return Outcome.DAMAGED


def _sentence(error: OSError) -> str:
    if error.errno in (errno.EACCES, errno.EPERM):
        return "the file may not be read: give Coverslip's account the right to read it"
    if error.errno == errno.ENOENT:
        return "the file is not there any more"
    return f"the file could not be read: {os.strerror(error.errno) if error.errno else error}"


def _without(task: ReadTask, outcome: Outcome, reason: str) -> ReadResult:
    return ReadResult(fileset_id=task.fileset_id, claim=task.claim, digest=task.digest, outcome=outcome, reason=reason)
