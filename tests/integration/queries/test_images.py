"""The list of images: what fits, in which order, page by page, and nothing that the viewer may not see."""

from datetime import timedelta

import pytest

from catalog.errors import NotFound, NotUnderstood
from catalog.permissions import SYSTEM, Acting
from catalog.queries.filters import ImageFilters
from catalog.queries.images import images
from tests.helpers.lab import NOW, Lab


def names(lab: Lab, acting: Acting, **filters: object) -> list[str]:
    with lab.catalogue.reading() as connection:
        page = images(connection, acting, ImageFilters(**filters))  # type: ignore[arg-type]  # any filter
    return [image.name for image in page.images]


class Site:
    """Ada and Charles in a read-annotate group, Ada and Dora in a private one that Pia leads.

    Otto is outside, Nina in no group.
    """

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.shared, self.private = lab.group("shared"), lab.group("private", "private")
        self.ada = lab.person("ada", self.shared, self.private)
        self.charles = lab.person("charles", self.shared)
        self.dora = lab.person("dora", self.private)
        self.pia = lab.person("pia", self.private, owns=(self.private,))
        self.otto = lab.person("otto", lab.group("elsewhere"))
        self.nina = lab.person("nina")
        self.root = lab.person("root", is_administrator=True)
        self.scope = lab.root()
        self.of_ada = lab.image(self.ada, self.shared, "ada shared", root=self.scope)
        self.of_charles = lab.image(self.charles, self.shared, "charles shared", root=self.scope)
        self.own = lab.image(self.ada, self.private, "ada private", root=self.scope)
        self.of_dora = lab.image(self.dora, self.private, "dora private", root=self.scope)


@pytest.fixture
def site(lab: Lab) -> Site:
    return Site(lab)


def test_everybody_sees_what_the_levels_say_newest_first(site: Site) -> None:
    people = ("ada", "charles", "dora", "pia", "otto", "nina", "root")
    seen = {name: names(site.lab, site.lab.acting(name)) for name in people}

    everything = ["dora private", "ada private", "charles shared", "ada shared"]
    assert seen == {
        "ada": ["ada private", "charles shared", "ada shared"],
        "charles": ["charles shared", "ada shared"],
        "dora": ["dora private"],
        "pia": ["dora private", "ada private"],
        "otto": [],
        "nina": [],
        "root": everything,
    }
    assert names(site.lab, SYSTEM) == everything


def test_pages_follow_each_other_also_among_images_of_one_moment(site: Site) -> None:
    for number in range(7):
        site.lab.image(
            site.ada, site.shared if number % 2 else site.private, f"batch {number}", root=site.scope, minutes=99
        )
    found: list[str] = []
    after = None
    with site.lab.catalogue.reading() as connection:
        for _ in range(9):
            page = images(connection, site.lab.acting("ada"), ImageFilters(), limit=2, after=after)
            found.extend(image.name for image in page.images)
            after = page.next_after
            if after is None:
                break

    assert found == [*(f"batch {n}" for n in range(6, -1, -1)), "ada private", "charles shared", "ada shared"]


@pytest.mark.parametrize("after", ["", "x", "7", "1-2-3", "999999999999999999-1"])
def test_a_continuation_that_is_none_is_refused(site: Site, after: str) -> None:
    with site.lab.catalogue.reading() as connection, pytest.raises(NotUnderstood):
        images(connection, SYSTEM, ImageFilters(), after=after)


def test_an_image_tells_everything_the_contract_names(site: Site) -> None:
    lab = site.lab
    project = lab.project(site.ada, site.shared, "Mitosis")
    dataset = lab.dataset(site.ada, site.shared, "2026-11-22", project=project)
    image = lab.image(site.ada, site.shared, "cells", root=site.scope, path=b"smith/ada/caf\xc3\xa9 \xff.tif")
    lab.put(image, dataset)
    lab.annotate(site.ada, site.shared, "tag", "confocal", image_id=image)
    lab.annotate(site.ada, site.shared, "map", pairs=[("Stain", "DAPI"), ("Stain", "GFP")], image_id=image)

    with lab.catalogue.reading() as connection:
        (found,) = images(connection, lab.acting("charles"), ImageFilters(name="cells")).images

    assert (found.project, found.dataset, found.owner, found.group) == ("Mitosis", "2026-11-22", "ada", "shared")
    assert (found.screen, found.plate, found.run, found.well, found.field) == (None,) * 5
    assert [(f.root, f.path, f.size_bytes) for f in found.files] == [("scope", "smith/ada/café \\xff.tif", 10)]
    assert found.tags == ("confocal",)
    assert found.key_values == (("Stain", "DAPI"), ("Stain", "GFP"))
    assert [(c.name, c.color, c.emission_nm) for c in found.channels] == [("DAPI", "#0000FF", 460.0)]
    assert (found.sizes.x, found.sizes.y, found.pixels_type, found.state) == (4, 3, "uint16", "imported")
    assert found.permissions.can_annotate
    assert not found.permissions.can_edit


