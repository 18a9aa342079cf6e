"""A page costs the same however many images there are: its statements read an index, never the whole table."""

import re
from collections.abc import Iterator

import pytest
from sqlalchemy import event, insert, select, text

from catalog.models.containers import DatasetImageLink
from catalog.models.images import Image
from catalog.models.ingest import Fileset
from catalog.queries.filters import ImageFilters
from catalog.queries.images import images
from catalog.queries.tree import dataset_counts
from tests.helpers.lab import NOW, Lab

MANY = 3000


@pytest.fixture
def full(lab: Lab) -> Lab:
    groups = [lab.group(f"g{n}", "private" if n == 3 else "read-annotate") for n in range(4)]
    people = [lab.person("ada", *groups), lab.person("bob", groups[3])]
    lab.person("root", is_administrator=True)
    root = lab.root()
    with lab.catalogue.writing() as connection:
        numbers = range(1, MANY + 1)
        fileset = {"root_id": root, "placement": {}, "seen_digest": b"s" * 16, "first_seen_at": NOW}
        connection.execute(insert(Fileset), [fileset | {"key": n.to_bytes(16, "big"), "id": n} for n in numbers])
        image = {
            "size_x": 1, "size_y": 1, "size_z": 1, "size_c": 1, "size_t": 1, "pixels_type": "uint8", "format": "x",
            "owner_by": "", "created_at": NOW, "updated_at": NOW,
        }  # fmt: skip
        rows = [
            image | {"name": f"i{n}", "fileset_id": n, "owner_id": people[n % 2], "group_id": groups[n % 4]}
            for n in numbers
        ]
        connection.execute(insert(Image), rows)
        connection.execute(text("ANALYZE"))
    return lab


def plans(lab: Lab, name: str, filters: ImageFilters, *, pages: int = 2) -> Iterator[str]:
    """Give the plan of the statement that finds a page's ids, as the database tells it."""
    acting = lab.acting(name)
    with lab.catalogue.reading() as connection:
        seen: list[tuple[str, object]] = []

        def note(_c: object, _k: object, statement: str, parameters: object, *_: object) -> None:
            seen.append((statement, parameters))

        event.listen(connection, "before_cursor_execute", note)
        page = images(connection, acting, filters, limit=20)
        if pages > 1:
            images(connection, acting, filters, limit=20, after=page.next_after)
        event.remove(connection, "before_cursor_execute", note)
        explain = "EXPLAIN QUERY PLAN " if connection.dialect.name == "sqlite" else "EXPLAIN "
        for statement, parameters in seen:
            if "LIMIT" in statement:
                rows = connection.exec_driver_sql(explain + statement, parameters)  # type: ignore[arg-type]  # as given
                yield "\n".join(str(row[-1]) for row in rows)


@pytest.mark.parametrize("name", ["ada", "bob", "root"])
@pytest.mark.parametrize("filters", [ImageFilters(), ImageFilters(group="g3"), ImageFilters(since=NOW)])
def test_a_page_reads_an_index_and_sorts_no_table(full: Lab, name: str, filters: ImageFilters) -> None:
    found = list(plans(full, name, filters))
    assert len(found) == 2
    for plan in found:
        assert not re.search(r"SCAN image\b(?! USING (COVERING )?INDEX)|Seq Scan on image\b", plan), plan
        assert re.search(r"ix_image_(page|own_page|newest)", plan), plan


@pytest.mark.parametrize("name", ["ada", "root"])
def test_a_page_of_one_container_does_not_walk_all_images(full: Lab, name: str) -> None:
    lab = full
    with lab.catalogue.reading() as connection:
        rows = connection.execute(select(Image.id, Image.owner_id, Image.group_id).where(Image.id.in_([1, 5, 9]))).all()
    dataset = lab.dataset(rows[0].owner_id, rows[0].group_id, "few")
    with lab.catalogue.writing() as connection:
        links = [{"dataset_id": dataset, "image_id": row.id, "created_at": NOW} for row in rows]
        owned = {"owner_id": rows[0].owner_id, "group_id": rows[0].group_id}
        connection.execute(insert(DatasetImageLink), [link | owned for link in links])
        connection.execute(text("ANALYZE"))
    (plan,) = plans(lab, name, ImageFilters(dataset="few"), pages=1)
    assert not re.search(r"SCAN image\b|Seq Scan on image\b|ix_image_(newest|page)", plan), plan


@pytest.mark.parametrize(("name", "share"), [("ada", 3), ("bob", 1)])  # of four groups, of which one is private
def test_counts_read_the_links_of_the_viewers_groups_and_no_others(full: Lab, name: str, share: int) -> None:
    """PostgreSQL reads a small table whole, and rightly so: only SQLite's plan tells which links are read.

    Of a private group, in which ada and bob are, one's own images are listed once: neither does PostgreSQL read them
    for each link, nor SQLite look for each of them in each dataset.
    """
    lab = full
    with lab.catalogue.reading() as connection:
        rows = connection.execute(select(Image.id, Image.owner_id, Image.group_id)).all()
    datasets = {place: lab.dataset(*place, "of both") for place in {(row.owner_id, row.group_id) for row in rows}}
    with lab.catalogue.writing() as connection:
        links = [
            {"owner_id": row.owner_id, "group_id": row.group_id, "image_id": row.id, "created_at": NOW}
            | {"dataset_id": datasets[row.owner_id, row.group_id]}
            for row in rows
        ]
        connection.execute(insert(DatasetImageLink), links)
        connection.execute(text("ANALYZE"))
    acting = lab.acting(name)
    seen: list[tuple[str, object]] = []
    with lab.catalogue.reading() as connection:
        event.listen(connection, "before_cursor_execute", lambda _c, _k, *asked: seen.append(asked[:2]))
        assert sum(dataset_counts(connection, acting).values()) == MANY * share // 4
        ((statement, parameters),) = [one for one in seen if "count" in one[0]]
        explain = "EXPLAIN QUERY PLAN " if connection.dialect.name == "sqlite" else "EXPLAIN "
        plan = "\n".join(str(row[-1]) for row in connection.exec_driver_sql(explain + statement, parameters))  # type: ignore[arg-type]  # as given
    if explain == "EXPLAIN ":
        assert "hashed SubPlan" in plan, plan
    else:
        assert "SCAN dataset_image_link" not in plan, plan
        assert not re.search(r"dataset_image_link.*image_id=", plan), plan
