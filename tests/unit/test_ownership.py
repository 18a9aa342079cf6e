"""Whose a file is: lookups of names, groups, memberships, the cross-check with the file's uid; every doubt is held."""

from typing import Any

import pytest

from catalog.known_people import KnownGroup, KnownPeople, KnownPerson
from config.settings import PeopleSettings
from ingest.accounts import OUT_OF_REACH, OutOfReach
from ingest.ownership import decide
from ingest.placement import NotPlaced, NotPlacedAs, Ownership, Placement, Target
from tests.helpers.accounts import FixedAccounts

ADA, BOB, CARL, PI, ADMIN, SCOPE, ZOE1, ZOE2 = range(1, 9)
SMITH, JONES, SECRET = 11, 12, 13


def person(number: int, name: str, **fields: Any) -> KnownPerson:
    defaults: dict[str, Any] = {"is_administrator": False, "is_active": True, "default_group_id": None}
    return KnownPerson(id=number, name=name, **(defaults | fields))


PEOPLE = KnownPeople(
    people=(
        person(ADA, "ab3c", aliases=("Ada Byron", "ada")),
        person(BOB, "cd4e", default_group_id=JONES),
        person(CARL, "ef5g", is_active=False),
        person(PI, "js2x"),
        person(ADMIN, "boss", is_administrator=True),
        person(SCOPE, "scope1"),
        person(ZOE1, "Zoe"),
        person(ZOE2, "ZOE"),
    ),
    groups=(
        KnownGroup(id=SMITH, name="smith-lab", permissions="read-annotate", aliases=("Smith Lab",)),
        KnownGroup(id=JONES, name="jones-lab", permissions="read-write"),
        KnownGroup(id=SECRET, name="secret", permissions="private"),
    ),
    members=frozenset(
        {(ADA, SMITH), (BOB, SMITH), (BOB, JONES), (CARL, SMITH), (PI, SMITH), (PI, JONES), (PI, SECRET),
         (ADMIN, SMITH), (SCOPE, SMITH), (ZOE1, SMITH), (ADA, SECRET)}
    ) - {(ADA, SECRET)},
    group_owners=frozenset({(PI, SMITH), (PI, SECRET)}),
)  # fmt: skip
LOGINS = {1001: "ab3c", 1002: "cd4e", 1003: "ef5g", 1005: "boss", 1006: "scope1", 1007: "stranger"}
ACCOUNTS = FixedAccounts(logins=LOGINS, groups={2001: "smith-lab"}, taken=frozenset({"daemon"}))


def decided(
    owner: str | None = "ab3c",
    group: str | None = "smith-lab",
    uid: int = 1001,
    *,
    gid: int = 100,
    unknown: str = "hold",
    people: KnownPeople = PEOPLE,
    accounts: Any = ACCOUNTS,
    **fields: Any,
) -> Ownership | NotPlaced:
    placement = Placement(
        rule="r", target=Target(), image="x", owner=owner, group=group,
        owner_from=f"folder '{owner}'", group_from=f"folder '{group}'" if group else "", **fields,
    )  # fmt: skip
    policy = PeopleSettings.model_validate({"shared_accounts": ("scope1",), "unknown": unknown})
    return decide(placement, uid, gid, people, accounts, policy)


def ids(result: Ownership | NotPlaced) -> tuple[int, int]:
    assert isinstance(result, Ownership), result
    return result.owner_id, result.group_id


def reason(result: Ownership | NotPlaced) -> str:
    assert isinstance(result, NotPlaced), result
    assert result.disposition is NotPlacedAs.HELD
    return result.reason


def test_a_known_member_owns_the_file_and_how_is_told() -> None:
    result = decided()
    assert ids(result) == (ADA, SMITH)
    assert isinstance(result, Ownership)
    assert result.container_owner_id == ADA
    assert result.owner_by == "owner by folder 'ab3c', group by folder 'smith-lab' (rule r)"


@pytest.mark.parametrize("name", ["ab3c", "Ada Byron", "AB3C", "ADA", "ada byron"])
def test_people_are_found_exactly_then_by_alias_then_ignoring_case(name: str) -> None:
    assert ids(decided(name)) == (ADA, SMITH)


def test_an_exact_name_wins_where_case_alone_would_be_two() -> None:
    assert ids(decided("Zoe", uid=0)) == (ZOE1, SMITH)
    text = reason(decided("zoe"))
    assert "'ZOE'" in text
    assert "'Zoe'" in text


def test_groups_are_found_likewise() -> None:
    assert ids(decided(group="Smith Lab")) == (ADA, SMITH)
    assert ids(decided(group="SMITH-LAB")) == (ADA, SMITH)
    assert "'nobody-lab' is not a group here" in reason(decided(group="nobody-lab"))


def test_names_are_compared_composed() -> None:
    people = KnownPeople(
        people=(person(1, "Zo\u00e9"),), groups=(KnownGroup(id=1, name="g", permissions="private"),),
        members=frozenset({(1, 1)}),
    )  # fmt: skip
    assert ids(decided("Zoe\u0301", "g", people=people)) == (1, 1)


def test_an_unknown_owner_and_no_owner_are_held() -> None:
    assert "'nobody1' is not a user here" in reason(decided("nobody1"))
    assert "gives no owner" in reason(decided(None))


