"""Opens a root and folders below it by descriptors, following no link."""

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from ingest.identity import identity_of, why_another
from ingest.listing import RootLost

#: What the kernel says of a path that is not there.
GONE = (errno.ENOENT, errno.ENOTDIR)
_OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def open_folder(root_fd: int, path: bytes) -> Iterator[int]:
    """Open a directory below a root, component by component, following no link anywhere; raises OSError."""
    descriptor = os.dup(root_fd)
    try:
        for component in path.split(b"/") if path else ():
            inner = os.open(component, _OPEN_DIRECTORY, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def open_root(
    path: bytes, expected: Mapping[str, object] | None
) -> Iterator[tuple[int, str | None] | tuple[RootLost, None]]:
    """Open a root and compare it with the identity that it must have (None: whatever it is).

    Gives the descriptor, and why the root may be another one than expected; or why it can't be used.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        yield RootLost(reason=f"the root can't be opened: {os.strerror(error.errno or 0)}"), None
        return
    try:
        other = why_another(descriptor, expected, identity_of(descriptor, path))
        if other is not None and other[1]:
            yield RootLost(reason=other[0]), None
        else:
            yield descriptor, None if other is None else other[0]
    finally:
        os.close(descriptor)


def below(directory: bytes, name: bytes) -> bytes:
    """Join a directory's path and a name, both relative to the root."""
    return directory + b"/" + name if directory else name
