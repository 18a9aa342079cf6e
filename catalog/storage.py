"""Where an SQLite catalogue may lie: file systems that are refused, and the modes of its folder and file."""

import os
from collections.abc import Iterable
from pathlib import Path

from catalog.errors import CatalogueUnavailable, NoAccess
from config.mount_table import Mount, mount_of

#: SQLite's locks and shared memory do not work on these, or not between computers.
REFUSED = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse", "fuseblk", "virtiofs", "ceph", "lustre", "afs", "beegfs"}
)


def is_refused(file_system: str) -> bool:
    """Say whether SQLite must not be used on this type of file system."""
    return file_system in REFUSED or file_system.startswith("fuse.")


def check_place(path: Path, *, mounts: Iterable[Mount]) -> None:
    """Refuse a database file on a network or user-space file system."""
    mount = mount_of(os.fsencode(path.resolve()), mounts)
    if mount is not None and is_refused(mount.file_system):
        raise CatalogueUnavailable(
            f"the catalogue {path} lies on {mount.file_system}, where SQLite can lose data;"
            " put state_dir on a local disk, or use PostgreSQL (catalog: url: postgresql+psycopg://…)"
        )


def make_file(path: Path) -> None:
    """Make the folder (mode 0700) and an empty database file (mode 0600) where they are missing."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CatalogueUnavailable(
            f"the catalogue {path} can't be made: {error.strerror}; give the program a state_dir it can write"
        ) from error
    os.close(descriptor)


def check_file(path: Path) -> None:
    """Refuse a database that is missing, or that this account or its file system does not let be written.

    Raises CatalogueUnavailable when it is missing or the file system is read-only, NoAccess when the account
    has no right to it.
    """
    try:
        is_there = path.is_file()
        path.parent.stat()
    except PermissionError as error:
        raise _no_access(path) from error
    except OSError as error:
        raise _missing(path) from error
    if not is_there:
        if path.parent.exists() and not os.access(path.parent, os.X_OK):
            raise _no_access(path)
        raise _missing(path)
    for place in (path, path.parent):
        if not os.access(place, os.W_OK):
            raise _read_only(path) if _is_read_only(place) else _no_access(path)


def _missing(path: Path) -> CatalogueUnavailable:
    return CatalogueUnavailable(
        f"there is no catalogue at {path}; `coverslip init` or `coverslip run` makes it, or check catalog.url"
    )


def _read_only(path: Path) -> CatalogueUnavailable:
    return CatalogueUnavailable(
        f"the catalogue {path} lies on a read-only file system; make state_dir {path.parent} writable again"
    )


def _no_access(path: Path) -> NoAccess:
    return NoAccess(f"this account can't use the catalogue {path}; run the command as the service's account or as root")


def _is_read_only(place: Path) -> bool:
    return bool(os.statvfs(place).f_flag & os.ST_RDONLY)
