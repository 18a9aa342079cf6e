"""The built-in layouts read their instrument's names and leave all others alone."""

import tomllib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from config.examples import run_examples
from config.layouts import built_in, built_in_names, built_in_text, built_in_title
from config.loader import load
from config.rule_outcome import OutcomeKind, example_problem, outcome_of
from config.rule_values import RuleMatch
from config.rules import RootRules, layout_alone
from config.settings import Settings
from config.value_types import PLATES
from tests.helpers.configurations import write
from tests.helpers.real_data import manifest, needed_data
from tests.helpers.real_layouts import BUILT_IN, real_names

ROOT = Path(__file__).parents[2]
ALL = built_in_names()
BY_NAME = pytest.mark.parametrize("name", ALL)
TAKEN = (OutcomeKind.MATCHED, OutcomeKind.SKIPPED, OutcomeKind.HELD)
#: What lies among a plate's files and is none of the instrument's pictures.
NOT_TAKEN = {
    "images/outlines/CellsOutlines_BR00143976_C03_3.tiff",
    "CV8000-Minimal-DataSet-2C-3W-4S-FP2-stack/crosstalk_parameter.xml",
    "CV8000-Minimal-DataSet-2C-3W-4S-FP2-stack/geometry_parameter.xml",
    "TRACE-incomplete.log",
    "TRACE2023-XX-XX.log",
}


@pytest.fixture(scope="module")
def layouts() -> dict[str, RootRules]:
    settings = Settings(file=Path("f"), source_text="", digest=b"")
    return {name: layout_alone(name, settings) for name in ALL}


def examples(name: str) -> list[str]:
    return [
        path
        for rule in built_in(name)
        for example in rule.examples
        if example.gives != "unmatched"
        for path in example.paths
    ]


def takers(layouts: dict[str, RootRules], path: str) -> list[str]:
    return [name for name, rules in layouts.items() if outcome_of(rules, path.encode()).kind in TAKEN]


def test_there_is_a_layout_for_each_instrument_that_is_promised() -> None:
    promised = {"imagexpress", "operetta", "cellvoyager", "cellomics", "scanr", "almf", "metamorph", "micromanager"}
    assert promised < set(ALL)


@BY_NAME
def test_the_examples_in_a_layout_give_what_they_say(layouts: dict[str, RootRules], name: str) -> None:
    problems = [
        example_problem(layouts[name], example, path.encode())
        for rule in built_in(name)
        for example in rule.examples
        for path in example.paths
    ]
    assert len(problems) >= 2
    assert [problem for problem in problems if problem] == []


@BY_NAME
def test_every_rule_of_a_layout_has_a_name_and_an_example_that_it_takes_itself(
    layouts: dict[str, RootRules], name: str
) -> None:
    taken = Counter(outcome_of(layouts[name], path.encode()).rule for path in examples(name))
    assert {f"{name}/{rule.name}" for rule in built_in(name)} == set(taken)
    assert all(rule.name for rule in built_in(name))
    assert len(built_in_title(name)) > 20


@BY_NAME
def test_a_layout_takes_no_name_of_another(layouts: dict[str, RootRules], name: str) -> None:
    assert {path: takers(layouts, path) for path in examples(name)} == {path: [name] for path in examples(name)}


def test_the_real_files_of_an_instrument_are_taken_by_its_layout_and_by_no_other(layouts: dict[str, RootRules]) -> None:
    for name, paths in real_names(needed_data()).items():
        wanted = {path: [] if path in NOT_TAKEN else [name] for path in paths}
        assert {path: takers(layouts, path) for path in paths} == wanted


def test_no_layout_takes_real_files_of_no_instrument(layouts: dict[str, RootRules]) -> None:
    rows = [row for row in manifest(needed_data()) if row["layout"] not in BUILT_IN]
    names = {row["path"].rpartition("/")[2]: row["path"] for row in rows if "/eicm/" not in row["path"]}
    assert len(names) > 100
    found = {path: takers(layouts, name) + takers(layouts, path) for name, path in names.items()}
    assert {path: taken for path, taken in found.items() if taken} == {}


