"""Copies that are joined with their lost originals by `accept`: images of several files, and which of two is a copy."""

import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.accepting import accept
from catalog.acting import resolve_acting
from catalog.annotations import add_tag
from catalog.decisions import DecisionRow
from catalog.documents import ImageDetails
from catalog.engine import Catalogue
from catalog.lost_originals import Standing, eldest, is_original_of
from catalog.permissions import SYSTEM
from catalog.queries.show import show
from catalog.references import ObjectReference
from catalog.why import why
from config.settings import RuleSettings, Settings
from ingest import loop as loop_module
from ingest.core import Core
from ingest.due import look_at_due
from ingest.walks import take_parts
from ingest.watched import WatchedRoot
from tests.helpers.ingest_site import MARK, RULE, START, Site, add_person, write_tiff
from tests.helpers.invariants import identities, violations
from tests.helpers.pictures import put

DAY = "smith-lab/ab3c/cells/day1"
PLANES = "{group}/{owner}/{project}/{dataset}/z{z}/{image}_c{channel}.tif"


@pytest.fixture
def site(catalogue: Catalogue, tmp_path: Path) -> Site:
    made = Site(catalogue, tmp_path)
    add_person(catalogue, "ab3c", "smith-lab")
    (tmp_path / "second").mkdir()
    return made


@pytest.fixture
def second(tmp_path: Path) -> Path:
    return tmp_path / "second"


def settings(site: Site, *, is_second_first: bool = False) -> Settings:
    """Watch two roots, with a rule by which files are planes of one image, and one for all others."""
    roots = {"confocal": site.root, "second": site.root.parent / "second"}
    rules = tuple(RuleSettings(match=(match,), mark=MARK) for match in (PLANES, RULE))
    return site.settings(roots=dict(reversed(roots.items())) if is_second_first else roots, rules=rules)


def scan(site: Site) -> None:
    site.import_(settings=settings(site))


def accepted(site: Site, path: Path) -> list[DecisionRow]:
    now = datetime.now(UTC)
    with site.catalogue.writing() as connection:
        who = resolve_acting(connection, "root", now=now, as_name="ab3c")
        return list(accept(connection, who, [os.fsencode(path)], now=now, via="cli"))


def tag(site: Site, image_id: int, text: str) -> None:
    now = datetime.now(UTC)
    with site.catalogue.writing() as connection:
        who = resolve_acting(connection, "root", now=now, as_name="ab3c")
        add_tag(connection, who, ObjectReference(type="image", id=image_id), text, now=now, via="cli")


def planes_by_names(site: Site) -> list[Path]:
    return [
        write_tiff(site.root / DAY / f"z{z}/cell_c{c}.tif", value=10 * z + n, size=24)
        for z in (1, 2)
        for n, c in enumerate(("DAPI", "GFP"))
    ]


def planes_by_description(site: Site) -> list[Path]:
    """Write OME-XML beside two files that it names."""
    names = ["cell_a.tif", "cell_b.tif"]
    data = "".join(
        f'<TiffData FirstC="{c}" IFD="0" PlaneCount="1"><UUID FileName="{name}">urn:uuid:{c}</UUID></TiffData>'
        for c, name in enumerate(names)
    )
    xml = (
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:m"><Image'
        ' ID="Image:0" Name="cell"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint16" SizeX="24" SizeY="24"'
        ' SizeZ="1" SizeC="2" SizeT="1"><Channel ID="Channel:0:0" SamplesPerPixel="1"/><Channel ID="Channel:0:1"'
        f' SamplesPerPixel="1"/>{data}</Pixels></Image></OME>'
    )
    index = put(site.root / DAY / "cell.companion.ome", xml.encode())
    return [index, *(write_tiff(site.root / DAY / name, value=n, size=24) for n, name in enumerate(names))]


def kept_files(site: Site) -> set[tuple[int, str]]:
    """Give, for every plane, its original file and the name under which that is found."""
    query = (
        "SELECT p.original_file_id AS id, s.name FROM plane_location p"
        " JOIN sighting s ON s.original_file_id = p.original_file_id"
    )
    return {(row["id"], bytes(row["name"]).decode()) for row in site.rows(query)}


def sound(site: Site, second: Path) -> list[str]:
    return violations(site.catalogue, {"confocal": site.root, "second": second})


@pytest.mark.parametrize(
    ("written", "is_whole_folder"), [(planes_by_names, True), (planes_by_names, False), (planes_by_description, False)]
)
def test_a_copy_of_an_image_of_several_files_is_joined_with_its_lost_original(
    site: Site, second: Path, written: Callable[[Site], list[Path]], is_whole_folder: bool
) -> None:
    planes = written(site)
    scan(site)
    tag(site, 1, "good")
    files = kept_files(site)
    new = [second / path.relative_to(site.root).as_posix().replace("day1", "day2") for path in planes]
    shutil.copytree(site.root / DAY, second / DAY.replace("day1", "day2"))
    scan(site)
    assert [row["id"] for row in site.images()] == [1, 2]
    tag(site, 2, "better")
    planes[0].unlink()
    scan(site)
    assert [row.reason for row in accepted(site, new[0])] == ["there is nothing to accept"], "a file of it is left"
    for path in planes[1:]:
        path.unlink()
    scan(site)

    rows = accepted(site, second / DAY.replace("day1", "day2") if is_whole_folder else new[1])

    assert [(row.done, row.reason) for row in rows] == [(True, None)]
    assert [row["id"] for row in site.images()] == [1]
    assert kept_files(site) == files
    found = identities(site.catalogue)
    assert set(found) == {("second", str(path.relative_to(second)).encode()) for path in new}
    assert {len(one.annotation_link_ids) for one in found.values()} == {2}
    assert site.rows("SELECT name FROM dataset d JOIN dataset_image_link l ON l.dataset_id = d.id") == [
        {"name": "day2"}
    ]
    assert sound(site, second) == []
    events = site.rows("SELECT max(id) AS id FROM event")
    scan(site)
    assert site.rows("SELECT max(id) AS id FROM event") == events, "nothing is to be done"
    write_tiff(new[-1], value=99, size=24)
    scan(site)
    assert [row["id"] for row in site.images()] == [1]
    assert site.rows("SELECT generation FROM fileset WHERE done_digest IS NOT NULL") == [{"generation": 2}]
    assert sound(site, second) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("how", ["other content", "another name", "one less", "one more"])
