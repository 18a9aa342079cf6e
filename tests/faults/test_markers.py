"""Fault 9: a marker before the data, after the data, removed again; with the invariants, on both databases."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from config.settings import CompleteSettings, RuleSettings
from ingest.summary import ImportSummary
from tests.helpers.ingest_site import MARK, Site, write_tiff
from tests.helpers.invariants import identities, violations

RULES = {
    "a file each": "{group}/{owner}/{dataset}/{image}.tif",
    "planes of one image": "{group}/{owner}/{dataset}/{image}_z{z}.tif",
}
FOLDER = "smith-lab/ab3c/run1"


@pytest.fixture(params=RULES)
def match(request: pytest.FixtureRequest) -> str:
    return RULES[request.param]


def scan(site: Site, match: str) -> ImportSummary:
    complete = CompleteSettings(marker="{dataset}.done", max_wait=timedelta(hours=1))
    rules = (RuleSettings(match=(match,), complete=complete, mark=MARK),)
    return site.import_(settings=site.settings(rules=rules))


def data(site: Site, *numbers: int) -> list[Path]:
    return [write_tiff(site.root / FOLDER / f"cell_z{number}.tif", value=number) for number in numbers]


def marker(site: Site) -> Path:
    path = site.root / FOLDER / "run1.done"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")
    return path


def all_is_well(site: Site, **more: Any) -> bool:
    return violations(site.catalogue, {"confocal": site.root}, **more) == []


def complete(files: list[Path], site: Site) -> list[tuple[str, bytes, int]]:
    return [("confocal", bytes(file.relative_to(site.root)), 1) for file in files]


def test_data_before_its_marker_waits_and_is_imported_with_it(site: Site, match: str) -> None:
    files = data(site, 1, 2)
    assert scan(site, match).imported == 0
    assert site.images() == []
    assert all_is_well(site)
    marker(site)

    scan(site, match)

    assert len(site.images()) == (1 if "z{z}" in match else 2)
    assert all_is_well(site, complete=complete(files, site))


def test_a_marker_before_its_data_lets_each_file_in_when_it_is_whole(site: Site, match: str) -> None:
    marker(site)
    assert scan(site, match).imported == 0
    (torn,) = data(site, 1)
    whole = torn.read_bytes()
    torn.write_bytes(whole[: len(whole) // 2])
    scan(site, match)
    assert site.images() == []
    assert all_is_well(site)
    torn.write_bytes(whole)

    scan(site, match)

    assert len(site.images()) == 1
    assert all_is_well(site, complete=complete([torn], site))


def test_a_marker_that_was_taken_away_holds_what_comes_and_keeps_what_is_there(site: Site, match: str) -> None:
    first = data(site, 1)
    gone = marker(site)
    scan(site, match)
    kept = identities(site.catalogue)
    gone.unlink()
    scan(site, match)
    assert all_is_well(site, complete=complete(first, site), kept=kept)
    write_tiff(site.root / "smith-lab/ab3c/run2/cell_z1.tif", value=9)

    scan(site, match)

    assert len(site.images()) == 1
    assert all_is_well(site, complete=complete(first, site), kept=kept)
