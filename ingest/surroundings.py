"""What decisions depend on beside the file: people, accounts, assignments, the configuration; read when it changed."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from catalog import roots
from catalog.applies import last_applied
from catalog.connections import Connection
from catalog.engine import Catalogue
from catalog.errors import Refused
from catalog.known_people import KnownPeople
from catalog.people import create_unknown, known_people, sync_system
from catalog.roots import HandAssignment
from config.settings import Settings
from ingest.accounts import MachineAccounts, OutOfReach
from ingest.clock import SteadyTime
from ingest.deciding import Deciding, Own
from ingest.ownership import Accounts, decide
from ingest.placement import NotPlaced, NotPlacedAs, Ownership, Placement, Placing
from ingest.watched import WatchedRoot

#: How often people are read though nobody decided anything.
PEOPLE_EVERY = timedelta(seconds=5)
#: So many unknown names are asked for; what is above is held as unknown.
NAMES_AT_MOST = 500


_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Surroundings:
    """The snapshot that a batch is decided with."""

    settings: Settings
    accounts: Accounts
    configuration_id: int
    people: KnownPeople = field(default_factory=KnownPeople)
    assigned: tuple[HandAssignment, ...] = ()
    last_event_id: int = -1
    _people_read_at: datetime = _NEVER
    #: The newest `apply` that ended or was taken back: files that were held for it are placed again then.
    last_apply_id: int = 0
    #: Whether the last change was, among others, of assignments: these reach what no rule matches.
    has_new_assignments: bool = False
    #: Owners that paths and uids name and the catalogue does not know: the machine may.
    named: set[str] = field(default_factory=set)
    #: Whether some of them came since the machine was asked.
    has_new_names: bool = False

    def refresh(self, catalogue: Catalogue, now: datetime, *, may_have_changed: bool = True) -> bool:
        """Read people and assignments again if anybody decided anything; tells whether they changed.

        Memberships also end by the clock: without an event, people are read again every few seconds.
        ``may_have_changed``: whether anybody wrote to the catalogue since the last time.
        """
        if not may_have_changed and abs(now - self._people_read_at) < PEOPLE_EVERY:
            return False
        with catalogue.reading() as connection:
            newest = roots.last_event_id(connection)
            if newest == self.last_event_id and abs(now - self._people_read_at) < PEOPLE_EVERY:
                return False
            self._people_read_at = now
            people = known_people(connection, now=now)
            if newest == self.last_event_id and people == self.people:
                return False
            assigned, applied = roots.assignments(connection), last_applied(connection)
        self.has_new_assignments = assigned != self.assigned
        changed = (people, assigned, applied) != (self.people, self.assigned, self.last_apply_id)
        self.people, self.assigned, self.last_apply_id, self.last_event_id = people, assigned, applied, newest
        return changed

    def sync_machine(self, catalogue: Catalogue, now: datetime) -> None:
        """Bring the catalogue in step with the machine's groups and with the accounts that have data here."""
        self.has_new_names = False
        if not isinstance(self.accounts, MachineAccounts):
            return
        machine = self.accounts.machine_people(self.named | _in_the_file(self.settings))
        with catalogue.writing() as connection:
            sync_system(connection, machine, now=now)

    def _own(self, placement: Placement, uid: int, gid: int) -> Ownership | NotPlaced:
        decided = decide(placement, uid, gid, self.people, self.accounts, self.settings.people)
        if isinstance(decided, NotPlaced) or decided.create_name is not None:
            self._note_owner(placement, uid)
        return decided

    def _remembered_own(self) -> Own:
        """Give what decides whose files are, for one transaction: people and accounts are asked once for each kind."""
        known: dict[tuple[object, int, int], Ownership | NotPlaced] = {}

        def own(placement: Placement, uid: int, gid: int) -> Ownership | NotPlaced:
            key = (placement.likeness, uid, gid)
            found = known.get(key)
            if found is None:
                found = self._own(placement, uid, gid)
                is_shared = isinstance(found, NotPlaced) or found.create_name is None
                if is_shared and placement.likeness is not None:
                    known[key] = found
            return found

        return own

    def _note_owner(self, placement: Placement, uid: int) -> None:
        name = owner_named(placement, uid, self.accounts)
        is_known = name is None or name in self.named or any(person.name == name for person in self.people.people)
        if name is not None and not is_known and len(self.named) < NAMES_AT_MOST:
            self.named.add(name)
            self.has_new_names = True

    def deciding(self, connection: Connection, root: WatchedRoot, steady: SteadyTime, now: datetime) -> Deciding:
        """Give what decisions about files of one root need, for one transaction."""
        return Deciding(
            place=Placing(root.rules).place,
            own=self._remembered_own(),
            root_settle=root.watch.settle,
            now=steady.now(),
            is_storage=root.watch.role == "storage",
            has_sets=root.rules.has_sets,
            assigned=tuple(one for one in self.assigned if one.root_id == root.id),
            create=_creator(connection, self.configuration_id, now),
        )


def owner_named(placement: Placement, uid: int, accounts: Accounts) -> str | None:
    """Give the name that a path, or the uid of its file, gives the owner; None where there is none or nobody tells."""
    if not placement.is_posix:
        return placement.owner
    try:
        return accounts.login_of(uid)
    except OutOfReach:
        return None


def _in_the_file(settings: Settings) -> set[str]:
    groups = settings.groups.values()
    return set(settings.users).union(*((*(group.owners or ()), *(group.members or ())) for group in groups))


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
