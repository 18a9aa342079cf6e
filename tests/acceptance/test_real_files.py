"""Real microscopy files through the whole program: each is in the state that docs/formats.md gives, for its reason."""

import shutil
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.format_table import PAGE, SETS, STANDING_ALONE, states_by_layout
from tests.helpers.program import Site
from tests.helpers.real_data import manifest, needed_data

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
#: Large plates of pictures like others here: `test_real_plates` imports them, as plates.
AS_PLATES = ("hcs-cellomics-row", "hcs-cv8000", "hcs-imagexpress-zmix")
#: Files that stand alone, are of a readable format, and do not import: at most five.
EXCEPTIONS = {"real/jax-omeroutils/jax_omeroutils/tests/data/invalid_test.tif": "quarantined"}


@pytest.mark.needs_data
def test_every_real_file_gets_the_state_of_the_table_and_what_stands_alone_is_imported(tmp_path: Path) -> None:
    data = needed_data()
    site = Site(folder=tmp_path)
    site.configure(CONFIGURATION)
    rows = [row for row in manifest(data) if row["layout"] not in AS_PLATES]
    for row in rows:
        target = tmp_path / "data" / row["path"]
        target.parent.mkdir(parents=True, exist_ok=True)
        source = data / row["path"]
        shutil.copytree(source, target) if source.is_dir() else shutil.copyfile(source, target)
    done = site.run("import", tmp_path / "data", "--json", within_s=400)
    files = states_of(site, tmp_path / "data")
    wrong = [(row["path"], *problem) for row in rows if (problem := wrong_state(row, files.get(row["path"])))]
    assert not wrong, (done, wrong[:20], len(wrong))
    assert Counter(file["state"] for file in files.values())["imported"] > 150
    images = site.images()
    in_sets = sum(row["layout"] in SETS for row in rows)
    assert len(images) >= sum(file["state"] == "imported" for file in files.values()) - in_sets
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        found[row["layout"]][files[row["path"]]["state"]] += 1
    wanted = states_by_layout(PAGE.read_text(encoding="utf-8"))
    assert {layout: counts for layout, counts in wanted.items() if layout not in AS_PLATES} == found


def states_of(site: Site, folder: Path) -> dict[str, Any]:
    """List the files of every state, by their path below the folder: one command a state."""
    files = {}
    for state in ("imported", "ignored", "held", "quarantined", "unmatched", "waiting", "settling"):
        for file in site.json("queue", state):
            assert file["state"] == state
            files[str(Path(file["path"]).relative_to(folder))] = file
    return files


def wrong_state(row: dict[str, str], file: Any) -> tuple[str, str] | None:
    """Compare one file with what must be true of it; None when all is well."""
    if file is None:
        return ("not known", "")
    state, reason = file["state"], file["reason"] or ""
    if row["path"] in EXCEPTIONS:
        return None if state == EXCEPTIONS[row["path"]] and reason else (state, reason)
    if row["layout"] in SETS:
        is_alone = state == "settling" and reason.startswith("it waits for ")
        return None if state == "imported" or is_alone else (state, reason)
    if row["format"].startswith(STANDING_ALONE):
        return None if state == "imported" else (state, reason)
    is_told = state in ("ignored", "held") or (state == "settling" and reason.startswith("it waits for "))
    is_told = is_told and bool(reason)
    return None if is_told else (state, reason)
