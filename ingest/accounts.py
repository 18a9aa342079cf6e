"""The machine's accounts as people and groups, with the guards that keep services and strangers out."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TypeVar

from catalog.machine_people import MachinePeople, MachinePerson
from config.settings import PeopleSettings
from ingest.account_source import Account, AccountGroup, AccountSource, IdRange, MachineSource, id_range, own_uid
from ingest.clock import Clock, SystemClock

#: "Nobody": what the owner of a file looks like that has none here. Never a person.
NOBODY = 65534
#: An answer of the directory service counts for so long once it can't be reached any more.
COUNTS_FOR_S = 600.0
#: The whole list is asked for again after so long.
ASKED_AGAIN_AFTER_S = 60.0

_Found = TypeVar("_Found")


class OutOfReach(Exception):  # noqa: N818 - reads as the answer it is
    """The directory service can't be reached and its last answer is too old to count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listing:
    accounts: tuple[Account, ...]
    groups: tuple[AccountGroup, ...]
    #: How many of the accounts are people's and come from a directory service.
    remote_people: int


@dataclass(slots=True)
class _Answers:
    """Answers by key with the monotonic time of each, s."""

    accounts: dict[int, tuple[float, Account | None]] = field(default_factory=dict)
    groups: dict[int, tuple[float, AccountGroup | None]] = field(default_factory=dict)


