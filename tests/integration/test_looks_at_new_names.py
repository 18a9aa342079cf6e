"""Filesets of new names: inserted without being asked for, and found where they were known all the same."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection, delete, event, insert, select

from catalog.engine import Catalogue
from catalog.looks import DirectoryLook, SeenFile, SeenFileset
from catalog.models.ingest import Fileset, Root, Sighting
from catalog.moves import move_candidates
from catalog.store import record_directories, record_files
from tests.helpers.lab import NOW

LATER = datetime(2026, 5, 1, tzinfo=UTC)


def look(name: bytes, inode: int, *, due_at: datetime = NOW) -> SeenFile:
    """Give a look at a file that is a fileset of its own."""
    fileset = SeenFileset(
        key=name.rjust(16, b"k"), document={"rule": "r"}, owner_id=None, group_id=None,
        digest=inode.to_bytes(16, "big"), due_at=due_at,
    )  # fmt: skip
    return SeenFile(
        directory=b"d", name=name, size_bytes=1, mtime_ns=1, ctime_ns=1, inode=inode, disposition="member",
        fileset=fileset,
    )  # fmt: skip


@pytest.fixture
def root_id(catalogue: Catalogue) -> int:
    with catalogue.writing() as connection:
        made = connection.scalar(insert(Root).returning(Root.id), {"name": "r", "path": b"/r"})
        assert made is not None
        record_directories(connection, made, [DirectoryLook(path=b"d", is_whole=True)], now=NOW)
    return int(made)


def record(connection: Connection, root_id: int, *files: SeenFile) -> dict[bytes, int]:
    return record_files(connection, root_id, files, configuration_id=None, now=NOW, via="test", stored=())


def rows(connection: Connection) -> dict[bytes, tuple[Any, ...]]:
    query = (
        select(Sighting.name, Fileset.id, Fileset.seen_digest, Fileset.due_at)
        .join(Fileset, Fileset.id == Sighting.fileset_id)
        .order_by(Sighting.name)
    )
    return {bytes(name): (key, bytes(digest), due_at) for name, key, digest, due_at in connection.execute(query)}


def test_new_names_are_inserted_without_a_question_about_each(catalogue: Catalogue, root_id: int) -> None:
    made: list[str] = []
    with catalogue.writing() as connection:
        event.listen(connection, "before_cursor_execute", lambda _c, _k, statement, *_: made.append(statement))
        ids = record(connection, root_id, *(look(b"%d" % number, number) for number in range(300)))
        found = rows(connection)

    assert len(found) == 300
    assert {key for key, *_ in found.values()} == set(ids.values())
    assert not [statement for statement in made if "fileset.key IN" in statement or "fileset.placement" in statement]


def test_a_fileset_that_is_known_under_a_new_name_keeps_its_id_and_is_due_again(
    catalogue: Catalogue, root_id: int
) -> None:
    with catalogue.writing() as connection:
        first = record(connection, root_id, look(b"a", 1), look(b"b", 2))
        connection.execute(delete(Sighting))
        ids = record(
            connection,
            root_id,
            *(look(name, number, due_at=LATER) for number, name in enumerate((b"c", b"b", b"d"), 7)),
        )
        found = rows(connection)

    known = b"b".rjust(16, b"k")
    assert ids[known] == first[known]
    assert found[b"b"] == (first[known], (8).to_bytes(16, "big"), LATER)
    assert found[b"c"][1:] == ((7).to_bytes(16, "big"), LATER)
    assert len({key for key, *_ in found.values()} | set(first.values())) == 4


def test_what_a_person_removed_stays_removed_under_its_name(catalogue: Catalogue, root_id: int) -> None:
    with catalogue.writing() as connection:
        first = record(connection, root_id, look(b"a", 1))
        connection.execute(delete(Sighting))
        connection.execute(Fileset.__table__.update().values(removed_at=NOW, due_at=None))
        ids = record(connection, root_id, look(b"a", 5, due_at=LATER), look(b"z", 6))
        found = rows(connection)

    assert ids[b"a".rjust(16, b"k")] == first[b"a".rjust(16, b"k")]
    assert found[b"a"] == (first[b"a".rjust(16, b"k")], (1).to_bytes(16, "big"), None)
    assert found[b"z"][2] == NOW


@pytest.mark.parametrize("inodes", [{5}, {1, 5, 9}, {4, 6}, {1, 2}, {8, 9}])
def test_a_moved_file_is_found_whatever_was_made_beside_it(
    catalogue: Catalogue, root_id: int, inodes: set[int]
) -> None:
    with catalogue.writing() as connection:
        record(connection, root_id, look(b"a", 5))
        found = move_candidates(connection, root_id, [(inode, 1, 1) for inode in sorted(inodes)])
    assert set(found) == ({(5, 1, 1)} if 5 in inodes else set())
