"""Each command over a small catalogue: its document, its table, its exit code, and what it never shows or writes."""

import json
import os
import pwd
import sqlite3
from contextlib import closing

import pytest
from PIL import Image as Picture

from tests.helpers.lab import HOSTILE
from tests.helpers.shell import Shell


def test_images_are_json_lines_of_what_the_viewer_sees(site: Shell) -> None:
    assert [row["name"] for row in site.lines("images", "--as", "ab3c")] == [HOSTILE, "cell"]
    assert [row["name"] for row in site.lines("images", "--as", "ef5g")] == ["hidden"]
    assert len(site.lines("images")) == 3
    (row,) = site.lines("images", "--name", "cell", "--dataset", "day 1", "--as", "cd4e")
    assert (row["project"], row["dataset"], row["owner"], row["state"]) == ("mitosis", "day 1", "ab3c", "imported")
    assert row["sizes"] == {"x": 4, "y": 3, "z": 1, "c": 1, "t": 1}


def test_a_list_for_people_is_cut_and_says_how_to_go_on(site: Shell) -> None:
    code, out, err = site.run("images", "--limit", "2")
    assert code == 0
    assert len(out.splitlines()) == 3
    cursor = err.split("--after ")[1].split(",")[0]
    assert [row["name"] for row in site.lines("images", "--after", cursor)] == ["cell"]
    assert site.run("images", "--after", "nonsense")[0] == 2


def test_hostile_names_and_bytes_are_escaped_for_people_and_whole_in_json(site: Shell) -> None:
    for command in (["images"], ["tree"], ["show", "image:2"], ["show", "image:3"], ["queue", "imported"]):
        code, out, err = site.run(*command)
        assert code == 0, (command, err)
        assert not set(out + err) & {"\x1b", "\u202e", "\udcff"}
    assert "\\x1b[31mred\\u202e" in site.run("images")[1]
    document = site.json("show", "image:3")
    assert isinstance(document, dict)
    assert document["image"]["files"][0]["path"] == "jones-lab/ef5g/\\xff.tif"


def test_tree_counts_what_is_seen(site: Shell) -> None:
    found = site.json("tree", "--as", "cd4e")
    assert isinstance(found, list)
    assert [(row["type"], row["name"], row["images"]) for row in found] == [("project", "mitosis", 2)]
    assert found[0]["children"][0]["name"] == "day 1"
    assert "hidden" not in site.run("tree", "--as", "cd4e")[1]


def test_what_may_not_be_seen_and_what_does_not_exist_look_alike(site: Shell) -> None:
    for command in (["show"], ["history"], ["thumbnail", "-o", "x.jpg"], ["tag", "add", "@", "word"], ["kv", "ls"]):
        answers = []
        for number in ("3", "999"):
            words = [word.replace("@", f"image:{number}") for word in command]
            words = words if "@" in command else [*words, f"image:{number}"]
            code, out, err = site.run(*words, "--as", "ab3c")
            answers.append((code, out, err.replace(number, "N")))
        assert answers[0] == answers[1]
        assert answers[0][0] == 3
    assert not (site.folder / "x.jpg").exists()


def test_tags_pairs_and_comments_are_added_listed_and_removed(site: Shell) -> None:
    assert site.run("tag", "add", "image:1", "good", "=cmd()", "--as", "cd4e")[0] == 0
    assert [row["tags"] for row in site.lines("images", "--tag", "good")] == [["=cmd()", "good"]]
    assert site.run("tag", "rm", "image:1", "good", "--as", "ab3c")[0] == 0
    assert site.run("tag", "rm", "image:1", "good")[0] == 3
    assert site.run("kv", "add", "image:1", "Stain=DAPI", "Dose=5=6", "--as", "ab3c")[0] == 0
    assert [row["key_values"] for row in site.lines("images", "--key", "Dose=5=6")] == [
        [["Stain", "DAPI"], ["Dose", "5=6"]]
    ]
    assert site.run("kv", "rm", "image:1", "Stain", "--as", "ab3c")[0] == 0
    assert site.run("comment", "add", "image:1", "out of focus", "--as", "ab3c")[0] == 0
    comments = site.json("comment", "ls", "image:1")
    assert isinstance(comments, list)
    (comment,) = comments
    assert site.run("comment", "edit", "image:1", str(comment["id"]), "mine", "--as", "cd4e")[0] == 1
    assert site.run("comment", "rm", "image:1", str(comment["id"]), "--as", "ab3c")[0] == 0
    assert site.json("comment", "ls", "image:1") == []
    history = site.json("history", "image:1")
    assert isinstance(history, list)
    assert {row["actor"] for row in history} >= {"ab3c", "cd4e"} or {row["acting_as"] for row in history} >= {"ab3c"}


