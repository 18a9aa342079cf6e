"""Takes several things at once, and each alone where that fails: only the one to blame is then dealt with."""

import logging
from collections.abc import Callable

from catalog.errors import CatalogueUnavailable

log = logging.getLogger(__name__)


class Together:
    """How what is waiting of one kind is taken. ``name`` is for the log."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._alone = 0

    @property
    def is_alone(self) -> bool:
        """Tell whether the next is to be taken alone: with others it failed."""
        return self._alone > 0

    def take(self, count: int, act: Callable[[], None]) -> None:
        """Act on so many; what one alone raises is raised, of several only that the catalogue can't be used."""
        if count <= 1:
            self._alone = max(self._alone - 1, 0)
            act()
            return
        try:
            act()
        except CatalogueUnavailable:
            raise
        except Exception:  # whichever is to blame is found when each is taken alone
            log.warning("taken_alone", extra={"what": self._name, "count": count}, exc_info=True)
            self._alone = count