class MachineAccounts:
    """Answers whose login a uid is and which accounts are people. Used by one thread.

    ``policy`` is the configuration's `people:`; make a new one when it changes.
    """

    def __init__(
        self,
        policy: PeopleSettings,
        *,
        source: AccountSource | None = None,
        clock: Clock | None = None,
        ids: IdRange | None = None,
        service_uid: int | None = None,
    ) -> None:
        self._policy = policy
        self._source = source or MachineSource()
        self._clock = clock or SystemClock()
        self._ids = ids or id_range()
        self._service_uid = own_uid() if service_uid is None else service_uid
        self._listing: _Listing | None = None
        self._listed_at = 0.0
        self._asked_at: float | None = None
        self._answers = _Answers()

    def login_of(self, uid: int) -> str | None:
        """Give the login of a person's uid; None when it is nobody's, a service's, or a shared account's.

        Raises:
            OutOfReach: nobody can tell.

        """
        if not self._is_persons_uid(uid):
            return None
        found = self._answer(self._answers.accounts, uid, self._source.account)
        return found.name if found and found.name not in self._policy.shared_accounts else None

    def group_of(self, gid: int) -> str | None:
        """Give the name of a gid's group; None when it is nobody's or a service's.

        Raises:
            OutOfReach: nobody can tell.

        """
        found = self._answer(self._answers.groups, gid, self._source.group)
        return found.name if found and self._is_peoples_gid(found.gid) else None

    def machine_people(self, named: Iterable[str] = ()) -> MachinePeople:
        """Give groups, their people, and those of the accounts ``named`` by paths and files that are people.

        Nothing when `people.from` leaves the machine out. A directory service lists hundreds who have no data here:
        they become nobody.
        """
        if "system" not in self._policy.sources:
            return MachinePeople()
        listing = self._current_listing()
        if listing is None:
            return MachinePeople(is_known=False)
        groups = tuple(group for group in listing.groups if self._may_be_group(group))
        people = {account.name: account for account in listing.accounts if self._is_person(account)}
        memberships = _memberships(people, groups)
        people |= {name: found for name in named if name not in people and (found := self._unlisted(name))}
        wanted = {person for person, _ in memberships} | (people.keys() & set(named))
        return MachinePeople(
            people=tuple(_person(people[name]) for name in sorted(wanted)),
            groups=tuple(sorted(group.name for group in groups)),
            memberships=frozenset(memberships),
        )

    def _unlisted(self, name: str) -> Account | None:
        """Find a person's account that the directory service does not list, by its name."""
        try:
            found = self._source.account(name)
        except OSError:
            return None
        return found if found is not None and found.name == name and self._is_person(found) else None

    def is_taken(self, name: str) -> bool:
        """Tell whether a name is one of the machine's logins or groups: then no new person may be made of it.

        Raises:
            OutOfReach: nobody can tell.

        """
        listing = self._current_listing()
        if listing is None:
            raise OutOfReach(OUT_OF_REACH)
        names = {account.name.casefold() for account in listing.accounts}
        names |= {group.name.casefold() for group in listing.groups}
        return name.casefold() in names

    def _is_persons_uid(self, uid: int) -> bool:
        if uid in (NOBODY, self._service_uid):
            return False
        return self._ids.uid_min <= uid <= self._ids.uid_max

    def _is_person(self, account: Account) -> bool:
        return self._is_persons_uid(account.uid) and account.name not in self._policy.shared_accounts

    def _is_peoples_gid(self, gid: int) -> bool:
        return gid != NOBODY and self._ids.gid_min <= gid <= self._ids.gid_max

    def _may_be_group(self, group: AccountGroup) -> bool:
        patterns = self._policy.system_groups
        return self._is_peoples_gid(group.gid) and any(fnmatchcase(group.name, pattern) for pattern in patterns)

    def _answer(
        self, known: dict[int, tuple[float, _Found | None]], key: int, ask: Callable[[int], _Found | None]
    ) -> _Found | None:
        now = self._clock.monotonic()
        at, found = known.get(key, (None, None))
        if at is not None and now - at < ASKED_AGAIN_AFTER_S:
            return found
        try:
            found = ask(key)
        except OSError:
            if at is None or now - at > COUNTS_FOR_S:
                raise OutOfReach(OUT_OF_REACH) from None
            return found
        known[key] = (now, found)
        return found

    def _current_listing(self) -> _Listing | None:
        """Give the list of accounts and groups, at most a minute old, or ten while it can't be asked for."""
        now = self._clock.monotonic()
        if self._asked_at is None or now - self._asked_at >= ASKED_AGAIN_AFTER_S:
            self._asked_at = now
            self._ask_for_listing(now)
        is_fresh = self._listing is not None and now - self._listed_at <= COUNTS_FOR_S
        return self._listing if is_fresh else None

    def _ask_for_listing(self, now: float) -> None:
        try:
            listing = self._read_listing()
        except OSError:
            return
        before = self._listing
        if before is not None and before.remote_people and not listing.remote_people:
            return  # all people of the directory service gone at once: it does not answer, and says so to nobody
        self._listing, self._listed_at = listing, now

    def _read_listing(self) -> _Listing:
        groups = {group.name: group for group in self._source.groups()}
        for pattern in self._policy.system_groups:  # directories often answer by name only and list nothing
            found = self._source.group(pattern) if pattern not in groups and not set(pattern) & set("*?[") else None
            groups |= {found.name: found} if found else {}
        accounts = {account.name: account for account in self._source.accounts()}
        wanted = {name for group in groups.values() if self._may_be_group(group) for name in group.members}
        for name in sorted(wanted - accounts.keys()):
            account = self._source.account(name)
            accounts |= {account.name: account} if account else {}
        local = self._source.local_names()
        remote = sum(self._is_person(account) and account.name not in local for account in accounts.values())
        return _Listing(accounts=tuple(accounts.values()), groups=tuple(groups.values()), remote_people=remote)


OUT_OF_REACH = "the machine's directory service can't be reached to tell whose the file is; tried again by itself"


def _person(account: Account) -> MachinePerson:
    return MachinePerson(name=account.name, full_name=account.full_name or None)


def _memberships(people: dict[str, Account], groups: tuple[AccountGroup, ...]) -> set[tuple[str, str]]:
    listed = {(name, group.name) for group in groups for name in group.members if name in people}
    first = {(account.name, group.name) for group in groups for account in people.values() if account.gid == group.gid}
    return listed | first
