"""Files that commands write never replace anything, follow no link, and stay out of watched folders."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.errors import Failed
from daemon.files import chosen_file, safe_name, write_new


def test_a_new_file_is_written_whole(tmp_path: Path) -> None:
    write_new(tmp_path / "a.png", b"picture")
    assert (tmp_path / "a.png").read_bytes() == b"picture"


def test_an_existing_file_is_refused_and_stays(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"mine")
    with pytest.raises(Failed, match="already"):
        write_new(tmp_path / "a.png", b"picture")
    assert (tmp_path / "a.png").read_bytes() == b"mine"


@pytest.mark.parametrize("target", ["there", "nowhere"])
def test_a_link_is_never_followed(tmp_path: Path, target: str) -> None:
    (tmp_path / "there").write_bytes(b"mine")
    (tmp_path / "link").symlink_to(tmp_path / target)
    with pytest.raises(Failed):
        write_new(tmp_path / "link", b"picture")
    assert (tmp_path / "there").read_bytes() == b"mine"
    assert not (tmp_path / "nowhere").exists()


def test_nothing_is_written_below_a_watched_folder_also_through_a_link(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "deep").mkdir(parents=True)
    (tmp_path / "door").symlink_to(root / "deep")
    for path in (root / "x.png", root / "deep/x.png", tmp_path / "door/x.png"):
        with pytest.raises(Failed, match="watched"):
            write_new(path, b"picture", watched=[root])
    assert not list(root.rglob("*.png"))


def test_a_missing_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="No such file"):
        write_new(tmp_path / "none/x.png", b"")


def test_a_folder_as_target_gets_a_safe_name(tmp_path: Path) -> None:
    assert chosen_file(tmp_path, "../../etc/passwd\x1b") == tmp_path / "etc-passwd"
    assert chosen_file(tmp_path / "x.png", "other") == tmp_path / "x.png"


@given(st.text())
def test_names_are_from_a_whitelist_and_never_hidden(text: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}", safe_name(text))
