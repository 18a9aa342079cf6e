"""Gives regions of planes of an image that lies in many files, as of any image; few files are open at a time.

An image of 5,000 files takes no more handles and memory than one of ten: files are opened when a plane of theirs is
wanted, beneath the root, and the one not wanted for longest is closed.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catalog.records import ImageRecord, PlaneRecord
from ingest.one_file import open_stream
from ingest.readers.protocol import (
    Block,
    DamagedError,
    Display,
    Level,
    OpenedFileImages,
    OpenedImage,
    ReadingError,
    Window,
    whole,
)
from ingest.work import Member

#: So many files of one fileset are open at once.
OPEN_AT_MOST = 8
#: Files up to this size are kept in memory while they are open.
KEPT_BYTES = 4 << 20
#: Empty planes are given in pieces of about this many bytes.
HOLE_BYTES = 4 << 20

_DTYPES: Mapping[str, str] = {
    "float": "float32", "double": "float64", "complex": "complex64", "double-complex": "complex128", "bit": "bool",
}  # fmt: skip


class OpenFiles:
    """The files of one fileset, opened as they are wanted: no other file is ever opened. Close it in the end."""

    def __init__(self, root: int, members: Sequence[Member], *, at_most: int = OPEN_AT_MOST) -> None:
        self._root = root
        self._members = {member.path: member for member in members}
        self._at_most = at_most
        self._open: OrderedDict[bytes, tuple[OpenedFileImages, ExitStack]] = OrderedDict()

    def __enter__(self) -> "OpenFiles":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def open_count(self) -> int:
        """Tell how many are open now."""
        return len(self._open)

    def has(self, path: bytes) -> bool:
        """Tell whether a path is one of the fileset's."""
        return path in self._members

    def images(self, path: bytes) -> OpenedFileImages:
        """Open one of the files, or give it if it is open; raises ReadingError, OSError."""
        if path in self._open:
            self._open.move_to_end(path)
            return self._open[path][0]
        if path not in self._members:
            raise DamagedError("a plane lies in a file that does not belong to the image")
        while len(self._open) >= self._at_most:
            self._close_one()
        with ExitStack() as stack:
            stream = stack.enter_context(
                open_stream(self._root, self._members[path], is_alone=True, in_memory_bytes=KEPT_BYTES)
            )
            images = stream.images()
            stack.callback(images.close)
            self._open[path] = (images, stack.pop_all())
        return images

    def image(self, path: bytes, series: int) -> OpenedImage:
        """Give a series of one of the files."""
        images = self.images(path).images
        if series >= len(images):
            raise DamagedError("a file no longer holds what it held when it was imported")
        return images[series]

    def _close_one(self) -> None:
        _, (_, stack) = self._open.popitem(last=False)
        stack.close()

    def close(self) -> None:
        """Close all."""
        while self._open:
            self._close_one()


