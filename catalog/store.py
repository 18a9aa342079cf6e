"""Writes looks (T1): directories, sightings and filesets of a batch, in the caller's one transaction."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from catalog.events import NewEvent, record
from catalog.fileset_looks import forget_jobs, record_filesets
from catalog.hash_jobs import ask_again
from catalog.ids import new_ids
from catalog.looks import ChangedFile, DirectoryLook, SeenFile
from catalog.many import execute_many
from catalog.models.images import OriginalFile
from catalog.models.ingest import Directory, Fileset, Job, Sighting
from catalog.names import path_hash
from catalog.reasons import reason_ids
from catalog.set_files import (
    LOOK,
    SeenBefore,
    digest_before,
    digests_after,
    take_from,
    without_clashes,
)
from catalog.sightings import directory_ids
from catalog.upserts import insert_or_update

_INSERT_DIRECTORY = insert(Directory)


def record_directories(
    connection: Connection, root_id: int, looks: Sequence[DirectoryLook], *, now: datetime
) -> dict[bytes, int]:
    """Note directories and how their listing went, writing only what is new or different; gives their ids."""
    wanted = {path_hash(look.path): look for look in looks}
    ids: dict[bytes, int] = {}
    changed: list[dict[str, Any]] = []
    for row in connection.execute(_LISTED, {"root": root_id, "hashes": list(wanted)}):
        look = wanted.pop(bytes(row.path_hash))
        ids[look.path] = row.id
        if (row.is_listed_whole, row.problem) != (look.is_whole, look.problem):
            changed.append({"b_id": row.id, "b_whole": look.is_whole, "b_problem": look.problem, "b_now": now})
    if changed:
        connection.execute(_UPDATE_DIRECTORY, changed)
    if wanted:
        ids |= _insert_directories(connection, root_id, wanted, now)
    return ids


_LISTED = select(Directory.id, Directory.path_hash, Directory.is_listed_whole, Directory.problem).where(
    Directory.root_id == bindparam("root"), Directory.path_hash.in_(bindparam("hashes", expanding=True))
)
_UPDATE_DIRECTORY = (
    update(Directory)
    .where(Directory.id == bindparam("b_id"))
    .values(is_listed_whole=bindparam("b_whole"), problem=bindparam("b_problem"), last_pass_at=bindparam("b_now"))
    .execution_options(synchronize_session=False)
)


def _insert_directories(
    connection: Connection, root_id: int, wanted: dict[bytes, DirectoryLook], now: datetime
) -> dict[bytes, int]:
    ids = new_ids(connection, Directory, len(wanted))
    rows = [
        {
            "id": directory_id,
            "root_id": root_id,
            "path": look.path,
            "path_hash": hashed,
            "last_pass_at": now,
            "is_listed_whole": look.is_whole,
            "problem": look.problem,
        }
        for directory_id, (hashed, look) in zip(ids, wanted.items(), strict=True)
    ]
    execute_many(connection, _INSERT_DIRECTORY, rows)
    return {look.path: directory_id for look, directory_id in zip(wanted.values(), ids, strict=True)}


def record_files(
    connection: Connection,
    root_id: int,
    files: Sequence[SeenFile],
    *,
    configuration_id: int | None,
    now: datetime,
    via: str,
    stored: Collection[bytes] | None = None,
) -> dict[bytes, int]:
    """Write sightings and filesets of looks that are new or different; gives the filesets' ids by key.

    The directories are known already. What is catalogued never comes here (see `record_changes`). ``stored`` are the
    names among those of one directory that have a row already; None: it is not known which.
    """
    if not files:
        return {}
    ids = directory_ids(connection, root_id, list({file.directory for file in files}))
    files = without_clashes(connection, root_id, files, now=now, via=via)
    reasons = reason_ids(connection, {file.reason for file in files if file.reason})
    asked = [file for file in files if stored is None or file.name in stored]
    before = _stored(connection, [(ids[file.directory], file.name) for file in asked])
    filesets = record_filesets(connection, root_id, files, SeenBefore(ids=ids, rows=before), now)
    rows = [
        {
            "directory_id": ids[file.directory],
            "name": file.name,
            "size_bytes": file.size_bytes,
            "mtime_ns": file.mtime_ns,
            "ctime_ns": file.ctime_ns,
            "inode": file.inode,
            "disposition": file.disposition,
            "reason_id": reasons.get(file.reason or ""),
            "rule": file.rule,
            "configuration_id": configuration_id,
            "fileset_id": filesets[file.fileset.key] if file.fileset else None,
            "group_id": file.group_id,
            "captured": file.captured if file.fileset else None,
            "original_file_id": _kept_original(before, ids[file.directory], file) if before else None,
            "missing_since": None,
            "verified_at": None,
            "damaged_since": None,
        }
        for file in files
    ]
    upsert = insert_or_update(connection, Sighting, rows[0], key=("directory_id", "name"))
    execute_many(connection, upsert, rows)
    _leave_filesets(connection, files, rows, before)
    record(connection, *_held_events(root_id, files, rows, before, configuration_id, now, via))
    return filesets


def _held_events(
    root_id: int,
    files: Sequence[SeenFile],
    rows: Sequence[dict[str, Any]],
    before: Mapping[tuple[int, bytes], Any],
    configuration_id: int | None,
    now: datetime,
    via: str,
) -> list[NewEvent]:
    """Tell each decision to hold once: not again while the reason stays the same."""
    events = []
    for file, row in zip(files, rows, strict=True):
        if file.disposition != "held":
            continue
        known = before.get((row["directory_id"], file.name))
        if not _is_held_so(known, row["reason_id"]):
            events.append(
                NewEvent(
                    what="held",
                    at=now,
                    via=via,
                    root_id=root_id,
                    path_hash=path_hash(file.path),
                    after={"reason": file.reason},
                    configuration_id=configuration_id,
                )
            )
    return events


def _is_held_so(known: Any, reason_id: int | None) -> bool:
    return known is not None and (known.disposition, known.reason_id) == ("held", reason_id)


def _stored(connection: Connection, keys: Sequence[tuple[int, bytes]]) -> dict[tuple[int, bytes], Any]:
    by_directory: dict[int, list[bytes]] = {}
    for directory_id, name in keys:
        by_directory.setdefault(directory_id, []).append(name)
    found = {}
    for directory_id, names in by_directory.items():
        query = (
            select(*_BEFORE)
            .outerjoin(Fileset, Fileset.id == Sighting.fileset_id)
            .where(Sighting.directory_id == directory_id, Sighting.name.in_(names))
        )
        for row in connection.execute(query):
            found[directory_id, bytes(row.name)] = row
    return found


def _kept_original(before: Mapping[tuple[int, bytes], Any], directory_id: int, file: SeenFile) -> int | None:
    """Keep what a place in storage points to until it is read again: its content may well be the same."""
    known = before.get((directory_id, file.name))
    return known.original_file_id if file.is_copy and known is not None else None


_BEFORE = (
    Sighting.name,
    Sighting.disposition,
    Sighting.reason_id,
    Sighting.fileset_id,
    Sighting.original_file_id,
    Sighting.missing_since,
    Fileset.grouping,
    *(getattr(Sighting, column) for column in LOOK),
)


def _leave_filesets(
    connection: Connection,
    files: Sequence[SeenFile],
    rows: Sequence[dict[str, Any]],
    before: Mapping[tuple[int, bytes], Any],
) -> None:
    """Take files out of never imported filesets that they left for another, or for none; what is empty is removed."""
    left: dict[int, list[bytes]] = {}
    for file, row in zip(files, rows, strict=True) if before else ():
        known = before.get((row["directory_id"], row["name"]))
        if known and known.fileset_id is not None and known.fileset_id != row["fileset_id"]:
            is_part = known.grouping not in (None, "file") and known.missing_since is None
            left.setdefault(known.fileset_id, []).extend([digest_before(file.path, known)] if is_part else [])
    drop_filesets(connection, sorted(left))
    take_from(connection, {key: digests for key, digests in left.items() if digests})


def drop_filesets(connection: Connection, fileset_ids: Sequence[int]) -> None:
    """Remove filesets that were never imported, that nobody removed and to which no sighting points any more."""
    if not fileset_ids:
        return
    used = select(Sighting.fileset_id).where(Sighting.fileset_id.in_(list(fileset_ids)))
    unused = select(Fileset.id).where(
        Fileset.id.in_(list(fileset_ids)),
        Fileset.done_digest.is_(None),
        Fileset.removed_at.is_(None),
        Fileset.id.not_in(used),
    )
    gone = list(connection.scalars(unused))
    if gone:
        # Files that an `apply` took out of an image are known already.
        files = select(OriginalFile.id).where(OriginalFile.fileset_id.in_(gone))
        connection.execute(update(Sighting).where(Sighting.original_file_id.in_(files)).values(original_file_id=None))
        connection.execute(delete(OriginalFile).where(OriginalFile.fileset_id.in_(gone)))
        connection.execute(delete(Job).where(Job.fileset_id.in_(gone)))
        connection.execute(delete(Fileset).where(Fileset.id.in_(gone)))


def record_changes(connection: Connection, root_id: int, files: Sequence[ChangedFile]) -> None:
    """Write new looks at catalogued files: due again, unless it is what was imported (then nothing is to be done)."""
    if not files:
        return
    ids = directory_ids(connection, root_id, list({file.directory for file in files}))
    rows = [
        {
            "b_directory": ids[file.directory],
            "b_name": file.name,
            **{f"b_{column}": getattr(file, column) for column in LOOK},
        }
        for file in files
    ]
    connection.execute(_UPDATE_LOOK, rows)
    fileset_ids = [file.fileset_id for file in files]
    query = select(Fileset.id, Fileset.seen_digest, Fileset.done_digest, Fileset.removed_at)
    done = {row.id: row for row in connection.execute(query.where(Fileset.id.in_(fileset_ids)))}
    digests = digests_after(files, {key: bytes(row.seen_digest) for key, row in done.items()})
    due = {file.fileset_id: file.due_at for file in files}
    changes = [
        {"b_id": key, "b_digest": digest, "b_due": None if _is_settled(done[key], digest) else due[key]}
        for key, digest in digests.items()
    ]
    connection.execute(_UPDATE_SEEN, changes)
    settled = {key for key, digest in digests.items() if _is_settled(done[key], digest)}
    forget_jobs(connection, [key for key in fileset_ids if key not in settled])
    if settled:  # it is as it was imported, and its hash may be still to be made
        forget_jobs(connection, sorted(settled), kind="import")
        ask_again(connection, sorted(settled))


def _is_settled(row: Any, digest: bytes) -> bool:
    return row.removed_at is not None or bytes(row.done_digest or b"") == digest


_UPDATE_LOOK = (
    update(Sighting)
    .where(Sighting.directory_id == bindparam("b_directory"), Sighting.name == bindparam("b_name"))
    .values(
        **{column: bindparam(f"b_{column}") for column in LOOK},
        missing_since=None,
        verified_at=None,
        damaged_since=None,
    )
    .execution_options(synchronize_session=False)
)
_UPDATE_SEEN = (
    update(Fileset)
    .where(Fileset.id == bindparam("b_id"))
    .values(seen_digest=bindparam("b_digest"), due_at=bindparam("b_due"), stalled_reason=None, waits_for=None)
    .execution_options(synchronize_session=False)
)


def hold_fileset(
    connection: Connection, fileset_id: int, disposition: str, reason: str, *, now: datetime, via: str
) -> None:
    """Turn the files of a fileset that can't be imported into held or ignored ones; what is catalogued stays.

    A catalogued one keeps its images as they were and is quarantined with the reason.
    """
    row = connection.execute(select(Fileset.done_digest, Fileset.group_id).where(Fileset.id == fileset_id)).one()
    event = NewEvent(
        what="quarantined" if row.done_digest is not None else disposition,
        at=now,
        via=via,
        object_type="fileset",
        object_id=fileset_id,
        fileset_id=fileset_id,
        after={"reason": reason},
    )
    record(connection, event)
    if row.done_digest is not None:
        values = {"state": "quarantined", "reason": reason, "next_try_at": None, "instance_id": None}
        connection.execute(update(Job).where(Job.fileset_id == fileset_id, Job.kind == "import").values(values))
        return
    reason_id = reason_ids(connection, [reason])[reason]
    held = {"disposition": disposition, "reason_id": reason_id, "fileset_id": None, "group_id": row.group_id}
    connection.execute(update(Sighting).where(Sighting.fileset_id == fileset_id).values(held))
    drop_filesets(connection, [fileset_id])
