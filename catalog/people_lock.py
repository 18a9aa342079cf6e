"""On PostgreSQL, keep roles as they were judged until the commit; on SQLite a writing transaction is alone anyway."""

from sqlalchemy import Connection, text

#: A key of this program's own for PostgreSQL's advisory locks.
_PEOPLE = 0x436F7665_72736C02


def people_stay(connection: Connection) -> None:
    """Hold off changes of people and groups until this transaction ends; any number may do so at once."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock_shared(:key)"), {"key": _PEOPLE})


def people_change(connection: Connection) -> None:
    """Be the only transaction that changes people and groups, with nobody acting on the roles meanwhile."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _PEOPLE})
