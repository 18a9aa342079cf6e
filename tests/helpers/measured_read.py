"""Reads one file in a process with a worker's memory limit, and prints what came of it as JSON: run with ``-m``."""

import json
import resource
import sys
import time
from pathlib import Path

from tests.helpers.reads import read_path

#: What a worker may allocate; SPEED's limit for a worker is 400 MB.
LIMIT_BYTES = 1 << 30


def main() -> int:
    """Read the file named by the argument."""
    resource.setrlimit(resource.RLIMIT_DATA, (LIMIT_BYTES, LIMIT_BYTES))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.process_time()
    result = read_path(Path(sys.argv[1]))
    document = {
        "outcome": result.outcome.value,
        "reason": result.reason,
        "sizes": [[image.size_x, image.size_y] for image in result.images],
        "failures": [thumbnail.failure for thumbnail in result.thumbnails],
        "hashes": [file.hash for file in result.files],
        "seconds": time.process_time() - started,
        "grown_mib": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024,
    }
    sys.stdout.write(json.dumps(document))
    return 0


if __name__ == "__main__":
    sys.exit(main())
