"""The demo, shortened: it tells its whole story, ends by itself, and leaves nothing behind when it is stopped."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image as Picture

from tests.helpers.program import PATIENCE_S, wait_until

DEMO = Path(__file__).parents[2] / "tools/demo.py"


def _command(here: Path, *arguments: str | Path) -> list[str]:
    return [sys.executable, str(DEMO), "--quick", "--here", str(here), *map(str, arguments)]


def _run(here: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    # Without a home and with a narrow terminal: neither is needed.
    environ = {key: value for key, value in os.environ.items() if key != "HOME"} | {"COLUMNS": "20"}
    return subprocess.run(
        _command(here, *arguments), env=environ, capture_output=True, text=True, timeout=2 * PATIENCE_S, check=False
    )


def _processes_in(folder: Path) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and (entry / "cwd").readlink().is_relative_to(folder):
                found.append(int(entry.name))
        except OSError:
            continue  # it ended meanwhile, or is another's
    return found


def test_the_demo_tells_its_story_and_then_looks_at_its_own_pictures(tmp_path: Path) -> None:
    here = tmp_path / "a: demo #1 of 'mine'"
    played = _run(here)
    assert played.returncode == 0, played.stdout + played.stderr
    told = played.stdout
    assert "settling" in told or "importing" in told
    for line in ("translocation", "ben         0 images", "jane        4 images   in mitosis", "charles    18 images"):
        assert line in told, told
    assert "matched by rule confocal#1" in told
    assert "held: 'grace' is not a user here" in told
    assert "quarantined: incomplete" in told
    sheets = sorted((here / "pictures").iterdir())
    assert len(sheets) == 4
    for sheet in sheets:
        with Picture.open(sheet) as picture:
            assert min(picture.size) > 300
            assert len(picture.convert("RGB").getcolors(1 << 24) or ()) > 1000
    assert not _processes_in(here)

    own = tmp_path / "own"
    (here / "microscope/confocal/darwin-lab").rename(own)
    before = sorted(own.rglob("*"))
    looked = _run(here, "--dir", own)  # in the same place again: what the first demo made goes
    assert looked.returncode == 0, looked.stdout + looked.stderr
    assert "finches" in looked.stdout
    assert "quarantined" in looked.stdout
    assert sorted(own.rglob("*")) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [here.name, "own"]


def test_a_demo_that_is_stopped_ends_its_daemon(tmp_path: Path) -> None:
    here = tmp_path / "demo"
    output = tmp_path / "output"
    with output.open("wb") as out:
        demo = subprocess.Popen(_command(here), stdout=out, stderr=out, cwd=tmp_path)
    # Said when the daemon runs; before, there may be nothing yet that has to be ended.
    wait_until(lambda: "the daemon watches" in output.read_text())
    assert _processes_in(here)
    demo.send_signal(signal.SIGINT)
    assert demo.wait(PATIENCE_S) == 1
    assert "Traceback" not in output.read_text()
    assert "stopped; what it made is in" in output.read_text()
    assert not _processes_in(here)


def test_a_folder_that_the_demo_can_not_look_at_gets_a_sentence(tmp_path: Path) -> None:
    here, empty = tmp_path / "demo", tmp_path / "empty"
    empty.mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "mine").mkdir()
    for folder, words in (
        (tmp_path / "nowhere", "No such file"),
        (tmp_path / "file", "Not a directory"),
        (empty, "is empty"),
        (tmp_path, "lie in each other"),
        (Path("/"), "lie in each other"),
    ):
        refused = _run(here, "--dir", folder)
        assert refused.returncode == 1
        assert words in refused.stderr
        assert len(refused.stderr.splitlines()) == 1
    assert not here.exists()
    kept = _run(tmp_path / "mine")
    assert "was not made by the demo" in kept.stderr
    assert list((tmp_path / "mine").iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read every folder")
def test_a_folder_that_can_not_be_read_gets_a_sentence(tmp_path: Path) -> None:
    shut = tmp_path / "shut"
    shut.mkdir(mode=0)
    assert "Permission denied" in _run(tmp_path / "demo", "--dir", shut).stderr
