"""What an import costs, counted and not timed: statements, commits, opens and bytes. Fails only on a real loss."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import QueuePool, event

from catalog.acting import resolve_acting
from catalog.engine import Catalogue, open_catalogue
from catalog.queries.filters import ImageFilters
from daemon.commands.images import PAGE, pages
from ingest.pool import InProcessPool
from ingest.reading import read
from tests.helpers.ingest_site import Site, add_person, write_tiff
from tests.helpers.site import NOW, GeneratedSite, Owned, SiteMembership, SiteUser, fill
from tests.helpers.synced_import import CAPACITY

FILES = 100
#: Small files, for what costs the same for a batch of one as for one of a hundred.
MANY = 300
COMMITS_AT_MOST = 20
SYNCS_AT_MOST = 26


@contextmanager
def counted(catalogue: Catalogue) -> Iterator[Counter[str]]:
    """Count statements (an executemany is one) and transactions that write."""
    counts: Counter[str] = Counter()

    def on_statement(
        _connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool
    ) -> None:
        words = statement.split(maxsplit=3)
        counts["statements"] += 1
        counts[words[0].upper()] += 1
        if words[0] == "INSERT":
            counts[f"rows into {words[2]}"] += len(parameters) if many else 1

    def on_commit(_connection: Any) -> None:
        counts["commits"] += 1

    def on_begin(_connection: Any) -> None:
        counts["transactions"] += 1

    listeners: dict[str, Callable[..., None]] = {
        "before_cursor_execute": on_statement,
        "commit": on_commit,
        "begin": on_begin,
    }
    for name, listener in listeners.items():
        event.listen(catalogue.engine, name, listener)
    try:
        yield counts
    finally:
        for name, listener in listeners.items():
            event.remove(catalogue.engine, name, listener)


@pytest.fixture
def site(catalogue: Catalogue, tmp_path: Path) -> Site:
    made = Site(catalogue, tmp_path)
    add_person(catalogue, "ab3c", "smith-lab")
    for number in range(FILES):
        write_tiff(made.root / f"smith-lab/ab3c/cells/day{number % 4}/{number}.tif", value=number)
    return made


def test_a_hundred_files_cost_few_statements_and_few_commits(site: Site) -> None:
    with counted(site.catalogue) as counts:
        summary = site.import_()

    assert summary.imported == FILES
    # Each file was placed once, though the start has everything placed again that was known before.
    assert counts["rows into sighting"] == FILES, counts
    # The tests' pool takes ten files at a time, so a batch is ten: about 30 statements and one commit for each.
    assert counts["statements"] < 5 * FILES, counts
    assert counts["commits"] < 0.3 * FILES, counts


def full_site(catalogue: Catalogue, tmp_path: Path) -> Site:
    """Make a site with small files enough for whole batches."""
    made = Site(catalogue, tmp_path)
    add_person(catalogue, "ab3c", "smith-lab")
    content = write_tiff(tmp_path / "one.tif").read_bytes()
    for number in range(MANY):
        path = made.root / f"smith-lab/ab3c/cells/day{number // 100}/{number}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content + number.to_bytes(8, "little"))
    return made


def test_small_files_are_committed_many_at_a_time(catalogue: Catalogue, tmp_path: Path) -> None:
    site = full_site(catalogue, tmp_path)

    with counted(catalogue) as counts:
        summary = site.import_(pool=InProcessPool(read=read, capacity=CAPACITY))

    assert summary.imported == MANY
    assert counts["rows into sighting"] == counts["rows into image"] == counts["rows into event"] == MANY, counts
    assert counts["commits"] <= COMMITS_AT_MOST, counts
    assert counts["statements"] < 1.5 * MANY, counts


def test_small_files_are_synced_to_disk_as_often_as_they_are_committed(sqlite_url: str, tmp_path: Path) -> None:
    with closing(open_catalogue(sqlite_url)) as catalogue:
        full_site(catalogue, tmp_path)
    traced = ["strace", "-f", "-qq", "--seccomp-bpf", "-e", "trace=fsync,fdatasync", "-o", str(tmp_path / "trace")]

    command = [*traced, sys.executable, "-m", "tests.helpers.synced_import", sqlite_url, str(tmp_path)]
    done = subprocess.run(command, check=True, capture_output=True, timeout=120)

    assert int(done.stdout) == MANY
    syncs = [line for line in (tmp_path / "trace").read_text().splitlines() if "sync(" in line]
    # SQLite syncs once for a commit, and twice when a thousand pages go from its log into its file.
    assert 0 < len(syncs) <= SYNCS_AT_MOST, syncs


def test_a_rescan_of_a_hundred_unchanged_files_asks_a_few_questions(site: Site) -> None:
    site.import_()

    with counted(site.catalogue) as counts:
        site.import_()

    assert counts["INSERT"] < 10, counts
    assert counts["statements"] < 2 * FILES, counts


def test_each_file_is_opened_once_and_read_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: Counter[bytes] = Counter()
    bytes_read = 0
    plain_open, plain_pread, plain_preadv = os.open, os.pread, os.preadv

    def counting_open(path: Any, *arguments: Any, **named: Any) -> int:
        if isinstance(path, bytes) and path.endswith(b".tif"):
            opened[path] += 1
        return plain_open(path, *arguments, **named)

    def counting_pread(descriptor: int, size: int, offset: int) -> bytes:
        nonlocal bytes_read
        content = plain_pread(descriptor, size, offset)
        bytes_read += len(content)
        return content

    def counting_preadv(descriptor: int, buffers: Any, offset: int) -> int:
        nonlocal bytes_read
        count = plain_preadv(descriptor, buffers, offset)
        bytes_read += count
        return count

    monkeypatch.setattr(os, "open", counting_open)
    monkeypatch.setattr(os, "pread", counting_pread)
    monkeypatch.setattr(os, "preadv", counting_preadv)

    site.import_()

    size = sum(path.stat().st_size for path in site.root.rglob("*.tif"))
    assert set(opened.values()) == {1}
    assert len(opened) == FILES
    assert size <= bytes_read <= 1.1 * size


def test_a_long_list_is_read_in_pages_of_one_transaction_each_and_none_while_it_is_printed(
    catalogue: Catalogue,
) -> None:
    everything = GeneratedSite(
        users=(SiteUser(),),
        levels=("read-annotate",),
        memberships=(SiteMembership(user=1, group=1, source="hand"),),
        images=(Owned(owner=1, group=1),) * (2 * PAGE + 100),
    )
    with catalogue.writing() as connection:
        fill(connection, everything)
        acting = resolve_acting(connection, "user1", now=NOW, writes_database=False)
    read: list[tuple[int, int]] = []

    with counted(catalogue) as counts:
        for page in pages(catalogue, acting, ImageFilters(), limit=None, after=None):
            pool = catalogue.engine.pool
            assert isinstance(pool, QueuePool)
            assert pool.checkedout() == 0, "a transaction is open while a page is printed"
            read.append((len(page.images), counts["transactions"]))
            assert counts["statements"] <= 15 * counts["transactions"], counts

    assert read == [(PAGE, 1), (PAGE, 2), (100, 3)]
