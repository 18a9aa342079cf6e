"""The unit file as systemd itself judges it."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from daemon.service_files import install_commands, systemd_folder

CHECKOUT = Path(__file__).parents[2]
FOLDER = CHECKOUT / "systemd"
UNIT = FOLDER / "coverslip.service"


def _analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed: the unit can't be judged here")
    return subprocess.run(
        ["systemd-analyze", *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
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


def test_the_install_commands_name_files_that_are_there(tmp_path: Path) -> None:
    folder = systemd_folder()
    assert folder is not None
    first, *_ = install_commands(Path("/srv/my venv/bin/coverslip"), folder)
    pieces = [piece for piece in first.split(" && ") if not piece.startswith("cd ")]
    for target in ("sysusers.d", "tmpfiles.d", "sysctl.d", "systemd/system"):
        (tmp_path / "etc" / target).mkdir(parents=True)
    for piece in pieces:
        command = piece.replace("/etc/", f"{tmp_path}/etc/")
        subprocess.run(["sh", "-c", command], cwd=folder, check=True)
    unit = (tmp_path / "etc/systemd/system/coverslip.service").read_text()
    assert 'ExecStart="/srv/my venv/bin/coverslip" run --config /etc/coverslip/coverslip.yaml\n' in unit
    assert len(list((tmp_path / "etc").rglob("*.conf"))) == 3
