"""Commands about paths: why and queue, decisions, explain, places, relocate, forget."""

import os
import sqlite3
from contextlib import closing

import pytest

from tests.helpers.shell import Shell


def test_queue_and_why_tell_a_held_file_to_those_who_decide(site: Shell) -> None:
    path = str(site.folder / "data/smith-lab/who/held.tif")
    assert path in site.run("queue", "held", "--as", "js2x")[1]
    assert path not in site.run("queue", "held", "--as", "ab3c")[1]
    document = site.json("why", path)
    assert isinstance(document, dict)
    assert (document["state"], document["path"]) == ("held", path)
    assert site.json("why", "data/smith-lab/who/held.tif") == document
    assert site.run("why", path, "--as", "ab3c")[0] == 3
    assert site.run("queue", "nonsense")[0] == 2


def test_odd_bytes_in_a_path_are_taken_back_as_they_were_shown(site: Shell) -> None:
    shown = f"{site.folder}/data/jones-lab/ef5g/\\xff.tif"
    document = site.json("why", shown)
    assert isinstance(document, dict)
    assert (document["path"], document["state"]) == (shown, "imported")
    assert site.json("why", os.fsdecode(os.fsencode(f"{site.folder}/data/jones-lab/ef5g/") + b"\xff.tif")) == document


def test_a_file_that_the_account_may_not_read_can_be_asked_about_and_decided(
    site: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, really = site.folder / "data/smith-lab/who/held.tif", os.access
    path.parent.mkdir(parents=True)
    path.touch()
    monkeypatch.setattr(
        os, "access", lambda asked, *how, **more: str(asked) != str(path) and really(asked, *how, **more)
    )
    document = site.json("why", path)
    assert isinstance(document, dict)
    assert document["state"] == "held"
    for command in (["explain"], ["retry"], ["assign", "--project", "found"]):
        assert "not readable" not in site.run(*command, path)[2], command


def test_assign_revoke_and_retry_are_decisions_about_paths(site: Shell) -> None:
    path = site.folder / "data/smith-lab/who/held.tif"
    assert site.run("assign", path)[0] == 2
    member = site.run("assign", path, "--owner", "ab3c", "--as", "ab3c")
    unknown = site.run("assign", path.with_name("never"), "--owner", "ab3c", "--as", "ab3c")
    assert member[0] in (1, 3), member
    assert "unexpected" not in member[2], member
    assert member[2].replace("held.tif", "never") == unknown[2]
    assert site.run("assign", path, "--owner", "ab3c", "--project", "found")[0] == 0
    assert "found" in site.run("why", path)[1]
    assert site.run("assign", path, "--revoke")[0] == 0
    assert site.run("retry", path)[0] == 0
    assert site.run("retry")[0] == 2
    assert site.run("retry", "--all")[0] == 0


def test_explain_says_where_each_rule_stops_and_whose_a_file_would_be(site: Shell) -> None:
    documents = site.json("explain", "smith-lab/ab3c/mitosis/new.tif", "nobody/else.tif", "x/notes.txt")
    assert isinstance(documents, list)
    placed, unmatched, ignored = documents
    assert (placed["outcome"], placed["owner"], placed["group"]) == ("matched", "ab3c", "smith-lab")
    assert placed["placement"] == {"project": "mitosis", "dataset": "mitosis"}
    assert (unmatched["outcome"], unmatched["tried"][0]["rule"]) == ("unmatched", "confocal#1")
    assert unmatched["tried"][0]["stopped_at"]
    assert ignored["outcome"] == "ignored"
    assert site.run("explain", "/somewhere/else.tif")[0] == 2
    assert site.run("explain", "../../x.tif")[0] == 2


def test_explain_speaks_of_the_file_as_it_is_now_and_changes_nothing(site: Shell) -> None:
    file = site.folder / "coverslip.yaml"
    file.write_text(
        file.read_text().replace("members: [ef5g]", "members: [ef5g, zz9z]").replace("ef5g: {}", "ef5g: {}\n  zz9z: {}")
    )
    documents = site.json("explain", "jones-lab/zz9z/mitosis/new.tif")
    assert isinstance(documents, list)
    assert (documents[0]["outcome"], documents[0]["owner"]) == ("matched", "zz9z")
    assert site.run("user", "show", "zz9z")[0] == 3


def test_places_are_told_to_those_who_see_the_object(site: Shell) -> None:
    places = site.json("locate", "image:1")
    assert isinstance(places, list)
    told = [(one["image_id"], one["root"], one["path"], one["is_there"], one["seen_as"]) for one in places]
    assert told == [(1, "confocal", f"{site.folder}/data/smith-lab/ab3c/cell", True, {})]
    assert site.run("locate", "image:3", "--as", "ab3c")[0] == 3
    assert site.run("locate", "dataset:1", "--as", "cd4e")[0] == 0


def test_forget_drops_what_is_gone_and_keeps_what_is_imported(site: Shell) -> None:
    code, out, _ = site.run("forget", "data/smith-lab/ab3c/cell", "--json")
    assert code == 1
    assert "only what is gone, deleted or failed is forgotten" in out


def test_a_root_is_relocated_only_to_where_its_files_are_and_as_the_file_says(site: Shell) -> None:
    (site.folder / "moved").mkdir()
    code, _, err = site.run("relocate", "confocal", "--to", "moved")
    assert (code, "no root of" in err) == (1, True)
    configuration = site.folder / "coverslip.yaml"
    configuration.write_text(configuration.read_text().replace(f"{site.folder}/data", f"{site.folder}/moved"))
    code, _, err = site.run("relocate", "confocal", "--to", "moved")
    assert (code, "does not hold the files of confocal" in err) == (1, True)
    root = sqlite3.connect(site.folder / "state/catalog.db")
    with closing(root):
        rows = root.execute(
            "SELECT d.path, s.name FROM sighting s JOIN directory d ON d.id = s.directory_id ORDER BY 1, 2"
        ).fetchall()
        for folder, name in rows:
            path = os.path.join(os.fsencode(site.folder / "moved"), folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(b"x" * 10)
            found = os.stat(path)
            where = "WHERE name = ? AND directory_id IN (SELECT id FROM directory WHERE path = ?)"
            values = (found.st_size, found.st_mtime_ns, name, folder)
            root.execute(f"UPDATE sighting SET size_bytes = ?, mtime_ns = ? {where}", values)
        root.commit()
    done = site.json("relocate", "confocal", "--to", "moved")
    assert done == {
        "root": "confocal", "name": "confocal", "path": f"{site.folder}/moved", "looked_for": len(rows),
        "found": len(rows),
    }  # fmt: skip
