"""A daemon forked from a process that has everything imported: it starts in a tenth of a second and can be killed."""

import json
import os
import signal
from contextlib import closing
from pathlib import Path
from typing import Any

from catalog.engine import Catalogue, open_catalogue
from tests.helpers.invariants import violations
from tests.helpers.kill_ground import Ground
from tests.helpers.kill_scenario import Imports, Tally
from tests.helpers.kill_stages import write_configuration


class LiveDaemon:
    """A daemon on a play's ground: with the program's own watches, signalled, killed and started again."""

    def __init__(self, ground: Ground, forked: Imports) -> None:
        play = ground.play(forked, Tally(), "watching")
        self.folder, self.url, self.data = play.folder, play.url, play.data
        play.prepare()
        self.forked = forked
        self.pid = forked.start_daemon(self.folder)

    @property
    def configuration(self) -> Path:
        """Give the configuration file."""
        return self.folder / "coverslip.yaml"

    def configure(self, *, is_released: bool) -> None:
        """Write a good configuration, before or after the held person became known."""
        write_configuration(self.folder, self.url, is_released=is_released)

    def catalogue(self) -> "closing[Catalogue]":
        """Open its catalogue beside it."""
        return closing(open_catalogue(self.url))

    def violations(self, complete: dict[str, int], **more: Any) -> list[str]:
        """Check all five invariants."""
        wanted = [("confocal", os.fsencode(path), images) for path, images in complete.items()]
        with self.catalogue() as catalogue:
            return violations(catalogue, {"confocal": self.data}, complete=wanted, **more)

    def root(self) -> dict[str, Any]:
        """Give what the daemon tells of its root."""
        return dict(self.told()["roots"][0]) if self.told() else {}

    def told(self) -> dict[str, Any]:
        """Give what the daemon that runs now tells of itself, {} before it has."""
        file = self.folder / "state/daemon.json"
        document = dict(json.loads(file.read_text())) if file.exists() else {}
        return document if document.get("pid") == self.pid else {}

    def kill_and_restart(self) -> None:
        """Kill it as power loss would, and start another."""
        os.kill(self.pid, signal.SIGKILL)
        assert self.forked.wait(self.pid) == -signal.SIGKILL
        self.pid = self.forked.start_daemon(self.folder)

    def hold(self) -> None:
        """Have it stand still, and wait until it does: SIGCONT lets it go on."""
        self.forked.hold(self.pid)

    def logged(self) -> str:
        """Give what it said, warnings and errors only."""
        return (self.folder / "import.log").read_text(errors="replace")

    def stop(self) -> None:
        """Stop it; it must end well."""
        os.kill(self.pid, signal.SIGCONT)
        os.kill(self.pid, signal.SIGTERM)
        code = self.forked.wait(self.pid)
        assert code == 0, self.logged()
