"""What the rules say about a path: a placement, or why there is none. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from config.endings import without_ending
from config.path_text import path_text
from config.rule_outcome import OutcomeKind, outcome_of
from config.rule_values import DIMENSIONS, RuleMatch, TableLookup
from config.rules import RootRules
from config.settings import WatchSettings
from config.value_types import well_name

#: The word in ``owner``, ``set`` or ``default`` that stands for the file's owner and group on disk.
POSIX = "posix"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where an image is filed. ``well`` is (row, column), zero-based.

    ``field`` is the number that the name gives, never shifted (``s2`` is field 2, ``P000`` is field 0); None: not said.

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
    #: The file's uid decides the owner; its gid the group (``posix``).
    is_posix: bool = False
    is_posix_group: bool = False
    container_owner: str | None = None
    #: Captured `channel z t`, as the text that was captured.
    dimensions: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    key_values: tuple[tuple[str, str], ...] = ()
    annotate: str = "image"
    #: A line of a table beside the plate gives further key-values; it is read together with the image.
    table: TableLookup | None = None
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


def place(rules: RootRules, path: bytes) -> Placement | NotPlaced:
    """Say where the file at a path, raw bytes relative to the root, belongs by the rules; or why nowhere."""
    outcome = outcome_of(rules, path)
    match = outcome.match
    if match is None or outcome.kind is not OutcomeKind.MATCHED:
        return NotPlaced(disposition=NotPlacedAs(outcome.kind.value), reason=outcome.reason, rule=outcome.rule)
    held = _part_of_a_set(match)
    if held:
        return NotPlaced(disposition=NotPlacedAs.HELD, reason=held, rule=match.rule)
    return _placement(rules, match, path_text(path.rpartition(b"/")[2]))


def _part_of_a_set(match: RuleMatch) -> str | None:
    """Tell why a file can't be imported alone: its name says that it is a part of an image."""
    names = [name for name in DIMENSIONS if name in match.targets]
    if names:
        said = " and ".join(f"{name} '{match.targets[name]}'" for name in names)
        return f"part of a set ({said}): this version does not join several files into one image yet"
    if match.well is not None and "tile" in match.targets and match.field is not None:
        return "part of a set (tiles of one field): this version does not place tiles inside a field yet"
    return None


def _placement(rules: RootRules, match: RuleMatch, name: str) -> Placement:
    watch, rule = rules.watch, match.settings
    owner, is_posix, owner_from = _owner(match, watch)
    group, is_posix_group, group_from = _group(match, watch, is_posix=is_posix)
    settle = rule.complete.settle if rule.complete and rule.complete.settle is not None else watch.settle
    target = _target(match)
    return Placement(
        rule=match.rule,
        target=target,
        image=match.targets.get("image") or _image_name(target, name),
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
        crosscheck=rule.crosscheck or watch.crosscheck,
        settle_s=settle.total_seconds(),
        projection=rule.projection or rules.settings.thumbnails.projection,
        associated_images=rule.associated_images,
    )


def _target(match: RuleMatch) -> Target:
    said = match.targets
    field_number = match.field
    if field_number is None and match.well is not None and "tile" in said:
        field_number = int(said["tile"])
    return Target(
        project=said.get("project"),
        dataset=said.get("dataset") or said.get("project"),
        screen=said.get("screen"),
        plate=said.get("plate"),
        run=said.get("run"),
        well=match.well,
        field=field_number,
    )


def _image_name(target: Target, name: str) -> str:
    if target.plate is None or target.well is None:
        return without_ending(name)
    number = "" if target.field is None else f" field {target.field}"
    return f"{target.plate} {well_name(target.well)}{number}"


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
