"""What one more file of an image of many costs the database: counted in steps and statements, not in time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, select

from catalog.captured import written
from catalog.engine import Catalogue
from catalog.importing import commit_reads
from catalog.looks import CommittedAs, DirectoryLook, Filing, ReadFileset, SeenFile, SeenFileset
from catalog.member_digests import member_digest
from catalog.models.ingest import Fileset, Job, Root
from catalog.records import FileRecord, ImageRecord, PlaneRecord, ThumbnailRecord
from catalog.store import record_directories, record_files
from catalog.verification import Location, locations
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
            steps[folder] = _steps(connection, lambda: _record(connection, root_id, one))  # noqa: B023 - called here

    # The depth of an index's tree grows by one.
    assert steps[b"many"] < 1.3 * steps[b"few"], steps


def _twin(file: SeenFile) -> SeenFile:
    return file._replace(name=b"z05.tif", captured=written({"z": "5"}))


def _record(connection: Connection, root_id: int, files: list[SeenFile]) -> None:
    record_files(connection, root_id, files, configuration_id=None, now=NOW, via="test")


def _steps(connection: Connection, act: Callable[[], object]) -> int:
    """Count what SQLite does for something."""
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    raw: Any = connection.connection.dbapi_connection
    raw.set_progress_handler(step, 1)
    try:
        act()
    finally:
        raw.set_progress_handler(None, 1)
    return count


def read_of(connection: Connection, files: list[SeenFile], people: tuple[int, int]) -> ReadFileset:
    """Give what a worker read of planes of one image, and claim them for it."""
    row = connection.execute(select(Fileset.id, Fileset.root_id, Fileset.seen_digest)).one()
    digest = bytes(row.seen_digest)
    job = {"fileset_id": row.id, "kind": "import", "digest": digest, "priority": 1, "state": "started", "claim": 1}
    connection.execute(insert(Job), job)
    filing = Filing(
        rule="r", image="film", owner_id=people[0], group_id=people[1], container_owner_id=people[0], owner_by="rule",
        dimensions=("z",),
    )  # fmt: skip
    return ReadFileset(
        fileset_id=row.id, root_id=row.root_id, claim=1, digest=digest, format="TIFF", filing=filing,
        files=tuple(
            FileRecord(path=file.path, size_bytes=1, hash="00", hasher="sha256", fingerprint=b"f" * 16)
            for file in files
        ),
        images=(ImageRecord(series=0, size_x=8, size_y=8, size_z=len(files), size_c=1, size_t=1, pixels_type="uint8"),),
        pictures=(ThumbnailRecord(failure="not drawn here"),),
        planes=tuple(
            PlaneRecord(image_series=0, the_c=0, the_z=z, the_t=0, path=file.path, series=0, plane=0)
            for z, file in enumerate(files)
        ),
        grouping="names",
    )  # fmt: skip


@contextmanager
def rows_in_savepoints(connection: Connection) -> Iterator[list[int]]:
    """Count the rows for which statements are executed while a savepoint is open."""
    counts: list[int] = []
    is_open = False

    def begins(*_: object) -> None:
        nonlocal is_open
        is_open = True

    def ends(*_: object) -> None:
        nonlocal is_open
        is_open = False

    def executes(
        _connection: object, _cursor: object, _text: str, parameters: Any, _context: object, many: bool
    ) -> None:
        if is_open:
            counts.append(len(parameters) if many else 1)

    engine = connection.engine
    listeners: dict[str, Callable[..., None]] = {
        "savepoint": begins, "release_savepoint": ends, "rollback_savepoint": ends, "before_cursor_execute": executes,
    }  # fmt: skip
    for name, listener in listeners.items():
        event.listen(engine, name, listener)
    try:
        yield counts
    finally:
        for name, listener in listeners.items():
            event.remove(engine, name, listener)


def imported(catalogue: Catalogue, count: int) -> Any:
    """Catalogue an image of so many planes; gives the connection's savepoints' rows."""
    people = add_person(catalogue, "ab3c", "smith-lab")
    with catalogue.writing() as connection:
        row = {"name": "r", "path": b"/r", "availability": "available"}
        root_id = connection.scalar(insert(Root).returning(Root.id), row)
        assert root_id is not None
        record_directories(connection, root_id, [DirectoryLook(path=b"film", is_whole=True)], now=NOW)
        seen = planes(b"film", range(count), people)
        _record(connection, root_id, seen)
        read = read_of(connection, seen, people)
    with catalogue.engine.connect() as connection, connection.begin(), rows_in_savepoints(connection) as counts:
        (committed,) = commit_reads(connection, [read], now=NOW, via="test")
    assert committed.outcome is CommittedAs.IMPORTED
    return counts


def test_no_savepoint_is_open_while_files_and_planes_of_a_large_image_are_written(catalogue_sqlite: Catalogue) -> None:
    counts = imported(catalogue_sqlite, 500)

    # At each statement SQLite walks along all pages that were changed since the savepoint began.
    assert 0 < sum(counts) < 20, counts


def test_each_page_of_what_verify_compares_of_an_image_costs_the_same(catalogue_sqlite: Catalogue) -> None:
    imported(catalogue_sqlite, 1000)
    found: list[Location] = []
    costs = []
    with catalogue_sqlite.reading() as connection:
        for _ in range(10):
            after = found[-1] if found else None

            def page(after: Location | None = after) -> None:
                found.extend(locations(connection, before=NOW, after=after, limit=100, image_ids=[1]))

            costs.append(_steps(connection, page))

    assert len({one.path for one in found}) == len(found) == 1000
    # The first finds which files there are.
    assert max(costs[1:]) < 1.3 * min(costs[1:]), costs
