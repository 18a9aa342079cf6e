"""Opens files of a root without following a link anywhere, and gives readers streams that have no name.

A stream without ``name``, ``path`` or ``fileno`` keeps format libraries from finding the file's neighbours.
"""

import errno
import fcntl
import io
import os
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ingest.int64 import signed64, wrapped64
from ingest.work import Look

#: Bytes a buffered stream asks the kernel for at a time: directories of a large TIFF may lie far from one another.
#: Pixels and what is hashed are asked for in larger pieces, which go past the buffer.
BUFFER_BYTES = 1 << 15

_DIRECTORY_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
#: O_NONBLOCK: opening a FIFO that was swapped in must not wait for a writer.
_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


class NotAPlainFileError(OSError):
    """What lies at the path now is a link, a directory, a FIFO, a socket or a device."""


class NamelessFile(io.RawIOBase):
    """A read-only raw stream over a descriptor; it has neither a name nor a descriptor to show."""

    def __init__(self, descriptor: int, *, owns: bool = True) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._owns = owns
        self._position = 0

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # typeshed wants Buffer
        """Read at the position and move it; 0 at the end."""
        count = os.preadv(self._descriptor, [buffer], self._position)
        self._position += count
        return count

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move the position; a negative one is an error."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position}.get(whence)
        if base is None:
            base = os.fstat(self._descriptor).st_size
        if base + offset < 0:
            raise ValueError(f"cannot seek to {base + offset}")
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        """Give the position."""
        return self._position

    def borrowed(self) -> "NamelessFile":
        """Give a second stream over the same descriptor, which stays this one's to close."""
        return NamelessFile(self._descriptor, owns=False)

    def content(self, size_bytes: int) -> bytes:
        """Give up to ``size_bytes`` from the start in one read, more only where the kernel gives less at a time."""
        content = os.pread(self._descriptor, size_bytes, 0)
        while len(content) < size_bytes:
            more = os.pread(self._descriptor, size_bytes - len(content), len(content))
            if not more:
                break
            content += more
        return content

    def status(self) -> os.stat_result:
        """Stat the open file."""
        return os.fstat(self._descriptor)

    def drop_cache(self) -> None:
        """Have the kernel forget what it holds of the file, so that the next read comes from the disk."""
        os.posix_fadvise(self._descriptor, 0, 0, os.POSIX_FADV_DONTNEED)

    def first_hole(self) -> int:
        """Give the offset of the first byte that was never written (a hole), or the file's size when there is none."""
        try:
            return os.lseek(self._descriptor, 0, os.SEEK_HOLE)
        except OSError:
            return self.status().st_size

    def has_data_from(self, offset: int) -> bool:
        """Say whether any byte at or after ``offset`` was ever written (False: a hole up to the end)."""
        try:
            os.lseek(self._descriptor, offset, os.SEEK_DATA)
        except OSError as error:
            return error.errno != 6  # ENXIO: no data up to the end
        return True

    def is_open_for_writing(self) -> bool:
        """Ask the kernel whether somebody has the file open for writing; no where it doesn't say.

        It grants a read lease (fcntl(2), F_SETLEASE) only while nobody has, to the file's owner or with CAP_LEASE, on
        local file systems. The lease is given back at once. Who opens the file for writing just then waits for that,
        and we get the signal: one that means nothing, instead of SIGIO, which ends a process.
        """
        try:
            fcntl.fcntl(self._descriptor, fcntl.F_SETSIG, signal.SIGURG)
            fcntl.fcntl(self._descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        except OSError as error:
            return error.errno == errno.EAGAIN
        fcntl.fcntl(self._descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        return False

    def close(self) -> None:
        """Close the descriptor, once, if it is owned."""
        if not self.closed and self._owns:
            os.close(self._descriptor)
        super().close()


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedFile:
    """An open file of a root: its raw stream, its base name, and its folder for asking what else has a name there."""

    raw: NamelessFile
    name: bytes
    folder_descriptor: int

    def look(self) -> Look:
        """Stat the open file as a Look."""
        return look_of(self.raw.status())

    def has_sibling(self, name: bytes) -> bool:
        """Say whether the folder has an entry of this name; nothing is opened."""
        try:
            os.stat(name, dir_fd=self.folder_descriptor, follow_symlinks=False)
        except (OSError, ValueError):
            return False
        return True


def look_of(status: os.stat_result) -> Look:
    """Turn a stat result into the Look that is compared before and after a read."""
    return Look(
        size_bytes=signed64(status.st_size),
        mtime_ns=signed64(status.st_mtime_ns),
        ctime_ns=signed64(status.st_ctime_ns),
        inode=wrapped64(status.st_ino),
    )


@contextmanager
def opened_root(root: bytes) -> Iterator[int]:
    """Give the descriptor of a root; the root itself may be reached through a link, nothing below it may."""
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def opened_beneath(root_fd: int, path: bytes) -> Iterator[OpenedFile]:
    """Open component by component from the root's descriptor; everything is closed at the end of the block."""
    *folders, name = _components(path)
    folder = os.dup(root_fd)
    try:
        for part in folders:
            folder = _step_down(folder, part)
        raw = NamelessFile(_open_file(folder, name))
        try:
            yield OpenedFile(raw=raw, name=name, folder_descriptor=folder)
        finally:
            raw.close()
    finally:
        os.close(folder)


def _components(path: bytes) -> list[bytes]:
    parts = path.split(b"/")
    if any(part in (b"", b".", b"..") for part in parts) or b"\0" in path:
        raise NotAPlainFileError(22, "not a path inside the root", path)
    return parts


def _step_down(folder: int, part: bytes) -> int:
    """Open a folder in a folder and close the upper one; when it fails the upper one stays the caller's to close."""
    try:
        below = os.open(part, _DIRECTORY_FLAGS, dir_fd=folder)
    except OSError as error:
        raise _explained(error, part, folder) from error
    os.close(folder)
    return below


def _open_file(folder: int, name: bytes) -> int:
    try:
        descriptor = os.open(name, _FILE_FLAGS, dir_fd=folder)
    except OSError as error:
        raise _explained(error, name, folder) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotAPlainFileError(22, "not a plain file", name)
    return descriptor


def _explained(error: OSError, name: bytes, folder: int) -> OSError:
    """Turn the errors by which links and special files show (ELOOP, ENOTDIR, ENXIO) into NotAPlainFileError."""
    try:
        mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    except OSError:
        return error
    if stat.S_ISLNK(mode):
        return NotAPlainFileError(error.errno, "a symbolic link", name)
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return error
    return NotAPlainFileError(error.errno, "not a plain file", name)
