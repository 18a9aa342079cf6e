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
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from PIL import Image as Picture
from sqlalchemy import Connection, and_, exists, func, select, text

from catalog.acting import resolve_acting
from catalog.engine import Catalogue
from catalog.models.all import metadata
from catalog.models.annotations import AnnotationLink
from catalog.models.base import Base
from catalog.models.containers import Dataset, DatasetImageLink, Plate, Project, Screen
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
    with opened(root, b"") as folder:
        return dict(_entries(folder, b""))


def _entries(folder: int, path: bytes) -> Iterator[tuple[bytes, Entry]]:
    for name, is_walked in _names(folder):
        below = os.path.join(path, name)
        yield below, _entry(folder, name)
        if is_walked:
            with _inner(folder, name) as inner:
                yield from _entries(inner, below)


def _entry(folder: int, name: bytes) -> Entry:
    found = os.lstat(name, dir_fd=folder)
    digest = b""
    if stat.S_ISREG(found.st_mode) and os.access(name, os.R_OK, dir_fd=folder):
        digest = hashlib.sha256(_content(folder, name)).digest()
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
    with opened(root, b"") as folder:
        yield from _walk(folder, b"")


def _walk(folder: int, path: bytes) -> Iterator[tuple[bytes, bool]]:
    for name, is_walked in _names(folder):
        below = os.path.join(path, name)
        yield below, is_walked
        if is_walked:
            with _inner(folder, name) as inner:
                yield from _walk(inner, below)


def _names(folder: int) -> list[tuple[bytes, bool]]:
    with os.scandir(folder) as entries:
        found = [(os.fsencode(entry.name), entry.is_dir(follow_symlinks=False)) for entry in entries]
    return [(name, is_folder and not name.endswith(AS_ONE)) for name, is_folder in found]


@contextmanager
def _inner(folder: int, name: bytes) -> Iterator[int]:
    descriptor = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def opened(root: Path, path: bytes) -> Iterator[int]:
    """Open a folder beneath a root one component at a time: a path may be longer than the kernel takes at once."""
    with ExitStack() as open_ones:
        folder = open_ones.enter_context(_top(root))
        for part in path.split(b"/") if path else ():
            folder = open_ones.enter_context(_inner(folder, part))
        yield folder


def _content(folder: int, name: bytes) -> bytes:
    with open(os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder), "rb") as file:
        return file.read()


