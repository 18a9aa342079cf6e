"""Decides when a fileset is settled: the same at two looks a settle time apart, and whole as its rule says.

Pure; the clock is passed in. Times are the process's steady UTC (`ingest.clock.SteadyTime`): steps of the wall clock
do not reach them.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, NamedTuple

#: How long a new fileset is waited for, where its rule says nothing: then it is shown as stalled.
MAX_WAIT = timedelta(hours=2)
#: How old (by ctime) a file may be to count as recent: it goes before the backlog of an archive.
RECENT = timedelta(days=1)
_LATER_AT_LEAST = timedelta(milliseconds=100)


class Verdict(StrEnum):
    """What a second look says."""

    SETTLED = "settled"
    #: It did not become whole in the time allowed, and its rule says to take what is there.
    PARTIAL = "partial"
    #: The same as before, but the two looks are not far enough apart.
    EARLY = "early"
    #: Quiet, and something that its rule wants is not there yet.
    WAITING = "waiting"
    CHANGED = "changed"
    #: It changed again, or was not whole, for longer than is waited for.
    STALLED = "stalled"


class SecondLook(NamedTuple):
    """What is known when the members were looked at again.

    ``first_look_at`` is no earlier than the start of this process: what an earlier one saw was seen by a clock
    that may have been stepped since. ``waiting_since`` is when the fileset was first seen at all, as stored; in the
    future (the clock was stepped back) it counts as now. ``lacking`` says what is not there yet of what its rule wants.
    """

    digest_before: bytes
    digest_now: bytes
    first_look_at: datetime
    now: datetime
    settle: timedelta
    waiting_since: datetime
    is_catalogued: bool
    lacking: str | None = None
    max_wait: timedelta = MAX_WAIT
    on_stall: Literal["hold", "import"] = "hold"


def judge(look: SecondLook) -> tuple[Verdict, datetime | None]:
    """Give the verdict and when to look again (None: not before something changes).

    What is catalogued already is updated when it is quiet, whole or not: it was waited for once.
    """
    if look.digest_now != look.digest_before:
        again_at = look.now + max(look.settle, _LATER_AT_LEAST)
        is_late = not look.is_catalogued and is_overdue(look.waiting_since, look.now, look.max_wait)
        return (Verdict.STALLED if is_late else Verdict.CHANGED), again_at
    ready_at = look.first_look_at + look.settle
    if look.now < ready_at:
        return Verdict.EARLY, ready_at
    if look.lacking is None:
        return Verdict.SETTLED, None
    if look.is_catalogued:
        return Verdict.PARTIAL, None
    if not is_overdue(look.waiting_since, look.now, look.max_wait):
        return Verdict.WAITING, min(look.waiting_since, look.now) + look.max_wait + _LATER_AT_LEAST
    return (Verdict.PARTIAL if look.on_stall == "import" else Verdict.STALLED), None


def is_overdue(waiting_since: datetime, now: datetime, max_wait: timedelta) -> bool:
    """Tell whether it was waited for longer than its rule allows."""
    return now - min(waiting_since, now) > max_wait


def why_stalled(look: SecondLook) -> str:
    """Say why it is stalled, for people."""
    waited = in_words(look.max_wait)
    if look.digest_now != look.digest_before:
        return f"it has been changing for more than {waited}"
    return f"it is not whole after {waited}: {look.lacking}"


def in_words(time: timedelta) -> str:
    """Write a time as the configuration does, in the largest unit that says it exactly."""
    seconds = time.total_seconds()
    units = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))
    size, unit = next(((size, unit) for size, unit in units if seconds % size == 0), (1, "s"))
    return f"{seconds / size:g}{unit}"


def is_first_look_enough(settle: timedelta, *, was_closed: bool) -> bool:
    """Tell whether one look settles a file: with ``settle: 0s`` the close of its writer was the first look."""
    return was_closed and settle <= timedelta(0)


def is_recent(ctime_ns: int, now: datetime) -> bool:
    """Tell whether a file was put or changed here lately; a ctime in the future is recent, too."""
    return now.timestamp() - ctime_ns / 1e9 < RECENT.total_seconds()
