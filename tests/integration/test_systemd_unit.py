"""The unit file as systemd itself judges it."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from daemon.service_files import closed_folder, install_commands, systemd_folder
from tests.helpers.program import PATIENCE_S

CHECKOUT = Path(__file__).parents[2]
FOLDER = CHECKOUT / "systemd"
UNIT = FOLDER / "coverslip.service"


def _analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed: the unit can't be judged here")
    return subprocess.run(
        ["systemd-analyze", *map(str, arguments)], capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )


def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    program = tmp_path / "coverslip"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/coverslip/bin/coverslip", str(program)))
    verified = _analyze("verify", unit)
    assert (verified.returncode, verified.stderr, verified.stdout) == (0, "", "")


def test_the_exposure_is_low() -> None:
    judged = _analyze("security", "--offline=yes", UNIT)
    found = re.search(r"Overall exposure level for .*: ([\d.]+)", judged.stdout)
    assert found is not None, judged.stdout + judged.stderr
    assert float(found[1]) <= 1.5


def test_the_unit_keeps_what_the_program_relies_on() -> None:
    lines = [line for line in UNIT.read_text().splitlines() if line and not line.startswith("#")]
    settings = dict(line.split("=", 1) for line in lines if "=" in line)
    assert settings["Type"] == "notify"
    assert settings["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert settings["ProtectSystem"] == "strict"
    assert settings["StateDirectory"] == "coverslip"
    assert settings["KillMode"] == "mixed"
    assert "PYTHONSAFEPATH=1" in settings["Environment"]
    assert int(settings["WatchdogSec"]) >= 30
    assert not {"PrivateUsers", "ReadWritePaths", "ReadOnlyPaths", "InaccessiblePaths"} & settings.keys()


def test_every_file_is_in_the_wheel() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    assert project["tool"]["setuptools"]["data-files"]["share/coverslip/systemd"] == ["systemd/*"]
    assert {path.name for path in FOLDER.iterdir()} == {
        "60-coverslip-sysctl.conf",
        "coverslip.service",
        "coverslip.sysusers",
        "coverslip.tmpfiles",
    }


@pytest.mark.parametrize("name", ["coverslip", "my venv & #1/coverslip", "100% new/coverslip"])
def test_the_install_commands_do_what_they_say(tmp_path: Path, name: str) -> None:
    folder = systemd_folder()
    assert folder is not None
    program = tmp_path / "srv" / name
    first, second, third = install_commands(program, tmp_path / "etc/coverslip/lab 1.yaml", folder)
    (tmp_path / "root/etc/systemd/system").mkdir(parents=True)
    command = first.replace(" /etc/", f" {tmp_path}/root/etc/")
    subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True)
    unit = tmp_path / "root/etc/systemd/system/coverslip.service"
    (start,) = (line for line in unit.read_text().splitlines() if line.startswith("ExecStart="))
    assert f'run --config "{tmp_path}/etc/coverslip/lab 1.yaml"' in start
    named = sorted(path.relative_to(tmp_path / "root").as_posix() for path in (tmp_path / "root").rglob("*.conf"))
    assert named == ["etc/sysctl.d/60-coverslip.conf", "etc/sysusers.d/coverslip.conf", "etc/tmpfiles.d/coverslip.conf"]
    for path in named[:1]:
        assert f"/{path}" in second
    assert third == "systemctl daemon-reload && systemctl enable --now coverslip"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    judged = _analyze("verify", unit)  # it also looks whether the program that is named is there
    assert (judged.returncode, judged.stdout) == (0, ""), judged.stderr


def test_a_program_that_the_account_can_not_reach_is_told(tmp_path: Path) -> None:
    shut = tmp_path / "home"
    (shut / "venv/bin").mkdir(parents=True)
    for folder in (shut, shut / "venv", shut / "venv/bin"):
        folder.chmod(0o755)
    is_open = closed_folder(shut / "venv/bin/coverslip")
    assert is_open is None or not is_open.is_relative_to(shut)
    shut.chmod(0o700)
    assert closed_folder(shut / "venv/bin/coverslip") is not None
