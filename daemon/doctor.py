"""Checks of the machine and the installation that `coverslip doctor` makes; each gives findings, none raises."""

import ctypes
import os
import shutil
import stat
import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Literal

from config.files import out_of_reach
from config.mount_table import Mount, mount_of
from daemon.access import name_of
from daemon.landlock import landlock_version
from daemon.mounts import decide_events
from daemon.tables import size_text
from ingest.free_space import FREE_AT_LEAST_BYTES

#: The packages of this program, whose names are so common that another distribution may bring one, too.
OWN_PACKAGES = ("catalog", "config", "daemon", "ingest")
#: Below this `doctor` says that the ingest will pause, in time.
WARN_BELOW_BYTES = 2_000_000_000
#: What `systemd/` of the project sets; distributions begin at 8,192 watches.
WANTED_WATCHES = 524_288
WANTED_INSTANCES = 256
INOTIFY = Path("/proc/sys/fs/inotify")
_OLDEST_PYTHON = (3, 11)
_CLOCK_SLACK = timedelta(minutes=2)
#: struct timex of adjtimex(2): 208 bytes on 64 bits, ``status`` at 40, STA_UNSYNC is 0x40.
_TIMEX_BYTES, _TIMEX_STATUS, _STA_UNSYNC = 208, 40, 0x40


class Verdict(StrEnum):
    """How a check ended."""

    GOOD = "good"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check found, and what to do about it when it is not good."""

    check: str
    verdict: Verdict
    message: str
    hint: str | None = None


def good(check: str, message: str) -> Finding:
    """Give a finding that all is well."""
    return Finding(check=check, verdict=Verdict.GOOD, message=message)


def warning(check: str, message: str, hint: str) -> Finding:
    """Give a finding that should be looked after."""
    return Finding(check=check, verdict=Verdict.WARNING, message=message, hint=hint)


def problem(check: str, message: str, hint: str) -> Finding:
    """Give a finding that keeps the program from working as promised."""
    return Finding(check=check, verdict=Verdict.PROBLEM, message=message, hint=hint)


def python_version(version: tuple[int, ...]) -> Finding:
    """Check the interpreter."""
    text = ".".join(map(str, version[:3]))
    if version >= _OLDEST_PYTHON:
        return good("python", f"{text} in {sys.prefix}")
    return problem("python", f"{text} is too old", "install Python 3.11 or newer")


def package_names(owners: Mapping[str, Iterable[str]]) -> Finding:
    """Check that no other distribution brings a package of the same name; ``owners`` by package name."""
    others = sorted(
        {f"{name} ({owner})" for name in OWN_PACKAGES for owner in owners.get(name, ()) if owner != "coverslip"}
    )
    if not others:
        return good("packages", "no other distribution has packages of these names")
    return problem(
        "packages",
        f"other distributions bring packages of the same name: {', '.join(others)}",
        "install coverslip alone in an environment of its own",
    )


def state_directory(path: Path) -> Finding:
    """Check owner and mode of the state directory: only its own account may read it."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return problem("state directory", f"{path} is missing", "`coverslip init` or the systemd unit makes it")
    except OSError as error:
        return problem("state directory", f"{path}: {error.strerror}", "run doctor as the service's account or root")
    if not stat.S_ISDIR(found.st_mode):
        return problem("state directory", f"{path} is no folder", "set state_dir to a folder")
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o077:
        return problem(
            "state directory", f"{path} has mode {mode:04o}: others can read the catalogue", f"chmod 0700 {path}"
        )
    return good("state directory", f"{path} belongs to {name_of(found.st_uid)}, mode {mode:04o}")


def files_in_state(path: Path) -> Finding:
    """Check that everything in the state directory belongs to its owner and is closed to others."""
    try:
        owner = path.stat().st_uid
        found = [(entry, entry.lstat()) for entry in sorted(path.iterdir())]
    except OSError as error:
        return problem("state files", f"{path}: {error.strerror}", "run doctor as the service's account or root")
    foreign = [entry.name for entry, stats in found if stats.st_uid != owner]
    if foreign:
        names = ", ".join(foreign[:5])
        return problem("state files", f"not of {name_of(owner)}: {names}", f"chown -R {name_of(owner)} {path}")
    is_open = [entry.name for entry, stats in found if stats.st_mode & 0o007 and not stat.S_ISLNK(stats.st_mode)]
    if is_open:
        return warning("state files", f"others can read: {', '.join(is_open[:5])}", f"chmod -R o-rwx {path}")
    return good("state files", f"{len(found)} entries, all of {name_of(owner)}")


