"""Opening the catalogue's database, and the two ways to use it: a reading and a writing transaction."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from catalog.errors import CatalogueUnavailable
from catalog.faults import meaning
from catalog.models.base import document_text
from catalog.read_documents import read_document
from catalog.storage import check_file, check_place, make_file
from config.mount_table import read_mounts

#: A function of SQLite connections: lower() for all of Unicode, as PostgreSQL has it.
SQLITE_LOWER = "coverslip_lower"
BUSY_TIMEOUT_MS = 30_000
#: What SQLite keeps of its pages for a connection that writes much. With 2 MB, its default, an import reads ten pages
#: anew for each file, as its many indexes are met at random places.
PAGES_KEPT_KIB = 8192
#: After so many pages the log is copied into the database's file, 16 MB: a page that changed often is copied once.
WAL_PAGES = 4000
CONNECT_TIMEOUT_S = 10
#: For PostgreSQL's driver: a server that vanished without a word is noticed within half a minute.
VANISHED_SERVER = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
_DRIVERS = {"sqlite", "postgresql+psycopg"}


class Catalogue:
    """An open catalogue. Transactions are short: nobody holds one while printing, streaming or reading files.

    Both kinds of transaction raise CatalogueBusy for what passes (locked, connection lost, disk full) and
    CatalogueUnavailable for a database that is out of reach.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @property
    def place(self) -> str:
        """Name the database for people: the file, or the URL without its password."""
        path = sqlite_path(self.engine.url)
        return str(path) if path is not None else self.engine.url.render_as_string(hide_password=True)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection in one consistent read transaction, rolled back at the end; writing in it is refused."""
        of_postgresql = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        options = of_postgresql if self.is_postgresql else {"coverslip_reads": True}
        with self._told_as_it_is(), self.engine.connect().execution_options(**options) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection in one writing transaction: committed at the end, rolled back on an exception.

        On SQLite it begins IMMEDIATE: a deferred read-then-write would fail at once whatever the busy timeout.
        """
        with self._told_as_it_is(), self.engine.begin() as connection:
            yield connection

    @property
    def is_postgresql(self) -> bool:
        """Say whether this is PostgreSQL (else it is SQLite)."""
        return self.engine.dialect.name == "postgresql"

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextmanager
    def _told_as_it_is(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            told = meaning(error, self.place)
            if told is None:
                raise
            raise told from error


def open_catalogue(url: URL | str, *, create: bool = False) -> Catalogue:
    """Open a catalogue, for SQLite after a look at where it lies; ``create`` makes folder and file if missing.

    The version is not looked at: `catalog.migrations.runner` does that. Raises CatalogueUnavailable (missing,
    network file system, read-only, bad URL) and NoAccess (another account's).
    """
    parsed = _parsed(url)
    path = sqlite_path(parsed)
    if path is not None:
        check_place(path, mounts=read_mounts())
        if create:
            make_file(path)
        check_file(path)
    return Catalogue(open_engine(parsed))


def open_engine(url: URL | str) -> Engine:
    """Make the engine with this project's database rules (WAL, full sync, foreign keys, own BEGIN)."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(parsed, json_serializer=document_text, json_deserializer=read_document)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    arguments = {
        "connect_timeout": CONNECT_TIMEOUT_S,
        "options": "-c timezone=UTC",
        "application_name": "coverslip",
        **VANISHED_SERVER,
    }
    return create_engine(
        parsed,
        pool_pre_ping=True,
        connect_args=arguments,
        json_serializer=document_text,
        json_deserializer=read_document,
    )


def sqlite_path(url: URL | str) -> Path | None:
    """Give the file of an SQLite URL; None for PostgreSQL and for a database in memory."""
    parsed = make_url(url)
    is_file = parsed.get_backend_name() == "sqlite" and parsed.database not in {None, "", ":memory:"}
    return Path(str(parsed.database)) if is_file else None


def _parsed(url: URL | str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise CatalogueUnavailable(
            "catalog.url is no database URL; write sqlite:///catalog.db or postgresql+psycopg://…"
        ) from error
    if parsed.drivername not in _DRIVERS:
        raise CatalogueUnavailable(
            f"catalog.url names {parsed.drivername}, which is not supported; use sqlite or postgresql+psycopg"
        )
    return parsed


def _prepare_sqlite(dbapi_connection: Any, _record: object) -> None:
    # None: the driver must not begin transactions of its own; DDL then rolls back, too.
    dbapi_connection.isolation_level = None
    cursor = dbapi_connection.cursor()
    # recursive_triggers: else INSERT OR REPLACE would slip past the trigger that keeps events.
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    _write_ahead(cursor)
    for pragma in ("synchronous=FULL", "temp_store=MEMORY", "foreign_keys=ON", "recursive_triggers=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.execute(f"PRAGMA cache_size=-{PAGES_KEPT_KIB}")
    cursor.execute(f"PRAGMA wal_autocheckpoint={WAL_PAGES}")
    cursor.close()
    dbapi_connection.create_function(SQLITE_LOWER, 1, _lowered, deterministic=True)


def _write_ahead(cursor: sqlite3.Cursor) -> None:
    """Have changes written to a log beside the file, which is set once and stays.

    While another process sets it for a new file SQLite refuses at once, whatever the busy timeout: a first start must
    not fail because somebody looks.
    """
    ends_at, pause = time.monotonic() + BUSY_TIMEOUT_MS / 1000, threading.Event()
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > ends_at:
                raise
        else:
            return
        pause.wait(0.02)


def _lowered(text: object) -> object:
    return text.lower() if isinstance(text, str) else text


def _begin_sqlite(connection: Connection) -> None:
    reads = connection.get_execution_options().get("coverslip_reads", False)
    # A read that turns into a write would fail as "locked" beside another writer: refuse it always instead.
    connection.exec_driver_sql(f"PRAGMA query_only={'ON' if reads else 'OFF'}")
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
