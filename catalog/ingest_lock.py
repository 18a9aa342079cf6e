"""The ingest lock of a PostgreSQL catalogue: a session advisory lock on a connection of its own."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from catalog.engine import CONNECT_TIMEOUT_S, VANISHED_SERVER, Catalogue
from catalog.errors import LockLost

#: The pair of numbers that means "ingest into this catalogue" ("covr", "slip" in ASCII); locks are per database.
_KEYS = {"one": 0x636F7672, "two": 0x736C6970}
_TAKE = text("SELECT pg_try_advisory_lock(:one, :two)")
_GIVE_BACK = text("SELECT pg_advisory_unlock(:one, :two)")
_HELD = text(
    "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = :one AND objid = :two"
    " AND objsubid = 2 AND granted AND pid = pg_backend_pid()"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
)
_HOLDER = text(
    "SELECT activity.application_name, activity.backend_start FROM pg_locks AS lock"
    " JOIN pg_stat_activity AS activity ON activity.pid = lock.pid"
    " WHERE lock.locktype = 'advisory' AND lock.classid = :one AND lock.objid = :two AND lock.objsubid = 2"
    " AND lock.granted AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
_NAME = "coverslip-ingest"
#: PostgreSQL cuts an application's name after 63 bytes.
_NAME_BYTES = 63


class AdvisoryLock:
    """A held lock. The server lets go of it when the connection ends, whatever ended it."""

    def __init__(self, engine: Engine, connection: Connection) -> None:
        self._engine = engine
        self._connection: Connection | None = connection
        self._is_released = False
        self._guard = threading.Lock()

    def is_held(self) -> bool:
        """Ask the server; an error means that the lock is lost, until `take_again` gets it."""
        with self._guard:
            if self._connection is None:
                return False
            try:
                if self._connection.execute(_HELD, _KEYS).scalar_one():
                    return True
            except SQLAlchemyError:
                pass  # the connection is gone, and the lock with it: that is the answer
            self._close()
            return False

    def take_again(self) -> bool:
        """Take a lost lock once more, and tell whether it is held now; False while another session has it.

        Whoever had it meanwhile may have changed everything: the caller begins as after a start.
        """
        if self.is_held():
            return True
        with self._guard:
            if not self._is_released:
                with suppress(SQLAlchemyError):  # the server is out of reach, still
                    self._connection = _taken(self._engine)
            return self._connection is not None

    def release(self) -> None:
        """Unlock and end the connection; the server alone would unlock a moment later."""
        with self._guard:
            self._is_released = True
            if self._connection is not None:
                with suppress(SQLAlchemyError):
                    self._connection.execute(_GIVE_BACK, _KEYS)
            self._close()

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()
        self._engine.dispose()


def take_advisory_lock(engine: Engine, *, purpose: str = "run") -> AdvisoryLock | None:
    """Take the ingest lock of the catalogue that ``engine`` opens; None when another session holds it."""
    own = create_engine(
        engine.url,
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        connect_args={
            "application_name": _own_name(purpose),
            "connect_timeout": CONNECT_TIMEOUT_S,
            **VANISHED_SERVER,
        },
    )
    connection = _taken(own)
    if connection is not None:
        return AdvisoryLock(own, connection)
    own.dispose()
    return None


def _taken(engine: Engine) -> Connection | None:
    connection = engine.connect()
    try:
        if connection.execute(_TAKE, _KEYS).scalar_one():
            return connection
    except BaseException:
        connection.close()
        raise
    connection.close()
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionHolder:
    """Who holds the ingest, by the name that its session gave itself; None for what it did not tell."""

    pid: int | None
    host: str | None
    purpose: str | None
    started_at: datetime | None


def advisory_lock_holder(engine: Engine) -> SessionHolder | None:
    """Tell which session holds the ingest; None when none does."""
    with engine.connect() as connection:
        row = connection.execute(_HOLDER, _KEYS).first()
    if row is None:
        return None
    words = str(row.application_name).split(" ", 2)
    pid, _, host = words[2].partition("@") if len(words) == 3 else ("", "", "")
    if words[0] != _NAME or not pid.isdigit():
        return SessionHolder(pid=None, host=None, purpose=None, started_at=row.backend_start)
    return SessionHolder(pid=int(pid), host=host, purpose=words[1], started_at=row.backend_start)


def _own_name(purpose: str) -> str:
    name = f"{_NAME} {purpose} {os.getpid()}@{socket.gethostname()}"
    return name.encode("ascii", errors="replace")[:_NAME_BYTES].decode("ascii")


class FencedCatalogue(Catalogue):
    """A catalogue whose writing transactions are committed only while the ingest lock is held."""

    def __init__(self, engine: Engine, is_held: Callable[[], bool]) -> None:
        super().__init__(engine)
        self._is_held = is_held

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a writing transaction that is rolled back, with `LockLost`, when the lock was lost meanwhile."""
        with super().writing() as connection:
            yield connection
            if not self._is_held():
                raise LockLost(
                    f"the ingest lock of {self.place} was lost with its connection; it is taken again as soon as it can"
                )
