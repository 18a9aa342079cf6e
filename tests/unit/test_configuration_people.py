# ruff: noqa: E501 - tables of inputs and their whole messages
"""Checks of groups and users, and secrets."""

from pathlib import Path

import pytest

from config.loader import load
from config.problems import ConfigurationError
from config.secrets import SecretText, catalogue_url
from tests.helpers.configurations import problems_of, write


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("users: {root: }\n", "f:1:9: users.root: 'root' is never a person (give the person's own login)"),
        ("groups: {a: {members: [x, Nobody]}}\n", "f:1:27: groups.a.members.1: 'Nobody' is never a person"),
        ("groups: {root: }\n", "f:1:10: groups.root: 'root' is never a group (choose another name)"),
        ("groups: {a: {aliases: [b]}, b: }\n", "f:1:24: groups.a.aliases.0: 'b' means 'b' already, in line 1"),
        ("users: {a: {aliases: [x]}, b: {aliases: [x]}}\n", "f:1:42: users.b.aliases.0: 'x' means 'a' already, in line 1"),
        ("groups: {a: {members: [x, x]}}\n", "f:1:27: groups.a.members.1: 'x' stands in this list already"),
        ("groups: {smith-lab: }\nusers: {a: {default_group: smith-lap}}\n", "f:2:28: users.a.default_group: there is no group 'smith-lap' in this file (did you mean smith-lab?)"),
        ("groups: {smith: }\nusers: {a: {default_group: other}}\n", "f:2:28: users.a.default_group: there is no group 'other' in this file (declare it under groups, `other:` alone will do)"),
        ("groups: {g: {members: [b]}}\nusers: {a: {default_group: g}}\n", "f:2:28: users.a.default_group: 'a' is not a member of 'g' (add a to groups.g.members)"),
        ("users: {scope1: }\npeople: {shared_accounts: [scope1]}\n", "f:2:28: people.shared_accounts.0: 'scope1' is a person, in line 1"),
        ("groups: {smith: }\nwatch: [{root: ., state_dir: x}]\n", "f:2:19: watch.1.state_dir: this key is not known"),
        ("groups: {smith: }\nwatch: [{root: ., rules: [{match: '{image}.{ext}', set: {group: smit}}]}]\n", "f:2:65: watch.1.rules.1.set.group: there is no group 'smit' in this file (did you mean smith?)"),
        ("groups: {smith: }\nwatch: [{root: ., default: {group: smit}}]\n", "f:2:36: watch.1.default.group: there is no group 'smit' in this file (did you mean smith?)"),
    ],
)  # fmt: skip
def test_people_who_can_not_be_meant_are_named(tmp_path: Path, text: str, problem: str) -> None:
    (found,) = problems_of(tmp_path, text)
    assert found.startswith(problem)


@pytest.mark.parametrize(
    "text",
    [
        "users: {a: {default_group: made-by-hand}}\n",
        "groups: {a: }\npeople: {system_groups: ['lab-*']}\nusers: {x: {default_group: lab-b}}\n",
        "groups: {a: {owners: [x], members: []}}\nusers: {x: {default_group: a}}\n",
        "groups: {a: {members: [not-declared]}, not-declared: }\n",
        "groups: {a: {aliases: [x]}}\nusers: {b: {aliases: [x]}}\n",
    ],
)
def test_people_who_may_be_known_elsewhere_are_no_problem(tmp_path: Path, text: str) -> None:
    assert problems_of(tmp_path, text) == []


def test_the_password_comes_from_the_environment_or_a_credential_and_is_not_shown(tmp_path: Path) -> None:
    settings = load(
        write(tmp_path, "catalog: {url: 'postgresql+psycopg://cs@host:5433/db?sslmode=require'}\n"), environ={}
    )
    assert catalogue_url(settings, {}) == "postgresql+psycopg://cs@host:5433/db?sslmode=require"
    from_environment = catalogue_url(settings, {"COVERSLIP_CATALOG_PASSWORD": "p@ss/w:rd"})
    assert from_environment == "postgresql+psycopg://cs:p%40ss%2Fw%3Ard@host:5433/db?sslmode=require"
    assert "p%40ss" not in repr(from_environment)
    (tmp_path / "catalog-password").write_text("from-systemd\n")
    credential = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert catalogue_url(settings, credential) == "postgresql+psycopg://cs:from-systemd@host:5433/db?sslmode=require"
    (tmp_path / "catalog-password").write_bytes(b"\xff")
    with pytest.raises(ConfigurationError, match="can't be read: it is not UTF-8"):
        catalogue_url(settings, credential)
    assert repr(SecretText("x")) == "'<secret>'"


@pytest.mark.parametrize(
    ("url", "opened"),
    [("sqlite:///catalog.db", "sqlite:///{folder}/s/catalog.db"), ("sqlite:////var/x.db", "sqlite:////var/x.db")],
)
def test_a_relative_catalogue_lies_in_the_state_directory(tmp_path: Path, url: str, opened: str) -> None:
    settings = load(write(tmp_path, f"state_dir: s\ncatalog: {{url: '{url}'}}\n"), environ={})
    assert catalogue_url(settings, {}) == opened.replace("{folder}", str(tmp_path))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:pw-secret@h/db", "postgresql+psycopg://u@h/db?password=pw-secret", "postgresql://u:p/w@pw-secret@h/db",
        "postgresql://u:pw-secret@/db", "postgresql+psycopg://u@h/db?x=1&PassFile=/pw-secret", "mysql://u:pw-secret@h/d", "pw-secret",
        "postgresql://pw-secret", "postgresql://u@h:port-pw-secret/db", "sqlite://", "sqlite:///", "sqlite:///x?mode=ro&pw-secret", "sqlite:///:memory:",
    ],
)  # fmt: skip
def test_a_url_that_can_not_be_or_that_holds_a_password_is_refused_and_not_repeated(tmp_path: Path, url: str) -> None:
    (found,) = problems_of(tmp_path, f"catalog:\n  url: '{url}'\n")
    assert found.startswith("f:2:8: catalog.url: ")
    assert "pw-secret" not in found
