"""Reads files again in a worker without understanding them: their hash, or whether it is still the one they had."""

import errno
import os
from collections.abc import Mapping

from catalog.records import FileRecord
from ingest import fingerprint
from ingest.identity import identity_of, why_another
from ingest.inner_mounts import InnerMounts, mounts_in
from ingest.one_file import must_be, stream_of
from ingest.opening import NotAPlainFileError, OpenedFile, opened_beneath, opened_root
from ingest.work import FileCheck, Member, Outcome, ReadResult, ReadTask, Verdict


def why_unreadable(error: OSError) -> str:
    """Give the sentence for a file that could not be read."""
    if error.errno in (errno.EACCES, errno.EPERM):
        return "the file may not be read: give Coverslip's account the right to read it"
    if error.errno == errno.ENOENT:
        return "the file is not there any more"
    return f"the file could not be read: {os.strerror(error.errno) if error.errno else error}"


def hash_members(task: ReadTask, root_fd: int) -> ReadResult:
    """Hash all members, by each hasher that is asked for; one that is not what it was at the look is NotWholeError."""
    hashers = task.hashers or (task.hasher,)
    files = tuple(_hashed(root_fd, member, hasher) for member in task.members for hasher in hashers)
    return ReadResult(
        fileset_id=task.fileset_id, claim=task.claim, digest=task.digest, outcome=Outcome.READ, files=files,
        bytes_read=sum(file.size_bytes for file in files),
    )  # fmt: skip


def _hashed(root_fd: int, member: Member, hasher: str) -> FileRecord:
    with opened_beneath(root_fd, member.path) as opened:
        must_be(opened.look(), member.look, "before it was read")
        size_bytes = member.look.size_bytes
        stream = stream_of(opened, size_bytes, 0)
        record = FileRecord(
            path=member.path, size_bytes=size_bytes, hash=fingerprint.hash_stream(hasher, stream), hasher=hasher,
            fingerprint=fingerprint.fingerprint(stream, size_bytes),
        )  # fmt: skip
        must_be(opened.look(), member.look, "while it was read")
    return record


def check_members(task: ReadTask, root_fd: int) -> ReadResult:
    """Compare each member with the hash it shall have."""
    checks = checked(root_fd, task.root, task.identity, task.members)
    return ReadResult(
        fileset_id=task.fileset_id, claim=task.claim, digest=task.digest, outcome=Outcome.READ, checks=checks,
        bytes_read=sum(check.bytes_read for check in checks),
    )  # fmt: skip


def checked_beneath(
    root: bytes, identity: Mapping[str, object] | None, members: tuple[Member, ...]
) -> tuple[FileCheck, ...]:
    """Check files of a root in this process; of one that can't be opened nothing is said but that."""
    try:
        with opened_root(root) as root_fd:
            return checked(root_fd, root, identity, members)
    except OSError as error:
        return out_of_reach(members, f"the root can't be opened: {os.strerror(error.errno or 0)}")


def checked(
    root_fd: int, root: bytes, identity: Mapping[str, object] | None, members: tuple[Member, ...]
) -> tuple[FileCheck, ...]:
    """Check files of an open root; when it is not the root that was known, nothing is said about any of them.

    Nor is it about files of a disk inside the root that is not there.
    """
    other = why_another(root_fd, identity, identity_of(root_fd, root))
    if other is not None:
        return out_of_reach(members, other[0])
    mounts = InnerMounts(root, mounts_in(identity))
    return tuple(_unless_away(root_fd, _checked(root_fd, member), mounts) for member in members)


def out_of_reach(members: tuple[Member, ...], reason: str) -> tuple[FileCheck, ...]:
    """Say of all files of a root that it is not there."""
    return tuple(FileCheck(path=one.path, verdict=Verdict.UNAVAILABLE, reason=reason) for one in members)


def _unless_away(root_fd: int, check: FileCheck, mounts: InnerMounts) -> FileCheck:
    """Say of a file that is gone, or another one, that its disk is not there, if that is so."""
    if check.verdict not in (Verdict.GONE, Verdict.CHANGED):
        return check
    found = mounts.first_away(root_fd, check.path.rpartition(b"/")[0])
    if found is None:
        return check
    return FileCheck(path=check.path, verdict=Verdict.UNAVAILABLE, away=found[0], reason=found[1])


def _checked(root_fd: int, member: Member) -> FileCheck:
    try:
        with opened_beneath(root_fd, member.path) as opened:
            return _compared(opened, member)
    except NotAPlainFileError:
        return FileCheck(path=member.path, verdict=Verdict.CHANGED)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return FileCheck(path=member.path, verdict=Verdict.GONE)
        return FileCheck(path=member.path, verdict=Verdict.UNREADABLE, reason=why_unreadable(error))


def _compared(opened: OpenedFile, member: Member) -> FileCheck:
    """Hash an open file; other bytes are read a second time, from the disk, before they are told."""
    assert member.expected is not None  # noqa: S101 - the task says what each file shall be
    hasher, expected = member.expected
    changed = FileCheck(path=member.path, verdict=Verdict.CHANGED)
    if opened.look() != member.look:
        return changed
    verdict, size_bytes = Verdict.SAME, member.look.size_bytes
    found = fingerprint.hash_stream(hasher, stream_of(opened, size_bytes, 0))
    if found != expected and opened.look() == member.look:
        opened.raw.drop_cache()
        again = fingerprint.hash_stream(hasher, stream_of(opened, size_bytes, 0))
        size_bytes += member.look.size_bytes
        if again != expected and again != found:
            reason = "two readings in a row gave different bytes: the disk, its cable or the memory may be failing"
            return FileCheck(path=member.path, verdict=Verdict.UNREADABLE, reason=reason, bytes_read=size_bytes)
        verdict = Verdict.SAME if again == expected else Verdict.OTHER_BYTES
    if opened.look() != member.look:
        return changed
    is_other = verdict is Verdict.OTHER_BYTES
    return FileCheck(path=member.path, verdict=verdict, bytes_read=size_bytes, found=found if is_other else None)
