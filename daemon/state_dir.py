"""The state directory: the only place where the daemon writes, made ready before anything else."""

import os
import shutil
import tempfile
from pathlib import Path

from catalog.errors import CatalogueUnavailable

#: A socket's path may have 107 bytes; the fork server's needs this many below the folder for temporary files.
_ROOM_FOR_SOCKET = 45
_SOCKET_PATH_BYTES = 107


def prepare_state_dir(state_dir: Path) -> None:
    """Make the directory (mode 0700) if it is missing, and see that it can be written. Raises CatalogueUnavailable."""
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".probe-", dir=state_dir)
        os.close(handle)
        Path(name).unlink()
    except OSError as error:
        raise CatalogueUnavailable(
            f"the state directory {state_dir} can't be written: {error.strerror};"
            " give it to the account that runs coverslip, or name another one with state_dir"
        ) from error


def use_own_temporary_folder(state_dir: Path) -> Path:
    """Empty the folder for temporary files in the state directory, and have everything use it; under the lock only."""
    folder = state_dir / "tmp"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    short = folder
    if len(os.fsencode(folder)) + _ROOM_FOR_SOCKET > _SOCKET_PATH_BYTES:
        # Through an open descriptor the path is short, however long the real one is. It stays open.
        short = Path(f"/proc/self/fd/{os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)}")
    for name in ("TMPDIR", "SQLITE_TMPDIR"):
        os.environ[name] = str(folder)
    tempfile.tempdir = str(short)
    return folder
