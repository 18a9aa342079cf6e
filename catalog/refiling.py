"""Files catalogued images anew: place, names, owner and what a rule noted, with the record by which it is taken back.

Ids, thumbnails and what people noted stay. Everything here can run again; the caller holds the one transaction.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, update

from catalog.associated_images import forget_pictures
from catalog.changing_hands import change_group, change_rule_annotations
from catalog.events import NewEvent, record
from catalog.filed import UNPLACED, Filed, FiledImage, FilesetKeys, filed_by_ids
from catalog.filings import filing_of
from catalog.image_rows import file_images
from catalog.looks import Filing
from catalog.models.containers import DatasetImageLink, WellSample
from catalog.models.images import Image, PlaneLocation
from catalog.models.ingest import Fileset, Job, Sighting
from catalog.moves import take_out
from catalog.names import path_hash, well_name
from catalog.permissions import Acting
from catalog.queries.history import REFILED, REOWNED, RESTORE
from catalog.regroup_rows import capture, generation_of, read_anew, sightings_of
from catalog.rule_annotations import drop_by_rule
from catalog.rule_marks import annotate_filed

MEANWHILE = "it was changed while this ran; run `coverslip apply` again"
TAKEN_KEY = "another image has its place under these rules; run `coverslip apply` again once that was filed anew"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyRun:
    """One `apply`, by the id of the event with which it began; ``acting`` is who asked for it.

    Without an id it is one person's decision about single files, which is not part of any `apply`.
    """

    id: int | None
    acting: Acting
    configuration_id: int | None
    now: datetime
    via: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refiling:
    """A fileset as it was compared, and what becomes of it. ``owner`` is (owner, group) where it changes hands.

    ``is_placed_anew``: the images leave where they are and go where the document says; with ``is_forced`` also from
    where a person put them.
    """

    filed: Filed
    document: Mapping[str, Any]
    keys: FilesetKeys
    names: Mapping[int, str]
    owner: tuple[int, int] | None
    is_by_hand: bool
    is_placed_anew: bool
    is_forced: bool = False
    #: Its channels are named, coloured or ordered otherwise: it is read again.
    is_drawn_anew: bool = False
    #: Its files are grouped or read otherwise: what each captures now, by path. It is read again whole.
    captured: Mapping[bytes, str | None] | None = None


def refile_page(connection: Connection, refilings: Sequence[Refiling], run: ApplyRun) -> dict[int, str | None]:
    """File these anew; gives, by fileset, None where that was done, else why not: it is no longer as it was compared.

    Images that go into a plate are taken out of their place only, and their placement says so: `place_page` puts
    them in, once all that have to leave a plate have left it.
    """
    now_filed = filed_by_ids(connection, [one.filed.fileset_id for one in refilings], is_locking=True)
    rules = _rules_of(connection, list(now_filed))
    results: dict[int, str | None] = {}
    for one in refilings:
        fileset_id = one.filed.fileset_id
        if now_filed.get(fileset_id) != one.filed:
            results[fileset_id] = MEANWHILE
        elif is_key_taken(connection, one.filed, one.keys):
            results[fileset_id] = TAKEN_KEY
        else:
            results[fileset_id] = None
            if not _only_waits(one):
                record(connection, _event(connection, one, rules, run))
                _refile(connection, one, run)
    return results


def is_key_taken(connection: Connection, filed: Filed, keys: FilesetKeys) -> bool:
    """Tell whether another fileset of the root is known by this key already: the two would be one."""
    if keys.key == filed.keys.key:
        return False
    query = select(Fileset.id).where(Fileset.root_id == filed.root_id, Fileset.key == keys.key)
    return connection.scalar(query) is not None


def _only_waits(one: Refiling) -> bool:
    """Tell whether an earlier run, killed on its way, has done all but putting the images into their place."""
    return one.filed.is_unplaced and document_digest(one.filed.document) == document_digest(one.document)


def place_page(connection: Connection, fileset_ids: Sequence[int], run: ApplyRun) -> dict[int, str]:
    """Put images into the places that their placements name; gives, by fileset, why one can't be: it is taken."""
    taken = {}
    for fileset_id, filed in filed_by_ids(connection, fileset_ids, is_locking=True).items():
        if not filed.is_unplaced:
            continue
        reason = _place(connection, filed, run)
        if reason is not None:
            taken[fileset_id] = reason
    return taken


