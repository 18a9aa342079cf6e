"""Main files of sets that are overwritten, go and come back: what they describe no more is filed as if just found.

Nothing is lost or torn by it, and what people noted stays with the image of the main file. On both databases.
"""

import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from catalog.engine import Catalogue
from catalog.queries.history import history
from catalog.references import ObjectReference
from catalog.why import why
from config.settings import RuleSettings
from ingest.pool import InProcessPool
from ingest.reading import read
from ingest.work import Outcome, ReadResult, ReadTask
from tests.helpers.described_sets import HEAD, companion, part
from tests.helpers.ingest_site import MARK, RULE, Site, add_person, write_tiff
from tests.helpers.invariants import violations
from tests.helpers.notes import note, tags
from tests.helpers.planning import ALONE, administrator, applied, planned
from tests.helpers.real_data import needed_data

FOLDER = "smith-lab/ab3c/cells"
PLANES = ["a.tif", "b.tif", "c.tif"]
#: Each describes all of them.
MUTUAL = ["a.ome.tif", "b.ome.tif", "c.ome.tif"]
#: Tells nothing without the file that it names.
BINARY_ONLY = (HEAD + 'UUID="urn:b"><BinaryOnly MetadataFile="a.ome.tif" UUID="urn:uuid:m"/></OME>').encode()


@pytest.fixture
def site(catalogue: Catalogue, tmp_path: Path) -> Site:
    made = Site(catalogue, tmp_path, rule=RULE)
    add_person(catalogue, "ab3c", "smith-lab")
    (made.root / FOLDER).mkdir(parents=True)
    return made


@pytest.fixture
def described(site: Site) -> Path:
    """Give the companion of three planes, which are one image that somebody tagged."""
    for number, name in enumerate(PLANES):
        part(site.root / FOLDER / name, number)
    main = site.root / FOLDER / "x.companion.ome"
    main.write_bytes(companion(PLANES))
    imported(site)
    note(site, site.images()[0]["id"], "good")
    return main


@pytest.fixture
def mutual(site: Site) -> Path:
    """Give the first of three planes that describe each other, and are one image that somebody tagged."""
    for number, name in enumerate(MUTUAL):
        part(site.root / FOLDER / name, number, companion(MUTUAL))
    imported(site)
    note(site, site.images()[0]["id"], "good")
    return site.root / FOLDER / MUTUAL[0]


def imported(site: Site, **how: Any) -> None:
    site.import_(**how)
    assert violations(site.catalogue, {"confocal": site.root}) == []


def images(site: Site) -> dict[str, tuple[int, int, bool, int]]:
    """Give (id, channels, partial, planes that lie in one of several files) of every image, by name."""
    query = (
        "SELECT i.id, i.name, i.size_c, i.is_partial,"
        " (SELECT count(*) FROM plane_location p WHERE p.image_id = i.id) AS planes FROM image i"
    )
    rows = site.rows(query)
    return {row["name"]: (row["id"], row["size_c"], bool(row["is_partial"]), row["planes"]) for row in rows}


def state(site: Site, name: str) -> tuple[str, str]:
    with site.catalogue.reading() as connection:
        found = why(connection, administrator(site), os.fsencode(site.root / FOLDER / name))
    return found.state, found.reason


def told(site: Site, name: str) -> list[str]:
    """Give what happened to a path, as `why` tells."""
    with site.catalogue.reading() as connection:
        found = why(connection, administrator(site), os.fsencode(site.root / FOLDER / name))
    return [row.what for row in found.history]


def test_what_an_overwritten_companion_names_no_more_becomes_an_image_of_its_own(site: Site, described: Path) -> None:
    before = images(site)["x"][0]
    described.write_bytes(companion(PLANES[:2]))

    imported(site)

    found = images(site)
    assert found == {"x": (before, 2, False, 2), "c": (found["c"][0], 1, False, 0)}
    assert tags(site) == [("good", before)]
    assert [state(site, name)[0] for name in ("c.tif", "a.tif")] == ["imported", "imported"]
    assert told(site, "c.tif") == ["released", "imported"]
    with site.catalogue.reading() as connection:
        rows = history(connection, administrator(site), ObjectReference(type="image", id=before))
    assert [row.what for row in rows if row.object and row.object.startswith("fileset")] == [
        "imported",
        "updated",
        "divided",
    ]
    assert rows[-1].after == {"files": 1, "reason": "its main file describes them no more"}


