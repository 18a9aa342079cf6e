"""Opens one file of a fileset in a worker and reads it: checked before and after, hashed, its images described.

Only files that the task names are ever opened, beneath the root and without following a link.
"""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import BinaryIO, TypeVar, cast

from catalog.member_digests import member_digest
from catalog.records import FileRecord, HeldSeries, ImageRecord
from ingest import fingerprint, probe
from ingest.opening import BUFFER_BYTES, OpenedFile, opened_beneath
from ingest.readers import registry
from ingest.readers.protocol import AnotherFileError, OpenedFileImages, Source
from ingest.work import Look, Member, ReadTask

#: Files up to this size are read once into memory and hashed, checked and pictured from there.
IN_MEMORY_BYTES = 64 << 20
_Result = TypeVar("_Result")


class InFileError(Exception):
    """Something about one file of several; ``problem`` is what was raised."""

    def __init__(self, path: bytes, problem: Exception) -> None:
        super().__init__(str(problem))
        self.path = path
        self.problem = problem


class StillOpenError(OSError):
    """Somebody has the file open for writing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenStream:
    """An open file of a task: its content without a name, and the source that a reader takes."""

    opened: OpenedFile
    look: Look
    stream: BinaryIO
    source: Source

    def images(self) -> OpenedFileImages:
        """Choose the reader by the first bytes and open; raises ReadingError."""
        self.stream.seek(0)
        head = self.stream.read(registry.HEAD_BYTES)
        reader = registry.reader_for(head, self.source)
        return reader.open(self.source)


def must_be(now: Look, then: Look, when: str) -> None:
    """Raise AnotherFileError when a file is not what it was at the look."""
    if now != then:
        raise AnotherFileError(f"the file changed {when}")


@contextmanager
def open_stream(
    root: int,
    member: Member,
    *,
    is_alone: bool = False,
    in_memory_bytes: int = IN_MEMORY_BYTES,
    hasher: str | None = None,
) -> Iterator[OpenStream]:
    """Open a member beneath the root; it must be what it was at the look. ``is_alone``: it describes nothing else.

    Raises NotWholeError where its end is only reserved. ``hasher``: its hash will be asked for, too.
    """
    with opened_beneath(root, member.path) as opened:
        must_be(opened.look(), member.look, "before it was read")
        probe.check_tail_written(opened.raw, member.look.size_bytes)
        stream = stream_of(opened, member.look.size_bytes, in_memory_bytes, hasher)
        source = Source(
            stream=stream, size_bytes=member.look.size_bytes, name=opened.name, has_sibling=opened.has_sibling,
            is_alone=is_alone,
        )  # fmt: skip
        try:
            yield OpenStream(opened=opened, look=member.look, stream=stream, source=source)
        finally:
            # Libraries' objects that hold it go round in circles: without this the content stays until they are found.
            with suppress(BufferError):  # an array over it is still looked at, by a traceback
                stream.close()


def read_once(
    task: ReadTask, root: int, member: Member, act: Callable[[OpenStream], _Result], *, is_alone: bool = False
) -> _Result:
    """Do something with an open member, which must be the same afterwards, else nothing of it counts.

    Raises StillOpenError where somebody writes it, as far as the kernel tells.
    """
    hasher = task.hasher if member.look.size_bytes <= task.hash_now_bytes else None
    with open_stream(root, member, is_alone=is_alone, hasher=hasher) as opened:
        if not task.may_be_open and opened.opened.raw.is_open_for_writing():
            raise StillOpenError
        result = act(opened)
        must_be(opened.opened.look(), member.look, "while it was read")
    return result


def stream_of(opened: OpenedFile, size_bytes: int, in_memory_bytes: int, hasher: str | None = None) -> BinaryIO:
    """Give a small file's bytes from memory, a large one's through a buffer; neither has a name."""
    if size_bytes > in_memory_bytes:
        return cast(BinaryIO, io.BufferedReader(opened.raw.borrowed(), BUFFER_BYTES))
    content = opened.raw.content(size_bytes)
    return io.BytesIO(content) if hasher is None else fingerprint.HashedContent(content, hasher)


def file_record(task: ReadTask, path: bytes, opened: OpenStream) -> FileRecord:
    """Hash a file, unless it is so large that this is done later, and take its fingerprint."""
    size_bytes, stream = opened.look.size_bytes, opened.stream
    is_hashed = size_bytes <= task.hash_now_bytes
    digest = fingerprint.hash_stream(task.hasher, stream) if is_hashed else None
    return FileRecord(
        path=path, size_bytes=size_bytes, hash=digest, hasher=task.hasher if is_hashed else None,
        fingerprint=fingerprint.fingerprint(stream, size_bytes),
    )  # fmt: skip


def as_read(record: FileRecord, look: Look, holds: tuple[HeldSeries, ...]) -> FileRecord:
    """Note at which look a file of several was read, and what it holds."""
    return replace(record, read_as=digest_of(record.path, look), holds=holds)


def digest_of(path: bytes, look: Look) -> bytes:
    """Give the digest of a look at a member."""
    return member_digest(path, look.size_bytes, look.mtime_ns, look.ctime_ns, look.inode)


def held_by(record: ImageRecord) -> HeldSeries:
    """Say what a series inside a file of several holds."""
    return HeldSeries(
        size_x=record.size_x, size_y=record.size_y, size_z=record.size_z, size_c=record.size_c, size_t=record.size_t,
        pixels_type=record.pixels_type, is_rgb=record.is_rgb,
        channels=tuple(channel.name for channel in record.channels), is_time_assumed=record.is_time_assumed,
    )  # fmt: skip
