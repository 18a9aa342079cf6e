"""Notes that a person of a test's site makes on images, and which there are."""

from catalog.acting import resolve_acting
from catalog.annotations import add_tag
from catalog.references import ObjectReference
from tests.helpers.ingest_site import Site
from tests.helpers.planning import LATER


def note(site: Site, image_id: int, text: str) -> None:
    """Tag an image as ab3c."""
    with site.catalogue.writing() as connection:
        person = resolve_acting(connection, "ab3c", now=LATER)
        add_tag(connection, person, ObjectReference(type="image", id=image_id), text, now=LATER, via="cli")


def tags(site: Site) -> list[tuple[str, int]]:
    """Give all tags with the images that they lie on."""
    query = (
        "SELECT annotation.value, link.image_id FROM annotation_link link"
        " JOIN annotation ON annotation.id = link.annotation_id WHERE annotation.kind = 'tag' ORDER BY 1, 2"
    )
    return [(row["value"], row["image_id"]) for row in site.rows(query)]
