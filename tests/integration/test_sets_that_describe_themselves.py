"""Sets that one file describes: OME-TIFF companions, OME-TIFFs in several files, MetaMorph's .nd, stacks in parts.

What a file names belongs to it only if it lies in its folder and is the same people's; no other file is ever opened.
"""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from catalog.engine import Catalogue
from tests.helpers import tiff_dialect_files
from tests.helpers.described_sets import companion, part
from tests.helpers.ingest_site import RULE, Site, add_person
from tests.helpers.real_data import needed_data

FOLDER = "smith-lab/ab3c/cells"


@pytest.fixture
def site(catalogue: Catalogue, tmp_path: Path) -> Site:
    made = Site(catalogue, tmp_path, rule=RULE)
    add_person(catalogue, "ab3c", "smith-lab")
    add_person(catalogue, "cd4e", "smith-lab")
    return made


def folder_of(site: Site) -> Path:
    folder = site.root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def images(site: Site) -> list[tuple[Any, ...]]:
    """Give (name, c, z, t, partial) of every image, by name."""
    query = "SELECT name, size_c, size_z, size_t, is_partial FROM image ORDER BY name"
    return [
        (row["name"], row["size_c"], row["size_z"], row["size_t"], bool(row["is_partial"])) for row in site.rows(query)
    ]


def copy_set(site: Site, source: Path) -> None:
    shutil.copytree(source, folder_of(site) / source.name, copy_function=shutil.copyfile)


def truth(folder: Path, name: str) -> list[tuple[int, int, int]]:
    """Give (c, z, t) of the images in a truth file."""
    text = (folder / "truth" / name).read_text()
    found = re.findall(r"<Pixels [^>]*>", text)
    sizes = [{axis: int(re.search(f'Size{axis}="(\\d+)"', one)[1]) for axis in "CZT"} for one in found]  # type: ignore[index]
    return [(one["C"], one["Z"], one["T"]) for one in sizes]


def test_a_real_companion_set_is_one_image(site: Site) -> None:
    data = needed_data()
    copy_set(site, data / "made/bioformats-made/companion")

    summary = site.import_()

    assert (summary.held, summary.failed) == (0, 0), site.rows("SELECT reason FROM job")
    wanted = truth(data, "bioformats-made__companion__oib.companion.ome.ome.xml")
    assert images(site) == [("oib", *wanted[0], False)]
    assert site.rows("SELECT physical_size_x_um AS x FROM image") == [{"x": 0.177}]
    assert site.rows("SELECT failure FROM thumbnail") == [{"failure": None}]
    assert site.rows("SELECT count(*) AS n FROM plane_location") == [{"n": 3}]


def test_a_real_ome_tiff_in_several_files_is_one_image(site: Site) -> None:
    data = needed_data()
    copy_set(site, data / "made/bioformats-made/multifile_ct")

    summary = site.import_()

    assert (summary.held, summary.failed) == (0, 0), site.rows("SELECT reason FROM job")
    # Six files, T0 to T2 and C0 to C1, of five planes each.
    assert images(site) == [("mitosis_T0_C0", 2, 5, 3, False)]
    assert site.rows("SELECT count(*) AS n FROM plane_location") == [{"n": 30}]


def test_a_real_metamorph_index_makes_an_image_of_each_stage_position(site: Site) -> None:
    data = needed_data()
    copy_set(site, data / "real/metamorph-mda-parser/data")

    summary = site.import_()

    assert (summary.held, summary.failed) == (0, 0), site.rows("SELECT reason FROM job")
    stem = "sample_3ch_2pos_mixed-z"
    # The index promises 42 planes in z; the stacks hold five, one wavelength has one.
    assert images(site) == [(f"{stem} [Position1]", 3, 5, 1, False), (f"{stem} [Position2]", 3, 5, 1, False)]
    assert site.rows("SELECT count(*) AS n FROM plane_location") == [{"n": 22}]
    names = site.rows("SELECT DISTINCT name, ordinal FROM channel ORDER BY ordinal")
    assert [row["name"] for row in names] == ["Conf640", "Conf561", "Conf488"]
    assert {row["physical_size_z_um"] for row in site.rows("SELECT physical_size_z_um FROM image")} == {3.0}


