"""Fault 1: SIGKILL at random instants of a live daemon while people go on writing; then let be, then the invariants."""

import os
import random
from collections.abc import Callable

import pytest

from tests.helpers.kill_ground import Ground
from tests.helpers.kill_scenario import Imports, Tally

#: Kills of one play; the full suite has so many plays on each database.
KILLS = 25
PLAYS = 40


def kill(ground: Ground, forked: Imports, *, plays: int, kills: int, seed: int) -> Tally:
    """Play so often; a play that went well is cleared away at once."""
    tally = Tally()
    for number in range(plays):
        play = ground.live_play(forked, tally, kills=kills, seed=seed + number)
        play.run()
        if not tally.violations:
            ground.clear(play)
    return tally


def test_a_live_daemon_that_is_killed_loses_doubles_and_tears_nothing(ground: Ground, forked: Imports) -> None:
    seed = int(os.environ.get("COVERSLIP_FAULT_SEED", "20261122"))
    tally = kill(ground, forked, plays=1, kills=4, seed=seed)
    assert tally.violations == []
    assert tally.kills == 4


@pytest.mark.faults_full
def test_a_live_daemon_that_is_killed_a_thousand_times_loses_doubles_and_tears_nothing(
    ground: Ground, forked: Imports, counted: Callable[[str], None]
) -> None:
    seed = int(os.environ.get("COVERSLIP_FAULT_SEED", random.randrange(1 << 30)))
    plays = int(os.environ.get("COVERSLIP_FAULT_PLAYS", PLAYS))
    tally = kill(ground, forked, plays=plays, kills=KILLS, seed=seed)
    counted(tally.line(f"{ground.kind}, a live daemon (COVERSLIP_FAULT_SEED={seed})"))
    assert tally.violations == []
    assert tally.kills == KILLS * plays
