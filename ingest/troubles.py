"""Remembers which steps of the ingest fail, so that `degraded` is told steadily until the step succeeds again."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from catalog.errors import CatalogueUnavailable, LockLost
from ingest.clock import Clock

log = logging.getLogger(__name__)

#: A step that failed and was not tried again for so long is told no more, s. Longer than the longest pause.
TOLD_FOR_S = 15.0
_PAUSES_S = (0.2, 1.0, 5.0, 10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trouble:
    sentence: str
    at_s: float


class Troubles:
    """The failing steps of a loop, by name, and how long it had better pause. ``drop`` drops what poisons a step."""

    def __init__(self, clock: Clock, drop: Callable[[str], None]) -> None:
        self._clock = clock
        self._drop = drop
        self._told: dict[str, _Trouble] = {}
        self._in_a_row = 0
        #: Whether the catalogue refused something in this turn: the rest of the turn would only wait for it, too.
        self.has_refused = False
        #: Whether the right to ingest was lost: the ingest must begin anew.
        self.has_lost_lock = False

    def clear(self) -> None:
        """Tell nothing of what was: the ingest began, anew."""
        self._told.clear()
        self.has_lost_lock = False

    def begin_turn(self) -> None:
        """Begin a turn of the loop."""
        self._in_a_row = self._in_a_row + 1 if self.has_refused else 0
        self.has_refused = False

    def attempt(self, step: str, act: Callable[[], bool | None]) -> bool | None:
        """Do a step and give whether it did anything; None when its work is left for a later turn.

        An error of the database leaves the work; any other drops the poisoned part, so that the rest goes on.
        """
        if self.has_refused:
            return None
        try:
            done = bool(act())
        except CatalogueUnavailable as error:
            self.refuse(step, error)
            return None
        except Exception as error:  # the boundary of the loop: it must go on
            log.exception("ingest_step_failed", extra={"step": step})
            self._tell(step, f"an error of the program at '{step}': {error}")
            self._drop(step)
            return True
        if done:
            self._told.pop(step, None)
            self._in_a_row = 0
        return done

    def refuse(self, step: str, error: Exception) -> None:
        """Note that the catalogue can't be used now."""
        if step not in self._told:
            log.warning("ingest_waits", extra={"step": step, "reason": str(error)})
        self._tell(step, str(error))
        self.has_refused = True
        self.has_lost_lock = self.has_lost_lock or isinstance(error, LockLost)

    def _tell(self, step: str, sentence: str) -> None:
        self._told[step] = _Trouble(sentence=sentence, at_s=self._clock.monotonic())

    def problem(self) -> str | None:
        """Give the sentence of the step that has failed for longest, None when all is well."""
        now_s = self._clock.monotonic()
        self._told = {step: one for step, one in self._told.items() if now_s - one.at_s <= TOLD_FOR_S}
        return next((one.sentence for one in self._told.values()), None)

    def pause_s(self) -> float:
        """Give how long to wait before the next turn: 0 when the last one went well."""
        if not self.has_refused:
            return 0.0
        return _PAUSES_S[min(self._in_a_row, len(_PAUSES_S) - 1)]
