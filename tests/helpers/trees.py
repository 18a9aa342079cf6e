"""Folder trees as labs really keep them, invented, with what a person would want each of a few files to become."""

from tests.helpers.instrument_trees import INSTRUMENT_TREES
from tests.helpers.more_trees import MORE_TREES
from tests.helpers.tree import Tree, made, numbers, wells

TREES = (
    Tree(
        name="group / owner / project / dataset",
        files=(
            *made(
                ("smith-lab", "jones-lab"),
                ("ab3c", "cd4e"),
                ("mitosis", "siRNA"),
                ("day1", "day2"),
                numbers("cell{}.ome.tif", 3),
            ),
            "smith-lab/ab3c/mitosis/loose.tif",
            "smith-lab/ab3c/mitosis/day1/old/deep.tif",
        ),
        wanted={
            "jones-lab/cd4e/siRNA/day2/cell3.ome.tif": {
                "group": "jones-lab",
                "owner": "cd4e",
                "project": "siRNA",
                "dataset": "day2",
                "image": "cell3",
            },
            "smith-lab/ab3c/mitosis/loose.tif": {"owner": "ab3c", "project": "mitosis", "image": "loose"},
            "smith-lab/ab3c/mitosis/day1/old/deep.tif": {"dataset": "day1", "image": "deep"},
        },
    ),
    Tree(
        name="owner_date_experiment",
        files=made(
            ("AB", "CD", "EF"),
            ("20240506", "20240507", "20240611"),
            ("actin_stain", "tubulin"),
            numbers("img_{:03}.tif", 4),
            write=lambda owner, day, what, image: f"{owner}_{day}_{what}/{image}",
        ),
        wanted={
            "CD_20240507_actin_stain/img_002.tif": {
                "owner": "CD",
                "dataset": "2024-05-07 actin_stain",
                "image": "img_002",
            }
        },
        edits="initials have to be made aliases of users",
    ),
    Tree(
        name="date_owner_experiment, with spaces and umlauts",
        files=made(
            ("2024-05-06", "2024-05-07", "2024-06-11"),
            ("Anna", "Jürgen"),
            ("Aktin Färbung", "Übersicht 2"),
            numbers("Image_{}.tif", 4),
            write=lambda day, owner, what, image: f"{day}_{owner}_{what}/{image}",
        ),
        wanted={
            "2024-05-07_Jürgen_Aktin Färbung/Image_2.tif": {"owner": "Jürgen", "dataset": "2024-05-07 Aktin Färbung"}
        },
    ),
    Tree(
        name="owner / date folders",
        files=made(("mueller", "schmidt", "weber"), ("20240506", "20240507"), numbers("Snap-{}.tif", 5, 101)),
        wanted={"weber/20240507/Snap-103.tif": {"owner": "weber", "dataset": "2024-05-07", "image": "Snap-103"}},
    ),
    Tree(
        name="owner / project / date / sample",
        files=made(
            ("Ada Byron", "Charles Darwin"),
            ("Beagle", "Engine"),
            ("2024-05-06", "2024-05-07"),
            ("slide 1", "slide 2"),
            numbers("f{}.tif", 2),
        ),
        wanted={
            "Ada Byron/Engine/2024-05-07/slide 2/f1.tif": {
                "owner": "Ada Byron",
                "project": "Engine",
                "dataset": "2024-05-07 slide 2",
            }
        },
    ),
    Tree(
        name="date folders alone, an instrument's default names",
        files=made(("2024-05-06", "2024-05-07", "2024-06-01"), numbers("Experiment-{:02}.czi", 5)),
        wanted={"2024-06-01/Experiment-03.czi": {"dataset": "2024-06-01", "image": "Experiment-03"}},
    ),
    Tree(
        name="a camera's dump",
        files=(*numbers("IMG_{:04}.JPG", 40), "Thumbs.db"),
        wanted={"IMG_0007.JPG": {"image": "IMG_0007"}},
    ),
    Tree(
        name="microscope / owner / project",
        files=made(
            ("LSM880", "SP8", "Spinning Disk"), ("Anna", "Bernd"), ("Heilung", "Projekt 1"), numbers("x{}.lsm", 3)
        ),
        wanted={
            "Spinning Disk/Bernd/Projekt 1/x2.lsm": {
                "owner": "Bernd",
                "project": "Projekt 1",
                "microscope": "Spinning Disk",
            }
        },
    ),
    Tree(
        name="owner / raw and processed / experiment, channels by word",
        files=made(
            ("marie", "jean", "pierre"),
            ("raw", "processed"),
            ("manip1", "manip2"),
            numbers("im_{}", 3),
            ("DAPI", "GFP"),
            write=lambda *parts: "/".join(parts[:4]) + f"_{parts[4]}.tif",
        ),
        wanted={
            "jean/raw/manip2/im_3_GFP.tif": {
                "owner": "jean",
                "project": "manip2",
                "image": "im_3",
                "channel": "GFP",
                "kind": "raw",
            }
        },
    ),
    Tree(
        name="stacks: z and channel in names",
        files=made(
            ("ada", "bob"),
            ("Neurons", "Axons"),
            ("2024-05-06", "2024-05-07"),
            numbers("cell{}", 2),
            numbers("z{:03}", 5, 0),
            ("ch00", "ch01"),
            write=lambda *parts: "/".join(parts[:4]) + f"_{parts[4]}_{parts[5]}.tif",
        ),
        wanted={
            "bob/Axons/2024-05-07/cell2_z004_ch01.tif": {
                "owner": "bob",
                "project": "Axons",
                "dataset": "2024-05-07",
                "image": "cell2",
                "z": "4",
                "channel": "1",
            }
        },
    ),
    Tree(
        name="time points as folders",
        files=made(("eva", "max"), ("wound", "drug"), numbers("t{:03}", 6, 0), numbers("field{}.tif", 3)),
        wanted={"max/drug/t004/field2.tif": {"owner": "max", "project": "drug", "t": "4"}},
    ),
    Tree(
        name="group / owner / screen / plate, wells, sites and wavelengths",
        files=made(
            ("AG Weber", "AG Roth"),
            ("anna", "bernd"),
            ("siRNA", "compounds"),
            ("P001", "P002"),
            wells("ABCD", 6),
            ("s1", "s2"),
            ("w1", "w2"),
            write=lambda *parts: "/".join(parts[:4]) + "/exp_" + "_".join(parts[4:]) + ".tif",
        ),
        wanted={
            "AG Roth/bernd/siRNA/P002/exp_C05_s2_w1.tif": {
                "group": "AG Roth",
                "owner": "bernd",
                "screen": "siRNA",
                "plate": "P002",
                "well": "C5",
                "field": "2",
                "channel": "1",
            }
        },
    ),
    Tree(
        name="plates by running well number",
        files=made(
            "Screen 1",
            ("Plate A", "Plate B"),
            numbers("W{:04}", 96),
            numbers("F{:03}", 2),
            ("C1", "C2"),
            write=lambda *parts: "/".join(parts[:3]) + f"/{parts[3]}_{parts[4]}.tif",
        ),
        wanted={
            "Screen 1/Plate B/W0013/F002_C1.tif": {
                "screen": "Screen 1",
                "plate": "Plate B",
                "well": "B1",
                "field": "2",
                "channel": "1",
            }
        },
    ),
    Tree(
        name="plates by running number and letters together",
        files=tuple(
            f"lena/Toxizität/Platte {plate}/Well{number:03}_{well}_{stain}.png"
            for plate in (1, 2)
            for number, well in enumerate((f"{row}{column}" for row in "ABCDEFGH" for column in range(1, 13)), 1)
            for stain in ("DAPI", "Cy5")
        ),
        wanted={
            "lena/Toxizität/Platte 2/Well014_B2_Cy5.png": {
                "owner": "lena",
                "screen": "Toxizität",
                "plate": "Platte 2",
                "well": "B2",
                "channel": "Cy5",
            }
        },
    ),
    Tree(
        name="the plate's name in the file's name",
        files=made(
            ("otto", "karl"),
            ("plates",),
            ("run7", "run8"),
            wells("ABC", 4),
            ("f00", "f01"),
            write=lambda owner, folder, plate, well, site: f"{owner}/{folder}/{plate}_{well}_{site}.tif",
        ),
        wanted={
            "karl/plates/run8_B03_f01.tif": {
                "owner": "karl",
                "screen": "plates",
                "plate": "run8",
                "well": "B3",
                "field": "1",
            }
        },
    ),
    Tree(
        name="thumbnails and masks beside images",
        files=(
            *made(("ab3c", "cd4e"), ("kidney", "liver"), numbers("slide{}.svs", 4)),
            *made(("ab3c", "cd4e"), ("kidney", "liver"), numbers("slide{}_thumb.jpg", 4)),
            *made(("ab3c", "cd4e"), ("kidney", "liver"), "masks", numbers("slide{}.png", 4)),
        ),
        wanted={
            "ab3c/liver/slide2.svs": {"owner": "ab3c", "project": "liver", "image": "slide2"},
            "ab3c/liver/slide2_thumb.jpg": "skipped",
            "cd4e/kidney/masks/slide1.png": "skipped",
        },
    ),
    Tree(
        name="confocal with owners, screens with plates",
        files=(
            *made("confocal", ("hana", "ivan"), ("golgi", "er"), numbers("c{}.oir", 3)),
            *made(
                "screening",
                ("hana", "ivan"),
                ("hits",),
                ("P1", "P2"),
                wells("AB", 6),
                ("s1", "s2"),
                write=lambda *parts: "/".join(parts[:4]) + f"/{parts[4]}_{parts[5]}.tif",
            ),
        ),
        wanted={
            "confocal/ivan/er/c2.oir": {"owner": "ivan", "project": "er"},
            "screening/hana/hits/P2/B06_s2.tif": {
                "owner": "hana",
                "screen": "hits",
                "plate": "P2",
                "well": "B6",
                "field": "2",
            },
        },
    ),
    Tree(
        name="projects without people",
        files=made(("mitosis", "wound healing"), ("control", "treated"), numbers("img{}.tif", 4)),
        wanted={"wound healing/treated/img3.tif": {"project": "wound healing", "dataset": "treated"}},
    ),
    Tree(
        name="logins that are known, group folders by alias",
        files=made(("smith_lab", "Prüfung"), ("ztq", "klm"), ("Versuch 1", "Versuch 2"), numbers("Bild {}.tif", 3)),
        users=("ztq", "klm"),
        groups=("smith_lab", "Prüfung"),
        wanted={
            "Prüfung/klm/Versuch 2/Bild 3.tif": {
                "group": "Prüfung",
                "owner": "klm",
                "project": "Versuch 2",
                "image": "Bild 3",
            }
        },
    ),
    Tree(
        name="loose files above the folders of people",
        files=(*made(("ab3c", "ef5g"), ("heart", "lung"), numbers("a{}.tif", 8)), "README.png"),
        wanted={"ef5g/lung/a8.tif": {"owner": "ef5g", "project": "lung"}},
        uncovered=("README.png",),
    ),
    Tree(
        name="Micro-Manager acquisitions",
        files=made(
            ("tim", "eva"),
            ("cilia", "flagella"),
            ("acq_1", "acq_2"),
            ("Pos0", "Pos1"),
            ("img_channel000", "img_channel001"),
            numbers("z{:03}", 3, 0),
            write=lambda *p: "/".join(p[:4]) + f"/{p[4]}_position{int(p[3][3:]):03}_time000000000_{p[5]}.tif",
        ),
        wanted={
            "eva/cilia/acq_2/Pos1/img_channel001_position001_time000000000_z002.tif": {
                "owner": "eva",
                "project": "cilia",
                "image": "acq_2 Pos1",
                "channel": "1",
                "z": "2",
            }
        },
    ),
    *MORE_TREES,
    *INSTRUMENT_TREES,
)
