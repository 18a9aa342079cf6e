"""What a worker does beside reading: nothing that a damaged file held stays behind it."""

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.worker_process import read_each
from ingest.work import Outcome, ReadResult, ReadTask
from tests.helpers.reading import task


class Content:
    """Stands for what was read of a file, in a circle as frames of a traceback are."""

    def __init__(self) -> None:
        self.circle = self


@pytest.fixture
def rare_garbage() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(50_000, 10, 10)
    yield
    gc.set_threshold(*before)


@pytest.mark.usefixtures("rare_garbage")
def test_what_a_damaged_file_held_is_let_go_before_the_next_batch() -> None:
    held = []

    def read(wanted: ReadTask) -> ReadResult:
        held.append(weakref.ref(Content()))
        return ReadResult(
            fileset_id=wanted.fileset_id, claim=wanted.claim, digest=wanted.digest, outcome=Outcome.DAMAGED
        )

    results = read_each(read, (task(Path("a"), fileset_id=1), task(Path("b"), fileset_id=2)))

    assert [result.fileset_id for result in results] == [1, 2]
    assert [reference() for reference in held] == [None, None]
