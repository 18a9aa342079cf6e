"""One ingest per catalogue: whoever comes second is refused and told who was first."""

import contextlib
import fcntl
import json
import os
import socket
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Protocol

from daemon.errors import AnotherInstance
from ingest.held_lock import HeldLock

LOCK_NAME = "ingest.lock"
#: What a process holds the ingest for: the daemon takes requests, a one-shot import does not.
Purpose = Literal["run", "import"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds the ingest; None for what could not be read."""

    pid: int | None
    host: str | None
    started_at: datetime | None
    purpose: str | None = None

    @property
    def takes_requests(self) -> bool:
        """Tell whether it is a daemon, which can be handed a request."""
        return self.purpose == "run"

    def __str__(self) -> str:
        """Say it for people: ``pid 17 on scope-pc since 2026-03-01 09:00:00 UTC``."""
        words = [f"pid {self.pid}" if self.pid is not None else "its process is not known"]
        if self.host is not None:
            words.append(f"on {self.host}")
        if self.started_at is not None:
            words.append(f"since {self.started_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC")
        return " ".join(words)


class IngestLock(HeldLock, Protocol):
    """The right to ingest, as the service keeps it."""

    def release(self) -> None:
        """Give it back."""
        ...


class FileLock:
    """The lock of an SQLite catalogue: a file in the state directory that nobody ever removes.

    The kernel lets go of it when the process ends, however it ends. Its descriptor is not inherited: workers that
    outlived a killed parent would hold it.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def is_held(self) -> bool:
        """Tell whether it was not released."""
        return self._descriptor is not None

    def take_again(self) -> bool:
        """Tell whether it was not released: the kernel takes it from nobody who lives."""
        return self.is_held()

    def release(self) -> None:
        """Empty the file and let the next one in."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with contextlib.suppress(OSError):  # a full or read-only disk must not stop the shutdown
                os.ftruncate(descriptor, 0)
            os.close(descriptor)


def lock_file(state_dir: Path, *, now: datetime, purpose: Purpose = "run") -> FileLock:
    """Take the lock of a state directory, or raise `AnotherInstance`."""
    path = state_dir / LOCK_NAME
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        _take(descriptor)
        with contextlib.suppress(OSError):  # who holds it is for people: a full disk keeps nobody from holding it
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, _describe(now, purpose), 0)
    except BaseException:
        os.close(descriptor)
        raise
    return FileLock(descriptor)


def _take(descriptor: int) -> None:
    """Take the lock or raise; a command that only asks who holds it (`file_lock_holder`) is in the way for a moment."""
    waiting = threading.Event()
    for _ in range(5):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting.wait(0.03)
        else:
            return
    raise AnotherInstance(_read_holder(descriptor))


def file_lock_holder(state_dir: Path) -> Holder | None:
    """Tell who holds the lock of a state directory now, without waiting; None when nobody does."""
    try:
        descriptor = os.open(state_dir / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read_holder(descriptor)
    finally:
        os.close(descriptor)
    return None


def _describe(now: datetime, purpose: Purpose) -> bytes:
    document = {"pid": os.getpid(), "host": socket.gethostname(), "started_at": now.isoformat(), "purpose": purpose}
    return json.dumps(document).encode()


def _read_holder(descriptor: int) -> Holder:
    try:
        document = json.loads(os.pread(descriptor, 4096, 0))
        return Holder(
            pid=int(document["pid"]),
            host=str(document["host"]),
            started_at=datetime.fromisoformat(document["started_at"]),
            purpose=str(document.get("purpose")),
        )
    except (ValueError, KeyError, TypeError):  # it is being written this moment
        return Holder(pid=None, host=None, started_at=None)
