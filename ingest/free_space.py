"""How much room the state directory has: below the low-water mark the ingest pauses before the disk is full."""

import shutil
from pathlib import Path

FREE_AT_LEAST_BYTES = 200_000_000


def free_bytes(state_dir: Path) -> int:
    """Give the free space of the state directory's disk; a folder that can't be asked counts as roomy."""
    try:
        return shutil.disk_usage(state_dir).free
    except OSError:
        return FREE_AT_LEAST_BYTES


def too_little(free: int, where: Path | str) -> str | None:
    """Give the sentence of an ingest that pauses for want of space; None while there is enough."""
    if free >= FREE_AT_LEAST_BYTES:
        return None
    return (
        f"less than {FREE_AT_LEAST_BYTES // 1_000_000} MB are free in {where}: nothing is imported until there is more"
    )
