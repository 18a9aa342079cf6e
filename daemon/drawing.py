"""A command's own worker: a file is read for a larger picture in a process that is bounded as the daemon's workers are.

Run as a program it takes a pickled `ReadTask` on standard input and gives a pickled `ReadResult` on standard output.
"""

import os
import pickle
import subprocess
import sys
from typing import BinaryIO

from daemon.errors import Failed
from daemon.landlock import restrict_writes
from daemon.worker_process import prepare_worker
from ingest.reading import read
from ingest.work import ReadResult, ReadTask

PATIENCE_S = 300.0


def read_apart(task: ReadTask, *, patience_s: float = PATIENCE_S) -> ReadResult:
    """Read a file in a process of its own, with limits on memory and time, that can write nowhere. Raises Failed."""
    # -P: what lies in the current folder is never taken for a module.
    command = [sys.executable, "-P", "-m", "daemon.drawing"]
    try:
        ended = subprocess.run(
            command,
            input=pickle.dumps(task),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=patience_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Failed(f"reading the file took longer than {patience_s:.0f} s") from None
    if ended.returncode != 0 or not ended.stdout:
        raise Failed("reading the file took more memory than a worker may have, or its reader broke down")
    result = pickle.loads(ended.stdout)  # noqa: S301 - from this very program, as the daemon's workers give theirs
    if not isinstance(result, ReadResult):
        raise Failed("the reader gave no answer")
    return result


def _answer(questions: BinaryIO, answers: BinaryIO) -> None:
    from daemon.workers import default_limits  # the pool's library is needed in this process only

    task = pickle.load(questions)  # noqa: S301 - from the command that started this process
    prepare_worker(default_limits(preload=(), workers=2))
    restrict_writes(())
    answers.write(pickle.dumps(read(task)))
    answers.flush()


def main() -> None:
    """Answer one task; what a library prints goes nowhere."""
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)
        _answer(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
