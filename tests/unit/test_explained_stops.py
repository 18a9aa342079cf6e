"""Near misses: what `explain` says of a path that a rule almost fits, as the person reads it who wrote the rule."""

import pytest

from config.rules import RootRules
from tests.helpers.rules import rule, rules_of

USUAL = "{group}/{owner}/{project}/[{dataset}/**/]{image}.{ext}"
PLATES = "{group}/{plate}/*_{well}_s{field}[_w{wave:int}].{ext}"
DATED = "{person}/{day:%Y%m%d}_{project}[_{stain}]/**/{image}.(tif|tiff)"
GRID = "{plate}/r{row:2d}c{column:2d}f{field}.tif"


def told(rules: RootRules, path: str) -> list[str]:
    return [one.message for one in rules.tried(path.encode())]


@pytest.mark.parametrize(
    ("match", "path", "message"),
    [
        (USUAL, "lab/a.tif", "stops at /: wants '/' after {owner}, finds 'a.tif'; before it: group 'lab'"),
        (
            USUAL,
            "lab/ab3c/p/notes.txt",
            "stops at {ext}: wants an ending that a reader knows, finds 'txt'; before it: group 'lab', owner 'ab3c',"
            " project 'p', image 'notes'",
        ),
        (
            USUAL,
            "lab/ab3c/p/x",
            "stops at .: wants '.' after {image}, finds 'x'; before it: group 'lab', owner 'ab3c', project 'p'",
        ),
        (
            USUAL,
            "lab/ab3c/p/x.tif.swp",
            "the rule ends here, and the path goes on with '.swp'; before it: group 'lab', owner 'ab3c',"
            " project 'p', image 'x', ext 'tif'",
        ),
        (
            PLATES,
            "lab/P1/exp_B03_s2_wX.tif",
            "stops at .: wants '.' (or [_w{wave:int}] before it), finds '_wX.tif'; before it: group 'lab',"
            " plate 'P1', well 'B03', field '2'",
        ),
        (
            PLATES,
            "lab/P1/exp_b03_s2.tif",
            "stops at {well}: wants a well such as B3, B03 or r02c03, finds 'b03_s2.tif'; before it: group 'lab',"
            " plate 'P1'",
        ),
        (
            PLATES,
            "lab/P1/exp_B03_sA.tif",
            "stops at {field}: wants digits, finds 'A.tif'; before it: group 'lab', plate 'P1', well 'B03'",
        ),
        (PLATES, "lab/P1/expB03.tif", "stops at _: wants '_' after *, finds 'expB03.tif'; before it: group 'lab',"
         " plate 'P1'"),
        (DATED, "Ada/2024-05-13_p/x.tif", "stops at {day:%Y%m%d}: wants a date such as 20240513, finds"
         " '2024-05-13_p/x.tif'; before it: person 'Ada'"),
        (DATED, "Ada/20241301_p/x.tif", "'20241301' can't be {day:%Y%m%d}, which wants a date such as 20240513"),
        (
            DATED,
            "Ada/20240513_p_DAPI.tif",
            "stops at /: wants '/' after {project} (or [_{stain}] before it), finds 'p_DAPI.tif'; before it:"
            " person 'Ada', day '20240513'",
        ),
        (DATED, "Ada/20240513_p/x.png", "stops at (tif|tiff): wants 'tif' or 'tiff', finds 'png'; before it: person"
         " 'Ada', day '20240513', project 'p', image 'x'"),
        (GRID, "P1/r2c03f1.tif", "stops at {row:2d}: wants exactly 2 digits, counted from 1, finds '2c03f1.tif';"
         " before it: plate 'P1'"),
        (GRID, "P1/r00c03f1.tif", "'00' can't be {row:2d}, which wants exactly 2 digits, counted from 1"),
        (GRID, "P1/r02c03f1", "stops at .tif: wants '.tif', the path ends; before it: plate 'P1', row '02',"
         " column '03', field '1'"),
        ("{plate}/{well:96}.tif", "P1/97.tif", "'97' can't be {well:96}, which wants a number from 1 to 96"),
        ("{plate}/{well:8x12}.tif", "P1/A1.tif", "stops at {well:8x12}: wants a number from 1 to 96, finds 'A1.tif';"
         " before it: plate 'P1'"),
        ("{plate}/{row}{column}.tif", "P1/1.tif", "stops at {row}: wants one or two letters, finds '1.tif'; before it:"
         " plate 'P1'"),
        ("{plate}/{row}{column}.tif", "P1/Bx.tif", "stops at {column}: wants a number from 1, finds 'x.tif'; before"
         " it: plate 'P1', row 'B'"),
        ("{dataset}/{stain:DAPI|GFP}.tif", "d/RFP.tif", "stops at {stain:DAPI|GFP}: wants 'DAPI' or 'GFP', finds"
         " 'RFP.tif'; before it: dataset 'd'"),
        ("{owner}/{owner}_{image}.tif", "ada/bob_x.tif", "stops at {owner}: wants one or more characters inside one"
         " folder or file name, the same as before ('ada'), finds 'bob_x.tif'; before it: owner 'ada'"),
        ("{dataset}/{image}_thumb.tif", "d/cells.tif", "stops at _thumb.tif: wants '_thumb.tif' after {image}, finds"
         " 'cells.tif'; before it: dataset 'd'"),
        ("{dataset}/x?.tif", "d/x", "stops at ?: wants one character, the path ends; before it: dataset 'd'"),
        ("fixed/{image}", "fixed/a/b.tif", "the rule ends here, and the path goes on with '/b.tif'; before it:"
         " image 'a'"),
    ],
)  # fmt: skip
def test_a_near_miss_says_where_and_what_was_wanted_and_how_the_path_was_read(
    match: str, path: str, message: str
) -> None:
    assert told(rules_of(rule(match)), path) == [message]


