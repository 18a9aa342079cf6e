"""Executes one statement for many rows at little more than the driver's own cost.

SQLAlchemy's executemany makes a dictionary for each row and looks for each value's type in it. Here a statement is
compiled once for a database and a set of columns, and values are turned column by column.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat
from typing import Any, cast

from sqlalchemy import BindParameter, Connection, Dialect, LargeBinary
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.schema import ScalarElementColumnDefault

#: As many statements are kept compiled.
STATEMENTS_KEPT = 128


def execute_many(connection: Connection, statement: UpdateBase, rows: Sequence[Mapping[str, Any]]) -> int:
    """Execute a statement without RETURNING for each row; the first row's keys are those of all. Gives how many it hit.

    ``statement`` lives as long as the program: it is what its compiled form is found by. What is inserted has scalar
    defaults only.
    """
    if not rows:
        return 0
    many = _compiled(statement, connection.dialect, tuple(rows[0]))
    return connection.exec_driver_sql(many.text, many.parameters(rows)).rowcount


@dataclass(frozen=True, slots=True)
class _Many:
    """A compiled statement; each of its parameters with the function that its type has for it, or its one value."""

    text: str
    #: Positions count (SQLite), else names (PostgreSQL).
    is_positional: bool
    names: Sequence[str]
    given: frozenset[str]
    processors: Mapping[str, Callable[[Any], Any]]
    constants: Mapping[str, Any]

    def parameters(self, rows: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Give the driver's parameters: tuples, or dictionaries."""
        tuples = zip(*(self._column(name, rows) for name in self.names), strict=False)
        if self.is_positional:
            return list(tuples)
        return [dict(zip(self.names, values, strict=True)) for values in tuples]

    def _column(self, name: str, rows: Sequence[Mapping[str, Any]]) -> Iterable[Any]:
        if name not in self.given:
            return repeat(self.constants[name], len(rows))
        process = self.processors.get(name)
        if process is None:
            return [row[name] for row in rows]
        return [process(row[name]) for row in rows]


def _is_binary(value: BindParameter[Any]) -> bool:
    return isinstance(value.type, LargeBinary)


@lru_cache(maxsize=STATEMENTS_KEPT)
def _compiled(statement: UpdateBase, dialect: Dialect, given: tuple[str, ...]) -> _Many:
    compiled = statement.compile(dialect=dialect, column_keys=list(given), for_executemany=True)
    processors = cast(Mapping[str, Callable[[Any], Any]], compiled._bind_processors)  # what its own executemany uses
    values = dict(compiled.params)
    for column in compiled.insert_prefetch or ():
        if not isinstance(column.default, ScalarElementColumnDefault):
            raise TypeError(f"{column}: a default that is made for each row can't be left out here")
        values[column.key] = column.default.arg
    if compiled.positional:  # the driver takes bytes as they are
        processors = {name: one for name, one in processors.items() if not _is_binary(compiled.binds[name])}
    names = compiled.positiontup if compiled.positional and compiled.positiontup is not None else list(values)
    constants = {name: value for name, value in values.items() if name not in given}
    for name, process in processors.items():
        if name in constants:
            constants[name] = process(constants[name])
    return _Many(
        text=compiled.string,
        is_positional=compiled.positional,
        names=names,
        given=frozenset(given),
        processors=processors,
        constants=constants,
    )
