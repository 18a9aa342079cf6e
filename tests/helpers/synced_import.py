"""Imports a site's files in a process of its own that can be traced: run with ``-m``, catalogue and folder follow."""

import sys
from pathlib import Path

from catalog.engine import open_catalogue
from ingest.pool import InProcessPool
from ingest.reading import read
from tests.helpers.ingest_site import Site

#: As many tasks at once as two workers have.
CAPACITY = 160


def main() -> int:
    """Import; what it prints is how many images came."""
    url, folder = sys.argv[1:]
    catalogue = open_catalogue(url)
    summary = Site(catalogue, Path(folder)).import_(pool=InProcessPool(read=read, capacity=CAPACITY))
    sys.stdout.write(str(summary.imported))
    catalogue.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
