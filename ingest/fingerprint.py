"""Checksums of whole files, by name, and the cheap 16-byte fingerprint that finds candidates for moved files."""

import hashlib
import io
from typing import BinaryIO, Protocol

import xxhash
from blake3 import blake3

#: Large files are hashed in buffers of this size.
CHUNK_BYTES = 1 << 20
#: A fingerprint samples this much at the start, the middle and the end.
SAMPLE_BYTES = 1 << 14


class Hash(Protocol):
    """The part of hashlib's interface that every hasher here has."""

    def update(self, data: bytes | memoryview, /) -> object:
        """Take more bytes."""
        ...

    def hexdigest(self) -> str:
        """Give the digest as hex digits."""
        ...


def new_hash(hasher: str) -> Hash:
    """Start the hasher of that name: sha256, blake3 or xxh3-128; another name is a ValueError."""
    match hasher:
        case "sha256":
            return hashlib.sha256()
        case "blake3":
            return blake3()
        case "xxh3-128":
            return xxhash.xxh3_128()
        case _:
            raise ValueError(f"there is no hasher {hasher!r}; there are sha256, blake3 and xxh3-128")


class HashedContent(io.BytesIO):
    """A file's content in memory that is hashed on the way to its pixels: what is looked at next is near the core then.

    Going through many megabytes a second time costs as much as adding them up.
    """

    def __init__(self, content: bytes, hasher: str) -> None:
        super().__init__(content)
        self.hasher = hasher
        self._running = new_hash(hasher)
        self._hashed = 0

    def piece(self, start: int, end: int) -> memoryview:
        """Give a piece of it, hashed up to there."""
        whole = self.getbuffer()
        if end > self._hashed:
            self._running.update(whole[self._hashed : end])
            self._hashed = min(end, len(whole))
        return whole[start:end]

    def hexdigest(self) -> str:
        """Give the hash of all of it as hex digits."""
        size = len(self.getbuffer())
        self.piece(size, size)
        return self._running.hexdigest()


def hash_stream(hasher: str, stream: BinaryIO) -> str:
    """Hash a stream from its start in buffers of 1 MiB; one that was hashed on the way gives what it has."""
    if isinstance(stream, HashedContent) and stream.hasher == hasher:
        return stream.hexdigest()
    running = new_hash(hasher)
    if isinstance(stream, io.BytesIO):
        running.update(stream.getbuffer())
        return running.hexdigest()
    stream.seek(0)
    while chunk := stream.read(CHUNK_BYTES):
        running.update(chunk)
    return running.hexdigest()


def fingerprint(stream: BinaryIO, size_bytes: int) -> bytes:
    """Give 16 bytes over the size and three samples: equal for equal content, it never decides alone."""
    running = xxhash.xxh3_128()
    running.update(size_bytes.to_bytes(8, "little"))
    for offset in (0, max(0, size_bytes // 2 - SAMPLE_BYTES // 2), max(0, size_bytes - SAMPLE_BYTES)):
        stream.seek(offset)
        running.update(stream.read(SAMPLE_BYTES))
    return running.digest()
