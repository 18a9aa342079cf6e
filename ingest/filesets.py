"""What belongs together, and how it is known again: keys and digests of filesets. Pure."""

import hashlib
import struct
from collections.abc import Iterable

from ingest.work import Look, Member

_LOOK = struct.Struct("<qqqq")
_LENGTH = struct.Struct("<I")


def fileset_key(path: bytes) -> bytes:
    """Give the 16-byte key of a file that is a fileset of its own: it is found again under its path."""
    return hashlib.blake2b(b"file\0" + path, digest_size=16).digest()


def members_digest(members: Iterable[Member]) -> bytes:
    """Give the 16-byte digest of members as seen: paths, sizes, times and inodes, whatever the order they come in.

    The ctime is in it because it can't be set back: a copy that restores the mtime still shows.
    """
    hasher = hashlib.blake2b(digest_size=16)
    for member in sorted(members, key=lambda one: one.path):
        look = member.look
        hasher.update(_LENGTH.pack(len(member.path)))
        hasher.update(member.path)
        hasher.update(_LOOK.pack(look.size_bytes, look.mtime_ns, look.ctime_ns, look.inode))
    return hasher.digest()


def file_digest(path: bytes, *, size_bytes: int, mtime_ns: int, ctime_ns: int, inode: int) -> bytes:
    """Give the digest of a fileset of one file."""
    look = Look(size_bytes=size_bytes, mtime_ns=mtime_ns, ctime_ns=ctime_ns, inode=inode)
    return members_digest([Member(path=path, look=look)])
