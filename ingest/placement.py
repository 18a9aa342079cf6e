"""What the rules say about a path: a placement, or why there is none. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Literal, NamedTuple

from config.endings import EndingKind, ending_of, without_ending
from config.path_text import path_text
from config.rule_outcome import OutcomeKind, outcome_of
from config.rule_values import DIMENSIONS, RuleMatch, TableLookup
from config.rules import RootRules
from config.settings import CompleteSettings, WatchSettings
from config.value_types import well_name
from ingest.image_facts import NamedChannel

DEFAULT_MAX_WAIT = CompleteSettings.model_fields["max_wait"].default
#: The word in ``owner``, ``set`` or ``default`` that stands for the file's owner and group on disk.
POSIX = "posix"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where an image is filed. ``well`` is (row, column), zero-based.

    ``field`` and ``tile`` are the numbers that the name gives, never shifted (``s2`` is field 2, ``P000`` is field 0);
    None: not said.

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
    tile: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Complete:
    """When the files of an image, or of a plate, are whole, as its rule says (`complete:`).

    ``marker`` is the name of the file to wait for; it is looked for from the file's folder upwards, in folders that
    are at least ``marker_depth`` components deep (0: the root). ``expect`` counts `channel z t` or `files`.
    """

    marker: str | None = None
    marker_depth: int = 0
    expect: Mapping[str, int] = field(default_factory=dict)
    max_wait_s: float = 7200.0
    on_stall: Literal["hold", "import"] = "hold"
    per: Literal["image", "plate"] = "image"


class Placement(NamedTuple):
    """A rule's word about one path. Names of people and groups are texts still; `ownership` resolves them.

    A tuple, because there are millions.
    """

    rule: str
    target: Target
    image: str
    owner: str | None
    group: str | None
    #: Where the two texts came from, for people: "folder 'ab3c'", "set", "default".
    owner_from: str
    group_from: str
    #: The file's uid decides the owner; its gid the group (``posix``).
    is_posix: bool = False
    is_posix_group: bool = False
    container_owner: str | None = None
    #: Captured `channel z t`, as the text that was captured (numbers without leading zeros): files that differ in
    #: nothing else are one image. Empty: the file is an image of its own, or describes one.
    dimensions: Mapping[str, str] = MappingProxyType({})
    #: The path's folders without those that hold one of the dimensions.
    folder: str = ""
    #: Who tells the dimensions: the names of the files, or their reader.
    by: Literal["names", "reader"] = "reader"
    channels: tuple[NamedChannel, ...] = ()
    #: None: it is whole when it is quiet.
    complete: Complete | None = None
    tags: tuple[str, ...] = ()
    key_values: tuple[tuple[str, str], ...] = ()
    annotate: str = "image"
    #: A line of a table beside the plate gives further key-values; it is read together with the image.
    table: TableLookup | None = None
    description: str | None = None
    #: What makes the rule the same one wherever it stands in the file: by it files are put together, not by its name.
    rule_identity: str = ""
    crosscheck: str = "hold"
    settle_s: float = 10.0
    projection: str = "middle"
    associated_images: str = "hide"
    #: The same for placements that differ in the image's name and the values of dimensions only; None: unknown.
    likeness: object = None


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


#: So many kinds of files are remembered; beyond that all are forgotten, which costs time only.
MOST_LIKENESSES = 4096
#: What rules have to say of a file below a storage root.
IN_STORAGE = "below a storage root: it is looked up by its content among the files that are known, whatever rules say"


def place(rules: RootRules, path: bytes) -> Placement | NotPlaced:
    """Say where the file at a path, raw bytes relative to the root, belongs by the rules; or why nowhere."""
    return Placing(rules).place(path)


class Placing:
    """Places the paths of one root. What files that a rule takes alike share is worked out for the first of them."""

    def __init__(self, rules: RootRules) -> None:
        self._rules = rules
        #: By the likeness of matches, and whether the file may describe a set.
        self._known: dict[tuple[object, bool], Placement] = {}

    def place(self, path: bytes) -> Placement | NotPlaced:
        """Say where the file at a path, raw bytes relative to the root, belongs by the rules; or why nowhere."""
        rules = self._rules
        if rules.watch.role == "storage":
            return NotPlaced(disposition=NotPlacedAs.SKIPPED, reason=IN_STORAGE)
        outcome = outcome_of(rules, path)
        match = outcome.match
        if match is None or outcome.kind is not OutcomeKind.MATCHED:
            return NotPlaced(disposition=NotPlacedAs(outcome.kind.value), reason=outcome.reason, rule=outcome.rule)
        if match.likeness is None:
            return _placement(rules, match, path_text(path))
        ending = ending_of(path.rpartition(b"/")[2])
        key = (match.likeness, ending is not None and ending.kind is EndingKind.SET)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= MOST_LIKENESSES:
                self._known.clear()
            known = self._known[key] = _placement(rules, match, path_text(path))._replace(likeness=object())
            return known
        return _like(known, match, path)


def _like(known: Placement, match: RuleMatch, path: bytes) -> Placement:
    """Give the placement of a file from that of one that the rule took alike."""
    dimensions = {one: match.targets[one] for one in known.dimensions} if known.dimensions else known.dimensions
    image = _image_like(known, match.targets.get("image"), path)
    return _new(Placement, (*known[:2], image, *known[3:_DIMENSIONS], dimensions, *known[_DIMENSIONS + 1 :]))


def _image_like(known: Placement, given: str | None, path: bytes) -> str:
    """Name an image as `_image_name` does, by what is known of one that the rule took alike."""
    target = known.target
    is_well = target.plate is not None and target.well is not None
    if given is not None:
        return given + _numbered(target) if known.dimensions and not is_well else given
    if known.dimensions or is_well:
        return known.image
    name = path.rpartition(b"/")[2]
    if not name.isascii() or b"\\" in name:
        return without_ending(path_text(name))
    ending = ending_of(name)  # asked of these very bytes before
    return name.decode("ascii") if ending is None else name[: -len(ending.text) - 1].decode("ascii")


_DIMENSIONS = Placement._fields.index("dimensions")
#: Makes a tuple of its fields in order, without the call by name.
_new = tuple.__new__


def _placement(rules: RootRules, match: RuleMatch, path: str) -> Placement:
    watch, rule = rules.watch, match.settings
    owner, is_posix, owner_from = _owner(match, watch)
    group, is_posix_group, group_from = _group(match, watch, is_posix=is_posix)
    settle = rule.complete.settle if rule.complete and rule.complete.settle is not None else watch.settle
    target = _target(match)
    *folders, name = path.split("/")
    by = _who_tells(match, name)
    dimensions = {one: match.targets[one] for one in DIMENSIONS if one in match.targets} if by == "names" else {}
    kept = [folder for number, folder in enumerate(folders) if number not in match.spread or not dimensions]
    return Placement(
        rule=match.rule,
        target=target,
        image=_image_name(match, target, name, kept or [watch.name], is_set=bool(dimensions)),
        owner=owner,
        group=group,
        owner_from=owner_from,
        group_from=group_from,
        is_posix=is_posix,
        is_posix_group=is_posix_group,
        container_owner=match.container_owner,
        tags=match.tags,
        key_values=match.key_values,
        annotate=rule.on,
        table=match.table,
        description=match.description,
        rule_identity=match.identity,
        crosscheck=rule.crosscheck or watch.crosscheck,
        settle_s=settle.total_seconds(),
        projection=rule.projection or rules.settings.thumbnails.projection,
        associated_images=rule.associated_images,
        dimensions=dimensions,
        folder="/".join(kept),
        by=by,
        channels=_channels(match) if dimensions else (),
        complete=_complete(match, len(folders)),
    )


def _who_tells(match: RuleMatch, name: str) -> Literal["names", "reader"]:
    """Say who tells the dimensions: names, once a rule captures any or a well; never those of what describes a set."""
    ending = ending_of(name)
    if ending is not None and ending.kind is EndingKind.SET:
        return "reader"
    by_names = match.well is not None or any(one in match.targets for one in DIMENSIONS)
    return match.settings.by or ("names" if by_names else "reader")


def _channels(match: RuleMatch) -> tuple[NamedChannel, ...]:
    return tuple(
        NamedChannel(value=number_text(value), name=said.name, color=said.color)
        for value, said in match.settings.channels.items()
    )


def number_text(text: str) -> str:
    """Give a value as captures are kept: a number without leading zeros, any other text as it is."""
    return str(int(text)) if text.isdecimal() and text.isascii() else text


def _complete(match: RuleMatch, depth: int) -> Complete | None:
    said = match.settings.complete
    if said is None or (said.marker is None and said.expect is None and said.max_wait == DEFAULT_MAX_WAIT):
        return None
    counts = {} if said.expect is None else said.expect.model_dump(exclude_none=True)
    return Complete(
        marker=match.marker,
        marker_depth=match.container_depth or depth,
        expect=counts,
        max_wait_s=said.max_wait.total_seconds(),
        on_stall=said.on_stall,
        per=said.per,
    )


def _target(match: RuleMatch) -> Target:
    said = match.targets
    tile = int(said["tile"]) if "tile" in said else None
    # In a plate, tiles without a field are the fields.
    is_field = match.well is not None and match.field is None
    return Target(
        project=said.get("project"),
        dataset=said.get("dataset") or said.get("project"),
        screen=said.get("screen"),
        plate=said.get("plate"),
        run=said.get("run"),
        well=match.well,
        field=tile if is_field else match.field,
        tile=None if is_field else tile,
    )


def _image_name(match: RuleMatch, target: Target, name: str, folders: list[str], *, is_set: bool) -> str:
    """Name the image: as captured, in a plate by well and field; else after the file, or of many the folder."""
    given = match.targets.get("image")
    if target.plate is not None and target.well is not None:
        return given or f"{target.plate} {well_name(target.well)}{_numbered(target)}"
    if is_set:
        return (given or folders[-1]) + _numbered(target)
    return given or without_ending(name)


def _numbered(target: Target) -> str:
    """Give field and tile as a name ends with them."""
    numbers = (("field", target.field), ("tile", target.tile))
    return "".join(f" {word} {value}" for word, value in numbers if value is not None)


def _owner(match: RuleMatch, watch: WatchSettings) -> tuple[str | None, bool, str]:
    """Give the owner's text, whether the file's uid decides instead, and where that came from."""
    if match.settings.owner == POSIX or match.settings.set.get("owner") == POSIX:
        return None, True, POSIX
    if "owner" in match.targets:
        return match.targets["owner"], False, match.sources["owner"]
    if watch.default.owner == POSIX:
        return None, True, POSIX
    return watch.default.owner, False, "default" if watch.default.owner else ""


def _group(match: RuleMatch, watch: WatchSettings, *, is_posix: bool) -> tuple[str | None, bool, str]:
    if match.settings.set.get("group") == POSIX:
        return None, True, POSIX
    if "group" in match.targets:
        return match.targets["group"], False, match.sources["group"]
    if watch.default.group is not None and watch.default.group != POSIX:
        return watch.default.group, False, "default"
    is_posix_group = is_posix or watch.default.group == POSIX
    return None, is_posix_group, POSIX if is_posix_group else ""
