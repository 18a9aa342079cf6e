"""What decisions depend on beside the file: people, accounts, assignments, the configuration; read when it changed."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from catalog import roots
from catalog.connections import Connection
from catalog.engine import Catalogue
from catalog.errors import Refused
from catalog.known_people import KnownPeople
from catalog.people import create_unknown, known_people
from catalog.roots import HandAssignment
from config.settings import Settings
from ingest.clock import SteadyTime
from ingest.deciding import Deciding
from ingest.ownership import Accounts, decide
from ingest.placement import NotPlaced, NotPlacedAs, Ownership, place
from ingest.watched import WatchedRoot


@dataclass(slots=True)
class Surroundings:
    """The snapshot that a batch is decided with."""

    settings: Settings
    accounts: Accounts
    configuration_id: int
    people: KnownPeople = field(default_factory=KnownPeople)
    assigned: tuple[HandAssignment, ...] = ()
    last_event_id: int = -1
    #: Whether the last change was, among others, of assignments: these reach what no rule matches.
    has_new_assignments: bool = False

    def refresh(self, catalogue: Catalogue, now: datetime) -> bool:
        """Read people and assignments again if anybody decided anything; tells whether they changed."""
        with catalogue.reading() as connection:
            newest = roots.last_event_id(connection)
            people = known_people(connection, now=now)
            if newest == self.last_event_id and people == self.people:
                return False
            assigned = roots.assignments(connection)
        self.has_new_assignments = assigned != self.assigned
        changed = (people, assigned) != (self.people, self.assigned)
        self.people, self.assigned, self.last_event_id = people, assigned, newest
        return changed

    def deciding(self, connection: Connection, root: WatchedRoot, steady: SteadyTime, now: datetime) -> Deciding:
        """Give what decisions about files of one root need, for one transaction."""
        return Deciding(
            place=lambda path: place(root.rules, path),
            own=lambda placement, uid, gid: decide(
                placement, uid, gid, self.people, self.accounts, self.settings.people
            ),
            root_settle=root.watch.settle,
            now=steady.now(),
            is_storage=root.watch.role == "storage",
            assigned=tuple(one for one in self.assigned if one.root_id == root.id),
            create=_creator(connection, self.configuration_id, now),
        )


def _creator(
    connection: Connection, configuration_id: int, now: datetime
) -> Callable[[Ownership], Ownership | NotPlaced]:
    made: dict[tuple[str, int], int] = {}

    def create(ownership: Ownership) -> Ownership | NotPlaced:
        name = ownership.create_name or ""
        key = (name, ownership.group_id)
        try:
            if key not in made:
                made[key] = create_unknown(connection, *key, now=now, configuration_id=configuration_id)
        except Refused as refused:
            return NotPlaced(disposition=NotPlacedAs.HELD, reason=str(refused), group_id=ownership.group_id)
        container_owner = ownership.container_owner_id or made[key]
        return replace(ownership, owner_id=made[key], container_owner_id=container_owner, create_name=None)

    return create
