"""The rule language on names of real instruments, and on every row of the real files' list."""

import pytest

from config.rule_outcome import OutcomeKind, outcome_of
from config.rule_values import RuleMatch
from tests.helpers.real_data import manifest, needed_data
from tests.helpers.rules import rule, rules_of

REAL_NAMES = [
    (
        "{plate}/TimePoint_{t}/{:text}_{well}_s{field}_w{channel:1d}{:guid}.tif",
        "1697/TimePoint_1/1well-3C_C07_s1_w1D5F8F51A-3E85-4358-AE51-A465AF87386F.tif",
        {"plate": "1697", "t": "1", "well": "C7", "field": "1", "channel": "1"},
    ),
    (
        r"{plate}_{well}_w{channel:1d}_\[{:guid}\].tif",
        "101210OranePlt1_C16_w1_[9AA4D9EA-18E4-4354-8C7D-0202029A8048].tif",
        {"plate": "101210OranePlt1", "well": "C16", "channel": "1"},
    ),
    (
        "{plate}/Images/{well}f{field}p{z}-ch{channel:int}sk{t}fk1fl1.tiff",
        "operetta_plate/Images/r03c03f02p01-ch1sk1fk1fl1.tiff",
        {"plate": "operetta_plate", "well": "C3", "field": "2", "z": "1", "channel": "1", "t": "1"},
    ),
    (
        "{plate}/{:well}--W{well:96}--P{field}--Z{z}--T{t}--{channel}.tif",
        "SCANR/B1--W00013--P00001--Z00000--T00000--GFP.tif",
        {"plate": "SCANR", "well": "B1", "field": "1", "z": "0", "t": "0", "channel": "GFP"},
    ),
    (
        "{plate}/W{:int}--{:well}--*/P{field}--*/*--{well}--*--C{channel:int}.{ext}",
        "ALMF/W0021--B9--empty/P001--B9--empty/20180807_Dapi--B9--empty--W0021--P000--T0000--Z000--C00.ome.tif",
        {"plate": "ALMF", "well": "B9", "field": "1", "channel": "0"},
    ),
    (
        "{plate}/{:text}_{well}_T{t:4d}F{field:3d}L{:2d}A{:2d}Z{z:2d}C{channel:2d}.tif",
        "CV8000/2C-3W-4S_D08_T0001F001L01A01Z02C01.tif",
        {"plate": "CV8000", "well": "D8", "t": "1", "field": "1", "z": "2", "channel": "1"},
    ),
    (
        "{plate}/Channel {channel:int}-{:2d}-{row}-{column:2d}-{field:2d}.tif",
        "vitra/Channel 1-01-A-01-00.tif",
        {"plate": "vitra", "channel": "1", "well": "A1", "field": "0"},
    ),
    ("{dataset}/{image}_t{t}.{ext}", "wound/DMSO_B5_t24.JPG", {"dataset": "wound", "image": "DMSO_B5", "t": "24"}),
    (
        r"{dataset}/{image} \(cropped {tile}\).tif",
        "BBBC007/A9 p5d (cropped 2).tif",
        {"dataset": "BBBC007", "image": "A9 p5d", "tile": "2"},
    ),
]


@pytest.mark.parametrize(("match", "path", "wanted"), REAL_NAMES)
def test_names_of_real_instruments_are_read(match: str, path: str, wanted: dict[str, str]) -> None:
    rules = rules_of(rule(match))
    found = rules.match(path.encode())
    assert isinstance(found, RuleMatch), rules.tried(path.encode())
    assert {name: found.targets.get(name) for name in wanted} == wanted


@pytest.mark.needs_data
def test_every_real_file_has_an_outcome_with_a_reason_and_images_match_the_widest_rule() -> None:
    rules = rules_of(rule("{project}/[{dataset}/**/]{image}.{ext}"))
    for row in manifest(needed_data()):
        path, form = row["path"], row["format"]
        outcome = outcome_of(rules, path.encode())
        assert outcome.reason or outcome.match
        if form.split("[")[0] in ("TIFF", "PNG", "JPEG", "GIF"):
            assert outcome.kind is OutcomeKind.MATCHED, (path, outcome)
        elif form in ("CZI", "LIF", "OIB", "Imaris") or form.startswith(("ND2", "OME-Zarr", "DICOM")):
            assert outcome.kind is OutcomeKind.IGNORED, (path, outcome)
            assert "no reader" in outcome.reason
