"""``suggest`` and ``init`` as people run them: what they print, what can be pasted, who may, and what is left alone."""

import io
import json
import os
from pathlib import Path

import pytest

from config.check import check
from config.loader import load
from daemon.cli import run
from daemon.commands.suggest import document_of, show
from daemon.output import Output
from daemon.suggesting import known_names, suggest
from ingest.sampling import sample_of
from tests.helpers.pictures import put


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder as a lab keeps it, in a place without a configuration."""
    monkeypatch.delenv("COVERSLIP_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "confocal"
    for owner in ("ab3c", "cd4e"):
        for number in range(4):
            put(root / f"smith-lab/{owner}/mitosis/day1/cell{number}.tif", b"")
        put(root / f"smith-lab/{owner}/mitosis/day1/cell0_thumb.tif", b"")
    put(root / "smith-lab/loose.tif", b"")
    put(root / "notes.docx", b"")
    return root


def answer(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> dict[str, object]:
    capsys.readouterr()
    assert run([*map(str, arguments), "--json"]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_the_answer_says_what_each_rule_covers_and_what_stays_over(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = answer(capsys, "suggest", tree)
    rules = document["rules"]
    assert isinstance(rules, list)
    assert [(rule["match"], rule["skip"], rule["files"], rule["covers"]) for rule in rules] == [
        (["**/*_thumb.{ext}"], True, 2, 0.1818),
        (["{group}/{owner}/{project}/[{dataset}/**/]{image}.{ext}"], False, 8, 0.7273),
    ]
    assert [len(rule["examples"]) for rule in rules] == [2, 3]
    assert rules[1]["examples"][0] == {
        "path": "smith-lab/ab3c/mitosis/day1/cell0.tif",
        "gives": {"group": "smith-lab", "owner": "ab3c", "project": "mitosis", "dataset": "day1", "image": "cell0"},
    }
    assert (document["uncovered"], document["uncovered_files"]) == (["smith-lab/loose.tif"], 1)
    assert (document["images"], document["others"]) == (11, {"docx": 1})
    assert (document["unknown_owners"], document["unknown_groups"]) == (["ab3c", "cd4e"], ["smith-lab"])


def test_what_people_see_can_be_pasted(tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["suggest", str(tree)]) == 0
    printed = capsys.readouterr().out
    assert "# These rules cover 91 % of them." in printed
    assert "#   smith-lab/loose.tif" in printed
    assert "not known yet: ab3c, cd4e" in printed
    file = tmp_path / "pasted.yaml"
    file.write_text(f"state_dir: {tmp_path}/state\nwatch:\n  - root: {tree}\n{printed}")
    file.chmod(0o644)
    report = check(file, {})
    assert report.problems == ()
    assert report.examples.passed == 5


def test_names_from_outside_can_do_nothing_to_the_terminal_or_the_file(tree: Path, tmp_path: Path) -> None:
    odd = os.fsencode(tree) + b"/\x1b[31mred\xff\nmatch: x"
    os.mkdir(odd)
    for number in range(4):
        os.close(os.open(odd + b"/\xe2\x80\xaeimg%d.tif" % number, os.O_CREAT))
    sample = sample_of(tree)
    out = io.StringIO()
    show(document_of(suggest(tree, sample, known_names(sample))), Output(as_json=False, out=out))
    assert all(line.isprintable() for line in out.getvalue().splitlines())
    assert all(line.startswith(("#", "    ")) for line in out.getvalue().splitlines())


def test_an_empty_folder_and_one_that_is_none_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert run(["-c", str(tmp_path / "none.yaml"), "suggest", str(tmp_path / "nowhere")]) == 2
    assert "is no folder" in capsys.readouterr().err
    assert run(["-c", str(tmp_path / "none.yaml"), "suggest", str(tmp_path / "empty")]) == 0
    assert "no names to propose rules from" in capsys.readouterr().out


def test_init_proposes_rules_and_people_of_the_catalogue_are_known_afterwards(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "lab.yaml"
    assert run(["-c", str(file), "init", str(tree), "--state-dir", str(tmp_path / "state")]) == 0
    said = capsys.readouterr().err
    assert "2 rules proposed from 11 images, covering 91 % of them" in said
    assert "Their folders name groups that are not known yet: smith-lab." in said
    rules = load(file, environ={}).watch[0].rules
    assert rules[1].match == ("{group}/{owner}/{project}/[{dataset}/**/]{image}.{ext}",)
    assert check(file, {}).ok
    assert run(["-c", str(file), "group", "add", "smith-lab"]) == 0
    assert run(["-c", str(file), "user", "add", "ab3c", "--group", "smith-lab"]) == 0
    document = answer(capsys, "-c", file, "suggest", tree)
    assert (document["unknown_owners"], document["unknown_groups"]) == (["cd4e"], [])
    assert run(["-c", str(file), "suggest", str(tree), "--as", "ab3c"]) == 3
    assert "for administrators" in capsys.readouterr().err


def test_init_of_an_empty_folder_begins_with_the_usual_rule(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "new").mkdir()
    file = tmp_path / "lab.yaml"
    assert run(["-c", str(file), "init", str(tmp_path / "new"), "--state-dir", str(tmp_path / "state")]) == 0
    assert "no images yet" in capsys.readouterr().err
    assert load(file, environ={}).watch[0].rules[0].match == ("{group}/{owner}/{project}/[{dataset}/**/]{image}.{ext}",)
