"""Which built-in layout the real files of each instrument belong to, and where their plates lie."""

from pathlib import Path

from tests.helpers.real_data import manifest

#: The collection's own word for a set of files -> the built-in layout.
BUILT_IN = {
    "hcs-almf-ometif": "almf",
    "hcs-cellomics-row": "cellomics",
    "hcs-cv8000": "cellvoyager",
    "hcs-imagexpress-htd-1": "imagexpress",
    "hcs-imagexpress-htd-z": "imagexpress",
    "hcs-imagexpress-time": "imagexpress",
    "hcs-imagexpress-zmix": "imagexpress",
    "hcs-ixm-brackets": "imagexpress",
    "hcs-ixm-staph": "imagexpress",
    "hcs-operetta": "operetta",
    "hcs-phenix-pediatric": "operetta",
    "hcs-scanr": "scanr",
    "metamorph-nd": "metamorph",
}
#: The folder that is the plate (or, of MetaMorph, the dataset): what the match of a rule would end with.
PLATES = (
    "real/plateviewer/ALMF-EMBL-ZeroBased-P2-S4-C2-T1/",
    "real/plateviewer/SCANR-C2-S1-T1/",
    "real/cellprofiler-examples/ExampleIlluminationCorrection/images/",
    "real/cellprofiler-examples/ExampleStraightenWorms/images/",
    "real/faim-ipa/CV8000/CV8000-Minimal-DataSet-2C-3W-4S-FP2-stack_20230918_135839/",
    "real/faim-ipa/ImageXpress_exported/9987_Plate_3420/",
    "real/faim-ipa/ImageXpress_exported/9987_Plate_3434/",
    "real/faim-ipa/ImageXpress/1well-3C-2S-Zmix-T/",
    "real/faim-ipa/ImageXpress/Projection-Mix/",
    "real/faim-ipa/ImageXpress/",
    "real/operetta-compose/operetta_plate/",
    "real/cytodataframe/pediatric_cancer_atlas_profiling/",
    "real/metamorph-mda-parser/data/",
    "real/metamorph-mda-parser/",
)


def real_names(folder: Path) -> dict[str, list[str]]:
    """Give the names of the real files by built-in layout, each below its plate's folder."""
    found: dict[str, list[str]] = {}
    for row in manifest(folder):
        layout = BUILT_IN.get(row["layout"])
        if layout is not None:
            plate = next(plate for plate in PLATES if row["path"].startswith(plate))
            found.setdefault(layout, []).append(row["path"].removeprefix(plate))
    return found
