"""Whose a file is: from the texts of a placement and the file's uid and gid to a person and a group. Pure.

What has no known owner is a job, never an object: every doubt is `held`, with the sentence that settles it.
"""

import unicodedata
from collections.abc import Iterable
from typing import Protocol, TypeVar

from catalog.known_people import KnownGroup, KnownPeople, KnownPerson
from config.settings import PeopleSettings
from ingest.accounts import NOBODY, OutOfReach
from ingest.placement import NotPlaced, NotPlacedAs, Ownership, Placement

#: Names that folders have and people don't, whatever the machine's accounts are called.
NOBODYS_NAMES = frozenset({
    "admin", "administrator", "all", "anonymous", "archive", "backup", "common", "data", "default", "everybody",
    "everyone", "groups", "guest", "home", "images", "lab", "labs", "microscope", "nobody", "other", "others",
    "owner", "people", "project", "projects", "public", "root", "screen", "screens", "shared", "staff", "system",
    "temp", "test", "tmp", "trash", "unknown", "user", "users",
})  # fmt: skip
#: Accounts that are never anybody, even where the catalogue has a user of that name.
NEVER_A_PERSON = frozenset({"root", "nobody"})
LONGEST_NAME = 64

_Known = TypeVar("_Known", bound=KnownPerson | KnownGroup)


class Accounts(Protocol):
    """What the machine knows about uids and names; each may raise `OutOfReach`."""

    def login_of(self, uid: int) -> str | None:
        """Give the login of a person's uid, None for anybody else's."""
        ...

    def group_of(self, gid: int) -> str | None:
        """Give the name of a gid's group, where it may be a group of people."""
        ...

    def is_taken(self, name: str) -> bool:
        """Tell whether a login or group of the machine has this name."""
        ...


class _Held(Exception):  # noqa: N818 - a way out, never seen outside
    """The file is held; ``group_id`` where that much is known."""

    def __init__(self, reason: str, group_id: int | None = None) -> None:
        super().__init__(reason)
        self.group_id = group_id


def decide(
    placement: Placement,
    file_uid: int,
    file_gid: int,
    people: KnownPeople,
    accounts: Accounts,
    policy: PeopleSettings,
) -> Ownership | NotPlaced:
    """Decide owner and group of a file, or why it is held."""
    try:
        return _Decision(placement, file_uid, file_gid, people, accounts, policy).ownership()
    except _Held as held:
        return _held(placement, str(held), held.group_id)
    except OutOfReach as problem:
        return _held(placement, str(problem), None)


def _held(placement: Placement, reason: str, group_id: int | None) -> NotPlaced:
    return NotPlaced(disposition=NotPlacedAs.HELD, reason=reason, rule=placement.rule, group_id=group_id)


