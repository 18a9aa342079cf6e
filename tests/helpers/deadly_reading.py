"""Reads files as the program does, but for those whose names say what becomes of their worker."""

import ctypes
import os
import signal

from ingest import reading
from ingest.work import ReadResult, ReadTask


def read(task: ReadTask) -> ReadResult:
    """Die, hang in a C call, eat memory, or stand still once (while a file beside the root says so); else read."""
    name = os.path.basename(task.members[0].path)
    if name.startswith(b"deadly"):
        os.kill(os.getpid(), signal.SIGKILL)
    if name.startswith(b"stuck"):
        ctypes.CDLL(None).sleep(600)
    if name.startswith(b"greedy"):
        bytearray(64 << 30)
    if name.startswith(b"stopped") and _is_first(task.root + b".stop-once"):
        os.kill(os.getpid(), signal.SIGSTOP)
    return reading.read(task)


def _is_first(mark: bytes) -> bool:
    try:
        os.unlink(mark)
    except FileNotFoundError:
        return False
    return True
