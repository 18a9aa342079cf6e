"""A larger picture is drawn in a bounded process: what breaks it down is a sentence, and it writes nowhere."""

import os
from pathlib import Path

import pytest
from PIL import Image as Picture

from daemon.drawing import read_apart
from daemon.errors import Failed
from ingest.work import Look, Member, Outcome, ReadTask


def _task(root: Path, name: str, *, size_px: int = 512) -> ReadTask:
    found = (root / name).stat()
    look = Look(size_bytes=found.st_size, mtime_ns=found.st_mtime_ns, ctime_ns=found.st_ctime_ns, inode=found.st_ino)
    return ReadTask(
        fileset_id=0,
        claim=0,
        digest=b"",
        root=os.fsencode(root),
        members=(Member(path=os.fsencode(name), look=look),),
        hasher="xxh3-128",
        hash_now_bytes=-1,
        thumbnail_px=size_px,
        projection="middle",
        associated_images="keep",
    )


def test_a_picture_comes_from_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Picture.new("RGB", (700, 500), (200, 30, 30)).save(tmp_path / "x.png")
    (tmp_path / "numpy.py").write_text("raise SystemExit('a module from the current folder')\n")
    monkeypatch.chdir(tmp_path)
    result = read_apart(_task(tmp_path, "x.png"))
    assert result.outcome is Outcome.READ
    assert (result.thumbnails[0].width_px, result.thumbnails[0].height_px) == (512, 366)


def test_a_process_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    Picture.new("RGB", (70, 50)).save(tmp_path / "x.png")
    with pytest.raises(Failed, match="took longer"):
        read_apart(_task(tmp_path, "x.png"), patience_s=0.01)


def test_a_process_that_breaks_down_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Picture.new("RGB", (70, 50)).save(tmp_path / "x.png")
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(Failed, match="broke down"):
        read_apart(_task(tmp_path, "x.png"))
