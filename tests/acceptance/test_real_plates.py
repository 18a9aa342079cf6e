"""Real plates of seven instruments through the whole program by built-in layouts: docs/layouts.md is what comes out."""

import pytest

from tests.helpers.plate_sets import RULES, rows_of_images, rows_of_page
from tests.helpers.program import Site
from tests.helpers.real_data import needed_data

CONFIGURATION = """
state_dir: @/state
groups: {lab: {members: [ada]}}
users: {ada: {}}
watch:
  - root: DATA/real
    settle: 0s
    crosscheck: off
    default: {owner: ada, group: lab}
    rules:RULES
"""


@pytest.mark.needs_data
def test_real_plates_have_the_wells_fields_channels_and_sizes_that_their_names_and_indexes_tell(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    site = Site(folder=tmp_path_factory.mktemp("plates"))
    site.configure(CONFIGURATION.replace("DATA", str(needed_data())).replace("RULES", RULES))
    done = site.run("import", "--json", within_s=400)
    assert done.code == 0, done
    assert rows_of_images(site.images()) == rows_of_page()
