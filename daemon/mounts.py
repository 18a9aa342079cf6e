"""Which file system a folder lies on, and whether the kernel can tell what happens there."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

#: Other machines write there, and this one's kernel hears nothing of it. FUSE is a guess on the safe side.
_POLLED = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "virtiofs", "vboxsf", "afs", "ceph", "lustre", "gpfs", "beegfs"}
    | {"glusterfs", "ocfs2", "gfs2", "ncpfs", "coda"}
)
#: In these a folder's number of links is two and the folders in it, mount points among them (two and no more: ext4 says
#: one where it stops to count). Not so in btrfs, on an overlay or over a network.
_COUNT_FOLDERS = frozenset({"ext2", "ext3", "ext4", "xfs", "tmpfs"})
_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A line of mountinfo: where it is mounted, the type of file system, its source, and its number (``st_dev``)."""

    mount_point: str
    file_system: str
    source: str
    device: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsDecision:
    """Whether a root is watched by events, and why, for people."""

    is_native: bool
    reason: str


def read_mounts() -> str:
    """Read the mounts as this process sees them."""
    return Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")


def mount_of(path: Path, mountinfo: str) -> Mount | None:
    """Find the mount that a path lies on; the innermost counts, and of two on one place the later."""
    real = os.path.realpath(path)
    found: Mount | None = None
    for line in mountinfo.splitlines():
        mount = _parse(line)
        if mount is None or not _is_at_or_below(real, mount.mount_point):
            continue
        if found is None or len(mount.mount_point) >= len(found.mount_point):
            found = mount
    return found


def devices_that_count_folders(mountinfo: str) -> frozenset[int]:
    """Give the ``st_dev`` of mounted file systems where a folder with two links (``st_nlink``) holds no folder."""
    mounts = [mount for line in mountinfo.splitlines() if (mount := _parse(line)) is not None]
    others = {mount.device for mount in mounts if mount.file_system not in _COUNT_FOLDERS}
    return frozenset(mount.device for mount in mounts) - others


def is_polled_file_system(file_system: str) -> bool:
    """Tell whether events of a file system can't be relied on."""
    return file_system in _POLLED or file_system == "fuse" or file_system.startswith(("fuse.", "fuseblk"))


def decide_events(setting: Literal["auto", "native", "polling"], mount: Mount | None) -> EventsDecision:
    """Decide between events and polling, with the reason that `status` shows."""
    match setting:
        case "native":
            return EventsDecision(is_native=True, reason="events: native")
        case "polling":
            return EventsDecision(is_native=False, reason="events: polling")
        case "auto":
            if mount is None:
                return EventsDecision(is_native=True, reason="its file system is not known")
            if is_polled_file_system(mount.file_system):
                return EventsDecision(
                    is_native=False, reason=f"{mount.file_system} tells nothing of what other machines write"
                )
            return EventsDecision(is_native=True, reason=f"{mount.file_system} is local")


def _parse(line: str) -> Mount | None:
    """Read one line: ID PARENT MAJOR:MINOR ROOT MOUNTPOINT OPTIONS [OPTIONAL...] - TYPE SOURCE SUPER-OPTIONS."""
    before, separator, after = line.partition(" - ")
    fields, rest = before.split(" "), after.split(" ")
    major, _, minor = fields[2].partition(":") if len(fields) >= 5 else ("", "", "")
    if not separator or len(rest) < 2 or not (major.isdecimal() and minor.isdecimal()):
        return None
    return Mount(
        mount_point=_unescape(fields[4]),
        file_system=rest[0],
        source=_unescape(rest[1]),
        device=os.makedev(int(major), int(minor)),
    )


def _unescape(text: str) -> str:
    return _OCTAL.sub(lambda match: chr(int(match.group(1), 8)), text)


def _is_at_or_below(path: str, folder: str) -> bool:
    return folder == "/" or path == folder or path.startswith(folder + "/")
