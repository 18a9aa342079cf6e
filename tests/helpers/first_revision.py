"""Write the statements of the first revision from the tables; until the first release, never after it.

Run `python -m tests.helpers.first_revision` after a change of the tables. Where an earlier catalogue would be misread
(a column, a table, what a key is made of), change the day in the revision's name, too: that catalogue is then refused.
"""

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Dialect, Table, make_url
from sqlalchemy.schema import CreateIndex, CreateTable

from catalog.migrations.versions import r0001_first
from catalog.models.all import metadata
from catalog.models.ingest import APPEND_ONLY

DIALECTS = {"sqlite": "sqlite://", "postgresql": "postgresql+psycopg://"}


def statements(dialect: str) -> str:
    """Give the text of the file for one database; the order is the same in every run."""
    compiled = ["\n".join(_lines(text)) for text in _ddl(make_url(DIALECTS[dialect]).get_dialect()())]
    return r0001_first.SEPARATOR.join([*compiled, *APPEND_ONLY[dialect]]) + "\n"


def path(dialect: str) -> Path:
    """Give the file for one database."""
    return Path(r0001_first.__file__).with_name(f"r0001_first.{dialect}.sql")


def _lines(text: str) -> list[str]:
    return [line.rstrip().replace("\t", "    ") for line in text.strip().splitlines()]


def _ddl(dialect: Dialect) -> Iterator[str]:
    for table in _in_order():
        yield str(CreateTable(table).compile(dialect=dialect))
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            yield str(CreateIndex(index).compile(dialect=dialect))


def _in_order() -> Iterator[Table]:
    """Give the tables by name, each after those it points to."""
    waiting = dict(sorted(metadata.tables.items()))
    while waiting:
        ready = [name for name, table in waiting.items() if not (_targets(table) - {name}) & waiting.keys()]
        if not ready:
            raise ValueError(f"these tables point to each other: {', '.join(waiting)}")
        yield from (waiting.pop(name) for name in ready)


def _targets(table: Table) -> set[str]:
    return {key.column.table.name for key in table.foreign_keys}


if __name__ == "__main__":
    for name in DIALECTS:
        path(name).write_text(statements(name))
