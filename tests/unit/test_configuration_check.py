# ruff: noqa: E501 - texts of whole files
"""`check`: all problems of file, rules and examples at once; and what is written for people is right itself."""

import re
from pathlib import Path

import pytest

from config.check import CheckReport, check
from config.example import example_file, quoted
from config.examples import ExampleCounts
from config.loader import examine, load
from config.show import effective
from tests.helpers.configurations import write

HEAD = "watch:\n  - root: .\n    rules:\n      - match: '{group}/{owner}/{plate}/*_{well}_s{field}.{ext}'\n        examples:\n"


def checked(folder: Path, text: str) -> tuple[CheckReport, list[str]]:
    path = write(folder, "state_dir: /nowhere/state\n" + text)
    report = check(path, {})
    return report, [str(problem).replace(str(path), "f") for problem in report.problems]


def test_examples_pass_and_fail_each_with_its_place(tmp_path: Path) -> None:
    report, problems = checked(
        tmp_path,
        HEAD
        + "          - path: lab/ada/P1/exp_B03_s2.tif\n"
        + "            gives: {group: lab, owner: ada, plate: P1, well: B3, field: 2}\n"
        + "          - paths: [lab/ada/P1/exp_B04_s1.tif, lab/ada/P1/exp_B03_s3.tif]\n"
        + "            gives: {well: B4}\n"
        + "          - path: lab/ada/P1/notes.txt\n            gives: ignored\n"
        + "          - path: lab/ada/P1/other.tif\n            gives: unmatched\n"
        + "          - path: lab/ada/P1/other.tif\n            gives: skipped\n"
        + f"          - path: {tmp_path}/lab/ada/P1/exp_B03_s2.tif\n            gives: {{well: B3}}\n",
    )
    assert report.examples == ExampleCounts(passed=5, failed=2)
    assert not report.ok
    assert [problem.split(": ")[:2] for problem in problems] == [
        ["f:9:48", "watch.1.rules.1.examples.2"],
        ["f:15:19", "watch.1.rules.1.examples.5"],
    ]
    assert "well is 'B3', not 'B4'" in problems[0]
    assert "not skipped" in problems[1]


@pytest.mark.parametrize(
    ("gives", "is_right"),
    [
        ("{image: cells}", True),
        ("{image: cells.ome.tif}", False),
        ("{dataset: siRNA}", True),
        ("{owner: ab3c, group: lab}", True),
        ("{stain: DAPI}", True),
        ("{number: 7}", True),
        ("{number: 007}", True),
        ("{number: 8}", False),
        ("{nothing: x}", False),
    ],
)
def test_what_an_example_may_name(tmp_path: Path, gives: str, is_right: bool) -> None:
    report, _ = checked(
        tmp_path,
        "watch:\n  - root: .\n    default: {owner: ab3c, group: lab}\n    rules:\n"
        "      - match: '{project}/{number:int}_{stain}/{:word}.{ext}'\n"
        f"        examples: [{{path: siRNA/007_DAPI/cells.ome.tif, gives: {gives}}}]\n",
    )
    assert report.ok is is_right


def test_problems_of_rules_are_reported_with_all_others(tmp_path: Path) -> None:
    _, problems = checked(
        tmp_path,
        "workers: 2\nwatch:\n  - root: gone\n    rules:\n      - match: '{project}/{well}.{ext}'\n"
        "      - match: '{a:int}{b:int}.{ext}'\n      - match: '[{x'\n",
    )
    assert [problem.split(":")[1] for problem in problems[:1]] == ["4"]
    assert {problem.split(":")[1] for problem in problems} == {"4", "6", "7", "8"}


def test_the_daemon_refuses_rules_that_do_not_compile_too(tmp_path: Path) -> None:
    path = write(tmp_path, "state_dir: /nowhere/s\nwatch: [{root: ., rules: [{match: '{a'}]}]\n")
    (problem,) = examine(path, environ={}).errors
    assert (problem.line, problem.key) == (2, "watch.1.rules.1.match")


