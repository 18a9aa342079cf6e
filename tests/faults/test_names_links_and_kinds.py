"""Fault 10: names of any bytes, links, links swapped in, hard links, FIFOs, sockets and devices."""

import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ingest.pool import InProcessPool
from ingest.reading import read
from ingest.work import ReadResult, ReadTask
from tests.helpers.ingest_site import NoAccounts, Site, write_tiff
from tests.helpers.invariants import snapshot, violations
from tests.helpers.pictures import tiff_bytes

ADA = b"smith-lab/ab3c/p/d"
ODD_NAMES = (
    b"\xff\xfe.tif",
    b"new\nline.tif",
    b"tab\t.tif",
    b"n" * 251 + b".tif",
    "\u00e9".encode() * 125 + b"x.tif",
    b"a.tif",
    b"A.TIF",
    "\u202egnp.tif".encode(),
    "zero\u200bwidth.tif".encode(),
    "e\u0301.tif".encode(),
    "\u00e9.tif".encode(),
    b" lead and trail .tif",
    b"-rf.tif",
    b"a'b\"c;$(reboot)`.tif",
    b"%s{0}\\x00.tif",
    b"\x1b[31mred.tif",
)


def check(site: Site, complete: tuple[bytes, ...]) -> list[str]:
    wanted = [("confocal", path, 1) for path in complete]
    return violations(site.catalogue, {"confocal": site.root}, complete=wanted)


def put(site: Site, path: bytes, number: int = 1) -> Path:
    there = site.root / os.fsdecode(path)
    there.parent.mkdir(parents=True, exist_ok=True)
    there.write_bytes(tiff_bytes(number))
    return there


def test_names_of_any_bytes_round_trip(site: Site) -> None:
    for number, name in enumerate(ODD_NAMES):
        put(site, ADA + b"/" + name, number)
    for folder in (b"bad-\xff", b"new\nline", "\u202eabc".encode()):
        put(site, b"smith-lab/ab3c/" + folder + b"/" + folder + b"/x.tif", 50)
    before = {"confocal": snapshot(site.root)}

    summary = site.import_()

    assert (summary.imported, summary.failed, summary.held) == (len(ODD_NAMES) + 3, 0, 0)
    complete = tuple(path for path in before["confocal"] if path.endswith((b".tif", b".TIF")))
    assert len(complete) == len(ODD_NAMES) + 3
    assert check(site, complete) == []
    assert violations(site.catalogue, {"confocal": site.root}, before=before) == []
    assert site.import_().unchanged == len(complete)


@contextmanager
def deep_folder(root: Path, path: bytes, *, is_made: bool) -> Iterator[int]:
    folder = os.open(root, os.O_RDONLY)
    try:
        for part in path.split(b"/"):
            if is_made:
                os.mkdir(part, dir_fd=folder)
            inner = os.open(part, os.O_RDONLY, dir_fd=folder)
            os.close(folder)
            folder = inner
        yield folder
    finally:
        os.close(folder)


def test_a_path_longer_than_the_kernel_takes_at_once_is_imported(site: Site) -> None:
    depth = b"/".join(
        [b"smith-lab", b"ab3c", b"p"] + [b"%03d" % number + os.urandom(98).hex().encode() for number in range(24)]
    )
    assert len(depth) > 4096
    with (
        deep_folder(site.root, depth, is_made=True) as folder,
        open(os.open(b"x.tif", os.O_WRONLY | os.O_CREAT, dir_fd=folder), "wb") as file,
    ):
        file.write(tiff_bytes())

    assert site.import_().imported == 1

    assert check(site, (depth + b"/x.tif",)) == []
    with deep_folder(site.root, depth, is_made=False) as folder:
        os.unlink(b"x.tif", dir_fd=folder)
    site.import_()
    assert check(site, ()) == []
    assert [state for state, _ in site.sightings().values()] == ["member"]
    _remove_deep(site.root, depth)


def _remove_deep(root: Path, path: bytes) -> None:
    parts = path.split(b"/")
    for count in range(len(parts) - 1, 0, -1):
        with deep_folder(root, b"/".join(parts[:count]), is_made=False) as folder:
            os.rmdir(parts[count], dir_fd=folder)


def test_links_are_ignored_and_what_they_point_to_is_not_read(site: Site, tmp_path: Path) -> None:
    inside = put(site, b"smith-lab/cd4e/p/d/hers.tif", 3)
    outside = tmp_path / "secret"
    (outside / "folder").mkdir(parents=True)
    (outside / "s.tif").write_bytes(tiff_bytes(4))
    (outside / "folder/t.tif").write_bytes(tiff_bytes(5))
    own = put(site, ADA + b"/own.tif", 6)
    folder = own.parent
    for name, target in {
        "in.tif": inside, "relative.tif": Path("../../../cd4e/p/d/hers.tif"), "out.tif": outside / "s.tif",
        "folder": outside / "folder", "up": Path(".."), "loop.tif": Path("loop.tif"), "broken.tif": Path("nowhere"),
    }.items():  # fmt: skip
        (folder / name).symlink_to(target)

    assert site.import_().imported == 2

    assert check(site, (ADA + b"/own.tif", b"smith-lab/cd4e/p/d/hers.tif")) == []
    for name in ("in.tif", "relative.tif", "out.tif", "folder", "up", "loop.tif", "broken.tif"):
        state, reason = site.sightings()[f"{os.fsdecode(ADA)}/{name}"]
        assert (state, "symbolic link" in str(reason)) == ("ignored", True), (name, state, reason)


