"""What a process holds: open files below a folder, threads and child processes, to compare before and after a test."""

import gc
import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

#: Python's own helpers, started once a process and meant to stay.
_STAYING = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")
#: For threads and processes that are on their way out.
_PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Remains:
    """A snapshot of what the process held before the test."""

    files: frozenset[tuple[str, str]]
    threads: frozenset[threading.Thread]
    children: frozenset[int]

    @classmethod
    def of_this_process(cls, base: Path) -> "Remains":
        """Take the snapshot; of files only those below ``base``."""
        return cls(files=_open_files(base), threads=frozenset(threading.enumerate()), children=frozenset(_children()))

    def left_behind(self, base: Path, scratch: Path) -> list[str]:
        """Name what came since and is still there after a moment of patience."""
        deadline = time.monotonic() + _PATIENCE_S
        left = self._since(base, scratch)
        while left and time.monotonic() < deadline:
            gc.collect()
            time.sleep(0.02)
            left = self._since(base, scratch)
        return left

    def _since(self, base: Path, scratch: Path) -> list[str]:
        files = [f"open file {name} (descriptor {number})" for number, name in sorted(_open_files(base) - self.files)]
        threads = [f"thread {thread.name}" for thread in threading.enumerate() if thread not in self.threads]
        children = [f"child process {pid} ({words})" for pid, words in _children().items() if pid not in self.children]
        temporary = [f"temporary file {path}" for path in sorted(scratch.iterdir())]
        return [*files, *threads, *children, *temporary]


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; it may end while it is looked at."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def open_files(pid: int | str = "self") -> frozenset[tuple[str, str]]:
    """Give descriptors and names of the files that a process has open; its threads may close some meanwhile."""
    found = set()
    for number in os.listdir(f"/proc/{pid}/fd"):
        with suppress(OSError):
            found.add((number, os.readlink(f"/proc/{pid}/fd/{number}")))
    return frozenset(found)


def _open_files(base: Path) -> frozenset[tuple[str, str]]:
    return frozenset(one for one in open_files() if one[1].startswith(f"{base}{os.sep}"))


def _children() -> dict[int, str]:
    """Give the command lines of the child processes by id, without those that are meant to stay."""
    found: dict[int, str] = {}
    for task in Path("/proc/self/task").iterdir():
        try:
            pids = [int(pid) for pid in (task / "children").read_text().split()]
        except OSError:
            continue
        found.update({pid: _command_line(pid) for pid in pids})
    return {pid: words for pid, words in found.items() if not any(name in words for name in _STAYING)}


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return "gone"
