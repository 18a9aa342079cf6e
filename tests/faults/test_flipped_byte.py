"""Fault 15: one byte of an original changes on the disk, beneath the file system: no time of any file tells."""

from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import Facility
from tests.helpers.invariants import snapshot
from tests.helpers.mounts import make_ext4, mount_loop, own_mounts, unmount
from tests.helpers.pictures import tiff_bytes

DAY = "smith-lab/ab3c/cells/day1"


def flip_beneath(image: Path, content: bytes) -> None:
    """Flip the last byte of a file's content where it lies in the file system's image."""
    data = bytearray(image.read_bytes())
    place = data.find(content)
    assert place >= 0
    assert data.find(content, place + 1) == -1
    data[place + len(content) - 1] ^= 0x01
    image.write_bytes(data)


@pytest.mark.needs_root
def test_a_byte_that_flips_on_the_disk_is_found_within_the_budget(facility: Facility, tmp_path: Path) -> None:
    disk = make_ext4(tmp_path / "disk.img")
    contents = [tiff_bytes(number) for number in range(20)]
    with own_mounts():
        mount_loop(disk, facility.data)
        for number, content in enumerate(contents):
            path = facility.data / DAY / f"{number}.tif"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        assert facility.json("import")["imported"] == 20
        before = snapshot(facility.data)
        half: Any = facility.json("verify", "--fraction", "1/2")
        assert (half["checked"], half["coverage"], half["damaged"]) == (10, 0.5, [])
        unmount(facility.data)
        flip_beneath(disk, contents[13])
        mount_loop(disk, facility.data)
        after = snapshot(facility.data)
        changed = [path for path in before if before[path] != after[path]]
        # Names, sizes, times and inode numbers are as they were: the content alone tells.
        assert changed == [f"{DAY}/13.tif".encode()]
        assert before[changed[0]].ctime_ns == after[changed[0]].ctime_ns

        done = facility.run("verify", "--budget", "1m", "--json")

        assert done.code == 1
        assert done.json["damaged"] == [str(facility.data / DAY / "13.tif")]
        assert (done.json["checked"], done.json["missing"], done.json["coverage"]) == (20, [], 1.0)
        story = facility.json("why", facility.data / DAY / "13.tif")
        assert (story["state"], story["marks"]) == ("imported", ["damaged"])
        assert [row["what"] for row in story["history"]] == ["imported", "damaged"]
        assert snapshot(facility.data) == after
        assert [one for one in facility.violations() if "13.tif" not in one] == []
