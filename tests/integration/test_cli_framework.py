"""The program as a shell sees it: options before and after the command, exit codes, help, quick starts."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from daemon.cli import COMMANDS, program, run
from daemon.context import find_configuration
from daemon.errors import UnusableConfiguration
from daemon.options import load
from tests.helpers.program import PATIENCE_S

PROGRAM = Path(sys.executable).parent / "coverslip"


def coverslip(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=PATIENCE_S, check=False)


@pytest.mark.parametrize("arguments", [("version", "--json"), ("--json", "version")])
def test_json_is_accepted_before_and_after_the_command(arguments: tuple[str, ...]) -> None:
    done = coverslip(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert set(json.loads(done.stdout)) == {"program", "python", "platform"}


@pytest.mark.parametrize("arguments", [(), ("nonsense",), ("version", "surplus"), ("version", "--nonsense")])
def test_wrong_usage_is_exit_2_with_nothing_on_standard_output(arguments: tuple[str, ...]) -> None:
    done = coverslip(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage: coverslip" in done.stderr


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_registry_says_what_the_command_says(name: str) -> None:
    assert load(COMMANDS[name]).get_short_help_str(limit=200) == COMMANDS[name].summary


def test_help_imports_no_command_and_no_library_that_is_slow() -> None:
    code = "import sys, daemon.cli; daemon.cli.run(['--help']); print(*sys.modules, sep=chr(10), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    modules = set(done.stderr.split())
    assert not modules & {"sqlalchemy", "pydantic", "yaml", "numpy", "rich", "tifffile", "PIL", "tempfile"}
    assert not [name for name in modules if name.startswith("daemon.commands.")]


def test_the_program_lists_every_command_of_the_registry() -> None:
    done = coverslip("--help")
    assert all(f"\n  {name} " in done.stdout for name in COMMANDS)
    assert program.name == "coverslip"


def test_a_mistyped_command_gets_a_proposal() -> None:
    done = coverslip("statsu")
    assert done.returncode == 2
    assert "did you mean 'status'?" in done.stderr


@pytest.mark.needs_root
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another's file")
def test_a_configuration_that_a_stranger_left_in_the_folder_is_not_used_unasked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COVERSLIP_CONFIG", raising=False)
    found = tmp_path / "coverslip.yaml"
    found.touch()
    assert find_configuration(None) == Path("coverslip.yaml")
    os.chown(found, 12345, 12345)
    with pytest.raises(UnusableConfiguration, match="was made by 12345"):
        find_configuration(None)
    assert find_configuration(found) == found


@pytest.mark.parametrize(
    "arguments",
    [
        ("tag", "add", "image:1", "\udce9"),
        ("kv", "add", "image:1", "Stain=\udce9"),
        ("images", "--text", "\udce9"),
        ("assign", "x.tif", "--project", "\udce9"),
        ("group", "add", "\udce9"),
        ("--as", "\udce9", "tree"),
        ("tree", "--as", "\udce9"),
    ],
)
def test_bytes_that_are_no_text_are_wrong_usage(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    assert "\\xe9' has bytes that are not UTF-8; write them as they are shown here" in capsys.readouterr().err


@pytest.mark.parametrize("command", [("run",), ("admin", "migrate")])
def test_what_acts_as_the_service_acts_as_no_user(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*command, "--as", "ab3c"]) == 2
    assert f"`coverslip {' '.join(command)}` acts as the service itself" in capsys.readouterr().err


def test_choices_are_told_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion"]) == 2
    assert "Choose from: bash, zsh, fish\n" in capsys.readouterr().err
