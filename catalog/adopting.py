"""Takes files into the fileset whose main file names them: what nobody catalogued yet, wherever it was filed before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, text, update

from catalog.fileset_looks import forget_jobs
from catalog.looks import TO_BE_READ
from catalog.member_digests import changed
from catalog.models.ingest import Directory, Fileset, Job, NamedFile, Reason, Sighting
from catalog.names import path_hash
from catalog.set_files import LOOK, digest_before, take_from
from catalog.store import drop_filesets

_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedSighting:
    """A file that another names, as it was seen. ``owner_id`` and ``group_id`` are its own fileset's, if it has one."""

    path: bytes
    directory_id: int
    name: bytes
    digest: bytes
    disposition: str
    reason: str | None
    fileset_id: int | None
    grouping: str | None
    is_done: bool
    owner_id: int | None
    group_id: int | None


def named_sightings(connection: Connection, root_id: int, paths: Sequence[bytes]) -> dict[bytes, NamedSighting]:
    """Find those of some paths that are there, by path."""
    folders: dict[bytes, list[bytes]] = {}
    for path in paths:
        folder, _, name = path.rpartition(b"/")
        folders.setdefault(folder, []).append(name)
    found: dict[bytes, NamedSighting] = {}
    for folder, names in folders.items():
        for start in range(0, len(names), _BATCH):
            query = _QUERY.where(
                Directory.root_id == root_id,
                Directory.path_hash == path_hash(folder),
                Sighting.name.in_(names[start : start + _BATCH]),
                Sighting.missing_since.is_(None),
            )
            for row in connection.execute(query):
                one = _named(folder, row)
                found[one.path] = one
    return found


_QUERY = (
    select(Sighting.directory_id, Sighting.name, Sighting.disposition, Sighting.fileset_id, Reason.sentence)
    .add_columns(*(getattr(Sighting, column) for column in LOOK))
    .add_columns(Fileset.grouping, Fileset.done_digest, Fileset.owner_id, Fileset.group_id)
    .join(Directory, Directory.id == Sighting.directory_id)
    .outerjoin(Fileset, Fileset.id == Sighting.fileset_id)
    .outerjoin(Reason, Reason.id == Sighting.reason_id)
)


def _named(folder: bytes, row: Any) -> NamedSighting:
    name = bytes(row.name)
    path = folder + b"/" + name if folder else name
    return NamedSighting(
        path=path,
        directory_id=row.directory_id,
        name=name,
        digest=digest_before(path, row),
        disposition=row.disposition,
        reason=row.sentence,
        fileset_id=row.fileset_id,
        grouping=row.grouping,
        is_done=row.done_digest is not None,
        owner_id=row.owner_id,
        group_id=row.group_id,
    )


def standing_alone(connection: Connection, fileset_ids: Sequence[int]) -> set[int]:
    """Give those of some catalogued filesets that are one file which, when it was read, described no other.

    Where names decided, or where it is to be read anew, nobody asked the file.
    """
    if not fileset_ids:
        return set()
    naming = select(NamedFile.fileset_id).where(NamedFile.fileset_id == Fileset.id).exists()
    alone = (Fileset.grouping == "file", Fileset.done_digest != TO_BE_READ, ~naming)
    rows = connection.execute(select(Fileset.id, Fileset.placement).where(Fileset.id.in_(list(fileset_ids)), *alone))
    return {row.id for row in rows if row.placement.get("by") != "names"}


def adopt(connection: Connection, fileset_id: int, files: Sequence[NamedSighting], *, due_at: datetime) -> None:
    """Make files members of a fileset; filesets that they leave and that were never imported are dropped.

    The fileset is looked at again at ``due_at``, with all its files.
    """
    new = [file for file in files if file.fileset_id != fileset_id]
    for file in new:
        connection.execute(
            update(Sighting)
            .where(Sighting.directory_id == file.directory_id, Sighting.name == file.name)
            .values(disposition="member", reason_id=None, fileset_id=fileset_id, captured=None, group_id=None)
        )
    left: dict[int, list[bytes]] = {}
    for file in new:
        if file.fileset_id is not None and not file.is_done:
            left.setdefault(file.fileset_id, []).append(file.digest)
    drop_filesets(connection, sorted(left))
    take_from(connection, left)
    seen = connection.scalars(select(Fileset.seen_digest).where(Fileset.id == fileset_id)).one()
    values: Mapping[str, Any] = {
        "seen_digest": changed(bytes(seen), added=[file.digest for file in new]),
        "grouping": "index",
        "is_unread_index": False,
        "due_at": due_at,
        "waits_for": None,
    }
    connection.execute(update(Fileset).where(Fileset.id == fileset_id).values(values))
    forget_jobs(connection, [fileset_id])


def main_of(connection: Connection, fileset_id: int) -> Any:
    """Give what is known of a fileset that names files: key, placement, owner, group, whether it is catalogued."""
    query = select(
        Fileset.id, Fileset.key, Fileset.root_id, Fileset.placement, Fileset.owner_id, Fileset.group_id,
        Fileset.done_digest, Fileset.removed_at,
    )  # fmt: skip
    return connection.execute(query.where(Fileset.id == fileset_id)).one()


#: As the index's own condition has it: written as a comparison, SQLite would read all filesets of the root instead.
_IS_UNREAD = text("fileset.is_unread_index")


def unresolved_folders(connection: Connection, root_id: int) -> list[bytes]:
    """Give the folders of a root in which a file lies that may describe others and was not asked yet which."""
    query = (
        select(Directory.path)
        .distinct()
        .join(Sighting, Sighting.directory_id == Directory.id)
        .join(Fileset, Fileset.id == Sighting.fileset_id)
        .outerjoin(Job, (Job.fileset_id == Fileset.id) & (Job.state == "quarantined"))
        .where(
            Fileset.root_id == root_id,
            _IS_UNREAD,
            Fileset.done_digest.is_(None),
            Fileset.removed_at.is_(None),
            Fileset.stalled_reason.is_(None),
            Job.fileset_id.is_(None),
            Sighting.missing_since.is_(None),
        )
    )
    return [bytes(path) for path in connection.scalars(query)]
