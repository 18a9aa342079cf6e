"""Bring a catalogue to this program's version, or say what is to be done about another version.

Each migration runs in one transaction with its version, on both databases: killed before the commit, the old
version stands as it was.
"""

import os
import sqlite3
import uuid
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, insert, inspect, select, text

from catalog.engine import Catalogue, sqlite_path
from catalog.errors import CatalogueUnavailable
from catalog.models.people import CatalogueIdentity

#: All revisions in their order, the last is this program's. A test holds it and Alembic's own list together.
REVISIONS = ("0001",)
#: A key of this program's own for PostgreSQL's advisory locks: one migration at a time.
MIGRATION_LOCK = 0x436F7665_72736C01
_VERSION_TABLE = "alembic_version"


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrated:
    """What a migration did: ``before`` is None for a new catalogue, equal to ``after`` when nothing was to be done."""

    before: str | None
    after: str
    backup: Path | None = None


def migrate(catalogue: Catalogue, *, backup_to: Path | None = None, has_backup: bool = False) -> Migrated:
    """Make the schema, or bring an older one to this program's version; nothing happens to a current one.

    Call it under the ingest's lock. An older SQLite catalogue is first copied to ``backup_to`` (a new file, mode
    0600). For PostgreSQL the person makes the backup and says so with ``has_backup``.
    Raises CatalogueUnavailable for a newer or foreign database, and for a missing backup.
    """
    with catalogue.reading() as connection:
        before = _version(connection, catalogue.place)
    backup = None
    if before is not None and before != REVISIONS[-1]:
        backup = _back_up(catalogue, backup_to, has_backup=has_backup)
    with catalogue.writing() as connection:
        if catalogue.is_postgresql:
            connection.execute(select(text("pg_advisory_xact_lock(:key)")).params(key=MIGRATION_LOCK))
        if _version(connection, catalogue.place) != REVISIONS[-1]:
            _upgrade(connection)
            _identify(connection)
    return Migrated(before=before, after=REVISIONS[-1], backup=backup)


def require_current(catalogue: Catalogue) -> None:
    """Refuse a catalogue that is missing, older or newer than the program, saying what to do (exit code 5)."""
    with catalogue.reading() as connection:
        version = _version(connection, catalogue.place)
    if version is None:
        raise CatalogueUnavailable(
            f"there is no catalogue in {catalogue.place} yet; `coverslip run` or `coverslip admin migrate` makes it"
        )
    if version != REVISIONS[-1]:
        raise CatalogueUnavailable(
            f"the catalogue {catalogue.place} is of an older version ({version}, this program needs {REVISIONS[-1]});"
            " bring it up to date with `coverslip admin migrate`, or start the daemon, which does it"
        )


def identity(connection: Connection) -> str:
    """Give the UUID of this catalogue, which a copy shares and another database does not have."""
    return connection.execute(select(CatalogueIdentity.uuid)).scalar_one()


def _version(connection: Connection, place: str) -> str | None:
    """Give the revision of a database, None for an empty one; refuse newer and foreign ones."""
    tables = set(inspect(connection).get_table_names())
    if not tables:
        return None
    if _VERSION_TABLE not in tables or "experimenter" not in tables:
        raise CatalogueUnavailable(f"the database {place} holds something else than a catalogue; correct catalog.url")
    version = connection.execute(text(f"SELECT version_num FROM {_VERSION_TABLE}")).scalar_one_or_none()  # noqa: S608 - a constant
    if version not in REVISIONS:
        raise CatalogueUnavailable(
            f"the catalogue {place} is of a newer version ({version}) than this program ({REVISIONS[-1]});"
            " install the newer Coverslip, or go back to the backup made before the migration"
        )
    return str(version)


def _upgrade(connection: Connection) -> None:
    # Loaded here: only a migration needs Alembic, and every command passes by this module.
    from alembic import command
    from alembic.config import Config

    alembic = Config()
    alembic.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    alembic.attributes["connection"] = connection
    command.upgrade(alembic, "head")


def _identify(connection: Connection) -> None:
    if connection.execute(select(CatalogueIdentity.id)).first() is None:
        row = {"id": 1, "uuid": str(uuid.uuid4()), "created_at": datetime.now(UTC)}
        connection.execute(insert(CatalogueIdentity).values(row))


def _back_up(catalogue: Catalogue, backup_to: Path | None, *, has_backup: bool) -> Path | None:
    if has_backup:
        return None
    source = sqlite_path(catalogue.engine.url)
    if source is None:
        raise CatalogueUnavailable(
            f"the catalogue {catalogue.place} is of an older version and must be backed up before it is migrated:"
            " make a dump with `pg_dump --format=custom`, then run `coverslip admin migrate --has-backup`"
        )
    if backup_to is None:
        raise CatalogueUnavailable(
            f"the catalogue {source} is of an older version; `coverslip admin migrate` backs it up and migrates it"
        )
    copy_sqlite(source, backup_to)
    return backup_to


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy a live SQLite database as of one moment into a new file of mode 0600, durable when this returns."""
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise CatalogueUnavailable(
            f"the backup {target} can't be made: {error.strerror}; name another file, then try again"
        ) from error
    try:
        with closing(sqlite3.connect(source)) as original, closing(sqlite3.connect(target)) as copy:
            original.backup(copy)
    except sqlite3.Error as error:
        target.unlink()
        raise CatalogueUnavailable(f"the backup {target} can't be written: {error}; is its disk full?") from error
    _sync(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
