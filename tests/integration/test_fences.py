"""Who may import whom: the contracts in pyproject.toml hold here, and each of them bites when it is broken."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.helpers.program import PATIENCE_S

REPOSITORY = Path(__file__).parents[2]
PACKAGES = ("config", "catalog", "ingest", "daemon")
#: For each contract a file and a line that breaks it, and no other contract.
VIOLATIONS = {
    "daemon over ingest over catalog over config": ("config/kept.py", "import catalog.names"),
    "watchdog only in the watcher": ("daemon/health.py", "from watchdog.observers import inotify_c"),
    "APScheduler only in the schedule": ("daemon/running.py", "import apscheduler.schedulers.background"),
    "SQLAlchemy, Alembic and the database driver only in catalog": ("ingest/loop.py", "from sqlalchemy import text"),
    "tifffile and Pillow only in readers and rendering": ("ingest/probe.py", "from PIL import Image"),
    "imagecodecs only in readers and for thumbnails": ("ingest/fingerprint.py", "import imagecodecs"),
    "PyYAML and pydantic only in config": ("daemon/commands/check.py", "import yaml"),
}


def _judged(folder: Path) -> dict[str, str]:
    """Run import-linter over a tree, and give each contract's verdict."""
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    return dict(re.findall(r"^(.+) (KEPT|BROKEN)(?: \(.*\))?$", done.stdout, re.MULTILINE))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for package in PACKAGES:
        shutil.copytree(REPOSITORY / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_contract_is_kept_here_and_has_a_violation_to_try_it_with() -> None:
    contracts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert {contract["name"] for contract in contracts} == VIOLATIONS.keys()
    assert _judged(REPOSITORY) == dict.fromkeys(VIOLATIONS, "KEPT")


@pytest.mark.parametrize("contract", VIOLATIONS)
def test_a_contract_bites(tree: Path, contract: str) -> None:
    file, line = VIOLATIONS[contract]
    with (tree / file).open("a") as source:
        source.write(f"\n{line}\n")
    assert _judged(tree) == dict.fromkeys(VIOLATIONS, "KEPT") | {contract: "BROKEN"}
