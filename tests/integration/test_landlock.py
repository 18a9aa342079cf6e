"""Landlock for real, in a process of its own: no write outside the state directory."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from daemon.landlock import landlock_version

TRY = """
import json, os, sys
from pathlib import Path
from daemon.landlock import restrict_writes
from daemon.state_dir import use_own_temporary_folder
from daemon.worker_process import WorkerLimits
from daemon.workers import WorkerPool
from tests.helpers.program import wait_until
from tests.helpers.reading import read, task

state, root = Path(sys.argv[1]), Path(sys.argv[2])

def outcome(act):
    try:
        act()
    except OSError as error:
        return type(error).__name__
    return "done"

def by_a_worker(path):
    pool.submit(task(path))
    found = []
    wait_until(lambda: found.extend(pool.results.take(1)) or found)
    return found[0].reason

if __name__ == "__main__":
    use_own_temporary_folder(state)
    restriction = restrict_writes((str(state),))
    pool = WorkerPool(
        workers=1, limits=WorkerLimits(data_bytes=None, niceness=0, preload=("tests.helpers.reading",)), read=read
    )
    pool.start()
    acts = {
        "create": lambda: (root / "new").write_text("x"),
        "overwrite": lambda: (root / "old").write_text("x"),
        "append": lambda: (root / "old").open("ab").close(),
        "truncate": lambda: os.truncate(root / "old", 0),
        "unlink": lambda: (root / "old").unlink(),
        "rename": lambda: (root / "old").rename(root / "other"),
        "rename into": lambda: (state / "mine").rename(root / "mine"),
        "link": lambda: os.link(root / "old", root / "hard"),
        "symlink": lambda: (root / "soft").symlink_to("old"),
        "mkdir": lambda: (root / "folder").mkdir(),
        "rmdir": lambda: (root / "empty").rmdir(),
        "fifo": lambda: os.mkfifo(root / "fifo"),
        "elsewhere": lambda: Path(sys.argv[3]).write_text("x"),
    }
    (state / "mine").write_text("x")
    answers = {name: outcome(act) for name, act in acts.items()}
    allowed = {
        "read": outcome(lambda: (root / "old").read_text()),
        "null": outcome(lambda: Path("/dev/null").write_text("x")),
        "state": outcome(lambda: (state / "own").write_text("x")),
        "state unlink": outcome(lambda: (state / "own").unlink()),
    }
    workers = {"root": by_a_worker(root / "write-1"), "state": by_a_worker(state / "write-2")}
    pool.stop()
    print(json.dumps([restriction.is_enforced, answers, allowed, workers]))
"""


def test_no_file_outside_the_state_directory_can_be_changed(tmp_path: Path) -> None:
    if landlock_version() < 3:
        pytest.skip("this kernel has no Landlock of version 3: nothing to hold us to")
    state, root = tmp_path / "state", tmp_path / "root"
    for folder in (state, root, root / "empty"):
        folder.mkdir()
    (root / "old").write_text("precious")
    ended = subprocess.run(
        [sys.executable, "-c", TRY, str(state), str(root), str(tmp_path / "elsewhere")],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    is_enforced, answers, allowed, workers = json.loads(ended.stdout)
    assert is_enforced
    assert {name for name, answer in answers.items() if answer == "done"} == set()
    assert set(allowed.values()) == {"done"}
    assert workers == {"root": "Permission denied", "state": "written"}
    assert sorted(path.name for path in root.iterdir()) == ["empty", "old"]
    assert (root / "old").read_text() == "precious"
    assert not (tmp_path / "elsewhere").exists()
