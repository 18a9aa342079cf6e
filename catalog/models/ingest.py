"""The ingest's own tables: what was seen, what belongs together, what is to be done, and the record of events."""

import hashlib
from datetime import datetime
from typing import Any

from sqlalchemy import (
    DDL,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    false,
    text,
    true,
)
from sqlalchemy.event import listen

from catalog.models.base import WITHOUT_ROWID, Base, BigId, Document, Stored, partial_index


class Root(Base):
    """A watch root as it is known; one that left the configuration stays, retired."""

    __tablename__ = "root"
    __table_args__ = (
        CheckConstraint("availability IN ('available', 'unavailable', 'braked', 'retired')", name="availability"),
        CheckConstraint("role IN ('acquisition', 'storage')", name="role"),
    )

    id: Stored[int] = Stored(BigId, primary_key=True)
    name: Stored[str] = Stored(String(255), unique=True)
    path: Stored[bytes]
    role: Stored[str] = Stored(String(16), default="acquisition")
    #: File system type, source, inode of the root, a sample of known files; never the device number.
    identity: Stored[dict[str, Any] | None] = Stored(Document)
    availability: Stored[str] = Stored(String(16), default="available")
    reason: Stored[str | None]
    last_pass_started_at: Stored[datetime | None]
    last_pass_ended_at: Stored[datetime | None]
    overflow_count: Stored[int] = Stored(default=0)


class Directory(Base):
    """A directory below a root; ``path`` is relative ('' for the root itself), in raw bytes."""

    __tablename__ = "directory"
    __table_args__ = (UniqueConstraint("root_id", "path_hash"),)

    id: Stored[int] = Stored(BigId, primary_key=True)
    root_id: Stored[int] = Stored(BigId, "root.id")
    path: Stored[bytes]
    path_hash: Stored[bytes] = Stored(LargeBinary(16))
    last_pass_at: Stored[datetime | None]
    #: Whether the last listing ended without an error; only then may it report absence.
    is_listed_whole: Stored[bool] = Stored(default=False, server_default=false())
    problem: Stored[str | None]


