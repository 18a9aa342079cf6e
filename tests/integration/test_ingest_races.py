"""Looks and walks that overtake each other: an older listing must not undo what was seen since."""

import threading
from pathlib import Path

from catalog.engine import Catalogue
from ingest.hints import Hint
from tests.helpers.ingest_site import Site, add_person, write_tiff
from tests.helpers.program import wait_until


def test_a_file_that_came_after_the_listing_of_its_folder_is_not_missing(catalogue: Catalogue, tmp_path: Path) -> None:
    site = Site(catalogue, tmp_path)
    add_person(catalogue, "ab3c", "smith-lab")
    folder = b"smith-lab/ab3c/cells/day1"
    write_tiff(site.root / "smith-lab/ab3c/cells/day1/a.tif")
    site.import_()
    loop = site.loop()
    assert loop._begin(threading.Event())
    try:
        core = loop._core
        root = next(iter(core.roots.values()))
        root.walk(folder, is_flat=True)
        wait_until(lambda: root.scanner.parts.qsize() == 2)  # the listing and the walk's end, not committed yet
        write_tiff(site.root / "smith-lab/ab3c/cells/day1/b.tif", value=2)
        names = frozenset({b"b.tif"})
        core.follow(root, Hint(root="confocal", directory=folder, names=names, closed=names))
        wait_until(lambda: root.scanner.answers.qsize() == 1)

        wait_until(lambda: not (loop._turn() or root.walks) and len(site.images()) == 2)

        assert site.rows("SELECT name FROM sighting WHERE missing_since IS NOT NULL") == []
        assert not root.seen_meanwhile
    finally:
        loop._end()
