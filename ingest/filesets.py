"""What belongs together, and how it is known again: keys and digests of filesets. Pure."""

import hashlib
from collections.abc import Iterable
from dataclasses import asdict
from functools import lru_cache

from catalog.member_digests import member_digest, sum_of
from config.endings import EndingKind, ending_of
from ingest.placement import Ownership, Placement
from ingest.work import Look, Member


def fileset_key(path: bytes) -> bytes:
    """Give the 20-byte key of a file that is a fileset of its own: it is found again under its path.

    Four bytes stand for its folder, sixteen for the file: so files of a folder lie together in the index of keys.
    Under keys without an order each new row of a large catalogue meets a page of its own: among 1,000,000 files a
    quarter of what a scan costs.
    """
    return _folder_mark(path.rpartition(b"/")[0]) + hashlib.blake2b(b"file\0" + path, digest_size=16).digest()


@lru_cache(maxsize=64)
def _folder_mark(folder: bytes) -> bytes:
    return hashlib.blake2b(folder, digest_size=4).digest()


def image_key(placement: Placement, ownership: Ownership) -> bytes:
    """Give the key of an image of many files, the same for each of them.

    That is: the same rule (wherever it stands in the file), owner, group, target, image name and captured dimensions,
    and folders that are equal once those that hold a captured dimension are left out.
    """
    return _key("image", placement.rule_identity, *_place_of(placement, ownership), *sorted(placement.dimensions))


def neighbour_key(placement: Placement, ownership: Ownership) -> bytes | None:
    """Give what an image shares with those beside it that captured more or fewer dimensions; None in plates.

    A plate tells neighbours by well and field.
    """
    if placement.target.plate is not None:
        return None
    return _key("neighbours", *_place_of(placement, ownership))


def plate_key(placement: Placement, ownership: Ownership) -> bytes:
    """Give what all images of one run of a plate share: what `per: plate` waits for."""
    target = placement.target
    given = (ownership.group_id, ownership.container_owner_id, target.screen, target.plate, target.run)
    return _key("plate", *map(repr, given))


def _place_of(placement: Placement, ownership: Ownership) -> tuple[str, ...]:
    people = (ownership.owner_id, ownership.group_id, ownership.container_owner_id)
    return (repr(people), repr(sorted(asdict(placement.target).items())), placement.image, placement.folder)


def _key(kind: str, *fields: str) -> bytes:
    # Each field goes in with its length, so that ("ab", "c") and ("a", "bc") differ.
    raws = (field.encode("utf-8", "surrogatepass") for field in (kind, *fields))
    return hashlib.blake2b(b"".join(len(raw).to_bytes(8, "big") + raw for raw in raws), digest_size=16).digest()


def only_describes(path: bytes) -> bool:
    """Tell by its name whether a file describes others and holds no pixels itself."""
    ending = ending_of(path.rpartition(b"/")[2])
    return ending is not None and ending.kind is EndingKind.SET


def members_digest(members: Iterable[Member]) -> bytes:
    """Give the 16-byte digest of members as seen: paths, sizes, times and inodes, whatever the order they come in."""
    return sum_of(_digest_of(member.path, member.look) for member in members)


def file_digest(path: bytes, *, size_bytes: int, mtime_ns: int, ctime_ns: int, inode: int) -> bytes:
    """Give the digest of a fileset of one file."""
    return member_digest(path, size_bytes, mtime_ns, ctime_ns, inode)


def _digest_of(path: bytes, look: Look) -> bytes:
    return member_digest(path, look.size_bytes, look.mtime_ns, look.ctime_ns, look.inode)
