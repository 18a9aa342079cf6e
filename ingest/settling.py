"""Decides when a fileset is settled: the same at two looks a settle time apart. Pure; the clock is passed in.

Times are the process's steady UTC (`ingest.clock.SteadyTime`): steps of the wall clock do not reach them.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

#: A new fileset that goes on changing for longer is shown as stalled; it is still looked at.
MAX_WAIT = timedelta(hours=2)
#: How old (by ctime) a file may be to count as recent: it goes before the backlog of an archive.
RECENT = timedelta(days=1)
_LATER_AT_LEAST = timedelta(milliseconds=100)


class Verdict(StrEnum):
    """What a second look says."""

    SETTLED = "settled"
    #: The same as before, but the two looks are not far enough apart.
    EARLY = "early"
    CHANGED = "changed"
    #: It changed again, and has done so for longer than is waited for.
    STALLED = "stalled"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondLook:
    """What is known when the members were looked at again.

    ``first_look_at`` is no earlier than the start of this process: what an earlier one saw was seen by a clock
    that may have been stepped since. ``waiting_since`` is when the fileset was first seen at all.
    """

    digest_before: bytes
    digest_now: bytes
    first_look_at: datetime
    now: datetime
    settle: timedelta
    waiting_since: datetime
    is_catalogued: bool


def judge(look: SecondLook) -> tuple[Verdict, datetime | None]:
    """Give the verdict and when to look again (None: not any more)."""
    if look.digest_now == look.digest_before:
        ready_at = look.first_look_at + look.settle
        return (Verdict.SETTLED, None) if look.now >= ready_at else (Verdict.EARLY, ready_at)
    again_at = look.now + max(look.settle, _LATER_AT_LEAST)
    if not look.is_catalogued and look.now - look.waiting_since > MAX_WAIT:
        return Verdict.STALLED, again_at
    return Verdict.CHANGED, again_at


def is_first_look_enough(settle: timedelta, *, was_closed: bool) -> bool:
    """Tell whether one look settles a file: with ``settle: 0s`` the close of its writer was the first look."""
    return was_closed and settle <= timedelta(0)


def is_recent(ctime_ns: int, now: datetime) -> bool:
    """Tell whether a file was put or changed here lately; a ctime in the future is recent, too."""
    return now.timestamp() - ctime_ns / 1e9 < RECENT.total_seconds()
