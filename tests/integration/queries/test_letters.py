"""Upper and lower case are alike in filters, beyond ASCII, too, on both databases."""

import pytest

from catalog.queries.filters import ImageFilters
from catalog.queries.images import images
from tests.helpers.lab import Lab


@pytest.mark.parametrize(
    "filters",
    [
        ImageFilters(name="ÉPITHEL*"),
        ImageFilters(text="ÖSTROGEN"),
        ImageFilters(text="épithel"),
        ImageFilters(name="É*Ö*"),
    ],
)
def test_letters_beyond_ascii_are_matched_in_either_case(lab: Lab, filters: ImageFilters) -> None:
    group = lab.group("smith")
    ada = lab.person("ada", group)
    lab.image(ada, group, "Épithel östrogen", root=lab.root())
    with lab.catalogue.reading() as connection:
        found = images(connection, lab.acting("ada"), filters).images
    assert [image.name for image in found] == ["Épithel östrogen"]
