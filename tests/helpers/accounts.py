"""A machine's accounts as a test wants them, and a directory service that can go away."""

from dataclasses import dataclass, field

from ingest.account_source import Account, AccountGroup


@dataclass(slots=True)
class FakeSource:
    """Lists what it was given; raises OSError while it is not reachable."""

    known: tuple[Account, ...] = ()
    known_groups: tuple[AccountGroup, ...] = ()
    unlisted: tuple[Account, ...] = ()
    unlisted_groups: tuple[AccountGroup, ...] = ()
    local: frozenset[str] = frozenset()
    is_reachable: bool = True
    asked: list[object] = field(default_factory=list)

    def accounts(self) -> tuple[Account, ...]:
        self._ask("all")
        return self.known

    def groups(self) -> tuple[AccountGroup, ...]:
        self._ask("all groups")
        return self.known_groups

    def account(self, key: int | str) -> Account | None:
        self._ask(key)
        return next((one for one in (*self.known, *self.unlisted) if key in (one.uid, one.name)), None)

    def group(self, key: int | str) -> AccountGroup | None:
        self._ask(key)
        return next((one for one in (*self.known_groups, *self.unlisted_groups) if key in (one.gid, one.name)), None)

    def local_names(self) -> frozenset[str]:
        return self.local

    def _ask(self, what: object) -> None:
        self.asked.append(what)
        if not self.is_reachable:
            raise OSError("the directory service is gone")


@dataclass(frozen=True, slots=True)
class FixedAccounts:
    """Answers for `decide`: logins by uid, groups by gid, taken names."""

    logins: dict[int, str] = field(default_factory=dict)
    groups: dict[int, str] = field(default_factory=dict)
    taken: frozenset[str] = frozenset()

    def login_of(self, uid: int) -> str | None:
        return self.logins.get(uid)

    def group_of(self, gid: int) -> str | None:
        return self.groups.get(gid)

    def is_taken(self, name: str) -> bool:
        return name in self.taken
