"""Which file system, and whether its events can be relied on."""

import os
from pathlib import Path
from typing import Literal

import pytest

from daemon.mounts import (
    decide_events,
    devices_that_count_folders,
    is_polled_file_system,
    mount_of,
    read_mounts,
)

MOUNTS = r"""22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:40 / /data rw,relatime shared:2 master:1 - nfs4 server:/export rw,vers=4.2
31 30 8:2 / /data/local rw - xfs /dev/sdb1 rw
32 22 0:41 / /with\040space rw - cifs //server/share\040x rw
33 22 0:42 / /twice rw - ext4 /dev/sdc1 rw
34 22 0:43 / /twice rw - fuse.sshfs host: rw
nonsense
"""


@pytest.mark.parametrize(
    ("path", "file_system"),
    [
        ("/", "ext4"),
        ("/database", "ext4"),
        ("/data", "nfs4"),
        ("/data/x", "nfs4"),
        ("/data/local/x", "xfs"),
        ("/with space/y", "cifs"),
        ("/twice/z", "fuse.sshfs"),
    ],
)
def test_the_innermost_and_latest_mount_counts(path: str, file_system: str) -> None:
    mount = mount_of(Path(path), MOUNTS)
    assert mount is not None
    assert mount.file_system == file_system


@pytest.mark.parametrize(
    ("setting", "path", "is_native"),
    [
        ("auto", "/data", False),
        ("auto", "/data/local", True),
        ("native", "/data", True),
        ("polling", "/data/local", False),
        ("auto", "/with space", False),
    ],
)
def test_auto_reads_the_mount(setting: Literal["auto", "native", "polling"], path: str, is_native: bool) -> None:
    decision = decide_events(setting, mount_of(Path(path), MOUNTS))
    assert decision.is_native is is_native
    assert decision.reason


@pytest.mark.parametrize("name", ["nfs", "nfs4", "cifs", "smb3", "9p", "fuse", "fuse.sshfs", "fuseblk"])
def test_file_systems_of_other_machines_are_polled(name: str) -> None:
    assert is_polled_file_system(name)


def test_local_file_systems_are_not_polled() -> None:
    assert not any(map(is_polled_file_system, ("ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay")))


def test_the_real_table_is_understood(tmp_path: Path) -> None:
    assert mount_of(tmp_path, read_mounts()) is not None


def test_folders_are_counted_where_the_file_system_is_known_to_do_so() -> None:
    counting = devices_that_count_folders(MOUNTS)
    assert counting == {os.makedev(8, 1), os.makedev(8, 2), os.makedev(0, 42)}, "ext4 and xfs: no network, no FUSE"


def test_a_number_that_two_types_claim_counts_nothing() -> None:
    both = MOUNTS + "40 22 8:1 / /cover rw - overlay overlay rw\n"
    assert os.makedev(8, 1) not in devices_that_count_folders(both)


def test_numbers_of_links_are_what_is_said_of_them_here(tmp_path: Path) -> None:
    """Of the file system that the tests run on, if it is one of those."""
    (tmp_path / "leaf").mkdir()
    (tmp_path / "leaf/file").touch()
    if tmp_path.stat().st_dev not in devices_that_count_folders(read_mounts()):
        pytest.skip("the tests run on another file system")
    assert (tmp_path / "leaf").stat().st_nlink == 2
    assert tmp_path.stat().st_nlink == 3
