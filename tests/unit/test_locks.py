"""One ingest per catalogue."""

import errno
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from daemon.errors import AnotherInstance
from daemon.locks import file_lock_holder, lock_file

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
HOLD = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from daemon.locks import lock_file
lock = lock_file(Path(sys.argv[1]), now=datetime(2026, 3, 1, 9, 0, tzinfo=UTC))
print("held", flush=True)
sys.stdin.read()
"""


def test_the_second_is_refused_and_told_who_was_first(tmp_path: Path) -> None:
    lock = lock_file(tmp_path, now=NOW)
    with pytest.raises(AnotherInstance, match=f"another instance is running: pid {os.getpid()} on .* since 2026-03-01"):
        lock_file(tmp_path, now=NOW)
    holder = file_lock_holder(tmp_path)
    assert holder is not None
    assert (holder.pid, holder.started_at) == (os.getpid(), NOW)
    assert lock.is_held()
    lock.release()


def test_a_released_lock_is_free(tmp_path: Path) -> None:
    lock = lock_file(tmp_path, now=NOW)
    lock.release()
    assert not lock.is_held()
    assert file_lock_holder(tmp_path) is None
    lock_file(tmp_path, now=NOW).release()


def test_a_killed_process_leaves_no_lock(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    with pytest.raises(AnotherInstance, match=f"pid {process.pid} "):
        lock_file(tmp_path, now=NOW)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    lock_file(tmp_path, now=NOW).release()


def test_the_descriptor_is_not_inherited(tmp_path: Path) -> None:
    lock = lock_file(tmp_path, now=NOW)
    assert lock._descriptor is not None
    assert not os.get_inheritable(lock._descriptor)
    lock.release()


def test_a_link_in_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "ingest.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        lock_file(tmp_path, now=NOW)
    assert not (tmp_path / "elsewhere").exists()


def test_a_full_disk_keeps_nobody_from_holding_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", no_space)
    lock = lock_file(tmp_path, now=NOW)
    with pytest.raises(AnotherInstance):
        lock_file(tmp_path, now=NOW)
    lock.release()


def test_a_half_written_lock_still_refuses(tmp_path: Path) -> None:
    lock = lock_file(tmp_path, now=NOW)
    (tmp_path / "ingest.lock").write_bytes(b'{"pid": 1')
    with pytest.raises(AnotherInstance, match="its process is not known"):
        lock_file(tmp_path, now=NOW)
    lock.release()
