"""A file that is moved to another owner's folder, and what `accept` makes of it; on both databases."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from catalog.accepting import accept
from catalog.acting import resolve_acting
from catalog.engine import Catalogue
from catalog.errors import NotFound
from catalog.models.people import Experimenter
from catalog.queries.history import history
from catalog.references import ObjectReference
from catalog.why import why
from tests.helpers.ingest_site import START, Site, add_person, write_tiff


@pytest.fixture
def site(catalogue: Catalogue, tmp_path: Path) -> Site:
    made = Site(catalogue, tmp_path)
    add_person(catalogue, "ab3c", "smith-lab")
    return made


def accepted(site: Site, name: str, path: Path) -> bool:
    now = START + timedelta(days=1)
    with site.catalogue.writing() as connection:
        acting = resolve_acting(connection, name, now=now, writes_database=False)
        return accept(connection, acting, [os.fsencode(path)], now=now, via="cli")[0].done


def test_a_moved_image_that_is_accepted_is_filed_anew_as_its_new_folder_says(site: Site) -> None:
    old_owner, _ = add_person(site.catalogue, "cd4e", "smith-lab")
    new_owner, new_group = add_person(site.catalogue, "gh6i", "jones-lab")
    with site.catalogue.writing() as connection:
        everybody = update(Experimenter).where(Experimenter.id == old_owner)
        connection.execute(everybody.values(is_administrator=True))
    path = write_tiff(site.root / "smith-lab/cd4e/cells/day1/a.tif")
    site.import_()
    image = site.images()[0]["id"]
    target = site.root / "jones-lab/gh6i/mitosis/day2/b.tif"
    target.parent.mkdir(parents=True)
    path.rename(target)
    site.import_()
    assert [row["owner_id"] for row in site.images()] == [old_owner]
    with pytest.raises(NotFound):
        accepted(site, "gh6i", target)

    assert accepted(site, "cd4e", target)

    (row,) = site.images()
    assert (row["id"], row["name"], row["owner_id"], row["group_id"]) == (image, "b", new_owner, new_group)
    linked = (
        "SELECT project.name AS project, dataset.name AS dataset, dataset.owner_id, dataset_image_link.owner_id AS link"
        " FROM dataset_image_link JOIN dataset ON dataset.id = dataset_image_link.dataset_id"
        " JOIN project_dataset_link ON project_dataset_link.dataset_id = dataset.id"
        " JOIN project ON project.id = project_dataset_link.project_id"
    )
    assert site.rows(linked) == [{"project": "mitosis", "dataset": "day2", "owner_id": new_owner, "link": new_owner}]
    assert site.import_().unchanged == 1
    assert not site.rows("SELECT id FROM fileset WHERE owner_differs IS NOT NULL")
    with site.catalogue.reading() as connection:
        new = resolve_acting(connection, "gh6i", now=START, writes_database=False)
        events = history(connection, new, ObjectReference(type="image", id=image))
        assert [event.what for event in events] == ["imported", "moved", "accepted"]
        assert "smith-lab" not in str(events)
        assert "cd4e" not in str(events)
        assert [event.actor for event in events] == [None, None, "somebody"]
        assert "smith-lab" not in str(why(connection, new, os.fsencode(target)))
        old = resolve_acting(connection, "cd4e", now=START, writes_database=False)
        assert "smith-lab" in str(history(connection, old, ObjectReference(type="image", id=image)))


def test_a_file_moved_to_a_folder_without_a_known_owner_can_not_be_accepted_yet(site: Site) -> None:
    path = write_tiff(site.root / "smith-lab/ab3c/cells/a.tif")
    site.import_()
    target = site.root / "smith-lab/nobody-known/cells/a.tif"
    target.parent.mkdir(parents=True)
    path.rename(target)
    site.import_()

    assert not accepted(site, "ab3c", target)
    with site.catalogue.reading() as connection:
        acting = resolve_acting(connection, "ab3c", now=START, writes_database=False)
        told = why(connection, acting, os.fsencode(target)).owner_differs
        administrator = resolve_acting(connection, "root", now=START)
        told_to_whom_it_concerns = why(connection, administrator, os.fsencode(target)).owner_differs
    assert told is not None
    assert told["reason"] is None
    assert told_to_whom_it_concerns is not None
    assert "nobody-known" in str(told_to_whom_it_concerns["reason"])
