"""Loading whole configurations: what is read, merged, refused and remembered."""

import os
import stat
from pathlib import Path

import pytest

from config.loader import examine, last_good, load, remember_good
from config.problems import ConfigurationError, Severity
from config.settings import Settings


def write(folder: Path, text: str, name: str = "coverslip.yaml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def problems_of(path: Path) -> list[str]:
    """Give the problems without the folder in front of the file names."""
    with pytest.raises(ConfigurationError) as raised:
        load(path, environ={})
    return [str(problem).replace(f"{path.parent}/", "") for problem in raised.value.problems]


def load_text(folder: Path, text: str) -> Settings:
    return load(write(folder, text), environ={})


def test_scalars_keep_their_source_text(tmp_path: Path) -> None:
    settings = load_text(tmp_path, "lookups: {t: {a: 0012, b: no, c: 12:30, 010: 1e3, d: null, e: ~, f: 2026-01-02}}")
    assert settings.lookups["t"] == {
        "a": "0012", "b": "no", "c": "12:30", "010": "1e3", "d": "null", "e": "~", "f": "2026-01-02",
    }  # fmt: skip


def test_the_last_good_configuration_comes_back_after_the_file_broke(tmp_path: Path) -> None:
    path = write(tmp_path, "state_dir: state\ninclude: rules.d/*.yaml\nlookups: {wells: map.csv}\ngroups: {a: }\n")
    write(tmp_path, "groups: {b: {members: [ab3c]}}\n", "rules.d/one.yaml")
    write(tmp_path, "A1,control\n", "map.csv")
    (tmp_path / "state").mkdir()
    good = load(path, environ={})
    remember_good(good)
    path.write_text("state_dir: state\ngroups: {{{")
    (tmp_path / "rules.d" / "one.yaml").unlink()
    (tmp_path / "map.csv").unlink()
    with pytest.raises(ConfigurationError) as raised:
        load(path, environ={})
    assert raised.value.state_dir == tmp_path / "state"
    again = last_good(raised.value.state_dir)
    assert again == good
    assert again is not None
    assert again.digest == good.digest
    assert again.lookups == {"wells": {"A1": "control"}}
    kept = list((tmp_path / "state").iterdir())
    assert [stat.S_IMODE(one.stat().st_mode) for one in kept] == [0o600]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 99}', '{"format": 1, "file": "x"}', "[" * 100_000])
def test_a_damaged_last_good_configuration_is_none(tmp_path: Path, content: str) -> None:
    assert last_good(tmp_path) is None
    write(tmp_path, content, "last-good-configuration.json")
    assert last_good(tmp_path) is None


def test_a_root_that_does_not_exist_is_an_error_of_check_and_a_warning_of_the_daemon(tmp_path: Path) -> None:
    path = write(tmp_path, f"watch:\n  - root: {tmp_path}/gone\n    rules: [{{match: a}}]\n")
    assert [(p.line, p.column, p.severity) for p in examine(path, environ={}).problems] == [(2, 11, Severity.WARNING)]
    assert load(path, environ={}).watch[0].name == "gone"
    strict = examine(path, environ={}, has_to_have_roots=True)
    assert [(p.message, p.severity) for p in strict.errors] == [(f"there is no folder {tmp_path}/gone", Severity.ERROR)]


@pytest.mark.parametrize(("mode", "is_refused"), [(0o606, True), (0o660, False), (0o600, False)])
def test_a_file_that_everybody_may_write_is_refused(tmp_path: Path, mode: int, is_refused: bool) -> None:
    path = write(tmp_path, "workers: 2\n")
    path.chmod(mode)
    if is_refused:
        assert problems_of(path) == [
            f"coverslip.yaml:1:1: everybody may write {path} (chmod o-w {path})".replace(f"{tmp_path}/", "")
        ]
    else:
        examined = examine(path, environ={})
        assert [p.severity for p in examined.problems] == ([Severity.WARNING] if mode & 0o020 else [])


def test_a_pipe_is_no_configuration_and_nothing_waits_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "coverslip.yaml")
    assert "is not a file" in problems_of(tmp_path / "coverslip.yaml")[0]


def test_a_folder_in_the_place_of_a_file_is_a_problem_and_no_handle_stays_open(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    (tmp_path / "coverslip.yaml").mkdir()
    (tmp_path / "last-good-configuration.json").mkdir()
    assert "is not a file" in problems_of(tmp_path / "coverslip.yaml")[0]
    assert last_good(tmp_path) is None
    assert len(os.listdir("/proc/self/fd")) == before
