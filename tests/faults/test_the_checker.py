"""The checker of the five invariants finds each kind of violation that is planted: else its silence says nothing."""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import false, true

from catalog.engine import Catalogue
from catalog.models.ingest import Sighting
from tests.helpers import invariants
from tests.helpers.ingest_site import Site, add_person, write_tiff
from tests.helpers.invariants import Identity, identities, snapshot, violations
from tests.helpers.planting import plant

ONE = b"smith-lab/ab3c/cells/day1/one.tif"
TWO = b"smith-lab/ab3c/cells/day1/two.tif"
COMPLETE = (("confocal", ONE, 1), ("confocal", TWO, 1))
FIRST = "(SELECT min(id) FROM image)"
NAMED_ONE = "name = (SELECT name FROM sighting ORDER BY name LIMIT 1)"
KEPT = ", ".join(column.name for column in Sighting.__table__.columns if column.name != "directory_id")

#: What is planted, and the sentence that must be found for it.
ROWS: dict[str, tuple[tuple[str, ...], str]] = {
    "a file that is not known": ((f"DELETE FROM sighting WHERE {NAMED_ONE}",), r"1: .*one\.tif' is known 0 times"),
    "a path that is known twice": (
        (
            "INSERT INTO directory (id, root_id, path, path_hash, is_listed_whole) SELECT 9000, root_id, path,"
            " substr(path, 1, 16), is_listed_whole FROM directory WHERE length(path) > 20",
            f"INSERT INTO sighting (directory_id, {KEPT}) SELECT 9000, {KEPT} FROM sighting WHERE {NAMED_ONE}",
        ),
        r"1: .*one\.tif' is known 2 times",
    ),
    "a complete file without an image": (
        (f"DELETE FROM thumbnail WHERE image_id = {FIRST}", f"DELETE FROM image WHERE id = {FIRST}"),
        r"2: lost: .*gave 0 images instead of 1",
    ),
    "a fileset that is done and empty": (
        (f"DELETE FROM thumbnail WHERE image_id = {FIRST}", f"DELETE FROM image WHERE id = {FIRST}"),
        r"2: lost: fileset \d+ is done and has no image",
    ),
    "an image twice": (
        ("UPDATE image SET fileset_id = (SELECT min(fileset_id) FROM image), series = id",),
        r"2: twice: .*gave 2",
    ),
    "an image of no path": (
        ("UPDATE sighting SET fileset_id = (SELECT max(id) FROM fileset)",),
        r"2: twice: image \d+ belongs to no path",
    ),
    "a file of no path": (
        ("UPDATE sighting SET original_file_id = (SELECT max(id) FROM original_file)",),
        r"2: twice: original file",
    ),
    "a torn size": (("UPDATE original_file SET size_bytes = size_bytes - 1",), r"2: torn: .* bytes, imported were"),
    "a torn content": (("UPDATE original_file SET hash = 'abc'",), r"2: torn: .*other content"),
    "a thumbnail that is missing": (
        (f"DELETE FROM thumbnail WHERE image_id = {FIRST}",),
        r"3: image \d+ has neither",
    ),
    "a thumbnail that is no picture": (
        ("UPDATE thumbnail SET data = (SELECT path_hash FROM directory LIMIT 1)",),
        r"3: the thumbnail of image \d+ is no picture",
    ),
    "an image without a file": (("DELETE FROM original_file",), r"3: image \d+ has no original file"),
    "a row that points nowhere": (
        ("UPDATE image SET owner_id = 4711",),
        r"3: 2 rows of image point to rows of experimenter",
    ),
    "a pair that points nowhere": (
        (f"UPDATE dataset_image_link SET image_id = 4711 WHERE image_id = {FIRST}",),
        r"3: 1 rows of dataset_image_link point to rows of image",
    ),
}


@pytest.fixture
def site(catalogue: Catalogue, tmp_path: Path) -> Site:
    made = Site(catalogue, tmp_path)
    add_person(catalogue, "ab3c", "smith-lab")
    add_person(catalogue, "ef5g", "jones-lab")
    write_tiff(made.root / os.fsdecode(ONE), value=1)
    write_tiff(made.root / os.fsdecode(TWO), value=2)
    assert made.import_().imported == 2
    return made


def found(site: Site, **more: Any) -> list[str]:
    return violations(site.catalogue, {"confocal": site.root}, complete=COMPLETE, **more)


