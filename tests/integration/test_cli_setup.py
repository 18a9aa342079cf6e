"""Commands that set a site up and keep it: init, configuration, people, doctor, migration, backup."""

import json
import stat
from pathlib import Path

import pytest

from config.loader import load, remember_good
from tests.helpers.shell import CONFIGURATION, Shell


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


def test_a_wrong_configuration_falls_back_to_the_last_good_one_and_says_so(site: Shell) -> None:
    file = site.folder / "coverslip.yaml"
    remember_good(load(file, environ={}))
    file.write_text(file.read_text().replace("rules:", "ruels:"))
    code, out, err = site.run("tree")
    assert code == 0
    assert "mitosis" in out
    assert "ruels" in err
    assert site.run("check")[0] == 2


@pytest.mark.parametrize("broken", ["ruels:", "[unclosed"])
def test_what_only_reads_works_beside_a_wrong_configuration_of_which_no_good_one_was_kept(
    site: Shell, broken: str
) -> None:
    file = site.folder / "coverslip.yaml"
    file.write_text(file.read_text().replace("rules:", broken))
    picture, sheet = site.folder / "x.jpg", site.folder / "x.png"
    for command in (
        ["tree"],
        ["images"],
        ["show", "image:1"],
        ["history", "image:1"],
        ["queue"],
        ["status"],
        ["why", "data/smith-lab/who/held.tif"],
        ["locate", "image:1"],
        ["thumbnail", "image:1", "-o", str(picture)],
        ["contact-sheet", "dataset:1", "-o", str(sheet)],
    ):
        code, out, err = site.run(*command)
        assert code == (1 if command == ["status"] else 0)
        assert out or command[0] in ("queue", "history"), "nothing waits, nothing happened"
        (line,) = [one for one in err.splitlines() if "warning" in one]
        assert "no good version of it was kept" in line
        assert f"{file}:" in line
    assert "mitosis" in site.run("tree")[1]
    document = json.loads(site.run("status", "--json")[1])
    assert document["config"]["problem"].startswith(f"{file}:")
    assert (picture.stat().st_size > 0, sheet.stat().st_size > 0) == (True, True)
    for command in (["group", "add", "new"], ["plan"], ["explain", "data/a.tif"], ["retry", "--all"]):
        code, _, err = site.run(*command)
        assert (code, "warning" in err) == (2, False)


def test_what_the_catalogue_does_not_know_is_left_out_or_refused_beside_a_wrong_configuration(site: Shell) -> None:
    file = site.folder / "coverslip.yaml"
    whole = file.read_text()
    file.write_text(whole.replace("    name: confocal\n", "    name: confocal\n    seen_as: {office: '/mnt/lab'}\n"))
    assert "/mnt/lab" in site.run("locate", "image:1")[1]
    file.write_text(file.read_text().replace("rules:", "ruels:"))
    _, out, err = site.run("locate", "image:1")
    assert ("/mnt/lab" in out, f"{site.folder}/data/smith-lab/ab3c/cell" in out) == (False, True)
    assert "how other computers call these folders" in err
    code, _, err = site.run("thumbnail", "image:1", "-o", "big.png", "--size", "1000")
    assert (code, "coverslip check" in err) == (2, True)
    for command in (["thumbnail", "image:1", "-o", "data/a.jpg"], ["contact-sheet", "dataset:1", "-o", "data/a.png"]):
        code, _, err = site.run(*command)
        assert (code, "nothing is ever written below the watched folder" in err) == (1, True)
    # A root that is called by a link is known by that name, with the configuration and without.
    (site.folder / "data").rename(site.folder / "real")
    (site.folder / "data").symlink_to("real")
    without = site.json("why", "data/smith-lab/who/held.tif")
    file.write_text(whole)
    assert site.json("why", "data/smith-lab/who/held.tif") == without


def test_without_a_catalogue_a_wrong_configuration_is_the_error(site: Shell) -> None:
    file = site.folder / "coverslip.yaml"
    file.write_text(file.read_text().replace("rules:", "ruels:").replace("/state", "/elsewhere"))
    code, _, err = site.run("tree")
    assert (code, "warning" in err, "ruels" in err) == (2, False, True)


def test_status_says_that_a_root_has_no_rules(site: Shell) -> None:
    said = "has no rules: its images stay unmatched, and nothing is imported"
    assert said not in site.run("status")[1]
    file = site.folder / "coverslip.yaml"
    (site.folder / "new").mkdir()
    file.write_text(file.read_text() + f"  - root: {site.folder}/new\n")
    _, out, _ = site.run("status")
    assert f"the root new {said} (write rules; `coverslip suggest DIR` proposes some)" in out
    assert str(site.folder / "new") not in out


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


def test_doctor_tells_of_a_configurations_folder_that_everybody_may_write(site: Shell) -> None:
    """It is one's own here: others' folders are tests of the loader, which says it in the same words."""
    site.folder.chmod(0o777)
    found = {(check["message"], check["hint"]) for check in json.loads(site.run("doctor", "--json")[1])["checks"]}
    assert (f"everybody can write {site.folder}", f"chmod o-w {site.folder}") in found


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
