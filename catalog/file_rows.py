"""The rows of original files: what tells their content."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from catalog.records import FileRecord


def original_file_row(fileset_id: int, ordinal: int, file: FileRecord, now: datetime) -> dict[str, Any]:
    """Give the row of a file that is new."""
    return content_of(file) | {"fileset_id": fileset_id, "ordinal": ordinal, "created_at": now}


def content_of(file: FileRecord) -> dict[str, Any]:
    """Give the columns of a file that tell its content."""
    content: dict[str, Any] = {
        "size_bytes": file.size_bytes,
        "hash": file.hash,
        "hasher": file.hasher,
        "fingerprint": file.fingerprint,
    }
    if file.read_as is not None:
        content |= {"read_as": file.read_as, "holds": [asdict(one) for one in file.holds]}
    return content
