"""Each command over a small catalogue: its document, its table, its exit code, and what it never shows or writes."""

import io
import json
import os
import pty
import pwd
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from PIL import Image as Picture
from sqlalchemy import update

from catalog.engine import open_catalogue
from catalog.models.images import Thumbnail
from catalog.models.ingest import Root
from catalog.people import sync_with_settings
from config.loader import load, remember_good
from daemon.access import become
from daemon.cli import run
from tests.helpers.lab import NOW, Lab
from tests.helpers.program import PATIENCE_S
from tests.helpers.shell import CONFIGURATION, Shell

PROGRAM = Path(sys.executable).parent / "coverslip"
HOSTILE = "esc-\x1b[31mred\u202e"


@pytest.fixture
def site(shell: Shell) -> Iterator[Shell]:
    """Give the site with images: two of ab3c's in a dataset, one of ef5g's in the private group."""
    settings = load(shell.folder / "coverslip.yaml", environ={})
    catalogue = open_catalogue(f"sqlite:///{shell.folder}/state/catalog.db")
    with catalogue.writing() as connection:
        sync_with_settings(connection, settings, now=NOW)
    lab = Lab(catalogue)
    ada, ef5g = (lab.acting(name) for name in ("ab3c", "ef5g"))
    assert ada.experimenter_id is not None
    assert ef5g.experimenter_id is not None
    (smith,), (jones,) = ada.member_of, ef5g.member_of
    root = lab.root("confocal")
    with catalogue.writing() as connection:
        connection.execute(update(Root).values(path=os.fsencode(shell.folder / "data")))
    project = lab.project(ada.experimenter_id, smith, "mitosis")
    dataset = lab.dataset(ada.experimenter_id, smith, "day 1", project=project)
    for name in ("cell", HOSTILE):
        lab.put(
            lab.image(ada.experimenter_id, smith, name, root=root, path=b"smith-lab/ab3c/" + name.encode()), dataset
        )
    lab.image(ef5g.experimenter_id, jones, "hidden", root=root, path=b"jones-lab/ef5g/\xff.tif")
    lab.sighting(root, b"smith-lab/who/held.tif", "held", reason="'who' is not a user here", group_id=smith)
    picture = io.BytesIO()
    Picture.new("RGB", (64, 48), (200, 30, 30)).save(picture, "JPEG")
    with catalogue.writing() as connection:
        connection.execute(update(Thumbnail).values(data=picture.getvalue(), width_px=64, height_px=48))
    yield shell
    catalogue.close()


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


def test_what_the_file_fixes_names_file_and_line(site: Shell) -> None:
    code, _, err = site.run("group", "join", "smith-lab", "ef5g")
    assert code == 1
    assert f"{site.folder}/coverslip.yaml:4" in err
    assert site.run("group", "permissions", "smith-lab", "private", "--dry-run")[0] == 0


def test_people_are_added_changed_listed_and_closed(site: Shell) -> None:
    assert site.run("user", "add", "gh7i", "--name", "Grace Hopper")[0] == 0
    assert site.run("group", "add", "navy", "--owner", "gh7i", "--member", "ab3c")[0] == 0
    assert site.run("group", "leave", "navy", "ab3c")[0] == 0
    shown = site.json("group", "show", "navy")
    assert isinstance(shown, dict)
    assert [(row["user"], row["is_owner"]) for row in shown["members"]] == [("gh7i", True)]
    assert site.run("user", "add", "gh7i")[0] == 1
    assert site.run("user", "close", "gh7i")[0] == 0
    assert site.run("user", "show", "nobody-known")[0] == 3
    assert site.run("admin", "add", "cd4e")[0] == 0
    assert "cd4e" in site.run("admin", "ls")[1]
    assert site.run("admin", "rm", "cd4e")[0] == 0


def test_users_come_from_a_csv_file_all_or_none(site: Shell) -> None:
    file = site.folder / "people.csv"
    file.write_text("name,full_name,groups\nnew1,New One,\nnew2,New Two,no-such-lab\n")
    assert site.run("user", "add", "--from", file)[0] in (1, 3)
    assert site.run("user", "show", "new1")[0] == 3
    file.write_text("name,full_name,groups\nnew1,New One,\n")
    assert site.run("user", "add", "--from", file)[0] == 0
    file.write_bytes(b"name\n\xff\xfe\n")
    code, _, err = site.run("user", "add", "--from", file)
    assert code == 1
    assert "UTF-8" in err


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