@pytest.mark.parametrize("rules", ["", ", rules: []"])
def test_a_root_without_rules_gets_a_warning_that_nothing_is_imported(tmp_path: Path, rules: str) -> None:
    report, _ = checked(tmp_path, f"watch: [{{root: ., name: confocal{rules}}}]\n")
    assert report.ok
    (warning,) = report.warnings
    assert "rules: the root confocal has no rules: its images stay unmatched, and nothing is imported" in str(warning)
    assert "`coverslip suggest DIR`" in str(warning)
    assert checked(tmp_path, "watch: [{root: ., role: storage}]\n")[0].warnings == ()


def test_warnings_do_not_make_a_file_wrong(tmp_path: Path) -> None:
    path = write(tmp_path, "workers: 1\n")
    path.chmod(0o660)
    report = check(path, {})
    assert report.ok
    assert len(report.warnings) == 1


@pytest.mark.parametrize("name", ["data", "it's", "Ünï cödé #1: x", "{group}", "- a"])
def test_the_example_file_loads_and_its_examples_pass(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / "second").mkdir()
    text = example_file([tmp_path / name, tmp_path / "second"], state_dir=tmp_path / "state")
    report = check(write(tmp_path, text), {})
    assert report.problems == ()
    assert report.examples == ExampleCounts(passed=2)
    assert report.settings is not None
    assert [watch.root for watch in report.settings.watch] == [tmp_path / name, tmp_path / "second"]
    assert report.settings.state_dir == tmp_path / "state"


def test_every_line_of_the_example_can_be_used(tmp_path: Path) -> None:
    """Remove the # from whatever looks like a setting: the defaults that are shown are taken."""
    write(tmp_path, "x,y\n", "plate-map.csv")
    lines = example_file([tmp_path], state_dir=Path("/nowhere/state")).splitlines()
    setting = re.compile(r"(?P<indent> *)#(?P<space> +)(?P<rest>(?:- )?[a-z0-9_-]+: .*|[a-z0-9-]+:|skip: true)")
    found = [match for line in lines if (match := setting.fullmatch(line)) and "include" not in line]
    assert len(found) > 25
    text = "\n".join(_uncommented(setting.fullmatch(line), line) for line in lines if "include:" not in line) + "\n"
    settings = load(write(tmp_path, text), environ={})
    assert settings.watch[0].default.owner == "posix"
    assert settings.groups["smith-lab"].owners == ("js2x",)
    assert len(settings.watch[0].rules) == 2


def _uncommented(found: re.Match[str] | None, line: str) -> str:
    return line if found is None else found["indent"] + found["space"][1:] + found["rest"]


def test_a_root_that_yaml_can_not_name_is_refused() -> None:
    with pytest.raises(ValueError, match="control characters"):
        quoted("a\nb")


def test_what_config_show_prints_loads_and_means_the_same(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    write(tmp_path, "0012,no\n", "t.csv")
    text = (
        "state_dir: s\nlookups: {t: t.csv}\ngroups: {g: {members: []}}\nusers: {a: {administrator: yes}}\n"
        "watch:\n - root: data\n   settle: 1.5s\n   hash_now: 5MB\n   scan_every: 15m\n   rules:\n"
        "   - match: '{a}.{ext}'\n     where: {a: 'x'}\n     complete: {settle: 90s}\n     key_values: {k: '{a|t}'}\n"
        "     set: {image: '0012'}\n"
    )
    before = load(write(tmp_path, text), environ={})
    shown = effective(before)
    after = load(write(tmp_path, shown, "shown.yaml"), environ={})
    names = set(type(before).model_fields) - {
        "file",
        "source_text",
        "digest",
        "marks",
        "read_texts",
        "read_patterns",
        "watch",
    }
    assert before.model_dump(include=names) == after.model_dump(include=names)
    assert _without_marks(before.watch[0].model_dump()) == _without_marks(after.watch[0].model_dump())
    assert "secret" not in shown


def _without_marks(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_marks(inner) for key, inner in value.items() if key not in {"mark", "marks"}}
    return [_without_marks(inner) for inner in value] if isinstance(value, list | tuple) else value
