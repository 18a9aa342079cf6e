"""Where a path is filed by the rules: targets, image names, texts of owner and group, and what is part of a set."""

from datetime import timedelta

import pytest

from config.endings import ENDINGS, EndingKind, ending_of, is_folder_image, without_ending
from config.settings import CompleteSettings, DefaultOwner, RuleSettings
from ingest.origin import KEY_BYTES, origin_keys
from ingest.placement import NotPlaced, NotPlacedAs, Placement, Target, place
from tests.helpers.rules import rule, rules_of


def placed(path: str, *rules: RuleSettings, default: DefaultOwner | None = None) -> Placement:
    found = place(rules_of(*rules, default=default), path.encode())
    assert isinstance(found, Placement), found
    return found


def not_placed(path: bytes, *rules: RuleSettings) -> NotPlaced:
    found = place(rules_of(*rules), path)
    assert isinstance(found, NotPlaced), found
    return found


def test_the_common_rule_files_into_project_and_dataset() -> None:
    common = rule("{group}/{owner}/{project}/[{dataset}/**/]{image}.{ext}")
    found = placed("smith-lab/ab3c/myosin/day 1/raw/x.ome.tif", common)
    assert found.target == Target(project="myosin", dataset="day 1")
    assert (found.owner, found.owner_from, found.group, found.group_from) == (
        "ab3c", "folder 'ab3c'", "smith-lab", "folder 'smith-lab'",
    )  # fmt: skip
    assert found.image == "x"


def test_a_project_without_a_dataset_gives_the_dataset_its_name() -> None:
    found = placed("g/o/myosin/x.tif", rule("{group}/{owner}/{project}/[{dataset}/**/]{image}.{ext}"))
    assert found.target == Target(project="myosin", dataset="myosin")


def test_no_target_is_an_orphaned_image() -> None:
    assert placed("o/x.tif", rule("{owner}/*.{ext}")).target == Target()


@pytest.mark.parametrize(
    ("match", "path", "name"),
    [
        ("{dataset}/*.{ext}", "d/x.y.ome.tif", "x.y"),
        ("{dataset}/*", "d/x.lsm", "x"),
        ("{dataset}/{image}_raw.{ext}", "d/x_raw.tif", "x"),
        ("{plate}/{well}_s{field}.{ext}", "P1/B03_s2.tif", "P1 B3 field 2"),
        ("{plate}/{well}.{ext}", "P1/B03.tif", "P1 B3"),
        ("{plate}/{well}_{image}.{ext}", "P1/B03_x.tif", "x"),
        ("{plate}/*.{ext}", "P1/all wells.ome.tif", "all wells"),
        ("{plate}/{well}_t{tile}.{ext}", "P1/B03_t4.tif", "P1 B3 field 4"),
    ],
)
def test_an_image_is_named_after_capture_file_or_well(match: str, path: str, name: str) -> None:
    assert placed(path, rule(match)).image == name


def test_screen_plate_run_well_and_field() -> None:
    found = placed("siRNA/P1/run 2/AF48_s0.tif", rule("{screen}/{plate}/{run}/{well}_s{field}.{ext}"))
    assert found.target == Target(screen="siRNA", plate="P1", run="run 2", well=(31, 47), field=0)


@pytest.mark.parametrize(
    ("match", "path", "dimensions", "image"),
    [
        ("{dataset}/*_w{channel:int}.{ext}", "d/x_w01.tif", {"channel": "1"}, "d"),
        ("{dataset}/{image}_z{z}_t{t}.{ext}", "d/x_z03_t1.tif", {"z": "3", "t": "1"}, "x"),
        ("{dataset}/t{t}/*_{channel:DAPI|GFP}.{ext}", "d/t4/x_GFP.tif", {"channel": "GFP", "t": "4"}, "d"),
        ("{plate}/{well}_s{field}_w{channel:int}.{ext}", "P/B3_s1_w2.tif", {"channel": "2"}, "P B3 field 1"),
        ("t{t}.{ext}", "t4.tif", {"t": "4"}, "confocal"),
    ],
)
def test_names_tell_where_a_file_lies_in_an_image_of_many(
    match: str, path: str, dimensions: dict[str, str], image: str
) -> None:
    found = placed(path, rule(match))
    assert (dict(found.dimensions), found.image, found.by) == (dimensions, image, "names")


def test_what_describes_a_set_is_read_whatever_its_name_captured() -> None:
    found = placed("d/x_z1.companion.ome", rule("{dataset}/{image}[_z{z}].{ext}"))
    assert (dict(found.dimensions), found.by) == ({}, "reader")