def test_a_group_that_is_not_given_is_the_default_then_the_only_one_else_held_with_the_choices() -> None:
    assert ids(decided("cd4e", None, 1002)) == (BOB, JONES)
    assert ids(decided("ab3c", None)) == (ADA, SMITH)
    text = reason(decided("js2x", None, 0))
    assert all(f"'{name}'" in text for name in ("js2x", "jones-lab", "smith-lab", "secret"))
    assert "in no group" in reason(decided("ZOE", None, 0))


def test_an_owner_outside_the_group_is_held_naming_both_to_that_groups_owners() -> None:
    result = decided(group="jones-lab")
    assert reason(result) == "'ab3c' is not a member of group 'jones-lab'"
    assert isinstance(result, NotPlaced)
    assert result.group_id == JONES


def test_a_default_group_that_was_left_is_no_way_in() -> None:
    people = KnownPeople(people=(person(1, "x", default_group_id=SMITH),), groups=PEOPLE.groups)
    assert "not a member" in reason(decided("x", None, people=people))


def test_a_closed_person_and_a_shared_account_own_nothing_new() -> None:
    assert "'ef5g' is closed" in reason(decided("ef5g"))
    assert "shared account" in reason(decided("scope1"))


@pytest.mark.parametrize("name", ["root", "users", "staff", "nobody", "smith-lab"])
def test_a_folder_named_like_an_account_or_a_group_is_no_person_even_when_people_are_created(name: str) -> None:
    for unknown in ("hold", "create"):
        assert f"'{name}'" in reason(decided(name, unknown=unknown))


def test_root_is_no_person_even_where_the_catalogue_has_one() -> None:
    people = KnownPeople(
        people=(person(1, "root", is_administrator=True),), groups=PEOPLE.groups, members=frozenset({(1, SMITH)})
    )
    assert "never a person" in reason(decided("root", people=people))


def test_a_file_written_by_another_known_person_is_held_naming_both() -> None:
    text = reason(decided("ab3c", uid=1002))
    assert "'cd4e'" in text
    assert "'ab3c'" in text


def test_a_cross_check_may_warn_or_be_off() -> None:
    warned = decided("ab3c", uid=1002, crosscheck="warn")
    assert isinstance(warned, Ownership)
    assert "'cd4e'" in str(warned.warning)
    quiet = decided("ab3c", uid=1002, crosscheck="off")
    assert isinstance(quiet, Ownership)
    assert quiet.warning is None


@pytest.mark.parametrize("uid", [0, 1001, 1003, 1005, 1006, 1007, 65534])
def test_root_the_owner_who_left_administrators_instruments_and_strangers_write_for_others(uid: int) -> None:
    result = decided("ab3c", uid=uid)
    assert ids(result) == (ADA, SMITH)
    assert isinstance(result, Ownership)
    assert result.warning is None


def test_posix_takes_uid_and_gid() -> None:
    fields: dict[str, Any] = {"is_posix": True, "is_posix_group": True}
    assert ids(decided(None, None, 1002, gid=2001, **fields)) == (BOB, SMITH)
    assert ids(decided(None, None, 1002, gid=100, **fields)) == (BOB, JONES)
    assert "uid 65534, which is nobody" in reason(decided(None, None, 65534, **fields))
    assert "uid 0" in reason(decided(None, None, 0, **fields))
    assert "'stranger', who is not a user here" in reason(decided(None, None, 1007, **fields))
    assert "closed" in reason(decided(None, None, 1003, **fields))


def test_create_makes_a_user_only_in_a_group_that_is_there() -> None:
    made = decided("gh6i", unknown="create", uid=0)
    assert isinstance(made, Ownership)
    assert (made.create_name, made.group_id, made.owner_id) == ("gh6i", SMITH, 0)
    assert "nothing gives a group" in reason(decided("gh6i", None, unknown="create"))
    assert "not a group" in reason(decided("gh6i", "new-lab", unknown="create"))
    for name in ("daemon", "x" * 65, " gh", "g\u202eh", "2024", "a\\xff"):
        assert "not made one" in reason(decided(name, unknown="create", uid=0))
    assert "shared account" in reason(decided("Scope1", unknown="create", uid=0))
    assert "may be any of" in reason(decided("zoe", unknown="create"))


def test_create_does_not_go_round_the_cross_check() -> None:
    assert "'cd4e'" in reason(decided("gh6i", unknown="create", uid=1002))


def test_a_container_owner_needs_a_level_that_allows_it() -> None:
    allowed = decided("cd4e", "jones-lab", 1002, container_owner="js2x")
    assert isinstance(allowed, Ownership)
    assert allowed.container_owner_id == PI
    assert "read-annotate, not read-write" in reason(decided("ab3c", container_owner="cd4e"))
    leader = decided("js2x", "smith-lab", 0, container_owner="ab3c")
    assert isinstance(leader, Ownership)
    assert leader.container_owner_id == ADA
    assert "not a member" in reason(decided("cd4e", "jones-lab", 1002, container_owner="ab3c"))
    assert "not a user here" in reason(decided("ab3c", container_owner="who"))


def test_when_the_directory_is_out_of_reach_imports_are_held() -> None:
    class Gone(FixedAccounts):
        def login_of(self, uid: int) -> str | None:
            raise OutOfReach(OUT_OF_REACH)

    assert "can't be reached" in reason(decided(accounts=Gone()))
