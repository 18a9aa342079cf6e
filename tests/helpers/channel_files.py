"""An image of two channels in two files, and rules that join such files and that do not."""

from pathlib import Path

from catalog.engine import Catalogue
from tests.helpers.ingest_site import Site, add_person, write_tiff
from tests.helpers.planning import ruled

CHANNELS = "{group}/{owner}/{project}/{image}_c{channel}.tif"
WHERE = (
    "SELECT image.id, image.name, image.size_c, dataset.name AS dataset FROM image"
    " LEFT JOIN dataset_image_link ON dataset_image_link.image_id = image.id"
    " LEFT JOIN dataset ON dataset.id = dataset_image_link.dataset_id ORDER BY image.id"
)
SINGLE = "{group}/{owner}/{project}/{image}.tif"


def two_channels(catalogue: Catalogue, folder: Path) -> Site:
    """Make a site with one person's image, imported."""
    made = Site(catalogue, folder)
    add_person(catalogue, "ab3c", "smith-lab")
    for channel in (1, 2):
        write_tiff(made.root / f"smith-lab/ab3c/cells/a_c{channel}.tif", value=channel)
    made.import_(settings=ruled(made, CHANNELS))
    return made
