"""What members of a group see through the commands when its level falls and rises again, and after leaving."""

import json
from pathlib import Path

import pytest

from catalog.engine import open_catalogue
from daemon.cli import run
from daemon.tables import DORMANT
from tests.helpers.lab import Lab

CONFIGURATION = """
state_dir: @/state
watch:
  - root: @/data
    name: confocal
    rules:
      - match: '{group}/{owner}/{project}/{image}.{ext}'
"""
SECRET = "secret-mark"


class Program:
    """Commands run in this process, as somebody."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def run(self, acting: str, *arguments: str) -> tuple[int, str, str]:
        self.capsys.readouterr()
        code = int(run([*arguments, "--as", acting]))
        shown = self.capsys.readouterr()
        return code, shown.out, shown.err

    def names(self, acting: str, *filters: str) -> list[str]:
        code, out, err = self.run(acting, "images", *filters, "--json")
        assert code == 0, err
        return sorted(json.loads(line)["name"] for line in out.splitlines())

    def counts(self, acting: str) -> dict[str, int]:
        code, out, err = self.run(acting, "tree", "--json")
        assert code == 0, err
        return {row["name"]: row["images"] for row in json.loads(out)}

    def everything(self, acting: str) -> str:
        """Give all that somebody is told about group, people, the shared dataset and Ada's image."""
        asked = (
            ["group", "show", "smith-lab"], ["user", "ls"], ["group", "ls"], ["tree"], ["images"], ["show", "image:1"],
            ["show", "dataset:1"], ["history", "image:1"], ["tag", "ls", "image:1"], ["kv", "ls", "image:1"],
        )  # fmt: skip
        told = [self.run(acting, *arguments, "--json") for arguments in asked]
        assert [code for code, _, _ in told] == [0] * len(asked), told
        return "".join(out + err for _, out, err in told)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Program:
    """Ada's dataset holds her image and Charles's; Charles has noted something on hers. js2x leads the group."""
    file = tmp_path / "coverslip.yaml"
    (tmp_path / "data").mkdir()
    file.write_text(CONFIGURATION.replace("@", str(tmp_path)))
    file.chmod(0o644)
    monkeypatch.setenv("COVERSLIP_CONFIG", str(file))
    monkeypatch.chdir(tmp_path)
    made = Program(capsys)
    assert run(["init"]) == 0
    catalogue = open_catalogue(f"sqlite:///{tmp_path}/state/catalog.db")
    lab = Lab(catalogue)
    group = lab.group("smith-lab", "read-annotate")
    ada, charles = lab.person("ada", group), lab.person("charles", group)
    leader = lab.person("js2x", group, owns=(group,))
    root = lab.root()
    images = [lab.image(ada, group, "of-ada", root=root), lab.image(charles, group, "of-charles", root=root)]
    dataset = lab.dataset(ada, group, "shared")
    lab.put(images[0], dataset)
    lab.put(images[1], dataset, by=leader)
    catalogue.close()
    assert made.run("charles", "tag", "add", "image:1", SECRET)[0] == 0
    assert made.run("charles", "kv", "add", "image:1", f"{SECRET}=1")[0] == 0
    return made


def level(program: Program, name: str, *options: str) -> dict[str, object]:
    code, out, err = program.run("js2x", "group", "permissions", "smith-lab", name, *options, "--json")
    assert code == 0, err
    effect: dict[str, object] = json.loads(out)
    return effect


def test_a_level_that_falls_to_private_hides_people_links_and_notes_and_rising_wakes_them(program: Program) -> None:
    before = program.everything("ada")
    assert SECRET in before
    assert "charles" in before
    foreseen = level(program, "private", "--dry-run")
    assert SECRET in program.everything("ada")
    done = level(program, "private")
    assert foreseen == done
    assert sum(value for key, value in done.items() if key.endswith("_that_sleep") and isinstance(value, int)) == 3

    told = program.everything("ada")
    assert SECRET not in told
    assert "charles" not in told
    assert program.counts("ada") == {"shared": 1}
    assert program.counts("js2x") == {"shared": 2}
    for filters in (["--tag", SECRET], ["--key", f"{SECRET}=1"], ["--text", SECRET], ["--text", "charles"]):
        assert program.names("ada", *filters) == []
    assert program.names("ada", "--dataset", "shared") == ["of-ada"]
    assert program.names("charles", "--tag", SECRET) == []
    code, _, hidden = program.run("ada", "images", "--owner", "charles")
    assert code == 3
    assert program.run("ada", "images", "--owner", "nobody")[2] == hidden.replace("charles", "nobody")
    assert SECRET in program.everything("js2x")
    assert DORMANT in program.run("js2x", "show", "image:1")[1]

    level(program, "read-annotate")
    assert program.everything("ada").count(SECRET) >= 3
    assert program.counts("ada") == {"shared": 2}


def test_a_contact_sheet_shows_only_what_its_viewer_sees(program: Program, tmp_path: Path) -> None:
    level(program, "private")
    code, out, err = program.run("charles", "contact-sheet", "dataset:1", "-o", str(tmp_path / "x.png"))
    assert code == 3, (out, err)
    assert not (tmp_path / "x.png").exists()


def test_who_leaves_sees_nothing_and_stays_named_as_the_owner_of_what_stays(program: Program) -> None:
    assert program.run("charles", "group", "leave", "smith-lab", "ada")[0] == 1
    assert program.run("js2x", "group", "leave", "smith-lab", "charles")[0] == 0
    assert program.names("charles") == []
    assert program.counts("charles") == {}
    assert program.run("charles", "group", "show", "smith-lab")[0] == 3
    assert program.names("ada", "--owner", "charles") == ["of-charles"]
    code, out, _ = program.run("ada", "show", "image:2", "--json")
    assert code == 0
    assert '"charles"' in out
    assert "charles" not in program.run("ada", "user", "ls", "--json")[1]


def test_a_group_owner_brings_in_a_guest_until_a_day(program: Program) -> None:
    assert program.run("ada", "group", "join", "smith-lab", "guest")[0] in {1, 3}
    assert run(["user", "add", "guest"]) == 0
    assert program.names("guest") == []
    assert program.run("js2x", "group", "join", "smith-lab", "guest", "--until", "2099-01-01")[0] == 0
    assert program.names("guest") == ["of-ada", "of-charles"]
    assert run(["user", "close", "guest"]) == 0
    assert program.run("guest", "images")[0] == 3
