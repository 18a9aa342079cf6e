"""Tells cheaply whether anybody wrote to the database, so that whoever waits for news need not read it again."""

import logging
import sqlite3
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from catalog.engine import Catalogue

log = logging.getLogger(__name__)


class Changes:
    """Looks whether another connection, of whatever process, committed anything. For one thread.

    SQLite keeps a number for that, which is read in some microseconds without a transaction. PostgreSQL has nothing of
    the kind: there it may always be so.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._connection: Any = None
        self._seen: int | None = None

    def may_have_come(self) -> bool:
        """Tell whether anything may have been written since the last time this was asked; the first time it may."""
        if self._catalogue.is_postgresql:
            return True
        try:
            version = self._version()
        except (SQLAlchemyError, sqlite3.Error) as error:  # whoever reads the database next tells what is wrong with it
            log.debug("changes.unknown", extra={"problem": str(error)})
            self.close()
            return True
        before, self._seen = self._seen, version
        return version != before

    def forget(self) -> None:
        """Have the next question answered with yes: what was read since the last one may not have been enough."""
        self._seen = None

    def close(self) -> None:
        """Give the connection back."""
        connection, self._connection, self._seen = self._connection, None, None
        if connection is not None:
            connection.close()

    def _version(self) -> int:
        if self._connection is None:
            self._connection = self._catalogue.engine.raw_connection()
            self._connection.detach()  # the pool's are for transactions
        cursor = self._connection.cursor()
        try:
            return int(cursor.execute("PRAGMA data_version").fetchone()[0])
        finally:
            cursor.close()
