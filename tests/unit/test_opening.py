"""Files are opened beneath the root, links are never followed, and streams have no name."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ingest.one_file import open_stream
from ingest.opening import NotAPlainFileError, opened_beneath
from ingest.readers.tiff_pixels import bytes_at
from ingest.reading import read
from ingest.work import Outcome
from tests.helpers.reads import read_path, task_for


@pytest.fixture
def root(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "inside.tif").write_bytes(b"content")
    descriptor = os.open(tmp_path, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


def content(root: int, path: bytes) -> bytes:
    with opened_beneath(root, path) as opened:
        return opened.raw.read()


def test_a_plain_file_is_opened_and_has_no_name(root: int) -> None:
    assert content(root, b"folder/inside.tif") == b"content"
    with opened_beneath(root, b"folder/inside.tif") as opened:
        assert not hasattr(opened.raw, "name")
        with pytest.raises(OSError, match="fileno"):
            opened.raw.fileno()


def test_a_link_to_a_file_is_not_followed(root: int, tmp_path: Path) -> None:
    (tmp_path / "link.tif").symlink_to("folder/inside.tif")
    with pytest.raises(NotAPlainFileError, match="symbolic link"):
        content(root, b"link.tif")


def test_a_link_to_a_folder_on_the_way_is_not_followed(root: int, tmp_path: Path) -> None:
    (tmp_path / "way").symlink_to("folder")
    with pytest.raises(NotAPlainFileError, match="symbolic link"):
        content(root, b"way/inside.tif")


@pytest.mark.parametrize("path", [b"../x", b"folder/../../x", b"/etc/passwd", b"folder//inside.tif", b"", b"a\0b"])
def test_a_path_that_leaves_the_root_is_refused(root: int, path: bytes) -> None:
    with pytest.raises(NotAPlainFileError, match="inside the root"):
        content(root, path)


def test_a_fifo_does_not_make_it_wait(root: int, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.tif")
    with pytest.raises(NotAPlainFileError, match="plain file"):
        content(root, b"pipe.tif")


def test_names_of_any_bytes_are_opened(root: int, tmp_path: Path) -> None:
    name = b"\xff\n\x1b[31m.tif"
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(b"odd")
    assert content(root, name) == b"odd"


def test_nothing_stays_open_when_opening_fails(root: int, tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for path in (b"folder/absent.tif", b"absent/x.tif", b"folder"):
        with pytest.raises(OSError, match=r"\w"):
            content(root, path)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_file_that_is_not_what_was_looked_at_is_not_settled(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(b"II*\0")
    task = task_for(path)
    path.write_bytes(b"II*\0more")
    result = read(task)
    assert result.outcome is Outcome.ANOTHER
    assert result.reason == "the file changed before it was read"


def test_a_file_that_vanished_is_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(b"x")
    task = task_for(path)
    path.unlink()
    assert read(task).outcome is Outcome.TRANSIENT


def test_a_link_swapped_in_after_the_look_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(b"x")
    task = task_for(path)
    path.unlink()
    path.symlink_to("/etc/passwd")
    result = read(task)
    assert result.outcome is Outcome.ANOTHER
    assert "symbolic link" in (result.reason or "")


def test_an_empty_file_is_not_settled(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.touch()
    result = read_path(path)
    assert (result.outcome, result.reason) == (Outcome.UNSETTLED, "the file is empty")


def test_the_content_of_a_file_is_let_go_when_it_was_read(root: int, tmp_path: Path) -> None:
    (member,) = task_for(tmp_path / "folder" / "inside.tif").members
    member = member._replace(path=b"folder/inside.tif")
    with open_stream(root, member) as small, open_stream(root, member, in_memory_bytes=0) as large:
        assert small.stream.read() == large.stream.read() == b"content"

    assert small.stream.closed
    assert large.stream.closed


def test_a_picture_that_is_still_looked_at_keeps_its_pixels(root: int, tmp_path: Path) -> None:
    (member,) = task_for(tmp_path / "folder" / "inside.tif").members
    with open_stream(root, member._replace(path=b"folder/inside.tif")) as opened:
        pixels = np.frombuffer(bytes_at(opened.stream, 3, 4), np.uint8)

    assert pixels.tobytes() == b"tent"
