"""Opening the catalogue's database, and the two ways to use it: a reading and a writing transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL

BUSY_TIMEOUT_MS = 30_000


class Catalogue:
    """An open catalogue. Transactions are short: nobody holds one while printing, streaming or reading files."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection in one consistent read transaction, rolled back at the end."""
        with self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection in one writing transaction: committed at the end, rolled back on an exception.

        On SQLite it begins IMMEDIATE: a deferred read-then-write would fail at once whatever the busy timeout.
        """
        with self.engine.connect().execution_options(coverslip_writes=True) as connection, connection.begin():
            yield connection

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def open_engine(url: URL | str) -> Engine:
    """Make the engine with this project's database rules (WAL, full sync, foreign keys, own BEGIN)."""
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(dbapi_connection: Any, _record: object) -> None:
    # None: the driver must not begin transactions of its own; DDL then rolls back, too.
    dbapi_connection.isolation_level = None
    cursor = dbapi_connection.cursor()
    for pragma in (f"busy_timeout={BUSY_TIMEOUT_MS}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("coverslip_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
