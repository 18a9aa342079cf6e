"""One statement for many rows: the same rows as SQLAlchemy's own executemany writes, on both databases."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Connection, bindparam, insert, select, update

from catalog.engine import Catalogue
from catalog.many import execute_many
from catalog.models.ingest import Event, Reason, Root

AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
_INSERT_EVENTS = insert(Event)
_INSERT_ROOTS = insert(Root)
_INSERT_REASONS = insert(Reason)
_ROWS: list[dict[str, Any]] = [
    {"at": AT, "via": "daemon", "what": "imported", "after": {"images": [1]}, "path_hash": b"\0" * 16},
    {"at": AT.astimezone(timezone(timedelta(hours=5))), "via": "cli", "what": "held", "after": None, "path_hash": None},
]  # fmt: skip


def events_of(connection: Connection) -> list[tuple[Any, ...]]:
    query = select(Event.at, Event.via, Event.what, Event.after, Event.path_hash).order_by(Event.id)
    return [tuple(row) for row in connection.execute(query)]


def test_rows_are_the_same_as_those_of_a_plain_executemany(catalogue: Catalogue) -> None:
    rows = _ROWS
    with catalogue.writing() as connection:
        connection.execute(_INSERT_EVENTS, rows)
        plain = events_of(connection)
        execute_many(connection, _INSERT_EVENTS, rows)
        both = events_of(connection)

    assert both == plain + plain
    assert plain[0][0] == plain[1][0] == AT


def test_defaults_of_columns_and_values_of_the_statement_are_written(catalogue: Catalogue) -> None:
    rename = (
        update(Root)
        .where(Root.name == bindparam("b_name"))
        .values(reason=bindparam("b_reason"), availability="braked")
        .execution_options(synchronize_session=False)
    )
    with catalogue.writing() as connection:
        roots = [{"name": name, "path": name.encode()} for name in ("a", "b")]
        assert execute_many(connection, _INSERT_ROOTS, roots) == 2
        assert execute_many(connection, rename, [{"b_name": one, "b_reason": "so"} for one in ("x", "b", "y")]) == 1
        rows = connection.execute(
            select(Root.name, Root.role, Root.availability, Root.reason).order_by(Root.name)
        ).all()

    assert [tuple(row) for row in rows] == [
        ("a", "acquisition", "available", None),
        ("b", "acquisition", "braked", "so"),
    ]


def test_nothing_is_executed_for_no_rows(catalogue: Catalogue) -> None:
    with catalogue.writing() as connection:
        execute_many(connection, _INSERT_EVENTS, [])
        assert events_of(connection) == []


def test_a_default_that_is_made_for_each_row_is_refused(catalogue: Catalogue) -> None:
    with catalogue.writing() as connection, pytest.raises(TypeError, match="sentence_hash"):
        execute_many(connection, _INSERT_REASONS, [{"sentence": "so"}])
