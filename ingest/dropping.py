"""Drops what made a step of the ingest fail for a reason of the program's own: the next pass looks at it again."""

from ingest.core import Core
from ingest.listing import PassEnded
from ingest.results import drop_results


def drop_poisoned(core: Core, step: str) -> None:
    """Drop what made a step fail for a reason of the program's own: the next pass looks at it again."""
    if step == "result":
        drop_results(core)
    for root in core.roots.values():
        if step == "look" and root.answers:
            order, _ = root.answers.popleft()
            root.answered(order)
            root.looking.clear()
        if step == "scan" and root.parts:
            part = root.parts.popleft()
            if isinstance(part, PassEnded):
                root.end_walk(part.number)
