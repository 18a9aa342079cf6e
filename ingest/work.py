"""The values that cross between the ingest loop and its workers: a task to read, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NamedTuple

from catalog.crossing import crossing
from catalog.records import FileRecord, ImageRecord, PlaneRecord, ThumbnailRecord
from config.rule_values import TableLookup
from ingest.image_facts import ImageFacts, NamedChannel
from ingest.indexes.values import PlateFacts

#: The fileset of a task that is about no fileset: `Purpose.VERIFY`.
NO_FILESET = 0


class Look(NamedTuple):
    """One stat of a file: what a read must still find before and after it."""

    size_bytes: int
    mtime_ns: int
    ctime_ns: int
    inode: int


class Member(NamedTuple):
    """A file of a fileset: path relative to the root as raw bytes, and the last look at it.

    Of filesets of several: what its name captured (catalog.captured), and what is known of it from an earlier read.
    """

    path: bytes
    look: Look
    captured: str | None = None
    known: FileRecord | None = None
    #: Hasher and hash that the file shall have, where that is what is asked.
    expected: tuple[str, str] | None = None


class Purpose(StrEnum):
    """What a task is to find out."""

    #: Records, pictures, hash: all that an import needs.
    IMPORT = "import"
    #: The hash and the fingerprint alone.
    HASH = "hash"
    #: Whether the bytes are still those of the expected hash.
    VERIFY = "verify"


class ReadTask(NamedTuple):
    """A job as a worker gets it: no database, no settings object, only values that pickle.

    ``identity`` is that of the root, where a file's absence is only worth telling if the root is the one it was.
    """

    fileset_id: int
    claim: int
    digest: bytes
    root: bytes
    members: tuple[Member, ...]
    hasher: str
    #: Files over this many bytes are hashed later.
    hash_now_bytes: int
    thumbnail_px: int
    projection: Literal["middle", "max", "mean"]
    associated_images: Literal["hide", "keep", "drop"]
    table: TableLookup | None = None
    #: Read it though somebody has it open for writing: it has been so, and unchanged, for long.
    may_be_open: bool = False
    #: 'file', 'names' or 'index', as the fileset's.
    grouping: str = "file"
    #: Names decide (`by: names`): what a file says of others is of no account.
    is_by_names: bool = False
    #: What the rule says of captured channels, in their order.
    channels: tuple[NamedChannel, ...] = ()
    #: Of 'index': the files that the first one was found to name when it was read before, relative to the root.
    named: frozenset[bytes] = frozenset()
    #: Of 'index': the file that describes the others; else None.
    main: bytes | None = None
    #: Of 'index': members that no rule places; they must be written by the account that wrote the main file.
    strangers: frozenset[bytes] = frozenset()
    #: What an instrument's own index says of the image, believed over the files' tags: found by the worker.
    facts: ImageFacts | None = None
    purpose: Purpose = Purpose.IMPORT
    #: For a file below a storage root: it is hashed by each of these.
    hashers: tuple[str, ...] = ()
    identity: Mapping[str, object] | None = None


@crossing
@dataclass(frozen=True, slots=True, kw_only=True)
class NamedPath:
    """A file that another one names, relative to the root. Not ``is_needed``: a part that may come yet or not."""

    path: bytes
    is_needed: bool = True


class Verdict(StrEnum):
    """What `verify` found at one path."""

    SAME = "same"
    #: Other bytes, though size, times and inode are as they were at the last look.
    OTHER_BYTES = "other bytes"
    #: Size, times or inode differ from the last look: somebody wrote the file, and the next scan takes it in.
    CHANGED = "changed"
    GONE = "gone"
    UNREADABLE = "unreadable"
    #: Its root, or the disk inside it on which it lies, is not there: nothing is said about the file.
    UNAVAILABLE = "unavailable"


@crossing
@dataclass(frozen=True, slots=True, kw_only=True)
class FileCheck:
    """What was found at one path; ``found`` is the hash of other bytes, ``reason`` why it could not be read.

    ``away``: the folder, relative to the root, of the disk that is not there; b"" is the root itself.
    """

    path: bytes
    verdict: Verdict
    bytes_read: int = 0
    found: str | None = None
    reason: str | None = None
    away: bytes = b""


class Outcome(StrEnum):
    """What came of a read."""

    READ = "read"
    #: The file is not whole yet or changed while it was read: due again.
    UNSETTLED = "unsettled"
    #: What lay there was not the file of the look: due again, or tried again when it is that after all.
    ANOTHER = "another"
    #: EIO, ESTALE, EACCES, ENOENT: tried again with back-off.
    TRANSIENT = "transient"
    #: The worker was killed, ran out of memory or got stuck: tried again, and quarantined after three.
    DIED = "died"
    #: Corrupt or hostile: quarantined until the file changes.
    DAMAGED = "damaged"
    #: The file describes an image of several: `ReadResult.names` are to be looked for first.
    DESCRIBES = "describes"
    #: A reader knows it but this version can't import it (part of a set, no reader): held or ignored, with the reason.
    REFUSED = "refused"


#: After these the file is looked at once more before anything is decided.
LOOKED_AT_AGAIN = (Outcome.UNSETTLED, Outcome.ANOTHER)


@crossing
@dataclass(frozen=True, slots=True, kw_only=True)
class ReadResult:
    """What a worker gives back for a task; ``reason`` is one sentence for every outcome but READ."""

    fileset_id: int
    claim: int
    digest: bytes
    outcome: Outcome
    reason: str | None = None
    format: str | None = None
    files: tuple[FileRecord, ...] = ()
    images: tuple[ImageRecord, ...] = ()
    #: One for each image, in the same order.
    thumbnails: tuple[ThumbnailRecord, ...] = ()
    bytes_read: int = 0
    planes: tuple[PlaneRecord, ...] = ()
    #: Of DESCRIBES: what the file names, relative to the root, itself not among them; for problems: which file it was.
    names: tuple[NamedPath, ...] = ()
    #: Each of the named files describes all of them: which is the main file is a matter of their names.
    is_mutual: bool = False
    path: bytes | None = None
    #: What a line of the table beside the plate gives, and what is to be said about the table.
    table_pairs: tuple[tuple[str, str], ...] = ()
    table_note: str | None = None
    #: The plate as an instrument's index knows it, and what is to be said about the index.
    plate: PlateFacts | None = None
    index_note: str | None = None
    #: For `Purpose.VERIFY`: one for each member, in their order.
    checks: tuple[FileCheck, ...] = ()
