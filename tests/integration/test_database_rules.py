"""The database's rules: what is refused, what holds by constraint, and what a killed or impossible migration leaves."""

import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import delete, insert, inspect, select, text, update
from sqlalchemy.exc import DatabaseError, IntegrityError

from catalog import engine as engine_module
from catalog.engine import Catalogue, open_catalogue
from catalog.errors import CatalogueBusy, CatalogueUnavailable
from catalog.events import NewEvent, record
from catalog.migrations import runner
from catalog.migrations.runner import identity, migrate, require_current
from catalog.models.containers import Dataset, DatasetImageLink, Project
from catalog.models.images import Image
from catalog.models.ingest import Event
from catalog.storage import is_refused
from config.mount_table import mount_of, parse_mounts
from tests.helpers.postgresql import PostgresServer
from tests.helpers.site import NOW, GeneratedSite, Owned, SiteLink, SiteUser, fill

MOUNTS = b"""\
22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
30 22 0:40 / /mnt/my\\040share rw shared:5 - nfs4 server:/x rw
31 30 8:2 / /mnt/my\\040share/local rw - xfs /dev/sdb1 rw
32 22 0:41 / /mnt/gone rw - fuse.sshfs host:/ rw
33 22 0:42 / /mnt/plan9 rw - 9p host rw
34 22 0:43 / /mnt/windows rw - cifs //host/x rw
"""


@pytest.mark.parametrize(
    ("path", "kind", "refused"),
    [
        ("/var/lib/coverslip/catalog.db", "ext4", False),
        ("/mnt/my share/catalog.db", "nfs4", True),
        ("/mnt/my share/local/catalog.db", "xfs", False),
        ("/mnt/gone/x/catalog.db", "fuse.sshfs", True),
        ("/mnt/plan9/catalog.db", "9p", True),
        ("/mnt/windows/catalog.db", "cifs", True),
        ("/mnt/windows2/catalog.db", "ext4", False),
    ],
)
def test_sqlite_is_refused_on_network_and_user_space_file_systems(path: str, kind: str, refused: bool) -> None:
    mount = mount_of(os.fsencode(path), parse_mounts(MOUNTS))
    assert mount is not None
    assert mount.file_system == kind
    assert is_refused(kind) is refused


def test_a_catalogue_on_a_network_mount_is_refused_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = parse_mounts(os.fsencode(f"30 22 0:40 / {tmp_path} rw - nfs4 server:/x rw\n"))
    monkeypatch.setattr(engine_module, "read_mounts", lambda: mounts)
    with pytest.raises(CatalogueUnavailable, match="nfs4, where SQLite can lose data; put state_dir on a local disk"):
        open_catalogue(f"sqlite:///{tmp_path}/state/catalog.db", create=True)
    assert not (tmp_path / "state").exists()


def test_a_new_catalogue_is_for_its_account_only(tmp_path: Path) -> None:
    with closing(open_catalogue(f"sqlite:///{tmp_path}/state/catalog.db", create=True)) as made:
        migrate(made)
        modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "state").iterdir()}
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    assert set(modes.values()) == {0o600}


def test_a_missing_catalogue_is_said_to_be_missing_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(CatalogueUnavailable, match="there is no catalogue at"):
        open_catalogue(f"sqlite:///{tmp_path}/state/catalog.db")
    assert not (tmp_path / "state").exists()


def test_an_unknown_kind_of_database_is_refused() -> None:
    with pytest.raises(CatalogueUnavailable, match="mysql"):
        open_catalogue("mysql://host/db")


def test_a_password_is_never_part_of_a_message() -> None:
    url = "postgresql+psycopg://me:sesame@127.0.0.1:1/nowhere"
    with (
        closing(open_catalogue(url)) as opened,
        pytest.raises(CatalogueBusy, match="out of reach") as caught,
        opened.reading() as connection,
    ):
        connection.execute(text("SELECT 1"))
    assert "sesame" not in str(caught.value)


def test_sqlite_runs_by_its_rules(catalogue_sqlite: Catalogue) -> None:
    with catalogue_sqlite.reading() as connection:
        rules = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert rules == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}


def test_a_reading_transaction_can_not_write(catalogue: Catalogue) -> None:
    with pytest.raises((DatabaseError, CatalogueUnavailable)), catalogue.reading() as connection:
        record(connection, NewEvent(what="never", at=NOW, via="test"))


def test_a_locked_database_is_busy_and_worth_another_try(catalogue_sqlite: Catalogue) -> None:
    with catalogue_sqlite.writing(), closing(open_catalogue(str(catalogue_sqlite.engine.url))) as other:
        with other.reading() as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout=1")
        with pytest.raises(CatalogueBusy, match="locked"), other.writing():
            pass


def test_a_new_file_that_another_process_begins_to_write_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")  # no log is written ahead yet: the change to one is refused at once
        with pytest.raises(sqlite3.OperationalError, match="locked"), closing(sqlite3.connect(path)) as plain:
            plain.execute("PRAGMA journal_mode=WAL")
        threading.Timer(0.3, other.execute, ("COMMIT",)).start()
        with closing(open_catalogue(f"sqlite:///{path}", create=True)) as opened, opened.reading() as connection:
            assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"


