"""The tables as they are: a migrated schema is a fresh one, history can't be rewritten, groups hold together."""

from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy import Connection, inspect, text

from catalog.engine import Catalogue, open_engine
from catalog.models.all import metadata
from tests.helpers import first_revision
from tests.helpers.postgresql import PostgresServer


def test_every_table_of_the_models_exists(catalogue: Catalogue) -> None:
    assert set(sqlalchemy.inspect(catalogue.engine).get_table_names()) >= set(metadata.tables)


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_the_first_revision_is_written_from_the_tables(dialect: str) -> None:
    written = first_revision.path(dialect).read_text()
    assert written == first_revision.statements(dialect), "run `python -m tests.helpers.first_revision`"


def test_a_migrated_schema_equals_a_fresh_one_on_sqlite(catalogue_sqlite: Catalogue, tmp_path: Path) -> None:
    fresh = open_engine(f"sqlite:///{tmp_path / 'fresh.db'}")
    metadata.create_all(fresh)
    with fresh.connect() as other, catalogue_sqlite.reading() as migrated:
        assert _sqlite_schema(migrated) == _sqlite_schema(other)
    fresh.dispose()


def test_a_migrated_schema_equals_a_fresh_one_on_postgresql(
    catalogue_postgresql: Catalogue, postgres_server: PostgresServer
) -> None:
    url = postgres_server.new_database()
    fresh = open_engine(url)
    metadata.create_all(fresh)
    with fresh.connect() as other, catalogue_postgresql.reading() as migrated:
        assert _postgresql_schema(migrated) == _postgresql_schema(other)
    fresh.dispose()
    postgres_server.drop(url)


def test_sizes_are_64_bit(catalogue_postgresql: Catalogue) -> None:
    inspector = inspect(catalogue_postgresql.engine)
    types = {
        (table, column["name"]): str(column["type"])
        for table in metadata.tables
        for column in inspector.get_columns(table)
        if column["name"].endswith(("_bytes", "_ns", "_id", "inode")) or column["name"] == "id"
    }
    assert {place for place, kind in types.items() if kind != "BIGINT"} == set()


def _sqlite_schema(connection: Connection) -> set[tuple[str, str]]:
    query = text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'alembic%'")
    return {(name, " ".join(sql.split())) for name, sql in connection.execute(query)}


def _postgresql_schema(connection: Connection) -> set[tuple[str, ...]]:
    """Give columns, constraints, indexes and triggers as PostgreSQL itself describes them."""
    queries = (
        "SELECT table_name, column_name, data_type, is_nullable, coalesce(column_default, ''),"
        " coalesce(character_maximum_length::text, '') FROM information_schema.columns WHERE table_schema = 'public'",
        "SELECT conrelid::regclass::text, conname::text, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = 'public'::regnamespace",
        "SELECT tablename::text, indexname::text, indexdef FROM pg_indexes WHERE schemaname = 'public'",
        "SELECT tgrelid::regclass::text, tgname::text, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    )
    rows = {tuple(row) for query in queries for row in connection.execute(text(query))}
    return {row for row in rows if row[0] != "alembic_version"}
