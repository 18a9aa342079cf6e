"""The people as they are by a configuration file: tried in a transaction that is undone, or brought about."""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from catalog.acting import everybody
from catalog.engine import Catalogue
from catalog.known_people import KnownPeople
from catalog.people import known_people, sync_system, sync_with_settings
from catalog.permissions import Acting
from config.settings import Settings
from ingest.accounts import MachineAccounts
from ingest.deciding import Own
from ingest.ownership import decide
from ingest.placement import NotPlaced, Ownership, Placement
from ingest.surroundings import NAMES_AT_MOST, owner_named


class _Undone(Exception):  # noqa: N818 - a way out of a transaction, never seen outside
    """Roll back what was only tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleByFile:
    """People, groups and memberships, and everybody with the roles that they give."""

    people: KnownPeople
    everybody: tuple[Acting, ...]


def people_by_file(
    catalogue: Catalogue,
    settings: Settings,
    accounts: MachineAccounts,
    now: datetime,
    *,
    named: Iterable[str],
    is_to_stay: bool = False,
) -> PeopleByFile:
    """Give the people by this file; ``named`` are owners whom the machine may know.

    Nothing is changed, unless the people are to stay: then the catalogue is in step with the file.
    """
    found = PeopleByFile(people=KnownPeople(), everybody=())
    with contextlib.suppress(_Undone), catalogue.writing() as connection:
        sync_with_settings(connection, settings, now=now)
        sync_system(connection, accounts.machine_people(named), now=now)
        found = PeopleByFile(people=known_people(connection, now=now), everybody=everybody(connection, now=now))
        if not is_to_stay:
            raise _Undone
    return found


class OwnersByFile:
    """Decides whose files are, by the people of a file; a new name that paths give is asked of the machine once."""

    def __init__(
        self,
        catalogue: Catalogue,
        settings: Settings,
        accounts: MachineAccounts,
        now: datetime,
        *,
        is_to_stay: bool = False,
    ) -> None:
        self._catalogue = catalogue
        self._is_to_stay = is_to_stay
        self._settings = settings
        self._accounts = accounts
        self._now = now
        self._named: set[str] = set()
        self._asked: set[str] = set()
        self.found = self._look()

    def _look(self) -> PeopleByFile:
        return people_by_file(
            self._catalogue,
            self._settings,
            self._accounts,
            self._now,
            named=self._named,
            is_to_stay=self._is_to_stay,
        )

    def look_again(self) -> None:
        """Read the people again: somebody was made a user."""
        self.found = self._look()

    @property
    def own(self) -> Own:
        """Give the function that decides."""
        return self._own

    def _own(self, placement: Placement, uid: int, gid: int) -> Ownership | NotPlaced:
        decided = self._decide(placement, uid, gid)
        if isinstance(decided, Ownership) and decided.create_name is None:
            return decided
        return (
            self._decide(placement, uid, gid) if self._is_news(owner_named(placement, uid, self._accounts)) else decided
        )

    def _decide(self, placement: Placement, uid: int, gid: int) -> Ownership | NotPlaced:
        return decide(placement, uid, gid, self.found.people, self._accounts, self._settings.people)

    def _is_news(self, name: str | None) -> bool:
        """Ask the machine about a name nobody asked about yet; tell whether it knows the person."""
        if name is None or name in self._asked or len(self._asked) >= NAMES_AT_MOST:
            return False
        self._asked.add(name)
        if any(person.name == name for person in self.found.people.people):
            return False
        if not any(person.name == name for person in self._accounts.machine_people({name}).people):
            return False
        self._named.add(name)
        self.found = self._look()
        return True
