"""Chooses the reader for a file: by its first bytes, and by its ending only to say what is wrong."""

from functools import cache

from ingest.readers.companion import CompanionReader
from ingest.readers.metamorph_nd import MetaMorphNdReader
from ingest.readers.pillow_formats import pillow_readers
from ingest.readers.protocol import DamagedError, NotWholeError, Reader, RefusedError, Source
from ingest.readers.tiff import TiffReader

#: As much of a file's head as readers look at.
HEAD_BYTES = 256

#: Formats that are known by their first bytes and have no reader here; for the sentence.
_FOREIGN: tuple[tuple[int, bytes, str], ...] = (
    (0, b"ZISRAWFILE", "CZI (Zeiss)"),
    (0, b"\xda\xce\xbe\x0a", "ND2 (Nikon)"),
    (0, b"\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG 2000 or an old ND2"),
    (0, b"\x89HDF\r\n\x1a\n", "HDF5 (Imaris and others)"),
    (0, b"\x70\x00\x00\x00", "LIF (Leica)"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a compound document (OIB, ZVI or an office file)"),
    (128, b"DICM", "DICOM"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"%PDF", "PDF"),
    (0, b"RIFF", "WebP, AVI or another RIFF file"),
)


@cache
def readers() -> tuple[Reader, ...]:
    """Give all readers, in the order in which they are asked."""
    return (TiffReader(), *pillow_readers(), MetaMorphNdReader(), CompanionReader())


def readable_endings() -> frozenset[bytes]:
    """Give the endings of all readers, lower-case with their dot."""
    return frozenset(ending for reader in readers() for ending in reader.endings)


def reader_for(head: bytes, source: Source) -> Reader:
    """Choose by the first bytes; raises what is to be said of a file that no reader recognises."""
    if source.size_bytes == 0:
        raise NotWholeError("the file is empty")
    for reader in readers():
        if reader.recognises(head):
            return reader
    for offset, magic, name in _FOREIGN:
        if head[offset:].startswith(magic):
            raise RefusedError(f"this is {name}, for which there is no reader yet")
    if not head.strip(b"\0"):
        raise NotWholeError("the file begins with zeros: nothing is written at its start yet")
    ending = _ending(source.name)
    for reader in readers():
        if ending in reader.endings:
            raise DamagedError(f"the name says {reader.name}, but the first bytes are not those of {_a(reader.name)}")
    raise RefusedError("no reader knows this kind of file")


def _a(name: str) -> str:
    return f"a {name}"


def _ending(name: bytes) -> bytes:
    dot = name.rfind(b".")
    return name[dot:].lower() if dot >= 0 else b""
