"""`assign` about files that are catalogued already: filed anew at once, kept by rules, taken back. Both databases."""

import os
from pathlib import Path

import pytest
from sqlalchemy import update

from catalog.acting import resolve_acting
from catalog.decisions import DecisionRow, Targets, assign, revoke
from catalog.engine import Catalogue
from catalog.errors import NotAllowed, Refused
from catalog.models.images import Image
from catalog.models.people import Membership
from config.settings import Settings
from daemon.assigning import filed_as_decided
from tests.helpers.ingest_site import RULE, Site, three_people, write_tiff
from tests.helpers.planning import LATER, applied, planning_site, ruled

WHERE = (
    "SELECT image.id, image.name, experimenter.name AS owner, experimenter_group.name AS grp, dataset.name AS dataset,"
    " filed_by FROM image JOIN fileset ON fileset.id = image.fileset_id"
    " JOIN experimenter ON experimenter.id = image.owner_id"
    " JOIN experimenter_group ON experimenter_group.id = image.group_id"
    " LEFT JOIN dataset_image_link ON dataset_image_link.image_id = image.id"
    " LEFT JOIN dataset ON dataset.id = dataset_image_link.dataset_id ORDER BY image.id"
)


@pytest.fixture
def site(catalogue: Catalogue, tmp_path: Path) -> Site:
    made = three_people(catalogue, tmp_path)
    write_tiff(made.root / "smith-lab/ab3c/cells/day1/a.tif")
    made.import_(settings=rules(made))
    return made


def rules(site: Site) -> Settings:
    return ruled(site, RULE)


def decided(
    site: Site, path: Path, targets: Targets | None, *, by: str | None = None, settings: Settings | None = None
) -> DecisionRow:
    """Assign or (None) revoke, as the administrator or somebody else, and file accordingly."""
    which = [os.fsencode(path)]
    with site.catalogue.writing() as connection:
        acting = resolve_acting(connection, by or "root", now=LATER, writes_database=by is None)
        if targets is None:
            rows = revoke(connection, acting, which, now=LATER, via="cli")
        else:
            rows = assign(connection, acting, which, targets, now=LATER, via="cli")
    return filed_as_decided(planning_site(site, settings or rules(site)), acting, which, rows)[0]


def test_a_wrongly_filed_image_follows_a_persons_word_keeps_its_id_and_withstands_rules(site: Site) -> None:
    path = site.root / "smith-lab/ab3c/cells/day1/a.tif"
    (before,) = site.rows(WHERE)

    row = decided(site, path, Targets(owner="ef5g", group="jones-lab", project="found", dataset="mine"))

    assert (row.done, row.reason) == (True, None)
    (after,) = site.rows(WHERE)
    assert (after["id"], after["owner"], after["grp"], after["dataset"], after["filed_by"]) == (
        before["id"], "ef5g", "jones-lab", "mine", "hand",
    )  # fmt: skip
    assert site.import_(settings=rules(site)).unchanged == 1
    assert applied(site, ruled(site, RULE, set={"dataset": "other"}), change_owners=True).done == 0
    assert site.rows(WHERE) == [after]

    assert decided(site, path, None).done

    assert site.rows(WHERE) == [before]


def test_a_decision_about_a_folder_reaches_what_is_catalogued_below_it(site: Site) -> None:
    write_tiff(site.root / "smith-lab/ab3c/cells/day1/deep/b.tif", value=2)
    write_tiff(site.root / "smith-lab/ab3c/cells/day2/c.tif", value=3)
    site.import_(settings=rules(site))

    assert decided(site, site.root / "smith-lab/ab3c/cells/day1", Targets(dataset="both")).done

    assert [(row["name"], row["dataset"]) for row in site.rows(WHERE)] == [("a", "both"), ("b", "both"), ("c", "day2")]


def test_a_name_that_a_person_gave_stays(site: Site) -> None:
    with site.catalogue.writing() as connection:
        connection.execute(update(Image).values(name="mine", named_by="hand"))

    assert decided(site, site.root / "smith-lab/ab3c/cells/day1/a.tif", Targets(dataset="other")).done

    assert [(row["name"], row["dataset"]) for row in site.rows(WHERE)] == [("mine", "other")]


def test_a_decision_that_can_not_be_carried_out_says_why_and_changes_nothing(site: Site) -> None:
    before = site.rows(WHERE)

    row = decided(site, site.root / "smith-lab/ab3c/cells/day1/a.tif", Targets(owner="ef5g"))

    assert not row.done
    assert row.reason == "decided, but not filed so yet: 'ef5g' is not a member of group 'smith-lab'"
    assert site.rows(WHERE) == before


@pytest.mark.parametrize("kind", ["project", "dataset", "screen", "plate", "run", "image"])
def test_what_can_not_be_the_name_of_a_container_or_an_image_is_refused(site: Site, kind: str) -> None:
    before = site.rows(WHERE)
    for name in ("", " mine", "..", ".", "a\x1bb", "a\nb", "\udcff", "x" * 256):
        with pytest.raises(Refused, match="can't be a name: it "):
            decided(site, site.root / "smith-lab/ab3c/cells/day1/a.tif", Targets(**{kind: name}))
    assert site.rows(WHERE) == before


def test_a_slash_is_a_letter_of_a_projects_name(site: Site) -> None:
    assert decided(site, site.root / "smith-lab/ab3c/cells/day1/a.tif", Targets(dataset="siRNA 1/2")).done
    assert [row["dataset"] for row in site.rows(WHERE)] == ["siRNA 1/2"]


def test_a_group_owner_decides_inside_the_group_and_a_member_not_at_all(site: Site) -> None:
    path = site.root / "smith-lab/ab3c/cells/day1/a.tif"
    with pytest.raises(NotAllowed, match="an owner of the group smith-lab or an administrator may"):
        decided(site, path, Targets(owner="cd4e"), by="cd4e")
    with site.catalogue.writing() as connection:
        connection.execute(update(Membership).where(Membership.experimenter_id == 2).values(is_owner=True))

    with pytest.raises(NotAllowed):
        decided(site, path, Targets(owner="ef5g", group="jones-lab"), by="cd4e")
    assert decided(site, path, Targets(owner="cd4e", dataset="hers"), by="cd4e").done

    assert [(row["owner"], row["grp"], row["dataset"]) for row in site.rows(WHERE)] == [("cd4e", "smith-lab", "hers")]
