"""Reads every TIFF: checks its structure, lets tifffile parse it without a name, and asks the dialects about it."""

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tifffile

from ingest.probe import check_tail_pixels
from ingest.readers import tiff_dialects, tiff_structure
from ingest.readers.protocol import (
    AssociatedPicture,
    Block,
    DamagedError,
    NamedPart,
    NotWholeError,
    ReadingError,
    Source,
)
from ingest.readers.tiff_pixels import PagePlane, TiffImage, remembering
from ingest.readers.tiff_structure import Structure

#: What tifffile logs and what is no sign of damage: quirks of writers that leave the pixels as they are.
_HARMLESS = (
    "does not support", "GDAL", "is missing ModuloAlong", "coercing", "unsupported value type", "invalid code page",
    "not a known", "failed to read display settings", "failed to read comments", "LSM bitspersample", "read_lsm_",
    "read_uic_tag", "STK Datetime", "GeoKey", "NDTiff.index", "MMStack is missing",
)  # fmt: skip

#: A piece of pixels up to this size is kept between its check and the picture.
KEPT_BYTES = 4 << 20


class _Warnings:
    """Keeps what tifffile logs in this thread, passes on what others do; a filter, as a handler costs more to make."""

    def __init__(self) -> None:
        self.sentences: list[str] = []
        self._thread = threading.get_ident()

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep a message of the own thread; say whether it is another's."""
        is_own = record.thread == self._thread
        if is_own and record.levelno >= logging.WARNING:
            self.sentences.append(record.getMessage())
        return not is_own


@contextmanager
def collected_warnings() -> Iterator[list[str]]:
    """Collect what tifffile logs inside the block; it is printed nowhere."""
    logger, warnings = logging.getLogger("tifffile"), _Warnings()
    logger.addFilter(warnings)
    try:
        yield warnings.sentences
    finally:
        logger.removeFilter(warnings)


@dataclass(slots=True)
class OpenedTiff:
    """An open TIFF: the format of its dialect and its images."""

    format: str
    images: Sequence[TiffImage]
    file: tifffile.TiffFile
    structure: Structure
    may_follow: Sequence[NamedPart] = ()
    associated: Sequence[AssociatedPicture] = ()

    def check_last_plane(self) -> None:
        """Decode the last piece of the last plane of each image; a small one is kept for the picture."""
        self.images = [_checked(image) for image in self.images]

    def close(self) -> None:
        """Forget the pages; the stream stays open."""
        self.file.close()


def _checked(image: TiffImage) -> TiffImage:
    record = image.record
    plane = image.locate(0, max(0, record.size_c - 1), record.size_z - 1, record.size_t - 1)
    if not isinstance(plane, PagePlane):
        return image
    last = _decoded_last_piece(plane)
    return image if last is None or last.pixels.nbytes > KEPT_BYTES else remembering(image, plane, last)


def _decoded_last_piece(plane: PagePlane) -> Block | None:
    count = len(plane.page.dataoffsets)
    if count == 0:
        raise NotWholeError("the last page has no pixels yet")
    try:
        with collected_warnings() as warned:
            last = plane.decode(count - 1)
    except ReadingError:
        raise
    except Exception as error:  # codecs raise whatever they like over bad bytes
        raise NotWholeError(f"the last page cannot be unpacked: {one_line(error)}") from error
    if warned:
        raise NotWholeError(f"the last page cannot be unpacked: {one_line(warned[0])}")
    return last


class TiffReader:
    """The TIFF family, by its four first bytes."""

    name = "TIFF"
    endings = (
        b".tif", b".tiff", b".tf2", b".tf8", b".btf", b".stk", b".lsm", b".svs", b".ndpi", b".scn", b".qptiff",
    )  # fmt: skip

    def recognises(self, head: bytes) -> bool:
        """Say whether the first bytes are a TIFF's."""
        return tiff_structure.is_tiff(head)

    def open(self, source: Source) -> OpenedTiff:
        """Walk, parse, describe and compare; raises ReadingError."""
        structure = tiff_structure.walk(source)
        if structure.tail is not None:
            check_tail_pixels(source.stream, structure.tail)
        source.stream.seek(0)
        with collected_warnings() as warned:
            opened = self._parsed(replace(source, directories=structure.offsets), structure)
        doubts = [sentence for sentence in warned if not any(harmless in sentence for harmless in _HARMLESS)]
        if doubts:
            opened.close()
            raise NotWholeError(f"the file's parts do not fit together: {one_line(doubts[0])}")
        return opened

    def _parsed(self, source: Source, structure: Structure) -> OpenedTiff:
        file: tifffile.TiffFile | None = None
        try:
            flags: dict[str, Any] = {"is_ndpi": True} if structure.is_ndpi else {}
            with np.errstate(all="ignore"):  # tifffile reckons with the numbers of broken notes
                file = tifffile.TiffFile(source.stream, _multifile=False, **flags)
                format_name, images = tiff_dialects.describe(file, source)
                follow = tiff_dialects.may_follow(format_name, source)
                associated = tiff_dialects.associated(format_name, file, source)
            return OpenedTiff(format_name, images, file, structure, follow, associated)
        except ReadingError:
            _close(file)
            raise
        except (MemoryError, OSError):
            _close(file)
            raise
        except Exception as error:
            _close(file)
            raise DamagedError(f"the TIFF cannot be understood: {one_line(error)}") from error


def _close(file: tifffile.TiffFile | None) -> None:
    if file is not None:
        file.close()


def one_line(problem: object) -> str:
    """Give a message's first line, shortened, without the library's object representations."""
    lines = str(problem).strip().splitlines() or [type(problem).__name__]
    line = lines[0]
    if line.startswith("<tifffile.") and "> " in line:
        line = line.split("> ", 1)[1]
    return line[:200]
