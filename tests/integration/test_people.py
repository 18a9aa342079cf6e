"""Users, groups, memberships and administrators, by hand and by the configuration file."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from catalog.engine import Catalogue
from catalog.errors import FixedByFile, NotAllowed, NotFound, Refused
from catalog.machine_people import MachinePeople, MachinePerson
from catalog.models.ingest import Event
from catalog.people import (
    NewGroup,
    NewUser,
    UserChanges,
    add_group,
    add_user,
    add_users,
    close_user,
    create_unknown,
    editing,
    join,
    known_people,
    leave,
    list_groups,
    list_users,
    read_users_csv,
    resolve_acting,
    set_administrator,
    set_group_owner,
    set_permissions,
    set_user,
    show_group,
    show_user,
    sync_system,
    sync_with_settings,
)
from catalog.permissions import Acting
from config.settings import GroupSettings, PermissionLevel, Settings, SourceMark, UserSettings
from tests.helpers.site import NOW

LATER = NOW + timedelta(days=30)


def acting(catalogue: Catalogue, name: str, at: Any = NOW) -> Acting:
    with catalogue.reading() as connection:
        return resolve_acting(connection, name, now=at, writes_database=name == "root")


def by(catalogue: Catalogue, name: str, marks: dict[str, SourceMark] | None = None) -> Any:
    return editing(catalogue, acting(catalogue, name), now=NOW, marks=marks or {})


def synced(catalogue: Catalogue, settings: Settings) -> tuple[str, ...]:
    with catalogue.writing() as connection:
        return sync_with_settings(connection, settings, now=NOW).problems


def in_file(groups: dict[str, GroupSettings], users: dict[str, UserSettings] | None = None) -> Settings:
    """Settings with marks for what stands in them."""
    marks = {f"groups.{name}.{key}": _mark(7) for name, group in groups.items() for key in group.model_fields_set}
    marks |= {f"users.{name}.{key}": _mark(9) for name, user in (users or {}).items() for key in user.model_fields_set}
    marks |= {f"users.{name}": _mark(8) for name in users or {}}
    base = Settings.model_construct(file=Path("/etc/coverslip.yaml"), source_text="", digest=b"")
    return base.model_copy(update={"groups": groups, "users": users or {}, "marks": marks})


def _mark(line: int) -> SourceMark:
    return SourceMark(file="/etc/coverslip.yaml", line=line, column=3)


@pytest.fixture
def lab(catalogue: Catalogue) -> Catalogue:
    with by(catalogue, "root") as edit:
        add_group(edit, NewGroup(name="lab"))
        add_group(edit, NewGroup(name="other", permissions=PermissionLevel.PRIVATE))
        for name in ("pi", "ada", "charles"):
            add_user(edit, NewUser(name=name, groups=("lab",)))
        set_group_owner(edit, "lab", "pi")
        add_user(edit, NewUser(name="eve", groups=("other",)))
    return catalogue


def members(catalogue: Catalogue, group: str) -> dict[str, tuple[bool, tuple[str, ...]]]:
    with catalogue.reading() as connection:
        shown = show_group(connection, acting(catalogue, "root"), group)
    return {member.user: (member.is_owner, member.sources) for member in shown.members}


def test_a_group_owner_manages_members_and_level_of_the_own_group_only(lab: Catalogue) -> None:
    with by(lab, "pi") as edit:
        join(edit, "lab", "eve", until=LATER)
        leave(edit, "lab", "charles")
        set_permissions(edit, "lab", PermissionLevel.READ_WRITE)
    assert set(members(lab, "lab")) == {"pi", "ada", "eve"}
    with pytest.raises(NotFound), by(lab, "pi") as edit:
        join(edit, "other", "ada")


def test_members_are_refused_with_who_may_and_outsiders_find_nothing(lab: Catalogue) -> None:
    with pytest.raises(NotAllowed, match="administrator or an owner of the group may"), by(lab, "ada") as edit:
        set_permissions(edit, "lab", PermissionLevel.PRIVATE)
    with pytest.raises(NotFound) as unseen, by(lab, "eve") as edit:
        set_permissions(edit, "lab", PermissionLevel.PRIVATE)
    with pytest.raises(NotFound) as missing, by(lab, "eve") as edit:
        set_permissions(edit, "nothing", PermissionLevel.PRIVATE)
    assert str(unseen.value) == str(missing.value).replace("nothing", "lab")


@pytest.mark.parametrize("name", ["pi", "ada"])
def test_only_administrators_make_and_close_people(lab: Catalogue, name: str) -> None:
    deeds: list[Any] = [
        lambda edit: add_user(edit, NewUser(name="new")),
        lambda edit: add_group(edit, NewGroup(name="new")),
        lambda edit: close_user(edit, "charles"),
        lambda edit: set_administrator(edit, name),
        lambda edit: set_user(edit, "charles", UserChanges(email="x@example.org")),
    ]
    for deed in deeds:
        with pytest.raises(NotAllowed, match="only an administrator may"), by(lab, name) as edit:
            deed(edit)


def test_a_membership_ends_by_itself(lab: Catalogue) -> None:
    with by(lab, "root") as edit:
        join(edit, "other", "ada", until=LATER)
    assert len(acting(lab, "ada").member_of) == 2
    assert len(acting(lab, "ada", LATER).member_of) == 1


def test_a_closed_name_is_never_used_again_and_its_bearer_is_no_member_any_more(lab: Catalogue) -> None:
    with by(lab, "root") as edit:
        set_administrator(edit, "ada")
        close_user(edit, "ada")
    with pytest.raises(Refused, match="closed on 2026-11-22, and names are never used again"), by(lab, "root") as edit:
        add_user(edit, NewUser(name="ada"))
    assert "ada" not in members(lab, "lab")
    with pytest.raises(NotFound):
        acting(lab, "ada")
    with lab.writing() as connection, pytest.raises(Refused):
        create_unknown(connection, "ada", 1, now=NOW)


@pytest.mark.parametrize("name", ["", " ada", "a/b", "a\nb", "root", "System", "x" * 256, "\udcff", ".", ".."])
def test_what_can_not_be_a_name_is_refused(lab: Catalogue, name: str) -> None:
    for made in (NewUser(name=name), NewUser(name="fresh", aliases=(name,))):
        with pytest.raises(Refused, match="can't be a name"), by(lab, "root") as edit:
            add_user(edit, made)
    for named in (NewGroup(name=name), NewGroup(name="fresh", aliases=(name,))):
        with pytest.raises(Refused, match="can't be a name"), by(lab, "root") as edit:
            add_group(edit, named)
    with lab.writing() as connection, pytest.raises(Refused, match="can't be made a user"):
        create_unknown(connection, name, 1, now=NOW)


@pytest.mark.parametrize("text", ["Ada\nByron", "\x1b[31mAda", "\udcff"])
def test_a_full_name_or_address_is_one_line_of_text(lab: Catalogue, text: str) -> None:
    for user in (NewUser(name="fresh", full_name=text), NewUser(name="fresh", email=text)):
        with pytest.raises(Refused, match="write it in one line"), by(lab, "root") as edit:
            add_user(edit, user)
    for changes in (UserChanges(full_name=text), UserChanges(email=text)):
        with pytest.raises(Refused, match="write it in one line"), by(lab, "root") as edit:
            set_user(edit, "ada", changes)


def test_members_of_a_private_group_do_not_even_see_each_other(lab: Catalogue) -> None:
    with by(lab, "root") as edit:
        join(edit, "other", "ada")
        leave(edit, "lab", "ada")
    with lab.reading() as connection:
        ada = acting(lab, "ada")
        assert [user.name for user in list_users(connection, ada)] == ["ada"]
        assert [(group.name, len(group.members)) for group in list_groups(connection, ada)] == [("other", 1)]
        with pytest.raises(NotFound):
            show_user(connection, ada, "eve")


def test_what_stands_in_the_file_is_made_and_goes_with_its_lines(lab: Catalogue) -> None:
    user = UserSettings(name="Ada Byron", default_group="lab", administrator=True, aliases=("Ada",))
    group = GroupSettings(permissions=PermissionLevel.READ_ONLY, owners=("ada",), members=("ada", "newcomer"))
    assert synced(lab, in_file({"lab": group, "fresh": GroupSettings(members=("ada",))}, {"ada": user})) == ()
    assert members(lab, "lab")["ada"] == (True, ("file", "hand"))
    assert members(lab, "lab")["newcomer"] == (False, ("file",))
    assert acting(lab, "ada").is_administrator
    with lab.reading() as connection:
        known = known_people(connection, now=NOW)
    ada = next(person for person in known.people if person.name == "ada")
    assert (ada.aliases, ada.default_group_id) == (("Ada",), 1)
    assert synced(lab, in_file({})) == ()
    assert "newcomer" not in members(lab, "lab")
    assert members(lab, "lab")["ada"] == (False, ("hand",))
    assert not acting(lab, "ada").is_administrator
    with lab.reading() as connection:
        assert all(not person.aliases for person in known_people(connection, now=NOW).people)


def test_the_same_file_again_changes_nothing(lab: Catalogue) -> None:
    settings = in_file(
        {"lab": GroupSettings(owners=("pi",), members=("ada",), aliases=("Lab",), description="x")},
        {"ada": UserSettings(email="a@example.org", administrator=False)},
    )
    synced(lab, settings)
    count = select(func.count()).select_from(Event)
    with lab.reading() as connection:
        before = connection.execute(count).scalar_one()
    synced(lab, settings)
    with lab.reading() as connection:
        assert connection.execute(count).scalar_one() == before


def test_the_command_line_can_not_change_what_the_file_fixes_and_the_rest_is_free(lab: Catalogue) -> None:
    group = GroupSettings(permissions=PermissionLevel.READ_ONLY, members=("ada",))
    settings = in_file({"lab": group}, {"ada": UserSettings(email="a@example.org", administrator=True)})
    synced(lab, settings)
    deeds: list[Any] = [
        lambda edit: set_permissions(edit, "lab", PermissionLevel.PRIVATE),
        lambda edit: join(edit, "lab", "eve"),
        lambda edit: leave(edit, "lab", "ada"),
        lambda edit: set_administrator(edit, "ada", is_administrator=False),
        lambda edit: set_user(edit, "ada", UserChanges(email="")),
        lambda edit: close_user(edit, "ada"),
    ]
    for deed in deeds:
        with pytest.raises(FixedByFile, match=r"/etc/coverslip\.yaml:[789]"), by(lab, "root", settings.marks) as edit:
            deed(edit)
    with by(lab, "root", settings.marks) as edit:
        set_group_owner(edit, "lab", "charles")
        set_user(edit, "ada", UserChanges(full_name="Ada Byron"))
    assert members(lab, "lab")["charles"][0]


def test_a_closed_user_in_the_file_is_a_problem_that_stops_nothing(lab: Catalogue) -> None:
    with by(lab, "root") as edit:
        close_user(edit, "ada")
    problems = synced(lab, in_file({"lab": GroupSettings(members=("ada", "newcomer"))}))
    assert len(problems) == 1
    assert "names are never used again" in problems[0]
    assert "newcomer" in members(lab, "lab")


def test_machine_groups_start_private_and_membership_goes_when_the_machine_is_out_of_reach(lab: Catalogue) -> None:
    machine = MachinePeople(
        people=(MachinePerson(name="linus", full_name="L. T."), MachinePerson(name="ada")),
        groups=("lab-x",),
        memberships=frozenset({("linus", "lab-x"), ("ada", "lab-x")}),
    )
    for _ in range(2):
        with lab.writing() as connection:
            sync_system(connection, machine, now=NOW)
    assert members(lab, "lab-x") == {"linus": (False, ("system",)), "ada": (False, ("system",))}
    with lab.reading() as connection:
        assert show_group(connection, acting(lab, "root"), "lab-x").permissions == "private"
    with by(lab, "root") as edit:
        set_group_owner(edit, "lab-x", "ada")
    with lab.writing() as connection:
        sync_system(connection, MachinePeople(is_known=False), now=NOW)
    assert members(lab, "lab-x") == {"ada": (True, ("hand",))}


def test_an_unknown_person_is_made_once_without_a_login(lab: Catalogue) -> None:
    for _ in range(2):
        with lab.writing() as connection:
            number = create_unknown(connection, "stranger", 1, now=NOW)
    with lab.reading() as connection:
        shown = show_user(connection, acting(lab, "root"), "stranger")
        with pytest.raises(NotFound):
            resolve_acting(connection, "stranger", now=NOW, writes_database=False)
    assert (shown.id, shown.has_login, [group.group for group in shown.groups]) == (number, False, ["lab"])


def test_a_name_that_is_a_users_by_now_is_no_new_user_and_joins_no_further_group(lab: Catalogue) -> None:
    with by(lab, "root") as edit:
        add_user(edit, NewUser(name="Grace"))
    with lab.writing() as connection:
        stranger = create_unknown(connection, "Stranger", 1, now=NOW)
        assert create_unknown(connection, "stranger", 1, now=NOW) == stranger
    for name, group, message in (
        ("STRANGER", 2, "'Stranger' is not a member of group 'other'"),
        ("Grace", 1, "'Grace' is not a member of group 'lab'"),
        ("grace", 1, "'Grace' is not a member of group 'lab'"),
    ):
        with pytest.raises(Refused, match=message), lab.writing() as connection:
            create_unknown(connection, name, group, now=NOW)
    assert not members(lab, "other").keys() & {"Stranger", "stranger", "STRANGER"}


CSV = "name,full_name,groups,until\nada2,Ada B.,lab;other,2027-01-31\ncd4e,,,\n"


def test_users_come_from_a_csv_file_all_or_none(lab: Catalogue) -> None:
    with by(lab, "root") as edit:
        add_users(edit, read_users_csv(CSV, "people.csv"))
    with lab.reading() as connection:
        ada = show_user(connection, acting(lab, "root"), "ada2")
    assert [group.group for group in ada.groups] == ["lab", "other"]
    assert ada.groups[0].until is not None
    with pytest.raises(Refused, match="already"), by(lab, "root") as edit:
        add_users(edit, read_users_csv("name\nbrandnew\nada\n", "people.csv"))
    with lab.reading() as connection, pytest.raises(NotFound):
        show_user(connection, acting(lab, "root"), "brandnew")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("login\nx\n", r"people\.csv:1: no column `name`"),
        ("name,shoe_size\nx,1\n", r"people\.csv:1: unknown columns shoe_size"),
        ("name,email\nx\n", r"people\.csv:2: this line has more or fewer fields"),
        ("name,administrator\nx,maybe\n", r"people\.csv:2: administrator is yes or no"),
        ("name\n..\n", r"people\.csv:2: the name '\.\.' means a folder"),
        ("name\na/b\n", r"people\.csv:2: the name 'a/b' has a slash"),
        ("name,until\nx,soon\n", r"people\.csv:2: until is a day"),
        ("", r"people\.csv:1: no column `name`"),
    ],
)
def test_a_wrong_csv_file_is_named_with_its_line(text: str, message: str) -> None:
    with pytest.raises(Refused, match=message):
        read_users_csv(text, "people.csv")