@contextmanager
def _top(root: Path) -> Iterator[int]:
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def violations(
    catalogue: Catalogue,
    roots: Mapping[str, Path],
    *,
    complete: Iterable[tuple[str, bytes, int]] = (),
    before: Mapping[str, Mapping[bytes, Entry]] | None = None,
    kept: Mapping[tuple[str, bytes], "Identity"] | None = None,
) -> list[str]:
    """Find every violation, a sentence each; none is the only good answer.

    ``complete`` are the files that must be in the catalogue by now, as (root, relative path, number of images).
    ``before`` are pictures of the roots taken when the scenario had written its last byte. ``kept`` are identities
    taken before the fault, by the paths where these files are now. A sentence begins with the invariant's number;
    of the second, with what it is: lost, twice, torn, or another identity.
    """
    with catalogue.reading() as connection:
        return [
            *_without_one_state(connection, roots),
            *_not_exactly_once(connection, list(complete)),
            *_torn(connection, roots),
            *_not_kept(connection, kept or {}),
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
            found = counted.get((root, path), 0)
            kind = "lost" if found < images else "twice"
            yield f"2: {kind}: {root}:{path!r} gave {found} images instead of {images}"
    unfinished = select(Fileset.id).where(
        Fileset.done_digest.is_not(None), ~select(Image.id).where(Image.fileset_id == Fileset.id).exists()
    )
    for fileset_id in connection.scalars(unfinished.where(Fileset.removed_at.is_(None))):
        yield f"2: lost: fileset {fileset_id} is done and has no image"
    nowhere = ~select(Sighting.name).where(Sighting.original_file_id == OriginalFile.id).exists()
    for file_id in connection.scalars(select(OriginalFile.id).where(nowhere)):
        yield f"2: twice: original file {file_id} has no location"
    yield from _imported_by_no_path(connection)


def _imported_by_no_path(connection: Connection) -> Iterator[str]:
    """Find images that no file tells about, and images that stand twice in one dataset."""
    nowhere = ~select(Sighting.name).where(Sighting.fileset_id == Image.fileset_id).exists()
    for image_id in connection.scalars(select(Image.id).where(nowhere)):
        yield f"2: twice: image {image_id} belongs to no path"
    linked = select(DatasetImageLink.image_id, DatasetImageLink.dataset_id, func.count().label("links"))
    for row in connection.execute(linked.group_by(DatasetImageLink.image_id, DatasetImageLink.dataset_id)):
        if row.links > 1:
            yield f"2: twice: image {row.image_id} stands {row.links} times in dataset {row.dataset_id}"


def _torn(connection: Connection, roots: Mapping[str, Path]) -> Iterator[str]:
    """Compare what is told of imported files with the bytes on the disk, and images with their file's own count."""
    query = (
        select(Root.name.label("root"), Directory.path, Sighting.name, OriginalFile.size_bytes)
        .add_columns(OriginalFile.hash, OriginalFile.hasher, Fileset.done_digest, Fileset.seen_digest)
        .join(Directory, Directory.id == Sighting.directory_id)
        .join(Root, Root.id == Directory.root_id)
        .join(OriginalFile, OriginalFile.id == Sighting.original_file_id)
        .join(Fileset, Fileset.id == OriginalFile.fileset_id)
        .where(Sighting.missing_since.is_(None), Root.availability == "available")
        # A copy in storage that was written since it was read belongs to a fileset of its own until it is read again.
        .where(Sighting.fileset_id.is_(None) | (Sighting.fileset_id == Fileset.id))
    )
    for row in connection.execute(query):
        path = os.path.join(bytes(row.path), bytes(row.name))
        if row.root not in roots or row.done_digest != row.seen_digest:
            continue
        try:
            with opened(roots[row.root], os.path.dirname(path)) as folder:
                content = _content(folder, os.path.basename(path))
        except FileNotFoundError:
            yield f"2: torn: {row.root}:{path!r} counts as imported and is not there"
            continue
        if len(content) != row.size_bytes:
            yield f"2: torn: {row.root}:{path!r} has {len(content)} bytes, imported were {row.size_bytes}"
        elif row.hasher == "sha256" and hashlib.sha256(content).hexdigest() != row.hash:
            yield f"2: torn: {row.root}:{path!r} has other content than what was imported"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a file is in the catalogue, for people: its images and what they noted on them, by ids."""

    image_ids: tuple[int, ...]
    annotation_link_ids: frozenset[int]


def identities(catalogue: Catalogue) -> dict[tuple[str, bytes], Identity]:
    """Give the identity of every file that has images, by root and path; of missing ones, too."""
    with catalogue.reading() as connection:
        return _identities(connection)


def _identities(connection: Connection) -> dict[tuple[str, bytes], Identity]:
    query = (
        select(Root.name.label("root"), Directory.path, Sighting.name, Image.id, AnnotationLink.id.label("link"))
        .join(Directory, Directory.id == Sighting.directory_id)
        .join(Root, Root.id == Directory.root_id)
        .join(Image, Image.fileset_id == Sighting.fileset_id)
        .outerjoin(AnnotationLink, AnnotationLink.image_id == Image.id)
        .order_by(Image.id)
    )
    images: dict[tuple[str, bytes], dict[int, set[int]]] = {}
    for row in connection.execute(query):
        found = images.setdefault((row.root, os.path.join(bytes(row.path), bytes(row.name))), {})
        found.setdefault(row.id, set()).update(() if row.link is None else (row.link,))
    return {
        key: Identity(image_ids=tuple(found), annotation_link_ids=frozenset().union(*found.values()))
        for key, found in images.items()
    }


def _not_kept(connection: Connection, kept: Mapping[tuple[str, bytes], Identity]) -> Iterator[str]:
    now = _identities(connection) if kept else {}
    for (root, path), then in kept.items():
        found = now.get((root, path))
        if found is None:
            yield f"2: lost: {root}:{path!r} had the images {then.image_ids} and has none"
        elif found.image_ids[: len(then.image_ids)] != then.image_ids:
            yield f"2: another identity: {root}:{path!r} had the images {then.image_ids}, now {found.image_ids}"
        elif not then.annotation_link_ids <= found.annotation_link_ids:
            yield f"2: lost: {root}:{path!r} lost annotations"


def _pointing_nowhere(connection: Connection) -> Iterator[str]:
    for table in metadata.sorted_tables:
        for key in table.foreign_key_constraints:
            other = key.referred_table.alias("other")
            pairs = [(element.parent, other.c[element.column.name]) for element in key.elements]
            there = exists().where(and_(*(child == parent for child, parent in pairs)))
            is_set = and_(*(child.is_not(None) for child, _ in pairs))
            count = connection.scalar(select(func.count()).select_from(table).where(is_set, ~there.correlate(table)))
            if count:
                yield f"3: {count} rows of {table.name} point to rows of {key.referred_table.name} that do not exist"
    if connection.dialect.name == "sqlite":
        for (answer,) in connection.execute(text("PRAGMA integrity_check")):
            if answer != "ok":
                yield f"3: the database is damaged: {answer}"
    for image_id in connection.scalars(select(Image.id).outerjoin(Thumbnail).where(Thumbnail.image_id.is_(None))):
        yield f"3: image {image_id} has neither a thumbnail nor a reason why not"
    for row in connection.execute(select(Thumbnail.image_id, Thumbnail.data, Thumbnail.failure)):
        if row.data is not None and not _is_picture(bytes(row.data)):
            yield f"3: the thumbnail of image {row.image_id} is no picture"
        if row.data is None and not row.failure:
            yield f"3: image {row.image_id} has no thumbnail and an empty reason"
    fileless = ~select(OriginalFile.id).where(OriginalFile.fileset_id == Image.fileset_id).exists()
    for image_id in connection.scalars(select(Image.id).where(fileless)):
        yield f"3: image {image_id} has no original file"


def _is_picture(data: bytes) -> bool:
    try:
        with Picture.open(BytesIO(data)) as picture:
            picture.load()
    except (OSError, ValueError, SyntaxError):
        return False
    return True


def _changed_on_disk(roots: Mapping[str, Path], before: Mapping[str, Mapping[bytes, Entry]]) -> Iterator[str]:
    for root, entries in before.items():
        now = snapshot(roots[root])
        for path in sorted(entries.keys() | now.keys()):
            if entries.get(path) != now.get(path):
                yield f"4: {root}:{path!r} was created, changed or removed"


#: What has an owner and a group of its own and is seen by that.
_OWNED: dict[str, type[Base]] = {
    "image": Image, "dataset": Dataset, "project": Project, "screen": Screen, "plate": Plate,
}  # fmt: skip


def _seen_too_much(connection: Connection) -> Iterator[str]:
    """Compare what each person's filter lets through with the table, told here once more in plain words."""
    now = datetime.now(UTC)
    levels = {
        row.id: row.permissions
        for row in connection.execute(select(ExperimenterGroup.id, ExperimenterGroup.permissions))
    }
    people = select(Experimenter.id, Experimenter.name).where(
        ~Experimenter.is_administrator, Experimenter.closed_at.is_(None)
    )
    for person in connection.execute(people).all():
        acting: Acting = resolve_acting(connection, "checker", now=now, as_name=person.name)
        leads = _groups_of(connection, person.id, now)
        for kind, model in _OWNED.items():
            table = model.__table__
            seen = set(connection.scalars(select(table.c.id).where(visible(acting, table))))
            for row in connection.execute(select(table.c.id, table.c.owner_id, table.c.group_id)):
                is_leader = leads.get(row.group_id)
                may = is_leader is not None and (
                    is_leader or row.owner_id == person.id or levels[row.group_id] != "private"
                )
                if row.id in seen and not may:
                    yield f"5: {person.name} sees {kind} {row.id}"
                if may and row.id not in seen:
                    yield f"5: {person.name} does not see {kind} {row.id}"


def _groups_of(connection: Connection, person_id: int, now: datetime) -> dict[int, bool]:
    """Give the groups in which a person is now, and whether as an owner."""
    query = select(Membership.group_id, Membership.is_owner, Membership.until_at).where(
        Membership.experimenter_id == person_id
    )
    leads: dict[int, bool] = {}
    for row in connection.execute(query):
        if row.until_at is None or row.until_at > now:
            leads[row.group_id] = leads.get(row.group_id, False) or row.is_owner
    return leads
