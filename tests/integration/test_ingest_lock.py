"""The advisory lock of a PostgreSQL catalogue."""

import os
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from catalog.engine import Catalogue, open_engine
from catalog.errors import LockLost
from catalog.ingest_lock import FencedCatalogue, advisory_lock_holder, take_advisory_lock
from tests.helpers.postgresql import PostgresServer


@pytest.fixture
def postgres(postgres_server: PostgresServer) -> Iterator[Catalogue]:
    opened = Catalogue(open_engine(postgres_server.new_database()))
    yield opened
    opened.close()


def test_the_second_gets_none_and_can_tell_who_was_first(postgres: Catalogue) -> None:
    assert advisory_lock_holder(postgres.engine) is None
    lock = take_advisory_lock(postgres.engine)
    assert lock is not None
    assert lock.is_held()
    assert take_advisory_lock(postgres.engine) is None
    holder = advisory_lock_holder(postgres.engine)
    assert holder is not None
    assert (holder.pid, holder.purpose) == (os.getpid(), "run")
    lock.release()
    assert advisory_lock_holder(postgres.engine) is None


def test_two_catalogues_on_one_server_do_not_meet(postgres: Catalogue, postgres_server: PostgresServer) -> None:
    other = Catalogue(open_engine(postgres_server.new_database()))
    locks = [take_advisory_lock(postgres.engine), take_advisory_lock(other.engine)]
    for lock in locks:
        assert lock is not None
        lock.release()
    other.close()


def test_a_lost_connection_is_a_lost_lock(postgres: Catalogue) -> None:
    lock = take_advisory_lock(postgres.engine)
    assert lock is not None
    end_the_lock(postgres)
    assert not lock.is_held()
    assert not lock.is_held()
    again = take_advisory_lock(postgres.engine)
    assert again is not None
    again.release()
    lock.release()


def end_the_lock(catalogue: Catalogue) -> None:
    """End the session that holds the lock, as a server that is restarted does, and wait until it has ended."""
    with catalogue.engine.connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid, 120000) FROM pg_stat_activity"
                " WHERE application_name LIKE 'coverslip-ingest%' AND datname = current_database()"
            )
        )


def write_while_the_lock_goes(catalogue: Catalogue) -> None:
    with catalogue.writing() as connection:
        connection.execute(text("INSERT INTO kept VALUES (1)"))
        end_the_lock(catalogue)


def test_a_lost_lock_is_taken_again_unless_another_has_it(postgres: Catalogue) -> None:
    lock = take_advisory_lock(postgres.engine)
    assert lock is not None
    assert lock.take_again()
    end_the_lock(postgres)
    assert not lock.is_held()
    other = take_advisory_lock(postgres.engine)
    assert other is not None
    assert not lock.take_again()
    other.release()
    assert lock.take_again()
    assert lock.is_held()
    lock.release()
    assert not lock.take_again()
    assert advisory_lock_holder(postgres.engine) is None


def test_nothing_is_committed_without_the_lock(postgres: Catalogue) -> None:
    lock = take_advisory_lock(postgres.engine)
    assert lock is not None
    fenced = FencedCatalogue(postgres.engine, lock.is_held)
    with fenced.writing() as connection:
        connection.execute(text("CREATE TABLE kept (id integer)"))
    with pytest.raises(LockLost):
        write_while_the_lock_goes(fenced)
    with fenced.reading() as connection:
        assert connection.scalar(text("SELECT count(*) FROM kept")) == 0
    assert lock.take_again()
    with fenced.writing() as connection:
        connection.execute(text("INSERT INTO kept VALUES (1)"))
    with fenced.reading() as connection:
        assert connection.scalar(text("SELECT count(*) FROM kept")) == 1
    lock.release()
    fenced.close()