def test_a_wrong_configuration_falls_back_to_the_last_good_one_and_says_so(site: Shell) -> None:
    file = site.folder / "coverslip.yaml"
    remember_good(load(file, environ={}))
    file.write_text(file.read_text().replace("rules:", "ruels:"))
    code, out, err = site.run("tree")
    assert code == 0
    assert "mitosis" in out
    assert "ruels" in err
    assert site.run("check")[0] == 2


def test_init_writes_a_configuration_that_is_right_and_overwrites_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("COVERSLIP_CONFIG", raising=False)
    (tmp_path / "it's here: a #root").mkdir()
    shell, file = Shell(tmp_path, capsys), tmp_path / "lab.yaml"
    document = shell.json("-c", file, "init", tmp_path / "it's here: a #root", "--state-dir", tmp_path / "state")
    assert isinstance(document, dict)
    assert set(document) == {"config", "catalog", "roots"}
    assert document["roots"] == [str(tmp_path / "it's here: a #root")]
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    assert shell.run("-c", file, "check")[0] == 0
    assert shell.run("-c", file, "tree")[0] == 0
    text = file.read_text()
    assert shell.run("-c", file, "init", tmp_path)[0] == 1
    assert file.read_text() == text
    assert shell.run("-c", tmp_path / "other.yaml", "init", tmp_path / "nowhere")[0] == 2
    assert not (tmp_path / "other.yaml").exists()


def test_init_names_three_commands_that_install_the_service(site: Shell) -> None:
    code, _, err = site.run("init")
    assert code == 0
    lines = err.splitlines()
    start = next(number for number, line in enumerate(lines) if "three commands" in line)
    assert len(lines[start + 1 :]) == 3
    assert "systemctl enable --now coverslip" in lines[-1]


def test_doctor_tells_of_a_state_directory_that_others_can_read(site: Shell) -> None:
    (site.folder / "state").chmod(0o755)
    code, out, _ = site.run("doctor", "--json")
    document = json.loads(out)
    assert code == 1
    assert not document["ok"]
    (found,) = [check for check in document["checks"] if check["check"] == "state directory"]
    assert found["verdict"] == "problem"
    assert "chmod" in found["hint"]


def test_config_show_can_be_loaded_again(site: Shell) -> None:
    document = site.json("config", "show")
    assert isinstance(document, dict)
    copy = site.folder / "copy.yaml"
    copy.write_text(document["yaml"])
    copy.chmod(0o644)
    assert site.run("check", copy)[0] == 0


def test_a_migration_of_a_current_catalogue_does_nothing(site: Shell) -> None:
    document = site.json("admin", "migrate")
    assert isinstance(document, dict)
    assert document["before"] == document["after"]
    assert document["backup"] is None


def test_no_catalogue_is_5_and_no_configuration_is_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COVERSLIP_CONFIG", raising=False)
    shell = Shell(tmp_path, capsys)
    if not Path("/etc/coverslip/coverslip.yaml").exists():
        assert shell.run("tree")[0] == 2
    assert shell.run("-c", "none.yaml", "tree")[0] == 2
    (tmp_path / "data").mkdir()
    (tmp_path / "new.yaml").write_text(CONFIGURATION.replace("@", str(tmp_path)))
    (tmp_path / "new.yaml").chmod(0o644)
    assert shell.run("-c", "new.yaml", "tree")[0] == 5


