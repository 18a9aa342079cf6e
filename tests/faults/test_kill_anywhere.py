"""Fault 1: SIGKILL at the N-th durable call of an import, at places nobody chose; then a restart, then the invariants.

A kill at the N-th call of each stage of the scenario in tests/helpers/kill_scenario.py. Every second play changes the
disk again before the restart. On PostgreSQL the client dies at its N-th message to or from the server.
"""

import os
import random
import sys
from collections.abc import Iterator

import pytest

from tests.helpers.kill_ground import Ground
from tests.helpers.kill_scenario import DURABLE, STAGES, TALKING, Imports, Play, Tally, calls_in

CALLS = {"sqlite": DURABLE, "postgresql": TALKING}
#: The default run takes these; the longest stage has 400 calls on SQLite, 800 messages on PostgreSQL.
SAMPLE = {"sqlite": (24, 128), "postgresql": (61,)}


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


@pytest.mark.faults_full
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