@dataclass(frozen=True, slots=True)
class SetImage:
    """An image of many files. A plane that no file holds is a hole: zeros, in the image's own dtype."""

    record: ImageRecord
    files: OpenFiles
    planes: Mapping[tuple[int, int, int], PlaneRecord]

    @property
    def levels(self) -> Sequence[Level]:
        """Give the full size, and that of the smaller copies inside the first plane's file."""
        full = Level(size_x=self.record.size_x, size_y=self.record.size_y)
        try:
            first = self._first()
        except (ReadingError, OSError):
            return (full,)
        return (full, *(first.levels[1:] if first is not None and first.levels[0] == full else ()))

    @property
    def display(self) -> Display:
        """Show pixels as the first plane's file says."""
        first = self._first()
        return Display() if first is None else first.display

    def _first(self) -> OpenedImage | None:
        """Open the image that holds the first plane; None where there is no plane."""
        first = min(self.planes.values(), key=lambda plane: (plane.the_t, plane.the_z, plane.the_c), default=None)
        return None if first is None else self.files.image(first.path, first.series)

    def blocks(
        self, *, c: int = 0, z: int = 0, t: int = 0, level: int = 0, window: Window | None = None, step: int = 1
    ) -> Iterator[Block]:
        """Decode one plane piece by piece, see OpenedImage."""
        place = self.planes.get((0 if self.record.is_rgb else c, z, t))
        wanted = self.levels[level] if level else Level(size_x=self.record.size_x, size_y=self.record.size_y)
        asked = window or whole(wanted)
        if place is None:
            yield from self._hole(asked, step)
            return
        image = self.files.image(place.path, place.series)
        inner = image.record
        if (inner.size_x, inner.size_y) != (self.record.size_x, self.record.size_y):
            raise DamagedError("a file no longer has the size it had when it was imported")
        channels = 1 if inner.is_rgb and self.record.is_rgb else inner.size_c
        rest, own_c = divmod(place.plane, channels)
        own_t, own_z = divmod(rest, inner.size_z)
        for block in _blocks(image, (own_c, own_z, own_t), wanted, asked, step):
            yield _sample(block, own_c) if inner.is_rgb and not self.record.is_rgb else block

    def _hole(self, window: Window, step: int) -> Iterator[Block]:
        dtype = dtype_of(self.record)
        samples = (self.record.size_c,) if self.record.is_rgb else ()
        row = (window.right - window.left, *samples)
        rows_at_once = max(1, HOLE_BYTES // max(1, int(np.prod(row)) * dtype.itemsize))
        for top in range(window.top, window.bottom, rows_at_once * step):
            rows = min(rows_at_once, window.bottom - top)
            yield Block(top=top, left=window.left, pixels=np.zeros((rows, *row), dtype))


def _blocks(
    image: OpenedImage, place: tuple[int, int, int], wanted: Level, asked: Window, step: int
) -> Iterator[Block]:
    """Decode a plane at the size of a level; a file without a copy of that size is thinned out on the way."""
    c, z, t = place
    own = next((number for number, level in enumerate(image.levels) if level == wanted), None)
    if own is not None:
        yield from image.blocks(c=c, z=z, t=t, level=own, window=asked, step=step)
        return
    rows = _sources(asked.top, asked.bottom, wanted.size_y, image.record.size_y)
    columns = _sources(asked.left, asked.right, wanted.size_x, image.record.size_x)
    window = Window(top=int(rows[0]), left=int(columns[0]), bottom=int(rows[-1]) + 1, right=int(columns[-1]) + 1)
    for block in image.blocks(c=c, z=z, t=t, window=window, step=step):
        height, width = block.pixels.shape[:2]
        top, bottom = np.searchsorted(rows, (block.top, block.top + height))
        left, right = np.searchsorted(columns, (block.left, block.left + width))
        if top < bottom and left < right:
            kept = np.ix_(rows[top:bottom] - block.top, columns[left:right] - block.left)
            yield Block(top=asked.top + int(top), left=asked.left + int(left), pixels=block.pixels[kept])


def _sources(start: int, end: int, size: int, full: int) -> NDArray[np.int64]:
    """Give the full picture's rows (or columns) in the middle of those of a smaller copy."""
    middles = (np.arange(start, end, dtype=np.float64) + 0.5) * full / size
    return np.minimum(middles.astype(np.int64), full - 1)


def pictured(image: SetImage) -> SetImage:
    """Give the image for its picture: where a plane is a hole, the nearest one of the same channel is shown.

    Channels may have fewer planes than others; only a channel without any stays empty.
    """
    by_channel: dict[int, list[PlaneRecord]] = {}
    for plane in image.planes.values():
        by_channel.setdefault(plane.the_c, []).append(plane)
    filled = dict(image.planes)
    for c, planes in by_channel.items():
        for z in range(image.record.size_z):
            if (c, z, 0) not in filled:
                filled[c, z, 0] = min(planes, key=lambda one: (one.the_t, abs(one.the_z - z), one.the_z))
    return SetImage(image.record, image.files, filled)


def _sample(block: Block, number: int) -> Block:
    """Take one sample of a colour plane as a channel of its own."""
    return Block(top=block.top, left=block.left, pixels=block.pixels[..., number])


def dtype_of(record: ImageRecord) -> "np.dtype[Any]":
    """Give the dtype of an image's pixels by OME's name of their type."""
    return np.dtype(_DTYPES.get(record.pixels_type, record.pixels_type))


def planes_by_place(planes: Sequence[PlaneRecord], series: int) -> dict[tuple[int, int, int], PlaneRecord]:
    """Give the planes of one image by (c, z, t)."""
    return {(one.the_c, one.the_z, one.the_t): one for one in planes if one.image_series == series}
