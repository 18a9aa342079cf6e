"""Whatever a tree's names are: proposed rules compile, match what they were shown, and pass `check`."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.path_text import path_text, text_path
from config.rule_values import RuleMatch, RuleSkip
from config.suggesting.measuring import compiled
from config.suggesting.proposal import Draft, Proposal
from config.suggesting.proposing import is_image, propose
from config.suggesting.shapes import shapes_of
from config.suggesting.tails import tail_of
from config.value_types import read_number, read_well
from tests.helpers.suggesting import all_images, checked

WORDS = (
    r"ada|Bernd|smith-lab|AG Weber|raw|images|mitosis|day 1|2024-05-06|20240507|AB|x_y|P001|B03|t001|z2|TimePoint_1|"
    r"Übersicht|it's|a#b: c|[x]|{y}|*|back\slash|\xff"
)
PIECES = st.sampled_from(WORDS.split("|"))
ODD = st.binary(min_size=1, max_size=6).map(lambda raw: raw.replace(b"/", b"_").replace(b"\0", b"_"))
FOLDERS = st.one_of(PIECES.map(lambda text: text.encode()), ODD.filter(lambda raw: raw not in (b".", b"..")))
LEADS = st.sampled_from((b"", b"cell_", b"exp ", b"A-", b"img_"))
NUMBERS = "z{a} ch{b} c{b:02} t{a:03} s{b} w{b} {w} W{n:04} {c} _{a} f{a:02}"
TOKENS = st.sampled_from(NUMBERS.split())
SEPARATORS = st.sampled_from(("_", "-", "--", " ", ""))
ENDINGS = st.sampled_from((b".tif", b".ome.tif", b".czi", b".TIF", b".png", b".txt", b""))


@st.composite
def names(draw: st.DrawFn) -> list[bytes]:
    """Give names of one folder: a pattern with numbers, wells and stains, written for a small grid."""
    parts = draw(st.lists(TOKENS, max_size=4))
    pattern = draw(SEPARATORS).join(parts)
    lead, ending = draw(LEADS), draw(ENDINGS)
    written = {
        pattern.format(a=a, b=b, n=1 + 12 * a + b, w=f"{'ABC'[a % 3]}{b + 1:02}", c=("DAPI", "GFP")[b % 2]).encode()
        for a in range(draw(st.integers(1, 4)))
        for b in range(draw(st.integers(1, 3)))
    }
    return [lead + name + ending for name in written if lead + name + ending not in (b"", b".", b"..")]


@st.composite
def trees(draw: st.DrawFn) -> list[bytes]:
    """Give a tree of a few folders, each with names of one pattern."""
    paths = set()
    patterns = draw(st.lists(names(), min_size=1, max_size=3))
    for head in draw(st.lists(st.lists(FOLDERS, max_size=4), min_size=1, max_size=5)):
        for name in draw(st.sampled_from(patterns)):
            paths.add(b"/".join([*head, name]))
    return sorted(paths)


def holds(tree: list[bytes], proposal: Proposal, folder: Path) -> None:
    assert proposal.images == sum(is_image(path_text(path)) for path in tree)
    assert all_images(proposal) == proposal.images
    rules = compiled([rule.draft for rule in proposal.rules])
    uncovered = set(proposal.uncovered)
    for path in tree:
        text = path_text(path)
        if is_image(text):
            assert isinstance(rules.match(path), RuleMatch | RuleSkip) != (text in uncovered)
    report = checked(folder, proposal)
    assert report.problems == ()
    assert report.examples.passed == sum(example.is_checkable for rule in proposal.rules for example in rule.examples)


@settings(max_examples=60)
@given(tree=trees())
def test_what_is_proposed_matches_what_was_shown(tree: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        holds(tree, propose(tree, root_name="data"), Path(folder))


@pytest.mark.faults_full
@settings(max_examples=3000)
@given(tree=trees())
def test_what_is_proposed_matches_what_was_shown_thousands_of_times(tree: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        holds(tree, propose(tree, root_name="data"), Path(folder))


@settings(max_examples=150)
@given(tree=trees())
def test_the_template_of_a_shape_reads_the_values_that_made_it(tree: list[bytes]) -> None:
    """What was read as well, field, channel, z and t is what the rule then captures, or the file is not matched."""
    for shape in shapes_of(path_text(path) for path in tree if is_image(path_text(path))):
        tail = tail_of(shape)
        if tail is None or not shape.files[0].elements:
            continue
        plate = {"plate": "P"} if shape.is_plate and not tail.names_plate else {}
        rules = compiled([Draft(title="", match=(f"**/{tail.template}",), sets=plate)])
        for file in shape.files:
            said = rules.match(text_path(file.path))
            assert isinstance(said, RuleMatch), (tail.template, file.path)
            for element in file.elements:
                if element.role.value in ("field", "channel", "z", "t") and element.is_number:
                    assert read_number(said.captures[element.role.value]) == int(element.value)
                if element.role.value == "well":
                    assert said.well == read_well(element.value)
