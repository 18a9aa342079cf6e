"""Files whose names differ in channel, z and t are one image: as they come, clash, change and go. On both databases."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from catalog.engine import Catalogue
from config.settings import RuleSettings
from tests.helpers.ingest_site import MARK, Site, add_person

MATCH = "{group}/{owner}/{project}/{image}_z{z}_c{channel:DAPI|GFP}.tif"


def rule(match: str | tuple[str, ...] = MATCH, **fields: Any) -> RuleSettings:
    return RuleSettings(match=(match,) if isinstance(match, str) else match, mark=MARK, **fields)


def plane(path: Path, value: int, *, pages: int = 1, size: int = 24) -> Path:
    """Write a TIFF whose every page is filled with ``value`` and, in its first row, a ramp."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((pages, size, size), value, np.uint16)
    pixels[:, 0] = np.arange(size) + value
    tifffile.imwrite(path, pixels if pages > 1 else pixels[0], photometric="minisblack")
    return path


@pytest.fixture
def site(catalogue: Catalogue, tmp_path: Path) -> Site:
    made = Site(catalogue, tmp_path)
    add_person(catalogue, "ab3c", "smith-lab")
    return made


Importer = Callable[..., Any]


def importing(site: Site, *rules: RuleSettings) -> Any:
    return site.import_(settings=site.settings(rules=rules or (rule(),)))


def folder_of(site: Site) -> Path:
    return site.root / "smith-lab/ab3c/cells"


def sizes(site: Site) -> dict[str, tuple[int, int, int]]:
    """Give (c, z, t) of every image, by name."""
    query = "SELECT name, size_c, size_z, size_t FROM image ORDER BY name"
    return {row["name"]: (row["size_c"], row["size_z"], row["size_t"]) for row in site.rows(query)}


def planes(site: Site) -> dict[tuple[int, int, int], str]:
    """Give the file names of all planes by (c, z, t)."""
    query = (
        "SELECT p.the_c, p.the_z, p.the_t, s.name FROM plane_location p"
        " JOIN sighting s ON s.original_file_id = p.original_file_id"
    )
    return {(row["the_c"], row["the_z"], row["the_t"]): bytes(row["name"]).decode() for row in site.rows(query)}


def test_planes_and_channels_are_one_image(site: Site) -> None:
    for z in (1, 2, 10):
        for channel in ("GFP", "DAPI"):
            plane(folder_of(site) / f"embryo_z{z}_c{channel}.tif", 100 * z)

    summary = importing(site)

    assert (summary.scanned, summary.held, summary.failed) == (6, 0, 0)
    assert sizes(site) == {"embryo": (2, 3, 1)}
    assert planes(site)[1, 2, 0] == "embryo_z10_cGFP.tif"
    names = site.rows("SELECT name FROM channel ORDER BY ordinal")
    assert [row["name"] for row in names] == ["DAPI", "GFP"]
    assert [row["hash"] is not None for row in site.rows("SELECT hash FROM original_file")] == [True] * 6
    assert site.rows("SELECT failure FROM thumbnail") == [{"failure": None}]
    assert {state for state, _ in site.sightings().values()} == {"member"}
