"""Plain TIFFs, by nobody in particular or by tifffile ("shaped"): what the baseline tags say and no more.

Resolution tags are print sizes (dpi) and no physical sizes. DateTime is when the file was made: programs that edit
pictures write when they did, which is no acquisition.
"""

import re

import tifffile

from catalog.records import Acquisition
from ingest.readers.tiff_series import Facts
from ingest.readers.values import moment, text

_EDITORS = re.compile(r"photoshop|lightroom|illustrator|gimp|imagemagick|graphicsmagick|paint|irfanview", re.IGNORECASE)


def tag_text(page: tifffile.TiffPage, code: int) -> str | None:
    """Give a tag's text, None when it is absent or no text."""
    tag = page.tags.get(code)
    if tag is None:
        return None
    value = tag.value
    return text(value) if isinstance(value, str | bytes) else None


def facts_of(page: tifffile.TiffPage, *, with_description: bool = True) -> Facts:
    """Read DateTime, Software, Make and Model, and ImageDescription where it is not some program's notes."""
    description = tag_text(page, 270) if with_description else None
    if description is not None and description[:1] in "{[<":
        description = None
    software = tag_text(page, 305)
    is_edited = software is not None and _EDITORS.search(software) is not None
    maker = " ".join(part for part in (tag_text(page, 271), tag_text(page, 272)) if part)
    return Facts(
        description=description,
        acquired_at=None if is_edited else moment(tag_text(page, 306)),
        acquisition=Acquisition(microscope=maker or None, software=software),
    )
