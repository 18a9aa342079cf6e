"""INSERT with ON CONFLICT, which SQLAlchemy has once for each dialect; only the connection's own one is imported."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Insert, Table

from catalog.models.base import Base


@lru_cache
def _insert(dialect: str, table: Table) -> Any:
    # The package of PostgreSQL's dialect imports every driver that it knows of: 50 ms that a command on SQLite saves.
    if dialect == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as on_postgresql

        return on_postgresql(table)
    from sqlalchemy.dialects.sqlite import insert as on_sqlite

    return on_sqlite(table)


def insert_unless_there(connection: Connection, model: type[Base]) -> Insert:
    """Give an INSERT that does nothing where a unique key is taken; always the same one."""
    return _unless_there(connection.dialect.name, model.__table__)


@lru_cache
def _unless_there(dialect: str, table: Table) -> Insert:
    statement: Insert = _insert(dialect, table).on_conflict_do_nothing()
    return statement


def insert_or_update(
    connection: Connection, model: type[Base], columns: Iterable[str], *, key: Sequence[str], kept: Sequence[str] = ()
) -> Insert:
    """Give an INSERT that overwrites ``columns`` where ``key`` is taken, all but the key itself and those ``kept``.

    It is always the same one for the same columns.
    """
    return _or_update(connection.dialect.name, model.__table__, tuple(columns), tuple(key), tuple(kept))


@lru_cache
def _or_update(
    dialect: str, table: Table, columns: tuple[str, ...], key: tuple[str, ...], kept: tuple[str, ...]
) -> Insert:
    statement = _insert(dialect, table)
    changed = {column: statement.excluded[column] for column in columns if column not in key and column not in kept}
    made: Insert = statement.on_conflict_do_update(index_elements=list(key), set_=changed)
    return made
