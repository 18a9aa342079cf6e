"""PNG, JPEG, BMP and GIF: their structure checked to the last byte, their pixels through Pillow, whole or by halves."""

import struct
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import imagecodecs
import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from catalog.records import Acquisition, ImageRecord
from ingest.readers.as_seen import oriented
from ingest.readers.protocol import (
    AS_STORED,
    SEGMENT_LIMIT_BYTES,
    AssociatedPicture,
    Block,
    DamagedError,
    Display,
    Level,
    NamedPart,
    NotWholeError,
    Pixels,
    ReadingError,
    Source,
    TooLargeError,
    Window,
)
from ingest.readers.values import moment, text

#: A picture that unpacks to more than BOMB_BYTES and BOMB_RATIO times its file is a bomb.
BOMB_BYTES, BOMB_RATIO = 256 << 20, 500
#: PNG's chunks are walked up to this many.
CHUNKS_AT_MOST = 1_000_000

Check = Callable[[BinaryIO, int], None]


def check_png(stream: BinaryIO, size_bytes: int) -> None:
    """Walk PNG's chunks to IEND, with the checksum of each; raises NotWholeError or DamagedError."""
    offset = 8
    for _ in range(CHUNKS_AT_MOST):
        stream.seek(offset)
        head = stream.read(8)
        if len(head) < 8:
            raise NotWholeError(f"truncated: the PNG ends after {size_bytes} bytes, before its end mark")
        length, kind = struct.unpack(">I4s", head)
        end = offset + 12 + length
        if not kind.isalpha():
            _say_no_chunk(kind, offset)
        if end > size_bytes:
            raise NotWholeError(f"truncated: the PNG's next part ends at {end}, beyond the file's {size_bytes} bytes")
        _check_crc(stream, kind, length)
        if kind == b"IEND":
            return
        offset = end
    raise DamagedError("the PNG consists of too many parts")


def _say_no_chunk(kind: bytes, offset: int) -> None:
    if kind == b"\0\0\0\0":
        raise NotWholeError(f"zeros from byte {offset} on, where the PNG's next part must be: not written yet")
    raise DamagedError(f"the PNG is broken at byte {offset}")


def _check_crc(stream: BinaryIO, kind: bytes, length: int) -> None:
    running, left = zlib.crc32(kind), length
    while left:
        piece = stream.read(min(left, 1 << 20))
        running = zlib.crc32(piece, running)
        left -= len(piece)
    (written,) = struct.unpack(">I", stream.read(4))
    if written != running:
        if written == 0:
            raise NotWholeError(f"a part of the PNG ({kind.decode('ascii')}) is not written to its end yet")
        raise DamagedError(f"a part of the PNG ({kind.decode('ascii')}) has a wrong checksum")


def check_jpeg(stream: BinaryIO, size_bytes: int) -> None:
    """Look for JPEG's end mark in the last 64 KiB; zeros at the very end mean it is not written yet."""
    stream.seek(max(0, size_bytes - (1 << 16)))
    tail = stream.read(1 << 16)
    if b"\xff\xd9" not in tail or len(tail) - tail.rfind(b"\xff\xd9") > 1 << 15:
        raise NotWholeError("truncated: the JPEG has no end mark")


def check_gif(stream: BinaryIO, size_bytes: int) -> None:
    """Look for GIF's trailer."""
    stream.seek(max(0, size_bytes - 1024))
    if not stream.read(1024).rstrip(b"\0").endswith(b";"):
        raise NotWholeError("truncated: the GIF has no end mark")


def check_bmp(stream: BinaryIO, size_bytes: int) -> None:
    """Compare BMP's sizes with the file's."""
    stream.seek(0)
    head = stream.read(54)
    if len(head) < 26:
        raise NotWholeError(f"truncated: the BMP's header is cut off after {len(head)} bytes")
    (declared,) = struct.unpack("<I", head[2:6])
    (pixels_at,) = struct.unpack("<I", head[10:14])
    if max(declared, pixels_at) > size_bytes:
        raise NotWholeError(f"truncated: the BMP declares {declared} bytes and has {size_bytes}")


