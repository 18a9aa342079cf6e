"""Links that sleep in a private group: marked for its leader in `tree` and `show`, unseen by members."""

from dataclasses import dataclass

import pytest

from catalog.documents import ContainerDocument, ImageDetails
from catalog.engine import Catalogue
from catalog.models.containers import ProjectDatasetLink, ScreenPlateLink
from catalog.queries.show import show
from catalog.queries.tree import tree
from catalog.references import ObjectReference
from daemon.commands.show import container_lines, image_lines
from daemon.commands.tree import rows_of
from daemon.tables import DORMANT, cell
from tests.helpers.lab import Lab

MARK = f" ({DORMANT})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Ann's project, dataset, screen and plate each hold something of hers and something of Bob's."""

    lab: Lab
    project: int
    dataset: int
    screen: int
    plate: int
    well: int
    ann: int
    bob: int

    def text(self, viewer: str, kind: str, number: int) -> list[str]:
        """Give the lines of `show` that somebody gets."""
        with self.lab.catalogue.reading() as connection:
            found = show(connection, self.lab.acting(viewer), ObjectReference(type=kind, id=number))
        lines = image_lines(found) if isinstance(found, ImageDetails) else container_lines(found)
        return [f"{name}: {cell(value)}" for name, value in lines if cell(value)]

    def asleep(self, kind: str, number: int) -> tuple[set[str], set[str]]:
        """Give which parents and children the leader's document marks."""
        with self.lab.catalogue.reading() as connection:
            found = show(connection, self.lab.acting("lee"), ObjectReference(type=kind, id=number))
        children = found.children if isinstance(found, ContainerDocument) else ()
        parents, below = ({one.name for one in some if one.is_dormant} for some in (found.parents, children))
        return parents, below

    def tree(self, viewer: str) -> list[tuple[object, ...]]:
        with self.lab.catalogue.reading() as connection:
            return [row[:2] for row in rows_of(tree(connection, self.lab.acting(viewer)))]


def linked(catalogue: Catalogue, level: str) -> Links:
    lab = Lab(catalogue)
    group = lab.group("quiet", level)
    ann, bob = lab.person("ann", group), lab.person("bob", group)
    lab.person("lee", group, owns=(group,))
    root = lab.root()
    project, screen = lab.project(ann, group, "project"), lab.screen(ann, group, "screen")
    dataset, plate = lab.dataset(ann, group, "hers", project=project), lab.plate(ann, group, "plate", screen=screen)
    lab.link(ProjectDatasetLink, group, ann, project_id=project, dataset_id=lab.dataset(bob, group, "his"))
    lab.link(ScreenPlateLink, group, ann, screen_id=screen, plate_id=lab.plate(bob, group, "his plate"))
    images = [lab.image(owner, group, name, root=root) for owner, name in ((ann, "hers.tif"), (bob, "his.tif"))]
    run, well = lab.run(plate), lab.well(plate, 1, 2)
    for field, image in enumerate(images):
        lab.put(image, dataset)
        lab.sample(image, plate, well, run, field)
    return Links(
        lab=lab, project=project, dataset=dataset, screen=screen, plate=plate, well=well, ann=images[0], bob=images[1]
    )


def test_the_tree_marks_what_hangs_by_a_dormant_link(catalogue: Catalogue) -> None:
    links = linked(catalogue, "private")
    names = [name for name, _ in links.tree("lee")]
    assert [str(name).strip() for name in names if MARK in str(name)] == [f"his{MARK}", f"his plate{MARK}"]
    assert not [name for name, _ in links.tree("ann") if "his" in str(name)]
    assert MARK not in str(links.tree("bob"))


def test_show_marks_parents_and_children_by_dormant_links_in_json_and_text(catalogue: Catalogue) -> None:
    links = linked(catalogue, "private")
    for kind, number, parents, children in (
        ("project", links.project, set(), {"his"}),
        ("screen", links.screen, set(), {"his plate"}),
        ("dataset", links.dataset, set(), {"his.tif"}),
        ("well", links.well, set(), {"his.tif"}),
        ("plate", links.plate, set(), set()),
        ("image", links.ann, set(), set()),
        ("image", links.bob, {"hers", "plate", "B3"}, set()),
    ):
        assert links.asleep(kind, number) == (parents, children), kind
        marked = [line for line in links.text("lee", kind, number) if MARK in line]
        for name in parents | children:
            assert sum(f" {name}{MARK}" in line for line in marked) == 1, (kind, marked)
        assert bool(marked) == bool(parents | children)
        if kind != "image" or number == links.ann:
            assert "his" not in " ".join(links.text("ann", kind, number))
    assert MARK not in " ".join(links.text("bob", "image", links.bob))


@pytest.mark.parametrize("level", ["read-only", "read-annotate"])
def test_links_in_force_are_not_marked(catalogue: Catalogue, level: str) -> None:
    links = linked(catalogue, level)
    assert MARK not in str(links.tree("lee"))
    for kind, number in (("project", links.project), ("dataset", links.dataset), ("image", links.bob)):
        assert links.asleep(kind, number) == (set(), set())
        assert MARK not in " ".join(links.text("lee", kind, number))
