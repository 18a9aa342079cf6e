"""Paths as people give them (absolute), as the catalogue keeps them: a root, and a path relative to it."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from catalog.errors import NotFound
from catalog.models.ingest import Directory, Root, Sighting
from catalog.names import display, path_hash


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A path below a root; ``relative`` is empty for the root itself."""

    root_id: int
    root: str
    root_path: bytes
    relative: bytes

    def shown(self) -> str:
        """Give the absolute path for people."""
        return absolute(self.root_path, self.relative)


def absolute(root_path: bytes, relative: bytes) -> str:
    """Give the absolute path for people, losing nothing."""
    return display(root_path.rstrip(b"/") + b"/" + relative if relative else root_path)


def place_of(connection: Connection, path: bytes) -> Place:
    """Find the root of an absolute path: of two that fit, the longer. Raises NotFound for a path below none."""
    clean = path.rstrip(b"/") or b"/"
    found: Place | None = None
    for root_id, name, root_path in connection.execute(select(Root.id, Root.name, Root.path)):
        base = bytes(root_path).rstrip(b"/")
        if clean != base and not clean.startswith(base + b"/"):
            continue
        if found is None or len(base) > len(found.root_path):
            found = Place(root_id=root_id, root=name, root_path=base, relative=clean[len(base) + 1 :])
    if found is None:
        raise not_seen(path)
    return found


def not_seen(path: bytes) -> NotFound:
    """Give the error for a path that nothing is known of, or nothing that this person may know."""
    return NotFound(f"{display(path)}: nothing is known of this path; it is below no root, or was not seen yet")


def at_or_below(place: Place) -> ColumnElement[bool]:
    """Give the condition that a sighting (beside its directory) is this path, or lies below it."""
    in_root = Directory.root_id == place.root_id
    if not place.relative:
        return in_root
    below = and_(Directory.path > place.relative + b"/", Directory.path < place.relative + b"0")
    is_folder = Directory.path_hash == path_hash(place.relative)
    return and_(in_root, or_(is_exactly(place), is_folder, below))


def is_exactly(place: Place) -> ColumnElement[bool]:
    """Give the condition that a sighting (beside its directory) is the file at this path."""
    folder, _, name = place.relative.rpartition(b"/")
    return and_(Directory.root_id == place.root_id, Directory.path_hash == path_hash(folder), Sighting.name == name)
