"""What one more file of an image of many costs the database: counted in SQLite's own steps, not in time."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection, insert

from catalog.captured import written
from catalog.engine import Catalogue
from catalog.looks import DirectoryLook, SeenFile, SeenFileset
from catalog.member_digests import member_digest
from catalog.models.ingest import Root
from catalog.store import record_directories, record_files
from tests.helpers.ingest_site import add_person

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def planes(folder: bytes, numbers: range, people: tuple[int, int]) -> list[SeenFile]:
    """Give looks at planes of one image."""
    files = []
    for number in numbers:
        name = b"z%d.tif" % number
        fileset = SeenFileset(
            key=folder.rjust(16, b"k"), document={"dimensions": ["z"]}, owner_id=people[0], group_id=people[1],
            digest=member_digest(folder + b"/" + name, 1, 1, 1, number), due_at=NOW, grouping="names",
        )  # fmt: skip
        files.append(
            SeenFile(
                directory=folder, name=name, size_bytes=1, mtime_ns=1, ctime_ns=1, inode=number,
                disposition="member", fileset=fileset, captured=written({"z": str(number)}),
            )
        )  # fmt: skip
    return files


@pytest.mark.parametrize("is_taken", [False, True])
def test_one_file_more_costs_the_same_whether_there_are_twenty_or_two_thousand(
    catalogue_sqlite: Catalogue, is_taken: bool
) -> None:
    people = add_person(catalogue_sqlite, "ab3c", "smith-lab")
    with catalogue_sqlite.writing() as connection:
        root_id = connection.scalar(insert(Root).returning(Root.id), {"name": "r", "path": b"/r"})
        assert root_id is not None
        looks = [DirectoryLook(path=folder, is_whole=True) for folder in (b"few", b"many")]
        record_directories(connection, root_id, looks, now=NOW)
        steps = {}
        for folder, count in ((b"few", 20), (b"many", 2000)):
            _record(connection, root_id, planes(folder, range(count), people))
            one = planes(folder, range(count, count + 1), people)
            if is_taken:
                one = [_twin(one[0])]
            steps[folder] = _steps(connection, root_id, one)

    # The depth of an index's tree grows by one.
    assert steps[b"many"] < 1.3 * steps[b"few"], steps


def _twin(file: SeenFile) -> SeenFile:
    return replace(file, name=b"z05.tif", captured=written({"z": "5"}))


def _record(connection: Connection, root_id: int, files: list[SeenFile]) -> None:
    record_files(connection, root_id, files, configuration_id=None, now=NOW, via="test")


def _steps(connection: Connection, root_id: int, files: list[SeenFile]) -> int:
    """Count what SQLite does for a look."""
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    raw: Any = connection.connection.dbapi_connection
    raw.set_progress_handler(step, 1)
    try:
        _record(connection, root_id, files)
    finally:
        raw.set_progress_handler(None, 1)
    return count
