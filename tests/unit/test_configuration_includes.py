# ruff: noqa: E501 - tables of inputs and their whole messages
"""`include:` and tables: several files are one configuration, and their contradictions name both places."""

import os
from pathlib import Path

import pytest

from config.files import out_of_reach
from config.loader import load
from config.problems import ConfigurationError
from tests.helpers.configurations import problems_of, write


def test_files_are_joined_by_names_and_roots(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "more").mkdir()
    write(tmp_path, "watch:\n - {root: ../data, rules: [{match: b}]}\n - {root: ../more}\n", "rules.d/1.yaml")
    write(tmp_path, "groups: {b: }\nlookups: {t: t.csv}\n", "rules.d/2.yaml")
    write(tmp_path, "x,y\n", "rules.d/t.csv")
    write(tmp_path, "nonsense", "rules.d/.hidden.yaml")
    text = "include: [rules.d/*.yaml]\ngroups: {a: }\nwatch: [{root: data, rules: [{match: a}]}]\n"
    settings = load(write(tmp_path, text), environ={})
    assert list(settings.groups) == ["a", "b"]
    assert settings.lookups == {"t": {"x": "y"}}
    assert [watch.root for watch in settings.watch] == [tmp_path / "data", tmp_path / "more"]
    assert [rule.match for rule in settings.watch[0].rules] == [("a",), ("b",)]
    assert settings.watch[0].rules[0].mark.file == str(tmp_path / "coverslip.yaml")


def test_every_text_is_part_of_the_version(tmp_path: Path) -> None:
    write(tmp_path, "a,b\n", "t.csv")
    write(tmp_path, "lookups: {t: ../t.csv}\n", "rules.d/1.yaml")
    path = write(tmp_path, "include: rules.d/1.yaml\n")
    before = load(path, environ={})
    assert load(path, environ={}).digest == before.digest
    write(tmp_path, "a,c\n", "t.csv")
    after = load(path, environ={})
    assert after.digest != before.digest
    assert "a,c" in after.source_text


def test_what_two_files_say_is_a_conflict_that_names_both(tmp_path: Path) -> None:
    write(tmp_path, "workers: 2\ngroups:\n  a: {members: [x]}\nwatch: [{root: /x/, settle: 5s}]\n", "one.yaml")
    text = "include: one.yaml\nworkers: 1\ngroups: {a: }\nwatch: [{root: /x, settle: 1s}]\n"
    assert problems_of(tmp_path, text)[1:] == [
        "{folder}/one.yaml:1:1: workers: this is said in f:2:1 already (keep one of the two)",
        "{folder}/one.yaml:3:3: groups.a: this is said in f:3:10 already (keep one of the two)",
        "{folder}/one.yaml:4:21: settle: this is said in f:4:20 already (keep one of the two)",
    ]


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({}, "f:1:10: include: {folder}/one.yaml does not exist"),
        ({"one.yaml": "include: coverslip.yaml\n"}, "{folder}/one.yaml:1:10: include: f includes itself"),
        ({"one.yaml": "include: one.yaml\n"}, "{folder}/one.yaml:1:10: include: {folder}/one.yaml includes itself"),
        ({"one.yaml": "a: [\n"}, "{folder}/one.yaml:2:1: this is not YAML"),
        ({"one.yaml": "include: [[x]]\n"}, "{folder}/one.yaml:1:10: include: a list of files is expected here"),
        ({"one.yaml": "include: none.d/*.yaml\n"}, "{folder}/one.yaml:1:10: include: the folder {folder}/none.d does not exist"),
        ({"one.yaml": "lookups: {t: gone.csv}\n"}, "{folder}/one.yaml:1:14: lookups.t: {folder}/gone.csv does not exist"),
        ({"one.yaml": "lookups: {t: t.csv}\n", "t.csv": "a,b\n\nc\n"}, "{folder}/t.csv:3:1: two columns with a text in each are needed"),
        ({"one.yaml": "lookups: {t: .}\n"}, "{folder}/one.yaml:1:14: lookups.t: {folder} is not a file"),
        ({"one.yaml": "lookups: {t: t.csv}\n", "t.csv": "a;b\na;c\n"}, "{folder}/t.csv:2:1: 'a' stands in line 1 already"),
        ({"one.yaml": "lookups: {t: t.csv}\n", "t.csv": 'a,"b\n'}, "{folder}/t.csv:1:1: this is not CSV"),
    ],
)  # fmt: skip
def test_what_can_not_be_included_is_named_with_its_place(tmp_path: Path, files: dict[str, str], problem: str) -> None:
    for name, text in files.items():
        write(tmp_path, text, name)
    found = problems_of(tmp_path, "include: one.yaml\n")
    assert [line[: len(problem)] for line in found] == [problem]


