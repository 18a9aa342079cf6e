"""Fault 1: SIGKILL at the N-th durable call of an import, at places nobody chose; then a restart, then the invariants.

A kill at the N-th call of each stage of the scenario in tests/helpers/kill_scenario.py. Every second play changes the
disk again before the restart. On PostgreSQL the client dies at its N-th message to or from the server.
"""

import itertools
import os
import random
import shutil
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from catalog.engine import open_catalogue
from catalog.migrations.runner import migrate
from tests.helpers.kill_scenario import DURABLE, STAGES, TALKING, Imports, Play, Tally, calls_in, imports
from tests.helpers.postgresql import PostgresServer

CALLS = {"sqlite": DURABLE, "postgresql": TALKING}
#: The default run takes these; the longest stage has 400 calls on SQLite, 800 messages on PostgreSQL.
SAMPLE = {"sqlite": (3, 24, 128), "postgresql": (61, 128)}


class Ground:
    """Gives each play a folder and a catalogue with the schema only."""

    def __init__(self, kind: str, folder: Path, template: Path, server: PostgresServer) -> None:
        self.kind = kind
        self._folder = folder
        self._template = template
        self._server = server
        self._numbers = itertools.count()

    def play(self, imports: Imports, tally: Tally, name: str) -> Play:
        folder = self._folder / f"play{next(self._numbers)}"
        (folder / "state").mkdir(parents=True, mode=0o700)
        if self.kind == "sqlite":
            shutil.copy(self._template, folder / "state/catalog.db")
            (folder / "state/catalog.db").chmod(0o600)
            url = f"sqlite:///{folder}/state/catalog.db"
        else:
            url = self._server.copy_of_template(_prepare).replace("postgres:@", "postgres@")
        return Play(imports=imports, folder=folder, url=url, tally=tally, name=f"{self.kind} {name}")

    def clear(self, play: Play) -> None:
        shutil.rmtree(play.folder)
        if self.kind == "postgresql":
            self._server.drop(play.url)


def _prepare(url: str) -> None:
    with closing(open_catalogue(url, create=True)) as opened:
        migrate(opened)


@pytest.fixture(params=["sqlite", "postgresql"])
def ground(
    request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path, postgres_server: PostgresServer
) -> Ground:
    return Ground(request.param, tmp_path, sqlite_template, postgres_server)


@pytest.fixture
def forked() -> Iterator[Imports]:
    with imports() as made:
        yield made


def kill_at_each(ground: Ground, forked: Imports, numbers: Iterator[int] | range | tuple[int, ...]) -> Tally:
    """Play once for each number; a play that went well is cleared away at once."""
    tally = Tally()
    for turn, number in enumerate(numbers):
        play = ground.play(forked, tally, f"call {number}")
        trace = str(play.folder / "trace")
        play.run(is_compound=bool(turn % 2), calls=CALLS[ground.kind], kill_at=number, trace=trace)
        if not tally.violations:
            ground.clear(play)
    return tally


def most_calls(ground: Ground, forked: Imports) -> int:
    """Count the calls of the longest stage in a play that nobody kills."""
    tally, most = Tally(), 0
    play = ground.play(forked, tally, "counting")
    for number in range(len(STAGES)):
        trace = play.folder / f"trace{number}"
        counted = Play(
            imports=forked, folder=play.folder, url=play.url, tally=tally, stages=STAGES[number : number + 1]
        )
        counted.data.mkdir(exist_ok=True)
        counted.stages[0].act(counted.data)
        counted.configure(is_released=False)
        assert forked.run(play.folder, calls=CALLS[ground.kind], kill_at=None, trace=str(trace)) == 0
        most = max(most, calls_in(trace))
    ground.clear(play)
    return most


def test_an_import_that_nobody_kills_keeps_the_invariants(ground: Ground, forked: Imports) -> None:
    tally = Tally()
    ground.play(forked, tally, "undisturbed").run()
    assert tally.violations == []
    assert tally.kills == 0


def test_a_kill_at_the_nth_durable_call_loses_doubles_and_tears_nothing(ground: Ground, forked: Imports) -> None:
    tally = kill_at_each(ground, forked, SAMPLE[ground.kind])
    assert tally.violations == []
    assert tally.kills >= len(SAMPLE[ground.kind]) * len(STAGES) // 2


@pytest.mark.faults_full
def test_a_kill_at_every_durable_call_loses_doubles_and_tears_nothing(
    ground: Ground, forked: Imports, capsys: pytest.CaptureFixture[str]
) -> None:
    last = most_calls(ground, forked)
    tally = kill_at_each(ground, forked, range(1, last + 1))
    with capsys.disabled():
        sys.stdout.write(
            "\n" + tally.line(f"{ground.kind}, a kill at each of {last} calls of {len(STAGES)} stages") + "\n"
        )
    assert tally.violations == []
    assert tally.kills >= last


def kill_at_random(ground: Ground, forked: Imports, *, plays: int, seed: int) -> Tally:
    """Kill each import of so many plays at an instant between its start and what a whole one takes."""
    chance, tally = random.Random(seed), Tally()
    for number in range(plays):
        play = ground.play(forked, tally, f"random {seed}.{number}")
        play.run(is_compound=bool(number % 2), kill_after_ms=chance.randrange(20, 900))
        if not tally.violations:
            ground.clear(play)
    return tally


@pytest.mark.faults_full
def test_a_kill_at_any_instant_loses_doubles_and_tears_nothing(
    ground: Ground, forked: Imports, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = int(os.environ.get("COVERSLIP_FAULT_SEED", random.randrange(1 << 30)))
    tally = kill_at_random(ground, forked, plays=100, seed=seed)
    with capsys.disabled():
        sys.stdout.write("\n" + tally.line(f"{ground.kind}, random instants (COVERSLIP_FAULT_SEED={seed})") + "\n")
    assert tally.violations == []
    assert tally.kills >= 100
