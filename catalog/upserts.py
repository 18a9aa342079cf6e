"""INSERT with ON CONFLICT, which SQLAlchemy has once for each dialect; only the connection's own one is imported."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Insert


def _insert(connection: Connection, model: type[Any]) -> Any:
    # The package of PostgreSQL's dialect imports every driver that it knows of: 50 ms that a command on SQLite saves.
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as on_postgresql

        return on_postgresql(model)
    from sqlalchemy.dialects.sqlite import insert as on_sqlite

    return on_sqlite(model)


def insert_unless_there(connection: Connection, model: type[Any]) -> Insert:
    """Give an INSERT that does nothing where a unique key is taken."""
    statement: Insert = _insert(connection, model).on_conflict_do_nothing()
    return statement


def insert_or_update(
    connection: Connection, model: type[Any], columns: Iterable[str], *, key: Sequence[str], kept: Sequence[str] = ()
) -> Insert:
    """Give an INSERT that overwrites ``columns`` where ``key`` is taken, all but the key itself and those ``kept``."""
    statement = _insert(connection, model)
    changed = {column: statement.excluded[column] for column in columns if column not in key and column not in kept}
    made: Insert = statement.on_conflict_do_update(index_elements=list(key), set_=changed)
    return made
