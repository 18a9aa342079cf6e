"""Reads for worker tests: module-level functions that a worker process can import, told apart by the file's name."""

import ctypes
import os
import signal
import threading
from pathlib import Path

from ingest.work import Look, Member, Outcome, ReadResult, ReadTask


def task(path: Path, *, fileset_id: int = 1, size_bytes: int = 1) -> ReadTask:
    """Make a task for one file."""
    look = Look(size_bytes=size_bytes, mtime_ns=0, ctime_ns=0, inode=0)
    return ReadTask(
        fileset_id=fileset_id,
        claim=1,
        digest=b"d" * 16,
        root=os.fsencode(path.parent),
        members=(Member(path=os.fsencode(path.name), look=look),),
        hasher="sha256",
        hash_now_bytes=1 << 30,
        thumbnail_px=256,
        projection="middle",
        associated_images="hide",
    )


def read(wanted: ReadTask) -> ReadResult:
    """Do what the file's name says; the default is to read it well, leaving the worker's pid as the reason."""
    name = wanted.members[0].path
    if name.startswith(b"stuck"):
        ctypes.CDLL(None).sleep(600)
    if name.startswith(b"hang"):
        threading.Event().wait()
    if name.startswith(b"die"):
        os.kill(os.getpid(), signal.SIGKILL)
    if name.startswith(b"memory"):
        bytearray(8 << 30)
    if name.startswith(b"raise"):
        raise ValueError("a bug")
    if name.startswith(b"write"):
        return _written(wanted)
    return _result(wanted, f"{os.getpid()}")


def _written(wanted: ReadTask) -> ReadResult:
    target = Path(os.fsdecode(wanted.root)) / os.fsdecode(wanted.members[0].path)
    try:
        target.write_text("x")
    except OSError as error:
        return _result(wanted, error.strerror or "")
    return _result(wanted, "written")


def _result(wanted: ReadTask, reason: str) -> ReadResult:
    return ReadResult(
        fileset_id=wanted.fileset_id, claim=wanted.claim, digest=wanted.digest, outcome=Outcome.READ, reason=reason
    )