def reason_hash(sentence: str) -> bytes:
    """Give the 16-byte blake2b of a sentence, surrogates kept."""
    return hashlib.blake2b(sentence.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _hash_of_sentence(context: Any) -> bytes:
    return reason_hash(context.get_current_parameters()["sentence"])


class Reason(Base):
    """An interned sentence, so that a million ignored files cost one; unique by its hash.

    Sentences name paths and can be long, and PostgreSQL refuses long texts in an index: look it up by
    ``sentence_hash`` (`reason_hash`), which fills itself on insert.
    """

    __tablename__ = "reason"

    id: Stored[int] = Stored(BigId, primary_key=True)
    sentence: Stored[str]
    sentence_hash: Stored[bytes] = Stored(LargeBinary(16), unique=True, default=_hash_of_sentence)


class Fileset(Base):
    """Files that are imported together. ``key`` is unique in its root and stays taken after a removal."""

    __tablename__ = "fileset"
    __table_args__ = (
        UniqueConstraint("root_id", "key"),
        partial_index("ix_fileset_due", "due_at", where="due_at IS NOT NULL"),
        partial_index("ix_fileset_waits_for", "due_at", where="waits_for IS NOT NULL"),
        partial_index("ix_fileset_neighbour", "neighbour", where="neighbour IS NOT NULL"),
        partial_index("ix_fileset_plate_key", "plate_key", where="plate_key IS NOT NULL"),
        partial_index("ix_fileset_marker", "root_id", "marker", where="marker IS NOT NULL"),
        partial_index("ix_fileset_unread_index", "root_id", "is_unread_index", where="is_unread_index"),
        CheckConstraint("filed_by IN ('rule', 'hand')", name="filed_by"),
        CheckConstraint("grouping IN ('file', 'names', 'index')", name="grouping"),
    )

    id: Stored[int] = Stored(BigId, primary_key=True)
    root_id: Stored[int] = Stored(BigId, "root.id")
    #: What told which files belong to it: it is one file; their names, by a rule; or one of them, that describes it.
    grouping: Stored[str] = Stored(String(8), default="file", server_default="file")
    #: It may describe an image of several files, and was not read yet: those beside it wait for that.
    is_unread_index: Stored[bool] = Stored(default=False, server_default=false())
    #: What makes the fileset this one, as a digest: its placement's key, or the folder and path of its only file.
    key: Stored[bytes] = Stored(LargeBinary(20))
    #: The placement and ownership as a document (ingest.placement.Placement).
    placement: Stored[dict[str, Any]] = Stored(Document)
    #: Whose it is by that placement: who may see it in `why`, `queue` and `status` before it has images.
    owner_id: Stored[int | None] = Stored(BigId, "experimenter.id", default=None)
    group_id: Stored[int | None] = Stored(BigId, "experimenter_group.id", default=None)
    #: Digest of the members as seen, and of those that were imported; 16 bytes.
    seen_digest: Stored[bytes] = Stored(LargeBinary(16))
    done_digest: Stored[bytes | None] = Stored(LargeBinary(16), default=None)
    #: When the members are looked at again; NULL when nothing is being waited for.
    due_at: Stored[datetime | None] = Stored(default=None)
    first_seen_at: Stored[datetime]
    stalled_reason: Stored[str | None] = Stored(default=None)
    #: What it waits for though it is quiet, for people: a marker, planes, files that it names.
    waits_for: Stored[str | None] = Stored(default=None)
    #: The name of its rule's marker file, while it is waited for or may be.
    marker: Stored[str | None] = Stored(default=None)
    #: What it shares with images beside it that captured more or fewer dimensions; NULL in plates and where no rule
    #: captures any.
    neighbour: Stored[bytes | None] = Stored(LargeBinary(16), default=None)
    #: What all filesets of a plate share whose rule says `per: plate`.
    plate_key: Stored[bytes | None] = Stored(LargeBinary(16), default=None)
    generation: Stored[int] = Stored(default=0)
    filed_by: Stored[str] = Stored(String(8), default="rule")
    removed_at: Stored[datetime | None] = Stored(default=None)
    removed_by_id: Stored[int | None] = Stored(BigId, "experimenter.id", default=None)
    is_partial: Stored[bool] = Stored(default=False, server_default=false())
    #: The owner and group by the folder where a moved file now lies, until somebody says `accept`; else NULL.
    owner_differs: Stored[dict[str, Any] | None] = Stored(Document, default=None)


class Sighting(Base):
    """What was seen at one path. A location of an original file is a sighting that points to it."""

    __tablename__ = "sighting"
    __table_args__ = (
        Index("ix_sighting_fileset_id_captured", "fileset_id", "captured"),
        Index("ix_sighting_original_file_id", "original_file_id"),
        Index("ix_sighting_move", "inode", "size_bytes"),
        partial_index("ix_sighting_gone", "original_file_id", where="missing_since IS NOT NULL"),
        partial_index("ix_sighting_damaged", "damaged_since", where="damaged_since IS NOT NULL"),
        CheckConstraint("disposition IN ('ignored', 'skipped', 'unmatched', 'held', 'member')", name="disposition"),
        WITHOUT_ROWID,
    )

    directory_id: Stored[int] = Stored(BigId, "directory.id", primary_key=True)
    name: Stored[bytes] = Stored(LargeBinary(255), primary_key=True)
    size_bytes: Stored[int] = Stored(BigId)
    mtime_ns: Stored[int] = Stored(BigId)
    ctime_ns: Stored[int] = Stored(BigId)
    inode: Stored[int] = Stored(BigId)
    disposition: Stored[str] = Stored(String(9))
    reason_id: Stored[int | None] = Stored(BigId, "reason.id")
    rule: Stored[str | None]
    configuration_id: Stored[int | None] = Stored(BigId, "configuration.id")
    fileset_id: Stored[int | None] = Stored(BigId, "fileset.id")
    original_file_id: Stored[int | None] = Stored(BigId, "original_file.id")
    missing_since: Stored[datetime | None]
    #: For what is held: the group, where that much is known; its owners see it in their queue.
    group_id: Stored[int | None] = Stored(BigId, "experimenter_group.id", default=None)
    #: Of a file of an image of many files: the `channel z t` that its name gives (`catalog.captured`).
    captured: Stored[str | None] = Stored(default=None)
    #: When `verify` last compared the bytes here with the hash; NULL: never since the file was seen to change.
    verified_at: Stored[datetime | None] = Stored(default=None)
    #: Since when `verify` finds other bytes here though nothing wrote the file; NULL: they are as they were.
    damaged_since: Stored[datetime | None] = Stored(default=None)


class NamedFile(Base):
    """A file that the first file of a fileset names: it belongs to it as soon as it is there."""

    __tablename__ = "named_file"
    __table_args__ = (Index("ix_named_file_path", "root_id", "path_hash"),)

    fileset_id: Stored[int] = Stored(BigId, "fileset.id", on_delete="CASCADE", primary_key=True)
    path_hash: Stored[bytes] = Stored(LargeBinary(16), primary_key=True)
    root_id: Stored[int] = Stored(BigId, "root.id")
    path: Stored[bytes]
    #: False: a part that may come yet or not, and is not waited for.
    is_needed: Stored[bool] = Stored(default=True, server_default=true())


class StoredCopy(Base):
    """The content of a file below a storage root, once by each hasher; by it the file is known as a place of another.

    It is kept for files of no known content, too: the original may be imported later.
    """

    __tablename__ = "stored_copy"
    __table_args__ = (
        ForeignKeyConstraint(
            ["directory_id", "name"],
            ["sighting.directory_id", "sighting.name"],
            ondelete="CASCADE",
            onupdate="CASCADE",
        ),
        Index("ix_stored_copy_content", "size_bytes", "fingerprint"),
    )

    directory_id: Stored[int] = Stored(BigId, primary_key=True)
    name: Stored[bytes] = Stored(LargeBinary(255), primary_key=True)
    hasher: Stored[str] = Stored(String(16), primary_key=True)
    hash: Stored[str] = Stored(String(128))
    size_bytes: Stored[int] = Stored(BigId)
    fingerprint: Stored[bytes] = Stored(LargeBinary(16))


class Verification(Base):
    """A run of `verify`. What was covered stands at the sightings; ``ended_at`` NULL: it goes on, or was broken off."""

    __tablename__ = "verification"

    id: Stored[int] = Stored(BigId, primary_key=True)
    #: 'daemon' for those that the schedule starts, 'cli' for a person's.
    via: Stored[str] = Stored(String(16))
    started_at: Stored[datetime]
    ended_at: Stored[datetime | None] = Stored(default=None)
    checked: Stored[int] = Stored(BigId, default=0)
    bytes_read: Stored[int] = Stored(BigId, default=0)
    damaged: Stored[int] = Stored(BigId, default=0)
    missing: Stored[int] = Stored(BigId, default=0)


class Job(Base):
    """What is to be done for a fileset: only what is pending or failed; what is done is one event."""

    __tablename__ = "job"
    __table_args__ = (
        CheckConstraint("kind IN ('import', 'hash', 'verify', 'render')", name="kind"),
        CheckConstraint("state IN ('ready', 'started', 'waiting', 'quarantined')", name="state"),
        Index("ix_job_order", "state", "priority", "fileset_id"),
    )

    fileset_id: Stored[int] = Stored(BigId, "fileset.id", primary_key=True)
    kind: Stored[str] = Stored(String(8), primary_key=True)
    digest: Stored[bytes] = Stored(LargeBinary(16))
    #: Smaller goes first: 0 hinted, 1 recent, 2 backlog, 3 hash, 4 verify.
    priority: Stored[int]
    state: Stored[str] = Stored(String(12))
    attempts: Stored[int] = Stored(default=0)
    #: Starts that brought no result since the last one that did: three, and it is quarantined.
    deaths: Stored[int] = Stored(default=0, server_default=text("0"))
    next_try_at: Stored[datetime | None] = Stored(default=None)
    claim: Stored[int] = Stored(default=0)
    instance_id: Stored[int | None] = Stored(BigId, "instance.id", default=None)
    reason: Stored[str | None] = Stored(default=None)


class Instance(Base):
    """A process that held, or holds, the ingest."""

    __tablename__ = "instance"

    id: Stored[int] = Stored(BigId, primary_key=True)
    host: Stored[str]
    pid: Stored[int]
    version: Stored[str]
    started_at: Stored[datetime]
    ended_at: Stored[datetime | None] = Stored(default=None)


class Assignment(Base):
    """A person's revocable decision about a path (a file, or a folder and all below it)."""

    __tablename__ = "assignment"
    __table_args__ = (Index("ix_assignment_path", "root_id", "path_hash"),)

    id: Stored[int] = Stored(BigId, primary_key=True)
    root_id: Stored[int] = Stored(BigId, "root.id")
    path: Stored[bytes]
    path_hash: Stored[bytes] = Stored(LargeBinary(16))
    #: The targets given by hand: owner, group, project, dataset, screen, plate, image ...
    targets: Stored[dict[str, Any]] = Stored(Document)
    made_by_id: Stored[int | None] = Stored(BigId, "experimenter.id")
    made_at: Stored[datetime]
    revoked_at: Stored[datetime | None] = Stored(default=None)


class Request(Base):
    """What a command asks the running daemon to do (`import`, `retry`, `root accept`), and its answer."""

    __tablename__ = "request"
    __table_args__ = (CheckConstraint("state IN ('asked', 'taken', 'done', 'failed')", name="state"),)

    id: Stored[int] = Stored(BigId, primary_key=True)
    kind: Stored[str] = Stored(String(16))
    arguments: Stored[dict[str, Any]] = Stored(Document)
    actor_id: Stored[int | None] = Stored(BigId, "experimenter.id")
    asked_at: Stored[datetime]
    state: Stored[str] = Stored(String(8), default="asked")
    answer: Stored[dict[str, Any] | None] = Stored(Document, default=None)
    answered_at: Stored[datetime | None] = Stored(default=None)


class Event(Base):
    """One decision or result; append-only by trigger. Looks at files leave none."""

    __tablename__ = "event"
    __table_args__ = (
        Index("ix_event_object", "object_type", "object_id", "id"),
        Index("ix_event_fileset_id", "fileset_id", "id"),
        Index("ix_event_path", "root_id", "path_hash", "id"),
    )

    id: Stored[int] = Stored(BigId, primary_key=True)
    at: Stored[datetime]
    #: NULL: the site itself (`system`).
    actor_id: Stored[int | None] = Stored(BigId, "experimenter.id")
    acting_as_id: Stored[int | None] = Stored(BigId, "experimenter.id")
    #: The operating-system account behind a command: root and the service's own account are nobody's experimenter.
    account: Stored[str | None] = Stored(String(255), default=None)
    #: 'daemon', 'cli', 'web' ...
    via: Stored[str] = Stored(String(16))
    #: A constant word: 'imported', 'updated', 'held', 'quarantined', 'renamed', 'tagged' ...
    what: Stored[str] = Stored(String(32))
    object_type: Stored[str | None] = Stored(String(20))
    object_id: Stored[int | None] = Stored(BigId)
    fileset_id: Stored[int | None] = Stored(BigId)
    root_id: Stored[int | None] = Stored(BigId)
    path_hash: Stored[bytes | None] = Stored(LargeBinary(16))
    before: Stored[dict[str, Any] | None] = Stored(Document)
    after: Stored[dict[str, Any] | None] = Stored(Document)
    configuration_id: Stored[int | None] = Stored(BigId, "configuration.id")


#: The record can't be rewritten: these make it so, on each database.
APPEND_ONLY = {
    "sqlite": (
        "CREATE TRIGGER event_never_changes BEFORE UPDATE ON event"
        " BEGIN SELECT RAISE(ABORT, 'events are append-only'); END",
        "CREATE TRIGGER event_never_goes BEFORE DELETE ON event"
        " BEGIN SELECT RAISE(ABORT, 'events are append-only'); END",
    ),
    "postgresql": (
        "CREATE FUNCTION event_is_append_only() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'events are append-only'; END $$",
        "CREATE TRIGGER event_never_changes BEFORE UPDATE OR DELETE ON event"
        " FOR EACH ROW EXECUTE FUNCTION event_is_append_only()",
        "CREATE TRIGGER event_never_goes BEFORE TRUNCATE ON event"
        " FOR EACH STATEMENT EXECUTE FUNCTION event_is_append_only()",
    ),
}


def _keep_events(dialect: str, statement: str) -> None:
    trigger = DDL(statement).execute_if(dialect=dialect)  # type: ignore[no-untyped-call]  # SQLAlchemy has none here
    listen(Event.__table__, "after_create", trigger)


for _dialect, _statements in APPEND_ONLY.items():
    for _statement in _statements:
        _keep_events(_dialect, _statement)
