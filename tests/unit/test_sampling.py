"""The look at a tree's names: every part in turn, within a budget, through no link, and opening no file."""

import os
from pathlib import Path

import pytest

from ingest.sampling import DEEPEST, Budget, sample_of
from tests.helpers.pictures import put


def names(sample_files: tuple[bytes, ...]) -> list[str]:
    return [os.fsdecode(path) for path in sample_files]


def test_all_of_a_small_tree_is_seen_with_names_of_any_bytes(tmp_path: Path) -> None:
    for name in ("a/b/c.tif", "a/d.tif", "e.png"):
        put(tmp_path / name, b"")
    os.close(os.open(os.fsencode(tmp_path) + b"/odd\xff\n.tif", os.O_CREAT))
    sample = sample_of(tmp_path)
    assert sample.files == (b"a/b/c.tif", b"a/d.tif", b"e.png", b"odd\xff\n.tif")
    assert (sample.folders, sample.folders_left, sample.is_whole) == (3, 0, True)


def test_what_roots_ignore_is_not_seen_and_a_zarr_is_one_thing(tmp_path: Path) -> None:
    for name in (".hidden/a.tif", "Thumbs.db", "x.tmp", "image.zarr/0/0", "@eaDir/a.tif", "seen.tif"):
        put(tmp_path / name, b"")
    assert names(sample_of(tmp_path).files) == ["image.zarr", "seen.tif"]


def test_no_link_is_followed_and_nothing_is_opened(tmp_path: Path) -> None:
    outside = put(tmp_path / "outside/secret.tif", b"").parent
    root = tmp_path / "root"
    root.mkdir()
    (root / "folder").symlink_to(outside)
    (root / "file.tif").symlink_to(outside / "secret.tif")
    os.mkfifo(root / "pipe.tif")  # opening it would wait for ever
    closed = put(root / "closed.tif", b"")
    closed.chmod(0)
    before = {path: path.lstat().st_atime_ns for path in root.iterdir()}
    assert names(sample_of(root).files) == ["closed.tif"]
    assert {path: path.lstat().st_atime_ns for path in root.iterdir()} == before


def test_a_budget_gives_each_part_its_share(tmp_path: Path) -> None:
    for top in ("large", "small"):
        for folder in range(30 if top == "large" else 3):
            for file in range(4):
                put(tmp_path / top / f"d{folder:02}" / f"{file}.tif", b"")
    sample = sample_of(tmp_path, Budget(files=20))
    tops = [name.split("/")[0] for name in names(sample.files)]
    assert tops.count("small") == 12
    assert 8 <= tops.count("large") <= 12
    assert not sample.is_whole
    assert sample.folders_left > 20


def test_large_folders_are_cut_and_said_to_be(tmp_path: Path) -> None:
    for file in range(30):
        put(tmp_path / f"{file:02}.tif", b"")
    few = sample_of(tmp_path, Budget(files_of_a_folder=10))
    assert (len(few.files), few.is_whole) == (10, False)
    fewer = sample_of(tmp_path, Budget(names_of_a_folder=5))
    assert (len(fewer.files), fewer.is_whole) == (5, False)


def test_a_deep_tree_ends(tmp_path: Path) -> None:
    deep = tmp_path / "/".join(["d"] * (DEEPEST + 5))
    put(deep / "x.tif", b"")
    sample = sample_of(tmp_path)
    assert (sample.files, sample.is_whole) == ((), False)


def test_time_that_is_up_ends_the_look(tmp_path: Path) -> None:
    class Hurried:
        at = 0.0

        def monotonic(self) -> float:
            self.at += 1.0
            return self.at

    for folder in range(20):
        put(tmp_path / f"d{folder}" / "x.tif", b"")
    sample = sample_of(tmp_path, Budget(seconds=5.0), clock=Hurried())  # type: ignore[arg-type] # only asked for seconds
    assert 0 < sample.folders < 8
    assert not sample.is_whole


def test_a_folder_that_may_not_be_read_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "closed/a.tif", b"")
    put(tmp_path / "open/b.tif", b"")
    allowed = os.open

    def refusing(path: object, *arguments: object, **more: object) -> int:
        if path == b"closed":
            raise PermissionError(13, "Permission denied")
        return allowed(path, *arguments, **more)  # type: ignore[arg-type] # whatever os.open takes

    monkeypatch.setattr(os, "open", refusing)
    sample = sample_of(tmp_path)
    assert (sample.files, sample.unreadable) == ((b"open/b.tif",), (b"closed",))
