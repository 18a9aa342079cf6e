"""Compute the one state of a file from what is stored about it: pure and total; `catalog.state_sql` is its twin.

A state is computed, never stored. The first line of STATE's list that is true counts, and each has a reason that
a person understands. Details that change by the minute (next try, due time) are told beside the reason, not in it.
"""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Every state that a file can be in, in the order of precedence."""

    UNAVAILABLE = "unavailable"
    BRAKED = "braked"
    RETIRED = "retired"
    REMOVED = "removed"
    MISSING = "missing"
    IGNORED = "ignored"
    SKIPPED = "skipped"
    UNMATCHED = "unmatched"
    HELD = "held"
    QUARANTINED = "quarantined"
    WAITING = "waiting"
    IMPORTING = "importing"
    UPDATING = "updating"
    READY = "ready"
    STALLED = "stalled"
    SETTLING = "settling"
    IMPORTED = "imported"


class Mark(StrEnum):
    """What is true of a file beside its state."""

    PARTIAL = "partial"
    HASH_PENDING = "hash pending"
    COPY_OF = "copy of"
    PART_OF = "part of"
    OWNER_DIFFERS = "owner differs from folder"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True, kw_only=True)
class RootFacts:
    """A root: ``availability`` is available, unavailable, braked or retired."""

    availability: str
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SightingFacts:
    """What was seen at a path. ``is_first`` is None for a path that no original file points to.

    ``has_hash`` and ``is_first`` (of its fileset's files) are facts about the original file. ``is_further``: this is
    a further location of it, in storage. ``is_damaged``: `verify` found other bytes here though nothing wrote the
    file. ``is_elsewhere``: another place of the original file is there.
    """

    disposition: str
    reason: str | None = None
    is_missing: bool = False
    has_original: bool = False
    has_hash: bool = False
    is_first: bool = True
    is_further: bool = False
    is_damaged: bool = False
    is_elsewhere: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesetFacts:
    """What belongs together. ``is_done``: it was imported at least once; ``is_current``: as it is seen now."""

    is_removed: bool = False
    is_done: bool = False
    is_current: bool = False
    is_due: bool = False
    stalled_reason: str | None = None
    waits_for: str | None = None
    is_partial: bool = False
    owner_differs: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFacts:
    """The import job of a fileset (hash, verify and render jobs do not change a file's state)."""

    state: str
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileState:
    """A state, the reason in one sentence, and the marks."""

    state: State
    reason: str
    marks: frozenset[Mark] = frozenset()


#: The sentence where nothing more exact is stored.
REASONS: dict[State, str] = {
    State.UNAVAILABLE: "the root can't be reached at present; nothing about its files is decided until it is back",
    State.BRAKED: "too many files of the root went missing at once; `coverslip root accept` says that this is right",
    State.RETIRED: "the root is no longer in the configuration",
    State.REMOVED: "its image was deleted from the catalogue by a person; the file is untouched",
    State.MISSING: "the file is no longer there",
    State.IGNORED: "no reader knows this kind of file",
    State.SKIPPED: "a rule says that files like this are skipped",
    State.UNMATCHED: "no rule matches this path",
    State.HELD: "the rules can't place this path",
    State.QUARANTINED: "the file can't be read; it is tried again when it changes",
    State.WAITING: "reading failed for a reason that may pass; it is tried again",
    State.IMPORTING: "it is being read",
    State.UPDATING: "it changed and is being read again",
    State.READY: "it is whole and waits for its turn to be read",
    State.STALLED: "it did not become complete in the time allowed",
    State.SETTLING: "it is, or was until just now, being written; it is looked at again when it has been quiet",
    State.IMPORTED: "it is in the catalogue",
}
#: Of a path whose file is gone from it, and not lost.
ELSEWHERE = "it is in the catalogue and no longer at this path; another place of it is known"
#: Why a file that is in the catalogue needs a person all the same.
DAMAGED = (
    "it is in the catalogue, but its bytes are no longer those that were imported, though nothing wrote it:"
    " the disk may be failing; restore it from a copy"
)

_ROOT_STATES = {
    "unavailable": State.UNAVAILABLE,
    "braked": State.BRAKED,
    "retired": State.RETIRED,
}
_DISPOSITIONS = {
    "ignored": State.IGNORED,
    "skipped": State.SKIPPED,
    "unmatched": State.UNMATCHED,
    "held": State.HELD,
}


def state_of(root: RootFacts, sighting: SightingFacts, fileset: FilesetFacts | None, job: JobFacts | None) -> FileState:
    """Give the state of one path: the first line that is true counts, and there always is one."""
    state, stored = _first_true(root, sighting, fileset, job)
    return FileState(state=state, reason=stored or REASONS[state], marks=marks_of(sighting, fileset))


def _first_true(
    root: RootFacts, sighting: SightingFacts, fileset: FilesetFacts | None, job: JobFacts | None
) -> tuple[State, str | None]:
    if root.availability in _ROOT_STATES:
        return _ROOT_STATES[root.availability], root.reason
    if fileset is not None and fileset.is_removed:
        return State.REMOVED, None
    if sighting.is_missing:
        return (State.IMPORTED, ELSEWHERE) if sighting.has_original and sighting.is_elsewhere else (State.MISSING, None)
    if sighting.disposition in _DISPOSITIONS:
        return _DISPOSITIONS[sighting.disposition], sighting.reason
    if fileset is None:
        # A member without a fileset is a further location of a file that is known, or not looked at to the end.
        return (State.IMPORTED if sighting.has_original else State.SETTLING), _damage(sighting)
    return _of_work(fileset, job) or _of_fileset(fileset, sighting)


def _of_work(fileset: FilesetFacts, job: JobFacts | None) -> tuple[State, str | None] | None:
    match job:
        case None:
            return None
        case JobFacts(state="quarantined"):
            return State.QUARANTINED, job.reason
        case JobFacts(state="waiting"):
            return State.WAITING, job.reason
        case JobFacts(state="started"):
            return (State.UPDATING if fileset.is_done else State.IMPORTING), None
        case _:
            return State.READY, None


def _damage(sighting: SightingFacts) -> str | None:
    return DAMAGED if sighting.is_damaged and sighting.has_original else None


def _of_fileset(fileset: FilesetFacts, sighting: SightingFacts) -> tuple[State, str | None]:
    if fileset.stalled_reason is not None:
        return State.STALLED, fileset.stalled_reason
    if fileset.is_due or not fileset.is_current:
        return State.SETTLING, fileset.waits_for
    return State.IMPORTED, _damage(sighting)


def marks_of(sighting: SightingFacts, fileset: FilesetFacts | None) -> frozenset[Mark]:
    """Give the marks of a path, whatever its state; which of two images of the same content is the copy,
    `catalog.lost_originals` tells.
    """
    marks = set()
    if fileset is not None and fileset.is_partial:
        marks.add(Mark.PARTIAL)
    if fileset is not None and fileset.owner_differs:
        marks.add(Mark.OWNER_DIFFERS)
    if sighting.has_original and not sighting.has_hash:
        marks.add(Mark.HASH_PENDING)
    if sighting.has_original and sighting.is_further:
        marks.add(Mark.COPY_OF)
    if sighting.has_original and not sighting.is_first:
        marks.add(Mark.PART_OF)
    if sighting.has_original and sighting.is_damaged:
        marks.add(Mark.DAMAGED)
    return frozenset(marks)