def test_what_is_not_the_same_file_for_file_is_not_joined(site: Site, second: Path, how: str) -> None:
    planes = planes_by_names(site)
    scan(site)
    copy = shutil.copytree(site.root / DAY, second / DAY)
    if how == "other content":
        write_tiff(copy / "z2/cell_cGFP.tif", value=99, size=24)
    elif how == "another name":
        (copy / "z2").rename(copy / "z3")
    elif how == "one less":
        (copy / "z2/cell_cGFP.tif").unlink()
    else:
        write_tiff(copy / "z3/cell_cGFP.tif", value=31, size=24)
    for path in planes:
        path.unlink()
    scan(site)
    assert accepted(site, copy) == []
    assert [row["id"] for row in site.images()] == [1, 2]
    assert sound(site, second) == []


@pytest.mark.parametrize(
    ("is_second_first", "seen_first", "goes"),
    [
        (False, "confocal", "confocal"),
        (False, "second", "confocal"),
        (False, "second", "second"),
        (True, "confocal", "second"),
    ],
)
def test_of_two_found_in_one_scan_the_root_that_was_configured_first_has_the_original(
    site: Site, second: Path, monkeypatch: pytest.MonkeyPatch, *, is_second_first: bool, seen_first: str, goes: str
) -> None:
    files = {"confocal": write_tiff(site.root / DAY / "a.tif"), "second": second / DAY / "a.tif"}
    files["second"].parent.mkdir(parents=True)
    shutil.copy2(files["confocal"], files["second"])

    def taken(core: Core, root: WatchedRoot) -> bool:
        """Commit what the one root shows before what the other does: else that is a race of two threads."""
        (first,) = (one for one in core.roots.values() if one.name == seen_first)
        if root is not first and not first.files_seen:
            return False
        return take_parts(core, root)

    both = settings(site, is_second_first=is_second_first)

    def looked_at(core: Core) -> bool:
        """Import nothing before both are seen."""
        return all(root.files_seen for root in core.roots.values()) and look_at_due(core)

    with monkeypatch.context() as patched:
        patched.setattr(loop_module, "take_parts", taken)
        patched.setattr(loop_module, "look_at_due", looked_at)
        assert site.import_(settings=both).imported == 2
    original, copy = ("second", "confocal") if is_second_first else ("confocal", "second")
    assert (marks(site, files[original]), marks(site, files[copy])) == ((), ("copy of",))
    files[goes].unlink()
    site.import_(settings=both)
    stays = "second" if goes == "confocal" else "confocal"

    (row,) = accepted(site, files[stays])

    is_original_gone = goes == original
    assert row.reason == (None if is_original_gone else "there is nothing to accept")
    assert len(site.images()) == (1 if is_original_gone else 2)


def marks(site: Site, path: Path) -> tuple[str, ...]:
    """Give the marks that `why` and `show` tell, which are the same."""
    with site.catalogue.reading() as connection:
        told = why(connection, SYSTEM, os.fsencode(path))
        shown = show(connection, SYSTEM, ObjectReference(type="image", id=told.image_ids[0]))
    assert isinstance(shown, ImageDetails)
    assert shown.marks == told.marks
    return told.marks


MOMENTS = st.integers(0, 6).map(lambda hours: START + timedelta(hours=hours))
STANDINGS = st.builds(
    lambda number, root, path, seen, took: Standing(
        fileset_id=number, root_id=root, path=path, first_seen_at=seen, imported_at=seen + timedelta(hours=took)
    ),
    st.integers(1, 99), st.integers(1, 3), st.sampled_from((b"a", b"b/a", b"c")), MOMENTS, st.integers(1, 4),
)  # fmt: skip


@given(STANDINGS, STANDINGS)
def test_one_of_two_is_the_original_and_not_both(one: Standing, other: Standing) -> None:
    is_same_place = (one.root_id, one.path) == (other.root_id, other.path)
    if is_original_of(one, other):
        assert not is_original_of(other, one)
    elif not is_same_place:
        assert is_original_of(other, one)


@given(st.lists(STANDINGS, min_size=1, max_size=5), st.randoms())
def test_the_eldest_does_not_hang_on_the_order_and_none_was_before_it(found: list[Standing], chance: object) -> None:
    chosen = eldest(found)
    chance.shuffle(found)  # type: ignore[attr-defined]  # a Random
    again = eldest(found)
    assert chosen is not None
    assert again is not None
    assert (again.root_id, again.path) == (chosen.root_id, chosen.path)
    assert not any(other.imported_at <= chosen.first_seen_at for other in found)
