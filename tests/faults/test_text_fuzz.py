"""Faults 13 and 19: any configuration, any template and any name, many times; the properties are those of each day.

The files that are read are bent in test_reader_fuzz.py.
"""

import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers.examples import VARIABLE

REPOSITORY = Path(__file__).parents[2]
#: 500 examples of texts a round, 1410 of templates and names.
ROUNDS = {"test_configuration_texts.py": 100, "test_template_matching.py": 50}


@pytest.mark.faults_full
@pytest.mark.timeout(0)
@pytest.mark.parametrize("module", sorted(ROUNDS))
def test_a_hundred_thousand_texts_templates_and_names_are_met_well(
    module: str, tmp_path: Path, counted: Callable[[str], None]
) -> None:
    rounds = int(os.environ.get("COVERSLIP_FAULT_ROUNDS", ROUNDS[module]))
    seed = os.environ.get("COVERSLIP_FAULT_SEED", str(random.randrange(1 << 30)))
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", f"tests/properties/{module}", "--timeout", "0",
         f"--hypothesis-seed={seed}", "--basetemp", str(tmp_path / "inner")],
        cwd=REPOSITORY, env=dict(os.environ) | {VARIABLE: str(rounds)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    counted(f"{module}, {rounds} rounds (COVERSLIP_FAULT_SEED={seed}): {ended.stdout.strip().splitlines()[-1]}")
    assert ended.returncode == 0, ended.stdout[-5000:] + ended.stderr[-2000:]
