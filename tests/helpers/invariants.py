"""The five invariants of the ingest, checked from outside after every fault: on the disk and in the catalogue.

1. Every file under an available root is in exactly one state, with a reason.
2. Every complete fileset is in the catalogue exactly once.
3. No row points to something that is not there; every image has a thumbnail or the reason why not.
4. No file under a root was created, changed or removed (names, contents, mtime, ctime).
5. Nobody sees what the permission table denies.
"""

import hashlib
import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, func, select, text

from catalog.acting import resolve_acting
from catalog.engine import Catalogue
from catalog.models.images import Image, OriginalFile, Thumbnail
from catalog.models.ingest import Directory, Fileset, Root, Sighting
from catalog.models.people import Experimenter, ExperimenterGroup, Membership
from catalog.permissions import Acting
from catalog.state_sql import states
from catalog.visibility import visible

#: A folder with this ending is one thing, not a tree of files.
AS_ONE = (b".zarr",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a path was: nothing of it may change."""

    mode: int
    size_bytes: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    digest: bytes


def snapshot(root: Path) -> dict[bytes, Entry]:
    """Take a picture of everything below a root, by path relative to it."""
    return {path: _entry(os.path.join(os.fsencode(root), path)) for path, _ in walk(root)}


def _entry(path: bytes) -> Entry:
    found = os.lstat(path)
    digest = b""
    if stat.S_ISREG(found.st_mode) and os.access(path, os.R_OK):
        digest = hashlib.sha256(Path(os.fsdecode(path)).read_bytes()).digest()
    return Entry(
        mode=found.st_mode,
        size_bytes=found.st_size,
        mtime_ns=found.st_mtime_ns,
        ctime_ns=found.st_ctime_ns,
        inode=found.st_ino,
        digest=digest,
    )


def walk(root: Path) -> Iterator[tuple[bytes, bool]]:
    """Give every path below a root, relative, and whether it is a folder that is walked into."""
    pending = [b""]
    while pending:
        folder = pending.pop()
        for entry in os.scandir(os.path.join(os.fsencode(root), folder)):
            path = os.path.join(folder, entry.name)
            is_walked = entry.is_dir(follow_symlinks=False) and not entry.name.endswith(AS_ONE)
            yield path, is_walked
            if is_walked:
                pending.append(path)


def violations(
    catalogue: Catalogue,
    roots: Mapping[str, Path],
    *,
    complete: Iterable[tuple[str, bytes, int]] = (),
    before: Mapping[str, Mapping[bytes, Entry]] | None = None,
) -> list[str]:
    """Find every violation, a sentence each; none is the only good answer.

    ``complete`` are the files that must be in the catalogue by now, as (root, relative path, number of images).
    ``before`` are pictures of the roots taken when the scenario had written its last byte.
    """
    with catalogue.reading() as connection:
        return [
            *_without_one_state(connection, roots),
            *_not_exactly_once(connection, list(complete)),
            *_pointing_nowhere(connection),
            *_changed_on_disk(roots, before or {}),
            *_seen_too_much(connection),
        ]


def _without_one_state(connection: Connection, roots: Mapping[str, Path]) -> Iterator[str]:
    known: Counter[tuple[str, bytes]] = Counter()
    told = {(row.directory_id, bytes(row.name)): (row.state, row.reason) for row in connection.execute(states())}
    query = (
        select(Root.name.label("root"), Directory.path, Sighting.directory_id, Sighting.name)
        .join(Directory, Directory.id == Sighting.directory_id)
        .join(Root, Root.id == Directory.root_id)
    )
    for row in connection.execute(query):
        path = os.path.join(bytes(row.path), bytes(row.name))
        known[(row.root, path)] += 1
        state, reason = told.get((row.directory_id, bytes(row.name)), ("", ""))
        if not state or not reason:
            yield f"1: {row.root}:{path!r} has state {state!r} with reason {reason!r}"
    available = {name for name, kind in connection.execute(select(Root.name, Root.availability)) if kind == "available"}
    for root in available & roots.keys():
        for path, is_walked in walk(roots[root]):
            if not is_walked and known[(root, path)] != 1:
                yield f"1: {root}:{path!r} is known {known[(root, path)]} times"


def _not_exactly_once(connection: Connection, complete: list[tuple[str, bytes, int]]) -> Iterator[str]:
    query = (
        select(Root.name.label("root"), Directory.path, Sighting.name, func.count(Image.id).label("images"))
        .join(Directory, Directory.id == Sighting.directory_id)
        .join(Root, Root.id == Directory.root_id)
        .join(OriginalFile, OriginalFile.id == Sighting.original_file_id)
        .outerjoin(Image, Image.fileset_id == OriginalFile.fileset_id)
        .group_by(Root.name, Directory.path, Sighting.directory_id, Sighting.name)
    )
    counted = {
        (row.root, os.path.join(bytes(row.path), bytes(row.name))): row.images for row in connection.execute(query)
    }
    for root, path, images in complete:
        if counted.get((root, path), 0) != images:
            yield f"2: {root}:{path!r} gave {counted.get((root, path), 0)} images instead of {images}"
    unfinished = select(Fileset.id).where(
        Fileset.done_digest.is_not(None), ~select(Image.id).where(Image.fileset_id == Fileset.id).exists()
    )
    for fileset_id in connection.scalars(unfinished.where(Fileset.removed_at.is_(None))):
        yield f"2: fileset {fileset_id} is done and has no image"
    nowhere = ~select(Sighting.name).where(Sighting.original_file_id == OriginalFile.id).exists()
    for file_id in connection.scalars(select(OriginalFile.id).where(nowhere)):
        yield f"2: original file {file_id} has no location"


def _pointing_nowhere(connection: Connection) -> Iterator[str]:
    if connection.dialect.name == "sqlite":
        for row in connection.execute(text("PRAGMA foreign_key_check")):
            yield f"3: a row of {row[0]} points to a row of {row[2]} that does not exist"
        for (answer,) in connection.execute(text("PRAGMA integrity_check")):
            if answer != "ok":
                yield f"3: the database is damaged: {answer}"
    for image_id in connection.scalars(select(Image.id).outerjoin(Thumbnail).where(Thumbnail.image_id.is_(None))):
        yield f"3: image {image_id} has neither a thumbnail nor a reason why not"
    fileless = ~select(OriginalFile.id).where(OriginalFile.fileset_id == Image.fileset_id).exists()
    for image_id in connection.scalars(select(Image.id).where(fileless)):
        yield f"3: image {image_id} has no original file"


def _changed_on_disk(roots: Mapping[str, Path], before: Mapping[str, Mapping[bytes, Entry]]) -> Iterator[str]:
    for root, entries in before.items():
        now = snapshot(roots[root])
        for path in sorted(entries.keys() | now.keys()):
            if entries.get(path) != now.get(path):
                yield f"4: {root}:{path!r} was created, changed or removed"


def _seen_too_much(connection: Connection) -> Iterator[str]:
    """Compare what each person's filter lets through with the table, told here once more in plain words."""
    levels = {
        row.id: row.permissions
        for row in connection.execute(select(ExperimenterGroup.id, ExperimenterGroup.permissions))
    }
    images = connection.execute(select(Image.id, Image.owner_id, Image.group_id)).all()
    members: dict[tuple[int, int], bool] = {}
    for row in connection.execute(select(Membership.experimenter_id, Membership.group_id, Membership.is_owner)):
        members[(row.experimenter_id, row.group_id)] = (
            members.get((row.experimenter_id, row.group_id), False) or row.is_owner
        )
    people = select(Experimenter.id, Experimenter.name).where(
        ~Experimenter.is_administrator, Experimenter.closed_at.is_(None)
    )
    for person in connection.execute(people):
        acting: Acting = resolve_acting(connection, "checker", now=datetime.now(UTC), as_name=person.name)
        seen = set(connection.scalars(select(Image.id).where(visible(acting, Image.__table__))))
        for image in images:
            leads = members.get((person.id, image.group_id))
            may = leads is not None and (leads or image.owner_id == person.id or levels[image.group_id] != "private")
            if image.id in seen and not may:
                yield f"5: {person.name} sees image {image.id}"
            if may and image.id not in seen:
                yield f"5: {person.name} does not see image {image.id}"
