"""The one way to the pixels of a catalogued image, in one file or in 5,000: open it, and ask for regions of planes.

    with opened_pixels(source) as image:
        array = region(image, c=1, z=3, t=0, window=Window(top=0, left=0, bottom=512, right=512))

``image.record`` tells sizes and OME's type of pixels; arrays are (Y, X), or (Y, X, S) for RGB, in `dtype_of` that type,
in native byte order. What was never recorded is zeros. Only the files of the fileset are opened, beneath the root, and
each must be what it was when it was last looked at; few are open at a time (`ingest.set_images`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from catalog.queries.pixels import ImagePixels
from catalog.records import ImageRecord, PlaneRecord, ThumbnailRecord
from ingest.one_file import open_stream
from ingest.opening import opened_root
from ingest.readers.protocol import DamagedError, OpenedImage, region
from ingest.set_images import OpenFiles, SetImage, dtype_of, pictured, planes_by_place
from ingest.thumbnails import Projection, make_thumbnail
from ingest.work import Look, Member

__all__ = ["DrawTask", "PixelSource", "draw", "dtype_of", "opened_pixels", "region", "source_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelSource:
    """An image's pixels as a process gets them that has no database: values that pickle."""

    root: bytes
    grouping: str
    is_by_names: bool
    record: ImageRecord
    members: tuple[Member, ...]
    planes: tuple[PlaneRecord, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawTask:
    """A picture to be drawn, with its longer side in px."""

    source: PixelSource
    size_px: int
    projection: Projection


def source_of(pixels: ImagePixels, root: bytes) -> PixelSource:
    """Give what the catalogue knows of an image's pixels as a source below a root's path."""
    return PixelSource(
        root=root,
        grouping=pixels.grouping,
        is_by_names=pixels.is_by_names,
        record=pixels.record,
        members=tuple(
            Member(
                path=file.path,
                look=Look(size_bytes=file.size_bytes, mtime_ns=file.mtime_ns, ctime_ns=file.ctime_ns, inode=file.inode),
            )
            for file in pixels.files
        ),
        planes=pixels.planes,
    )


@contextmanager
def opened_pixels(source: PixelSource) -> Iterator[OpenedImage]:
    """Open an image; raises ReadingError (its ``reason`` is for people) and OSError, also while it is read."""
    with opened_root(source.root) as root:
        if source.grouping == "file":
            with _one_file(root, source) as image:
                yield image
        else:
            with OpenFiles(root, source.members) as files:
                yield SetImage(source.record, files, planes_by_place(source.planes, source.record.series))


@contextmanager
def _one_file(root: int, source: PixelSource) -> Iterator[OpenedImage]:
    with open_stream(root, source.members[0], is_alone=source.is_by_names) as opened:
        images = opened.images()
        try:
            found = next((one for one in images.images if one.record.series == source.record.series), None)
            if found is None:
                raise DamagedError("its file no longer holds this image; `coverslip why` tells more")
            yield found
        finally:
            images.close()


def draw(task: DrawTask) -> ThumbnailRecord:
    """Draw a picture of an image; raises ReadingError and OSError where its files can't be opened."""
    with opened_pixels(task.source) as image:
        shown = pictured(image) if isinstance(image, SetImage) else image
        return make_thumbnail(shown, size_px=task.size_px, projection=task.projection)
