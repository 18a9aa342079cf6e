"""Trees as instruments write them, their names found in public code and documentation."""

from tests.helpers.tree import Tree, made, numbers, wells


def _lattice(camera: str, channel: int, laser: int) -> tuple[str, ...]:
    return tuple(
        f"Betty/20190301/cell{cell}/cell{cell}_Cam{camera}_ch{channel}_stack{t:04}_{laser}nm_{t * 1040:07}msec"
        f"_{137293 + t * 1040:010}msecAbs.tif"
        for cell in (1, 2)
        for t in range(4)
    )


INSTRUMENT_TREES = (
    Tree(
        name="a plate scan of an EVOS with time points and planes",
        files=made(
            ("scan one", "scan two"),
            ("scan_Plate_R_p0", "scan_Plate_R_p1"),
            numbers("z{}_0", 2, 0),
            wells("BC", 3),
            ("f00d0.TIF", "f00d1.TIF"),
            write=lambda plate, t, z, well, rest: f"{plate}/{t}_{z}_{well}{rest}",
        ),
        wanted={
            "scan one/scan_Plate_R_p1_z1_0_C02f00d1.TIF": {
                "plate": "scan one", "well": "C2", "field": "0", "channel": "1", "z": "1", "t": "1",
            }
        },
    ),
    Tree(
        name="plates of NIS-Elements JOBS",
        files=made(
            "CovidScreen",
            ("20200406_164555_328", "20200407_101010_111"),
            wells("AB", 3),
            numbers("{:04}", 2, 0),
            write=lambda screen, plate, well, point: (
                f"{screen}/{plate}/Well{well}_Point{well}_{point}_ChannelDAPI,WF_GFP_Seq0007.tiff"
            ),
        ),
        wanted={
            "CovidScreen/20200406_164555_328/WellB02_PointB02_0001_ChannelDAPI,WF_GFP_Seq0007.tiff": {
                "screen": "CovidScreen", "plate": "20200406_164555_328", "well": "B2", "field": "1",
            }
        },
    ),
    Tree(
        name="wells of a Cytation, a folder for each",
        files=made(
            "exp", ("A1", "A2", "E9"), ("1_Phase Contrast", "2_GFP"),
            write=lambda plate, well, what: f"{plate}/ID_{well} info/{well}_-1_{what[0]}_1_{what[2:]}_001.tif",
        ),
        wanted={
            "exp/ID_E9 info/E9_-1_2_1_GFP_001.tif": {"plate": "exp", "well": "E9", "field": "1", "channel": "GFP"}
        },
    ),
    Tree(
        name="a CQ1's projections of 384 wells",
        files=made(
            "Data", ("20230101T120000", "20230102T120000"), "Projection", numbers("{:04}", 120, 200), ("C1", "C2"),
            write=lambda *parts: f"{'/'.join(parts[:3])}/W{parts[3]}F0001T0001Z000{parts[4]}.tif",
        ),
        wanted={
            "Data/20230101T120000/Projection/W0262F0001T0001Z000C2.tif": {
                "plate": "20230101T120000", "well": "K22", "field": "1", "channel": "2",
            }
        },
    ),
    Tree(
        name="stacks of a lattice light-sheet, two cameras",
        files=(*_lattice("A", 0, 488), *_lattice("B", 1, 560)),
        wanted={
            "Betty/20190301/cell2/cell2_CamB_ch1_stack0003_560nm_0003120msec_0000140413msecAbs.tif": {
                "dataset": "2019-03-01 cell2", "image": "cell2", "channel": "CamB ch1 560 nm", "t": "3",
            }
        },
    ),
    Tree(
        name="series of a Bruker two-photon microscope",
        files=made(
            ("mouse1", "mouse2"), "01012020", ("TSeries-01012020-001", "TSeries-01012020-002"), numbers("{:06}", 3),
            write=lambda mouse, day, series, n: f"{mouse}/{day}/{series}/{series}_Cycle00001_Ch1_{n}.ome.tif",
        ),
        wanted={
            "mouse1/01012020/TSeries-01012020-002/TSeries-01012020-002_Cycle00001_Ch1_000003.ome.tif": {
                "project": "mouse1", "dataset": "2020-01-01", "image": "TSeries-01012020-002",
            }
        },
    ),
    Tree(
        name="tiles of a SmartSPIM",
        files=made(
            ("brain1", "brain2"), ("Ex_488_Em_525", "Ex_561_Em_600"), ("435800", "461720"), ("388200", "414120"),
            numbers("{:03}0.tiff", 3, 100),
            write=lambda brain, channel, x, y, z: f"{brain}/{channel}/{x}/{x}_{y}/{z}",
        ),
        wanted={
            "brain2/Ex_561_Em_600/461720/461720_388200/1010.tiff": {
                "dataset": "brain2", "image": "461720_388200", "channel": "Ex_561_Em_600", "z": "1010",
            }
        },
    ),
    Tree(
        name="tiles of a SmartSPIM beside its owner's other folders",
        files=(
            *made(
                "leo", "brain1", ("Ex_488_Em_525", "Ex_561_Em_600"), ("435800", "461720"), "388200", ("0100", "0110"),
                write=lambda who, brain, channel, x, y, z: f"{who}/{brain}/{channel}/{x}/{x}_{y}/{z}.tiff",
            ),
            *made("eva", "exp1", "day1", numbers("cell{}.tif", 3)),
        ),
        wanted={
            "leo/brain1/Ex_561_Em_600/461720/461720_388200/0110.tiff": {
                "owner": "leo", "project": "brain1", "image": "461720_388200", "channel": "Ex_561_Em_600", "z": "110",
            },
            "eva/exp1/day1/cell2.tif": {"owner": "eva", "project": "exp1", "dataset": "day1", "image": "cell2"},
        },
    ),
    Tree(
        name="tiles of an UltraMicroscope",
        files=made(
            "iDISCO", ("sc11", "sc12"), ("00", "01"), ("C00", "C01"), numbers("{:04}", 3, 0),
            write=lambda top, brain, x, c, z: (
                f"{top}/{brain}/16-58-35_{brain}_UltraII[{x} x 00]_{c}_xyz-Table Z{z}.ome.tif"
            ),
        ),
        wanted={
            "iDISCO/sc12/16-58-35_sc12_UltraII[01 x 00]_C01_xyz-Table Z0002.ome.tif": {
                "project": "iDISCO", "dataset": "sc12", "image": "16-58-35_sc12_UltraII[01 x 00]", "channel": "1",
                "z": "2",
            }
        },
    ),
    Tree(
        name="exports of SlideBook: channels that look like wells",
        files=made(
            "exp", numbers("Capture {}", 2), numbers("Position {}", 2), ("Z00", "Z01"), ("T000", "T001"), ("C0", "C1"),
            write=lambda top, one, place, *rest: f"{top}/{one} - {place}_XY160000_{'_'.join(rest)}.tif",
        ),
        wanted={
            "exp/Capture 1 - Position 2_XY160000_Z01_T001_C1.tif": {
                "image": "Capture 1 - Position 2_XY160000", "channel": "1", "z": "1", "t": "1",
            }
        },
    ),
    Tree(
        name="wells, fields, time points, planes and channels from 01",
        files=made(
            "ex", wells("AB", 3), ("F0001", "F0002"), "T0001", ("Z0001", "Z0002"), ("C01", "C02"),
            write=lambda top, *rest: f"{top}/{'_'.join(rest)}.tif",
        ),
        wanted={
            "ex/B03_F0002_T0001_Z0002_C02.tif": {
                "plate": "ex", "well": "B3", "field": "2", "channel": "2", "z": "2", "t": "1",
            }
        },
    ),
    Tree(
        name="six wells, hours behind them",
        files=made(
            "Lisa", "Wundheilung", ("2024-01-01", "2024-01-08"), ("A1", "A2", "A3", "B1", "B2", "B3"), ("00h", "12h"),
            write=lambda *parts: f"{'/'.join(parts[:3])}/{parts[3]}_{parts[4]}.tif",
        ),
        wanted={
            "Lisa/Wundheilung/2024-01-08/B2_12h.tif": {
                "owner": "Lisa", "screen": "Wundheilung", "plate": "2024-01-08", "well": "B2", "t": "12",
            }
        },
    ),
    Tree(
        name="wells with a word that tells their pictures apart",
        files=made(
            "p53", ("plate A", "plate B"), ("A1", "A2", "B1", "B2"), ("before wash", "after wash"),
            write=lambda top, plate, well, word: f"{top}/{plate}/{well}_{word}.tif",
        ),
        wanted={"p53/plate B/B2_after wash.tif": {"plate": "plate B", "well": "B2", "run": "after wash"}},
    ),
    Tree(
        name="blocks of tissue that are called like wells",
        files=made(
            "Pathologie", ("2022", "2023"), ("H22-00101", "H22-00102"), ("A1", "A2", "B1"),
            write=lambda top, year, case, block: f"{top}/{year}/{case}/{case}_{block}_HE.svs",
        ),
        wanted={
            "Pathologie/2022/H22-00102/H22-00102_B1_HE.svs": {
                "project": "Pathologie", "dataset": "2022 H22-00102", "image": "H22-00102_B1_HE",
            }
        },
    ),
    Tree(
        name="a folder for each well, numbered pictures in it",
        files=made("Tox", ("Plate 1", "Plate 2"), wells("AB", 3), ("image1.jpg", "image2.jpg")),
        wanted={"Tox/Plate 2/B03/image2.jpg": {"screen": "Tox", "plate": "Plate 2", "well": "B3", "field": "2"}},
    ),
    Tree(
        name="tiles by row and column",
        files=made("eva", ("slide1", "slide2"), ("r00", "r01"), ("c00", "c01"), write=lambda *parts: (
            f"{parts[0]}/{parts[1]}/tile_{parts[2]}_{parts[3]}.tif"
        )),
        wanted={"eva/slide1/tile_r01_c00.tif": {"owner": "eva", "project": "slide1", "image": "tile_r01_c00"}},
    ),
    Tree(
        name="plates with outlines beside them",
        files=(
            *made("P1", "Images", ("r01c01", "r02c02"), ("f01p01-ch1sk1fk1fl1.tiff",), write=lambda *parts: (
                f"{'/'.join(parts[:2])}/{parts[2]}{parts[3]}"
            )),
            *made("P1", "analysis", ("r01c01f01_outline.png", "r02c02f01_outline.png")),
        ),
        wanted={
            "P1/Images/r02c02f01p01-ch1sk1fk1fl1.tiff": {"plate": "P1", "well": "B2"},
            "P1/analysis/r02c02f01_outline.png": "skipped",
        },
    ),
    Tree(
        name="a share of several groups, general words between",
        files=made(
            "Imaging", "Users", ("Meier Lab", "Novak Lab"), ("tina.huber", "o.brien"), "Projects", ("Alpha", "Beta"),
            "2024-01-05", "raw", ("s1.tif", "s2.tif"),
        ),
        wanted={
            "Imaging/Users/Novak Lab/o.brien/Projects/Beta/2024-01-05/raw/s2.tif": {
                "group": "Novak Lab", "owner": "o.brien", "project": "Beta", "dataset": "2024-01-05", "image": "s2",
            }
        },
    ),
    Tree(
        name="田中研 / full names in kanji / days with words",
        files=made(
            ("田中研", "山本研"), ("佐藤花子", "鈴木一郎"), ("20240101_細胞", "20240203_組織"), numbers("{:03}.tif", 3)
        ),
        wanted={
            "山本研/鈴木一郎/20240203_組織/002.tif": {
                "group": "山本研", "owner": "鈴木一郎", "project": "20240203_組織", "image": "002",
            }
        },
    ),
    Tree(
        name="sequences of a tracking challenge",
        files=made("Fluo-N2DH-SIM+", ("01", "02"), numbers("t{:03}.tif", 6, 0)),
        wanted={"Fluo-N2DH-SIM+/02/t004.tif": {"project": "Fluo-N2DH-SIM+", "dataset": "02", "t": "4"}},
    ),
    Tree(
        name="what ilastik and Cellpose leave beside images",
        files=made(
            ("leo", "mia"), ("exp1", "exp2"), ("img_000", "img_001"),
            (".tif", "_Simple Segmentation.tif", "_Object Predictions.tif", "_cp_masks.png", "_flows.tif"),
            write=lambda *parts: "/".join(parts[:3]) + parts[3],
        ),
        wanted={
            "mia/exp2/img_001.tif": {"owner": "mia", "project": "exp2", "image": "img_001"},
            "mia/exp2/img_001_Simple Segmentation.tif": "skipped",
            "leo/exp1/img_000_flows.tif": "skipped",
        },
    ),
)  # fmt: skip
