"""Copies the catalogue into one file while it is in use: as of one moment, whole or not there, durable."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from sqlalchemy.engine import URL

from catalog.engine import Catalogue, sqlite_path
from catalog.errors import BackupFailed

#: Beside the file that is being made: what a killed backup leaves can't be taken for one.
PARTIAL = ".partial"
_MODE = 0o600


def back_up(catalogue: Catalogue, target: Path) -> None:
    """Write the catalogue into a new file of mode 0600: SQLite as a database, PostgreSQL in pg_dump's custom format.

    Raises BackupFailed when the file exists or can't be written, or when PostgreSQL's pg_dump is not there.
    """
    source = sqlite_path(catalogue.engine.url)
    if source is not None:
        copy_sqlite(source, target)
    else:
        dump_postgresql(catalogue.engine.url, target)


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy a live SQLite database as of one moment into a new file, and look whether the copy is sound."""

    def write(partial: Path) -> None:
        try:
            with closing(sqlite3.connect(source)) as original, closing(sqlite3.connect(partial)) as copy:
                original.backup(copy)
                (verdict,) = copy.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.Error as error:
            raise BackupFailed(f"the backup {target} can't be written: {error}; is its disk full?") from error
        if verdict != "ok":
            raise BackupFailed(f"the catalogue {source} is damaged, a copy of it would be, too: {verdict}")

    _made_whole(target, write)


def has_pg_dump() -> bool:
    """Tell whether PostgreSQL's own program for backups is on this machine."""
    return shutil.which("pg_dump") is not None


def dump_postgresql(url: URL, target: Path) -> None:
    """Have pg_dump write a database into a new file; its password goes where others can't see it."""
    program = shutil.which("pg_dump")
    if program is None:
        raise BackupFailed(
            "there is no pg_dump on this machine; install PostgreSQL's client programs of the server's version, or run"
            " `pg_dump --format=custom` where the server is"
        )
    plain = url._replace(drivername="postgresql", password=None).render_as_string(hide_password=False)
    environment = dict(os.environ) | ({"PGPASSWORD": str(url.password)} if url.password else {})

    def write(partial: Path) -> None:
        command = [program, "--format=custom", "--no-password", f"--dbname={plain}"]
        with partial.open("wb") as file:
            done = subprocess.run(command, stdout=file, stderr=subprocess.PIPE, env=environment, check=False)
        if done.returncode != 0:
            lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["it gave no reason"]
            raise BackupFailed(f"the backup {target} can't be written: {lines[-1]}")

    _made_whole(target, write)


def _made_whole(target: Path, write: Callable[[Path], None]) -> None:
    """Have a file written beside its place, make it durable, then give it its name; nothing is ever overwritten."""
    partial = target.with_name(target.name + PARTIAL)
    if os.path.lexists(target):
        raise BackupFailed(f"{target}: there is such a file already; choose another name")
    try:
        partial.unlink(missing_ok=True)
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, _MODE))
    except OSError as error:
        raise BackupFailed(
            f"the backup {target} can't be made: {error.strerror}; name a file in a folder that this account may write"
        ) from error
    try:
        write(partial)
        _sync(partial)
        _name(partial, target)
        _sync(target.parent)
    except OSError as error:
        raise BackupFailed(f"the backup {target} can't be written: {error.strerror}") from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _name(partial: Path, target: Path) -> None:
    """Give a file its name if nothing has it: by a second link, or where there are none, over a place that is ours."""
    try:
        os.link(partial, target)
    except FileExistsError:
        raise
    except OSError:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, _MODE))
        partial.replace(target)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