def _place(connection: Connection, filed: Filed, run: ApplyRun) -> str | None:
    document = {name: value for name, value in filed.document.items() if name != UNPLACED}
    filing, images = filing_of(document), [image.id for image in filed.images]
    reason = file_images(
        connection,
        images,
        filing,
        fileset_id=filed.fileset_id,
        configuration_id=run.configuration_id,
        now=run.now,
    )
    annotate_filed(connection, images, filing, configuration_id=run.configuration_id, now=run.now)
    connection.execute(update(Fileset).where(Fileset.id == filed.fileset_id).values(placement=document))
    if reason is not None:
        record(connection, event_of(filed, "place_taken", run, after={"reason": reason}))
    return reason


def _refile(connection: Connection, one: Refiling, run: ApplyRun) -> None:
    filed, new = one.filed, filing_of(one.document)
    if one.is_placed_anew:
        leave(connection, filed, is_everywhere=one.is_forced)
    if one.owner is not None:
        change_hands(connection, filed.images, one.owner, new.owner_by, run.now)
    waits = one.is_placed_anew and goes_into_plate(new)
    document = {**one.document, UNPLACED: True} if waits else dict(one.document)
    owner = one.owner or (filed.owner_id, filed.group_id)
    store(connection, filed, document, owner, one.keys, is_by_hand=one.is_by_hand)
    for image in filed.images:
        _update_image(connection, image, one, run)
    _follow_rules(connection, filed, new, run, is_placed=not waits, is_placed_anew=one.is_placed_anew)
    follow_sightings(connection, filed.fileset_id, new.rule, run.configuration_id)
    void_job(connection, filed.fileset_id)
    forget_pictures(connection, [image.id for image in filed.images], document.get("associated_images", "hide"))
    if one.captured is not None:
        recapture(connection, filed.fileset_id, one.captured, one.keys, run.now)
    elif one.is_drawn_anew:
        read_anew(connection, filed.fileset_id, run.now, are_pixels_others=False)


def recapture(
    connection: Connection,
    fileset_id: int,
    captured: Mapping[bytes, str | None],
    keys: FilesetKeys,
    now: datetime,
) -> None:
    """Group or read the files of a fileset otherwise: until they were read again it shows what it showed."""
    capture(connection, sightings_of(connection, fileset_id), captured)
    if keys.grouping == "file":
        images = select(Image.id).where(Image.fileset_id == fileset_id)
        connection.execute(delete(PlaneLocation).where(PlaneLocation.image_id.in_(images)))
    read_anew(connection, fileset_id, now)


def _follow_rules(
    connection: Connection, filed: Filed, new: Filing, run: ApplyRun, *, is_placed: bool, is_placed_anew: bool
) -> None:
    """Take off what only the old rule noted; put images into place, and note what the new rule says."""
    images = [image.id for image in filed.images]
    drop_noted(connection, images, filing_of(filed.document), new)
    if not is_placed:
        return
    if is_placed_anew:
        file_images(
            connection,
            images,
            new,
            fileset_id=filed.fileset_id,
            configuration_id=run.configuration_id,
            now=run.now,
        )
    annotate_filed(connection, images, new, configuration_id=run.configuration_id, now=run.now)


def goes_into_plate(filing: Filing) -> bool:
    """Tell whether images are filed in a plate."""
    return bool(filing.containers) and filing.containers[-1].kind == "plate"


