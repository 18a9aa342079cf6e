"""Tree, show and pictures: what each viewer is told of the same objects."""

import pytest

from catalog.documents import ContainerDocument, ImageDetails, TreeRow
from catalog.errors import NotFound, NotUnderstood
from catalog.queries.pictures import dataset_pictures, plate_grid, thumbnail
from catalog.queries.show import show
from catalog.queries.tree import tree
from catalog.references import ObjectReference, parse_reference, parse_well
from tests.helpers.lab import Lab


class Shelf:
    """In a private group of ada and bob that pia leads: ada's project with two datasets, her plate, a stray image."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.group = lab.group("lab", "private")
        self.ada, self.bob = lab.person("ada", self.group), lab.person("bob", self.group)
        self.pia = lab.person("pia", self.group, owns=(self.group,))
        self.root = lab.root()
        self.project = lab.project(self.ada, self.group, "Mitosis")
        self.days = [lab.dataset(self.ada, self.group, f"Day {n}", project=self.project) for n in (10, 2)]
        self.images = [lab.image(self.ada, self.group, f"cells {n}", root=self.root) for n in (10, 9, 1)]
        for image in self.images[:2]:
            lab.put(image, self.days[0])
        lab.put(self.images[0], self.days[1])
        self.of_bob = lab.image(self.bob, self.group, "bob's", root=self.root)
        lab.put(self.of_bob, self.days[1], by=self.bob)
        self.screen = lab.screen(self.ada, self.group, "siRNA")
        self.plate = lab.plate(self.ada, self.group, "P1", screen=self.screen)
        self.well = lab.well(self.plate, 1, 2)
        lab.sample(self.images[2], self.plate, self.well, lab.run(self.plate))

    def tree(self, name: str) -> list[tuple[object, ...]]:
        with self.lab.catalogue.reading() as connection:
            return [self.plain(row) for row in tree(connection, self.lab.acting(name))]

    def plain(self, row: TreeRow) -> tuple[object, ...]:
        return (row.type, row.name, row.images, *(self.plain(child) for child in row.children))

    def show(self, name: str, kind: str, object_id: int) -> ImageDetails | ContainerDocument:
        with self.lab.catalogue.reading() as connection:
            return show(connection, self.lab.acting(name), ObjectReference(type=kind, id=object_id))


@pytest.fixture
def shelf(lab: Lab) -> Shelf:
    return Shelf(lab)


def test_the_tree_counts_what_its_viewer_sees_each_image_once(shelf: Shelf) -> None:
    screens = ("screen", "siRNA", 1, ("plate", "P1", 1))
    assert shelf.tree("ada") == [("project", "Mitosis", 2, ("dataset", "Day 2", 1), ("dataset", "Day 10", 2)), screens]
    assert shelf.tree("pia") == [("project", "Mitosis", 3, ("dataset", "Day 2", 2), ("dataset", "Day 10", 2)), screens]
    assert shelf.tree("bob") == [("orphaned", "orphaned images", 1)]


def test_show_tells_a_container_with_parents_and_children_in_natural_order(shelf: Shelf) -> None:
    found = shelf.show("ada", "project", shelf.project)
    assert isinstance(found, ContainerDocument)
    assert ([child.name for child in found.children], found.images) == (["Day 2", "Day 10"], 2)
    dataset = shelf.show("ada", "dataset", shelf.days[0])
    assert isinstance(dataset, ContainerDocument)
    assert ([c.name for c in dataset.children], [p.name for p in dataset.parents]) == (
        ["cells 9", "cells 10"],
        ["Mitosis"],
    )
    screen = shelf.show("ada", "screen", shelf.screen)
    assert isinstance(screen, ContainerDocument)
    assert (screen.images, [child.name for child in screen.children]) == (1, ["P1"])
    plate = shelf.show("ada", "plate", shelf.plate)
    assert isinstance(plate, ContainerDocument)
    assert (plate.runs, [child.name for child in plate.children]) == (("Run 1",), ["B3"])
    well = shelf.show("ada", "well", shelf.well)
    assert isinstance(well, ContainerDocument)
    assert (well.name, well.images, well.owner, [child.name for child in well.children]) == (
        "B3",
        1,
        "ada",
        ["cells 1"],
    )


def test_show_tells_an_image_with_all_its_places(shelf: Shelf) -> None:
    found = shelf.show("pia", "image", shelf.images[0])
    assert isinstance(found, ImageDetails)
    assert [parent.name for parent in found.parents] == ["Day 2", "Day 10"]
    assert (found.image.name, found.image.state, found.format) == ("cells 10", "imported", "TIFF")
    assert not found.image.permissions.can_annotate
    of_plate = shelf.show("ada", "image", shelf.images[2])
    assert isinstance(of_plate, ImageDetails)
    assert [(parent.type, parent.name) for parent in of_plate.parents] == [("plate", "P1"), ("well", "B3")]


@pytest.mark.parametrize("kind", ["project", "dataset", "screen", "plate", "well", "image"])
def test_what_is_hidden_looks_as_if_it_did_not_exist(shelf: Shelf, kind: str) -> None:
    hidden = {
        "project": shelf.project, "dataset": shelf.days[0], "screen": shelf.screen, "plate": shelf.plate,
        "well": shelf.well, "image": shelf.images[0],
    }  # fmt: skip
    with pytest.raises(NotFound) as seen:
        shelf.show("bob", kind, hidden[kind])
    with pytest.raises(NotFound) as absent:
        shelf.show("bob", kind, 999)
    assert str(seen.value).replace(str(hidden[kind]), "999") == str(absent.value)


def test_a_copy_is_told_only_to_who_sees_both(shelf: Shelf) -> None:
    lab = shelf.lab
    first = lab.image(shelf.bob, shelf.group, "first", root=shelf.root, path=b"1.tif", content="same")
    copy = lab.image(shelf.ada, shelf.group, "copy", root=shelf.root, path=b"2.tif", content="same")
    of_ada, of_pia = shelf.show("ada", "image", copy), shelf.show("pia", "image", copy)
    assert isinstance(of_ada, ImageDetails)
    assert isinstance(of_pia, ImageDetails)
    assert (of_ada.copy_of, of_ada.marks) == ((), ())
    assert [(other.id, of_pia.marks) for other in of_pia.copy_of] == [(first, ("copy of",))]


def test_pictures_come_by_name_and_by_well_and_to_viewers_only(shelf: Shelf) -> None:
    ada, bob = shelf.lab.acting("ada"), shelf.lab.acting("bob")
    with shelf.lab.catalogue.reading() as connection:
        assert thumbnail(connection, ada, shelf.images[0]).data == b"jpeg"
        grid = plate_grid(connection, ada, shelf.plate)
        assert (grid.rows, grid.columns) == (2, 3)
        assert [(f.row, f.column, f.picture.data) for f in grid.fields] == [(1, 2, b"jpeg")]
        sheet = dataset_pictures(connection, ada, shelf.days[0], limit=1)
        assert ([picture.name for picture in sheet.pictures], sheet.total) == (["cells 9"], 2)
        with pytest.raises(NotFound):
            thumbnail(connection, bob, shelf.images[0])
        with pytest.raises(NotFound):
            plate_grid(connection, bob, shelf.plate)
        with pytest.raises(NotFound):
            dataset_pictures(connection, bob, shelf.days[0])


@pytest.mark.parametrize("text", ["image", "image:", "image:x", "cell:7", "image:-1", "", "image:7 8"])
def test_what_is_no_object_is_not_understood(text: str) -> None:
    with pytest.raises(NotUnderstood):
        parse_reference(text)


def test_wells_are_read_as_people_write_them() -> None:
    assert [parse_well(text) for text in ("B3", "b03", "r02c03", "AF48")] == [(1, 2), (1, 2), (1, 2), (31, 47)]
    for text in ("3B", "B0", "r0c1", "ABC1", ""):
        with pytest.raises(NotUnderstood):
            parse_well(text)
