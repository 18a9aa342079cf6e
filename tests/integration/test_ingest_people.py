"""Whose a file is, as the running ingest decides it: assignments, machine accounts, posix owners, cross-checks."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from catalog.acting import resolve_acting
from catalog.decisions import Targets, assign, revoke
from catalog.engine import Catalogue
from config.settings import PeopleSettings, RuleSettings
from ingest.account_source import Account, AccountGroup, IdRange
from ingest.accounts import MachineAccounts
from ingest.loop import IngestLoop
from tests.helpers.accounts import FakeSource, FixedAccounts
from tests.helpers.ingest_site import MARK, Site, add_person, write_tiff
from tests.helpers.program import wait_until

DAY = "smith-lab/ab3c/cells/day1"
ADA, BOB = Account(name="ab3c", uid=1001, gid=100), Account(name="cd4e", uid=1002, gid=100)
STRANGERS = tuple(Account(name=f"u{number}", uid=3000 + number, gid=100) for number in range(200))


@pytest.fixture
def site(catalogue: Catalogue, tmp_path: Path) -> Site:
    made = Site(catalogue, tmp_path)
    add_person(catalogue, "ab3c", "smith-lab", is_administrator=True)
    return made


def people_of(site: Site) -> list[str]:
    return [row["name"] for row in site.rows("SELECT name FROM experimenter ORDER BY name")]


def state_of(site: Site, path: str) -> tuple[str, str | None]:
    return site.sightings().get(path, ("", None))


@contextmanager
def deciding(site: Site) -> Iterator[Any]:
    """Open a transaction as the administrator who decides, in a process of its own."""
    now = datetime.now(UTC)
    with site.catalogue.writing() as connection:
        yield connection, resolve_acting(connection, "ab3c", now=now), now


def test_an_assigned_path_is_imported_and_a_revoked_assignment_counts_no_more(site: Site) -> None:
    add_person(site.catalogue, "cd4e", "smith-lab")
    held = write_tiff(site.root / "smith-lab/nobody/cells/day1/held.tif")
    flat = write_tiff(site.root / "flat.tif", value=2)
    with site.running() as loop:
        wait_until(lambda: state_of(site, "flat.tif")[0] == "unmatched")
        wait_until(lambda: state_of(site, "smith-lab/nobody/cells/day1/held.tif")[0] == "held")
        with deciding(site) as (connection, acting, now):
            rows = assign(connection, acting, [bytes(held)], Targets(owner="cd4e"), now=now, via="cli")
            assert [row.done for row in rows] == [True]
            rows = assign(
                connection, acting, [bytes(flat)], Targets(owner="ab3c", dataset="by hand"), now=now, via="cli"
            )
            assert [row.done for row in rows] == [True]
        wait_until(lambda: site.names() == ["flat", "held"])
        assert [row["filed_by"] for row in site.rows("SELECT filed_by FROM fileset")] == ["hand", "hand"]
        with deciding(site) as (connection, acting, now):
            revoke(connection, acting, [bytes(held)], now=now, via="cli")
        write_tiff(site.root / "smith-lab/nobody/cells/day1/next.tif", value=3)
        loop.request_scan()
        wait_until(lambda: state_of(site, "smith-lab/nobody/cells/day1/next.tif")[0] == "held")
        assert site.names() == ["flat", "held"]


def test_unknown_owners_are_made_where_the_file_says_so_but_no_group_is(site: Site) -> None:
    write_tiff(site.root / "smith-lab/Grace H/cells/day1/a.tif")
    write_tiff(site.root / "smith-lab/users/cells/day1/b.tif", value=2)
    write_tiff(site.root / "jones-lab/Grace H/cells/day1/c.tif", value=3)
    settings = site.settings(people=PeopleSettings(unknown="create"))
    site.import_(settings=settings)
    assert site.names() == ["a"]
    assert people_of(site) == ["Grace H", "ab3c"]
    assert "not a person's name" in (state_of(site, "smith-lab/users/cells/day1/b.tif")[1] or "")
    assert "'jones-lab' is not a group here" in (state_of(site, "jones-lab/Grace H/cells/day1/c.tif")[1] or "")


def test_one_look_at_many_files_makes_one_user_for_all_spellings_and_in_one_group(site: Site) -> None:
    add_person(site.catalogue, "js2x", "jones-lab")
    for number, folder in enumerate(("smith-lab/Grace H", "smith-lab/grace h", "jones-lab/Grace H")):
        write_tiff(site.root / folder / "cells/day1" / f"{number}.tif", value=number)
    site.import_(settings=site.settings(people=PeopleSettings(unknown="create")))
    made = [name for name in people_of(site) if name.casefold() == "grace h"]
    assert len(made) == 1
    groups = site.rows(
        f"SELECT group_id FROM membership JOIN experimenter ON id = experimenter_id WHERE name = '{made[0]}'"
    )
    assert len(groups) == 1
    states = sorted(state for state, _ in site.sightings().values())
    assert states in (["held", "member", "member"], ["held", "held", "member"])


def test_a_posix_owner_is_the_account_of_the_files_uid(site: Site) -> None:
    write_tiff(site.root / "cells/a.tif")
    rule = RuleSettings(match=("{dataset}/{image}.{ext}",), set={"owner": "posix", "group": "smith-lab"}, mark=MARK)
    settings = site.settings(rules=(rule,))
    site.import_(settings=settings)
    assert state_of(site, "cells/a.tif")[0] == "held"
    accounts = FixedAccounts(logins={os.getuid(): "ab3c"})
    (site.root / "cells/a.tif").touch()
    site.import_(settings=settings, accounts=accounts)
    assert site.names() == ["a"]


@pytest.mark.parametrize("crosscheck", ["hold", "warn", "off"])
def test_a_file_written_by_another_experimenter_is_held_unless_the_rule_says_otherwise(
    site: Site, crosscheck: str
) -> None:
    add_person(site.catalogue, "cd4e", "smith-lab")
    write_tiff(site.root / DAY / "a.tif")
    rule = RuleSettings(match=(site.rule,), crosscheck=crosscheck, mark=MARK)
    accounts = FixedAccounts(logins={os.getuid(): "cd4e"})
    site.import_(settings=site.settings(rules=(rule,)), accounts=accounts)
    if crosscheck == "hold":
        state, reason = state_of(site, f"{DAY}/a.tif")
        assert state == "held"
        assert "written by 'cd4e'" in (reason or "")
        assert "'ab3c'" in (reason or "")
    else:
        assert site.names() == ["a"]


def machine(source: FakeSource, **policy: Any) -> tuple[PeopleSettings, MachineAccounts]:
    people = PeopleSettings.model_validate({"system_groups": ("lab-*",)} | policy)
    return people, MachineAccounts(people, source=source, ids=IdRange(), service_uid=1500)


def test_machine_groups_and_their_members_come_in_and_nobody_else_of_the_directory(site: Site) -> None:
    lab = AccountGroup(name="lab-smith", gid=2001, members=("cd4e",))
    people, accounts = machine(FakeSource(known=(ADA, BOB, *STRANGERS), known_groups=(lab,)))
    write_tiff(site.root / "lab-smith/cd4e/cells/day1/a.tif")
    site.import_(settings=site.settings(people=people), accounts=accounts)
    assert people_of(site) == ["ab3c", "cd4e"]
    assert site.names() == ["a"]
    groups = site.rows("SELECT name, permissions FROM experimenter_group ORDER BY name")
    assert [tuple(row.values()) for row in groups] == [("lab-smith", "private"), ("smith-lab", "read-annotate")]


def test_an_account_that_a_path_names_becomes_a_user_but_member_of_nothing(site: Site) -> None:
    people, accounts = machine(FakeSource(known=(ADA, BOB, *STRANGERS)), shared_accounts=("u7",))
    write_tiff(site.root / "smith-lab/cd4e/cells/day1/a.tif")
    write_tiff(site.root / "smith-lab/u7/cells/day1/b.tif")
    write_tiff(site.root / "smith-lab/root/cells/day1/c.tif")
    site.import_(settings=site.settings(people=people), accounts=accounts)
    assert people_of(site) == ["ab3c", "cd4e"]
    assert state_of(site, "smith-lab/cd4e/cells/day1/a.tif") == (
        "held", "'cd4e' is not a member of group 'smith-lab'",
    )  # fmt: skip
    assert site.rows("SELECT * FROM membership WHERE source = 'system'") == []


def test_the_machine_is_asked_again_at_a_reload_and_once_in_a_while(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.loop.ASK_MACHINE_EVERY_S", 0.5)
    monkeypatch.setattr("ingest.accounts.ASKED_AGAIN_AFTER_S", 0.2)
    source = FakeSource(known=(ADA, BOB))
    people, accounts = machine(source)
    write_tiff(site.root / "lab-new/cd4e/cells/day1/a.tif")
    with site.running(settings=site.settings(people=people), accounts=accounts) as loop:
        assert isinstance(loop, IngestLoop)
        wait_until(lambda: state_of(site, "lab-new/cd4e/cells/day1/a.tif")[0] == "held")
        source.known_groups = (AccountGroup(name="lab-new", gid=2002, members=("cd4e",)),)
        wait_until(lambda: site.names() == ["a"])
        source.known_groups = ()
        wait_until(lambda: site.rows("SELECT * FROM membership WHERE source = 'system'") == [])
    assert site.names() == ["a"]
