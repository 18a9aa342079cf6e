"""Making a place for Coverslip: the configuration file, the state directory, the catalogue."""

import os
import pwd
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from catalog.engine import Catalogue, open_catalogue
from catalog.ingest_lock import advisory_lock_holder, take_advisory_lock
from catalog.migrations.runner import Migrated, migrate
from config.example import example_file
from config.loader import load
from config.problems import ConfigurationError
from config.secrets import catalogue_url
from config.settings import Settings
from daemon.access import become_owner_of
from daemon.errors import AnotherInstance, Failed
from daemon.files import write_new
from daemon.locks import Holder, IngestLock, lock_file

SERVICE_ACCOUNT = "coverslip"
SYSTEM_CONFIGURATION = Path("/etc/coverslip/coverslip.yaml")
SYSTEM_STATE = Path("/var/lib/coverslip")


def default_configuration() -> Path:
    """Give where a new configuration goes when nobody says: the current folder, for root, too (no surprise in /etc)."""
    return Path("coverslip.yaml")


def default_state(configuration: Path) -> Path:
    """Give where the state goes: beside the configuration, unless that is the system's."""
    if configuration.resolve().is_relative_to(SYSTEM_CONFIGURATION.parent):
        return SYSTEM_STATE
    return configuration.resolve().parent / "coverslip-state"


def configuration_text(roots: Sequence[Path], state_dir: Path, rules: Mapping[str, str] | None = None) -> str:
    """Give a commented configuration for these roots and this state directory; ``rules`` by root, where there are."""
    try:
        return example_file(roots, state_dir=state_dir, rules=rules)
    except ValueError as error:
        raise Failed(f"{state_dir}: {error}; name another folder with --state-dir") from error


def write_configuration(path: Path, text: str) -> Settings:
    """Write a new configuration and read it again; one that is wrong is removed, and its problems are raised."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    write_new(path, text.encode("utf-8", "surrogateescape"))
    try:
        path.chmod(0o644)
        return load(path, environ=os.environ)
    except ConfigurationError:
        path.unlink()
        raise


def make_state_dir(state_dir: Path) -> None:
    """Make the state directory (0700); root gives it to the service's account where there is one."""
    try:
        state_dir.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        if not state_dir.is_dir():
            raise Failed(f"{state_dir} is no folder; set state_dir to one, or remove the file") from None
        return
    if os.geteuid() != 0:
        return
    try:
        account = pwd.getpwnam(SERVICE_ACCOUNT)
    except KeyError:
        return
    os.chown(state_dir, account.pw_uid, account.pw_gid)


def make_catalogue(settings: Settings, *, now: datetime, has_backup: bool = False) -> Migrated:
    """Make the catalogue, or bring an older one up to date after a backup, under the ingest's lock."""
    make_state_dir(settings.state_dir)
    become_owner_of(settings.state_dir)
    with ExitStack() as ending:
        catalogue = open_catalogue(catalogue_url(settings, os.environ), create=True)
        ending.callback(catalogue.close)
        ending.callback(locked(catalogue, settings.state_dir, now).release)
        backup = settings.state_dir / f"catalog-before-migration-{now:%Y%m%dT%H%M%SZ}.db"
        return migrate(catalogue, backup_to=backup, has_backup=has_backup)


def locked(catalogue: Catalogue, state_dir: Path, now: datetime) -> IngestLock:
    """Take the ingest's lock of a catalogue, or raise AnotherInstance naming who has it."""
    if not catalogue.is_postgresql:
        return lock_file(state_dir, now=now, purpose="import")
    with catalogue.reading():
        pass  # a server out of reach is told here, in a sentence
    lock = take_advisory_lock(catalogue.engine, purpose="import")
    if lock is None:
        holder = advisory_lock_holder(catalogue.engine)
        if holder is None:
            raise AnotherInstance(Holder(pid=None, host=None, started_at=None))
        raise AnotherInstance(Holder(pid=holder.pid, host=holder.host, started_at=holder.started_at))
    return lock
