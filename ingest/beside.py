"""Asks the instrument's index that lies beside an image's files what it knows of them."""

import logging
from dataclasses import dataclass, replace

from catalog.captured import read as read_captured
from catalog.records import Acquisition
from config.path_text import path_text
from ingest.image_facts import ImageFacts
from ingest.index_facts import image_facts
from ingest.indexes.finding import find_index
from ingest.indexes.values import PlateFacts
from ingest.work import ReadTask

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What an index told of an image and its plate, or the sentence why it told nothing."""

    facts: ImageFacts | None = None
    plate: PlateFacts | None = None
    note: str | None = None


NOTHING_BESIDE = Beside()


def told_beside(task: ReadTask) -> Beside:
    """Find the index by the first of an image's files, and ask it about each of them."""
    try:
        return _told(task)
    except OSError:
        return NOTHING_BESIDE
    except Exception:
        # A worker's boundary inside a worker's job: the pictures are worth more than what an index says of them.
        logger.exception("index_failed")
        return Beside(note="the instrument's index told nothing: reading it failed")


def _told(task: ReadTask) -> Beside:
    found = find_index(task.root, task.members[0].path) if task.members else None
    if found is None:
        return NOTHING_BESIDE
    index = found.index
    if index is None:
        return Beside(note=found.note)
    pairs = [(read_captured(one.captured), path_text(one.path.rpartition(b"/")[2])) for one in task.members]
    said = [(captured, index.plane(name, captured)) for captured, name in pairs]
    facts = image_facts([(captured, plane) for captured, plane in said if plane is not None])
    if facts is None:
        return Beside(plate=index.plate, note=f"'{found.name}' does not name it")
    told = replace(facts.acquisition or Acquisition(), index=found.name)
    return Beside(facts=replace(facts, acquisition=told), plate=index.plate)
