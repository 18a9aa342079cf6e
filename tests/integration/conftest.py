"""Fixtures of the commands' tests."""

from pathlib import Path

import pytest

from tests.helpers.shell import Shell, configure


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Give a site with people in a catalogue that ``init`` has made, and nothing in it yet."""
    monkeypatch.setenv("COVERSLIP_CONFIG", str(tmp_path / "coverslip.yaml"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    configure(tmp_path)
    made = Shell(tmp_path, capsys)
    assert made.run("init")[0] == 0
    return made