def test_by_products_are_skipped_and_counted_by_hand_from_the_list(layouts: dict[str, RootRules]) -> None:
    found = Counter(
        outcome_of(layouts[name], path.encode()).rule
        for name, paths in real_names(needed_data()).items()
        for path in paths
    )
    assert {rule: count for rule, count in found.items() if rule} == {
        "almf/images": 4,
        "cellomics/images": 72,
        "cellvoyager/corrections": 6,
        "cellvoyager/images": 96,
        "cellvoyager/index": 5,
        "imagexpress/images": 132,
        "imagexpress/images of one site": 5,
        "imagexpress/index": 7,
        "imagexpress/projections": 12,
        "imagexpress/thumbnails": 97,
        "metamorph/index": 4,
        "metamorph/wavelengths": 6,
        "operetta/images": 5,
        "operetta/index": 2,
        "scanr/images": 4,
    }


@BY_NAME
def test_a_layout_can_be_pasted_into_a_configuration_as_it_is_shown(tmp_path: Path, name: str) -> None:
    has_wells = name not in ("metamorph", "micromanager", "bruker", "lattice", "terastitcher")
    container = "{plate}" if has_wells else "{dataset}"
    text = built_in_text(name) + f"watch:\n  - root: .\n    rules: [{{match: '{container}', layout: {name}}}]\n"
    settings = load(write(tmp_path, text), environ={})
    counts, failures = run_examples(settings)
    assert failures == ()
    assert counts.passed == sum(len(example.paths) for rule in built_in(name) for example in rule.examples)


def test_layout_files_are_in_the_wheel() -> None:
    written = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = written["tool"]["setuptools"]["package-data"]["config"]
    found = {path.relative_to(ROOT / "config") for path in (ROOT / "config" / "layout_files").iterdir()}
    assert len(found) == len(ALL)
    assert [path for path in found if not any(path.match(pattern) for pattern in patterns)] == []


def letters(row: int) -> str:
    return chr(ord("A") + row) if row < 26 else "A" + chr(ord("A") + row - 26)


