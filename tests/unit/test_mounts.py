"""Which file system, and whether its events can be relied on."""

import os
from pathlib import Path
from typing import Literal

import pytest

from config import mount_table
from config.mount_table import Mount, mount_of, parse_mounts, read_mounts
from daemon.mounts import decide_events, devices_that_count_folders, is_polled_file_system
from ingest import identity

TABLE = rb"""22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:40 / /data rw,relatime shared:2 master:1 - nfs4 server:/export rw,vers=4.2
31 30 8:2 / /data/local rw - xfs /dev/sdb1 rw
32 22 0:41 / /with\040space rw - cifs //server/share\040x rw
33 22 0:42 / /twice rw - ext4 /dev/sdc1 rw
34 22 0:43 / /twice rw - fuse.sshfs host: rw
nonsense

36 22 x:y / /no-number rw - ext4 /dev/sdd1 rw
37 22 8:9 / /no-type rw -
"""
MOUNTS = parse_mounts(TABLE)


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
    mount = mount_of(os.fsencode(path), MOUNTS)
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
    decision = decide_events(setting, mount_of(os.fsencode(path), MOUNTS))
    assert decision.is_native is is_native
    assert decision.reason


@pytest.mark.parametrize("name", ["nfs", "nfs4", "cifs", "smb3", "9p", "fuse", "fuse.sshfs", "fuseblk"])
def test_file_systems_of_other_machines_are_polled(name: str) -> None:
    assert is_polled_file_system(name)


def test_local_file_systems_are_not_polled() -> None:
    assert not any(map(is_polled_file_system, ("ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay")))


def test_the_real_table_is_understood(tmp_path: Path) -> None:
    assert mount_of(os.fsencode(tmp_path.resolve()), read_mounts()) is not None


def test_folders_are_counted_where_the_file_system_is_known_to_do_so() -> None:
    counting = devices_that_count_folders(MOUNTS)
    assert counting == {os.makedev(8, 1), os.makedev(8, 2), os.makedev(0, 42)}, "ext4 and xfs: no network, no FUSE"


def test_a_number_that_two_types_claim_counts_nothing() -> None:
    both = parse_mounts(TABLE + b"40 22 8:1 / /cover rw - overlay overlay rw\n")
    assert os.makedev(8, 1) not in devices_that_count_folders(both)


def test_numbers_of_links_are_what_is_said_of_them_here(tmp_path: Path) -> None:
    """Of the file system that the tests run on, if it is one of those."""
    (tmp_path / "leaf").mkdir()
    (tmp_path / "leaf/file").touch()
    if tmp_path.stat().st_dev not in devices_that_count_folders(read_mounts()):
        pytest.skip("the tests run on another file system")
    assert (tmp_path / "leaf").stat().st_nlink == 2
    assert tmp_path.stat().st_nlink == 3


def test_a_line_is_read_with_every_byte_of_its_paths() -> None:
    """The kernel writes space, tab, newline and backslash in octal, and all else as it is, other ends of lines too."""
    line = (
        b"30 22 8:17 /a\\040b/\xff /data/\\011x\\012y\\134z\r\x0b\xe2\x80\xa8 rw shared:1 - ext4 /dev/my\\040disk rw\n"
    )
    assert parse_mounts(line) == (
        Mount(
            point=b"/data/\tx\ny\\z\r\x0b\xe2\x80\xa8",
            root=b"/a b/\xff",
            device=os.makedev(8, 17),
            file_system="ext4",
            source=rb"/dev/my\040disk",
        ),
    )


def test_lines_that_are_none_are_left_out_and_the_others_keep_their_order() -> None:
    assert [mount.file_system for mount in MOUNTS] == ["ext4", "nfs4", "xfs", "cifs", "ext4", "fuse.sshfs"]
    assert parse_mounts(b"") == ()


def test_where_the_system_tells_nothing_nothing_is_mounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mount_table, "MOUNT_TABLE", tmp_path / "none")
    assert read_mounts() == ()
    assert mount_of(b"/data", ()) is None


def test_mounts_below_a_folder_are_told_relative_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "read_mounts", lambda: MOUNTS)
    assert identity.mount_points(b"/data") == {b"local"}
    assert identity.mount_points(b"/dat") == set()
    assert identity.mount_points(b"/") == {b"data", b"data/local", b"with space", b"twice"}