def leave(connection: Connection, filed: Filed, *, is_everywhere: bool) -> None:
    """Take images out of where the placement put them; ``is_everywhere``: also of where a person put them."""
    images = [image.id for image in filed.images]
    if is_everywhere:
        connection.execute(delete(DatasetImageLink).where(DatasetImageLink.image_id.in_(images)))
        connection.execute(delete(WellSample).where(WellSample.image_id.in_(images)))
    else:
        take_out(connection, images, filing_of(filed.document))


def change_hands(
    connection: Connection, images: Sequence[FiledImage], owner: tuple[int, int], owner_by: str, now: datetime
) -> None:
    """Give images, with what belongs to them, to another owner and group."""
    for image in images:
        if image.group_id != owner[1]:
            change_group(connection, image.id, owner[1])
        change_rule_annotations(connection, image.id, image.owner_id, owner[0], now)
        values = {"owner_id": owner[0], "group_id": owner[1], "owner_by": owner_by, "updated_at": now}
        connection.execute(update(Image).where(Image.id == image.id).values(values))


def store(
    connection: Connection,
    filed: Filed,
    document: Mapping[str, Any],
    owner: tuple[int, int],
    keys: FilesetKeys,
    *,
    is_by_hand: bool,
) -> None:
    """Write how a fileset is placed, found and whose it is; where it lies is its owner's folder then."""
    values = keys._asdict() | {
        "placement": dict(document),
        "owner_id": owner[0],
        "group_id": owner[1],
        "filed_by": "hand" if is_by_hand else "rule",
        "owner_differs": None,
    }
    connection.execute(update(Fileset).where(Fileset.id == filed.fileset_id).values(values))


def _update_image(connection: Connection, image: FiledImage, one: Refiling, run: ApplyRun) -> None:
    old, new = filing_of(one.filed.document), filing_of(one.document)
    values: dict[str, Any] = {
        "rule": new.rule,
        "configuration_id": run.configuration_id,
        "updated_at": run.now,
    }
    if image.id in one.names:
        values |= {"name": one.names[image.id], "named_by": "rule"}
    if old.description != new.description and image.description == old.description:
        # A description that a person or the file gave is another text, and stays.
        values["description"] = new.description
    connection.execute(update(Image).where(Image.id == image.id).values(values))


def drop_noted(connection: Connection, images: Sequence[int], old: Filing, new: Filing) -> None:
    """Take off images what only the old rule noted on them."""
    if old.annotate != "image":
        return
    is_same_target = new.annotate == "image"
    tags = [tag for tag in old.tags if not is_same_target or tag not in new.tags]
    pairs = [pair for pair in old.key_values if not is_same_target or pair not in new.key_values]
    if tags or pairs:
        drop_by_rule(connection, images, tags=tags, key_values=pairs)


def follow_sightings(connection: Connection, fileset_id: int, rule: str | None, configuration_id: int | None) -> None:
    """Let the files tell the rule that files them."""
    values = {"rule": rule, "configuration_id": configuration_id}
    connection.execute(update(Sighting).where(Sighting.fileset_id == fileset_id).values(values))


def void_job(connection: Connection, fileset_id: int) -> None:
    """Have read again what a worker reads just now by the earlier placement: its result comes too late."""
    mine = (Job.fileset_id == fileset_id, Job.kind == "import", Job.state == "started")
    connection.execute(update(Job).where(*mine).values(state="ready", claim=Job.claim + 1, instance_id=None))


def _rules_of(connection: Connection, fileset_ids: Sequence[int]) -> dict[int, tuple[str | None, int | None]]:
    """Give rule and configuration of images, by image id."""
    query = select(Image.id, Image.rule, Image.configuration_id).where(Image.fileset_id.in_(list(fileset_ids)))
    return {row.id: (row.rule, row.configuration_id) for row in connection.execute(query)}


