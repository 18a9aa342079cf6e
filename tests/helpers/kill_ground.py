"""Gives each play of the kill tests a folder and a catalogue with the schema only, on either database."""

import itertools
import shutil
from contextlib import closing
from pathlib import Path

from catalog.engine import open_catalogue
from catalog.migrations.runner import migrate
from tests.helpers.kill_scenario import Imports, Play, Tally
from tests.helpers.live_scenario import LivePlay
from tests.helpers.postgresql import PostgresServer


class Ground:
    """Makes plays on ``kind`` of database below a folder."""

    def __init__(self, kind: str, folder: Path, template: Path, server: PostgresServer) -> None:
        self.kind = kind
        self._folder = folder
        self._template = template
        self._server = server
        self._numbers = itertools.count()

    def play(self, imports: Imports, tally: Tally, name: str) -> Play:
        """Give a play of the fixed scenario."""
        folder, url = self._new()
        return Play(imports=imports, folder=folder, url=url, tally=tally, name=f"{self.kind} {name}")

    def live_play(self, imports: Imports, tally: Tally, *, kills: int, seed: int) -> LivePlay:
        """Give a play of a live daemon with a feeder beside it."""
        folder, url = self._new()
        return LivePlay(imports=imports, folder=folder, url=url, tally=tally, kills=kills, seed=seed)

    def clear(self, play: Play | LivePlay) -> None:
        """Drop what a play leaves."""
        shutil.rmtree(play.folder)
        if self.kind == "postgresql":
            self._server.drop(play.url)

    def _new(self) -> tuple[Path, str]:
        folder = self._folder / f"play{next(self._numbers)}"
        (folder / "state").mkdir(parents=True, mode=0o700)
        if self.kind == "sqlite":
            shutil.copy(self._template, folder / "state/catalog.db")
            (folder / "state/catalog.db").chmod(0o600)
            return folder, f"sqlite:///{folder}/state/catalog.db"
        return folder, self._server.copy_of_template(_prepare).replace("postgres:@", "postgres@")


def _prepare(url: str) -> None:
    with closing(open_catalogue(url, create=True)) as opened:
        migrate(opened)
