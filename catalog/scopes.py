"""Counts how far the files below a path are, for a one-shot import. Runs as the site itself: numbers only."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, or_, select

from catalog.counting import count_each
from catalog.models.ingest import Directory, Fileset, Job, Sighting

#: What is counted, by the names that `ScopeCounts` has for it.
STATES = ("held", "unmatched", "failed", "stalled", "pending", "settling", "incomplete", "done")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeCounts:
    """Files below a path that are not missing. ``pending`` are to be waited for, ``settling`` may take longer.

    ``incomplete`` are quiet and wait for what their rule wants: nobody knows how long. Of ``stalled`` it did not come
    in the time allowed.
    """

    held: int = 0
    unmatched: int = 0
    failed: int = 0
    stalled: int = 0
    pending: int = 0
    settling: int = 0
    incomplete: int = 0
    done: int = 0


def count_scope(
    connection: Connection, root_id: int, directory: bytes, name: bytes | None, *, now: datetime
) -> ScopeCounts:
    """Count the files of one path (``name``), or of a directory and all below it (``name`` None)."""
    is_pending = or_(Job.state.in_(("ready", "started")), Fileset.due_at <= now)
    state: ColumnElement[Any] = case(
        (Sighting.disposition != "member", Sighting.disposition),
        (Fileset.removed_at.is_not(None), "removed"),
        (and_(Sighting.fileset_id.is_(None), Sighting.original_file_id.is_not(None)), "done"),
        (Job.state.in_(("quarantined", "waiting")), "failed"),
        (Fileset.stalled_reason.is_not(None), "stalled"),
        (and_(Fileset.waits_for.is_not(None), Job.state.is_(None)), "incomplete"),
        (is_pending, "pending"),
        (Fileset.due_at.is_not(None), "settling"),
        (Fileset.done_digest.is_not(None), "done"),
        else_="pending",
    )
    states = (
        select(state.label("state"))
        .select_from(Sighting)
        .join(Directory, Directory.id == Sighting.directory_id)
        .outerjoin(Fileset, Fileset.id == Sighting.fileset_id)
        .outerjoin(Job, and_(Job.fileset_id == Fileset.id, Job.kind == "import"))
        .where(Directory.root_id == root_id, Sighting.missing_since.is_(None), *_below(directory, name))
    )
    return ScopeCounts(**count_each(connection, states, STATES))


def _below(directory: bytes, name: bytes | None) -> tuple[ColumnElement[bool], ...]:
    if name is not None:
        return (Directory.path == directory, Sighting.name == name)
    if not directory:
        return ()
    inner = and_(Directory.path >= directory + b"/", Directory.path < directory + b"0")
    return (or_(Directory.path == directory, inner),)
