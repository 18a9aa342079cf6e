"""What a reader is: it takes one nameless stream and gives images, each with its record and its pixels by region.

Arrays of pixels have the axes (Y, X), or (Y, X, S) for RGB(A) planes, in the file's own dtype and native byte order.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, BinaryIO, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from catalog.records import ImageRecord

Pixels: TypeAlias = NDArray[Any]

#: A reader never holds more than this much of decoded pixels of one segment (strip, tile, whole PNG), bytes.
SEGMENT_LIMIT_BYTES = 512 << 20


class ReadingError(Exception):
    """Something about a file that keeps it from being imported now; ``reason`` is a sentence for people."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class DamagedError(ReadingError):
    """The file is corrupt or hostile, and cannot become whole by growing."""


class NotWholeError(ReadingError):
    """The file may still be being written: truncated, or with a tail of zeros."""


class AnotherFileError(NotWholeError):
    """The file is not what it was at the look: it was written, or another one lay in its place."""


class RefusedError(ReadingError):
    """The file is fine, but it cannot be imported by itself or by this version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedPart:
    """A file that another one names, as it is written there. Not ``is_needed``: it may come yet or not."""

    name: str
    is_needed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribedPlane:
    """Where a file says that a plane lies: as plane ``plane`` (channels first, then z, then t) of another's series."""

    c: int
    z: int
    t: int
    name: str
    plane: int
    series: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribedImage:
    """An image of several files as one of them describes it; planes that are not listed are holes."""

    record: ImageRecord
    planes: Sequence[DescribedPlane]


#: Opens a part by its name, alone; None when it is not there, or does not belong to the fileset.
OpenPart: TypeAlias = "Callable[[str], OpenedFileImages | None]"


class DescribesError(ReadingError):
    """The file is fine, and describes an image that lies in several files, of which it may be one.

    ``join`` gives the images once the parts may be opened. ``holds_pixels``: the file itself is a part, too.
    """

    def __init__(
        self,
        reason: str,
        *,
        format: str,
        names: Sequence[NamedPart],
        join: "Callable[[OpenPart], Sequence[DescribedImage]]",
        holds_pixels: bool,
        is_mutual: bool | None = None,
    ) -> None:
        super().__init__(reason)
        self.format = format
        self.names = names
        self.join = join
        self.holds_pixels = holds_pixels
        #: Each of the named files describes all of them; by default those do that hold pixels.
        self.is_mutual = holds_pixels if is_mutual is None else is_mutual


class TooLargeError(ReadingError):
    """Pixels that would take more memory than a worker has; concerns pictures, never the import."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One file for a reader: a seekable stream without a name, and what may be known of its surroundings.

    ``name`` is the base name, for messages and for sets whose files are numbered; ``has_sibling`` says whether a
    name exists in the folder. Neither lets a reader open another file.
    """

    stream: BinaryIO
    size_bytes: int
    name: bytes
    has_sibling: Callable[[bytes], bool]
    #: Where a TIFF's image directories lie, once its structure was walked.
    directories: Sequence[int] = ()
    #: It is read for itself: what it says of other files is of no account, only its own pages are its images.
    is_alone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A resolution level; the first of an image is the full one, px."""

    size_x: int
    size_y: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A rectangle of a level, px: ``top`` and ``left`` inclusive, ``bottom`` and ``right`` exclusive."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def shape(self) -> tuple[int, int]:
        """Give (height, width)."""
        return self.bottom - self.top, self.right - self.left


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A decoded piece of a plane; ``pixels`` is (Y, X) or (Y, X, S) and lies at (top, left)."""

    top: int
    left: int
    pixels: Pixels


class ColorSpace(Enum):
    """What the samples of a colour plane are."""

    RGB = "rgb"
    CMYK = "cmyk"
    YCBCR = "ycbcr"
    LAB = "lab"


@dataclass(frozen=True, slots=True, kw_only=True)
class Display:
    """How a file says that its pixels are to be shown; the pixels themselves are handed out as they are stored.

    ``orientation`` is TIFF's and EXIF's, 1 to 8; ``color_table`` is (N, 3), for indices.
    """

    orientation: int = 1
    is_inverted: bool = False
    color_table: NDArray[np.uint8] | None = None
    color_space: ColorSpace = ColorSpace.RGB


