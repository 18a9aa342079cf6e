"""A page touches as many rows among many images as among few, and at any depth: counted by the database, not timed.

PostgreSQL tells the rows that each step of a plan took in; SQLite the steps of its virtual machine, some for each row.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import Connection, event, insert, text

from catalog.models.images import Image
from catalog.models.ingest import Fileset
from catalog.queries.filters import ImageFilters
from catalog.queries.images import images
from tests.helpers.lab import NOW, Lab

PAGE = 20
FEW, MANY = 400, 4000
#: A page of images is read by a few statements, each of some rows for an image and a group.
STEPS_AN_IMAGE = 300
ROWS_AN_IMAGE = 20


def fill(lab: Lab, first: int, last: int, owned: list[tuple[int, int]]) -> None:
    """Make images of these numbers, in turn for each (owner, group)."""
    root = lab.root() if first == 1 else 1
    image = {
        "size_x": 1, "size_y": 1, "size_z": 1, "size_c": 1, "size_t": 1, "pixels_type": "uint8", "format": "x",
        "owner_by": "", "updated_at": NOW,
    }  # fmt: skip
    fileset = {"root_id": root, "placement": {}, "seen_digest": b"s" * 16, "first_seen_at": NOW}
    numbers = range(first, last + 1)
    with lab.catalogue.writing() as connection:
        connection.execute(insert(Fileset), [fileset | {"key": n.to_bytes(16, "big"), "id": n} for n in numbers])
        rows = [
            image
            | {"name": f"i{n}", "fileset_id": n, "owner_id": owner, "group_id": group}
            | {"created_at": NOW + timedelta(seconds=n)}
            for n in numbers
            for owner, group in [owned[n % len(owned)]]
        ]
        connection.execute(insert(Image), rows)
        connection.execute(text("ANALYZE"))


@contextmanager
def counted(connection: Connection) -> Iterator[list[int]]:
    """Count what the statements of a block touch."""
    counts = [0]
    if connection.dialect.name == "postgresql":
        made: list[tuple[str, object]] = []

        def note(_c: object, _k: object, statement: str, parameters: object, *_: object) -> None:
            made.append((statement, parameters))

        event.listen(connection, "before_cursor_execute", note)
        yield counts
        event.remove(connection, "before_cursor_execute", note)
        counts[0] = sum(_rows_of(connection, *one) for one in made)
        return

    def step() -> int:
        counts[0] += 1
        return 0

    driver = connection.connection.driver_connection
    assert driver is not None
    driver.set_progress_handler(step, 1)
    yield counts
    driver.set_progress_handler(None, 1)


def _rows_of(connection: Connection, statement: str, parameters: object) -> int:
    explained = "EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) " + statement
    plan = connection.exec_driver_sql(explained, parameters).scalar_one()  # type: ignore[arg-type]  # as given
    return _rows_in((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"])


def _rows_in(plan: dict[str, object]) -> int:
    each = int(str(plan["Actual Rows"]).partition(".")[0]) + int(str(plan.get("Rows Removed by Filter", 0)))
    inner = plan.get("Plans", [])
    assert isinstance(inner, list)
    return each * int(str(plan["Actual Loops"])) + sum(map(_rows_in, inner))


def touched(lab: Lab, name: str, depth: int) -> int:
    """Count what the page after so many others touches."""
    acting = lab.acting(name)
    with lab.catalogue.reading() as connection:
        after = None
        for _ in range(depth):
            after = images(connection, acting, ImageFilters(), limit=PAGE, after=after).next_after
        with counted(connection) as counts:
            page = images(connection, acting, ImageFilters(), limit=PAGE, after=after)
        assert len(page.images) == PAGE
    return counts[0]


@pytest.mark.parametrize("name", ["ada", "root"])
def test_a_page_touches_no_more_rows_among_ten_times_as_many_images_nor_deep_in_them(lab: Lab, name: str) -> None:
    groups = [lab.group(f"g{n}", "private" if n == 3 else "read-annotate") for n in range(4)]
    people = [lab.person("ada", *groups), lab.person("bob", groups[3])]
    lab.person("root", is_administrator=True)
    owned = [(people[n % 2], groups[n % 4]) for n in range(8)]
    fill(lab, 1, FEW, owned)
    few = touched(lab, name, 0)

    fill(lab, FEW + 1, MANY, owned)
    at_most = 1.5 * few + 100

    assert few < PAGE * (ROWS_AN_IMAGE if lab.catalogue.is_postgresql else STEPS_AN_IMAGE)
    assert touched(lab, name, 0) <= at_most
    assert touched(lab, name, 10) <= at_most
