"""Recognises a root: is this the directory, on the disk, that was seen before? A root that is gone is not empty."""

import os
from collections.abc import Mapping

from config.mount_table import mount_of, read_mounts

SAMPLE_AT_MOST = 20
#: When all of these are the same, so is the directory; else the known files decide.
_TELLING = ("inode", "file_system", "source", "file_system_id")


def identity_of(root_fd: int, path: bytes, sample: tuple[bytes, ...] = ()) -> dict[str, object]:
    """Describe an open root: file system, its source and id, inode, and some files known to lie there (hex).

    Two disks that are mounted at the same place in turn may differ in nothing but the id of their file systems: the
    top of each ext4 is inode 2. The id of some (xfs) changes at reboot; then the known files tell.
    """
    mount = mount_of(os.path.realpath(path), read_mounts())
    return {
        "file_system": "" if mount is None else mount.file_system,
        "source": "" if mount is None else mount.source.decode("utf-8", "backslashreplace"),
        "inode": os.fstat(root_fd).st_ino,
        "file_system_id": f"{os.fstatvfs(root_fd).f_fsid:x}",
        "sample": [known.hex() for known in sample],
    }


def mount_points(path: bytes) -> frozenset[bytes]:
    """Give the folders below an absolute path at which something is mounted, relative to it."""
    above = path.rstrip(b"/") + b"/"
    points = (mount.point for mount in read_mounts())
    return frozenset(point[len(above) :] for point in points if point.startswith(above) and point != above)


def is_same(known: Mapping[str, object], now: Mapping[str, object]) -> bool:
    """Tell whether nothing differs by which a directory and its disk are told apart."""
    return all(known.get(key) == now[key] for key in _TELLING)


def why_another(root_fd: int, known: Mapping[str, object] | None, now: Mapping[str, object]) -> tuple[str, bool] | None:
    """Say why an open root is not the one that is known, or None when it is (or none is known yet).

    The second value is True when it is empty: then it is most likely a disk that is not mounted.
    The file system's source may change its name; a directory with the same inode or the known files in it is the same.
    """
    if not known or "inode" not in known:
        return None
    if is_same(known, now) or _has_known_files(root_fd, known):
        return None
    if not os.listdir(root_fd):
        return "the folder is empty and is not the one seen before; is its disk mounted?", True
    return (
        "the folder is not the one seen before, and the files known there are not in it;"
        " `coverslip root accept` says that it was replaced"
    ), False


def is_same_disk(folder_fd: int, known: Mapping[str, object], now: Mapping[str, object]) -> bool:
    """Tell whether an open folder is a known one that is mounted at another place now.

    Its source may have another name since (a stick that was plugged in again), but for where the file system has no id.
    """
    telling = [key for key in _TELLING if key != "source" or set(str(now["file_system_id"])) == {"0"}]
    return all(known.get(key) == now[key] for key in telling) and _has_known_files(folder_fd, known)


def _has_known_files(root_fd: int, known: Mapping[str, object]) -> bool:
    """Tell whether half of the known files are there, or none are known."""
    sample = known.get("sample")
    names = [bytes.fromhex(str(one)) for one in sample] if isinstance(sample, list) else []
    return not names or 2 * sum(_is_there(root_fd, name) for name in names) >= len(names)


def _is_there(root_fd: int, path: bytes) -> bool:
    try:
        os.stat(path, dir_fd=root_fd, follow_symlinks=False)
    except OSError:
        return False
    return True
