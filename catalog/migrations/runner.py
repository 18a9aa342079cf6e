"""Bring a catalogue to this program's version, or say what is to be done about another version.

Each migration runs in one transaction with its version, on both databases: killed before the commit, the old
version stands as it was.
"""

import itertools
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, insert, inspect, select, text

from catalog.backup import PARTIAL, back_up, has_pg_dump
from catalog.engine import Catalogue, sqlite_path
from catalog.errors import BackupFailed, CatalogueUnavailable
from catalog.models.people import CatalogueIdentity

#: All revisions in their order, the last is this program's. A test holds it and Alembic's own list together.
REVISIONS = ("0001_2026_11_26",)
#: What revisions from before the first release begin with: their tables were others, and nothing migrates them.
BEFORE_RELEASE = "0001"
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

    Call it under the ingest's lock. An older catalogue is first backed up to ``backup_to`` (a new file, mode 0600).
    On PostgreSQL this needs pg_dump; without it a person makes the backup and says so with ``has_backup``.
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
    if version not in REVISIONS and str(version).startswith(BEFORE_RELEASE):
        raise CatalogueUnavailable(
            f"the catalogue {place} was made by a Coverslip from before the first release ({version}; this program"
            f" needs {REVISIONS[-1]}), and there is no way from one to the other: keep it with the program that made"
            " it, or set another state_dir or catalog.url and import anew; images are not touched by either"
        )
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
    if source is None and (backup_to is None or not has_pg_dump()):
        raise CatalogueUnavailable(
            f"the catalogue {catalogue.place} is of an older version and must be backed up before it is migrated:"
            " make one with `coverslip backup FILE` of the older program, or `pg_dump --format=custom`, then run"
            " `coverslip admin migrate --has-backup`"
        )
    if backup_to is None:
        raise CatalogueUnavailable(
            f"the catalogue {source} is of an older version; `coverslip admin migrate` backs it up and migrates it"
        )
    backup_to = _free_name(backup_to)
    for left in backup_to.parent.glob(f"*{PARTIAL}"):
        left.unlink()  # of a migration that was killed while it made its backup
    try:
        back_up(catalogue, backup_to)
    except BackupFailed as error:
        raise CatalogueUnavailable(str(error)) from error
    return backup_to


def _free_name(wanted: Path) -> Path:
    """Give a name that is free: one that was killed after its backup may be tried again within the same second."""
    names = (wanted.with_name(f"{wanted.stem}-{number}{wanted.suffix}") for number in itertools.count(2))
    return next(name for name in itertools.chain([wanted], names) if not name.exists())
