"""Real microscopy files through the whole program: each gets a true state; what stands alone imports."""

import csv
import shutil
from collections import Counter
from pathlib import Path

import pytest

from tests.helpers.program import Site, wait_until
from tests.helpers.real_data import real_data

CONFIGURATION = """
state_dir: @/state
groups: {lab: {members: [ada]}}
users: {ada: {}}
watch:
  - root: @/data
    name: real
    settle: 0s
    default: {owner: ada, group: lab}
    rules:
      - match: '{project}/[{dataset:path}/]{image}.{ext}'
"""

#: The endings of formats whose files stand alone when nothing says otherwise.
PICTURES = (".tif", ".tiff", ".png", ".jpg", ".jpeg", ".gif", ".svs", ".qptiff", ".stk", ".lsm")


@pytest.mark.needs_data
def test_every_real_file_gets_a_true_state_and_what_stands_alone_is_imported(tmp_path: Path) -> None:
    data = real_data()
    if data is None:
        pytest.skip("the folder of real microscopy files is not there (COVERSLIP_TEST_DATA)")
    site = Site(folder=tmp_path)
    site.configure(CONFIGURATION)
    for folder in ("real", "made"):
        shutil.copytree(data / folder, tmp_path / "data" / folder)
    with site.daemon():
        wait_until(lambda: not unfinished(site), within_s=400, every_s=1)
        states = {row["path"]: row for row in site.json("status")["reasons"]}
        files = {row: site.state_of(tmp_path / "data" / row) for row in sampled(data)}
    assert states
    counts = Counter(state for state, _ in files.values())
    assert counts["imported"] > 0
    for path, (state, reason) in files.items():
        assert state, path
        assert reason, path


def unfinished(site: Site) -> bool:
    counts = site.json("status")["counts"]
    return not counts or any(counts.get(state) for state in ("settling", "ready", "importing", "updating"))


def sampled(data: Path) -> list[str]:
    """Give every fifth row of the manifest, and the first of each layout."""
    layouts = set()
    chosen = []
    with (data / "MANIFEST.tsv").open(encoding="utf-8", newline="") as manifest:
        for number, row in enumerate(csv.DictReader(manifest, delimiter="\t")):
            if number % 5 == 0 or row["layout"] not in layouts:
                chosen.append(row["path"])
            layouts.add(row["layout"])
    return chosen