def test_an_included_file_or_folder_that_everybody_may_write_is_refused(tmp_path: Path) -> None:
    one = write(tmp_path, "workers: 1\n", "rules.d/one.yaml")
    one.chmod(0o666)
    assert problems_of(tmp_path, "include: rules.d/*.yaml\n") == [
        "f:1:10: include: everybody may write {folder}/rules.d/one.yaml (chmod o-w {folder}/rules.d/one.yaml)"
    ]
    one.chmod(0o600)
    one.parent.chmod(0o777)
    assert problems_of(tmp_path, "include: rules.d/*.yaml\n") == [
        "f:1:10: include: {folder}/rules.d/one.yaml lies in {folder}/rules.d, where everybody may write"
        " (chmod o-w {folder}/rules.d)"
    ]


MOVE_IT = "move the file to a folder of your own, where nobody else may write"


def test_what_lies_in_a_folder_that_is_meant_to_be_everybodys_is_to_be_moved(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp").chmod(0o1777)
    assert problems_of(tmp_path / "tmp", "workers: 1\n") == [
        f"f:1:1: f lies in {{folder}}, where everybody may write ({MOVE_IT})"
    ]


@pytest.mark.parametrize(
    ("mode", "owner", "hint"),
    [
        (0o40777, os.geteuid(), "chmod o-w /shared"),
        (0o40777, 0, "chmod o-w /shared"),
        (0o40777, 4711, MOVE_IT),
        (0o41777, 0, MOVE_IT),
    ],
    ids=["one's own", "whose the file is", "another's", "everybody's"],
)
def test_only_the_folder_of_who_reads_the_file_or_made_it_is_to_be_closed(mode: int, owner: int, hint: str) -> None:
    found = os.stat_result((mode, 1, 1, 1, owner, owner, 0, 0, 0, 0))
    assert out_of_reach(Path("/etc/passwd"), Path("/shared"), found) == hint


def test_a_file_below_a_folder_that_everybody_may_write_is_refused_unless_it_is_sticky(tmp_path: Path) -> None:
    (tmp_path / "open" / "inner").mkdir(parents=True)
    (tmp_path / "open").chmod(0o777)
    (line,) = problems_of(tmp_path / "open" / "inner", "workers: 1\n")
    assert "where everybody may write" in line
    (tmp_path / "open").chmod(0o1777)
    assert problems_of(tmp_path / "open" / "inner", "workers: 1\n") == []


def test_what_a_group_may_write_is_a_warning_for_file_include_and_folder(tmp_path: Path) -> None:
    one = write(tmp_path, "workers: 1\n", "rules.d/one.yaml")
    path = write(tmp_path, "include: rules.d/*.yaml\n")
    for each in (one, one.parent):
        os.chmod(each, each.stat().st_mode | 0o020)
    path.chmod(0o640)
    assert problems_of(tmp_path, "include: rules.d/*.yaml\n") == [
        f"{{folder}}/rules.d/one.yaml:1:1: a whole group may write {{folder}}/rules.d{rest}, and with it decide whose"
        f" data is whose (chmod g-w {{folder}}/rules.d{rest})"
        for rest in ("", "/one.yaml")
    ]
    assert load(path, environ={}).workers == 1


def test_a_heading_of_a_table_does_no_harm_and_a_table_may_stand_in_a_spreadsheets_dialect(tmp_path: Path) -> None:
    write(tmp_path, '\ufefffolder;login;remark\r\n"Müller, A.";am12;x\r\n', "t.csv")
    settings = load(write(tmp_path, "lookups: {t: t.csv}\n"), environ={})
    assert settings.lookups["t"] == {"folder": "login", "Müller, A.": "am12"}


def test_a_link_in_a_folder_that_everybody_may_write_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "workers: 1\n", "safe/coverslip.yaml")
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "link.yaml").symlink_to(tmp_path / "safe" / "coverslip.yaml")
    assert load(tmp_path / "open" / "link.yaml", environ={}).workers == 1
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(ConfigurationError, match="where everybody may write"):
        load(tmp_path / "open" / "link.yaml", environ={})
