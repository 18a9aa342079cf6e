"""A facility of two groups in a temporary folder, for tests that drive the installed program."""

from pathlib import Path

import pytest

from tests.helpers.program import Site

CONFIGURATION = """
state_dir: @/state
groups:
  smith-lab:
    permissions: read-annotate
    owners: [js2x]
    members: [ab3c, cd4e]
  jones-lab: {owners: [jones], members: [ef5g]}
users:
  ab3c: {name: Ada Byron}
  cd4e: {name: Charles Darwin}
  js2x: {name: Jane Smith}
  jones: {}
  ef5g: {}
watch:
  - root: @/data
    name: confocal
    settle: 300ms
    rules:
      - match: '{group}/{owner}/{project}/[{dataset}/**/]{image}.{ext}'
"""
#: One person whose every file it is.
ONE_PERSON = """
state_dir: @/state
groups:
  lab: {owners: [ada]}
users:
  ada: {name: Ada Byron}
watch:
  - root: @/root
    name: confocal
    settle: 200ms
    rules:
      - match: '{project}/{image}.{ext}'
        set: {group: lab, owner: ada}
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Give a configured facility whose watched folder is empty."""
    (tmp_path / "data").mkdir()
    made = Site(folder=tmp_path)
    made.configure(CONFIGURATION)
    return made
