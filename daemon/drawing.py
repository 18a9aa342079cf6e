"""A command's own worker: a file is read for a larger picture in a process that is bounded as the daemon's workers are.

Run as a program it takes a pickled `DrawTask` on standard input and gives the picture pickled, or the sentence why
there is none, on standard output.
"""

import os
import pickle
import subprocess
import sys
from typing import BinaryIO

from catalog.records import ThumbnailRecord
from daemon.errors import Failed
from daemon.landlock import restrict_writes
from daemon.worker_process import prepare_worker
from ingest.pixels import DrawTask, draw
from ingest.readers.protocol import ReadingError

PATIENCE_S = 300.0


def draw_apart(task: DrawTask, *, patience_s: float = PATIENCE_S) -> ThumbnailRecord:
    """Draw a picture in a process of its own, with limits on memory and time, that can write nowhere. Raises Failed."""
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
    if isinstance(result, str):
        raise Failed(result)
    if not isinstance(result, ThumbnailRecord):
        raise Failed("the reader gave no answer")
    return result


def _answer(questions: BinaryIO, answers: BinaryIO) -> None:
    from daemon.workers import default_limits  # the pool's library is needed in this process only

    task = pickle.load(questions)  # noqa: S301 - from the command that started this process
    prepare_worker(default_limits(preload=(), workers=2))
    restrict_writes(())
    answers.write(pickle.dumps(_drawn(task)))
    answers.flush()


def _drawn(task: DrawTask) -> ThumbnailRecord | str:
    try:
        return draw(task)
    except ReadingError as problem:
        return problem.reason
    except OSError as error:
        return f"a file of it can't be read: {os.strerror(error.errno) if error.errno else error}"


def main() -> None:
    """Answer one task; what a library prints goes nowhere."""
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)
        _answer(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
