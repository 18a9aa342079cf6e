"""A process that has everything imported and forks imports which can be killed: thousands of kills in minutes.

Run as ``python -m tests.helpers.killable``; it takes a JSON line for each import (or daemon, answered at once with its
process id, or wait for a daemon's end) and answers with one. What is forked is the program's own (lock, Landlock,
migration, people, watches, loop); only its files are read in the same process, because starting workers takes longer
than all the rest.
"""

import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from catalog.engine import open_catalogue
from catalog.migrations import runner
from config.loader import load
from config.settings import Settings
from daemon import running, service
from daemon.errors import AnotherInstance
from daemon.setup import make_catalogue
from daemon.worker_process import _die_with_the_parent
from ingest.pool import InProcessPool
from ingest.reading import read
from tests.helpers.ingest_site import Site, add_person
from tests.helpers.pictures import png_bytes, put, tiff_bytes
from tests.helpers.program import PATIENCE_S

DURABLE = "pwrite64,fsync,fdatasync,rename,ftruncate,unlink"
#: A migration's backup gets its name by a link.
DURABLE_WITH_LINKS = f"{DURABLE},linkat,link"
TALKING = "sendto,recvfrom"
#: What an import of files imports only when it needs it.
LATE = ("catalog.migrations.runner", "ingest.thumbnails", "alembic.command")
REFUSED = 44
FAILED = 45


class _Pool(InProcessPool):
    def start(self) -> None:
        """Need nothing."""

    def stop(self) -> None:
        """Need nothing."""


def _new_pool(settings: Settings) -> Any:
    return _Pool(read=read)


def _warm() -> None:
    """Do once what each child would take time for: late imports, mappers, keys of statements; an import has them all.

    What is there then is never collected: a child would copy it only to find that it is still in use.
    """
    for name in LATE:
        importlib.import_module(name)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "catalog.db").touch(mode=0o600)
        with closing(open_catalogue(f"sqlite:///{folder}/catalog.db", create=True)) as catalogue:
            runner.migrate(catalogue)
            site = Site(catalogue, Path(folder))
            add_person(catalogue, "ab3c", "smith-lab")
            put(site.root / "smith-lab/ab3c/p/a.tif", tiff_bytes())
            put(site.root / "smith-lab/ab3c/p/a.png", png_bytes())
            assert site.import_().imported == 2
            (site.root / "smith-lab/ab3c/p/a.tif").rename(site.root / "smith-lab/ab3c/p/b.tif")
            (site.root / "smith-lab/ab3c/p/a.png").unlink()
            site.import_()
    gc.collect()
    gc.freeze()


def _import(configuration: Path) -> int:
    service._new_pool = _new_pool
    settings = load(configuration, environ=os.environ)
    try:
        with service.opened_ingest(settings, environ=os.environ, purpose="import", version="1", grace_s=5.0) as ingest:
            ingest.loop.run_once()
    except AnotherInstance as error:
        sys.stderr.write(f"{error}\n")
        return REFUSED
    return 0


def _migration(configuration: Path) -> int:
    """Do `admin migrate` to a version that is made up; transaction, lock and backup are the program's own."""
    setattr(runner, "REVISIONS", (*runner.REVISIONS, "0002"))  # noqa: B010 - a constant to mypy
    runner._upgrade = next_version
    settings = load(configuration, environ=os.environ)
    try:
        make_catalogue(settings, now=datetime.now(UTC), has_backup=settings.catalog.url.startswith("postgresql"))
    except AnotherInstance:
        return REFUSED
    return 0


def next_version(connection: Connection) -> None:
    """Change tables and every row, as a migration does."""
    for statement in NEXT_VERSION:
        connection.exec_driver_sql(statement)


#: A table, a column, an index, and rows rewritten: what a migration is made of.
NEXT_VERSION = (
    "CREATE TABLE made_up (id INTEGER PRIMARY KEY, note TEXT NOT NULL)",
    "INSERT INTO made_up (id, note) SELECT id, name FROM image",
    "ALTER TABLE image ADD COLUMN made_up TEXT",
    "UPDATE image SET made_up = name",
    "UPDATE sighting SET rule = coalesce(rule, '') || '!'",
    "CREATE INDEX ix_made_up ON made_up (note)",
    "UPDATE alembic_version SET version_num = '0002'",
)


def _daemon(configuration: Path) -> int:
    """Run the daemon: watches, schedule, requests, reloads and shutdown are the program's own."""
    service._new_pool = _new_pool
    ends_at = time.monotonic() + PATIENCE_S
    while True:
        try:
            return running.run_daemon(configuration, environ=os.environ, version="1")
        except AnotherInstance:  # on PostgreSQL a killed client's session lives for a moment
            if time.monotonic() > ends_at:
                return REFUSED
            time.sleep(0.02)


def _child(request: dict[str, Any], gate: int) -> None:
    code = FAILED
    try:
        log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, 2)
        _die_with_the_parent()
        os.read(gate, 1)
        work = _daemon if request.get("is_daemon") else _migration if request.get("is_migration") else _import
        code = work(Path(request["configuration"]))
    except BaseException:  # noqa: BLE001 - the boundary of the process
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _traced(pid: int, request: dict[str, Any]) -> "subprocess.Popen[bytes]":
    calls, number = request["calls"], request["kill_at"]
    inject = ["-e", f"inject={calls}:signal=KILL:when={number}"] if number else []
    tracing = subprocess.Popen(
        ["strace", "-f", "-o", request["trace"], "-e", f"trace={calls}", *inject, "-p", str(pid)],
        stderr=subprocess.PIPE,
    )
    assert tracing.stderr is not None
    told = tracing.stderr.readline()
    if b"attached" not in told:
        raise RuntimeError(f"strace did not attach: {told!r}")
    return tracing


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Fork one import, kill it as asked, and tell how it ended."""
    if "wait" in request:
        _, status = os.waitpid(request["wait"], 0)
        return {"code": os.waitstatus_to_exitcode(status)}
    out, into = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(into)
        _child(request, out)
    os.close(out)
    if request.get("is_daemon"):
        os.close(into)
        return {"pid": pid}
    tracing = _traced(pid, request) if request.get("calls") else None
    timer = None
    if request.get("kill_after_ms") is not None:
        timer = threading.Timer(request["kill_after_ms"] / 1000, os.kill, (pid, signal.SIGKILL))
        timer.start()
    os.close(into)
    _, status = os.waitpid(pid, 0)
    if timer is not None:
        timer.cancel()
        timer.join()
    if tracing is not None:
        tracing.wait()
        assert tracing.stderr is not None
        tracing.stderr.close()
    return {"code": os.waitstatus_to_exitcode(status)}


def main() -> None:
    """Answer requests until there are no more."""
    _warm()
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
