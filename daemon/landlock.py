"""Landlock: from here on the kernel refuses every write outside the folders named, for this thread and its children.

Formats and numbers: landlock(7) and linux/landlock.h. What is governed: creating, removing, renaming, linking,
writing and truncating. Reading is not governed, and neither are sockets that exist already.
"""

import ctypes
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_RULE_PATH_BENEATH = 1
_CREATE_RULESET_VERSION = 1
_PR_SET_NO_NEW_PRIVS = 38

_WRITE_FILE = 1 << 1
#: Remove a folder, a file; make a device, folder, file, socket, FIFO, block device, symbolic link.
_CHANGE_TREE = sum(1 << bit for bit in range(4, 13))
#: Since version 2: link or rename into another folder. It is always refused where it is not governed.
_REFER = 1 << 13
#: Since version 3; before, the kernel lets truncate() through.
_TRUNCATE = 1 << 14
#: What a rule may say of something that is no folder.
_OF_A_FILE = _WRITE_FILE | _TRUNCATE


class _RulesetAttributes(ctypes.Structure):
    _fields_ = (("handled_access_fs", ctypes.c_uint64),)


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


@dataclass(frozen=True, slots=True, kw_only=True)
class Restriction:
    """What the kernel granted: its version of Landlock, 0 where there is none, and what is not covered."""

    version: int
    reason: str | None

    @property
    def is_enforced(self) -> bool:
        """Tell whether writes are refused by the kernel."""
        return self.version > 0 and self.reason is None

    @property
    def covers_truncate(self) -> bool:
        """Tell whether truncate() is refused, too (version 3)."""
        return self.is_enforced and self.version >= 3


def landlock_version() -> int:
    """Ask the kernel for its version of Landlock; 0 when it has none, or has it switched off."""
    return max(0, _syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_CREATE_RULESET_VERSION)))


def restrict_writes(writable: Sequence[str]) -> Restriction:
    """Refuse every write outside ``writable`` (folders and /dev/null) for this thread and what it starts from now on.

    Call it before the first thread starts. It can't be undone. Where the kernel has no Landlock nothing happens, and
    the result says so.
    """
    version = landlock_version()
    if version == 0:
        return Restriction(version=0, reason=f"the kernel has no Landlock ({os.strerror(ctypes.get_errno())})")
    governed = _governed(version)
    attributes = _RulesetAttributes(governed)
    ruleset = _syscall(
        _CREATE_RULESET, ctypes.byref(attributes), ctypes.c_size_t(ctypes.sizeof(attributes)), ctypes.c_uint32(0)
    )
    if ruleset < 0:
        return _failed(version, "no rules could be made")
    try:
        for path in (*writable, "/dev/null"):
            if _allow(ruleset, path, governed) < 0:
                return _failed(version, f"{path} could not be allowed")
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), 0, 0, 0) != 0:
            return _failed(version, "no_new_privs was refused")
        if _syscall(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0)) < 0:
            return _failed(version, "the rules were refused")
    finally:
        os.close(ruleset)
    return Restriction(version=version, reason=None)


def _governed(version: int) -> int:
    rights = _WRITE_FILE | _CHANGE_TREE
    if version >= 2:
        rights |= _REFER
    if version >= 3:
        rights |= _TRUNCATE
    return rights


def _allow(ruleset: int, path: str, governed: int) -> int:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        rule = _PathBeneath(governed if is_folder else governed & _OF_A_FILE, descriptor)
        return _syscall(
            _ADD_RULE,
            ctypes.c_int(ruleset),
            ctypes.c_int(_RULE_PATH_BENEATH),
            ctypes.byref(rule),
            ctypes.c_uint32(0),
        )
    finally:
        os.close(descriptor)


def _failed(version: int, what: str) -> Restriction:
    number = ctypes.get_errno()
    return Restriction(version=version, reason=f"{what} ({os.strerror(number)})")


def _syscall(number: int, *arguments: object) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    return int(libc.syscall(ctypes.c_long(number), *arguments))
