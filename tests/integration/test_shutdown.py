"""The shutdown with real signals."""

import os
import signal
import threading
from functools import partial

import pytest

from daemon.shutdown import Signals, Stage, shut_down, signals_caught, waits_for
from tests.helpers.program import PATIENCE_S


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_asks_to_stop_and_a_second_one_to_hurry(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with signals_caught() as signals:
        os.kill(os.getpid(), number)
        assert signals.stop.wait(PATIENCE_S)
        assert signals.woken.is_set()
        assert not signals.hurry.is_set()
        os.kill(os.getpid(), number)
        assert signals.hurry.wait(PATIENCE_S)
    assert signal.getsignal(number) == before


def test_sighup_asks_to_reload() -> None:
    with signals_caught() as signals:
        os.kill(os.getpid(), signal.SIGHUP)
        assert signals.reload.wait(PATIENCE_S)
        assert not signals.stop.is_set()


def _stages(order: list[tuple[str, float]], *, failing: str = "") -> tuple[Stage, ...]:
    def end(name: str, left_s: float) -> bool:
        order.append((name, left_s))
        if name == failing:
            raise ValueError("boom")
        return True

    return tuple(Stage(name=name, end=partial(end, name)) for name in ("a", "b", "c"))


def test_stages_end_in_order_and_share_the_grace_time() -> None:
    order: list[tuple[str, float]] = []
    times = iter([0.0, 1.0, 4.0, 12.0, 12.0])
    assert shut_down(_stages(order), grace_s=10.0, hurry=threading.Event(), monotonic=lambda: next(times))
    assert order == [("a", 9.0), ("b", 6.0), ("c", 0.0)]


def test_a_stage_that_fails_does_not_keep_the_others() -> None:
    order: list[tuple[str, float]] = []
    assert not shut_down(_stages(order, failing="a"), grace_s=10.0, hurry=threading.Event())
    assert [name for name, _ in order] == ["a", "b", "c"]


def test_in_a_hurry_no_stage_waits() -> None:
    order: list[tuple[str, float]] = []
    signals = Signals()
    signals.ask_to_stop()
    signals.ask_to_stop()
    shut_down(_stages(order), grace_s=10.0, hurry=signals.hurry)
    assert [left for _, left in order] == [0.0, 0.0, 0.0]


def test_waiting_for_a_thread_is_cut_short_by_the_second_signal() -> None:
    release, hurry = threading.Event(), threading.Event()
    thread = threading.Thread(target=release.wait, daemon=True)
    thread.start()
    threading.Timer(0.2, hurry.set).start()
    assert not waits_for(thread, hurry)(30.0)
    release.set()
    assert waits_for(thread, threading.Event())(5.0)
