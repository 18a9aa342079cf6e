"""Changes rows behind the program's back, with the database's own checks off: what a checker must find."""

import sqlite3
from contextlib import closing

import psycopg

from catalog.engine import Catalogue


def plant(catalogue: Catalogue, *statements: str) -> None:
    """Run statements on a connection on which foreign keys and triggers are not watched."""
    url = catalogue.engine.url
    if catalogue.is_postgresql:
        address = url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute("SET session_replication_role = replica")
            for statement in statements:
                connection.execute(statement.encode())
        return
    with closing(sqlite3.connect(str(url.database), isolation_level=None)) as file:
        file.execute("PRAGMA ignore_check_constraints = ON")
        for statement in statements:
            file.execute(statement)
