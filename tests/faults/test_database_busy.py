"""Fault 12: a database that somebody else holds locked is waited for."""

import sqlite3
import threading
from contextlib import closing

from tests.faults.conftest import Facility
from tests.helpers.pictures import put, tiff_bytes

ADA = "smith-lab/ab3c/p/d"


def test_a_locked_database_is_waited_for(facility: Facility) -> None:
    put(facility.data / ADA / "one.tif", tiff_bytes(1))
    assert facility.run("import").code == 0
    put(facility.data / ADA / "two.tif", tiff_bytes(2))
    with closing(sqlite3.connect(facility.state / "catalog.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        importing = threading.Thread(target=lambda: facility.run("import"), name="import")
        importing.start()
        importing.join(4)
        assert importing.is_alive()
        other.execute("ROLLBACK")
        importing.join(60)
    assert facility.violations({f"{ADA}/one.tif": 1, f"{ADA}/two.tif": 1}) == []
