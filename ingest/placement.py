"""What the rules say about a path: a placement, or why there is none. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where an image is filed. ``well`` is (row, column), ``field`` too is zero-based.

    None everywhere: an orphaned image, as in OMERO. Where a rule gives a project and no dataset, the dataset
    has taken the project's name already.
    """

    project: str | None = None
    dataset: str | None = None
    screen: str | None = None
    plate: str | None = None
    run: str | None = None
    well: tuple[int, int] | None = None
    field: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """A rule's word about one path. Names of people and groups are texts still; `ownership` resolves them."""

    rule: str
    target: Target
    image: str
    owner: str | None
    group: str | None
    #: Where the two texts came from, for people: "folder 'ab3c'", "set", "default".
    owner_from: str
    group_from: str
    is_posix: bool = False
    container_owner: str | None = None
    #: Captured `channel z t`, as the text that was captured.
    dimensions: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    key_values: tuple[tuple[str, str], ...] = ()
    annotate: str = "image"
    description: str | None = None
    crosscheck: str = "hold"
    settle_s: float = 10.0
    projection: str = "middle"
    associated_images: str = "hide"


class NotPlacedAs(StrEnum):
    """Why a path has no placement."""

    IGNORED = "ignored"
    SKIPPED = "skipped"
    UNMATCHED = "unmatched"
    HELD = "held"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotPlaced:
    """A path without placement; ``reason`` is a sentence that a person understands."""

    disposition: NotPlacedAs
    reason: str
    rule: str | None = None
    #: The group, where a held path got that far (goes to Sighting.group_id: that group's owners see it queued).
    group_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """Whose an image is, by ids, and how that was decided, for people."""

    owner_id: int
    group_id: int
    container_owner_id: int
    owner_by: str
    #: A sentence when `crosscheck: warn` found another writer.
    warning: str | None = None
    #: For `unknown: create`: the name to be made a user in the group first; owner_id is 0 then.
    create_name: str | None = None
