"""`suggest`: what is proposed for trees as labs keep them is what a person would have written."""

from pathlib import Path

import pytest

from config.path_text import text_path
from config.suggesting.dates_in_names import dated
from config.suggesting.people_in_names import SURELY_PEOPLE, KnownNames, likeness
from config.suggesting.proposal import first_of_each_kind
from config.suggesting.proposing import propose
from config.suggesting.reading import elements_of
from config.suggesting.written import percent, written_rules
from tests.helpers.real_data import needed_data, real_data
from tests.helpers.suggest_table import PAGE, invented_part, page
from tests.helpers.suggesting import all_images, checked, differences, given, proposal_for, real_trees, templates
from tests.helpers.tree import Tree
from tests.helpers.trees import TREES


@pytest.mark.parametrize("tree", TREES, ids=lambda tree: tree.name)
def test_the_first_guess_is_what_a_person_would_want(tree: Tree, tmp_path: Path) -> None:
    proposal = proposal_for(tree)
    assert differences(proposal, tree.wanted) == []
    assert proposal.uncovered == tree.uncovered
    assert all_images(proposal) == proposal.images
    report = checked(tmp_path, proposal)
    assert (report.problems, report.warnings) == ((), ())
    assert report.ok


@pytest.mark.needs_data
def test_every_real_tree_is_covered_and_the_rules_stand_up_to_check(tmp_path: Path) -> None:
    for name, files in real_trees(needed_data()).items():
        proposal = propose(map(text_path, files), root_name=name.rpartition("/")[2])
        assert all_images(proposal) == proposal.images
        assert proposal.uncovered == (), name
        assert checked(tmp_path, proposal).problems == (), name


@pytest.mark.needs_data
def test_instruments_are_known_by_their_layouts() -> None:
    trees = real_trees(needed_data())
    layouts = {
        name: {rule.draft.layout for rule in propose(map(text_path, files), root_name="x").rules} - {None}
        for name, files in trees.items()
    }
    assert layouts["real/faim-ipa"] == {"imagexpress", "cellvoyager"}
    assert layouts["real/plateviewer"] == {"almf", "scanr"}
    assert layouts["real/operetta-compose"] == {"operetta"}
    assert layouts["real/metamorph-mda-parser"] == {"metamorph"}
    assert layouts["real/cellprofiler-examples"] == {"imagexpress", "cellomics"}
    assert layouts["real/cytodataframe"] == {"operetta"}


def test_the_page_about_suggestions_tells_what_they_are() -> None:
    written = PAGE.read_text(encoding="utf-8")
    folder = real_data()
    if folder is not None:
        assert written == page(folder)
    assert invented_part(written).count("| none |") >= len(TREES) - 1


def test_nothing_is_guessed_in_silence() -> None:
    proposal = propose(
        [f"mueller/2024050{day}/cell_z{z:02}.tif".encode() for day in (6, 7) for z in range(9)], root_name="d"
    )
    (rule,) = proposal.rules
    assert any("no folder" not in said and "mueller" in said for said in rule.draft.assumed) or rule.draft.is_posix
    assert any("'z00' to 'z08' is the z (9 values)" in said for said in rule.draft.assumed)
    assert [other.when for other in rule.draft.alternatives] == ["each file is an image of its own"]
    text = written_rules(proposal, "")
    assert "# Assumed:" in text
    assert "# If each file is an image of its own: match:" in text


def test_a_date_that_can_be_read_in_two_ways_is_said() -> None:
    found = dated(["010203", "020304"])
    assert found is not None
    assert (found.format, found.also) == ("%y%m%d", ("%d%m%y",))
    only = dated(["310524", "010624", "020624"])
    assert only is not None
    assert (only.format, only.also) == ("%d%m%y", ())


def test_numbers_that_nobody_explains_join_no_files() -> None:
    for names in (
        [f"ada/p/IMG_{number:04}.jpg" for number in range(50)],
        [f"ada/p/c{number}.tif" for number in range(1, 4)],
        [f"ada/p/sample_{number}.tif" for number in range(9)],
        [f"ada/p/mouse_s{number}.tif" for number in range(9)],
    ):
        (rule,) = propose([name.encode() for name in names], root_name="d").rules
        assert rule.draft.match[0].endswith("{image}.{ext}"), names[0]


