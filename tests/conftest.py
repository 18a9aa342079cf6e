"""Fixtures that every height shares: catalogues on both databases, and the check that nothing is left behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.engine import Catalogue, open_engine
from catalog.models.all import metadata
from tests.helpers.postgresql import PostgresServer


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """Give a real PostgreSQL server of this test run; it failing is a failure, never a skip."""
    server = PostgresServer(tmp_path_factory.mktemp("postgresql"))
    yield server
    server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def catalogue(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalogue]:
    """Give an empty catalogue, on each database in turn."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'catalog.db'}"
    else:
        url = request.getfixturevalue("postgres_server").new_database()
    opened = Catalogue(open_engine(url))
    metadata.create_all(opened.engine)
    yield opened
    opened.close()
