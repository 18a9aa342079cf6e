"""The daemon's side of requests: polled cheaply, answered when they are done."""

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from catalog.changes import Changes
from catalog.engine import Catalogue
from catalog.errors import CatalogueError
from catalog.requests import (
    Answer,
    Asked,
    answer,
    answer_to,
    ask,
    ask_again,
    forget_before,
    has_asked,
    take_asked,
    withdraw,
)
from ingest.clock import Clock
from ingest.summary import ImportSummary

logger = logging.getLogger(__name__)

POLL_EVERY_S = 0.5
KEPT_FOR = timedelta(days=7)


class Asking(Protocol):
    """What the ingest loop does for requests."""

    def request_import(self, paths: tuple[Path, ...] = (), *, wait: bool = True) -> "Future[ImportSummary]":
        """Import what lies at the paths."""
        ...

    def request_scan(self, root: str | None = None) -> None:
        """Ask for a full pass."""
        ...

    def wake(self) -> None:
        """Look at the inboxes and the jobs now."""
        ...


class RequestInbox:
    """Takes requests in a thread of its own and hands them to the loop; a future's end writes the answer."""

    def __init__(self, *, catalogue: Catalogue, loop: Asking, clock: Clock) -> None:
        self._catalogue = catalogue
        self._loop = loop
        self._clock = clock
        self._stopping = threading.Event()
        self._open: dict[int, Future[ImportSummary]] = {}
        self._thread = threading.Thread(target=self._run, name="requests", daemon=True)

    def start(self) -> None:
        """Take again what an earlier daemon left, and begin."""
        with self._catalogue.writing() as connection:
            ask_again(connection)
            forget_before(connection, self._clock.now() - KEPT_FOR)
        self._thread.start()

    def stop(self, within_s: float = 5.0) -> bool:
        """End; what is not answered yet is done by the next daemon."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(within_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        changes = Changes(self._catalogue)
        while not self._stopping.wait(POLL_EVERY_S):
            try:
                self._answer_finished()
                if changes.may_have_come():
                    self._take()
            except CatalogueError as error:
                changes.forget()
                logger.warning("requests.catalogue", extra={"problem": str(error)})
            except Exception:
                # The boundary of this thread: the next look tries again.
                changes.forget()
                logger.exception("requests.failed")
        changes.close()

    def _take(self) -> None:
        with self._catalogue.reading() as connection:
            if not has_asked(connection):
                return
        with self._catalogue.writing() as connection:
            taken = take_asked(connection)
        for asked in taken:
            logger.info("requests.taken", extra={"request": asked.id, "kind": asked.kind})
            self._begin(asked)

    def _begin(self, asked: Asked) -> None:
        match asked.kind:
            case "import":
                paths = tuple(Path(os.fsdecode(bytes.fromhex(path))) for path in asked.arguments.get("paths", ()))
                self._open[asked.id] = self._loop.request_import(paths, wait=bool(asked.arguments.get("wait", True)))
            case "scan":
                self._loop.request_scan(asked.arguments.get("root"))
                self._answer(asked.id, Answer(is_done=True, document={}))
            case "retry":
                self._loop.wake()
                self._answer(asked.id, Answer(is_done=True, document={}))
            case _:
                problem = f"this daemon does not know the request '{asked.kind}'; is it of another version?"
                self._answer(asked.id, Answer(is_done=False, document={"problem": problem}))

    def _answer_finished(self) -> None:
        for number, future in list(self._open.items()):
            if future.done():
                self._answer(number, _answer_of(future))
                del self._open[number]

    def _answer(self, number: int, given: Answer) -> None:
        with self._catalogue.writing() as connection:
            answer(connection, number, given, now=self._clock.now())


def _answer_of(future: "Future[ImportSummary]") -> Answer:
    if future.cancelled():
        return Answer(is_done=False, document={"problem": "the daemon stopped before it was done; ask again"})
    error = future.exception()
    if error is not None:
        return Answer(is_done=False, document={"problem": str(error) or type(error).__name__})
    return Answer(is_done=True, document=asdict(future.result()))


def hand_over(
    catalogue: Catalogue,
    kind: str,
    arguments: Mapping[str, Any],
    *,
    actor_id: int | None,
    clock: Clock,
    is_running: Callable[[], bool],
    stop: threading.Event,
) -> Answer:
    """Ask the running daemon and wait for its answer, for a command. The wait ends when the daemon does."""
    with catalogue.writing() as connection:
        number = ask(connection, kind, arguments, actor_id=actor_id, now=clock.now())
    looked_at = time.monotonic()
    while not stop.wait(0.2):
        with catalogue.reading() as connection:
            given = answer_to(connection, number)
        if given is not None:
            return given
        if time.monotonic() - looked_at > 2.0:
            looked_at = time.monotonic()
            if not is_running():
                break
    with catalogue.writing() as connection:
        withdraw(connection, number)
    problem = (
        "stopped waiting; the daemon goes on" if stop.is_set() else "the daemon ended before it was done; ask again"
    )
    return Answer(is_done=False, document={"problem": problem})


def import_arguments(paths: tuple[Path, ...], *, wait: bool) -> dict[str, Any]:
    """Give the arguments of an `import` request; paths are hexadecimal, for a name may be any bytes."""
    return {"paths": [os.fsencode(path).hex() for path in paths], "wait": wait}
