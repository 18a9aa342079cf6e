"""Runs the worker's read on files of a folder, as the ingest loop would."""

import os
from pathlib import Path
from typing import Any

from ingest.opening import look_of
from ingest.reading import read
from ingest.work import Member, ReadResult, ReadTask


def task_for(path: Path, **changes: Any) -> ReadTask:
    """Make the task for one file; the root is its folder."""
    member = Member(path=os.fsencode(path.name), look=look_of(path.stat()))
    values: dict[str, Any] = {
        "fileset_id": 1, "claim": 2, "digest": b"d" * 16, "root": os.fsencode(path.parent), "members": (member,),
        "hasher": "xxh3-128", "hash_now_bytes": 1 << 30, "thumbnail_px": 256, "projection": "middle",
        "associated_images": "hide",
    }  # fmt: skip
    return ReadTask(**{**values, **changes})


def read_path(path: Path, **changes: Any) -> ReadResult:
    """Read one file."""
    return read(task_for(path, **changes))
