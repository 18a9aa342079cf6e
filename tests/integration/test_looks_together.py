"""Answers of the scanner are committed together, and one that fails takes no other with it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy

from catalog.engine import Catalogue
from ingest import answers as ingest_answers
from ingest import dropping, due, watched
from ingest.hints import Hint
from ingest.listing import LookOrder, NamesLook
from ingest.looking import Looked, Looking
from ingest.loop import IngestLoop
from ingest.set_looks import SetCheck
from ingest.watched import WatchedRoot
from tests.helpers.ingest_site import Site, add_person, write_tiff
from tests.helpers.program import wait_until

FOLDERS = [f"smith-lab/ab3c/cells/day{number}" for number in range(20)]


@pytest.fixture
def site(catalogue: Catalogue, tmp_path: Path) -> Site:
    made = Site(catalogue, tmp_path)
    add_person(catalogue, "ab3c", "smith-lab")
    made.import_()  # the root is known, and empty
    return made


@contextmanager
def begun(site: Site) -> Iterator[tuple[IngestLoop, WatchedRoot]]:
    """Give a loop that is turned by the test, and its root."""
    loop = site.loop()
    assert loop._begin(threading.Event())
    try:
        yield loop, next(iter(loop._core.roots.values()))
    finally:
        loop._end()


def drop_files(site: Site) -> None:
    for number, folder in enumerate(FOLDERS):
        write_tiff(site.root / folder / f"{number:02}.tif", value=number)


def answered(loop: IngestLoop, root: WatchedRoot) -> None:
    """Hint at each of the files, and wait until the scanner looked at all of them."""
    for number, folder in enumerate(FOLDERS):
        names = frozenset({f"{number:02}.tif".encode()})
        loop._core.follow(root, Hint(root="confocal", directory=folder.encode(), names=names, closed=names))
    wait_until(lambda: root.scanner.answers.qsize() == len(FOLDERS))


def turn_until_imported(loop: IngestLoop, site: Site, count: int) -> None:
    wait_until(lambda: not loop._turn() and len(site.images()) == count)


def test_names_in_many_folders_are_noted_in_one_transaction(site: Site) -> None:
    drop_files(site)
    commits: list[object] = []
    sqlalchemy.event.listen(site.catalogue.engine, "commit", commits.append)
    with begun(site) as (loop, root):
        answered(loop, root)
        commits.clear()
        assert ingest_answers.take_answers(loop._core, root)

        assert len(commits) == 1
        assert len(site.sightings()) == len(FOLDERS)
        turn_until_imported(loop, site, len(FOLDERS))


def test_a_look_that_fails_is_left_to_the_next_pass_and_the_others_are_imported(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    drop_files(site)
    names = Looking.names

    def failing(looking: Looking, look: NamesLook, **how: Any) -> Looked:
        if any(entry.name == b"07.tif" for entry in look.entries):
            raise RuntimeError("a fault of the program")
        return names(looking, look, **how)

    with monkeypatch.context() as patch:
        patch.setattr(Looking, "names", failing)
        with begun(site) as (loop, root):
            answered(loop, root)
            turn_until_imported(loop, site, len(FOLDERS) - 1)
            assert (root.looks_under_way, list(root.answers)) == (0, [])
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == ["ingest_step_failed"]

    assert site.import_().imported == 1


def test_a_second_look_that_fails_is_made_again_later_and_the_others_are_imported(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop_files(site)
    settle = due.settle
    tried = []

    def failing(core: Any, looking: Looking, check: Any, look: NamesLook) -> Looked:
        if b"07.tif" in check.filesets:
            tried.append(look)
            raise RuntimeError("a fault of the program")
        return settle(core, looking, check, look)

    with monkeypatch.context() as patch:
        patch.setattr(ingest_answers, "settle", failing)
        patch.setattr(dropping, "UNKNOWN_AGAIN", timedelta(days=1))
        with begun(site) as (loop, root):
            answered(loop, root)
            turn_until_imported(loop, site, len(FOLDERS) - 1)
            assert root.looking == set()
    assert 1 <= len(tried) <= 2  # with others, and alone

    assert site.import_().imported == 1


def test_a_set_whose_look_fails_while_another_is_to_come_is_no_longer_being_looked_at(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would never be looked at again."""

    def failing(*_: object) -> Looked:
        raise RuntimeError("a fault of the program")

    monkeypatch.setattr(ingest_answers, "_commit", failing)
    with begun(site) as (loop, root):
        check = SetCheck(due=SimpleNamespace(id=1), markers={}, folders=2)  # type: ignore[arg-type]  # its id is enough
        root.looking.add(1)
        root.look(LookOrder(directory=b"", names=frozenset({b"a.tif"}), tag=check))
        wait_until(lambda: root.scanner.answers.qsize() == 1)
        assert loop._turn()
        assert root.looking == set()


def test_a_part_of_a_pass_that_fails_makes_nothing_missing_and_is_listed_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop_files(site)
    site.import_()
    for folder in FOLDERS:
        write_tiff(site.root / folder / "more.tif", value=50)
    (site.root / FOLDERS[3] / "03.tif").unlink()
    parts = Looking.parts

    def failing(looking: Looking, some: Any) -> Looked:
        if any(part.directory == FOLDERS[7].encode() for part in some):
            raise RuntimeError("a fault of the program")
        return parts(looking, some)

    missing = "SELECT name FROM sighting WHERE missing_since IS NOT NULL"
    with begun(site) as (loop, root):
        with monkeypatch.context() as patch:
            patch.setattr(Looking, "parts", failing)
            loop._scan(None)
            wait_until(lambda: not loop._turn() and not root.walks)
            turn_until_imported(loop, site, 2 * len(FOLDERS) - 1)
            assert site.rows(missing) == []  # the pass is not whole: it says nothing of what is gone
        assert list(root.parts) == []

        loop._scan(None)
        wait_until(lambda: not loop._turn() and not root.walks)
        turn_until_imported(loop, site, 2 * len(FOLDERS))
        assert [bytes(row["name"]) for row in site.rows(missing)] == [b"03.tif"]


def test_names_wait_for_those_before_them_and_are_looked_at_together(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched, "HINTS_AHEAD", 2)
    folder = FOLDERS[0].encode()
    for number in range(6):
        write_tiff(site.root / FOLDERS[0] / f"{number}.tif", value=number)
    with begun(site) as (loop, root):
        for number in range(2):
            site.hints.name("confocal", folder, f"{number}.tif".encode(), closed=True)
            assert loop._take_hints()
        for number in range(2, 6):
            site.hints.name("confocal", folder, f"{number}.tif".encode(), closed=True)
            assert not loop._take_hints()
        assert root.looks_under_way == 2

        turn_until_imported(loop, site, 6)
        assert root.looks_under_way == root.hints_under_way == 0
