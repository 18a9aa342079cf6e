"""Digests of what was seen of the files of a fileset: a sum, so that one file more costs one addition. Pure.

A sum modulo 2**128 of one hash a file is the same in whatever order files come, and a fileset of 100,000 files takes
in one more without any other being looked at. It tells changes; it does not guard against people who forge hashes.
"""

import hashlib
import struct
from collections.abc import Iterable

_LOOK = struct.Struct("<qqqq")
_BYTES = 16
_MODULUS = 1 << (8 * _BYTES)
#: The digest of no file at all.
NOTHING = bytes(_BYTES)


def member_digest(path: bytes, size_bytes: int, mtime_ns: int, ctime_ns: int, inode: int) -> bytes:
    """Give the 16-byte digest of one file as seen, by its path relative to the root.

    The ctime is in it because it can't be set back: a copy that restores the mtime still shows.
    """
    look = _LOOK.pack(size_bytes, mtime_ns, ctime_ns, inode)
    return hashlib.blake2b(look + path, digest_size=_BYTES).digest()


def sum_of(digests: Iterable[bytes]) -> bytes:
    """Give the digest of several files."""
    return _written(sum(map(_number, digests)))


def changed(digest: bytes, *, added: Iterable[bytes] = (), removed: Iterable[bytes] = ()) -> bytes:
    """Give the digest of a fileset to which files were added and from which files were taken."""
    return _written(_number(digest) + sum(map(_number, added)) - sum(map(_number, removed)))


def _number(digest: bytes) -> int:
    return int.from_bytes(digest, "little")


def _written(number: int) -> bytes:
    return (number % _MODULUS).to_bytes(_BYTES, "little")
