"""Real mounts for a test, in a mount namespace of its own: nothing of them is seen outside, nothing of them stays.

Only for tests that run as root. Threads and processes that are started inside see the mounts, too; they must have
ended when the block does.
"""

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CLONE_NEWNS = 0x00020000
_libc = ctypes.CDLL(None, use_errno=True)


@contextmanager
def own_mounts() -> Iterator[None]:
    """Give this thread a mount namespace of its own for the length of the block."""
    folder = Path.cwd()
    before = os.open("/proc/thread-self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _done(_libc.unshare(_CLONE_NEWNS), "unshare")
        _run("mount", "--make-rprivate", "/")
        try:
            yield
        finally:
            _done(_libc.setns(before, _CLONE_NEWNS), "setns")
            os.chdir(folder)
    finally:
        os.close(before)


def mount_tmpfs(at: Path, *, size: str = "16m", options: str = "") -> None:
    """Mount an empty file system in memory."""
    at.mkdir(parents=True, exist_ok=True)
    _run("mount", "-t", "tmpfs", "-o", f"size={size},mode=0755{options}", "coverslip-test", str(at))


def mount_bind(source: Path, at: Path) -> None:
    """Let a folder be seen at another place, too."""
    at.mkdir(parents=True, exist_ok=True)
    _run("mount", "--bind", str(source), str(at))


def mount_loop(image: Path, at: Path, *, options: str = "") -> None:
    """Mount a file that holds a file system."""
    at.mkdir(parents=True, exist_ok=True)
    _run("mount", "-o", f"loop{options}", str(image), str(at))


@contextmanager
def loop_device(image: Path) -> Iterator[str]:
    """Make a device of a file, another than it or any other file has, for the length of the block."""
    device = _run("losetup", "--find", "--show", str(image)).strip()
    try:
        yield device
    finally:
        _run("losetup", "--detach", device)


def mount_device(device: str, at: Path) -> None:
    """Mount a device that holds a file system."""
    _run("mount", device, str(at))


def make_ext4(image: Path, *, size: str = "16M") -> Path:
    """Make a file that holds an empty ext4."""
    _run("truncate", "-s", size, str(image))
    _run("mkfs.ext4", "-q", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0", str(image))
    return image


def remount(at: Path, options: str) -> None:
    """Change how something is mounted."""
    _run("mount", "-o", f"remount,{options}", str(at))


def unmount(at: Path, *, is_lazy: bool = False) -> None:
    """Take a mount away; lazily when somebody may have something open in it."""
    _run("umount", *(["-l"] if is_lazy else []), str(at))


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (command, done.stderr)
    return done.stdout


def _done(code: int, call: str) -> None:
    if code != 0:
        raise OSError(ctypes.get_errno(), f"{call} is refused; these tests have to run as root")
