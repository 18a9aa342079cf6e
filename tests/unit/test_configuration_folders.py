# ruff: noqa: E501 - tables of inputs and their whole messages
"""Roots keep apart from each other and from the state directory, whatever they are called."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.folders import contains, is_same, look_at
from config.mount_table import Mount
from tests.helpers.configurations import problems_of, write

HINT = "(each file may lie below one root only; keep one of the two, with rules for both)"
WRITING = "(nothing is ever written below a root; choose another state_dir)"


def mounted(device: tuple[int, int], *, root: bytes, point: bytes) -> Mount:
    return Mount(device=os.makedev(*device), root=root, point=point, file_system="ext4", source=b"disk")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("watch: [{root: a}, {root: a/../a, name: b}]", "f:1:27: root: {folder}/a is the same folder as the root {folder}/a (f:1:9) " + HINT),
        ("watch: [{root: a}, {root: link}]", "f:1:27: root: {folder}/link is the same folder as the root {folder}/a (f:1:9) " + HINT),
        ("watch: [{root: a}, {root: a/in}]", "f:1:27: root: {folder}/a/in lies inside the root {folder}/a (f:1:9) " + HINT),
        ("watch: [{root: link/in}, {root: a}]", "f:1:33: root: {folder}/a contains the root {folder}/link/in (f:1:9) " + HINT),
        ("watch: [{root: gone/in}, {root: gone}]", "f:1:33: root: {folder}/gone contains the root {folder}/gone/in (f:1:9) " + HINT),
        ("watch: [{root: a}, {root: b/a}]", "f:1:20: name: another root, in f:1:9, is called 'a' too (give one of them a name: of its own)"),
        ("watch: [{root: file}]", "f:1:16: root: {folder}/file is not a folder (name the folder that holds the files)"),
        ("watch: [{root: gone}]", "f:1:16: root: there is no folder {folder}/gone (is the disk or share mounted?)"),
        ("state_dir: a/state\nwatch: [{root: link}]", "f:2:16: root: state_dir ({folder}/a/state) lies inside this root " + WRITING),
        ("state_dir: a\nwatch: [{root: a}]", "f:2:16: root: state_dir ({folder}/a) lies inside this root " + WRITING),
        ("state_dir: .\nwatch: [{root: a}]", "f:2:16: root: this root lies inside state_dir ({folder}) (choose another state_dir)"),
    ],
)  # fmt: skip
def test_folders_that_overlap_are_named_with_both_places(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "a" / "in").mkdir(parents=True)
    (tmp_path / "b" / "a").mkdir(parents=True)
    (tmp_path / "link").symlink_to("a")
    (tmp_path / "file").touch()
    found = problems_of(tmp_path, text, has_to_have_roots=True)
    assert problem in found
    assert all("there is no folder" in other for other in found if other != problem)


def test_neighbours_with_a_common_beginning_are_apart(tmp_path: Path) -> None:
    for name in ("data", "data2"):
        (tmp_path / name).mkdir()
    assert problems_of(tmp_path, "state_dir: data3\nwatch: [{root: data}, {root: data2}]", has_to_have_roots=True) == []


@pytest.mark.parametrize(
    ("second", "relation"),
    [("/mnt/whole", "same"), ("/mnt/sub", "inside"), ("/mnt/sub/deeper", "inside"), ("/mnt/other", "apart"), ("/mnt/up", "around")],
)  # fmt: skip
def test_bind_mounts_are_seen_through_by_the_mount_table(second: str, relation: str) -> None:
    """The paths do not exist here: only the table tells."""
    mounts = (
        mounted((0, 1), root=b"/", point=b"/"),
        mounted((8, 1), root=b"/", point=b"/data-that-is-not-here"),
        mounted((8, 1), root=b"/confocal", point=b"/mnt/whole"),
        mounted((8, 1), root=b"/confocal/smith", point=b"/mnt/sub"),
        mounted((8, 1), root=b"/confocal2", point=b"/mnt/other"),
        mounted((8, 1), root=b"/", point=b"/mnt/up"),
    )
    outer = look_at(Path("/data-that-is-not-here/confocal"), mounts)
    inner = look_at(Path(second), mounts)
    found = "same" if is_same(outer, inner) else "inside" if contains(outer, inner) else "apart"
    found = "around" if contains(inner, outer) and found == "apart" else found
    assert found == relation


def test_a_mount_below_a_mount_hides_what_is_under_it() -> None:
    mounts = (
        mounted((8, 1), root=b"/", point=b"/not-here"),
        mounted((8, 2), root=b"/", point=b"/not-here/inner"),
    )
    outer = look_at(Path("/not-here"), mounts)
    assert contains(outer, look_at(Path("/not-here/inner/x"), mounts))
    assert look_at(Path("/not-here/inner/x"), mounts).within == (os.makedev(8, 2), "/x")


@pytest.mark.needs_root
@pytest.mark.parametrize(
    ("bound", "message"),
    [("a", "is the same folder as the root"), ("a/in", "lies inside the root"), (".", "contains the root")],
)
def test_real_bind_mounts_are_seen_through(tmp_path: Path, bound: str, message: str) -> None:
    (tmp_path / "f" / "a" / "in").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    write(tmp_path, "state_dir: /nowhere/s\nwatch: [{root: f/a}, {root: other}]\n")
    report = (
        "import sys; from pathlib import Path; from config.loader import examine\n"
        "print(*examine(Path(sys.argv[1]), environ={}).problems, sep='\\n')"
    )
    source = tmp_path / "f" / bound
    script = 'mount --bind "$1" "$2" || exit 77; exec "$3" -c "$4" "$5"'
    arguments = [source, tmp_path / "other", sys.executable, report, tmp_path / "coverslip.yaml"]
    ran = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    if os.geteuid() != 0 or ran.returncode == 77 or "unshare" in ran.stderr:
        pytest.skip(f"NOT TESTED: bind mounts need root and a mount namespace: {ran.stderr.strip()}")
    assert ran.returncode == 0, ran.stderr
    assert message in ran.stdout
