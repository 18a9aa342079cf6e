"""What a scan asks for each batch costs the same however much is catalogued: its statements read a narrow index."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import Connection, event, insert, text, update

from catalog.adopting import unresolved_folders
from catalog.gone_contents import gone_among
from catalog.jobs import count_due, due_filesets
from catalog.models.images import OriginalFile
from catalog.models.ingest import Directory, Fileset, Sighting
from catalog.moves import move_candidates
from catalog.names import path_hash
from catalog.permissions import SYSTEM
from catalog.scopes import ScopeCounts, count_scope
from catalog.sightings import replaceable
from catalog.status import file_counts
from tests.helpers.lab import NOW, Lab

MANY = 4000


@pytest.fixture
def scanned(lab: Lab) -> Lab:
    """A root with many files that are catalogued, ten of them due."""
    root = lab.root()
    with lab.catalogue.writing() as connection:
        folder = {"id": 1, "root_id": root, "path": b"d", "path_hash": path_hash(b"d"), "is_listed_whole": True}
        connection.execute(insert(Directory), folder)
        numbers = range(1, MANY + 1)
        same = {"root_id": root, "placement": {}, "seen_digest": b"s" * 16, "done_digest": None, "first_seen_at": NOW}
        filesets = [same | {"id": n, "key": n.to_bytes(16, "big"), "due_at": NOW if n <= 10 else None} for n in numbers]
        connection.execute(insert(Fileset), filesets)
        seen = {"directory_id": 1, "size_bytes": 8, "mtime_ns": 1, "ctime_ns": 1, "disposition": "member"}
        sightings = [seen | {"name": b"%06d" % n, "inode": n, "fileset_id": n} for n in numbers]
        connection.execute(insert(Sighting), sightings)
    return lab


def plan_of(lab: Lab, ask: Callable[[Connection], object]) -> str:
    """Give the plans of the statements that a question makes, as the database tells them."""
    if lab.catalogue.is_postgresql:
        # It plans by statistics; SQLite has none in the product.
        with lab.catalogue.writing() as connection:
            connection.execute(text("ANALYZE"))
    with lab.catalogue.reading() as connection:
        made: list[tuple[str, object]] = []

        def note(_c: object, _k: object, statement: str, parameters: object, *_: object) -> None:
            made.append((statement, parameters))

        event.listen(connection, "before_cursor_execute", note)
        assert ask(connection)
        event.remove(connection, "before_cursor_execute", note)
        explain = "EXPLAIN " if lab.catalogue.is_postgresql else "EXPLAIN QUERY PLAN "
        lines = [
            str(row[-1])
            for statement, parameters in made
            if statement.startswith("SELECT")
            for row in connection.exec_driver_sql(explain + statement, parameters)  # type: ignore[arg-type]  # as given
        ]
    return "\n".join(lines)


SORTS = re.compile(r"TEMP B-TREE|Sort|HashAggregate|GroupAggregate")
WHOLE = re.compile(r"SCAN (sighting|fileset)\b|Seq Scan on (sighting|fileset)|sqlite_autoindex_(fileset_1|directory_1)")


def test_what_is_due_is_found_among_what_is_due(scanned: Lab) -> None:
    plan = plan_of(scanned, lambda c: due_filesets(c, now=NOW + timedelta(hours=1), root_ids=[1], limit=500))
    assert not WHOLE.search(plan), plan
    assert "ix_fileset_due" in plan, plan


def test_folders_with_a_file_that_is_not_asked_yet_are_found_among_these_files(scanned: Lab) -> None:
    """It is asked at each look; among a hundred thousand files of a burst it took a quarter of a second."""
    with scanned.catalogue.writing() as connection:
        connection.execute(update(Fileset).where(Fileset.id == MANY // 2).values(is_unread_index=True))
    plan = plan_of(scanned, lambda c: unresolved_folders(c, 1))
    assert not WHOLE.search(plan), plan
    assert "ix_fileset_unread_index" in plan, plan


def test_a_moved_file_is_looked_for_by_its_inode(scanned: Lab) -> None:
    looks = [(inode, 8, 1) for inode in range(5)]
    plan = plan_of(scanned, lambda c: move_candidates(c, 1, looks))
    assert not WHOLE.search(plan), plan
    assert "ix_sighting_move" in plan, plan


def test_a_page_of_what_is_placed_again_sorts_no_table(scanned: Lab) -> None:
    after = (1, b"%06d" % 2000)
    plan = plan_of(
        scanned,
        lambda c: list(replaceable(c, 1, configuration_id=1, after=after, limit=20, up_to_fileset=MANY)),
    )
    assert "TEMP B-TREE" not in plan, plan
    assert scanned.catalogue.is_postgresql or "SEARCH sighting USING PRIMARY KEY" in plan, plan


def test_counts_of_an_import_sort_nothing(scanned: Lab) -> None:
    """SQLite keeps in memory what it sorts: the states of a million files were 60 MB at the end of an import."""
    counted: list[ScopeCounts] = []

    def ask(connection: Connection) -> object:
        counted.append(count_scope(connection, 1, b"", None, now=NOW))
        return counted

    plan = plan_of(scanned, ask)
    assert counted[0].settling + counted[0].pending == MANY, counted
    assert not SORTS.search(plan), plan


def test_what_waits_for_files_is_counted_by_an_index(scanned: Lab) -> None:
    """It is asked every second, also while a million files settle."""
    with scanned.catalogue.writing() as connection:
        connection.execute(update(Fileset).where(Fileset.id == 1).values(waits_for="z: 1 of 2"))
    with scanned.catalogue.reading() as connection:
        assert count_due(connection) == (10, 1)
    plan = plan_of(scanned, count_due)
    assert not WHOLE.search(plan), plan
    assert "ix_fileset_waits_for" in plan, plan


def test_counts_of_files_by_state_sort_nothing(scanned: Lab) -> None:
    """`status` of five million files took 600 MB."""
    plan = plan_of(scanned, lambda c: file_counts(c, SYSTEM))
    assert not SORTS.search(plan), plan


def test_what_moved_files_hold_is_found_among_what_is_gone_however_much_holds_the_same(scanned: Lab) -> None:
    """It is asked at each commit: among a hundred thousand files that hold the same it took half of the time."""
    with scanned.catalogue.writing() as connection:
        same = {"ordinal": 0, "size_bytes": 8, "fingerprint": b"f" * 16, "created_at": NOW}
        originals = [same | {"id": n, "fileset_id": n} for n in range(1, MANY + 1)]
        connection.execute(insert(OriginalFile), originals)
        connection.execute(update(Sighting).values(original_file_id=Sighting.fileset_id))
        connection.execute(update(Sighting).where(Sighting.fileset_id == MANY // 2).values(missing_since=NOW))
    plan = plan_of(scanned, lambda c: gone_among(c, {(8, b"f" * 16), (9, b"f" * 16)}) == {(8, b"f" * 16)})
    assert not WHOLE.search(plan), plan
    assert "ix_sighting_gone" in plan, plan
    assert "ix_original_file_fingerprint" not in plan, plan
    with scanned.catalogue.writing() as connection:
        connection.execute(update(Sighting).values(missing_since=NOW))  # and of so many that the content is asked
    with scanned.catalogue.reading() as connection:
        assert gone_among(connection, {(8, b"f" * 16), (8, b"g" * 16)}) == {(8, b"f" * 16)}
