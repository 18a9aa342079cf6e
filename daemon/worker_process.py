"""What a worker does to itself before it reads the first file: it must die with the daemon, and stay small and meek."""

import ctypes
import gc
import importlib
import os
import platform
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import forkserver

from ingest.work import Outcome, ReadResult, ReadTask

_PR_SET_PDEATHSIG = 1
_IOPRIO_SET = {"x86_64": 251, "aarch64": 30, "riscv64": 30}
_IOPRIO_WHO_PROCESS = 1
#: Class "best effort" (2), its lowest level (7).
_IOPRIO_LOWEST = (2 << 13) | 7
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
#: So many more objects are made before garbage is looked for: those of some fifty small files.
GARBAGE_AFTER = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLimits:
    """What every worker gets: memory it may allocate (None: no limit) and niceness."""

    data_bytes: int | None
    niceness: int
    #: Modules that are imported before the first file comes.
    preload: tuple[str, ...]


def prepare_worker(limits: WorkerLimits) -> None:
    """Run first in each worker (Pebble's initializer)."""
    _let_go_of_the_fork_server()
    _die_with_the_parent()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # they mean the daemon, which ends its workers in its own order
    os.umask(0o077)
    be_meek(limits.niceness)
    keep_memory()
    for name in limits.preload:
        importlib.import_module(name)
    look_for_garbage_rarely()
    if limits.data_bytes is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (limits.data_bytes, limits.data_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _let_go_of_the_fork_server() -> None:
    """Close this process's copy of the pipe by whose end the fork server knows that the daemon has gone.

    Each worker is given one, to start processes of its own; with it a busy worker keeps the fork server alive, and
    so itself.
    """
    server = forkserver._forkserver
    descriptor = getattr(server, "_forkserver_alive_fd", None)  # private; a test kills a daemon with busy workers
    if descriptor is not None:
        setattr(server, "_forkserver_alive_fd", None)  # noqa: B010 - not in the stubs
        os.close(descriptor)


def _die_with_the_parent() -> None:
    """Ask the kernel to kill this process when its parent, the fork server, ends; that ends with the daemon."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)
    if os.getppid() == 1:  # it had ended before we asked
        sys.exit(1)


def be_meek(niceness: int) -> None:
    """Give way to an acquisition on the same machine, for the processor and for the disk."""
    os.nice(niceness)
    number = _IOPRIO_SET.get(platform.machine())
    if number is not None:
        ctypes.CDLL(None, use_errno=True).syscall(number, _IOPRIO_WHO_PROCESS, 0, _IOPRIO_LOWEST)


def keep_memory() -> None:
    """Have the C library keep what was freed for the next file: fresh memory costs a page fault for each 4 kB.

    Up to 32 MiB at a time, and 64 MiB that lie free; it is mallopt(3), which other C libraries may not have.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, 32 << 20)
        mallopt(_M_TRIM_THRESHOLD, 64 << 20)


def look_for_garbage_rarely() -> None:
    """Leave all that was imported out of the search for garbage, which else takes a third of reading small files."""
    gc.freeze()
    gc.set_threshold(GARBAGE_AFTER, 10, 10)


def nothing() -> None:
    """Do nothing: the task that shows that a worker is up."""


def read_each(read: Callable[[ReadTask], ReadResult], tasks: tuple[ReadTask, ...]) -> list[ReadResult]:
    """Do some tasks one after the other."""
    results = [read(task) for task in tasks]
    if any(result.outcome is not Outcome.READ for result in results):
        gc.collect()  # what went wrong may hold the content of its file, in a circle of frames
    return results
