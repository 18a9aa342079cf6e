"""Tell what a database error means: try again later, out of reach, or a mistake of the program (None)."""

import sqlite3
import sys
from typing import TYPE_CHECKING, TypeGuard

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from catalog.errors import CatalogueBusy, CatalogueUnavailable

if TYPE_CHECKING:
    import psycopg

#: SQLSTATE classes and codes that pass: connection, rollback by deadlock or conflict, resources, shutdown, lock.
_PASSING_STATES = ("08", "40", "53", "57P", "55P03", "25006", "58")
_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_PASSING = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PROTOCOL}


def meaning(error: BaseException, place: str) -> CatalogueUnavailable | None:
    """Give the error for people that a database error amounts to, or None when it is none of these.

    ``place`` names the database, without its password. CatalogueBusy is worth another try.
    """
    if isinstance(error, PoolTimeoutError):
        return CatalogueBusy(f"the catalogue {place} has no free connection; try again")
    if not isinstance(error, DBAPIError):
        return None
    if isinstance(error.orig, sqlite3.Error):
        return _of_sqlite(error.orig, place)
    if _is_of_postgresql(error.orig):
        return _of_postgresql(error.orig, place, is_lost=error.connection_invalidated)
    return None


def _is_of_postgresql(error: BaseException | None) -> "TypeGuard[psycopg.Error]":
    """Ask the driver only where it is in use: importing it costs a command on SQLite a tenth of a second."""
    driver = sys.modules.get("psycopg")
    return driver is not None and isinstance(error, driver.Error)


def _of_sqlite(error: sqlite3.Error, place: str) -> CatalogueUnavailable | None:
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return None
    primary = code & 0xFF
    if primary in _LOCKED:
        return CatalogueBusy(f"the catalogue {place} is locked by another process; try again in a moment")
    if primary == sqlite3.SQLITE_FULL:
        return CatalogueBusy(f"no space is left for the catalogue {place}; free some on its disk")
    if primary in _PASSING:
        hint = "see that its disk works and has space, and check its mode"
        return CatalogueBusy(f"the catalogue {place} can't be read or written now ({error}); {hint}")
    if primary in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return CatalogueUnavailable(f"the catalogue {place} is damaged or no SQLite database; restore the last backup")
    return None


def _of_postgresql(error: "psycopg.Error", place: str, *, is_lost: bool) -> CatalogueUnavailable | None:
    state = error.sqlstate
    reason = " ".join(str(error).split())
    if state is not None and state.startswith(("28", "3D")):
        return CatalogueUnavailable(f"PostgreSQL refuses the catalogue {place}: {reason}; check catalog.url")
    is_operational = isinstance(error, sys.modules["psycopg"].OperationalError)
    if is_lost or (state is None and is_operational):
        return CatalogueBusy(f"the catalogue {place} is out of reach: {reason}; is PostgreSQL running?")
    if state is not None and state.startswith(_PASSING_STATES):
        return CatalogueBusy(f"the catalogue {place} can't be used now: {reason}; try again in a moment")
    return None