@pytest.mark.parametrize(
    "name",
    ["../other/b.tif", "/etc/passwd", "C:\\data\\b.tif", "http://example.org/b.tif", "sub/../../b.tif", "..\\b.tif"],
)
def test_a_name_outside_the_folder_quarantines_the_set_and_no_other_file_is_opened(site: Site, name: str) -> None:
    part(folder_of(site) / "a.tif", 5)
    part(site.root / "smith-lab/ab3c/other/b.tif", 6)
    (folder_of(site) / "x.companion.ome").write_bytes(companion(["a.tif", name]))

    summary = site.import_()

    assert summary.failed == 1
    reasons = [row["reason"] for row in site.rows("SELECT reason FROM job WHERE state = 'quarantined'")]
    assert reasons[0].startswith("names a file outside its folder"), reasons
    assert [one[0] for one in images(site)] == ["a", "b"]


def test_a_file_of_somebody_else_by_the_rules_quarantines_the_set(site: Site) -> None:
    inner = site.root / "smith-lab/ab3c/cells"
    part(inner / "a.tif", 5)
    rule = "{group}/ab3c/cells/{owner}_{image}.{ext}"
    settings = site.settings(rules=tuple(_rules(rule, "{group}/{owner}/{project}/{image}.{ext}")))
    part(inner / "cd4e_b.tif", 6)
    (inner / "x.companion.ome").write_bytes(companion(["a.tif", "cd4e_b.tif"]))

    site.import_(settings=settings)

    reasons = [row["reason"] for row in site.rows("SELECT reason FROM job WHERE state = 'quarantined'")]
    assert reasons == ["names a file outside its folder: cd4e_b.tif is somebody else's by the rules"]


def _rules(*matches: str) -> list[Any]:
    from config.settings import RuleSettings
    from tests.helpers.ingest_site import MARK

    return [RuleSettings(match=(match,), mark=MARK) for match in matches]


def test_a_symbolic_link_that_is_named_quarantines_the_set(site: Site) -> None:
    part(folder_of(site) / "a.tif", 5)
    (folder_of(site) / "b.tif").symlink_to("a.tif")
    (folder_of(site) / "x.companion.ome").write_bytes(companion(["a.tif", "b.tif"]))

    site.import_()

    reasons = [row["reason"] for row in site.rows("SELECT reason FROM job WHERE state = 'quarantined'")]
    assert reasons == ["names a file outside its folder: b.tif is ignored (symbolic link)"]


def test_what_is_not_there_does_not_stop_what_is_and_comes_in_later(site: Site) -> None:
    part(folder_of(site) / "a.tif", 5)
    (folder_of(site) / "x.companion.ome").write_bytes(companion(["a.tif", "b.tif"]))

    site.import_()
    first = site.rows("SELECT id FROM image")
    assert images(site) == [("x", 2, 1, 1, True)]
    part(folder_of(site) / "b.tif", 6)
    site.import_()

    assert images(site) == [("x", 2, 1, 1, False)]
    assert site.rows("SELECT id FROM image") == first
    assert site.rows("SELECT count(*) AS n FROM plane_location") == [{"n": 2}]
    assert site.rows("SELECT pixels_replaced_at AS at FROM image") == [{"at": None}]


def test_a_companion_without_any_of_its_files_waits_for_them(site: Site) -> None:
    (folder_of(site) / "x.companion.ome").write_bytes(companion(["a.tif", "b.tif"]))

    site.import_()

    assert images(site) == []
    assert site.rows("SELECT waits_for FROM fileset") == [{"waits_for": "it waits for 'a.tif' and 1 more"}]


def test_files_that_are_catalogued_are_not_merged_by_an_index_that_comes_later(site: Site) -> None:
    part(folder_of(site) / "a.tif", 5)
    site.import_()
    (folder_of(site) / "x.companion.ome").write_bytes(companion(["a.tif"]))

    site.import_()

    assert [one[0] for one in images(site)] == ["a"]
    disposition, reason = site.sightings()[f"{FOLDER}/x.companion.ome"]
    assert disposition == "held"
    assert reason is not None
    assert "'a.tif', which is catalogued as an image of its own" in reason


def test_a_stack_in_parts_grows_in_place(site: Site) -> None:
    first = folder_of(site) / "NDTiffStack.tif"
    first.write_bytes(tiff_dialect_files.ndtiff())
    site.import_()
    before = images(site)
    ids = site.rows("SELECT id FROM image")
    shutil.copyfile(first, folder_of(site) / "NDTiffStack_1.tif")

    summary = site.import_()

    assert (summary.held, summary.failed) == (0, 0), site.rows("SELECT reason FROM job")
    assert site.rows("SELECT id FROM image") == ids
    assert [one[1:4] for one in images(site)] == [one[1:4] for one in before]
    assert len(site.rows("SELECT id FROM original_file")) == 2
