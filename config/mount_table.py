"""The kernel's table of what is mounted where (/proc/self/mountinfo): read and understood here, for all rooms."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

MOUNT_TABLE = Path("/proc/self/mountinfo")
_OCTAL = re.compile(rb"\\([0-3][0-7]{2})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """One line of the table, its paths as raw bytes.

    ``point`` is where it is mounted, ``root`` which folder of its file system is, ``device`` its number (``st_dev``);
    ``source`` stands in the table's own escapes, as roots are remembered by it.
    """

    point: bytes
    root: bytes
    device: int
    file_system: str
    source: bytes


def read_mounts() -> tuple[Mount, ...]:
    """Read what is mounted, as this process sees it; nothing where the system does not tell."""
    try:
        return parse_mounts(MOUNT_TABLE.read_bytes())
    except OSError:
        return ()


def parse_mounts(table: bytes) -> tuple[Mount, ...]:
    """Understand the text of the table, in its order; a line that is none is left out."""
    # Not `splitlines`: the kernel writes a newline as \012, and other ends of lines as they are.
    return tuple(mount for line in table.split(b"\n") if (mount := _parsed(line)) is not None)


def mount_of(path: bytes, mounts: Iterable[Mount]) -> Mount | None:
    """Find the mount that an absolute path without links lies on: the innermost, and of two on one place the later."""
    found: Mount | None = None
    for mount in mounts:
        is_at_or_below = path == mount.point or path.startswith(mount.point.rstrip(b"/") + b"/")
        if is_at_or_below and (found is None or len(mount.point) >= len(found.point)):
            found = mount
    return found


def _parsed(line: bytes) -> Mount | None:
    """Read one line, by proc(5): ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [OPTIONAL...] - TYPE SOURCE SUPER-OPTIONS."""
    before, separator, after = line.partition(b" - ")
    fields, rest = before.split(b" "), after.split(b" ")
    major, _, minor = fields[2].partition(b":") if len(fields) > 4 else (b"", b"", b"")
    if not separator or len(rest) < 2 or not (major.isdigit() and minor.isdigit()):
        return None
    return Mount(
        point=_unescaped(fields[4]),
        root=_unescaped(fields[3]),
        device=os.makedev(int(major), int(minor)),
        file_system=os.fsdecode(rest[0]),
        source=rest[1],
    )


def _unescaped(text: bytes) -> bytes:
    return _OCTAL.sub(lambda found: bytes((int(found[1], 8),)), text)