def test_what_a_main_file_names_now_goes_in_and_what_it_named_goes_out(site: Site, described: Path) -> None:
    part(site.root / FOLDER / "d.tif", 7)
    described.write_bytes(companion(["a.tif", "d.tif"]))

    imported(site)

    assert {name: one[1:] for name, one in images(site).items()} == {
        "x": (2, False, 2),
        "b": (1, False, 0),
        "c": (1, False, 0),
    }


def test_an_image_that_was_named_otherwise_before_it_was_read_takes_no_file_that_it_does_not_name(site: Site) -> None:
    for number, name in enumerate(PLANES):
        part(site.root / FOLDER / name, number)
    main = site.root / FOLDER / "x.companion.ome"
    main.write_bytes(companion(PLANES))

    def rewrites(_: ReadTask, result: ReadResult) -> None:
        if result.outcome is Outcome.DESCRIBES and len(result.names) == len(PLANES):
            main.write_bytes(companion(PLANES[:1]))

    imported(site, pool=InProcessPool(read=_then(rewrites)))
    assert {name: one[1:] for name, one in images(site).items()} == {
        "x": (1, False, 1),
        "b": (1, False, 0),
        "c": (1, False, 0),
    }


def _then(act: Callable[[ReadTask, ReadResult], None]) -> Callable[[ReadTask], ReadResult]:
    def read_and_act(task: ReadTask) -> ReadResult:
        result = read(task)
        act(task, result)
        return result

    return read_and_act


def test_an_ingest_that_ends_before_it_has_looked_again_leaves_files_held_that_the_next_one_files(
    site: Site, described: Path
) -> None:
    described.write_bytes(companion(PLANES[:1]))
    stop = threading.Event()
    pool = InProcessPool(read=_then(lambda _, result: stop.set() if result.outcome is Outcome.READ else None))

    site.loop(pool=pool).run_once(stop=stop)

    assert violations(site.catalogue, {"confocal": site.root}) == []
    reason = "'x.companion.ome' describes it no more; it is filed anew as soon as it is looked at again"
    assert state(site, "b.tif") == state(site, "c.tif") == ("held", reason)
    imported(site)
    assert set(images(site)) == {"x", "b", "c"}
    assert told(site, "b.tif") == ["released", "imported"]


def test_files_that_describe_each_other_are_one_image_without_the_one_that_was_overwritten(
    site: Site, mutual: Path
) -> None:
    before = images(site)["a"][0]
    write_tiff(mutual, value=9)

    imported(site)

    found = images(site)
    assert found == {"a": (before, 1, False, 0), "b": (found["b"][0], 3, True, 2)}
    assert tags(site) == [("good", before)]
    assert site.rows("SELECT grouping FROM fileset ORDER BY grouping") == [{"grouping": "file"}, {"grouping": "index"}]


def test_real_files_that_describe_each_other_lose_no_pixels_when_the_first_is_overwritten(site: Site) -> None:
    folder = site.root / FOLDER
    for path in (needed_data() / "made/bioformats-made/multifile_ct").iterdir():
        shutil.copyfile(path, folder / path.name)
    imported(site)
    assert site.rows("SELECT count(*) AS n FROM plane_location") == [{"n": 30}]
    write_tiff(folder / "mitosis_T0_C0.ome.tiff", value=9)

    imported(site)

    sizes = "SELECT name, size_z, size_c, size_t, is_partial FROM image ORDER BY name"
    assert [tuple(row.values()) for row in site.rows(sizes)] == [
        ("mitosis_T0_C0", 1, 1, 1, False),
        ("mitosis_T0_C1", 5, 2, 3, True),
    ]
    assert site.rows("SELECT count(*) AS n FROM plane_location") == [{"n": 25}]


