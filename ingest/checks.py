"""Why names are looked at: the tags of orders to a scanner, by which the loop knows what an answer is for."""

from dataclasses import dataclass

from catalog.jobs import Failed
from catalog.looks import DueFileset
from ingest.listing import Entry, NamesLook, RootLost


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveCheck:
    """A new file may be the known one that lay there."""

    directory: bytes
    entry: Entry
    was_closed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HintCheck:
    """An event, or a request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgainCheck:
    """Rules or people changed, so names are placed again though unchanged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplacedCheck:
    """Imported names hold another file than before: an update, if the file that lay there did not just move."""


@dataclass(slots=True, kw_only=True)
class RequestCheck:
    """A request names a path: what is it? ``look`` is the answer, None until it came."""

    name: bytes
    look: NamesLook | RootLost | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DueCheck:
    """Filesets are due; ``filesets`` by the name of their file."""

    filesets: dict[bytes, DueFileset]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictCheck:
    """A reader found a file not whole; did it change, or is it incomplete?"""

    failure: Failed
