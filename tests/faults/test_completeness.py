"""Faults 7 and 13: the structural probe over whole and damaged files; all of it stands in docs/completeness.md."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from tests.helpers.completeness import KINDS, PAGE, Finding, measured, spread, tiffs, undamaged
from tests.helpers.real_data import needed_data

NOISE = np.random.default_rng(3).integers(100, 4000, (5, 64, 80), dtype=np.uint16)
WAYS: dict[str, dict[str, object]] = {
    "ome.ome.tif": {"ome": True, "metadata": {"axes": "ZYX"}},
    "packed.ome.tif": {"ome": True, "metadata": {"axes": "CYX"}, "compression": "zlib", "tile": (16, 16)},
    "imagej.tif": {"imagej": True, "metadata": {"axes": "ZYX"}},
    "plain.tif": {"photometric": "minisblack", "metadata": None},
}


def unexplained(found: list[Finding]) -> list[Finding]:
    return [one for one in found if one.is_read and one.why == "?"]


@pytest.mark.parametrize("name", sorted(WAYS))
def test_every_damage_to_a_generated_file_is_caught_or_explained(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    tifffile.imwrite(path, NOISE, **WAYS[name])  # type: ignore[arg-type]  # its options
    found = [one for kind in KINDS[1:] for one in measured(kind, tmp_path, [path])]
    assert len(found) > 25
    assert unexplained(found) == []
    assert [one for one in found if one.kind == "cut" and one.is_read] == []


@pytest.mark.needs_data
def test_a_sample_of_real_files_gives_no_false_alarm_and_every_damage_is_caught_or_explained() -> None:
    folder = needed_data()
    small = [path for path in tiffs(folder) if path.stat().st_size < 400_000]
    sample = spread(small, 12)
    assert [one.file for one in undamaged(folder, sample) if one.why] == []
    found = [one for kind in KINDS[1:] for one in measured(kind, folder, sample[2::4])]
    assert unexplained(found) == []


@pytest.mark.faults_full
@pytest.mark.needs_data
@pytest.mark.timeout(0)
def test_the_page_tells_what_is_measured_and_nothing_is_unexplained(tmp_path: Path) -> None:
    folder = needed_data()
    command = [sys.executable, "-m", "tests.helpers.completeness", "--check", "--cache", str(tmp_path / "cache")]
    environment = dict(os.environ) | {"COVERSLIP_TEST_DATA": str(folder)}
    ended = subprocess.run(command, cwd=PAGE.parents[1], env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "| ? |" not in PAGE.read_text()
