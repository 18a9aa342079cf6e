"""Stopping: signals become events, and the parts are ended one after the other, each told in the log."""

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Signals:
    """What signals asked for. ``woken`` is set with each of the others: the main thread waits for it."""

    stop: threading.Event = field(default_factory=threading.Event)
    hurry: threading.Event = field(default_factory=threading.Event)
    reload: threading.Event = field(default_factory=threading.Event)
    woken: threading.Event = field(default_factory=threading.Event)

    def ask_to_stop(self) -> None:
        """Ask for the end; the second time, for a quick one."""
        if self.stop.is_set():
            self.hurry.set()
        self.stop.set()
        self.woken.set()

    def ask_to_reload(self) -> None:
        """Ask for the configuration to be read again."""
        self.reload.set()
        self.woken.set()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A step of the shutdown; ``end`` gets the seconds that are left for it, and returns whether it has ended."""

    name: str
    end: Callable[[float], bool]


@contextmanager
def signals_caught() -> Iterator[Signals]:
    """Turn SIGTERM, SIGINT and SIGHUP into events for the length of the block. Only in the main thread."""
    caught = Signals()

    def stop(_number: int, _frame: FrameType | None) -> None:
        caught.ask_to_stop()

    def reload(_number: int, _frame: FrameType | None) -> None:
        caught.ask_to_reload()

    handlers = {signal.SIGTERM: stop, signal.SIGINT: stop, signal.SIGHUP: reload}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield caught
    finally:
        for number, former in before.items():
            signal.signal(number, former)


def shut_down(
    stages: Sequence[Stage],
    *,
    grace_s: float,
    hurry: threading.Event,
    monotonic: Callable[[], float] = time.monotonic,
) -> bool:
    """End every stage in order within the grace time, and tell whether all ended well; none is left out.

    Once ``hurry`` is set (a second signal), or the time is up, the stages that follow get no time to wait.
    """
    began = monotonic()
    ended_well = True
    for number, stage in enumerate(stages, start=1):
        left_s = 0.0 if hurry.is_set() else max(0.0, grace_s - (monotonic() - began))
        logger.info("shutdown.stage", extra={"step": f"{number}/{len(stages)}", "stage": stage.name})
        try:
            has_ended = stage.end(left_s)
        except Exception:
            # The boundary of a stage: the others must be ended all the same.
            logger.exception("shutdown.stage_failed", extra={"stage": stage.name})
            has_ended = False
        if not has_ended:
            ended_well = False
            logger.warning("shutdown.stage_unfinished", extra={"stage": stage.name})
    logger.info("shutdown.done", extra={"seconds": round(monotonic() - began, 2), "ended_well": ended_well})
    return ended_well


def waits_for(condition: threading.Thread, hurry: threading.Event) -> Callable[[float], bool]:
    """Make a stage's end of joining a thread, cut short by a second signal."""

    def end(left_s: float) -> bool:
        ends_at = time.monotonic() + left_s
        while condition.is_alive() and time.monotonic() < ends_at and not hurry.is_set():
            condition.join(0.1)
        return not condition.is_alive()

    return end
