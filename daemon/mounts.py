"""What a file system can tell: whether the kernel hears of all that happens there, and how folders count links."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from config.mount_table import Mount

#: Other machines write there, and this one's kernel hears nothing of it. FUSE is a guess on the safe side.
_POLLED = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "virtiofs", "vboxsf", "afs", "ceph", "lustre", "gpfs", "beegfs"}
    | {"glusterfs", "ocfs2", "gfs2", "ncpfs", "coda"}
)
#: In these a folder's number of links is two and the folders in it, mount points among them (two and no more: ext4 says
#: one where it stops to count). Not so in btrfs, on an overlay or over a network.
_COUNT_FOLDERS = frozenset({"ext2", "ext3", "ext4", "xfs", "tmpfs"})


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsDecision:
    """Whether a root is watched by events, and why, for people."""

    is_native: bool
    reason: str


def devices_that_count_folders(mounts: Collection[Mount]) -> frozenset[int]:
    """Give the ``st_dev`` of mounted file systems where a folder with two links (``st_nlink``) holds no folder."""
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
