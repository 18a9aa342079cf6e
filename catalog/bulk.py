"""Inserts many rows at once: the statement is compiled once, and a value that rows share is converted once for all.

SQLAlchemy converts row by row and column by column, which costs more than SQLite takes to write the rows.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import JSON, Connection, Dialect, LargeBinary, func, insert, select, text

from catalog.upserts import insert_or_update_on

#: Turns the values of a column into what the driver takes.
_Convert = Callable[[Sequence[Any]], Sequence[Any]]


class _Prepared(NamedTuple):
    """A compiled INSERT: its parameters in order, what converts them, and those that are the same in all rows."""

    sql: str
    names: tuple[str, ...]
    converts: Mapping[str, _Convert]
    fixed: Mapping[str, Any]
    is_positional: bool

    def parameters(self, rows: Sequence[Mapping[str, Any]]) -> list[Any]:
        given = [name for name in self.names if name not in self.fixed]
        columns = dict(zip(given, zip(*map(itemgetter(*given), rows), strict=True), strict=True))
        columns |= {name: (value,) * len(rows) for name, value in self.fixed.items()}
        converted = [self.converts.get(name, _as_it_is)(columns[name]) for name in self.names]
        values = zip(*converted, strict=True)
        return list(values) if self.is_positional else [dict(zip(self.names, one, strict=True)) for one in values]


def insert_rows(
    connection: Connection, model: type[Any], rows: Sequence[Mapping[str, Any]], *, key: Sequence[str] = ()
) -> None:
    """Insert rows that all have the same columns; with ``key`` those whose key is taken are overwritten."""
    if rows:
        prepared = _prepared(connection.dialect, model, tuple(rows[0]), tuple(key))  # type: ignore[arg-type]  # classes hash
        connection.exec_driver_sql(prepared.sql, prepared.parameters(rows))


@lru_cache(maxsize=32)
def _prepared(dialect: Dialect, model: type[Any], columns: tuple[str, ...], key: tuple[str, ...]) -> _Prepared:
    statement = insert_or_update_on(dialect, model, columns, key=key) if key else insert(model)
    # For many rows: else PostgreSQL would be asked to give the id back.
    compiled: Any = statement.compile(dialect=dialect, column_keys=list(columns), for_executemany=True)
    fixed = {column.key: column.default.arg for column in compiled.insert_prefetch}
    if any(map(callable, fixed.values())):
        raise TypeError(f"a default of {model.__name__} is computed: give it in the rows")
    table = model.__table__
    converts = {name: _convert(table.c[name].type, dialect) for name in (*columns, *fixed)}
    return _Prepared(
        sql=str(compiled),
        names=tuple(compiled.positiontup or (*columns, *fixed)),
        converts={name: convert for name, convert in converts.items() if convert is not None},
        fixed=fixed,
        is_positional=compiled.positiontup is not None,
    )


def _as_it_is(values: Sequence[Any]) -> Sequence[Any]:
    return values


def new_ids(connection: Connection, model: type[Any], count: int) -> list[int]:
    """Take ids that no row has or had, for rows that are inserted in this writing transaction.

    So nobody has to ask for the ids of what was inserted: SQLite can only return them row by row.
    """
    table = model.__tablename__
    if connection.dialect.name == "postgresql":
        query = text("SELECT nextval(pg_get_serial_sequence(:name, 'id')) FROM generate_series(1, :count)")
        return list(connection.scalars(query, {"name": table, "count": count}))
    highest = select(func.max(model.id)).scalar_subquery()
    given = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
    used = max(connection.scalar(given, {"name": table}) or 0, connection.scalar(select(highest)) or 0)
    return list(range(used + 1, used + count + 1))


def _convert(kind: Any, dialect: Dialect) -> _Convert | None:
    if isinstance(kind, LargeBinary):
        return None  # both drivers take bytes
    process = kind.dialect_impl(dialect).bind_processor(dialect)
    if process is None:
        return None
    if isinstance(kind, JSON):
        return lambda values: list(map(process, values))

    def once_each(values: Sequence[Any]) -> list[Any]:
        known = {value: process(value) for value in set(values)}
        return list(map(known.__getitem__, values))

    return once_each
