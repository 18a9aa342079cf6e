"""The values that the ingest hands to the catalogue and gets from it: looks, filings, jobs. Frozen, no database."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from catalog.records import FileRecord, ImageRecord, PlaneRecord, ThumbnailRecord

#: As the digest of what is done: it is catalogued, and is to be read again whole, whatever its content.
TO_BE_READ = b"read again"
_LONG_AGO = timedelta(days=10_000)


def due_at_once(now: datetime) -> datetime:
    """Give when a fileset is due that others than the ingest want to be looked at: long past by any clock.

    Only the ingest has its steady time: by the wall clock, stepped forward since the ingest began, it would wait as
    long as that step. Another time for each ``now``, so that what was judged before has not the last word.
    """
    return now - _LONG_AGO


#: A stored look, as the driver gives it: directory id, name, size, mtime, ctime, inode, and since when it is missing.
#: What is there compares equal to (directory id, *first five of an entry, None). Plain tuples: there are millions.
StoredLook: TypeAlias = tuple[int, bytes, int, int, int, int, object]


class KnownSighting(NamedTuple):
    """A sighting as it is stored, with what is needed to decide about a new look at the same path."""

    directory_id: int
    name: bytes
    size_bytes: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    disposition: str
    fileset_id: int | None
    is_missing: bool
    is_done: bool
    configuration_id: int | None
    #: Of its fileset: 'file', 'names' or 'index'; None where there is none.
    grouping: str | None


class SeenFileset(NamedTuple):
    """The fileset of a file that was placed. ``due_at`` is when its members are looked at again.

    ``digest`` is that of this one file: what a fileset of several has seen is their sum.
    """

    key: bytes
    document: Mapping[str, Any]
    owner_id: int | None
    group_id: int | None
    digest: bytes
    due_at: datetime
    filed_by: str = "rule"
    #: 'file', 'names' or 'index' (catalog.models.ingest.Fileset).
    grouping: str = "file"
    neighbour: bytes | None = None
    plate_key: bytes | None = None
    marker: str | None = None


class SeenFile(NamedTuple):
    """A look at a path that is new, changed, back, or placed again. ``fileset`` is set for members only.

    ``captured`` is what its name says of its place in an image of many files (catalog.captured).
    ``is_copy``: it lies below a storage root, and is only looked up by its content.
    """

    directory: bytes
    name: bytes
    size_bytes: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    disposition: str
    reason: str | None = None
    rule: str | None = None
    group_id: int | None = None
    fileset: SeenFileset | None = None
    captured: str | None = None
    is_copy: bool = False

    @property
    def path(self) -> bytes:
        """Give the path relative to the root."""
        return self.directory + b"/" + self.name if self.directory else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedFile:
    """A new look at a file that is catalogued already: its place stays, its content is read again.

    ``digest_before`` is that of the look before, None where it was missing; ``grouping`` is its fileset's.
    """

    directory: bytes
    name: bytes
    size_bytes: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    fileset_id: int
    digest: bytes
    due_at: datetime
    digest_before: bytes | None = None
    grouping: str = "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryLook:
    """What came of listing a directory: only one that ``is_whole`` may tell what is no longer there."""

    path: bytes
    is_whole: bool
    problem: str | None = None


class MemberRow(NamedTuple):
    """A member of a fileset as last seen: ``path`` is relative to the root, ``captured`` as its name says.

    ``known`` is what was read of it when it was read last, for files of filesets of several.
    """

    path: bytes
    size_bytes: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    captured: str | None = None
    known: FileRecord | None = None


class DueFileset(NamedTuple):
    """A fileset whose members are to be looked at again."""

    id: int
    root_id: int
    digest: bytes
    document: Mapping[str, Any]
    due_at: datetime
    first_seen_at: datetime
    is_done: bool
    members: tuple[MemberRow, ...]
    grouping: str = "file"
    plate_key: bytes | None = None


class StartedJob(NamedTuple):
    """A job that was claimed: ``kind`` is import or hash."""

    fileset_id: int
    kind: str
    claim: int
    digest: bytes
    root_id: int
    document: Mapping[str, Any]
    attempts: int
    deaths: int
    members: tuple[MemberRow, ...]
    grouping: str = "file"
    key: bytes = b""
    #: Of 'index': what the main file names, relative to the root.
    named: frozenset[bytes] = frozenset()


class ContainerName(NamedTuple):
    """A container as a rule names it, with the key under which it is found again."""

    kind: str
    name: str
    origin_key: bytes


class Filing(NamedTuple):
    """Where the images of a fileset go and whose they are: ids are resolved, names are texts.

    ``containers`` run from the outermost inwards: project, dataset; or screen, plate. ``well`` and ``field`` are
    zero-based.
    """

    rule: str
    image: str
    owner_id: int
    group_id: int
    container_owner_id: int
    owner_by: str
    containers: tuple[ContainerName, ...] = ()
    run: str | None = None
    well: tuple[int, int] | None = None
    field: int | None = None
    tile: int = 0
    #: What names of many files told: 'channel', 'z', 't'.
    dimensions: tuple[str, ...] = ()
    description: str | None = None
    tags: tuple[str, ...] = ()
    key_values: tuple[tuple[str, str], ...] = ()
    annotate: str = "image"
    #: Key-values from a table beside the plate, and what they go to.
    table_pairs: tuple[tuple[str, str], ...] = ()
    table_on: str = "image"
    #: Rows and columns of the whole plate, as an instrument's index tells.
    plate_size: tuple[int, int] | None = None


class ReadFileset(NamedTuple):
    """What a worker read of a fileset, with where it goes; ready to be committed (T5).

    ``pictures`` are one for each image, in the same order.
    """

    fileset_id: int
    root_id: int
    claim: int
    digest: bytes
    format: str
    filing: Filing
    files: tuple[FileRecord, ...]
    images: tuple[ImageRecord, ...]
    pictures: tuple[ThumbnailRecord, ...]
    #: Where the planes of images of many files lie, by series; () for images in one file.
    planes: tuple[PlaneRecord, ...] = ()
    grouping: str = "file"
    #: What would belong to it if it came, relative to the root, with whether it is waited for.
    names: Mapping[bytes, bool] = MappingProxyType({})
    configuration_id: int | None = None
    index_note: str | None = None
    table_note: str | None = None

    def notes(self) -> dict[str, str]:
        """Say what an event tells of the table and of the index beside the files."""
        notes = {"table": self.table_note, "index": self.index_note}
        return {name: note for name, note in notes.items() if note is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadCopy:
    """What a worker read of a file below a storage root: its content, once by each hasher."""

    fileset_id: int
    claim: int
    digest: bytes
    files: tuple[FileRecord, ...]


class CommittedAs(StrEnum):
    """What a commit made of a result."""

    IMPORTED = "imported"
    UPDATED = "updated"
    #: Read again, and the content is what is catalogued already.
    UNCHANGED = "unchanged"
    #: It was for an earlier state of the file, of the rules or of another claim.
    DISCARDED = "discarded"
    #: Its place in a plate is taken by another file of the same folder: held, with the sentence.
    TAKEN = "taken"
    #: A known file, whose old path is gone, was read at its new path: ids are kept.
    MOVED = "moved"


class Committed(NamedTuple):
    """The outcome for one fileset; ``reason`` is set for TAKEN.

    ``released`` are files that its main file names no more: they are to be placed anew.
    """

    fileset_id: int
    outcome: CommittedAs
    reason: str | None = None
    released: tuple[bytes, ...] = ()
