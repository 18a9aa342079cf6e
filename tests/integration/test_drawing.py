"""A larger picture is drawn in a bounded process: what breaks it down is a sentence, and it writes nowhere."""

import os
from pathlib import Path

import pytest
from PIL import Image as Picture

from catalog.records import ImageRecord
from daemon.drawing import draw_apart
from daemon.errors import Failed
from ingest.pixels import DrawTask, PixelSource
from ingest.work import Look, Member


def _task(root: Path, name: str, *, size_px: int = 512) -> DrawTask:
    found = (root / name).stat()
    look = Look(size_bytes=found.st_size, mtime_ns=found.st_mtime_ns, ctime_ns=found.st_ctime_ns, inode=found.st_ino)
    record = ImageRecord(
        series=0, size_x=700, size_y=500, size_z=1, size_c=3, size_t=1, pixels_type="uint8", is_rgb=True
    )  # fmt: skip
    source = PixelSource(
        root=os.fsencode(root),
        grouping="file",
        is_by_names=False,
        record=record,
        members=(Member(path=os.fsencode(name), look=look),),
    )
    return DrawTask(source=source, size_px=size_px, projection="middle")


def test_a_picture_comes_from_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Picture.new("RGB", (700, 500), (200, 30, 30)).save(tmp_path / "x.png")
    (tmp_path / "numpy.py").write_text("raise SystemExit('a module from the current folder')\n")
    monkeypatch.chdir(tmp_path)
    result = draw_apart(_task(tmp_path, "x.png"))
    assert (result.width_px, result.height_px) == (512, 366)


def test_a_file_that_changed_since_it_was_seen_is_a_sentence(tmp_path: Path) -> None:
    Picture.new("RGB", (70, 50)).save(tmp_path / "x.png")
    task = _task(tmp_path, "x.png")
    Picture.new("RGB", (71, 50)).save(tmp_path / "x.png")
    with pytest.raises(Failed, match="the file changed before it was read"):
        draw_apart(task)


def test_a_process_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    Picture.new("RGB", (70, 50)).save(tmp_path / "x.png")
    with pytest.raises(Failed, match="took longer"):
        draw_apart(_task(tmp_path, "x.png"), patience_s=0.01)


def test_a_process_that_breaks_down_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Picture.new("RGB", (70, 50)).save(tmp_path / "x.png")
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(Failed, match="broke down"):
        draw_apart(_task(tmp_path, "x.png"))
