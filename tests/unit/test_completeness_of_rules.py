"""What `complete:` and `channels:` of a rule become: checked, read from names, kept in the placement."""

from datetime import timedelta
from typing import Any

import pytest

from config.problems import ConfigurationError
from config.settings import ChannelSettings, CompleteSettings, ExpectSettings
from ingest.documents import placement_document
from ingest.image_facts import NamedChannel
from ingest.placement import Complete, Ownership, Placement, place
from tests.helpers.rules import rule, rules_of

OWNERSHIP = Ownership(owner_id=1, group_id=2, container_owner_id=1, owner_by="rule")


def placed(path: str, match: str, **fields: Any) -> Placement:
    found = place(rules_of(rule(match, **fields)), path.encode())
    assert isinstance(found, Placement), found
    return found


def test_dimensions_are_kept_with_the_folders_that_do_not_hold_them() -> None:
    found = placed("g/T_02/x/z007_DAPI.tif", "g/T_{t}/{d}/z{z}_{channel:DAPI|GFP}.tif")
    assert dict(found.dimensions) == {"channel": "DAPI", "z": "7", "t": "2"}
    assert (found.folder, found.by, found.image) == ("g/x", "names", "x")


def test_a_value_that_set_writes_has_the_folder_it_was_captured_in() -> None:
    found = placed("g/GFP/x_z1.tif", "g/{stain}/{image}_z{z}.tif", set={"channel": "{stain|lower}"})
    assert dict(found.dimensions) == {"channel": "gfp", "z": "1"}
    assert found.folder == "g"


def test_the_reader_decides_where_the_rule_says_so() -> None:
    found = placed("d/x_z1.tif", "{dataset}/{image}_z{z}.tif", by="reader")
    assert (dict(found.dimensions), found.by) == ({}, "reader")


def test_a_marker_is_looked_for_up_to_the_deepest_container() -> None:
    complete = CompleteSettings(marker="{plate}.HTD", max_wait=timedelta(hours=1), per="plate", on_stall="import")
    found = placed("s/P1/T_1/B03_w1.tif", "{screen}/{plate}/T_{t}/{well}_w{channel:int}.tif", complete=complete)
    assert found.complete == Complete(
        marker="P1.HTD", marker_depth=2, max_wait_s=3600.0, per="plate", on_stall="import"
    )  # fmt: skip


def test_without_a_container_in_a_folder_only_the_file_s_own_is_searched() -> None:
    found = placed("a/b/x.tif", "a/b/{image}.tif", complete=CompleteSettings(marker="done"))
    assert found.complete is not None
    assert found.complete.marker_depth == 2


def test_a_document_keeps_only_what_there_is() -> None:
    plain = placement_document(placed("d/x.tif", "{dataset}/{image}.tif"), OWNERSHIP)
    assert not {"complete", "dimensions", "channels", "folder"} - {"folder"} & plain.keys()
    named = {"01": ChannelSettings(name="nuclei")}
    channels = placed("d/x_w1.tif", "{dataset}/{image}_w{channel:int}.tif", channels=named)
    assert channels.channels == (NamedChannel(value="1", name="nuclei"),)
    assert placement_document(channels, OWNERSHIP)["dimensions"] == ["channel"]


@pytest.mark.parametrize(
    ("match", "complete", "words"),
    [
        ("{dataset}/{image}.tif", CompleteSettings(expect=ExpectSettings(z=3)), "gives no z"),
        ("{dataset}/{image}_z{z}.tif", CompleteSettings(expect=ExpectSettings(z=3, files=4)), "not both"),
        ("{dataset}/{image}.tif", CompleteSettings(marker="a/done"), "not a file name"),
        ("{dataset}/{image}.tif", CompleteSettings(marker="done", per="plate"), "gives no plate"),
        ("{dataset}/{image}.tif", CompleteSettings(on_stall="import"), "nothing says when it is whole"),
        ("{dataset}/{image}.tif", CompleteSettings(marker="{nothing}"), "nothing"),
    ],
)
def test_what_can_never_be_whole_is_a_problem(match: str, complete: CompleteSettings, words: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        rules_of(rule(match, complete=complete))
    assert words in str(raised.value.problems[0]), raised.value.problems
