"""Files of images of many files that get other names, before they are catalogued and after. On both databases."""

from datetime import timedelta
from pathlib import Path

import pytest

from catalog.engine import Catalogue
from catalog.member_digests import sum_of
from catalog.members import members_of
from catalog.set_files import digest_before
from tests.helpers.clocks import SteppingClock
from tests.helpers.ingest_site import Site
from tests.helpers.planes import folder_of, importing, plane, rule, site_of_planes, sizes, states

#: Nothing is due again before the test has ended.
LONG_S = 3600.0


@pytest.fixture
def site(catalogue: Catalogue, tmp_path: Path) -> Site:
    return site_of_planes(catalogue, tmp_path)


def broken_plane(site: Site, name: str) -> Path:
    path = plane(folder_of(site) / name, 2)
    path.write_bytes(path.read_bytes()[:100])
    return path


def look_again(site: Site) -> None:
    """Look at everything once more; what is not quiet yet is left so."""
    site.settle_s = LONG_S
    site.import_(settings=site.settings(rules=(rule(),)), wait=False)


def test_a_plane_renamed_within_its_image_before_it_is_catalogued_leaves_the_sum_of_its_files(site: Site) -> None:
    """With another sum each look at it said that it changes: it settled for ever."""
    broken = broken_plane(site, "embryo_z1_cGFP.tif")
    importing(site)

    broken.rename(folder_of(site) / "embryo_z2_cGFP.tif")
    look_again(site)

    (fileset,) = site.rows("SELECT id, seen_digest FROM fileset")
    with site.catalogue.reading() as connection:
        (member,) = members_of(connection, [fileset["id"]])[fileset["id"]]
    assert member.path.endswith(b"embryo_z2_cGFP.tif")
    assert bytes(fileset["seen_digest"]) == sum_of([digest_before(member.path, member)])


@pytest.mark.parametrize("step", [timedelta(0), timedelta(hours=1)])
def test_an_image_is_imported_without_a_broken_plane_that_was_renamed_away(site: Site, step: timedelta) -> None:
    plane(folder_of(site) / "embryo_z1_cGFP.tif", 1)
    broken = broken_plane(site, "embryo_z2_cGFP.tif")
    importing(site)
    assert states(site) == {"quarantined": 2}

    broken.rename(folder_of(site) / "torn_z2_cGFP.tif")
    clock = SteppingClock()
    loop = site.loop(settings=site.settings(rules=(rule(),)), clock=clock)
    clock.step = step  # after the ingest began: what is due is due by its own steady time
    loop.run_once()

    assert sizes(site) == {"embryo": (1, 1, 1)}
    assert states(site) == {"imported": 1, "quarantined": 1}


def test_a_plane_that_is_gone_lets_nobody_read_the_others_before_they_are_quiet(site: Site) -> None:
    first = plane(folder_of(site) / "embryo_z1_cGFP.tif", 1)
    plane(folder_of(site) / "embryo_z2_cGFP.tif", 2)
    look_again(site)

    first.unlink()
    look_again(site)

    assert states(site)["settling"] == 1
