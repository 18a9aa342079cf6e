"""A file that is taken for one page of nobody in particular is just what all the long ways say it is."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from ingest.readers import tiff_structure
from ingest.readers.protocol import ReadingError, Source
from ingest.readers.tiff_dialects import DIALECTS
from ingest.readers.tiff_single import is_plain_page, series_of
from tests.helpers.real_data import needed_data

GREY = np.arange(48 * 32, dtype=np.uint16).reshape(48, 32)
RGB = np.zeros((48, 32, 3), np.uint8)
NO_NOTES: dict[str, Any] = {"metadata": None}
#: Name: pixels and how they are written; all of them are plain.
PLAIN: dict[str, tuple[Any, dict[str, Any]]] = {
    "grey": (GREY, NO_NOTES),
    "described": (GREY, NO_NOTES | {"description": "exposure 20 ms, 60x/1.4 oil"}),
    "of a camera": (GREY, NO_NOTES | {"software": "HCImage Live", "datetime": True}),
    "big-endian": (GREY, NO_NOTES | {"byteorder": ">"}),
    "BigTIFF": (GREY, NO_NOTES | {"bigtiff": True}),
    "in strips, deflated": (GREY, NO_NOTES | {"rowsperstrip": 7, "compression": "deflate", "predictor": True}),
    "in tiles": (GREY, NO_NOTES | {"tile": (16, 16)}),
    "RGB": (RGB, NO_NOTES | {"photometric": "rgb"}),
    "RGB, planes apart": (np.moveaxis(RGB, -1, 0), NO_NOTES | {"photometric": "rgb", "planarconfig": "separate"}),
    "doubles": (GREY / 7, NO_NOTES),
    "tifffile's shape": (GREY, {}),
    "tifffile's shape, RGB": (RGB, {"photometric": "rgb"}),
    "tifffile's shape, in strips": (GREY, {"rowsperstrip": 7, "compression": "lzw"}),
    "with a resolution": (GREY, NO_NOTES | {"resolution": (1000, 1000), "resolutionunit": 3}),
}
#: What bears a mark, or is more than one page.
MARKED: dict[str, tuple[Any, dict[str, Any]]] = {
    "a shape of three sides": (GREY[None], {}),
    "another shape than the page's": (GREY, NO_NOTES | {"description": '{"shape": [48, 33]}'}),
    "axes noted": (GREY, {"metadata": {"axes": "YX"}}),
    "ImageJ": (GREY, {"imagej": True}),
    "OME": (GREY, {"ome": True}),
    "two pages": (np.stack([GREY, GREY]), NO_NOTES),
    "Aperio": (GREY, NO_NOTES | {"description": "Aperio Image Library v12"}),
    "ScanImage's program": (GREY, NO_NOTES | {"software": "SI.2016"}),
    "ScanImage's notes": (GREY, NO_NOTES | {"description": "state.acq.frameRate=2"}),
    "PerkinElmer": (GREY, NO_NOTES | {"software": "PerkinElmer-QPI"}),
    "a private tag": (GREY, NO_NOTES | {"extratags": [(65000, 3, 1, 5, True)]}),
}


def opened(content: bytes) -> tuple[tifffile.TiffFile, Source]:
    source = Source(
        stream=io.BytesIO(content), size_bytes=len(content), name=b"a.tif", has_sibling=lambda _: False,
        directories=tiff_structure.walk(
            Source(stream=io.BytesIO(content), size_bytes=len(content), name=b"a.tif", has_sibling=lambda _: False)
        ).offsets,
    )  # fmt: skip
    return tifffile.TiffFile(source.stream, _multifile=False), source


def written(pixels: Any, options: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    tifffile.imwrite(out, pixels, **options)
    return out.getvalue()


def facts(series: tifffile.TiffPageSeries) -> tuple[Any, ...]:
    axes, shape = series.get_axes(squeeze=False), series.get_shape(squeeze=False)
    levels = [(level.shape, level.dtype) for level in series.levels]
    kind = "uniform" if series.kind == "shaped" else series.kind  # of one page that is the same
    return (axes, shape, series.dtype, series.dataoffset, kind, len(series), levels, series.keyframe.offset)


def must_be_plain(content: bytes) -> None:
    """No dialect knows it, and tifffile makes one series of it, the same."""
    file, _ = opened(content)
    mine = facts(series_of(file.pages.first))
    again, _ = opened(content)
    assert not [dialect.name for dialect in DIALECTS if dialect.is_it(again)]
    assert [facts(one) for one in again.series] == [mine]


@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_page_is_known_at_one_look(name: str) -> None:
    content = written(*PLAIN[name])
    assert is_plain_page(*opened(content))
    must_be_plain(content)


@pytest.mark.parametrize("name", MARKED)
def test_what_bears_a_mark_is_asked_about_at_length(name: str) -> None:
    assert not is_plain_page(*opened(written(*MARKED[name])))


def readable(folder: Path) -> Iterator[bytes]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.stat().st_size < 50_000_000:
            content = path.read_bytes()
            if tiff_structure.is_tiff(content):
                yield content


def test_no_real_file_that_is_taken_for_plain_is_anything_else() -> None:
    plain = 0
    for content in readable(needed_data()):
        try:
            found = opened(content)
        except (ReadingError, tifffile.TiffFileError):
            continue
        if is_plain_page(*found):
            must_be_plain(content)
            plain += 1
    assert plain > 0
