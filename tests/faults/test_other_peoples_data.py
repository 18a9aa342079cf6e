"""Fault 18 and an attacker inside the lab: nothing changes hands by moving files, and no trace tells of it."""

import dataclasses
import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from catalog.accepting import accept
from catalog.acting import resolve_acting
from catalog.permissions import SYSTEM, Acting
from catalog.queries.history import history
from catalog.queue import queue
from catalog.references import parse_reference
from catalog.why import why
from tests.helpers.ingest_site import Site, write_tiff
from tests.helpers.invariants import identities, violations
from tests.helpers.planting import plant

NOW = datetime(2026, 11, 22, tzinfo=UTC)
HERS = "smith-lab/cd4e/p/d/hers.tif"


def acting(site: Site, name: str) -> Acting:
    with site.catalogue.reading() as connection:
        return resolve_acting(connection, "test", now=datetime.now(UTC), as_name=name)


def make_owner(site: Site, name: str) -> None:
    with site.catalogue.writing() as connection:
        connection.execute(
            text(
                "UPDATE membership SET is_owner = true WHERE experimenter_id ="
                " (SELECT id FROM experimenter WHERE name = :name)"
            ),
            {"name": name},
        )


def told(document: Any) -> str:
    return json.dumps(dataclasses.asdict(document), default=str)


def path(site: Site, relative: str) -> bytes:
    return os.fsencode(site.root / relative)


def moved(site: Site, to: str) -> Path:
    write_tiff(site.root / HERS, value=3)
    site.import_()
    there = site.root / to
    there.parent.mkdir(parents=True)
    (site.root / HERS).rename(there)
    site.import_()
    return there


def owners(site: Site) -> list[tuple[str, str]]:
    rows = site.rows(
        "SELECT e.name AS owner, g.name AS grp FROM image i JOIN experimenter e ON e.id = i.owner_id"
        " JOIN experimenter_group g ON g.id = i.group_id ORDER BY i.id"
    )
    return [(row["owner"], row["grp"]) for row in rows]


@pytest.mark.parametrize(
    "to", ["smith-lab/ab3c/p/d/mine.tif", "jones-lab/ef5g/p/d/mine.tif", "smith-lab/zz9z/p/d/mine.tif"]
)
def test_a_file_moved_into_another_folder_stays_whose_it_was(site: Site, to: str) -> None:
    write_tiff(site.root / HERS, value=3)
    site.import_()
    known = {("confocal", to.encode()): identities(site.catalogue)["confocal", HERS.encode()]}
    (site.root / to).parent.mkdir(parents=True)
    (site.root / HERS).rename(site.root / to)

    site.import_()

    assert owners(site) == [("cd4e", "smith-lab")]
    assert violations(site.catalogue, {"confocal": site.root}, kept=known) == []


def test_a_copy_in_another_folder_when_the_original_is_gone_takes_nothing_along(site: Site) -> None:
    write_tiff(site.root / HERS, value=3)
    site.import_()
    thief = site.root / "smith-lab/ab3c/p/d/mine.tif"
    thief.parent.mkdir(parents=True)
    shutil.copy2(site.root / HERS, thief)
    (site.root / HERS).unlink()

    site.import_()

    assert owners(site) == [("cd4e", "smith-lab"), ("ab3c", "smith-lab")]
    assert violations(site.catalogue, {"confocal": site.root}) == []


def test_accept_where_the_folder_names_nobody_known_says_so(site: Site) -> None:
    there = moved(site, "smith-lab/zz9z/p/d/mine.tif")
    with site.catalogue.writing() as connection:
        (row,) = accept(connection, SYSTEM, [os.fsencode(there)], now=NOW, via="cli")
    assert not row.done
    assert "zz9z" in str(row.reason)
    assert owners(site) == [("cd4e", "smith-lab")]


def test_why_and_history_tell_who_may_not_decide_nothing_of_whose_folder_it_is(site: Site) -> None:
    there = moved(site, "jones-lab/zz9z/p/d/mine.tif")
    with site.catalogue.reading() as connection:
        for name in ("ab3c", "cd4e"):
            seen = why(connection, acting(site, name), os.fsencode(there))
            assert "owner differs from folder" in seen.marks
            assert "is not a user here" not in told(seen)
            events = history(connection, acting(site, name), parse_reference("image:1"))
            assert "is not a user here" not in json.dumps([dataclasses.asdict(e) for e in events], default=str)
        assert "is not a user here" in told(why(connection, SYSTEM, os.fsencode(there)))


def test_after_it_changed_hands_the_new_group_sees_nothing_of_its_past(site: Site) -> None:
    there = moved(site, "jones-lab/ef5g/p/d/mine.tif")
    with site.catalogue.reading() as connection:
        before = why(connection, acting(site, "cd4e"), os.fsencode(there))
    assert [row.what for row in before.history] == ["imported", "moved"]
    with site.catalogue.writing() as connection:
        (row,) = accept(connection, SYSTEM, [os.fsencode(there)], now=NOW, via="cli")
        assert row.done
    make_owner(site, "ef5g")
    assert owners(site) == [("ef5g", "jones-lab")]
    with site.catalogue.reading() as connection:
        theirs = acting(site, "ef5g")
        for document in (
            why(connection, theirs, os.fsencode(there)),
            *history(connection, theirs, parse_reference("image:1")),
            queue(connection, theirs),
        ):
            assert "smith-lab" not in told(document)
            assert "cd4e" not in told(document)
        everything = [row.what for row in history(connection, SYSTEM, parse_reference("image:1"))]
        assert everything == ["imported", "moved", "accepted"]


def test_a_path_where_another_groups_file_lay_tells_its_next_owner_nothing(site: Site) -> None:
    there = moved(site, "jones-lab/ef5g/p/d/mine.tif")
    there.rename(site.root / HERS)
    site.import_()
    write_tiff(there, value=9)
    site.import_()
    make_owner(site, "ef5g")
    with site.catalogue.reading() as connection:
        seen = why(connection, acting(site, "ef5g"), os.fsencode(there))
    assert (seen.owner, seen.group) == ("ef5g", "jones-lab")
    assert "cd4e" not in told(seen)
    assert "smith-lab" not in told(seen)


@pytest.mark.parametrize("size", [32, 48])
def test_an_inode_number_used_again_is_another_file(site: Site, size: int) -> None:
    """A file system gives a deleted file's inode to the next one: sizes may be equal, times are not."""
    first = write_tiff(site.root / HERS, value=3)
    site.import_()
    first.unlink()
    other = write_tiff(site.root / "smith-lab/ab3c/p/d/other.tif", value=4, size=size)
    plant(site.catalogue, f"UPDATE sighting SET inode = {other.stat().st_ino}")

    site.import_()

    assert owners(site) == [("cd4e", "smith-lab"), ("ab3c", "smith-lab")]
    complete = [("confocal", b"smith-lab/ab3c/p/d/other.tif", 1)]
    assert violations(site.catalogue, {"confocal": site.root}, complete=complete) == []
