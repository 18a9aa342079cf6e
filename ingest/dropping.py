"""Drops what made a step of the ingest fail for a reason of the program's own: the folder is walked again."""

from catalog import jobs
from catalog.errors import CatalogueUnavailable
from catalog.jobs import Later
from ingest.answers import end_answer
from ingest.checks import DueCheck
from ingest.core import Core
from ingest.due import UNKNOWN_AGAIN
from ingest.listing import ListingPart, PassEnded
from ingest.results import drop_results
from ingest.set_looks import SetCheck
from ingest.watched import WatchedRoot


def drop_poisoned(core: Core, step: str) -> None:
    """Drop what made a step fail for a reason of the program's own: its folder is walked again soon.

    ``step`` is "result", or "look" and "scan" with the name of the root. Filesets whose second look failed are due
    again later: at once they would fail again and again.
    """
    if step == "result":
        drop_results(core)
    kind, _, name = step.partition(" ")
    for root in core.roots.values():
        if root.name == name and kind == "look" and root.answers:
            _drop_answer(core, root)
        if root.name == name and kind == "scan" and root.parts:
            _drop_part(core, root)


def _drop_part(core: Core, root: WatchedRoot) -> None:
    """Drop what a walk gave; of a walk that lacks a part nothing counts as missing, and the folder is walked again."""
    part = root.parts.popleft()
    if isinstance(part, PassEnded):
        root.end_walk(part.number)
    elif isinstance(part, ListingPart):
        root.troubled.failed(part.directory, core.clock.monotonic())
        if part.walk in root.walks:
            root.walks[part.walk].is_broken = True


def _drop_answer(core: Core, root: WatchedRoot) -> None:
    order, _ = root.answers[0]
    end_answer(core, root)
    root.troubled.failed(order.directory, core.clock.monotonic())
    match order.tag:
        case DueCheck(filesets=filesets):
            due = {one.id for one in filesets.values()}
        case SetCheck() as check:
            due = {check.due.id}
        case _:
            return
    root.looking -= due  # also of a set whose other answers are still to come
    again_at = core.steady.now() + UNKNOWN_AGAIN
    try:
        with core.catalogue.writing() as connection:
            jobs.push_due(connection, [Later(fileset_id=one, due_at=again_at) for one in due])
    except CatalogueUnavailable:
        core.may_be_due = True  # what is tried again says so, too