def _event(
    connection: Connection, one: Refiling, rules: Mapping[int, tuple[str | None, int | None]], run: ApplyRun
) -> NewEvent:
    before, after = _told(one.filed.document), _told(one.document)
    if one.owner is not None:
        before |= {"owner_id": one.filed.owner_id, "group_id": one.filed.group_id}
        after |= {"owner_id": one.owner[0], "group_id": one.owner[1]}
    restore = {
        "document": changed_keys(one.filed.document, one.document),
        "absent": sorted(one.document.keys() - one.filed.document.keys()),
        "was": document_digest(one.filed.document),
        "is": document_digest(one.document),
        "owner": [one.filed.owner_id, one.filed.group_id],
        "is_by_hand": one.filed.is_by_hand,
        "keys": keys_restore(one.filed.keys),
        "images": [_image_restore(image, rules.get(image.id, (None, None))) for image in one.filed.images],
    }
    if one.captured is not None:
        restore |= _captured_restore(connection, one)
    elif one.is_drawn_anew:
        restore["is_drawn_anew"] = True
    return event_of(
        one.filed,
        REFILED if one.owner is None else REOWNED,
        run,
        before={**before, RESTORE: restore},
        after=after if run.id is None else {**after, "apply": run.id},
    )


def _captured_restore(connection: Connection, one: Refiling) -> dict[str, Any]:
    """Keep what names captured before, and how often the files were read: read once more, it is not taken back."""
    known = dict(zip(one.filed.paths, one.filed.captured, strict=True))
    captured = {path.hex(): known.get(path) for path in one.captured or ()}
    return {"captured": captured, "generation": generation_of(connection, one.filed.fileset_id)}


def event_of(
    filed: Filed,
    what: str,
    run: ApplyRun,
    *,
    path: bytes | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> NewEvent:
    """Make the event of one fileset; ``path`` is the file that it is about, None: the fileset's first."""
    about = path if path is not None else next(iter(filed.paths), None)
    return NewEvent(
        what=what,
        at=run.now,
        via=run.via,
        acting=run.acting,
        object_type="fileset",
        object_id=filed.fileset_id,
        fileset_id=filed.fileset_id,
        root_id=filed.root_id,
        path_hash=path_hash(about) if about is not None else None,
        before=before,
        after=after,
        configuration_id=run.configuration_id,
    )


def _told(document: Mapping[str, Any]) -> dict[str, Any]:
    filing = filing_of(document)
    names = [container.name for container in filing.containers]
    well = [] if filing.well is None else [well_name(*filing.well)]
    return {"image": filing.image, "place": " / ".join([*names, *well]) or None, "rule": filing.rule}


def _image_restore(image: FiledImage, rule: tuple[str | None, int | None]) -> dict[str, Any]:
    return {
        "id": image.id,
        "name": image.name,
        "is_named_by_hand": image.is_named_by_hand,
        "description": image.description,
        "owner": [image.owner_id, image.group_id],
        "owner_by": image.owner_by,
        "rule": rule[0],
        "configuration_id": rule[1],
        "datasets": [dataset_id for dataset_id, _ in image.datasets],
        "sample": None if image.sample is None else [image.sample[0], *image.sample[2:]],
    }


def keys_restore(keys: FilesetKeys) -> dict[str, Any]:
    """Give the keys as an event keeps them."""
    return {name: value.hex() if isinstance(value, bytes) else value for name, value in keys._asdict().items()}


def keys_restored(restore: Mapping[str, Any]) -> FilesetKeys:
    """Read what `keys_restore` gave."""
    neighbour, plate_key = restore["neighbour"], restore["plate_key"]
    return FilesetKeys(
        key=bytes.fromhex(restore["key"]),
        grouping=restore["grouping"],
        neighbour=None if neighbour is None else bytes.fromhex(neighbour),
        plate_key=None if plate_key is None else bytes.fromhex(plate_key),
        marker=restore["marker"],
    )


def changed_keys(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Give the parts of a placement that another one has otherwise; what was not there is left out, and told apart."""
    return {name: value for name, value in old.items() if new.get(name) != value or name not in new}


def document_digest(document: Mapping[str, Any]) -> str:
    """Give what two placements are compared by, whether or not their images were put into place yet."""
    plain = {name: value for name, value in document.items() if name != UNPLACED}
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