@dataclass(frozen=True, slots=True)
class PillowReader:
    """One of Pillow's formats, by its first bytes."""

    name: str
    magics: tuple[bytes, ...]
    endings: tuple[bytes, ...]
    check: Check

    def recognises(self, head: bytes) -> bool:
        """Say whether the first bytes are the format's."""
        return head.startswith(self.magics)

    def open(self, source: Source) -> "OpenedPicture":
        """Check the structure and read the header; pixels come later."""
        self.check(source.stream, source.size_bytes)
        source.stream.seek(0)
        try:
            return self._opened(source)
        except ReadingError:
            raise
        except Image.DecompressionBombError as error:
            raise DamagedError(f"the {self.name} claims far more pixels than a picture has") from error
        except (MemoryError, *_BROKEN) as error:
            _raise_if_of_the_disk(error)
            raise DamagedError(f"the {self.name} cannot be understood: {_line(error)}") from error

    def _opened(self, source: Source) -> "OpenedPicture":
        with warnings.catch_warnings():  # of pictures as large as a slide; what is a bomb is looked at below
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(source.stream, formats=(self.name,))
        raw_mode = _raw_mode(picture)
        deep = source if raw_mode in _DEEP else None
        kind = np.dtype("uint16") if deep else _dtype_of(picture)
        _check_size(picture, kind, source.size_bytes, self.name)
        frames = getattr(picture, "n_frames", 1)
        record = _record(picture, _DEEP.get(raw_mode) or _shown_mode(picture), kind, frames)
        return OpenedPicture(self.name, (PillowImage(record, picture, frames, deep),), picture)


#: What Pillow raises over broken bytes; its own OSErrors have no number, those of the disk have one.
_BROKEN = (
    OSError, ValueError, SyntaxError, struct.error, EOFError, TypeError, IndexError, KeyError, AttributeError,
    OverflowError, zlib.error, UnidentifiedImageError,
)  # fmt: skip


def _raise_if_of_the_disk(error: BaseException) -> None:
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno is not None):
        raise error


def _check_size(picture: Image.Image, kind: np.dtype[Any], size_bytes: int, name: str) -> None:
    width, height = picture.size
    unpacked = width * height * max(1, len(picture.getbands())) * kind.itemsize
    if width < 1 or height < 1:
        raise DamagedError(f"the {name} claims to be {width} x {height} px")
    if unpacked > BOMB_BYTES and unpacked > BOMB_RATIO * size_bytes:
        raise DamagedError(f"{size_bytes} bytes that claim to unpack to {unpacked}: a decompression bomb")


_MODES = {
    "1": "uint8",
    "I;16": "uint16",
    "I;16B": "uint16",
    "I;16L": "uint16",
    "I;16N": "uint16",
    "I": "int32",
    "F": "float32",
}


#: NumPy's names of OME's pixels types that these formats have.
_NUMPY = {"uint16": "uint16", "int32": "int32", "float": "float32"}


#: PNG's pictures with 16 bits and several samples, of which Pillow would drop half the bits, and how they are shown.
_DEEP = {"RGB;16B": "RGB", "RGBA;16B": "RGBA", "LA;16B": "L"}


def _raw_mode(picture: Image.Image) -> str:
    """Give how pixels are stored, in Pillow's words; known until they are loaded."""
    tiles = getattr(picture, "tile", ())
    return str(tiles[0][3]) if tiles else ""


def _dtype_of(picture: Image.Image) -> np.dtype[Any]:
    return np.dtype(_MODES.get(picture.mode, "uint8"))


def _shown_mode(picture: Image.Image) -> str:
    """Give the mode in which pixels are handed out: palettes and CMYK as RGB, grey with alpha as grey."""
    match picture.mode:
        case "P" | "PA":
            is_clear = "transparency" in picture.info or picture.mode == "PA"
            return "RGBA" if is_clear else "L" if _is_grey_palette(picture) else "RGB"
        case "CMYK" | "YCbCr" | "LAB" | "HSV" | "RGBX" | "RGBa":
            return "RGB"
        case "LA" | "La":
            return "L"
        case mode:
            return mode


def _is_grey_palette(picture: Image.Image) -> bool:
    palette = picture.getpalette() or []
    return all(palette[i] == palette[i + 1] == palette[i + 2] for i in range(0, len(palette) - 2, 3))


def _record(picture: Image.Image, mode: str, kind: np.dtype[Any], frames: int) -> ImageRecord:
    is_rgb = mode in ("RGB", "RGBA")
    width, height = _oriented_size(picture)
    pixels_type = "bit" if mode == "1" else {"float32": "float"}.get(kind.name, kind.name)
    taken_at, camera, program = _exif(picture)
    return ImageRecord(
        series=0, size_x=width, size_y=height, size_z=1, size_c=len(mode) if is_rgb else 1, size_t=frames,
        pixels_type=pixels_type, is_rgb=is_rgb, acquired_at=taken_at,
        acquisition=Acquisition(microscope=camera, software=program),
    )  # fmt: skip


