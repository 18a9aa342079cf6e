"""The program on a real PostgreSQL: every command, and a server that goes away and comes back."""

from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.acceptance.conftest import ONE_PERSON
from tests.helpers.pictures import put, tiff_bytes
from tests.helpers.postgresql import PostgresServer
from tests.helpers.program import Site, wait_until

CONFIGURATION = 'catalog: {url: "URL"}' + ONE_PERSON


@pytest.fixture
def site(tmp_path: Path, postgresql_url: str) -> Site:
    made = Site(folder=tmp_path)
    (tmp_path / "root").mkdir()
    _configure(made, postgresql_url)
    return made


def _configure(site: Site, url: str, text: str = CONFIGURATION) -> None:
    """Write the configuration with the URL of a server on a local socket, which has no password."""
    site.configure(text)
    site.configuration.write_text(site.configuration.read_text().replace("URL", url.replace(":@/", "@/")))


def _status(site: Site) -> Any:
    return site.ask("status", "--json").json


def _end_sessions(url: str, which: str) -> int:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        query = (
            "SELECT count(pg_terminate_backend(pid, 120000)) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            " AND datname = current_database() AND application_name LIKE %s"
        )
        row = connection.execute(query, (which,)).fetchone()
    assert row is not None
    return int(row[0])


def _is_waited_for(url: str) -> bool:
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        query = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        return connection.execute(query).fetchone() is not None


def test_every_kind_of_command_works(site: Site) -> None:
    path = put(site.folder / "root" / "p" / "x.tif", tiff_bytes(7))
    (site.folder / "root" / "p" / "broken.tif").write_bytes(b"II*\0")
    done = site.run("import", "--json")
    assert (done.code, "imported" in done.out) == (1, True), done
    assert done.json["imported"] == 1, done
    assert site.state_of(path)[0] == "imported"
    assert site.json("queue")
    image = site.images()[0]
    for words in (
        ("tag", "add", f"image:{image['id']}", "good", "--as", "ada"),
        ("kv", "add", f"image:{image['id']}", "stain=DAPI", "--as", "ada"),
        ("comment", "add", f"image:{image['id']}", "nice", "--as", "ada"),
        ("user", "add", "eve"),
        ("group", "add", "guests"),
        ("retry", str(path.parent)),
        ("check",),
        ("doctor",),
        ("root", "ls"),
        ("explain", str(path)),
        ("status",),
        ("config", "show"),
    ):
        done = site.ask(*words)
        assert done.code in {0, 1}, (words, done)
        assert "unexpected error" not in done.err, (words, done)
    for words in (("tree",), ("show", f"image:{image['id']}"), ("history", f"image:{image['id']}")):
        assert site.json(*words)
    assert site.run("thumbnail", f"image:{image['id']}", "-o", "x.png").code == 0
    assert site.images("--tag", "good", acting="ada")


def test_a_second_daemon_is_refused_and_an_import_handed_over(site: Site) -> None:
    with site.daemon() as daemon:
        daemon.ready()
        second = site.run("run")
        assert (second.code, f"pid {daemon.process.pid} on" in second.err) == (4, True), second
        put(site.folder / "root" / "p" / "x.tif", tiff_bytes(7))
        assert site.run("import", "--json").json["failed"] == 0
        assert site.names() == ["x"]


def test_it_goes_on_by_itself_after_its_lock_was_lost(site: Site, postgresql_url: str) -> None:
    with site.daemon() as daemon:
        daemon.ready()
        put(site.folder / "root" / "p" / "0.tif", tiff_bytes(7))
        wait_until(lambda: site.names() == ["0"])
        assert _end_sessions(postgresql_url, "coverslip-ingest%") == 1
        wait_until(lambda: "ingest_begins_anew" in daemon.logged())
        put(site.folder / "root" / "p" / "1.tif", tiff_bytes(2))
        wait_until(lambda: site.names() == ["0", "1"])
        assert _end_sessions(postgresql_url, "coverslip%") >= 2
        put(site.folder / "root" / "p" / "last.tif", tiff_bytes(9))
        wait_until(lambda: site.names() == ["0", "1", "last"])
        wait_until(lambda: _status(site)["state"] == "ok")


def test_it_stands_by_while_another_has_the_lock(site: Site, postgresql_url: str) -> None:
    with site.daemon() as daemon:
        daemon.ready()
        with psycopg.connect(postgresql_url.replace("+psycopg", ""), autocommit=True) as other:
            # It stands in the queue before: so it has the lock next, and not the daemon once more.
            other.pgconn.send_query(b"SELECT pg_advisory_lock(x'636F7672'::int, x'736C6970'::int)")
            wait_until(lambda: _is_waited_for(postgresql_url))
            assert _end_sessions(postgresql_url, "coverslip-ingest%") == 1
            results = list(iter(other.pgconn.get_result, None))
            assert [result.status for result in results] == [psycopg.pq.ExecStatus.TUPLES_OK]
            put(site.folder / "root" / "p" / "x.tif", tiff_bytes(7))
            wait_until(lambda: "the ingest lock" in " ".join(_status(site)["problems"]))
            assert site.names() == []
        wait_until(lambda: site.names() == ["x"])


def test_it_waits_for_a_server_that_is_restarted(tmp_path: Path) -> None:
    server = PostgresServer()
    try:
        url = server.new_database()
        made = Site(folder=tmp_path)
        (tmp_path / "root").mkdir()
        _configure(made, url)
        with made.daemon() as daemon:
            daemon.ready()
            put(tmp_path / "root" / "p" / "before.tif", tiff_bytes(7))
            wait_until(lambda: made.names() == ["before"])
            server.go_away()
            put(tmp_path / "root" / "p" / "meanwhile.tif", tiff_bytes(3))
            _configure(made, url, CONFIGURATION.replace("Ada Byron", "Ada Lovelace"))
            wait_until(lambda: "ingest_waits" in daemon.logged() and "config.not_applied" in daemon.logged())
            assert made.run("images").code == 5
            server.come_back()
            wait_until(lambda: made.ask("status").code == 0)
            wait_until(lambda: made.names() == ["before", "meanwhile"])
            wait_until(lambda: "config.reloaded" in daemon.logged())
            wait_until(lambda: _status(made)["state"] == "ok")
    finally:
        server.stop()
