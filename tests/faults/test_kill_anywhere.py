"""Fault 1: SIGKILL at the N-th durable call of an import, at places nobody chose; then a restart, then the invariants.

A kill at the N-th call of each stage of the scenario in tests/helpers/kill_stages.py. Every second play changes the
disk again before the restart. On PostgreSQL the client dies at its N-th message to or from the server.
"""

import os
import random
from collections.abc import Callable, Iterable, Sequence

import pytest

from tests.helpers.kill_ground import Ground
from tests.helpers.kill_scenario import Imports, Tally, calls_in
from tests.helpers.kill_stages import STAGES
from tests.helpers.killable import DURABLE, TALKING

CALLS = {"sqlite": DURABLE, "postgresql": TALKING}
#: The default run takes these; the longest stage has 400 calls on SQLite, 800 messages on PostgreSQL.
SAMPLE = {"sqlite": (24, 128), "postgresql": (61,)}
#: How many more calls a stage may make after kills than in a play that nobody disturbs.
SPREAD = 10
#: The whole run comes in so many parts, each spread over all calls.
PARTS = 8


def kill_at_each(ground: Ground, forked: Imports, numbers: Iterable[int], calls: Sequence[int] = ()) -> Tally:
    """Play once for each number; a play that went well is cleared away at once.

    ``calls``: how many there are in each stage. One that is over before that number is not disturbed, and a play
    ends with the last stage that is.
    """
    tally = Tally()
    for turn, number in enumerate(numbers):
        play = ground.play(forked, tally, f"call {number}")
        reached = [stage for stage, count in enumerate(calls) if number <= count + SPREAD] or range(len(STAGES))
        play.stages = STAGES[: reached[-1] + 1]
        how = {"calls": CALLS[ground.kind], "kill_at": number, "trace": str(play.folder / "trace")}
        play.run(is_compound=bool(turn % 2), killed=reached.__contains__, **how)
        if not tally.violations:
            ground.clear(play)
    return tally


def calls_of_stages(ground: Ground, forked: Imports) -> list[int]:
    """Count the calls of each stage in a play that nobody kills."""
    play = ground.play(forked, Tally(), "counting")
    play.prepare()
    counts = []
    for number in range(len(STAGES)):
        play.act(number)
        trace = play.folder / f"trace{number}"
        assert forked.run(play.folder, calls=CALLS[ground.kind], kill_at=None, trace=str(trace)) == 0
        counts.append(calls_in(trace))
    ground.clear(play)
    return counts


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
@pytest.mark.parametrize("part", range(1, PARTS + 1))
def test_a_kill_at_every_durable_call_loses_doubles_and_tears_nothing(
    ground: Ground, forked: Imports, counted: Callable[[str], None], part: int
) -> None:
    calls = calls_of_stages(ground, forked)
    numbers = range(part, max(calls) + 1, PARTS)
    tally = kill_at_each(ground, forked, numbers, calls)
    counted(tally.line(f"{ground.kind}, a kill at every call of stages of {calls} calls, part {part} of {PARTS}"))
    assert tally.violations == []
    assert tally.kills >= len(numbers)


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
    ground: Ground, forked: Imports, counted: Callable[[str], None]
) -> None:
    seed = int(os.environ.get("COVERSLIP_FAULT_SEED", random.randrange(1 << 30)))
    tally = kill_at_random(ground, forked, plays=100, seed=seed)
    counted(tally.line(f"{ground.kind}, random instants (COVERSLIP_FAULT_SEED={seed})"))
    assert tally.violations == []
    assert tally.kills >= 100
