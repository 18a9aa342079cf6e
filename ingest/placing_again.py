"""Places again what is not catalogued when rules or people changed (T10), a page at a time."""

from catalog import sightings
from ingest.checks import AgainCheck
from ingest.core import Core
from ingest.listing import LookOrder
from ingest.watched import WatchedRoot

NAMES_AT_MOST = 1000


def place_again(core: Core, root: WatchedRoot) -> bool:
    """Order looks at a page of paths that changed rules or people may place otherwise (T10)."""
    if not root.is_placing_again or root.looks_under_way > 4:
        return False
    with core.catalogue.reading() as connection:
        page = list(
            sightings.replaceable(
                connection,
                root.id,
                configuration_id=None if root.is_placing_all else core.around.configuration_id,
                after=root.again_after,
                limit=NAMES_AT_MOST,
                up_to_fileset=root.again_up_to,
            )
        )
    grouped: dict[bytes, set[bytes]] = {}
    for _, folder, name, _ in page:
        grouped.setdefault(folder, set()).add(name)
    for folder, names in grouped.items():
        root.look(LookOrder(directory=folder, names=frozenset(names), tag=AgainCheck()))
    root.again_after = (page[-1][0], page[-1][2]) if page else None
    root.is_placing_again = len(page) == NAMES_AT_MOST
    return bool(page)