def configuration_mode(path: Path) -> Finding:
    """Check who may write the configuration: to write it is administrator's power."""
    try:
        found = {place: place.stat() for place in (path, path.parent)}
    except OSError as error:
        return problem("configuration file", f"{path}: {error.strerror}", "run doctor as somebody who can read it")
    for place, stats in found.items():
        mode, is_folder = stat.S_IMODE(stats.st_mode), place == path.parent
        is_sticky = is_folder and mode & stat.S_ISVTX
        if mode & 0o002 and not is_sticky:
            hint = out_of_reach(path, place, stats) if is_folder else f"chmod o-w {place}"
            return problem("configuration file", f"everybody can write {place}", hint)
        if mode & 0o020 and not is_sticky:
            return warning(
                "configuration file",
                f"the group of {place} can write it, and so is administrator here",
                f"chmod g-w {place}, unless that is meant",
            )
    return good("configuration file", f"only {name_of(found[path].st_uid)} can write {path}")


def free_space(path: Path) -> Finding:
    """Check the free space of the state directory."""
    try:
        free = shutil.disk_usage(path).free
    except OSError as error:
        return problem("free space", f"{path}: {error.strerror}", "mount or make the state directory")
    message = f"{size_text(free)} free for {path}"
    if free < FREE_AT_LEAST_BYTES:
        return problem("free space", f"{message}: the ingest pauses", "free some space there")
    if free < WARN_BELOW_BYTES:
        return warning("free space", message, "below 200 MB the ingest pauses")
    return good("free space", message)


def inotify_limits(folder: Path = INOTIFY, *, folders_known: int | None = None) -> Finding:
    """Check how many folders the kernel lets one user watch; what it does not is found by scans, later."""
    try:
        watches = int((folder / "max_user_watches").read_text())
        instances = int((folder / "max_user_instances").read_text())
    except (OSError, ValueError):
        return warning("inotify", "the kernel tells no limits", "folders may be polled instead of watched")
    known = f", {folders_known} folders are known" if folders_known is not None else ""
    message = f"{watches} folders can be watched{known}"
    hint = "install systemd's drop-in systemd/60-coverslip-sysctl.conf, or raise fs.inotify.max_user_watches"
    if folders_known is not None and watches < folders_known:
        return problem("inotify", message, hint)
    if watches < WANTED_WATCHES or instances < WANTED_INSTANCES // 2:
        return warning("inotify", message, hint)
    return good("inotify", message)


def landlock(version: int | None = None) -> Finding:
    """Check that the kernel can keep this program from writing in watched folders."""
    found = landlock_version() if version is None else version
    if found >= 3:
        return good("landlock", f"version {found}: the kernel refuses writing outside the state directory")
    if found > 0:
        return warning("landlock", f"version {found} does not cover truncation", "Linux 6.2 or newer has version 3")
    return warning(
        "landlock", "this kernel has none", "systemd's ProtectSystem=strict still keeps the watched folders unwritten"
    )


def root(name: str, path: Path, events: Literal["auto", "native", "polling"], mounts: Collection[Mount]) -> Finding:
    """Check that a watched folder can be listed, and say how it is watched."""
    check = f"root {name}"
    if not path.is_dir():
        return problem(check, f"{path} is missing or no folder", "mount it, or correct the configuration")
    if not os.access(path, os.R_OK | os.X_OK):
        return problem(check, f"{path} can't be listed by {name_of(os.geteuid())}", "let this account read it")
    how = decide_events(events, mount_of(os.fsencode(path.resolve()), mounts))
    return good(check, f"{path}: {how.reason}")


def clock(now: datetime, written_at: Iterable[datetime]) -> Finding:
    """Check that the clock is kept by a time server, and not behind what was written on this machine."""
    newest = max(written_at, default=now)
    if newest > now + _CLOCK_SLACK:
        return problem("clock", f"it is behind a file written at {newest:%Y-%m-%d %H:%M} UTC", "set the clock")
    if not _is_synchronised():
        return warning("clock", "no time server keeps it", "enable systemd-timesyncd or chrony: times of import count")
    return good("clock", f"{now:%Y-%m-%d %H:%M} UTC, kept by a time server")


def _is_synchronised() -> bool:
    buffer = ctypes.create_string_buffer(_TIMEX_BYTES)
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(buffer)
    except (OSError, AttributeError):
        return False
    status = int.from_bytes(buffer.raw[_TIMEX_STATUS : _TIMEX_STATUS + 4], sys.byteorder)
    return state >= 0 and not status & _STA_UNSYNC