def test_an_annotation_without_a_person_is_refused_in_one_sentence(site: Shell) -> None:
    code, out, err = site.run("tag", "add", "image:1", "word")
    assert (code, out) == (1, "")
    assert "--as" in err
    assert len(err.splitlines()) == 1


def test_a_thumbnail_is_written_once_in_the_kind_that_its_name_says(site: Shell) -> None:
    document = site.json("thumbnail", "image:1", "-o", "a.jpg")
    assert document == {"file": "a.jpg", "width": 64, "height": 48}
    with Picture.open(site.folder / "a.jpg") as picture:
        assert picture.format == "JPEG"
    assert site.json("thumbnail", "1", "-o", "a.png", "--size", "32") == {"file": "a.png", "width": 32, "height": 24}
    with Picture.open(site.folder / "a.png") as picture:
        assert (picture.format, picture.size) == ("PNG", (32, 24))
    before = (site.folder / "a.jpg").read_bytes()
    assert site.run("thumbnail", "image:1", "-o", "a.jpg")[0] == 1
    assert (site.folder / "a.jpg").read_bytes() == before
    assert site.run("thumbnail", "image:1", "-o", "a.exe")[0] == 1
    assert site.run("thumbnail", "image:1", "-o", "data/a.jpg")[0] == 1
    assert not list((site.folder / "data").iterdir())


def test_a_larger_picture_of_a_file_that_is_gone_is_one_sentence(site: Shell) -> None:
    code, _, err = site.run("thumbnail", "image:1", "-o", "big.png", "--size", "1000")
    assert code == 1
    assert len(err.splitlines()) == 1
    assert not (site.folder / "big.png").exists()


def test_a_contact_sheet_of_a_dataset_is_a_picture(site: Shell) -> None:
    document = site.json("contact-sheet", "dataset:1", "-o", "sheet.png")
    assert isinstance(document, dict)
    with Picture.open(site.folder / "sheet.png") as picture:
        assert picture.size == (document["width"], document["height"])
    assert site.run("contact-sheet", "dataset:1", "-o", "sheet.jpg")[0] == 1
    assert site.run("contact-sheet", "image:1", "-o", "other.png")[0] == 2


@pytest.mark.parametrize(
    "command",
    [
        ["explain", "x.tif"],
        ["config", "show"],
        ["doctor"],
        ["admin", "ls"],
        ["admin", "add", "cd4e"],
        ["check"],
        ["verify"],
        ["backup", "b.db"],
        ["forget", "x.tif"],
        ["relocate", "confocal", "--to", "."],
    ],
    ids=" ".join,
)
def test_commands_for_administrators_are_refused_to_others_with_3(site: Shell, command: list[str]) -> None:
    code, out, err = site.run(*command, "--as", "ab3c")
    assert (code, out) == (3, "")
    assert "administrator" in err


def test_as_an_unknown_person_is_3(site: Shell) -> None:
    assert site.run("images", "--as", "nobody-known")[0] == 3


def test_an_administrators_look_into_a_private_group_is_recorded_once_for_each_command(site: Shell) -> None:
    def looks() -> list[tuple[object, object]]:
        database = sqlite3.connect(site.folder / "state/catalog.db")
        with closing(database):
            query = "SELECT after, account FROM event WHERE what = 'looked_into' AND object_type = 'group' ORDER BY id"
            return [(json.loads(after)["command"], account) for after, account in database.execute(query)]

    for user in ("ef5g", "ab3c"):  # their own, and what they can't see, are no looks
        site.run("images", "--as", user)
        site.run("show", "image:3", "--as", user)
    site.run("show", "image:1")  # its group is not private
    assert looks() == []
    for command in (
        ["images"],
        ["images", "--json"],
        ["show", "image:3"],
        ["thumbnail", "image:3", "-o", "x.jpg"],
        ["history", "image:3"],
        ["tag", "ls", "image:3"],
    ):
        before = len(looks())
        code, _, err = site.run(*command)
        assert code == 0, (command, err)
        ((name, account),) = looks()[before:]
        assert " ".join(command).startswith(str(name))
        assert account == pwd.getpwuid(os.geteuid()).pw_name
