"""People through the commands: lists from a file, memberships that end, and what the configuration file fixes."""

import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from catalog.engine import open_catalogue
from catalog.people import sync_with_settings
from config.loader import load
from tests.helpers.lab import NOW
from tests.helpers.program import PROGRAM
from tests.helpers.shell import CONFIGURATION, Shell, configure

LATER = "2099-01-31"


@pytest.fixture
def site(shell: Shell) -> Shell:
    """Give the site with the file's people in the catalogue and a group that is free."""
    settings = load(shell.folder / "coverslip.yaml", environ={})
    opened = closing(open_catalogue(f"sqlite:///{shell.folder}/state/catalog.db"))
    with opened as catalogue, catalogue.writing() as connection:
        sync_with_settings(connection, settings, now=NOW)
    assert shell.run("group", "add", "free-lab", "--alias", "free")[0] == 0
    return shell


def kept_in_step(site: Shell) -> None:
    """Import as a user does; in a process of its own, which may write only in the state directory afterwards."""
    done = subprocess.run([PROGRAM, "import"], cwd=site.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done


def listed(site: Shell, *columns: str) -> dict[str, Any]:
    users = site.json("user", "ls")
    assert isinstance(users, list)
    return {user["name"]: tuple(user[column] for column in columns) for user in users}


def shown(site: Shell, name: str) -> Any:
    users = site.json("user", "show", name)
    assert isinstance(users, list)
    (user,) = users
    return user


def groups(site: Shell, name: str) -> set[str]:
    user = shown(site, name)
    return {membership["group"] for membership in user["groups"]}


def written(site: Shell, text: str) -> Path:
    file = site.folder / "people.csv"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_people_come_from_a_spreadsheet_of_any_country(site: Shell, mark: str) -> None:
    lines = (
        "name,full_name,email,groups,default_group,administrator,until,aliases",
        f"x1,Xaver One,x@example.org,free-lab,free-lab,no,{LATER},xaver",
        'x2,,,"free-lab",,yes,,',
    )
    file = written(site, "\ufeff" + "\r\n".join(line.replace(",", mark) for line in lines) + "\r\n")
    assert site.run("user", "add", "--from", file)[0] == 0
    people = listed(site, "full_name", "email", "default_group", "is_administrator", "aliases")
    assert people["x1"] == ("Xaver One", "x@example.org", "free-lab", False, ["xaver"])
    assert people["x2"] == (None, None, None, True, [])
    assert shown(site, "x1")["groups"][0]["until"].startswith(("2099-01-30", "2099-01-31"))


def test_every_wrong_line_of_a_list_is_told_with_its_number_and_nobody_is_added(site: Shell) -> None:
    before = listed(site, "id")
    file = written(
        site,
        "name,groups,until,aliases\n"
        "good1,free-lab,,\n"
        "x2,nolab,,\n"
        "ab3c,free-lab,,\n"
        "good1,free-lab,,\n"
        "x5,smith-lab,,\n"
        "x6,free-lab,2020-01-01,\n"
        f"x7,,{LATER},\n"
        "x8,free-lab,,ab3c\n",
    )
    code, _, err = site.run("user", "add", "--from", file)
    assert code == 1
    told = [part.strip() for part in err.removeprefix("coverslip: ").strip().split(f"; {file}:")]
    assert [part.removeprefix(f"{file}:").partition(": ")[0] for part in told] == list("3456789")
    for word, part in zip(
        (
            "no group nolab",
            "ab3c already",
            "good1 already",
            "fixed by",
            "is past",
            "no group; name one",
            "another user's",
        ),
        told,
        strict=True,
    ):
        assert word in part
    assert err.strip().endswith("nobody was added")
    assert listed(site, "id") == before
    file = written(site, "name,administrator,until\na/b,no,\nx,maybe,\ny,no,soon\nz\n")
    code, _, err = site.run("user", "add", "--from", file)
    assert code == 1
    for number, word in ((2, "slash"), (3, "yes or no"), (4, "is a day"), (5, "more or fewer fields")):
        assert any(part.startswith(f"{file}:{number}: ") and word in part for part in err[11:].split("; ")), err


@pytest.mark.parametrize("options", [("--until", LATER), ("--group", "free-lab", "--until", "2020-01-01")])
def test_an_end_without_a_membership_or_in_the_past_is_refused(site: Shell, options: tuple[str, ...]) -> None:
    code, _, err = site.run("user", "add", "guest", *options)
    assert code == 1
    assert "until" in err
    assert site.run("user", "show", "guest")[0] == 3


@pytest.mark.parametrize("name", ["..", ".", "a/b", "a\x1b[31mb"])
def test_a_name_that_could_be_a_folder_or_writes_on_the_terminal_is_refused_in_a_sentence(
    site: Shell, name: str
) -> None:
    before = listed(site, "id")
    for words in (("user", "add", name), ("user", "add", "--from", written(site, f"name\n{name}\n"))):
        code, out, err = site.run(*words)
        assert (code, out) == (1, "")
        assert err.count("\n") == 1
        assert "\x1b[31m" not in err
    code, out, err = site.run("group", "add", name)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert listed(site, "id") == before


@pytest.mark.parametrize(
    "words",
    [
        ("user", "add", "x1", "--name", "\udcff"),
        ("user", "add", "\udcff"),
        ("user", "show", "\udcff"),
        ("group", "add", "x1", "--description", "\udcff"),
        ("images", "--as", "\udcff"),
        ("images", "--tag", "\udcff"),
        ("kv", "add", "image:1", "key=\udcff"),
    ],
)
def test_bytes_that_are_no_text_are_wrong_usage_and_told_as_they_are_shown(site: Shell, words: tuple[str, ...]) -> None:
    code, out, err = site.run(*words)
    assert (code, out) == (2, "")
    assert r"\xff' has bytes that are not UTF-8" in err
    assert "unexpected" not in err


def test_a_name_in_use_is_nobody_elses_alias(site: Shell) -> None:
    assert "another user's name" in site.run("user", "set", "cd4e", "--alias", "ab3c")[2]
    assert "another group's name" in site.run("group", "set", "free-lab", "--alias", "jones-lab")[2]


def test_the_file_is_kept_in_step_and_what_it_fixes_is_refused_with_its_line(site: Shell) -> None:
    assert groups(site, "ab3c") == {"smith-lab"}
    for refused in (
        ("user", "set", "ab3c", "--name", "Somebody"),
        ("user", "close", "ab3c"),
        ("group", "leave", "smith-lab", "ab3c"),
        ("group", "permissions", "jones-lab", "read-write"),
    ):
        code, _, err = site.run(*refused)
        assert (code, "coverslip.yaml:" in err) == (1, True), (refused, err)
    assert site.run("user", "set", "ab3c", "--email", "ada@example.org")[0] == 0
    assert site.run("group", "join", "free-lab", "ab3c")[0] == 0

    edited = CONFIGURATION.replace("[ab3c, cd4e]", "[cd4e, gh6i]").replace("Ada Byron", "Ada Lovelace")
    configure(site.folder, edited.replace("  ef5g: {}", "  ef5g: {administrator: true}"))
    kept_in_step(site)

    people = listed(site, "full_name", "email", "is_administrator")
    assert people["ab3c"] == ("Ada Lovelace", "ada@example.org", False)
    assert people["ef5g"] == (None, None, True)
    assert groups(site, "gh6i") == {"smith-lab"}
    assert groups(site, "ab3c") == {"free-lab"}, "what was given by hand stays when the file's line goes"

    configure(site.folder, edited)
    kept_in_step(site)
    assert listed(site, "is_administrator")["ef5g"] == (False,)
