"""The computed state as SQL: the twin of `catalog.states`, for filtering and counting without reading every row.

A property test holds the two together. Whoever adds a state changes both.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    FromClause,
    RowMapping,
    and_,
    case,
    func,
    literal,
    or_,
    select,
)

from catalog.models.base import AnySelect
from catalog.models.images import OriginalFile
from catalog.models.ingest import Directory, Fileset, Job, Reason, Root, Sighting
from catalog.states import DAMAGED, ELSEWHERE, REASONS, FilesetFacts, JobFacts, RootFacts, SightingFacts, State

_ROOT = Root.__table__
_DIRECTORY = Directory.__table__
_SIGHTING = Sighting.__table__
_FILESET = Fileset.__table__
_JOB = Job.__table__
_REASON = Reason.__table__
_ORIGINAL = OriginalFile.__table__


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """One line of STATE's list: when it is true, the state it gives, and the stored reason if there may be one."""

    when: ColumnElement[bool]
    state: State
    stored: ColumnElement[Any] | None = None


def joined() -> FromClause:
    """Give every sighting beside its root, directory, reason, fileset and import job."""
    import_job = and_(_JOB.c.fileset_id == _FILESET.c.id, _JOB.c.kind == "import")
    return (
        _SIGHTING.join(_DIRECTORY, _DIRECTORY.c.id == _SIGHTING.c.directory_id)
        .join(_ROOT, _ROOT.c.id == _DIRECTORY.c.root_id)
        .outerjoin(_REASON, _REASON.c.id == _SIGHTING.c.reason_id)
        .outerjoin(_FILESET, _FILESET.c.id == _SIGHTING.c.fileset_id)
        .outerjoin(_JOB, import_job)
    )


def _lines() -> tuple[_Line, ...]:
    is_done = _FILESET.c.done_digest.is_not(None)
    has_original = _SIGHTING.c.original_file_id.is_not(None)
    has_fileset = _FILESET.c.id.is_not(None)
    is_started = _JOB.c.state == "started"
    is_damaged = and_(_SIGHTING.c.damaged_since.is_not(None), has_original)
    is_missing = _SIGHTING.c.missing_since.is_not(None)
    damage: ColumnElement[Any] = case((is_damaged, DAMAGED))
    return (
        *(
            _Line(when=_ROOT.c.availability == state.value, state=state, stored=_ROOT.c.reason)
            for state in (State.UNAVAILABLE, State.BRAKED, State.RETIRED)
        ),
        _Line(when=_FILESET.c.removed_at.is_not(None), state=State.REMOVED),
        _Line(when=and_(is_missing, is_elsewhere()), state=State.IMPORTED, stored=literal(ELSEWHERE)),
        _Line(when=is_missing, state=State.MISSING),
        *(
            _Line(when=_SIGHTING.c.disposition == state.value, state=state, stored=_REASON.c.sentence)
            for state in (State.IGNORED, State.SKIPPED, State.UNMATCHED, State.HELD)
        ),
        _Line(when=and_(~has_fileset, has_original), state=State.IMPORTED, stored=damage),
        _Line(when=~has_fileset, state=State.SETTLING),
        _Line(when=_JOB.c.state == "quarantined", state=State.QUARANTINED, stored=_JOB.c.reason),
        _Line(when=_JOB.c.state == "waiting", state=State.WAITING, stored=_JOB.c.reason),
        _Line(when=and_(is_started, is_done), state=State.UPDATING),
        _Line(when=is_started, state=State.IMPORTING),
        _Line(when=_JOB.c.state.is_not(None), state=State.READY),
        _Line(when=_FILESET.c.stalled_reason.is_not(None), state=State.STALLED, stored=_FILESET.c.stalled_reason),
        _Line(
            when=or_(
                _FILESET.c.due_at.is_not(None),
                ~is_done,
                _FILESET.c.done_digest != _FILESET.c.seen_digest,
            ),
            state=State.SETTLING,
            stored=_FILESET.c.waits_for,
        ),
        _Line(when=is_damaged, state=State.IMPORTED, stored=damage),
    )


def is_elsewhere() -> ColumnElement[bool]:
    """Say whether another place of the original file of a row is there: asked of paths that are gone alone."""
    other = _SIGHTING.alias("other_place")
    same = and_(other.c.original_file_id == _SIGHTING.c.original_file_id, other.c.missing_since.is_(None))
    return select(other.c.name).where(same).exists()


def state_column() -> ColumnElement[str]:
    """Give the state of a row of `joined`."""
    return case(*((line.when, literal(line.state.value)) for line in _lines()), else_=State.IMPORTED.value)


