"""INSERT with ON CONFLICT, which SQLAlchemy has once for each dialect; only the connection's own one is imported."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Insert

from catalog.models.base import Base


@lru_cache
def _insert(dialect: str, model: type[Base]) -> Any:
    # The package of PostgreSQL's dialect imports every driver that it knows of: 50 ms that a command on SQLite saves.
    if dialect == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as on_postgresql

        return on_postgresql(model)
    from sqlalchemy.dialects.sqlite import insert as on_sqlite

    return on_sqlite(model)


def insert_unless_there(connection: Connection, model: type[Base]) -> Insert:
    """Give an INSERT that does nothing where a unique key is taken; always the same one."""
    return _unless_there(connection.dialect.name, model)


@lru_cache
def _unless_there(dialect: str, model: type[Base]) -> Insert:
    statement: Insert = _insert(dialect, model).on_conflict_do_nothing()
    return statement


def insert_or_update(
    connection: Connection, model: type[Base], columns: Iterable[str], *, key: Sequence[str], kept: Sequence[str] = ()
) -> Insert:
    """Give an INSERT that overwrites ``columns`` where ``key`` is taken, all but the key itself and those ``kept``.

    It is always the same one for the same columns.
    """
    return _or_update(connection.dialect.name, model, tuple(columns), tuple(key), tuple(kept))


@lru_cache
def _or_update(
    dialect: str, model: type[Base], columns: tuple[str, ...], key: tuple[str, ...], kept: tuple[str, ...]
) -> Insert:
    statement = _insert(dialect, model)
    changed = {column: statement.excluded[column] for column in columns if column not in key and column not in kept}
    made: Insert = statement.on_conflict_do_update(index_elements=list(key), set_=changed)
    return made