def test_numbers_without_a_gap_are_offered_as_a_stack() -> None:
    (rule,) = propose([f"ada/p/stack/mri-{number:04}.tif".encode() for number in range(30)], root_name="d").rules
    assert rule.draft.match[0].endswith("{image}.{ext}")
    assert [other.match.rpartition("]")[2] for other in rule.draft.alternatives] == ["{image}-{z}.{ext}"]


def test_a_running_well_number_is_checked_against_the_letters() -> None:
    def said(number: int) -> str:
        files = [
            f"s/P{plate}/{row}{column}--W{number + 12 * 'ABCDEFGH'.index(row) + column:05}_x{plate}.tif".encode()
            for plate in (1, 2)
            for row in "ABCDEFGH"
            for column in range(1, 13)
        ]
        (rule,) = propose(files, root_name="d").rules
        return " ".join(rule.draft.assumed)

    assert "on a plate with 96 wells: it agrees with the letters in all 96 wells" in said(0)
    assert "agrees with the letters of the well on no usual plate" in said(7)


def test_a_folder_that_is_a_plate_itself_gives_its_name_to_the_plate() -> None:
    files = [f"exp_{row}{column:02}_s{site}.tif".encode() for row in "AB" for column in range(1, 7) for site in (1, 2)]
    proposal = propose(files, root_name="Plate [7]")
    got = given(proposal, "exp_B03_s2.tif")
    assert isinstance(got, dict)
    assert (got["plate"], got["well"], got["field"]) == ("Plate [7]", "B3", "2")


def test_files_that_are_no_images_are_counted_and_nothing_is_proposed_for_them() -> None:
    proposal = propose([b"a/notes.txt", b"a/b.docx", b"c/Makefile", b"x.HTD"], root_name="d")
    assert proposal.rules == ()
    assert (proposal.images, dict(proposal.others)) == (0, {"txt": 1, "docx": 1, "": 1, "htd": 1})
    assert propose([], root_name="d").rules == ()


def test_names_of_any_bytes_are_kept_apart_and_can_be_pasted(tmp_path: Path) -> None:
    files = [b"smith-lab/ab3c/p/\xff%d.tif" % number for number in range(4)] + [
        b"smith-lab/ab3c/p/\x1b[31m\n.tif",
        b"smith-lab/cd4e/it's #1: [x] {y}/a.tif",
        b"smith-lab/cd4e/-/b.tif",
    ]
    proposal = propose(files, root_name="d")
    assert proposal.uncovered == ()
    assert templates(proposal) == ["{group}/{owner}/{project}/[{dataset}/**/]{image}.{ext}"]
    assert checked(tmp_path, proposal).problems == ()
    assert written_rules(proposal, "").replace("\n", "").isprintable()


def test_names_of_people_are_known_by_sight() -> None:
    nobody = KnownNames()
    for names in (
        ["Ada Byron", "C. Darwin"],
        ["ab3c", "js2x"],
        ["JSmith", "MMeyer"],
        ["anna", "bernd"],
        ["Weber_Karl"],
    ):
        assert likeness(names, nobody) >= SURELY_PEOPLE, names
    for names in (["mitosis", "kidney"], ["exp1", "exp2"], ["20240506"], ["Plate 1"], ["raw", "day 2"], ["HeLa_GFP"]):
        assert likeness(names, nobody) < SURELY_PEOPLE, names
    assert likeness(["x1", "y2"], KnownNames.of(["X1", "y2"], ())) == 1


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("exp_B03_s2_w1", ["B03", "2", "1"]),
        ("r03c04f02p01-ch1sk1fk1fl1", ["r03c04", "02", "01", "1"]),
        ("x_w1401562CF-BD52-4C90-A944-83185F26B372", ["1", "401562CF-BD52-4C90-A944-83185F26B372"]),
        ("Zeitpunkt 03 Kanal 2", ["03", "2"]),
        ("cell12 of 4", []),
        ("sample_ap53_HeLa", []),
    ],
)  # fmt: skip
def test_numbers_are_read_with_the_letters_before_them(name: str, values: list[str]) -> None:
    assert [element.value for element in elements_of(name)] == values


def test_shares_say_all_only_of_all() -> None:
    assert [percent(part, 1000) for part in (0, 1, 500, 999, 1000)] == ["0 %", "1 %", "50 %", "99 %", "100 %"]
    assert percent(0, 0) == "0 %"


def test_examples_are_spread_over_the_tree() -> None:
    assert first_of_each_kind([f"{number:02}" for number in range(21)], 3) == ("00", "10", "20")
    assert first_of_each_kind(["b", "a"], 3) == ("a", "b")
