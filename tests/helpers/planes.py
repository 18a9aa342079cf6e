"""Planes of images of many files on a small site: written, imported, and what came of them."""

from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from catalog.engine import Catalogue
from catalog.state_sql import counts
from config.settings import RuleSettings
from tests.helpers.ingest_site import MARK, Site, add_person

MATCH = "{group}/{owner}/{project}/{image}_z{z}_c{channel:DAPI|GFP}.tif"


def rule(match: str | tuple[str, ...] = MATCH, **fields: Any) -> RuleSettings:
    return RuleSettings(match=(match,) if isinstance(match, str) else match, mark=MARK, **fields)


def plane(path: Path, value: int, *, pages: int = 1, size: int = 24) -> Path:
    """Write a TIFF of noise that is another for each ``value``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(value).integers(1, 4000, (pages, size, size), dtype=np.uint16)
    tifffile.imwrite(path, pixels if pages > 1 else pixels[0], photometric="minisblack")
    return path


def importing(site: Site, *rules: RuleSettings) -> Any:
    return site.import_(settings=site.settings(rules=rules or (rule(),)))


def folder_of(site: Site) -> Path:
    return site.root / "smith-lab/ab3c/cells"


def sizes(site: Site) -> dict[str, tuple[int, int, int]]:
    """Give (c, z, t) of every image, by name."""
    query = "SELECT name, size_c, size_z, size_t FROM image ORDER BY name"
    return {row["name"]: (row["size_c"], row["size_z"], row["size_t"]) for row in site.rows(query)}


def states(site: Site) -> dict[str, int]:
    with site.catalogue.reading() as connection:
        found: dict[str, int] = {}
        for row in connection.execute(counts()):
            found[row.state] = found.get(row.state, 0) + row.files
        return found


def reasons(site: Site, state: str) -> set[str]:
    with site.catalogue.reading() as connection:
        return {row.reason for row in connection.execute(counts()) if row.state == state}


def site_of_planes(catalogue: Catalogue, folder: Path) -> Site:
    """Make a site with one person."""
    made = Site(catalogue, folder)
    add_person(catalogue, "ab3c", "smith-lab")
    return made
