"""Tells at one look that a file is one page of nobody in particular, as cameras and scripts write them by the thousand.

Without it each of them is asked for the marks of all formats twice, here and in tifffile, at twice the cost of parsing.
"""

import re

import tifffile

from ingest.readers.protocol import Source
from ingest.readers.tiff_micromanager import is_nd_tiff

#: Tags of TIFF 6.0 that say how pixels lie and look, and who made them when: by none of these a format is known.
_PLAIN_TAGS = frozenset(
    {254, 255, 256, 257, 258, 259, 262, 266, 270, 271, 272, 273, 274, 277, 278, 279, 280, 281, 282, 283, 284, 296, 297}
    | {305, 306, 315, 317, 320, 322, 323, 324, 325, 338, 339}
)
#: Pieces of descriptions, and beginnings of the names of programs, by which formats are known.
_MARKS = ("<", "{", "ImageJ", "shape", "Aperio", "state.", "scanimage", "openmicroscopy")
#: What tifffile notes of an array that it writes, where nothing else is said of it.
_SHAPE = re.compile(r'\{"shape": \[(\d+(?:, \d+){1,2})\]\}')
_PROGRAMS = ("SI.", "PerkinElmer-QPI", "Philips", "MetaSeries")


def is_plain_page(file: tifffile.TiffFile, source: Source) -> bool:
    """Say whether a file is one page, without smaller copies, that bears no format's mark; only yes is sure."""
    if len(source.directories) != 1:
        return False
    page = file.pages.first
    codes = page.tags.keys()
    if not _PLAIN_TAGS.issuperset(codes) or len(codes) != len(page.tags):
        return False
    if page.software.startswith(_PROGRAMS) or is_nd_tiff(file):
        return False
    return not any(mark in page.description for mark in _MARKS) or _is_own_shape(page)


def _is_own_shape(page: tifffile.TiffPage) -> bool:
    """Say whether the description is the page's own shape (Y, X) or (Y, X, S), as nearly every script writes it."""
    noted = _SHAPE.fullmatch(page.description)
    return noted is not None and tuple(int(size) for size in noted[1].split(", ")) == page.shape


def series_of(page: tifffile.TiffPage) -> tifffile.TiffPageSeries:
    """Give the series that tifffile makes of such a file's page."""
    return tifffile.TiffPageSeries([page], page.shape, page.dtype, page.axes, kind="uniform")
