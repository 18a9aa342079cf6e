"""What looking at a root gives: entries and parts of listings, as plain values. No database, no decisions."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class EntryKind(StrEnum):
    """What kind of thing a name is."""

    FILE = "file"
    #: A folder that is one image (``.zarr``), never walked.
    FOLDER_IMAGE = "folder image"
    SYMBOLIC_LINK = "symbolic link"
    FIFO = "named pipe"
    SOCKET = "socket"
    DEVICE = "device"


class Entry(NamedTuple):
    """One stat, without following links. A tuple, because there are millions."""

    name: bytes
    size_bytes: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    uid: int
    gid: int
    kind: EntryKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingPart:
    """A part of a directory's listing: all names over ``low`` and up to ``high`` (None: open end), sorted.

    What is known in that range and neither in ``entries`` nor in ``unknown`` (could not be looked at) is gone,
    if there is no ``problem``. ``folders`` are the names of subdirectories in the range.
    """

    directory: bytes
    low: bytes | None
    high: bytes | None
    entries: tuple[Entry, ...]
    folders: frozenset[bytes] = frozenset()
    unknown: frozenset[bytes] = frozenset()
    problem: str | None = None
    #: Whether it was listed at all; and whether it is on a mount that is not there: then that is the problem.
    is_listed: bool = True
    is_away: bool = False
    #: The walk it belongs to, and whether the walk leaves subfolders out.
    walk: int = 0
    is_flat: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NamesLook:
    """A look at single names of one directory: what is there, and what is gone now.

    ``folders`` are names that are directories (to be walked); ``closed`` as in the hint; ``is_hinted``: from an event.
    """

    directory: bytes
    entries: tuple[Entry, ...]
    folders: frozenset[bytes] = frozenset()
    gone: frozenset[bytes] = frozenset()
    unknown: frozenset[bytes] = frozenset()
    closed: frozenset[bytes] = frozenset()
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PassEnded:
    """A full pass, or a walk below ``directory``, came to its end. ``failure``: it broke off, with the sentence."""

    number: int
    directory: bytes
    is_full: bool
    identity: dict[str, object]
    failure: str | None = None
    #: Why the root is not the one that is known, though there are files in it: then nothing counts as missing.
    other: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RootLost:
    """The root could not be opened, or is another directory than before; nothing below it may be judged."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkOrder:
    """Walk a directory and all below it; ``directory`` b"" with ``is_full`` is a full pass.

    A walk that is not full goes between the parts of one that is.
    """

    number: int
    directory: bytes
    is_full: bool = False
    #: Only the directory itself; what is below it is left out.
    is_flat: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LookOrder:
    """Look at single names, soon. ``tag`` comes back with the answer."""

    directory: bytes
    names: frozenset[bytes]
    closed: frozenset[bytes] = frozenset()
    tag: object = None