def is_found(pattern: str, sentences: list[str]) -> bool:
    return any(re.match(pattern, sentence) for sentence in sentences)


def test_a_good_catalogue_has_no_violation(site: Site) -> None:
    before = {"confocal": snapshot(site.root)}
    assert found(site, before=before, kept=identities(site.catalogue)) == []


@pytest.mark.parametrize("name", ROWS)
def test_a_planted_row_is_found(site: Site, name: str) -> None:
    statements, pattern = ROWS[name]
    plant(site.catalogue, *statements)
    assert is_found(pattern, found(site)), found(site)


def test_a_state_or_reason_that_is_empty_is_found(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invariants, "states", lambda: _states_without_reason())
    assert is_found(r"1: .*one\.tif' has state", found(site))


def _states_without_reason() -> Any:
    from sqlalchemy import literal, select

    from catalog.models.ingest import Sighting

    return select(Sighting.directory_id, Sighting.name, literal("imported").label("state"), literal("").label("reason"))


def test_a_damaged_database_is_found(catalogue_sqlite: Catalogue, tmp_path: Path) -> None:
    made = Site(catalogue_sqlite, tmp_path)
    add_person(catalogue_sqlite, "ab3c", "smith-lab")
    write_tiff(made.root / os.fsdecode(ONE))
    made.import_()
    plant(
        catalogue_sqlite,
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master WHERE name = 'ix_job_order')"
        " WHERE name = 'ix_sighting_move'",
        "PRAGMA schema_version = 4711",
    )
    assert is_found("3: the database is damaged", violations(catalogue_sqlite, {"confocal": made.root}))


def test_other_ids_and_lost_annotations_are_found(site: Site) -> None:
    known = identities(site.catalogue)
    (one,) = known["confocal", ONE].image_ids
    other = {("confocal", ONE): Identity(image_ids=(one + 1000,), annotation_link_ids=frozenset())}
    assert is_found("2: another identity", found(site, kept=other))
    annotated = {("confocal", ONE): Identity(image_ids=(one,), annotation_link_ids=frozenset({1}))}
    assert is_found("2: lost: .*lost annotations", found(site, kept=annotated))
    gone = {("confocal", b"elsewhere.tif"): known["confocal", ONE]}
    assert is_found("2: lost: .*had the images", found(site, kept=gone))


ON_DISK: dict[str, Callable[[Path], object]] = {
    "created": lambda root: (root / "new").write_bytes(b"x"),
    "a folder created": lambda root: (root / "new").mkdir(),
    "removed": lambda root: (root / os.fsdecode(ONE)).unlink(),
    "a byte changed": lambda root: _flip(root / os.fsdecode(ONE)),
    "mtime changed": lambda root: os.utime(root / os.fsdecode(ONE), ns=(1, 1)),
    "mode changed": lambda root: (root / os.fsdecode(ONE)).chmod(0o600),
    "replaced by itself": lambda root: _replace(root / os.fsdecode(ONE)),
    "renamed": lambda root: (root / os.fsdecode(ONE)).rename(root / "other.tif"),
}


def _flip(path: Path) -> None:
    """Change a byte, and set the mtime back: only content and ctime tell."""
    then, content = path.stat().st_mtime_ns, bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(then, then))


def _replace(path: Path) -> None:
    shutil.copy2(path, path.with_name("copy"))
    path.with_name("copy").rename(path)


@pytest.mark.parametrize("name", ON_DISK)
def test_a_change_below_a_root_is_found(site: Site, name: str) -> None:
    before = {"confocal": snapshot(site.root)}
    ON_DISK[name](site.root)
    sentences = violations(site.catalogue, {"confocal": site.root}, before=before)
    assert is_found("4: confocal:", sentences), sentences


def test_what_is_seen_and_must_not_be_is_found_and_the_reverse(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(invariants, "visible", lambda acting, table: true())
        sentences = found(site)
        assert is_found(r"5: ef5g sees image \d+", sentences)
        assert is_found(r"5: ef5g sees dataset \d+", sentences)
        assert is_found(r"5: ef5g sees project \d+", sentences)
    with monkeypatch.context() as patch:
        patch.setattr(invariants, "visible", lambda acting, table: false())
        assert is_found(r"5: ab3c does not see image \d+", found(site))
