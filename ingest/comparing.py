"""Compares how a fileset is filed with what the rules say now: what would change, and what stays and why. Pure.

This is the table "who wins" for changed rules: names and containers follow the rules by `apply` only, owner and group
only where that is asked for, and what a person changed stays the person's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from catalog.filed import Filed, FiledImage, FilesetKeys
from catalog.filings import filing_of
from catalog.image_rows import image_names_of
from ingest.documents import placement_document
from ingest.placement import NotPlaced, NotPlacedAs, Ownership, Placement


class Kind(StrEnum):
    """What can differ."""

    REFILED = "refiled"
    RENAMED = "renamed"
    REOWNED = "re-owned"
    ANNOTATED = "annotated"
    #: Names, colours or the order of its channels: it is read and drawn again.
    CHANNELS = "channels"
    #: Label and overview pictures inside its file: kept or not, it is read again.
    ASSOCIATED = "associated pictures"
    #: Its file may describe others, which counts now: it is read again for that.
    READ = "read for what it describes"
    #: Nothing that people see: the rule is written otherwise, and files that come later find their image by what it
    #: says now. Until this is done they are held, since they would make an image of their own.
    KEYED = "joined by later files"
    #: Its files are grouped into images otherwise: read as other planes, or others come to it.
    REGROUPED = "grouped otherwise"
    #: It goes into an image of several files that keeps another id.
    MERGED = "merged into another image"
    #: Some of its files become images of their own.
    DIVIDED = "divided into several images"
    UNMATCHED = "no longer matched"
    HELD = "held"


class Kept(StrEnum):
    """Why something that differs stays as it is."""

    NOT_ASKED = "only with `apply --change-owners`"
    GIVEN = "given by hand"
    ACCEPT = "moved here from another owner's folder: that is for `accept`"
    GONE = "the file is not there"
    ASSIGNED = "filed by hand"
    MOVED = "moved by hand"
    NAMED = "named by hand"
    APPLY_ONLY = "its files would be grouped into images otherwise: only `coverslip apply` does that"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What `apply` may do beside filing and naming anew: change owners, undo what people changed.

    ``is_decided``: a person decided about just this file now; only names given by hand withstand that.
    """

    change_owners: bool = False
    force: bool = False
    is_decided: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What the rules make of one fileset. ``kinds`` would be done; ``kept`` differs and stays, with the reason.

    ``document`` is the placement to be stored, None when nothing is done; ``names`` are new names by image id;
    ``owner`` is (owner id, group id) by the rules where they are others, whether or not that is done.
    """

    kinds: frozenset[Kind] = frozenset()
    kept: Mapping[Kind, str] = field(default_factory=dict)
    document: Mapping[str, Any] | None = None
    keys: FilesetKeys | None = None
    names: Mapping[int, str] = field(default_factory=dict)
    owner: tuple[int, int] | None = None
    #: The name of a user who has to be made before it changes hands; ``owner`` has 0 for the id then.
    create_name: str | None = None
    is_by_hand: bool = False


Decided = tuple[Placement, Ownership] | NotPlaced
#: By what a fileset is found, for a placement under an ownership.
KeysOf = Callable[[Placement, Ownership], FilesetKeys]

_PLACE = ("containers", "container_owner", "folder", "dimensions")
_ASSOCIATED = "associated_images"
#: Formats of which one file may describe an image of several.
_DESCRIBING = ("OME-TIFF", "Micro-Manager TIFF")
_NOTES = ("tags", "key_values", "annotate", "table", "description")


def compare(
    filed: Filed,
    decided: Decided,
    filed_by: str,
    keys_of: KeysOf,
    options: Options,
    *,
    is_there: bool = True,
    is_regrouped: bool = False,
) -> Change:
    """Compare; ``filed_by`` says whether the rules or an assignment decided, ``is_there`` whether the files are.

    ``is_regrouped``: it keeps its ids while its files are grouped otherwise (`ingest.keeping`).
    """
    if isinstance(decided, NotPlaced):
        kind = Kind.HELD if decided.disposition is NotPlacedAs.HELD else Kind.UNMATCHED
        return Change(kept={kind: decided.reason})
    placement, ownership = decided
    owner = (ownership.owner_id, ownership.group_id)
    is_other = owner != (filed.owner_id, filed.group_id)
    if not is_regrouped and _is_of_names(keys_of(placement, ownership)) != _is_of_names(filed.keys):
        return regrouped(Kept.APPLY_ONLY)
    if is_other and filed.owner_differs and not options.is_decided:
        return Change(kept={Kind.REOWNED: Kept.ACCEPT}, owner=owner, create_name=ownership.create_name)
    place_kept = why_place_stays(filed, filed_by, options)
    owner_kept = why_owner_stays(filed, place_kept, options, is_there=is_there) if is_other else None
    used = ownership if is_other and owner_kept is None else _own_still(filed, placement, ownership)
    document, keys = placement_document(placement, used), keys_of(placement, used)
    found = _differences(filed, document, place_kept, options)
    found = _with_owner(found, owner_kept, is_other=is_other)
    if place_kept is None and _is_of_names(keys) and keys.key != filed.keys.key:
        found = replace(found, kinds=found.kinds | {Kind.KEYED})
    if is_regrouped:
        found = replace(found, kinds=found.kinds - {Kind.KEYED} | {Kind.REGROUPED})
    found = replace(found, owner=owner if is_other else None, create_name=ownership.create_name)
    if not found.kinds:
        return found
    stays = Kind.REFILED in found.kept
    return replace(
        found,
        document=_in_old_place(document, filed.document) if stays else document,
        keys=filed.keys if stays else keys._replace(grouping=keys.grouping if is_regrouped else filed.keys.grouping),
        is_by_hand=filed.is_by_hand if stays else filed_by == "hand",
    )


def regrouped(why: str) -> Change:
    """Give the change of a fileset whose files would make other images and stay: it is told, and nothing is done."""
    return Change(kept={Kind.REGROUPED: why})


def _is_of_names(keys: FilesetKeys) -> bool:
    """Tell whether names of files join them into one image."""
    return keys.grouping == "names"


def _with_owner(found: Change, owner_kept: str | None, *, is_other: bool) -> Change:
    if not is_other:
        return found
    if owner_kept is not None:
        return replace(found, kept={**found.kept, Kind.REOWNED: owner_kept})
    return replace(found, kinds=found.kinds | {Kind.REOWNED})


def why_place_stays(filed: Filed, filed_by: str, options: Options) -> str | None:
    """Say why a place stays though the rules say another one: a person decided about it; None where it follows."""
    if options.force or options.is_decided or filed.is_unplaced:
        return None
    if filed.is_by_hand and filed_by != "hand":
        return Kept.ASSIGNED
    return None if filed.is_in_place else Kept.MOVED


def why_owner_stays(filed: Filed, place_kept: str | None, options: Options, *, is_there: bool) -> str | None:
    """Say why it stays in the hands it is in though the rules say others; None where it changes hands."""
    if not (options.change_owners or options.is_decided):
        return Kept.NOT_ASKED
    if not is_there:
        return Kept.GONE
    is_given = any(
        image.is_owned_by_hand or (image.owner_id, image.group_id) != (filed.owner_id, filed.group_id)
        for image in filed.images
    )
    if is_given and not (options.force or options.is_decided):
        return Kept.GIVEN
    # An image that goes to another group leaves its containers: what a person put there stays, with its owner.
    return place_kept


def _own_still(filed: Filed, placement: Placement, decided: Ownership) -> Ownership:
    """Give the ownership as it is, under which the new place and name are taken over."""
    stored = filed.document["ownership"]
    is_same = (decided.owner_id, decided.group_id) == (filed.owner_id, filed.group_id)
    is_named = placement.container_owner is not None and decided.group_id == filed.group_id
    container_owner = decided.container_owner_id if is_same or is_named else stored["container_owner_id"]
    how = decided.owner_by if is_same else stored["owner_by"]
    return Ownership(owner_id=filed.owner_id, group_id=filed.group_id, container_owner_id=container_owner, owner_by=how)


def _differences(filed: Filed, document: Mapping[str, Any], place_kept: str | None, options: Options) -> Change:
    kinds: set[Kind] = set()
    kept: dict[Kind, str] = {}
    if _place_of(document) != _place_of(filed.document) or filed.is_unplaced or _is_to_return(filed, options):
        if place_kept is None:
            kinds.add(Kind.REFILED)
        else:
            kept[Kind.REFILED] = place_kept
    names, is_name_kept = _new_names(filed, document, options)
    if names:
        kinds.add(Kind.RENAMED)
    elif is_name_kept:
        kept[Kind.RENAMED] = Kept.NAMED
    if any(document.get(name) != filed.document.get(name) for name in _NOTES):
        kinds.add(Kind.ANNOTATED)
    if document.get("channels") != filed.document.get("channels"):
        kinds.add(Kind.CHANNELS)
    if _is_to_be_asked(filed, document):
        kinds.add(Kind.READ)
    if document.get(_ASSOCIATED, "hide") != filed.document.get(_ASSOCIATED, "hide"):
        kinds.add(Kind.ASSOCIATED)
    return Change(kinds=frozenset(kinds), kept=kept, names=names)


def _is_to_be_asked(filed: Filed, document: Mapping[str, Any]) -> bool:
    """Tell whether what a file says of others counts from now on, and it may say something."""
    is_asked = filed.document.get("by") == "names" and document.get("by") == "reader"
    return is_asked and filed.keys.grouping == "file" and any(one.format in _DESCRIBING for one in filed.images)


def _place_of(document: Mapping[str, Any]) -> Any:
    filing = filing_of(document)
    return filing.containers, filing.run, filing.well, filing.field


def _is_to_return(filed: Filed, options: Options) -> bool:
    return (options.force or options.is_decided) and not filed.is_in_place


def _new_names(filed: Filed, document: Mapping[str, Any], options: Options) -> tuple[dict[int, str], bool]:
    """Give new names by image id, and whether a name that a person gave stays against the rules."""
    old, new = filing_of(filed.document), filing_of(document)
    names: dict[int, str] = {}
    is_kept = False
    for image in filed.images:
        if image.is_named_by_hand and not options.force:
            is_kept = is_kept or old.image != new.image
            continue
        name = (
            _name_by_rule(filed, image, new.image) if image.is_named_by_hand else image_names_of(image.name, old, new)
        )
        if name != image.name and (image.is_named_by_hand or old.image != new.image):
            names[image.id] = name
    return names, is_kept


def _name_by_rule(filed: Filed, image: FiledImage, name: str) -> str:
    """Name an image that a person named: what its series is called in the file is not kept."""
    return name if len(filed.images) == 1 else f"{name} [{image.series + 1}]"


def _in_old_place(document: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    """Give the new placement, but for the place, which stays."""
    kept = {name: old[name] for name in (*_PLACE, "target") if name in old}
    return {name: value for name, value in document.items() if name not in _PLACE} | kept