AS_STORED = Display()


class OpenedImage(Protocol):
    """One image of an open file."""

    @property
    def record(self) -> ImageRecord:
        """Tell what is known of the image."""
        ...

    @property
    def display(self) -> Display:
        """Tell how the pixels are to be shown."""
        ...

    @property
    def levels(self) -> Sequence[Level]:
        """Give the resolution levels, the full one first."""
        ...

    def blocks(
        self, *, c: int = 0, z: int = 0, t: int = 0, level: int = 0, window: Window | None = None, step: int = 1
    ) -> Iterator[Block]:
        """Decode a plane piece by piece, in bounded memory; only pieces that touch the window.

        ``step`` n gives a sample: about every n-th piece in each direction, spread evenly. ``c`` is ignored for RGB.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AssociatedPicture:
    """A label, macro, overview or thumbnail picture inside a file, which is no image of the specimen.

    ``open`` gives its pixels, and raises ReadingError: nothing of it is looked at before somebody asks.
    """

    kind: str
    open: Callable[[], OpenedImage]


class OpenedFileImages(Protocol):
    """An open file: its format's name for people, and its images in the file's order."""

    @property
    def format(self) -> str:
        """Give the format's name for people."""
        ...

    @property
    def images(self) -> Sequence[OpenedImage]:
        """Give the images in the file's order."""
        ...

    @property
    def may_follow(self) -> Sequence[NamedPart]:
        """Give names of parts that would belong to this file if they came; mostly none."""
        ...

    @property
    def associated(self) -> Sequence[AssociatedPicture]:
        """Give the pictures inside the file that are no images; mostly none."""
        ...

    def check_last_plane(self) -> None:
        """Decode the last plane's last piece; raises DamagedError or NotWholeError."""
        ...

    def close(self) -> None:
        """Give back what is held; the stream stays the caller's."""
        ...


class Reader(Protocol):
    """A format: how it is recognised and opened."""

    @property
    def name(self) -> str:
        """Give the format's name."""
        ...

    @property
    def endings(self) -> tuple[bytes, ...]:
        """Give the lower-case endings, with their dot, that belong to it."""
        ...

    def recognises(self, head: bytes) -> bool:
        """Say by the first 256 bytes whether it is this format."""
        ...

    def open(self, source: Source) -> OpenedFileImages:
        """Open and check the file's structure; raises ReadingError."""
        ...


def whole(level: Level) -> Window:
    """Give the window of a whole level."""
    return Window(top=0, left=0, bottom=level.size_y, right=level.size_x)


def region(
    image: OpenedImage, *, c: int = 0, z: int = 0, t: int = 0, level: int = 0, window: Window | None = None
) -> Pixels:
    """Give a rectangle of one plane as (Y, X), or (Y, X, S) for RGB; raises TooLargeError above 512 MiB."""
    asked = window or whole(image.levels[level])
    height, width = asked.shape
    result: Pixels | None = None
    for block in image.blocks(c=c, z=z, t=t, level=level, window=asked):
        if result is None:
            shape = (height, width, *block.pixels.shape[2:])
            if int(np.prod(shape)) * block.pixels.dtype.itemsize > SEGMENT_LIMIT_BYTES:
                raise TooLargeError(f"a region of {width} x {height} px is too large to be held in memory")
            result = np.zeros(shape, block.pixels.dtype)
        _paste(result, asked, block)
    if result is None:
        raise DamagedError("the region holds no pixels")
    return result


def _paste(result: Pixels, asked: Window, block: Block) -> None:
    """Copy the part of a block that lies in the window."""
    height, width = block.pixels.shape[:2]
    top, left = max(asked.top, block.top), max(asked.left, block.left)
    bottom, right = min(asked.bottom, block.top + height), min(asked.right, block.left + width)
    if top < bottom and left < right:
        piece = block.pixels[top - block.top : bottom - block.top, left - block.left : right - block.left]
        result[top - asked.top : bottom - asked.top, left - asked.left : right - asked.left] = piece
