"""Looks, walks and reads that overtake each other, and changes of the disk between them."""

import threading
from pathlib import Path

import pytest

from catalog.engine import Catalogue
from ingest import working
from ingest.hints import Hint
from ingest.pool import InProcessPool
from ingest.reading import read
from ingest.work import ReadResult, ReadTask
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


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("by_what", ["a link", "another folder"])
def test_a_file_in_whose_place_another_lay_while_it_was_read_is_tried_again(
    catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_what: str
) -> None:
    """Its folder was swapped for a moment, of which its own look shows nothing: it must not wait for a person."""
    monkeypatch.setattr(working, "_BACK_OFF_S", (0.1,))
    site = Site(catalogue, tmp_path)
    add_person(catalogue, "ab3c", "smith-lab")
    folder, aside, other = site.root / "smith-lab/ab3c/cells/day1", tmp_path / "aside", tmp_path / "other"
    write_tiff(folder / "a.tif")
    write_tiff(other / "a.tif", value=2)
    answers: list[ReadResult] = []

    def swapped(task: ReadTask) -> ReadResult:
        if not answers:
            folder.rename(aside)
            folder.symlink_to(other) if by_what == "a link" else other.rename(folder)
        answers.append(read(task))
        if len(answers) == 1:
            folder.unlink() if by_what == "a link" else folder.rename(other)
            aside.rename(folder)
        return answers[-1]

    with site.running(pool=InProcessPool(read=swapped)):
        wait_until(lambda: site.names() == ["a"])
    assert len(answers) == 2
    assert site.rows("SELECT * FROM event WHERE what = 'quarantined'") == []