def test_an_image_of_a_plate_tells_its_well(site: Site) -> None:
    lab = site.lab
    screen = lab.screen(site.ada, site.shared, "siRNA")
    plate = lab.plate(site.ada, site.shared, "P1", screen=screen)
    lab.sample(site.of_ada, plate, lab.well(plate, 1, 2), lab.run(plate), field=2)

    with lab.catalogue.reading() as connection:
        (found,) = images(connection, lab.acting("ada"), ImageFilters(well="B03", plate="P1", screen="siRNA")).images

    assert (found.screen, found.plate, found.run, found.well, found.field) == ("siRNA", "P1", "Run 1", "B3", 2)


def test_each_filter_finds_what_it_says(site: Site) -> None:
    lab, ada = site.lab, site.lab.acting("ada")
    project = lab.project(site.ada, site.shared, "Mitosis")
    dataset = lab.dataset(site.ada, site.shared, "Day 1", project=project)
    lab.put(site.of_charles, dataset, by=site.ada)
    lab.annotate(site.charles, site.shared, "tag", "good", image_id=site.of_ada)
    lab.annotate(site.ada, site.shared, "map", pairs=[("Stain", "DAPI")], image_id=site.of_charles)
    lab.annotate(site.ada, site.shared, "comment", "Blurred at the Edge", image_id=site.of_ada)

    assert names(lab, ada, project="Mitosis") == ["charles shared"]
    assert names(lab, ada, project=f"project:{project}", dataset=str(dataset)) == ["charles shared"]
    assert names(lab, ada, tags=("good",)) == ["ada shared"]
    assert names(lab, ada, key_values=(("Stain", "DAPI"),)) == ["charles shared"]
    assert names(lab, ada, key_values=(("Stain", "GFP"),)) == []
    assert names(lab, ada, owner="charles") == ["charles shared"]
    assert names(lab, ada, group="private") == ["ada private"]
    assert names(lab, ada, name="ADA*") == ["ada private", "ada shared"]
    assert names(lab, ada, name="?da [!p]*") == ["ada shared"]
    assert names(lab, ada, text="edge BLURRED") == ["ada shared"]
    assert names(lab, ada, text="edge sharp") == []
    assert names(lab, ada, orphaned=True) == ["ada private", "ada shared"]
    assert names(lab, ada, since=NOW + timedelta(days=1)) == []
    assert len(names(lab, ada, since=NOW, until=NOW + timedelta(days=1))) == 3
    assert names(lab, lab.acting("root"), owner="ada") == ["ada private", "ada shared"]


@pytest.mark.parametrize("filters", [{"project": "Secret"}, {"owner": "dora"}, {"group": "private"}, {"dataset": "No"}])
def test_what_may_not_be_seen_is_as_unknown_as_what_does_not_exist(site: Site, filters: dict[str, str]) -> None:
    site.lab.project(site.dora, site.private, "Secret")
    with pytest.raises(NotFound) as hidden:
        names(site.lab, site.lab.acting("charles"), **filters)
    ((kind, asked),) = filters.items()
    with pytest.raises(NotFound) as absent:
        names(site.lab, site.lab.acting("charles"), **{kind: "nothing"})
    assert str(hidden.value).replace(asked, "nothing") == str(absent.value)


def test_annotations_match_only_where_the_viewer_sees_their_link(site: Site) -> None:
    lab = site.lab
    lab.annotate(site.pia, site.private, "tag", "bad", image_id=site.of_dora)
    lab.annotate(site.pia, site.private, "map", pairs=[("Verdict", "bad")], image_id=site.of_dora)

    for name, expected in (("dora", []), ("pia", ["dora private"]), ("root", ["dora private"])):
        acting = lab.acting(name)
        assert names(lab, acting, tags=("bad",)) == expected
        assert names(lab, acting, key_values=(("Verdict", "bad"),)) == expected
        assert names(lab, acting, text="Verdict") == expected


@pytest.mark.parametrize(
    ("pattern", "fits", "fails"),
    [
        ("a*b", "a**b", "ab c"), ("[a-c]1", "B1", "d1"), ("[!a]1", "b1", "a1"), ("a[", "a[", "ab"),
        ("a.b", "a.b", "axb"),
        ("a\\b", "a\\b", "ab"), ("[]]x", "]x", "[x"), ("100%", "100%", "100"), ("a_b", "a_b", "axb"), ("*", "", "-"),
        ("(a|b)+$^{2}", "(a|b)+$^{2}", "a"), ("[^a]", "b", "a"), ("ÄRZ?e", "ÄRZTe", "ärzte-"),
    ],
)  # fmt: skip
def test_name_patterns_mean_the_same_on_both_databases(site: Site, pattern: str, fits: str, fails: str) -> None:
    site.lab.image(site.ada, site.shared, fits, root=site.scope, path=b"1")
    if fails != "-":
        site.lab.image(site.ada, site.shared, fails, root=site.scope, path=b"2")
    found = names(site.lab, site.lab.acting("charles"), name=pattern)
    assert fits in found
    assert fails not in found


def test_a_pattern_that_is_none_is_refused(site: Site) -> None:
    with pytest.raises(NotUnderstood):
        names(site.lab, SYSTEM, name="[z-a]")
