"""A site whose commands run in the test's own process: quick, and what they print is given."""

import json
from pathlib import Path

import pytest

from daemon.cli import run

CONFIGURATION = """
state_dir: @/state
groups:
  smith-lab: {owners: [js2x], members: [ab3c, cd4e]}
  jones-lab: {permissions: private, members: [ef5g]}
users:
  ab3c: {name: Ada Byron}
  cd4e: {}
  js2x: {}
  ef5g: {}
watch:
  - root: @/data
    name: confocal
    rules:
      - match: '{group}/{owner}/{project}/[{dataset}/**/]{image}.{ext}'
"""


class Shell:
    """Runs commands in this process and gives what they printed."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys

    def run(self, *arguments: str | Path) -> tuple[int, str, str]:
        self._capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        shown = self._capsys.readouterr()
        return int(code), shown.out, shown.err

    def json(self, *arguments: str | Path) -> object:
        code, out, err = self.run(*arguments, "--json")
        assert code == 0, (arguments, out, err)
        return json.loads(out)

    def lines(self, *arguments: str) -> list[dict[str, object]]:
        code, out, err = self.run(*arguments, "--json")
        assert code == 0, (arguments, out, err)
        return [json.loads(line) for line in out.splitlines()]


def configure(folder: Path, text: str = CONFIGURATION) -> None:
    """Write the configuration; ``@`` means the folder."""
    file = folder / "coverslip.yaml"
    file.write_text(text.replace("@", str(folder)), encoding="utf-8")
    file.chmod(0o644)
