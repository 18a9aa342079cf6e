"""What is installed: the wheel holds the four packages with their data, the systemd files and the licence, no more."""

import configparser
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2]
PACKAGES = ("catalog", "config", "daemon", "ingest")


def files_below(folder: Path) -> set[str]:
    found = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(SOURCE)) for path in found}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy, without network and without what an earlier build left."""
    place = tmp_path_factory.mktemp("wheel")
    left_out = shutil.ignore_patterns(".*", "build", "*.egg-info", "__pycache__", "demo")
    shutil.copytree(SOURCE, place / "source", ignore=left_out)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    options = ["--no-cache-dir", "--disable-pip-version-check", "--wheel-dir", str(place)]
    done = subprocess.run([*command, *options, str(place / "source")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (made,) = place.glob("coverslip-*.whl")
    return made


def test_it_holds_everything_that_is_needed_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        held = set(opened.namelist())
        (entry_points,) = (opened.read(name).decode() for name in held if name.endswith("entry_points.txt"))
    about = {name for name in held if ".dist-info/" in name}
    data = {name.partition(".data/data/")[2] for name in held if ".data/data/" in name}
    code = {name for name in held if not (".dist-info/" in name or ".data/" in name)}
    assert code == set().union(*(files_below(SOURCE / package) for package in PACKAGES))
    assert data == {f"share/coverslip/{name}" for name in files_below(SOURCE / "systemd")}
    assert any(name.endswith("licenses/LICENSE") for name in about)
    scripts = configparser.ConfigParser()
    scripts.read_string(entry_points)
    assert dict(scripts["console_scripts"]) == {"coverslip": "daemon.start:main"}


def test_the_program_in_it_works_without_the_source_beside_it(wheel: Path, tmp_path: Path) -> None:
    """It makes a catalogue, for which it needs its migrations, and lists its layouts."""
    with zipfile.ZipFile(wheel) as opened:
        opened.extractall(tmp_path / "installed")
    (tmp_path / "data").mkdir()
    installed = str(tmp_path / "installed")
    main = (
        f"import sys; sys.path.insert(0, {installed!r}); import daemon.start as start;"
        f" assert start.__file__.startswith({installed!r}); start.main()"
    )
    environ = {key: value for key, value in os.environ.items() if not key.startswith("COVERSLIP_")}
    environ |= {"PYTHONDONTWRITEBYTECODE": "1", "COVERSLIP_CONFIG": str(tmp_path / "coverslip.yaml")}
    done = subprocess.run(
        [sys.executable, "-P", "-c", main, "init", str(tmp_path / "data")],
        capture_output=True, text=True, check=False, cwd=tmp_path, env=environ,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.rglob("catalog.db"))