#: How each instrument names a field of a well, given zero-based row and column, the number of columns and the field.
NAMES_OF_FIELDS: dict[str, Callable[[int, int, int, int], str]] = {
    "imagexpress": lambda r, c, _, f: f"TimePoint_1/x_{letters(r)}{c + 1:02d}_s{f}_w1.TIF",
    "operetta": lambda r, c, _, f: f"Images/r{r + 1:02d}c{c + 1:02d}f{f:02d}p01-ch1sk1fk1fl1.tiff",
    "cellvoyager": lambda r, c, _, f: f"x_{letters(r)}{c + 1:02d}_T0001F{f:03d}L01A01Z01C01.tif",
    "cellomics": lambda r, c, _, f: f"x_{letters(r)}{c + 1:02d}f{f:02d}d0.TIF",
    "scanr": lambda r, c, n, f: f"data/{letters(r)}{c + 1}--W{r * n + c + 1:05d}--P{f:05d}--Z00000--T00000--GFP.tif",
    "almf": lambda r, c, n, f: f"x--{letters(r)}{c + 1}--y--W{r * n + c:04d}--P{f:03d}--T0000--Z000--C00.ome.tif",
    "micromanager-plate": lambda r, c, _, f: f"{letters(r)}{c + 1}-Site_{f}/img_000000000_DAPI_000.tif",
    "columbus": lambda r, c, _, f: f"{r + 1:03d}{c + 1:03d}-{f}-001001001.tif",
    "incell": lambda r, c, _, f: f"{letters(r)} - {c + 1}(fld {f} wv DAPI - DAPI).tif",
    "acquifer": lambda r, c, n, f: (
        f"-{letters(r)}{c + 1:03d}--PO{f:02d}--LO001--CO1--SL001--PX1--WE{r * n + c:05d}.tif"
    ),
    "cytation": lambda r, c, _, f: f"{letters(r)}{c + 1}_01_1_{f}_DAPI_001.tif",
    "incucyte": lambda r, c, _, f: f"Phase_{letters(r)}{c + 1}_{f}_00d00h00m.tif",
    "leica-matrix": lambda r, c, _, f: f"image--L00--U{c:02d}--V{r:02d}--J20--X00--Y{f:02d}--T00--Z00--C00.ome.tif",
    "evos": lambda r, c, _, f: f"scan_R_p1_z0_0_{letters(r)}{c + 1:02d}f{f:02d}d0.TIF",
    "nikon-jobs": lambda r, c, _, f: f"Well{letters(r)}{c + 1:02d}_Point1_{f:04d}_ChannelDAPI_Seq0001.tif",
    "imagexpress-hcsai": lambda r, c, _, f: f"run/timepoint0/x_t0_{letters(r)}{c + 1:02d}_s{f}_w0_z0.tif",
}
#: Names found in public code and data sets, each with the layout that takes it; None: it is surely no instrument's.
FOUND = {
    "AssayPlate_Greiner_#655090_C02_T0001F001L01A01Z01C01.tif": "cellvoyager",
    "20180809T122430/Well001/W1F001T0001Z01C1.tif": "cellvoyager-cv1000",
    "W1F001T0001Z00C1.tif": "cellvoyager-cv1000",
    "W0262F0001T0001Z000C2.tif": None,
    "Images/r01c11f01p01-ch1sk1fk1fl1.tiff": "operetta",
    "screen/P1/003002-3-001001002.tif": "columbus",
    "007009-12-001001003.TIF": "columbus",
    "Workspaces/reporter-15MIN/007007-5-002001002.TIF": None,
    "Plate10x4sites_A01_s1_w1.TIF": "imagexpress",
    "A - 01(fld 1 wv Green - dsRed z 3).tif": "incell",
    "A - 1(fld 1 wv Cy5 - Cy5).tif": "incell",
    "4h_A - 3(fld 1 wv 405 - Orange)_bl.bmp": None,
    "A1--W00001--P00001--Z00000--T00000--Transmission-CSU.tif": "scanr",
    "data/--W00001--P00001--Z00000--T00000--nucleus-dapi.tif": "scanr-numbers",
    "data/--W00100--P00001--Z00000--T00000--nucleus-dapi.tif": None,
    "P24_01_1_9_DAPI_002.tif": "cytation",
    "A1_-2_1_1_Tsf[Stitched[Channel1 300,400]]_001.tif": "cytation",
    "scan_Plate_R_p00_0_A01f00d4.TIF": "evos",
    "scan_R_p2_z1_0_B03f01d0.tif": "evos",
    "020506plateruni3t001A01f01d2.TIF": "cellomics",
    "MFGTMP-PC_170319090001/MFGTMP-PC_170319090001_A01f00d0.tif": "cellomics",
    "plateP_1_A01f00d0.TIF": "cellomics",
    "A01f01d2.TIF": "cellomics",
    "WellC01_PointC01_0000_ChannelDAPI,WF_GFP,TRITC,WF_Cy5_Seq0216.tif": "nikon-jobs",
    "WellA1_ChannelDAPI_1x1-GFP_1x1_Seq0012.tif": "nikon-jobs",
    "WellA01_PointA01_0008_ChannelDAPI,WF_GFP,TRITC_Seq0008.tif": "nikon-jobs",
    "1_CamA_ch0_stack0001_4nm_0000105msec_0000123611msecAbs.tif": "lattice",
    "435800/435800_388200/435800_388200_000000.tif": "terastitcher",
    "mouse01_SHG_810nm-011_Cycle00001_Ch1_000002.ome.tif": "bruker",
    "A1ROI1_01_1_1Z0_Confocal DAPI_001.tif": "cytation",
    "A1_1Z0_DAPI_1_001_.tif": "cytation",
    "A - 01(fld 1 wv UV - DAPI z 3 time 2 - 2636ms).tif": "incell",
    "A01_F0001_T0001_Z0004_C01.tif": None,
    "mydata_S00001_T00002_C00001.tiff": None,
    "Project001_Series002_z01_ch00.tif": None,
    "Pos007_S001_t50_z00_ch00.tif": None,
    "TileScan 1_s0012_z003_RAW_ch00.tif": None,
    "Image_XY01_00001_Z001_CH1.tif": None,
    "1_00001_Z001_CH1.tif": None,
    "Snap-2066-Image Export-01_c1_ORG.tif": None,
    "movie_t01xy01c1.tif": None,
    "13-43-57_mosaic_UltraII[00 x 00]_C00_xyz-Table Z0000.ome.tif": None,
    "ChanA_0001_0001_0001_0001.tif": None,
    "MISI3542i_Scan1_[14384,29683]_component_data.tif": None,
    "Capture 1 - Position 1_XY1600000000_Z00_T000_C1.tif": None,
    "01_GT/SEG/man_seg000.tif": None,
    "phase/VID1630_A1_1_00d00h00m.tif": "incucyte",
    "DMSO r1/CA1_B9_1_00d00h15m.tif": "incucyte",
    "CAM1/slide--S00/chamber--U00--V00/field--X01--Y01/image--L0000--S00--U00--V00--J15--E04--O01--X01--Y01--T0000--Z00"
    "--C00.ome.tif": "leica-matrix",
    "experiment/timepoint1/screen_t1_C05_s0_w0_z1.tif": "imagexpress-hcsai",
    "image_stack_tpzc_50tp_2p_5z_3c_512k_1/image_stack_tpzc_50tp_2p_5z_3c_512k_1_MMStack_2-Pos000_000.ome.tif":
    "micromanager",
    "Test_Stack_1/Test_Stack_1_MMStack_Pos1.ome.tif": "micromanager",
    "plate/plate_MMStack_A1-Site_0.ome.tif": "micromanager-plate",
    "Channel 1-01-A-01-00.tif": None,
    "20P1_POS0005_D_1UL.tif": None,
    "DMSO_B5_t24.JPG": None,
}  # fmt: skip