def _exif(picture: Image.Image) -> tuple[Any, str | None, str | None]:
    """Give when it was taken (DateTimeOriginal only), maker and model, and the program; None where it does not say."""
    try:
        exif = picture.getexif()
        taken_at = moment(exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.DateTimeOriginal))
    except Exception:  # noqa: BLE001  # broken EXIF must not keep a picture out
        return None, None, None
    camera = " ".join(part for part in (text(exif.get(271)), text(exif.get(272))) if part)
    return taken_at, camera or None, text(exif.get(305))


_TURNED = frozenset({5, 6, 7, 8})


def _orientation(picture: Image.Image) -> int:
    try:
        return int(picture.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # noqa: BLE001  # broken EXIF must not keep a picture out
        return 1


def _oriented_size(picture: Image.Image) -> tuple[int, int]:
    width, height = picture.size
    return (height, width) if _orientation(picture) in _TURNED else (width, height)


@dataclass(frozen=True, slots=True)
class PillowImage:
    """The picture in such a file; frames of a GIF are its time points. ``deep``: a PNG with 16-bit colours."""

    record: ImageRecord
    picture: Image.Image
    frames: int
    deep: Source | None = None

    @property
    def display(self) -> Display:
        """Give nothing to do: Pillow turns palettes into colours, and the picture stands upright already."""
        return AS_STORED

    @property
    def levels(self) -> Sequence[Level]:
        """Give the one level."""
        return (Level(size_x=self.record.size_x, size_y=self.record.size_y),)

    def blocks(
        self, *, c: int = 0, z: int = 0, t: int = 0, level: int = 0, window: Window | None = None, step: int = 1
    ) -> Iterator[Block]:
        """Decode the whole picture: these formats have no pieces."""
        del c, z, level, window, step
        yield Block(top=0, left=0, pixels=self._pixels(t))

    def _pixels(self, frame: int) -> Pixels:
        size = self.picture.size[0] * self.picture.size[1] * max(1, len(self.picture.getbands()))
        if size * np.dtype(_NUMPY.get(self.record.pixels_type, "uint8")).itemsize > SEGMENT_LIMIT_BYTES:
            raise TooLargeError("the picture is too large to be unpacked in memory")
        try:
            shown = self._shown(frame) if self.deep is None else self._deep(self.deep)
        except _BROKEN as error:
            _raise_if_of_the_disk(error)
            raise DamagedError(f"the pixels cannot be unpacked: {_line(error)}") from error
        pixels = oriented(shown, _orientation(self.picture))
        return pixels.astype("=" + pixels.dtype.str[1:]) if not pixels.dtype.isnative else pixels

    def _shown(self, frame: int) -> Pixels:
        if self.frames > 1:
            self.picture.seek(frame)
        return np.asarray(self.picture.convert(_shown_mode(self.picture)))

    def _deep(self, source: Source) -> Pixels:
        source.stream.seek(0)
        pixels = imagecodecs.png_decode(source.stream.read(source.size_bytes))
        return pixels[..., : self.record.size_c] if self.record.is_rgb else pixels[..., 0]


@dataclass(slots=True)
class OpenedPicture:
    """An open picture file."""

    format: str
    images: Sequence[PillowImage]
    picture: Image.Image
    may_follow: Sequence[NamedPart] = ()
    associated: Sequence[AssociatedPicture] = ()

    def check_last_plane(self) -> None:
        """Unpack the picture: only the decoder can tell whether the packed bytes are whole."""
        try:
            next(self.images[0].blocks(t=0))
        except TooLargeError:
            return
        except ReadingError as problem:
            raise DamagedError(problem.reason) from problem

    def close(self) -> None:
        """Forget the picture; the stream stays open."""


def _line(error: object) -> str:
    lines = str(error).splitlines() or [""]
    return (lines[0] or type(error).__name__)[:200]


def pillow_readers() -> tuple[PillowReader, ...]:
    """Give the readers of PNG, JPEG, BMP and GIF."""
    return (
        PillowReader("PNG", (b"\x89PNG\r\n\x1a\n",), (b".png",), check_png),
        PillowReader("JPEG", (b"\xff\xd8\xff",), (b".jpg", b".jpeg"), check_jpeg),
        PillowReader("BMP", (b"BM",), (b".bmp",), check_bmp),
        PillowReader("GIF", (b"GIF87a", b"GIF89a"), (b".gif",), check_gif),
    )
