"""Fixtures that every height shares: catalogues on both databases, and the check that nothing is left behind."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from multiprocessing import util
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from catalog.engine import Catalogue, open_catalogue
from catalog.migrations.runner import migrate
from tests.helpers.examples import VARIABLE
from tests.helpers.leaks import Remains
from tests.helpers.postgresql import PostgresServer

#: Names the file to which long runs append what they counted.
REPORT = "COVERSLIP_FAULT_REPORT"


def pytest_configure(config: pytest.Config) -> None:
    """Try properties with the same examples in each run, however slow the machine is; the long runs look for others."""
    is_long = VARIABLE in os.environ or config.getoption("markexpr") == "faults_full"
    settings.register_profile(
        "coverslip", derandomize=not is_long, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("coverslip")


@pytest.fixture(scope="session", autouse=True)
def folder_of_multiprocessing() -> None:
    """Make the folder in which multiprocessing keeps its sockets: one a process, never inside a test's own."""
    util.get_temp_dir()


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test that leaves open files, threads, child processes or temporary files behind."""
    base = tmp_path_factory.getbasetemp()
    scratch = Path(tempfile.mkdtemp(prefix="scratch-", dir=base))
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    before = Remains.of_this_process(base)
    yield
    left = before.left_behind(base, scratch)
    shutil.rmtree(scratch, ignore_errors=True)
    if left:
        pytest.fail("the test leaves behind: " + "; ".join(left), pytrace=False)


@pytest.fixture
def counted(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Give what tells a count of a long run: on the terminal, and in the file that `make faults` shows at its end."""

    def tell(line: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n{line}\n")
        if REPORT in os.environ:
            with Path(os.environ[REPORT]).open("a", encoding="utf-8") as file:
                file.write(f"{request.node.name}: {line}\n")

    return tell


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Give a real PostgreSQL server of this test run; it failing is a failure, never a skip."""
    server = PostgresServer()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give an SQLite file with the whole schema, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    _prepare(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """Give the URL of an SQLite catalogue with the schema only."""
    path = tmp_path / "catalog.db"
    shutil.copy(sqlite_template, path)
    path.chmod(0o600)
    return f"sqlite:///{path}"


@pytest.fixture
def postgresql_url(postgres_server: PostgresServer) -> Iterator[str]:
    """Give the URL of a PostgreSQL catalogue with the schema only."""
    url = postgres_server.copy_of_template(_prepare)
    yield url
    postgres_server.drop(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Give the URL of an empty catalogue (schema only), on each database in turn."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def catalogue(database_url: str) -> Iterator[Catalogue]:
    """Give an empty catalogue, on each database in turn."""
    with closing(open_catalogue(database_url)) as opened:
        yield opened


@pytest.fixture
def catalogue_sqlite(sqlite_url: str) -> Iterator[Catalogue]:
    """Give an empty catalogue on SQLite, for what is only so there."""
    with closing(open_catalogue(sqlite_url)) as opened:
        yield opened


@pytest.fixture
def catalogue_postgresql(postgresql_url: str) -> Iterator[Catalogue]:
    """Give an empty catalogue on PostgreSQL, for what is only so there."""
    with closing(open_catalogue(postgresql_url)) as opened:
        yield opened


def _prepare(url: str) -> None:
    with closing(open_catalogue(url, create=True)) as opened:
        migrate(opened)