def program(site: Shell, *arguments: str, **more: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([PROGRAM, *arguments], capture_output=True, timeout=PATIENCE_S, check=False, **more)  # type: ignore[call-overload,no-any-return]  # passed on


def test_a_reader_that_goes_away_ends_the_command_in_silence(site: Shell) -> None:
    process = subprocess.Popen([PROGRAM, "config", "reference"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(PATIENCE_S) == 0


def test_a_full_disk_behind_standard_output_is_one_sentence(site: Shell) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([PROGRAM, "tree"], stdout=full, stderr=subprocess.PIPE, timeout=PATIENCE_S, check=False)
    assert done.returncode == 1
    assert done.stderr.decode().splitlines()[-1].endswith("No space left on device")
    assert b"Traceback" not in done.stderr


def test_a_name_that_the_locale_cannot_print_is_no_error(site: Shell) -> None:
    done = program(site, "images", "--name", "cell", env=os.environ | {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, b"")


def _read_of(terminal: io.FileIO) -> bytes:
    """Read some; a terminal whose other end is closed ends with an error."""
    try:
        return terminal.read(65536)
    except OSError:
        return b""


def test_colour_is_on_a_terminal_only(site: Shell) -> None:
    assert b"\x1b" not in program(site, "images").stdout
    ours, theirs = pty.openpty()
    environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"} | {"TERM": "xterm"}
    subprocess.run(
        [PROGRAM, "images"], stdout=theirs, stderr=subprocess.DEVNULL, env=environment, timeout=PATIENCE_S, check=True
    )
    os.close(theirs)
    with open(ours, "rb", buffering=0) as terminal:
        shown = b"".join(iter(partial(_read_of, terminal), b""))
    assert b"\x1b[1m" in shown
    assert b"\x1b[31m" not in shown


def test_an_unexpected_error_is_one_line_and_debug_shows_the_traceback(
    site: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by \x1b zero")

    monkeypatch.setattr("daemon.commands.tree.tree", broken)
    code, out, err = site.run("tree")
    assert (code, out) == (1, "")
    assert len(err.splitlines()) == 1
    report = Path(err.split(" is in ")[1].rstrip(")\n"))
    assert "ZeroDivisionError" in report.read_text()
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    report.unlink()
    assert "Traceback" in site.run("--debug", "tree")[2]


def test_an_account_that_cannot_read_the_program_itself_gets_one_sentence(
    site: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot_load(*_: object, **__: object) -> None:
        raise ModuleNotFoundError("No module named 'logging'")

    monkeypatch.setattr("daemon.access.name_of", lambda uid: "lab-service")
    monkeypatch.setattr("daemon.commands.tree.tree", cannot_load)
    monkeypatch.setitem(sys.modules, "daemon.crash", None)  # what would write the traceback down can't be loaded either
    code, out, error = site.run("tree")
    assert (code, out) == (1, "")
    assert error.startswith("coverslip: the account lab-service can't read all of this program: ")
    assert len(error.splitlines()) == 1


@pytest.mark.needs_root
@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another account needs root")
def test_root_becomes_the_account_of_the_state_directory_and_leaves_no_file_of_its_own(site: Shell) -> None:
    for place in (site.folder, *site.folder.parents):
        place.chmod(place.stat().st_mode | 0o055) if str(place).startswith("/tmp/") else None
    state = site.folder / "state"
    for path in (state, *state.iterdir()):
        os.chown(path, 12345, 12345)
    done = program(site, "tag", "add", "image:1", "by root", "--as", "ab3c")
    assert done.returncode == 0, done.stderr
    assert {path.stat().st_uid for path in (state, *state.iterdir())} == {12345}


@pytest.mark.needs_root
@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another account needs root")
def test_an_account_that_cannot_write_the_catalogue_gets_one_sentence_and_3(site: Shell) -> None:
    for place in (site.folder, *site.folder.parents):
        place.chmod(place.stat().st_mode | 0o055) if str(place).startswith("/tmp/") else None
    assert site.run("tree")[0] == 0
    heard, said = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(said, 2)
        become(12345, 12345)
        sys.stderr = os.fdopen(2, "w", closefd=False)
        os._exit(run(["tree"]))
    os.close(said)
    with os.fdopen(heard) as pipe:
        told = pipe.read()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3, told
    assert len(told.splitlines()) == 1


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


def test_a_backup_is_one_file_that_is_never_overwritten_and_never_below_a_watched_folder(site: Shell) -> None:
    made = site.json("backup", "b.db")
    assert made == {
        "file": f"{site.folder}/b.db",
        "format": "sqlite",
        "size_bytes": (site.folder / "b.db").stat().st_size,
    }
    assert stat.S_IMODE((site.folder / "b.db").stat().st_mode) == 0o600
    assert site.run("backup", "b.db")[0] == 1
    code, _, err = site.run("backup", "data/b.db")
    assert (code, "nothing is ever written below the watched folder" in err) == (1, True)
    assert list((site.folder / "data").iterdir()) == []


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
