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