def test_what_where_does_not_allow_is_said_with_its_expression() -> None:
    rules = rules_of(rule("{plate}/{well}.tif", where={"plate": "P[0-9]+"}))
    assert told(rules, "Q1/B3.tif") == [
        "stops at {plate}: wants one or more characters inside one folder or file name that `where` allows ('P[0-9]+'),"
        " finds 'Q1/B3.tif'"
    ]


def test_each_match_of_a_rule_and_a_later_rule_that_would_fit_are_told() -> None:
    rules = rules_of(
        rule(("old/{image}.tif", "{dataset}/{image}.tif")), rule(regex="(?P<image>.+)/x"), rule("**/{image}.{ext}")
    )
    tried = rules.tried(b"d/x.tif")
    assert [(one.rule, one.template, one.is_match) for one in tried] == [
        ("confocal#1", "old/{image}.tif", False),
        ("confocal#1", "{dataset}/{image}.tif", True),
        ("confocal#2", "(?P<image>.+)/x", False),
        ("confocal#3", "**/{image}.{ext}", True),
    ]
    assert [one.message for one in tried[1:]] == [
        "matches",
        "the expression ends here, and the path goes on with '.tif'",
        "would match, but rule confocal#1 comes first",
    ]


WELLS = r"(?P<plate>P\d+)/(?P<well>[A-Z]\d+)_s(?P<field>\d+)(?P<extra>_x)?\.tif"


@pytest.mark.parametrize(
    ("expression", "path", "message"),
    [
        (WELLS, "P1/B03_w2.tif", "stops at s: finds 'w2.tif'; before it: 'P1/B03_'"),
        (WELLS, "Q1/B03", "stops at P of group 'plate': finds 'Q1/B03'"),
        (WELLS, "P1/03", "stops at [A-Z] of group 'well': finds '03'; before it: 'P1/'"),
        (WELLS, "P1", "stops at /: the path ends; before it: 'P1'"),
        (WELLS, "P1/B3_s4.tif/x", "the expression ends here, and the path goes on with '/x'"),
        (r"(?i)data/(?P<c>DAPI|GFP)_[^/]{2,3}\.tif", "Data/cy5_a.tif",
         "stops at (?P<c>DAPI|GFP) of group 'c': finds 'cy5_a.tif'; before it: 'Data/'"),
        (r"ü+/(?P<image>[[:alpha:]]+)\.tif", "üü/1.tif",
         "stops at [[:alpha:]]+ of group 'image': finds '1.tif'; before it: 'üü/'"),
        (r"(?P<image>(?i)ab)C\.tif", "ABc.tif", "stops at C: finds 'c.tif'; before it: 'AB'"),
        ("a/(?P<image>x)|b/(?P<image2>y)", "c", "the regular expression does not match the whole path"),
    ],
)  # fmt: skip
def test_a_regular_expression_says_which_of_its_parts_is_not_in_the_path(
    expression: str, path: str, message: str
) -> None:
    assert told(rules_of(rule(regex=expression)), path) == [message]


def test_an_expression_of_any_length_is_asked_in_bounded_time() -> None:
    parts = "".join(f"(?P<n{number}>a+)-" for number in range(60))
    (message,) = told(rules_of(rule(regex=parts)), "aaaa-" * 59 + "b")
    assert message.startswith("stops at a+ of group 'n59': finds 'b'")
    assert told(rules_of(rule(regex="x" * 2000)), "y") == ["the regular expression does not match the whole path"]
