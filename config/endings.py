"""Known endings of file names: what a reader opens, and what is known by name but not read in this version."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType


class EndingKind(StrEnum):
    """What this version can do with files of an ending."""

    READABLE = "readable"
    #: One image lies in several files and this is the one that describes it.
    SET = "set"
    NOT_READ = "not-read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """An ending, lower case and without its leading dot, with its format's name as people know it.

    ``is_folder``: the thing so named is a folder that is one image and is never walked.
    """

    text: str
    format: str
    kind: EndingKind = EndingKind.NOT_READ
    is_folder: bool = False


_READABLE = {
    "OME-TIFF": "ome.tif ome.tiff ome.tf2 ome.tf8 ome.btf",
    "TIFF": "tif tiff tf2 tf8 btf",
    "Zeiss LSM": "lsm",
    "MetaMorph STK": "stk",
    "Aperio SVS": "svs",
    "Hamamatsu NDPI": "ndpi",
    "Leica SCN": "scn",
    "PerkinElmer QPTIFF": "qptiff",
    "PNG": "png",
    "JPEG": "jpg jpeg",
    "BMP": "bmp",
    "GIF": "gif",
}
_SETS = {"OME-TIFF companion": "companion.ome", "MetaMorph ND index": "nd"}
_FOLDERS = {"OME-Zarr": "ome.zarr zarr", "N5": "n5"}
_NOT_READ = {
    "Zeiss CZI": "czi",
    "Zeiss ZVI": "zvi",
    "Nikon ND2": "nd2",
    "Leica LIF": "lif",
    "Leica LOF": "lof",
    "Leica XLEF": "xlef",
    "Olympus OIB": "oib",
    "Olympus OIF": "oif",
    "Olympus OIR": "oir",
    "Olympus VSI": "vsi",
    "Olympus ETS": "ets",
    "Imaris": "ims",
    "HDF5": "h5 hdf5",
    "DICOM": "dcm dicom",
    "MIRAX": "mrxs",
    "Hamamatsu VMS": "vms vmu",
    "Ventana BIF": "bif",
    "Sakura SVSLIDE": "svslide",
    "Philips iSyntax": "isyntax",
    "Princeton Instruments SPE": "spe",
    "Andor SIF": "sif",
    "DeltaVision": "dv r3d",
    "MRC": "mrc mrcs",
    "Gatan DigitalMicrograph": "dm3 dm4",
    "FEI SER": "ser",
    "Velox EMD": "emd",
    "SlideBook": "sld sldy",
    "Volocity": "mvd2",
    "Opera Flex": "flex",
    "Cellomics C01": "c01",
    "Image Cytometry Standard": "ics ids",
    "Imspector": "obf msr",
    "Becker & Hickl SDT": "sdt",
    "PicoQuant PTU": "ptu",
    "Yokogawa measurement settings or Femtonics MES": "mes",
    "ImageXpress HTD index": "htd",
    "OME-XML": "ome ome.xml",
    "NRRD": "nrrd nhdr",
    "NIfTI": "nii nii.gz",
    "FITS": "fits",
    "NumPy": "npy npz",
    "JPEG 2000": "jp2 j2k",
    "WebP": "webp",
    "AVI": "avi",
    "MP4": "mp4",
    "QuickTime": "mov",
}


def _table() -> Mapping[str, Ending]:
    kinds = (
        (_READABLE, EndingKind.READABLE, False),
        (_SETS, EndingKind.SET, False),
        (_FOLDERS, EndingKind.NOT_READ, True),
        (_NOT_READ, EndingKind.NOT_READ, False),
    )
    rows = (
        Ending(text=text, format=name, kind=kind, is_folder=is_folder)
        for formats, kind, is_folder in kinds
        for name, texts in formats.items()
        for text in texts.split()
    )
    return MappingProxyType({row.text: row for row in sorted(rows, key=lambda row: (-len(row.text), row.text))})


#: By text, the longest first: the order in which `{ext}` tries them.
ENDINGS: Mapping[str, Ending] = _table()


# Asked several times in a row about one name, and about the same folders again and again.
@lru_cache(maxsize=2048, typed=True)
def ending_of(name: str | bytes) -> Ending | None:
    """Find the longest known ending of a file's name (``ome.tif`` before ``tif``), whatever its case.

    A name that is nothing but an ending (``.tif``) has none.
    """
    text = name.decode("utf-8", "replace") if isinstance(name, bytes) else name
    pieces = text.lower().split(".")
    for count in (2, 1):
        stem, tail = pieces[:-count], pieces[-count:]
        if stem and any(stem) and (found := ENDINGS.get(".".join(tail))):
            return found
    return None


def without_ending(name: str) -> str:
    """Cut the known ending off a name: ``x`` for ``x.ome.tif``; a name without one stays as it is."""
    found = ending_of(name)
    return name if found is None else name[: -len(found.text) - 1]


def is_folder_image(name: str | bytes) -> bool:
    """Tell whether a folder of this name is one image (``.zarr``), to be placed like a file and never walked."""
    found = ending_of(name)
    return found is not None and found.is_folder


def why_not_read(ending: Ending) -> str:
    """Give the sentence why files of this known ending are not imported by this version."""
    thing = "folder" if ending.is_folder else "file"
    return f"{ending.format} {thing}: this version has no reader for it"
