"""Finds the folder of real microscopy files, for tests that need it."""

import csv
import os
from pathlib import Path

import pytest


def real_data() -> Path | None:
    """Give the folder named by COVERSLIP_TEST_DATA, or ``shared/data`` beside the checkout; None when there is none."""
    named = os.environ.get("COVERSLIP_TEST_DATA")
    candidate = Path(named) if named else Path(__file__).parents[3] / "shared" / "data"
    return candidate if (candidate / "MANIFEST.tsv").is_file() else None


def needed_data() -> Path:
    """Give the folder, or skip the test and say so."""
    folder = real_data()
    if folder is None:
        pytest.skip("the folder of real files is not there: set COVERSLIP_TEST_DATA to it")
    return folder


def manifest(folder: Path) -> list[dict[str, str]]:
    """Give the manifest's rows by column."""
    with (folder / "MANIFEST.tsv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t"))
