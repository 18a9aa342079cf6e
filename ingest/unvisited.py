"""Which known folders a full pass of a root did not come by: they are gone, with all that lay in them."""

from collections.abc import Collection

from catalog import sightings
from catalog.connections import Connection


def unvisited(
    connection: Connection, root_id: int, visited: set[int], *, broken: Collection[int] | None = None
) -> list[int]:
    """Give the known directories that a full pass did not come by, though a listing above them was whole.

    A directory below one that could not be listed is not gone: nothing is known about it. ``broken`` are those of
    which the listing failed; None: as the catalogue has it.
    """
    whole: dict[bytes, bool] = {}
    left: list[tuple[int, bytes]] = []
    after = 0
    while page := sightings.directories_of(connection, root_id, after_id=after):
        after = page[-1][0]
        for directory_id, path, is_whole in page:
            if directory_id in visited:
                whole[path] = is_whole if broken is None else directory_id not in broken
            else:
                left.append((directory_id, path))
    return [directory_id for directory_id, path in left if _is_gone(path, whole)]


def _is_gone(path: bytes, whole: dict[bytes, bool]) -> bool:
    while path:
        path = path.rpartition(b"/")[0]
        if path in whole:
            return whole[path]
    return False