def test_events_can_be_added_and_never_changed(catalogue: Catalogue) -> None:
    with catalogue.writing() as connection:
        record(connection, NewEvent(what="made", at=NOW, via="test"))
    for statement in (
        update(Event).values(what="forged"),
        delete(Event),
        text("INSERT OR REPLACE INTO event (id, at, via, what) VALUES (1, '2026-01-01', 'x', 'forged')")
        if not catalogue.is_postgresql
        else text("TRUNCATE event"),
    ):
        with pytest.raises(DatabaseError, match="append-only"), catalogue.writing() as connection:
            connection.execute(statement)
    with catalogue.reading() as connection:
        assert connection.execute(select(Event.what)).scalars().all() == ["made"]


TWO_GROUPS = GeneratedSite(
    users=(SiteUser(),),
    levels=("read-write", "read-write"),
    datasets=(Owned(owner=1, group=1),),
    images=(Owned(owner=1, group=1),),
    in_datasets=(SiteLink(parent=1, child=1, owner=1),),
)


def test_linked_objects_move_to_another_group_together_or_not_at_all(catalogue: Catalogue) -> None:
    with catalogue.writing() as connection:
        fill(connection, TWO_GROUPS)
    with pytest.raises(IntegrityError), catalogue.writing() as connection:
        connection.execute(update(Image).values(group_id=2))
    with catalogue.writing() as connection:
        for model in (Image, Dataset, DatasetImageLink):
            connection.execute(update(model).values(group_id=2))
    with catalogue.reading() as connection:
        assert connection.execute(select(DatasetImageLink.group_id)).scalar_one() == 2


def test_an_id_is_never_given_twice(catalogue: Catalogue) -> None:
    with catalogue.writing() as connection:
        fill(connection, GeneratedSite(users=(SiteUser(),), levels=("private",)))
        values = {"name": "x", "owner_id": 1, "group_id": 1, "created_at": NOW, "updated_at": NOW}
        numbers = []
        for _ in range(2):
            numbers.append(connection.execute(insert(Project).returning(Project.id), values).scalar_one())
            connection.execute(delete(Project))
    assert numbers[1] > numbers[0]


def test_the_known_revisions_are_alembics_own() -> None:
    alembic = Config()
    alembic.set_main_option("script_location", str(Path(runner.__file__).parent))
    found = [revision.revision for revision in ScriptDirectory.from_config(alembic).walk_revisions()]
    assert tuple(reversed(found)) == runner.REVISIONS


def test_migrating_a_current_catalogue_changes_nothing(catalogue: Catalogue) -> None:
    with catalogue.reading() as connection:
        before = identity(connection)
    done = migrate(catalogue)
    assert (done.before, done.after, done.backup) == (runner.REVISIONS[-1], runner.REVISIONS[-1], None)
    require_current(catalogue)
    with catalogue.reading() as connection:
        assert identity(connection) == before


def test_an_empty_a_newer_and_a_foreign_database_are_refused_with_what_to_do(
    catalogue: Catalogue, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    with catalogue.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for deed in (require_current, migrate):
        with pytest.raises(CatalogueUnavailable, match=r"newer version \(9999\)"):
            deed(catalogue)
    with catalogue.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    for deed in (require_current, migrate):
        with pytest.raises(CatalogueUnavailable, match=r"before the first release \(0001; .*set another state_dir"):
            deed(catalogue)
    is_server = catalogue.is_postgresql
    url = postgres_server.new_database() if is_server else f"sqlite:///{tmp_path / 'other.db'}"
    with closing(open_catalogue(url, create=True)) as other:
        with pytest.raises(CatalogueUnavailable, match="there is no catalogue in"):
            require_current(other)
        with other.writing() as connection:
            connection.execute(text("CREATE TABLE shopping (item VARCHAR(9))"))
        with pytest.raises(CatalogueUnavailable, match="holds something else"):
            migrate(other)


def test_an_older_catalogue_is_refused_and_backed_up_before_it_is_migrated(
    catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = runner.REVISIONS
    monkeypatch.setattr(runner, "REVISIONS", (*runner.REVISIONS, "0002"))
    monkeypatch.setattr(runner, "_upgrade", lambda connection: None)
    with pytest.raises(CatalogueUnavailable, match=r"older version .*`coverslip admin migrate`"):
        require_current(catalogue)
    with pytest.raises(CatalogueUnavailable, match="admin migrate"):
        migrate(catalogue)
    if catalogue.is_postgresql:
        assert migrate(catalogue, has_backup=True).backup is None
        return
    backup = tmp_path / "backup.db"
    assert migrate(catalogue, backup_to=backup).backup == backup
    assert backup.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(backup)) as copy:
        assert copy.execute("SELECT version_num FROM alembic_version").fetchone() == before
    assert migrate(catalogue, backup_to=backup).backup == tmp_path / "backup-2.db", "nothing is overwritten"


#: Makes the schema in a process that dies before the commit.
KILLED = """
import os, signal, sys
from catalog.engine import open_catalogue
from catalog.migrations import runner
made = open_catalogue(sys.argv[1], create=True)
runner._identify = lambda connection: os.kill(os.getpid(), signal.SIGKILL)
runner.migrate(made)
"""


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_migration_that_is_killed_leaves_the_old_version(
    database: str, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    url = postgres_server.new_database() if database == "postgresql" else f"sqlite:///{tmp_path / 'new.db'}"
    killed = subprocess.run([sys.executable, "-c", KILLED, url], check=False, env={**os.environ, "PYTHONPATH": "."})
    assert killed.returncode == -9
    with closing(open_catalogue(url, create=True)) as again:
        with again.reading() as connection:
            assert inspect(connection).get_table_names() == []
        assert migrate(again).before is None
        require_current(again)
