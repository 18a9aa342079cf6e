"""More folder trees: dates and people in other orders and scripts, plates and instruments' exports."""

from tests.helpers.tree import Tree, made, numbers, wells

MORE_TREES = (
    Tree(
        name="date / login / files",
        files=made(("20240301", "20240302", "20240305"), ("amueller", "bschmidt"), ("ctrl_DAPI.tif", "washout.tif")),
        wanted={"20240301/amueller/ctrl_DAPI.tif": {"owner": "amueller", "dataset": "2024-03-01"}},
    ),
    Tree(
        name="family names in kanji, dates, files in Japanese",
        files=made(("田中", "佐藤", "鈴木"), ("20240401", "20240402"), numbers("細胞_{:04}.tif", 3)),
        wanted={"佐藤/20240401/細胞_0001.tif": {"owner": "佐藤", "dataset": "2024-04-01", "image": "細胞_0001"}},
    ),
    Tree(
        name="共焦点 / owner / project",
        files=made("共焦点", ("yamada", "suzuki"), ("プロジェクトA", "プロジェクトB"), numbers("画像{}.tif", 3)),
        wanted={
            "共焦点/suzuki/プロジェクトB/画像3.tif": {"owner": "suzuki", "project": "プロジェクトB", "image": "画像3"}
        },
    ),
    Tree(
        name="AG / given name / days with short years",
        files=made(
            ("AG Müller", "AG Weber"), ("Lena", "Jonas"), ("01.03.24", "17.04.24"), ("Übersicht.tif", "Detail.tif")
        ),
        wanted={
            "AG Weber/Jonas/17.04.24/Detail.tif": {"group": "AG Weber", "owner": "Jonas", "dataset": "2024-04-17"},
        },
    ),
    Tree(
        name="year / month / day / files",
        files=made(("2023", "2024"), ("01", "02"), ("03", "17"), numbers("cell_{}.tif", 3)),
        wanted={"2023/02/17/cell_3.tif": {"dataset": "2023-02-17", "image": "cell_3"}},
    ),
    Tree(
        name="year / day / owner",
        files=made("2024", ("2024-01-03", "2024-02-17"), ("anna", "ben"), numbers("cell_{}.tif", 3)),
        wanted={"2024/2024-02-17/ben/cell_3.tif": {"owner": "ben", "dataset": "2024-02-17"}},
    ),
    Tree(
        name="general words / microscope / owner / nested projects",
        files=made(
            "Daten/Mikroskopie/LSM880",
            ("Anna", "Bernd"),
            ("Projekt Herz", "Projekt Niere"),
            ("Versuch 1", "Versuch 2"),
            ("Tag 1", "Tag 2"),
            numbers("Probe{}.tif", 2),
        ),
        wanted={
            "Daten/Mikroskopie/LSM880/Anna/Projekt Niere/Versuch 2/Tag 1/Probe2.tif": {
                "owner": "Anna",
                "project": "Projekt Niere",
                "dataset": "Versuch 2",
                "image": "Probe2",
            },
        },
    ),
    Tree(
        name="plates called like wells, bare numbers of fields",
        files=made(
            ("Kinase", "GPCR"),
            ("P01", "P02"),
            wells("AB", 3),
            ("1", "2"),
            ("DAPI", "FITC"),
            write=lambda screen, plate, well, field, stain: f"{screen}/{plate}/{plate}_{well}_{field}_{stain}.tif",
        ),
        wanted={
            "GPCR/P02/P02_B03_2_FITC.tif": {
                "screen": "GPCR",
                "plate": "P02",
                "well": "B3",
                "field": "2",
                "channel": "FITC",
            },
        },
    ),
    Tree(
        name="a folder for each well, its name again in the files'",
        files=made(
            ("Plate1", "Plate2"),
            wells("ABC", 2),
            ("1", "2", "3"),
            ("DAPI", "FITC"),
            write=lambda plate, well, field, stain: f"{plate}/{well}/{well}_{field}_{stain}.tif",
        ),
        wanted={"Plate2/C02/C02_3_DAPI.tif": {"plate": "Plate2", "well": "C2", "field": "3", "channel": "DAPI"}},
    ),
    Tree(
        name="the folder itself is the plate",
        files=made(
            ("TimePoint_1", "TimePoint_2"),
            wells("AB", 3),
            ("s1", "s2"),
            ("w1", "w2"),
            write=lambda time, well, site, wave: f"{time}/exp_{well}_{site}_{wave}.TIF",
        ),
        wanted={
            "TimePoint_2/exp_B03_s2_w1.TIF": {"plate": "data", "well": "B3", "field": "2", "channel": "1", "t": "2"}
        },
    ),
    Tree(
        name="the folder itself is the plate, its files in `Images`",
        files=made(
            ("1", "2"),
            ("1", "2", "3"),
            ("1", "2"),
            write=lambda row, column, channel: f"Images/r0{row}c0{column}f01p01-ch{channel}sk1fk1fl1.tiff",
        ),
        wanted={"Images/r02c03f01p01-ch2sk1fk1fl1.tiff": {"plate": "data", "well": "B3", "channel": "2"}},
    ),
    Tree(
        name="plates beside screens with plates",
        files=made(
            ("siRNA/P1", "siRNA/P2", "drugs/P3", "P9", "P10"),
            ("1", "2", "3"),
            ("1", "2"),
            write=lambda plate, column, channel: f"{plate}/Images/r01c0{column}f01p01-ch{channel}sk1fk1fl1.tiff",
        ),
        wanted={
            "drugs/P3/Images/r01c03f01p01-ch2sk1fk1fl1.tiff": {"screen": "drugs", "plate": "P3", "well": "A3"},
            "P10/Images/r01c03f01p01-ch2sk1fk1fl1.tiff": {"plate": "P10", "well": "A3"},
        },
    ),
    Tree(
        name="plates beside screens with plates, files directly in them",
        files=made(
            ("siRNA/P1", "siRNA/P2", "drugs/P3", "P9", "P10"),
            wells("AB", 3),
            ("0", "1"),
            write=lambda plate, well, channel: f"{plate}/AS_0904_{well}f00d{channel}.TIF",
        ),
        wanted={
            "drugs/P3/AS_0904_B03f00d1.TIF": {"screen": "drugs", "plate": "P3", "well": "B3", "channel": "1"},
            "P10/AS_0904_B03f00d1.TIF": {"plate": "P10", "well": "B3", "channel": "1"},
        },
    ),
    Tree(
        name="a folder for each well, named by its running number",
        files=made(
            ("20180809T122430", "20180810T101500"),
            ("1", "2", "13"),
            ("1", "2"),
            ("1", "2"),
            write=lambda run, well, field, channel: f"{run}/Well{well:0>3}/W{well}F00{field}T0001Z01C{channel}.tif",
        ),
        wanted={
            "20180809T122430/Well013/W13F002T0001Z01C1.tif": {"plate": "20180809T122430", "well": "B1", "field": "2"},
        },
    ),
    Tree(
        name="an instrument's export by kinds of pictures",
        files=made(
            "Incucyte",
            ("ada", "bob"),
            ("tox1", "tox2"),
            ("phase", "green"),
            ("A1", "B12"),
            ("00d00h00m", "00d02h00m"),
            write=lambda scope, owner, plate, kind, well, time: (
                f"{scope}/{owner}/{plate}/{kind}/VID101_{well}_1_{time}.tif"
            ),
        ),
        wanted={
            "Incucyte/bob/tox2/green/VID101_B12_1_00d02h00m.tif": {
                "owner": "bob",
                "plate": "tox2",
                "well": "B12",
                "field": "1",
                "channel": "green",
                "t": "00d02h00m",
            },
        },
    ),
    Tree(
        name="positions of an acquisition in the folder itself",
        files=numbers("cells_1_MMStack_Pos{}.ome.tif", 4, start=0),
        wanted={"cells_1_MMStack_Pos3.ome.tif": {"dataset": "data", "image": "cells_1 Pos3"}},
    ),
)