def test_a_set_whose_first_file_is_written_back_is_joined_by_apply(site: Site, mutual: Path) -> None:
    by_rule = site.settings(people=ALONE, rules=(RuleSettings(match=(RULE,), mark=MARK),))
    before, content = images(site)["a"][0], mutual.read_bytes()
    write_tiff(mutual, value=9)
    imported(site, settings=by_rule)
    mutual.write_bytes(content)

    imported(site, settings=by_rule)
    why_not = "it describes 'b.ome.tif', which is catalogued as an image of its own; `coverslip apply` joins them"
    assert state(site, "a.ome.tif") == ("quarantined", why_not)
    assert applied(site, by_rule).problems == []
    imported(site, settings=by_rule)

    assert images(site) == {"a": (before, 3, False, 3)}
    assert tags(site) == [("good", before)]
    assert planned(site, by_rule).document.change == ()


def test_files_that_tell_nothing_alone_are_held_until_their_main_file_is_back(site: Site) -> None:
    main = part(site.root / FOLDER / "a.ome.tif", 0, companion(MUTUAL))
    for name in MUTUAL[1:]:
        part(site.root / FOLDER / name, 1, BINARY_ONLY)
    imported(site)
    before, content = images(site), main.read_bytes()
    assert before["a"][1:] == (3, False, 3)
    write_tiff(main, value=9)

    imported(site)
    assert images(site) == {"a": (before["a"][0], 1, False, 0)}
    assert {state(site, name)[0] for name in MUTUAL[1:]} == {"held"}
    assert all("a.ome.tif" in state(site, name)[1] for name in MUTUAL[1:])

    main.write_bytes(content)
    imported(site)
    assert images(site) == before


def test_a_set_without_its_main_file_stays_and_a_plane_that_changes_waits_for_it(site: Site, described: Path) -> None:
    before, content = images(site), described.read_bytes()
    described.unlink()
    imported(site)
    assert images(site) == before
    assert state(site, "x.companion.ome")[0] == "missing"
    assert state(site, "b.tif")[0] == "imported"

    part(site.root / FOLDER / "a.tif", 8)
    imported(site)
    assert images(site) == before
    reason = "the file that describes which planes lie where is not there; the image stays as it was until it is back"
    assert state(site, "a.tif") == state(site, "b.tif") == ("quarantined", reason)

    described.write_bytes(content)
    imported(site)
    assert images(site) == before
    assert [state(site, name)[0] for name in (*PLANES, "x.companion.ome")] == ["imported"] * 4
    assert site.rows("SELECT pixels_replaced_at IS NOT NULL AS is_replaced FROM image")[0]["is_replaced"]


def test_files_that_describe_each_other_are_read_without_the_first_when_another_changes(
    site: Site, mutual: Path
) -> None:
    before, content = images(site), mutual.read_bytes()
    mutual.unlink()
    imported(site)
    part(site.root / FOLDER / "c.ome.tif", 8, companion(MUTUAL))

    imported(site)
    assert images(site) == {"a": (before["a"][0], 3, True, 2)}
    mutual.write_bytes(content)
    imported(site)
    assert images(site) == before


def test_a_set_that_names_no_more_what_was_not_there_is_whole(site: Site) -> None:
    part(site.root / FOLDER / "a.tif", 1)
    main = site.root / FOLDER / "x.companion.ome"
    main.write_bytes(companion(["a.tif", "b.tif"]))
    imported(site)
    assert images(site)["x"][1:] == (2, True, 1)

    main.write_bytes(companion(["a.tif"]))
    imported(site)
    assert images(site)["x"][1:] == (1, False, 1)


def test_a_plane_that_was_moved_out_of_its_set_is_an_image_once_the_set_is_read_without_it(
    site: Site, described: Path
) -> None:
    before = images(site)["x"][0]
    (site.root / FOLDER / "sub").mkdir()
    (site.root / FOLDER / "c.tif").rename(site.root / FOLDER / "sub/c.tif")
    imported(site)
    assert images(site) == {"x": (before, 3, False, 3)}

    part(site.root / FOLDER / "a.tif", 8)
    imported(site)
    found = images(site)
    assert found == {"x": (before, 3, True, 2), "c": (found["c"][0], 1, False, 0)}


def test_a_renamed_main_file_keeps_its_set_and_what_is_noted(site: Site, described: Path) -> None:
    before = images(site)["x"]
    described.rename(described.with_name("y.companion.ome"))

    imported(site)
    assert images(site) == {"y": before}
    part(site.root / FOLDER / "a.tif", 8)
    imported(site)
    assert images(site) == {"y": before}
    assert tags(site) == [("good", before[0])]
