"""Bent files of every dialect: no exception, no warning, no hang, no explosion of memory; always one sentence."""

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.work import Outcome
from tests.helpers import reader_fuzz
from tests.helpers.reads import read_path


def test_a_few_hundred_bent_files_are_met_well() -> None:
    found = [f"{finding.name} {finding.number}: {finding.problem}" for finding in reader_fuzz.findings(300, seed=11)]
    assert not found


@pytest.mark.parametrize(
    ("name", "chance"),
    [
        ("mm.ome.tif", "1000/591"),
        ("tiles.ome.tif", "1003/877"),
        ("a.stk", "1008/3120"),
        ("picture.gif", "1010/763"),
        ("mm.ome.tif", "1011/3141"),
    ],
)
def test_bent_files_that_were_met_badly_once_are_met_well(tmp_path: Path, name: str, chance: str) -> None:
    """Eight million positions in a file of four pages, each an image; a tag of another type in a later page.

    An axis of no planes; a picture of 94 million pixels, of which Pillow warned; seventeen million channels.
    """
    bent = reader_fuzz.bent(reader_fuzz.seeds()[name], random.Random(chance))
    assert reader_fuzz.problem_with(tmp_path / name, bent) is None


@pytest.mark.parametrize("name", sorted(reader_fuzz.seeds()))
def test_every_file_that_is_bent_is_whole_before(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(reader_fuzz.seeds()[name])
    result = read_path(path)
    assert (result.outcome, result.reason) == (Outcome.READ, None)
    assert [thumbnail.failure for thumbnail in result.thumbnails] == [None]


@pytest.mark.faults_full
@pytest.mark.parametrize("chunk", range(20))
def test_a_hundred_thousand_bent_files_are_met_well(chunk: int, counted: Callable[[str], None]) -> None:
    command = [sys.executable, "-m", "tests.helpers.reader_fuzz", "--count", "5000", "--seed", str(1000 + chunk)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    counted(f"seed {1000 + chunk}: {(ended.stdout or ended.stderr).strip().splitlines()[-1]}")
    assert ended.returncode == 0, ended.stdout + ended.stderr
