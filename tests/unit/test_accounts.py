"""The machine's accounts: who may be a person, which groups count, and a directory service that goes away."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from catalog.machine_people import MachinePeople, MachinePerson
from config.settings import PeopleSettings
from ingest.account_source import Account, AccountGroup, IdRange, MachineSource, id_range
from ingest.accounts import MachineAccounts, OutOfReach
from tests.helpers.accounts import FakeSource


@dataclass(slots=True)
class FakeClock:
    seconds: float = 1000.0

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)


ADA = Account(name="ab3c", uid=1001, gid=2001, full_name="Ada Byron")
BOB = Account(name="cd4e", uid=1002, gid=1002)
SERVICE = Account(name="coverslip", uid=1500, gid=1500)
EVERYBODY = (
    Account(name="root", uid=0, gid=0),
    Account(name="daemon", uid=1, gid=1),
    ADA,
    BOB,
    Account(name="scope1", uid=1003, gid=2001),
    SERVICE,
    Account(name="nobody", uid=65534, gid=65534),
    Account(name="far", uid=70000, gid=2001),
)
GROUPS = (
    AccountGroup(name="users", gid=100, members=("ab3c",)),
    AccountGroup(name="staff", gid=50, members=("ab3c",)),
    AccountGroup(name="lab-smith", gid=2001, members=("cd4e", "root", "scope1")),
    AccountGroup(name="other", gid=2002, members=("ab3c",)),
)


def accounts(source: FakeSource, clock: FakeClock | None = None, **policy: Any) -> MachineAccounts:
    given = {"system_groups": ("lab-*",), "shared_accounts": ("scope1",)} | policy
    return MachineAccounts(
        PeopleSettings.model_validate(given), source=source, clock=clock or FakeClock(), ids=IdRange(), service_uid=1500
    )


def test_only_uids_of_people_have_a_login() -> None:
    asked = accounts(FakeSource(known=EVERYBODY))
    found = {one.name: asked.login_of(one.uid) for one in EVERYBODY}
    assert {name for name, login in found.items() if login} == {"ab3c", "cd4e"}
    assert asked.login_of(1999) is None


def test_groups_of_people_are_those_that_system_groups_names() -> None:
    found = accounts(FakeSource(known=EVERYBODY, known_groups=GROUPS)).machine_people()
    assert found == MachinePeople(
        people=(MachinePerson(name="ab3c", full_name="Ada Byron"), MachinePerson(name="cd4e")),
        groups=("lab-smith",),
        memberships=frozenset({("ab3c", "lab-smith"), ("cd4e", "lab-smith")}),
    )


def test_a_wide_pattern_still_takes_no_service_group() -> None:
    found = accounts(FakeSource(known=EVERYBODY, known_groups=GROUPS), system_groups=("*",)).machine_people()
    assert found.groups == ("lab-smith", "other")
    assert accounts(FakeSource(known=EVERYBODY, known_groups=GROUPS), system_groups=()).machine_people().groups == ()


def test_the_machine_is_not_asked_when_people_come_from_the_catalogue_only() -> None:
    source = FakeSource(known=EVERYBODY, known_groups=GROUPS)
    assert accounts(source, sources=("catalog",)).machine_people() == MachinePeople()
    assert source.asked == []


def test_a_directory_that_lists_nothing_is_asked_by_name() -> None:
    lab = AccountGroup(name="lab-jones", gid=3001, members=("gh6i",))
    source = FakeSource(known=EVERYBODY, unlisted=(Account(name="gh6i", uid=5001, gid=3001),), unlisted_groups=(lab,))
    found = accounts(source, system_groups=("lab-jones",)).machine_people()
    assert ("gh6i", "lab-jones") in found.memberships
    assert accounts(source).login_of(5001) == "gh6i"


def test_an_answer_counts_for_ten_minutes_when_the_directory_is_gone() -> None:
    source, clock = FakeSource(known=EVERYBODY, known_groups=GROUPS), FakeClock()
    asked = accounts(source, clock)
    before = asked.machine_people()
    assert asked.login_of(1001) == "ab3c"
    source.is_reachable = False
    clock.seconds += 599
    assert asked.machine_people() == before
    assert asked.login_of(1001) == "ab3c"
    with pytest.raises(OutOfReach):
        asked.login_of(1002)
    clock.seconds += 62
    assert asked.machine_people() == MachinePeople(is_known=False)
    with pytest.raises(OutOfReach):
        asked.login_of(1001)
    with pytest.raises(OutOfReach):
        asked.is_taken("x")
    source.is_reachable = True
    clock.seconds += 61
    assert asked.machine_people() == before
    assert asked.login_of(1001) == "ab3c"


def test_all_people_of_the_directory_gone_at_once_is_a_directory_out_of_reach() -> None:
    source, clock = FakeSource(known=EVERYBODY, known_groups=GROUPS, local=frozenset({"root"})), FakeClock()
    asked = accounts(source, clock)
    before = asked.machine_people()
    source.known = EVERYBODY[:2]
    clock.seconds += 300
    assert asked.machine_people() == before
    clock.seconds += 400
    assert not asked.machine_people().is_known


def test_a_person_who_is_removed_is_gone_within_a_minute() -> None:
    source, clock = FakeSource(known=EVERYBODY, known_groups=GROUPS), FakeClock()
    asked = accounts(source, clock)
    assert asked.login_of(1002) == "cd4e"
    assert len(asked.machine_people().people) == 2
    source.known = tuple(one for one in EVERYBODY if one is not BOB)
    clock.seconds += 60
    assert asked.login_of(1002) is None
    assert [one.name for one in asked.machine_people().people] == ["ab3c"]


def test_names_of_accounts_and_groups_are_taken_whatever_their_case() -> None:
    asked = accounts(FakeSource(known=EVERYBODY, known_groups=GROUPS))
    assert asked.is_taken("Daemon")
    assert asked.is_taken("staff")
    assert not asked.is_taken("gh6i")


def test_the_range_of_ids_is_read_from_login_defs(tmp_path: Path) -> None:
    file = tmp_path / "login.defs"
    file.write_text("# UID_MIN 5\nUID_MIN\t\t 500\nUID_MAX 0x7530\nGID_MIN 700\nSYS_UID_MIN 100\n")
    assert id_range(file) == IdRange(uid_min=500, uid_max=30000, gid_min=700, gid_max=60000)
    assert id_range(tmp_path / "none") == IdRange()


def test_the_real_machine_answers() -> None:
    source = MachineSource()
    root = source.account(0)
    assert root is not None
    assert source.account(root.name) == root
    assert source.account("no-such-login") is None
    assert source.group(0) is not None
    assert source.group("no-such-group") is None
    assert root.name in source.local_names()
    assert root in source.accounts()
    assert source.groups()