class _Decision:
    """One decision: its inputs, and the steps from owner to group to membership to cross-check."""

    def __init__(
        self,
        placement: Placement,
        file_uid: int,
        file_gid: int,
        people: KnownPeople,
        accounts: Accounts,
        policy: PeopleSettings,
    ) -> None:
        self.placement = placement
        self.file_uid = file_uid
        self.file_gid = file_gid
        self.people = people
        self.accounts = accounts
        self.policy = policy

    def ownership(self) -> Ownership:
        """Go through the steps; raises _Held where one fails."""
        stated_group = self._stated_group()
        person = self._person(stated_group)
        if person is None:
            return self._created(stated_group)
        group = stated_group or self._own_group(person)
        self._check_member(person, group)
        container_owner = self._container_owner(person, group)
        return Ownership(
            owner_id=person.id,
            group_id=group.id,
            container_owner_id=container_owner.id,
            owner_by=self._how(),
            warning=self._crosschecked(person, group),
        )

    def _stated_group(self) -> KnownGroup | None:
        """Find the group that rule, default or gid give; None when nothing gives one."""
        text = self.placement.group
        if text is not None:
            return self._found("group", text, self.people.groups)
        if self.placement.is_posix_group:
            name = self.accounts.group_of(self.file_gid)
            return next((group for group in self.people.groups if group.name == name), None)
        return None

    def _person(self, group: KnownGroup | None) -> KnownPerson | None:
        """Find the owner; None when one is to be made."""
        person = self._posix_person() if self.placement.is_posix else self._named_person(group)
        if person is None:
            return None
        if person.name in self.policy.shared_accounts:
            raise _Held(f"'{person.name}' is a shared account, never a person", group.id if group else None)
        if not person.is_active:
            raise _Held(f"'{person.name}' is closed: no new data is filed under it", group.id if group else None)
        return person

    def _posix_person(self) -> KnownPerson:
        name = self.accounts.login_of(self.file_uid)
        if name is None:
            who = "nobody" if self.file_uid == NOBODY else "no person of this machine"
            raise _Held(f"the file belongs to uid {self.file_uid}, which is {who}")
        person = next((known for known in self.people.people if known.name == name), None)
        if person is None:
            raise _Held(f"the file belongs to '{name}', who is not a user here; add one with `coverslip user add`")
        return person

    def _named_person(self, group: KnownGroup | None) -> KnownPerson | None:
        text = self.placement.owner
        if text is None:
            raise _Held("the rule gives no owner and the root has no default one", group.id if group else None)
        if text.casefold() in NEVER_A_PERSON:
            raise _Held(f"'{text}' is an account of the machine, never a person", group.id if group else None)
        if text in self.policy.shared_accounts:
            raise _Held(f"'{text}' is a shared account, never a person", group.id if group else None)
        try:
            return self._found("user", text, self.people.people)
        except _Held as held:
            if self.policy.unknown == "create" and not _alike(text, self.people.people):
                return None
            raise _Held(str(held), group.id if group else None) from None

    def _found(self, kind: str, text: str, known: tuple[_Known, ...]) -> _Known:
        """Find a name: exactly, then by alias, then ignoring case where that is unique."""
        wanted = _composed(text)
        exact = [one for one in known if _composed(one.name) == wanted]
        by_alias = [one for one in known if any(_composed(alias) == wanted for alias in one.aliases)]
        alike = _alike(text, known)
        for candidates in (exact, by_alias, alike):
            if len(candidates) == 1:
                return candidates[0]
        if not alike:
            raise _Held(f"'{text}' is not a {kind} here; add one with `coverslip {kind} add`, or an alias")
        raise _Held(f"'{text}' may be any of {_listed(one.name for one in alike)}: give the one an alias '{text}'")

    def _own_group(self, person: KnownPerson) -> KnownGroup:
        """Choose a person's group where nothing gives one."""
        own = [group for group in self.people.groups if (person.id, group.id) in self.people.members]
        default = next((group for group in self.people.groups if group.id == person.default_group_id), None)
        if default is not None:
            return default
        if len(own) == 1:
            return own[0]
        if not own:
            raise _Held(f"'{person.name}' is in no group")
        choices = _listed(group.name for group in own)
        raise _Held(f"'{person.name}' is in several groups ({choices}): give a default_group, or the group in the rule")

    def _check_member(self, person: KnownPerson, group: KnownGroup) -> None:
        if (person.id, group.id) not in self.people.members:
            raise _Held(f"'{person.name}' is not a member of group '{group.name}'", group.id)

    def _container_owner(self, person: KnownPerson, group: KnownGroup) -> KnownPerson:
        text = self.placement.container_owner
        if text is None:
            return person
        owner = self._found("user", text, self.people.people)
        if not owner.is_active or owner.name in self.policy.shared_accounts:
            raise _Held(f"'{owner.name}', given as container owner, is not an active user", group.id)
        self._check_member(owner, group)
        is_leader = (person.id, group.id) in self.people.group_owners and group.permissions != "private"
        if owner != person and group.permissions != "read-write" and not is_leader:
            raise _Held(
                f"'{person.name}' can't put images into containers of '{owner.name}': "
                f"group '{group.name}' is {group.permissions}, not read-write",
                group.id,
            )
        return owner

    def _crosschecked(self, person: KnownPerson, group: KnownGroup) -> str | None:
        """Compare with who wrote the file; a folder with somebody's name may give data, never take any."""
        writer = self._writer(person)
        if writer is None:
            return None
        sentence = f"the file was written by '{writer.name}' and lies where data of '{person.name}' lies"
        match self.placement.crosscheck:
            case "hold":
                raise _Held(sentence, group.id)
            case "warn":
                return sentence
            case _:
                return None

    def _writer(self, person: KnownPerson) -> KnownPerson | None:
        """Find the other active experimenter, no administrator and no shared account, who owns the file on disk."""
        if self.placement.crosscheck == "off" or self.placement.is_posix:
            return None
        name = self.accounts.login_of(self.file_uid)
        writer = next((known for known in self.people.people if known.name == name), None)
        if writer is None or writer.id == person.id or not writer.is_active or writer.is_administrator:
            return None
        return None if writer.name in self.policy.shared_accounts else writer

    def _created(self, group: KnownGroup | None) -> Ownership:
        """Let a user without a login be made (`unknown: create`), in a group that is there already."""
        text = _composed(self.placement.owner or "")
        if group is None:
            raise _Held(f"'{text}' is not a user here, and is not made one because nothing gives a group")
        problem = self._why_no_name(text)
        if problem:
            raise _Held(f"'{text}' is not a user here, and is not made one: {problem}", group.id)
        if self.placement.container_owner is not None:
            raise _Held(f"'{text}' is not a user here; add one with `coverslip user add`", group.id)
        warning = self._crosschecked(_nobody_yet(text), group)
        return Ownership(
            owner_id=0, group_id=group.id, container_owner_id=0, owner_by=self._how(), warning=warning, create_name=text
        )

    def _why_no_name(self, text: str) -> str | None:
        folded = text.casefold()
        if folded in NOBODYS_NAMES or folded in {name.casefold() for name in self.policy.shared_accounts}:
            return "this is not a person's name"
        if _alike(text, self.people.groups):
            return "it is a group's name"
        if not text.isprintable() or text != text.strip() or not 0 < len(text) <= LONGEST_NAME or "\\x" in text:
            return "a name has up to 64 printable characters"
        if not any(character.isalpha() for character in text):
            return "a name has a letter"
        return "an account or group of this machine has this name" if self.accounts.is_taken(text) else None

    def _how(self) -> str:
        """Say how owner and group were decided, for people."""
        placement = self.placement
        owner = "posix" if placement.is_posix else placement.owner_from
        group = placement.group_from or "the owner's group"
        both = owner if owner == group else f"owner by {owner}, group by {group}"
        return f"{both} (rule {placement.rule})"


def _nobody_yet(name: str) -> KnownPerson:
    return KnownPerson(id=0, name=name, is_administrator=False, is_active=True, default_group_id=None)


def _alike(text: str, known: tuple[_Known, ...]) -> list[_Known]:
    wanted = _composed(text).casefold()
    return [one for one in known if any(_composed(name).casefold() == wanted for name in (one.name, *one.aliases))]


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in sorted(names))
