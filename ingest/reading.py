"""Reads a fileset in a worker: open beneath the root, check, describe, hash and picture, in one pass over small files.

``read`` never raises for what a file can cause: every outcome is a value with one sentence.
"""

import logging
from dataclasses import replace

from catalog.records import AssociatedRecord, ThumbnailRecord
from config.path_text import path_text
from ingest.beside import NOTHING_BESIDE, told_beside
from ingest.image_facts import with_facts
from ingest.one_file import InFileError, OpenStream, StillOpenError, file_record, read_once
from ingest.opening import NotAPlainFileError, opened_root
from ingest.readers.protocol import (
    AnotherFileError,
    AssociatedPicture,
    DamagedError,
    DescribesError,
    NotWholeError,
    OpenedFileImages,
    ReadingError,
    RefusedError,
)
from ingest.reading_sets import names_of, read_described, read_named
from ingest.rereading import check_members, hash_members, why_unreadable
from ingest.tables import table_line
from ingest.thumbnails import make_thumbnail
from ingest.work import Member, Outcome, Purpose, ReadResult, ReadTask

logger = logging.getLogger(__name__)

#: The longer side of associated pictures that are kept: enough to read a label.
ASSOCIATED_PX = 1024
ASSOCIATED_AT_MOST = 16


def read(task: ReadTask) -> ReadResult:
    """Do a task; the result is READ with records and thumbnails, or another outcome with its reason."""
    try:
        with opened_root(task.root) as root:
            return _done(task, root)
    except InFileError as error:
        return _in_file(task, error)
    except (ReadingError, OSError) as problem:
        return _without(task, *_outcome(problem))
    except MemoryError:
        return _without(task, Outcome.DAMAGED, "reading it would take more memory than a worker may have")
    except Exception as error:
        logger.exception("read_failed")
        return _without(task, Outcome.DAMAGED, f"the reader failed over it: {type(error).__name__}")


def _done(task: ReadTask, root: int) -> ReadResult:
    match task.purpose:
        case Purpose.IMPORT:
            beside = told_beside(task)
            if beside == NOTHING_BESIDE:
                return _read_members(task, root)
            result = _read_members(task._replace(facts=beside.facts), root)
            return replace(result, plate=beside.plate, index_note=beside.note)
        case Purpose.HASH:
            return hash_members(task, root)
        case Purpose.VERIFY:
            return check_members(task, root)


def _read_members(task: ReadTask, root: int) -> ReadResult:
    main = next((member for member in task.members if member.path == task.main), task.members[0])
    result = read_named(task, root) if task.grouping == "names" else _read_main(task, root, main)
    if task.table is None or result.outcome is not Outcome.READ:
        return result
    line = table_line(root, main.path, task.table)
    return replace(result, table_pairs=line.pairs, table_note=line.note)


def _read_main(task: ReadTask, root: int, main: Member) -> ReadResult:
    """Read a file that is an image of its own, or that describes one of several."""
    try:
        result = read_once(
            task, root, main, lambda opened: _read_one(task, main.path, opened), is_alone=task.is_by_names
        )
    except DescribesError as described:
        return read_described(task, root, main, described)
    if task.grouping == "index" and task.main is None:
        raise DamagedError(_WITHOUT_MAIN)
    return result


#: Said of a set that changed after its main file was gone, when none of the others describes it.
_WITHOUT_MAIN = (
    "the file that describes which planes lie where is not there; the image stays as it was until it is back"
)


def _read_one(task: ReadTask, path: bytes, opened: OpenStream) -> ReadResult:
    images = opened.images()
    try:
        images.check_last_plane()
        records = tuple(with_facts(image.record, task.facts, ()) for image in images.images)
        associated = _associated(task, images)
        if associated:
            records = (replace(records[0], associated=associated), *records[1:])
        thumbnails = _thumbnails(task, images)
        names = names_of(path, images.may_follow)
    finally:
        images.close()
    return ReadResult(
        fileset_id=task.fileset_id, claim=task.claim, digest=task.digest, outcome=Outcome.READ, format=images.format,
        files=(file_record(task, path, opened),), images=records, thumbnails=thumbnails,
        bytes_read=opened.look.size_bytes, names=names,
    )  # fmt: skip


def _thumbnails(task: ReadTask, images: OpenedFileImages) -> tuple[ThumbnailRecord, ...]:
    return tuple(
        make_thumbnail(image, size_px=task.thumbnail_px, projection=task.projection) for image in images.images
    )


def _associated(task: ReadTask, images: OpenedFileImages) -> tuple[AssociatedRecord, ...]:
    """Tell of the pictures in a file that are no images, as far as the rule wants them known; drawn only to be kept."""
    if task.associated_images == "drop":
        return ()
    is_kept = task.associated_images == "keep"
    return tuple(
        AssociatedRecord(kind=one.kind, picture=_drawn(one) if is_kept else None)
        for one in images.associated[:ASSOCIATED_AT_MOST]
    )


def _drawn(picture: AssociatedPicture) -> ThumbnailRecord:
    try:
        image = picture.open()
    except ReadingError as problem:
        return ThumbnailRecord(failure=f"no picture: {problem.reason}")
    except Exception as error:  # noqa: BLE001 - as of any picture: it never blocks an import
        return ThumbnailRecord(failure=f"no picture: {type(error).__name__}")
    return make_thumbnail(image, size_px=ASSOCIATED_PX, projection="middle")


def _in_file(task: ReadTask, error: InFileError) -> ReadResult:
    """Tell what is wrong with one file of several: its name goes first, and nothing is read without it."""
    outcome, reason = _outcome(error.problem)
    if outcome is Outcome.REFUSED:
        outcome = Outcome.DAMAGED
    name = path_text(error.path.rpartition(b"/")[2])
    return replace(_without(task, outcome, f"{name}: {reason}"), path=error.path)


def _outcome(problem: Exception) -> tuple[Outcome, str]:
    match problem:
        case ReadingError():
            return _outcome_of(problem), problem.reason
        case StillOpenError():
            return Outcome.TRANSIENT, "somebody has the file open for writing"
        case NotAPlainFileError():
            return Outcome.ANOTHER, f"not a plain file any more: {problem.strerror}"
        case OSError():
            return Outcome.TRANSIENT, why_unreadable(problem)
        case _:
            return Outcome.DAMAGED, f"the reader failed over it: {type(problem).__name__}"


def _outcome_of(problem: ReadingError) -> Outcome:
    match problem:
        case AnotherFileError():
            return Outcome.ANOTHER
        case NotWholeError():
            return Outcome.UNSETTLED
        case RefusedError():
            return Outcome.REFUSED
        case _:
            return Outcome.DAMAGED


def _without(task: ReadTask, outcome: Outcome, reason: str) -> ReadResult:
    return ReadResult(fileset_id=task.fileset_id, claim=task.claim, digest=task.digest, outcome=outcome, reason=reason)