@pytest.mark.parametrize("name", FOUND)
def test_a_name_found_elsewhere_is_taken_by_its_instruments_layout_alone(
    layouts: dict[str, RootRules], name: str
) -> None:
    assert takers(layouts, name) == ([FOUND[name]] if FOUND[name] else [])


@pytest.mark.parametrize(
    ("layout", "name"),
    [
        ("cellvoyager-cv1000", "W{}F003T0001Z01C1.tif"),
        ("scanr-numbers", "--W{:05d}--P00003--Z00000--T00000--GFP.tif"),
    ],
)
def test_running_numbers_are_those_of_a_plate_of_96_wells(
    layouts: dict[str, RootRules], layout: str, name: str
) -> None:
    found = [layouts[layout].match(name.format(number).encode()) for number in range(1, 97)]
    wells = [(one.well, one.field) for one in found if isinstance(one, RuleMatch)]
    assert wells == [((row, column), 3) for row in range(8) for column in range(12)]
    assert not isinstance(layouts[layout].match(name.format(97).encode()), RuleMatch)


@pytest.mark.parametrize("name", NAMES_OF_FIELDS)
@pytest.mark.parametrize("wells", PLATES)
def test_every_well_of_every_usual_plate_is_read_at_its_row_and_column(
    layouts: dict[str, RootRules], name: str, wells: int
) -> None:
    rows, columns = PLATES[wells]
    places = [(row, column) for row in range(rows) for column in range(columns)]
    found = [layouts[name].match(NAMES_OF_FIELDS[name](*place, columns, 3).encode()) for place in places]
    assert [(one.well, one.field) for one in found if isinstance(one, RuleMatch)] == [(place, 3) for place in places]
