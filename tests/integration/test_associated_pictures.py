"""Label, macro and overview pictures inside slides: hidden unless a rule keeps them for the image's viewers."""

import io
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from catalog.acting import resolve_acting
from catalog.associated_images import associated_picture
from catalog.documents import ImageDetails
from catalog.engine import Catalogue
from catalog.errors import NotFound
from catalog.queries.show import show
from catalog.references import ObjectReference
from ingest.work import Outcome
from tests.helpers.ingest_site import RULE, START, Site, add_person
from tests.helpers.planning import applied, ruled, undone
from tests.helpers.reads import read_path
from tests.helpers.real_data import needed_data
from tests.helpers.slide_files import SECRET, SLIDES

KINDS = {
    "a.svs": ["thumbnail", "label", "macro"], "a.ndpi": ["macro", "map"], "a.scn": ["macro"],
    "a.qptiff": ["thumbnail", "macro", "label"],
}  # fmt: skip
ROWS = "SELECT kind, data FROM associated_image ORDER BY ordinal"


@pytest.fixture
def site(catalogue: Catalogue, tmp_path: Path) -> Site:
    made = Site(catalogue, tmp_path)
    add_person(catalogue, "ab3c", "smith-lab")
    add_person(catalogue, "cd4e", "jones-lab")
    folder = made.root / "smith-lab/ab3c/slides"
    folder.mkdir(parents=True)
    (folder / "case.svs").write_bytes(SLIDES["a.svs"]())
    return made


def import_(site: Site, how: str) -> int:
    settings = ruled(site, RULE, associated_images=how)
    summary = site.import_(settings=settings)
    assert summary.failed == 0
    return int(site.images()[0]["id"])


def seen(site: Site, image_id: int, who: str = "ab3c") -> list[tuple[str, int | None, int | None]]:
    with site.catalogue.reading() as connection:
        acting = resolve_acting(connection, who, now=START, writes_database=False)
        details = show(connection, acting, ObjectReference(type="image", id=image_id))
    assert isinstance(details, ImageDetails)
    return [(one.name, one.width_px, one.height_px) for one in details.associated_images]


def picture(site: Site, image_id: int, name: str, who: str = "ab3c") -> bytes | None:
    with site.catalogue.reading() as connection:
        acting = resolve_acting(connection, who, now=START, writes_database=False)
        found = associated_picture(connection, acting, image_id, name)
    return None if found is None else found.data


@pytest.mark.parametrize("name", SLIDES)
def test_a_worker_draws_them_only_to_be_kept(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(SLIDES[name]())
    found = {how: read_path(path, associated_images=how) for how in ("hide", "keep", "drop")}
    assert {result.outcome for result in found.values()} == {Outcome.READ}
    associated = {how: [one for image in result.images for one in image.associated] for how, result in found.items()}
    assert [one.kind for one in associated["keep"]] == [one.kind for one in associated["hide"]] == KINDS[name]
    assert associated["drop"] == []
    assert all(one.picture is None for one in associated["hide"])
    for one in associated["keep"]:
        assert one.picture is not None
        assert one.picture.failure is None
        assert one.picture.data is not None
        with Image.open(io.BytesIO(one.picture.data)) as opened:
            assert opened.size == (one.picture.width_px, one.picture.height_px)


def test_an_image_of_ome_xml_that_is_called_label_is_one(tmp_path: Path) -> None:
    path = tmp_path / "slide.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as writer:
        writer.write(np.arange(64 * 64, dtype=np.uint16).reshape(64, 64), metadata={"axes": "YX", "Name": "tissue"})
        writer.write(np.full((20, 30), 7, np.uint16), metadata={"axes": "YX", "Name": "Label image"})
    (image,) = read_path(path, associated_images="keep").images
    assert [(one.kind, one.picture and one.picture.width_px) for one in image.associated] == [("label", 30)]
    (hidden,) = read_path(path).images
    assert [(one.kind, one.picture) for one in hidden.associated] == [("label", None)]


def test_a_label_is_kept_as_it_is_and_shown_to_who_sees_the_image(site: Site) -> None:
    image = import_(site, "keep")
    assert seen(site, image) == [("thumbnail", 96, 96), ("label", 60, 80), ("macro", 120, 50)]
    data = picture(site, image, "Label ")
    assert data is not None
    with Image.open(io.BytesIO(data)) as opened:
        assert np.asarray(opened).min() == SECRET
    assert picture(site, image, "barcode") is None


def test_who_does_not_see_the_image_sees_no_label(site: Site) -> None:
    image = import_(site, "keep")
    assert picture(site, image, "label", "cd4e") is None
    with pytest.raises(NotFound):
        seen(site, image, "cd4e")


@pytest.mark.parametrize(("how", "kinds"), [("hide", ["thumbnail", "label", "macro"]), ("drop", [])])
def test_what_is_hidden_is_known_and_what_is_dropped_is_not(site: Site, how: str, kinds: list[str]) -> None:
    image = import_(site, how)
    assert [(row["kind"], row["data"]) for row in site.rows(ROWS)] == [(kind, None) for kind in kinds]
    assert seen(site, image) == []
    assert picture(site, image, "label") is None


def test_a_rule_that_keeps_them_no_more_takes_them_away_at_once(site: Site) -> None:
    image = import_(site, "keep")
    assert all(row["data"] for row in site.rows(ROWS))
    hiding = ruled(site, RULE, associated_images="hide")

    assert applied(site, hiding).done == 1

    assert site.rows(ROWS) == []
    assert seen(site, image) == []
    site.import_(settings=hiding)
    assert [(row["kind"], row["data"]) for row in site.rows(ROWS)] == [
        ("thumbnail", None), ("label", None), ("macro", None)
    ]  # fmt: skip
    assert site.images()[0]["id"] == image


def test_a_rule_that_begins_to_keep_them_has_the_slide_read_again_and_an_undo_hides_them(site: Site) -> None:
    image = import_(site, "hide")
    keeping = ruled(site, RULE, associated_images="keep")
    assert applied(site, keeping).done == 1
    assert seen(site, image) == []
    site.import_(settings=keeping)
    assert [name for name, _, _ in seen(site, image)] == ["thumbnail", "label", "macro"]
    undone(site)
    assert seen(site, image) == []
    assert picture(site, image, "label") is None
    assert [row for row in site.rows(ROWS) if row["data"] is not None] == []


@pytest.mark.needs_data
def test_the_pictures_of_a_real_slide_are_told_apart() -> None:
    slide = next(needed_data().rglob("small_HE.svs"))
    (image,) = read_path(slide, associated_images="keep").images
    sizes = [(one.kind, one.picture and (one.picture.width_px, one.picture.height_px)) for one in image.associated]
    assert sizes == [("thumbnail", (574, 768)), ("label", (387, 463)), ("macro", (1024, 345))]
