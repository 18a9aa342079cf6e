"""A lock between processes that needs no file: one byte in a pipe is the right to go on.

The locks of `multiprocessing` are named semaphores in /dev/shm, where a process under Landlock may create nothing.
"""

import fcntl
import os
import select
import threading
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from typing import Any

#: Results of twenty small files are some 120 kB, most of it pictures.
PIPE_BYTES = 1 << 19


class PipeLock:
    """A re-entrant lock; it travels to workers with the arguments they are started with."""

    def __init__(self, reader: Connection, writer: Connection) -> None:
        self._reader, self._writer = reader, writer
        self._owner: int | None = None
        self._depth = 0

    def __getstate__(self) -> tuple[Connection, Connection]:
        return self._reader, self._writer

    def __setstate__(self, state: tuple[Connection, Connection]) -> None:
        self._reader, self._writer = state
        self._owner, self._depth = None, 0

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """Take the byte; wait for it up to ``timeout`` s (None: for ever) when ``block``."""
        if self._owner == threading.get_ident():
            self._depth += 1
            return True
        if not self._take(None if block and timeout is None else (timeout or 0.0) if block else 0.0):
            return False
        self._owner, self._depth = threading.get_ident(), 1
        return True

    def release(self) -> None:
        """Put the byte back once the outermost holder lets go."""
        self._depth -= 1
        if self._depth == 0:
            self._owner = None
            os.write(self._writer.fileno(), b"!")

    def _take(self, timeout_s: float | None) -> bool:
        poll = select.poll()
        poll.register(self._reader.fileno(), select.POLLIN)
        while poll.poll(None if timeout_s is None else timeout_s * 1000):
            try:
                return bool(os.read(self._reader.fileno(), 1))
            except BlockingIOError:  # another process was quicker
                continue
        return False


class WorkerContext(ForkServerContext):
    """The fork server, with locks that leave nothing in the file system, and pipes that hold a batch of results."""

    def Pipe(self, duplex: bool = True) -> tuple[Connection, Connection]:  # noqa: N802 - as multiprocessing has it
        """Make a pipe that takes what a worker gives at once: who waits for the other end to read keeps the lock."""
        pair = super().Pipe(duplex)
        if not duplex:
            with suppress(OSError):  # an account may have no more of them than the kernel allows; 64 KiB do, too
                fcntl.fcntl(pair[1].fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        return pair

    def RLock(self) -> Any:  # noqa: N802 - the name that multiprocessing gives it
        """Make a lock."""
        reader, writer = super().Pipe(duplex=False)
        os.set_blocking(reader.fileno(), False)
        os.write(writer.fileno(), b"!")
        return PipeLock(reader, writer)