@pytest.mark.parametrize("what", ["a link to a file", "a link to a folder", "a FIFO", "another file"])
def test_what_is_swapped_in_between_look_and_open_is_not_read(site: Site, tmp_path: Path, what: str) -> None:
    """The file is swapped in the moment before it is opened, for one of the same size and mtime."""
    mine = put(site, ADA + b"/mine.tif", 1)
    secret = tmp_path / "secret/mine.tif"
    secret.parent.mkdir()
    secret.write_bytes(tiff_bytes(2))
    then = mine.stat()
    os.utime(secret, ns=(then.st_atime_ns, then.st_mtime_ns))
    swaps = iter([True])

    def swap(task: ReadTask) -> ReadResult:
        if next(swaps, False):
            _swap(what, mine, secret)
        return read(task)

    site.import_(pool=InProcessPool(read=swap))

    imported = site.rows("SELECT hash FROM original_file")
    if what == "another file":  # a plain file of the same folder: its next look imports it, as what it is
        assert check(site, (ADA + b"/mine.tif",)) == []
        return
    assert imported == []
    site.import_()
    assert site.images() == []
    assert check(site, ()) == []


def _swap(what: str, mine: Path, secret: Path) -> None:
    match what:
        case "a link to a file":
            mine.unlink()
            mine.symlink_to(secret)
        case "a link to a folder":
            mine.parent.rename(secret.parent.parent / "aside")
            mine.parent.symlink_to(secret.parent)
        case "a FIFO":
            mine.unlink()
            os.mkfifo(mine)
        case _:
            secret.rename(mine)


class OneLogin(NoAccounts):
    """A machine on which this process's uid is the login of one person."""

    def login_of(self, uid: int) -> str | None:
        return "cd4e" if uid == os.getuid() else None


def test_a_hard_link_to_another_persons_file_is_held_naming_both(site: Site) -> None:
    hers = put(site, b"smith-lab/cd4e/p/d/hers.tif", 3)
    thief = site.root / "smith-lab/ab3c/p/d/mine.tif"
    thief.parent.mkdir(parents=True)
    os.link(hers, thief)

    assert site.import_(accounts=OneLogin()).held == 1
    state, reason = site.sightings()["smith-lab/ab3c/p/d/mine.tif"]
    assert state == "held"
    assert "ab3c" in str(reason)
    assert "cd4e" in str(reason)
    assert check(site, (b"smith-lab/cd4e/p/d/hers.tif",)) == []
    hers.unlink()  # the link is all that is left: it must not become ab3c's, nor take the image along
    site.import_(accounts=OneLogin())
    assert site.rows("SELECT e.name FROM image i JOIN experimenter e ON e.id = i.owner_id") == [{"name": "cd4e"}]
    assert check(site, ()) == []


def test_fifos_sockets_and_devices_are_ignored_with_their_kind_and_nothing_hangs(site: Site) -> None:
    own = put(site, ADA + b"/own.tif")
    os.mkfifo(own.with_name("pipe.tif"))
    kinds = {"pipe.tif": "pipe", "socket.tif": "socket"}
    with socket.socket(socket.AF_UNIX) as listening:
        here = os.open(own.parent, os.O_RDONLY)
        try:
            listening.bind(f"/proc/self/fd/{here}/socket.tif")
        finally:
            os.close(here)
    if os.geteuid() == 0:
        os.mknod(own.with_name("null.tif"), stat.S_IFCHR | 0o600, os.makedev(1, 3))
        kinds["null.tif"] = "device"

    assert site.import_().imported == 1

    for name, word in kinds.items():
        state, reason = site.sightings()[f"{os.fsdecode(ADA)}/{name}"]
        assert (state, word in str(reason)) == ("ignored", True), (name, reason)
    assert check(site, (ADA + b"/own.tif",)) == []
    own.with_name("null.tif").unlink(missing_ok=True)


def test_a_plain_file_that_was_a_link_is_imported_once_it_is_one(site: Site, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.tif").write_bytes(tiff_bytes(1))
    path = site.root / os.fsdecode(ADA) / "x.tif"
    path.parent.mkdir(parents=True)
    path.symlink_to(tmp_path / "elsewhere.tif")
    assert site.import_().imported == 0
    path.unlink()
    write_tiff(path)
    assert site.import_().imported == 1
    assert check(site, (ADA + b"/x.tif",)) == []
