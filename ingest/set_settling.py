"""Judges filesets of several files, and those that wait for a marker, when all of them were looked at again (T2)."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from catalog import named_files, plate_members
from catalog.captured import read
from catalog.jobs import Later
from catalog.looks import DueFileset
from config.path_text import path_text
from ingest.completeness import Found, lacking
from ingest.core import Core
from ingest.due import UNKNOWN_AGAIN, commit_verdicts, second_look, settled_as
from ingest.filesets import members_digest, only_describes
from ingest.listing import Entry, NamesLook
from ingest.looking import Looked, Looking
from ingest.placement import Complete
from ingest.set_looks import SetCheck
from ingest.settling import Verdict, judge, why_stalled
from ingest.work import Look, Member


def settle_set(core: Core, looking: Looking, check: SetCheck) -> Looked:
    """Judge a fileset by all answers: whole and quiet, it becomes a job; what changed is written down first."""
    due = check.due
    if check.is_unknown:
        unknown = Later(fileset_id=due.id, due_at=core.steady.now() + UNKNOWN_AGAIN)
        commit_verdicts(core, looking, [], [unknown])
        return Looked()
    paths = {member.path for member in due.members}
    there = {path: entry for path, entry in check.entries() if path in paths}
    digest = members_digest(Member(path=path, look=_look_of(entry)) for path, entry in there.items())
    is_same = digest == due.digest
    absent = absent_of(looking, due) if is_same else []
    lack = _lack(core, looking, check, absent) if is_same else None
    second = second_look(core, due, digest, lack)
    verdict, again_at = judge(second)
    match verdict:
        case Verdict.SETTLED | Verdict.PARTIAL:
            newest = max((entry.ctime_ns for entry in there.values()), default=0)
            is_partial = verdict is Verdict.PARTIAL or bool(absent)
            commit_verdicts(core, looking, [settled_as(core, due, newest, is_partial=is_partial)], [])
            _wake_plate(looking, due, lack)
            return Looked()
        case Verdict.EARLY:
            commit_verdicts(core, looking, [], [Later(fileset_id=due.id, due_at=again_at, was_due_at=due.due_at)])
            return Looked()
        case Verdict.WAITING:
            waiting = Later(fileset_id=due.id, due_at=again_at, was_due_at=due.due_at, waits_for=lack)
            commit_verdicts(core, looking, [], [waiting])
            return Looked()
        case Verdict.STALLED | Verdict.CHANGED:
            reason = why_stalled(second) if verdict is Verdict.STALLED else None
            changed = _write_changes(core, looking, check, there) if not is_same else Looked()
            if reason is not None:
                was_due_at = due.due_at if is_same else None
                stalled = Later(
                    fileset_id=due.id, due_at=again_at, was_due_at=was_due_at, stalled_reason=reason, waits_for=None
                )
                commit_verdicts(core, looking, [], [stalled])
            return changed


def _look_of(entry: Entry) -> Look:
    return Look(size_bytes=entry.size_bytes, mtime_ns=entry.mtime_ns, ctime_ns=entry.ctime_ns, inode=entry.inode)


def _write_changes(core: Core, looking: Looking, check: SetCheck, there: dict[bytes, Entry]) -> Looked:
    """Write down (T1) what changed or is gone among the members, folder by folder."""
    known = {
        member.path: Look(
            size_bytes=member.size_bytes, mtime_ns=member.mtime_ns, ctime_ns=member.ctime_ns, inode=member.inode
        )
        for member in check.due.members
    }
    changed = {path for path, look in known.items() if path in there and _look_of(there[path]) != look}
    total = Looked()
    for look in check.answers:
        part = _changes_in(look, changed, known)
        looked = looking.names(part)
        core.mark(looking, looked)
        _add(total, looked)
    return total


def _changes_in(look: NamesLook, changed: set[bytes], members: Iterable[bytes]) -> NamesLook:
    folder = look.directory + b"/" if look.directory else b""
    wanted = set(members)
    return NamesLook(
        directory=look.directory,
        entries=tuple(entry for entry in look.entries if folder + entry.name in changed),
        gone=frozenset(name for name in look.gone if folder + name in wanted),
        folders=frozenset(name for name in look.folders if folder + name in wanted),
    )


def _add(total: Looked, looked: Looked) -> None:
    total.orders += looked.orders
    total.folders += looked.folders
    for folder, names in looked.replaced.items():
        total.replaced.setdefault(folder, set()).update(names)
    total.needs_pass = total.needs_pass or looked.needs_pass
    total.files += looked.files
    total.made |= looked.made
    total.seen |= looked.seen


def complete_of(document: dict[str, Any]) -> Complete | None:
    """Read what a placement's document says of completeness."""
    written = document.get("complete")
    return Complete(**written) if written else None


def _lack(core: Core, looking: Looking, check: SetCheck, absent: list[bytes]) -> str | None:
    due = check.due
    complete = complete_of(dict(due.document))
    if absent and len(due.members) == 1 and only_describes(due.members[0].path):
        return f"it waits for '{_name(absent[0])}'" + (f" and {len(absent) - 1} more" if len(absent) > 1 else "")
    if complete is None:
        return None
    own = Found(files=[read(member.captured) for member in due.members], has_marker=check.has_marker)
    if complete.per == "image" or due.plate_key is None or not complete.expect:
        return lacking(complete, [own])
    now_s = core.clock.monotonic()
    key = (due.root_id, due.plate_key)
    at_s, images = core.plates.get(key, (0.0, ()))
    if not images or now_s - at_s > PLATE_KEPT_S:
        images = plate_members.captured_by_image(looking.connection, *key)
        core.plates = {key: (now_s, images)}
    found = [Found(files=[read(text) for text in texts]) for texts in images]
    return lacking(complete, [own, *found] if complete.marker else found)


def absent_of(looking: Looking, due: DueFileset) -> list[bytes]:
    """Give what the main file names and is not there; what is there is imported all the same, marked as partial."""
    if due.grouping != "index":
        return []
    there = {member.path for member in due.members}
    return [path for path in named_files.needed_by(looking.connection, due.id) if path not in there]


def _name(path: bytes) -> str:
    return path_text(path.rpartition(b"/")[2])


#: What was counted of a plate is good for so long: its filesets are judged one after the other.
PLATE_KEPT_S = 1.0


def _wake_plate(looking: Looking, due: DueFileset, lack: str | None) -> None:
    """Have the other filesets of a plate judged again, now that the plate is whole."""
    if due.plate_key is not None and lack is None and not due.is_done:
        quiet_since = looking.deciding.now - timedelta(seconds=due.document["settle_s"])
        plate_members.wake(looking.connection, due.root_id, due.plate_key, due_at=quiet_since)
