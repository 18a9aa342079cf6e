"""Takes ids before rows are inserted, so that nobody has to ask for them: SQLite can only return them row by row."""

from typing import Any

from sqlalchemy import Connection, func, select, text

_OF_POSTGRESQL = text("SELECT nextval(pg_get_serial_sequence(:name, 'id')) FROM generate_series(1, :count)")
_OF_SQLITE = text("SELECT seq FROM sqlite_sequence WHERE name = :name")


def new_ids(connection: Connection, model: type[Any], count: int) -> list[int]:
    """Take ids that no row has or ever had, for rows that are inserted in this writing transaction, with their ids."""
    name = model.__tablename__
    if connection.dialect.name == "postgresql":
        return list(connection.scalars(_OF_POSTGRESQL, {"name": name, "count": count}))
    given = connection.scalar(_OF_SQLITE, {"name": name}) or 0
    used = max(given, connection.scalar(select(func.max(model.id))) or 0)
    return list(range(used + 1, used + count + 1))