def test_tiles_are_told_apart_from_their_field() -> None:
    found = placed("P/B3_s1_t2.tif", rule("{plate}/{well}_s{field}_t{tile}.{ext}"))
    assert (found.target.field, found.target.tile, found.image) == (1, 2, "P B3 field 1 tile 2")


def test_a_dimension_in_brackets_that_is_not_there_captures_nothing() -> None:
    both = rule("{dataset}/{image}[_z{z}].{ext}")
    assert (placed("d/x.tif", both).image, dict(placed("d/x.tif", both).dimensions)) == ("x", {})
    assert dict(placed("d/x_z1.tif", both).dimensions) == {"z": "1"}


def test_unmatched_skipped_and_ignored() -> None:
    rules = (rule("a/{image}.{ext}"), rule("b/*", skip=True))
    assert not_placed(b"c/x.tif", *rules).disposition is NotPlacedAs.UNMATCHED
    assert not_placed(b"b/x.tif", *rules).disposition is NotPlacedAs.SKIPPED
    assert not_placed(b"a/x.czi", *rules).disposition is NotPlacedAs.IGNORED


def test_owner_and_group_come_from_set_then_capture_then_default() -> None:
    default = DefaultOwner(owner="facility", group="core")
    overridden = placed("o/x.tif", rule("{owner}/*", set={"owner": "pi", "group": "[]lab"}), default=default)
    assert (overridden.owner, overridden.owner_from, overridden.group) == ("pi", "set", "lab")
    captured = placed("o/x.tif", rule("{owner}/*"), default=default)
    assert (captured.owner, captured.group, captured.group_from) == ("o", "core", "default")
    neither = placed("o/x.tif", rule("*/*"), default=default)
    assert (neither.owner, neither.owner_from) == ("facility", "default")
    nothing = placed("o/x.tif", rule("*/*"))
    assert (nothing.owner, nothing.group, nothing.is_posix) == (None, None, False)


def test_posix_is_a_word_of_the_configuration_never_of_a_path() -> None:
    assert placed("o/x.tif", rule("{owner}/*", owner="posix")).is_posix
    assert placed("o/x.tif", rule("*/*", set={"owner": "posix"})).is_posix
    by_default = placed("o/x.tif", rule("*/*"), default=DefaultOwner(owner="posix", group="posix"))
    assert (by_default.is_posix, by_default.is_posix_group, by_default.owner) == (True, True, None)
    folder = placed("posix/x.tif", rule("{owner}/*"))
    assert (folder.is_posix, folder.owner) == (False, "posix")
    with_group = placed("lab/x.tif", rule("{group}/*", owner="posix"))
    assert (with_group.group, with_group.is_posix_group) == ("lab", False)


def test_a_rule_has_the_last_word_over_its_root() -> None:
    own = rule("*", crosscheck="warn", projection="max", complete=CompleteSettings(settle=timedelta(seconds=1)))
    found = placed("x.tif", own)
    assert (found.crosscheck, found.projection, found.settle_s) == ("warn", "max", 1.0)
    plain = placed("x.tif", rule("*"))
    assert (plain.crosscheck, plain.projection, plain.settle_s) == ("hold", "middle", 10.0)


def test_a_name_that_is_not_utf8_is_placed_with_its_escapes() -> None:
    found = place(rules_of(rule("{dataset}/*")), b"d\xe9/x\xff.tif")
    assert isinstance(found, Placement)
    assert (found.target.dataset, found.image) == ("d\\xe9", "x\\xff")


def test_origin_keys_depend_on_group_owner_kind_and_every_name() -> None:
    target = Target(project="a", dataset="b", screen=None, plate="b")
    keys = origin_keys(target, 1, 2)
    others = [
        origin_keys(target, 2, 2).dataset,
        origin_keys(target, 1, 3).dataset,
        origin_keys(Target(dataset="b"), 1, 2).dataset,
        origin_keys(Target(project="ab", dataset=""), 1, 2).dataset,
        keys.project,
        keys.plate,
    ]
    assert keys.screen is None
    assert all(other is not None and len(other) == KEY_BYTES for other in others)
    assert len({keys.dataset, *others}) == len(others) + 1
    assert keys == origin_keys(target, 1, 2)


def test_endings_are_known_longest_first_and_in_any_case() -> None:
    assert list(ENDINGS) == sorted(ENDINGS, key=lambda text: (-len(text), text))
    assert without_ending("x.OME.TIF") == "x"
    assert without_ending("x.ome") == "x"
    assert without_ending("x.txt") == "x.txt"
    assert without_ending(".tif") == ".tif"
    assert ending_of("tif") is None
    found = ending_of(b"a.companion.ome")
    assert found is not None
    assert found.kind is EndingKind.SET
    assert is_folder_image(b"p.ome.zarr")
    assert is_folder_image("p.ZARR")
    assert not is_folder_image("p.tif")