def reason_column() -> ColumnElement[str]:
    """Give the reason of a row of `joined`: what is stored, else the state's own sentence."""
    return case(*((line.when, _sentence(line)) for line in _lines()), else_=REASONS[State.IMPORTED])


def _sentence(line: _Line) -> ColumnElement[Any]:
    own: BindParameter[str] = literal(REASONS[line.state])
    # An empty text is no reason: the pure function's `or` says so, too.
    return own if line.stored is None else func.coalesce(func.nullif(line.stored, ""), own)


def facts() -> AnySelect:
    """For every sighting, the columns that `facts_of` turns into what `state_of` takes."""
    source = joined().outerjoin(_ORIGINAL, _ORIGINAL.c.id == _SIGHTING.c.original_file_id)
    return select(
        _ROOT.c.id.label("root_id"),
        _ROOT.c.name.label("root_name"),
        _ROOT.c.availability,
        _ROOT.c.reason.label("root_reason"),
        _DIRECTORY.c.id.label("directory_id"),
        _DIRECTORY.c.path.label("directory_path"),
        _SIGHTING.c.name,
        _SIGHTING.c.size_bytes,
        _SIGHTING.c.disposition,
        _SIGHTING.c.rule,
        _SIGHTING.c.missing_since,
        _SIGHTING.c.verified_at,
        _SIGHTING.c.damaged_since,
        _SIGHTING.c.configuration_id,
        _SIGHTING.c.group_id.label("held_group_id"),
        _SIGHTING.c.original_file_id,
        _REASON.c.sentence,
        _FILESET.c.id.label("fileset_id"),
        _FILESET.c.removed_at,
        _FILESET.c.removed_by_id,
        _FILESET.c.done_digest,
        _FILESET.c.seen_digest,
        _FILESET.c.due_at,
        _FILESET.c.first_seen_at,
        _FILESET.c.stalled_reason,
        _FILESET.c.waits_for,
        _FILESET.c.is_partial,
        _FILESET.c.owner_differs,
        _FILESET.c.owner_id,
        _FILESET.c.group_id,
        _FILESET.c.filed_by,
        _JOB.c.state.label("job_state"),
        _JOB.c.reason.label("job_reason"),
        _JOB.c.attempts,
        _JOB.c.next_try_at,
        _ORIGINAL.c.ordinal,
        _ORIGINAL.c.hash,
        _ORIGINAL.c.fileset_id.label("original_fileset_id"),
        and_(_SIGHTING.c.missing_since.is_not(None), is_elsewhere()).label("is_elsewhere"),
    ).select_from(source)


def facts_of(
    row: RowMapping,
) -> tuple[RootFacts, SightingFacts, FilesetFacts | None, JobFacts | None]:
    """Turn a row of `facts` into the arguments of `state_of`."""
    has_original = row["original_file_id"] is not None
    sighting = SightingFacts(
        disposition=row["disposition"],
        reason=row["sentence"],
        is_missing=row["missing_since"] is not None,
        has_original=has_original,
        has_hash=row["hash"] is not None,
        is_first=not row["ordinal"],
        is_further=has_original and row["fileset_id"] is None,
        is_damaged=row["damaged_since"] is not None,
        is_elsewhere=bool(row["is_elsewhere"]),
    )
    job = None if row["job_state"] is None else JobFacts(state=row["job_state"], reason=row["job_reason"])
    root = RootFacts(availability=row["availability"], reason=row["root_reason"])
    return root, sighting, _fileset_facts(row), job


def _fileset_facts(row: RowMapping) -> FilesetFacts | None:
    if row["fileset_id"] is None:
        return None
    return FilesetFacts(
        is_removed=row["removed_at"] is not None,
        is_done=row["done_digest"] is not None,
        is_current=row["done_digest"] == row["seen_digest"],
        is_due=row["due_at"] is not None,
        stalled_reason=row["stalled_reason"],
        waits_for=row["waits_for"],
        is_partial=bool(row["is_partial"]),
        owner_differs=row["owner_differs"] is not None,
    )


def states() -> AnySelect:
    """Select state and reason of every sighting, keyed by directory and name."""
    return select(
        _SIGHTING.c.directory_id,
        _SIGHTING.c.name,
        state_column().label("state"),
        reason_column().label("reason"),
    ).select_from(joined())


def counts() -> AnySelect:
    """Select how many files there are in each state with each reason."""
    state, reason = state_column().label("state"), reason_column().label("reason")
    counted = select(state, reason).select_from(joined()).subquery()
    return select(counted.c.state, counted.c.reason, func.count().label("files")).group_by(
        counted.c.state, counted.c.reason
    )
