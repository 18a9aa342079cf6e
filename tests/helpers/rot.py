"""Bytes that change though nobody wrote the file, as a failing disk does it."""

import os
from pathlib import Path

import sqlalchemy

from catalog.engine import Catalogue
from catalog.models.ingest import Sighting


def flip(path: Path, *, at: int = -1) -> None:
    """Change one byte of a file in place; its modification time stays."""
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(at, os.SEEK_END if at < 0 else os.SEEK_SET)
        (byte,) = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 0xFF]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def rot(catalogue: Catalogue, path: Path, *, at: int = -1) -> None:
    """Flip a byte so that the look at the file stays the same.

    A failing disk does not touch the inode; a test can't help it, so it lets the catalogue know the new change time.
    (tests/faults/test_flipped_byte.py does it beneath a file system, where nothing has to be helped.)
    """
    flip(path, at=at)
    found = path.stat()
    statement = sqlalchemy.update(Sighting).where(
        Sighting.inode == found.st_ino, Sighting.name == os.fsencode(path.name)
    )
    with catalogue.writing() as connection:
        assert connection.execute(statement.values(ctime_ns=found.st_ctime_ns)).rowcount == 1
