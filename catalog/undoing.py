"""Takes an `apply` back: each fileset as its event tells that it was, unless it was changed since. Can run again."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from catalog.applies import Decision
from catalog.associated_images import forget_pictures
from catalog.events import record
from catalog.filed import UNPLACED, Filed, FiledImage, filed_by_ids
from catalog.filings import filing_of
from catalog.image_rows import file_images
from catalog.models.containers import Dataset, DatasetImageLink, Plate, PlateAcquisition, Well, WellSample
from catalog.models.images import Image
from catalog.models.ingest import Fileset
from catalog.queries.history import REFILED, REOWNED, RESTORE
from catalog.refiling import (
    TAKEN_KEY,
    ApplyRun,
    change_hands,
    document_digest,
    drop_noted,
    event_of,
    follow_sightings,
    goes_into_plate,
    is_key_taken,
    keys_restored,
    leave,
    recapture,
    store,
    void_job,
)
from catalog.regroup_rows import generation_of, read_anew
from catalog.rule_marks import annotate_filed
from catalog.ungrouping import READ_SINCE
from catalog.upserts import insert_unless_there

SINCE = "it was changed since, and stays as it is"


def undo_page(connection: Connection, decisions: Sequence[Decision], run: ApplyRun) -> dict[int, str | None]:
    """Take decisions back; gives, by fileset, None where that was done and the reason where it was not.

    Images that lay in a plate wait, out of any place, for `place_back`: all that have to leave a plate leave it first.
    What was taken back already is not among the results.
    """
    now_filed = filed_by_ids(connection, [one.fileset_id for one in decisions], is_locking=True)
    results: dict[int, str | None] = {}
    for decision in decisions:
        filed, restore = now_filed.get(decision.fileset_id), decision.before[RESTORE]
        if filed is None:
            results[decision.fileset_id] = "it was removed since"
        elif document_digest(filed.document) == restore["was"] and restore["was"] != restore["is"]:
            continue
        elif _is_read_since(connection, filed, restore):
            results[decision.fileset_id] = READ_SINCE
        elif document_digest(filed.document) != restore["is"] or not _is_still_given(filed, decision):
            results[decision.fileset_id] = SINCE
        elif is_key_taken(connection, filed, keys_restored(restore["keys"])):
            results[decision.fileset_id] = TAKEN_KEY
        else:
            _undo(connection, filed, restore, run)
            results[decision.fileset_id] = None
    return results


def _is_read_since(connection: Connection, filed: Filed, restore: Mapping[str, Any]) -> bool:
    """Tell whether files that were grouped otherwise were read so."""
    return "captured" in restore and generation_of(connection, filed.fileset_id) != restore["generation"]


def _is_still_given(filed: Filed, decision: Decision) -> bool:
    after = decision.after
    owner = (after["owner_id"], after["group_id"]) if "owner_id" in after else tuple(decision.before[RESTORE]["owner"])
    return (filed.owner_id, filed.group_id) == owner


def old_document(filed: Filed, restore: Mapping[str, Any]) -> dict[str, Any]:
    """Give the placement as it was before the `apply`."""
    came = {UNPLACED, *restore.get("absent", ())}
    document = {name: value for name, value in filed.document.items() if name not in came}
    return {**document, **restore["document"]}


def _undo(connection: Connection, filed: Filed, restore: Mapping[str, Any], run: ApplyRun) -> None:
    document = old_document(filed, restore)
    old, owner = filing_of(document), (restore["owner"][0], restore["owner"][1])
    is_other = owner != (filed.owner_id, filed.group_id)
    _record_undone(connection, filed, document, owner, run, is_other=is_other)
    is_moved = not _is_where_it_was(filed, restore)
    if is_moved:
        leave(connection, filed, is_everywhere=False)
    if is_other:
        change_hands(connection, filed.images, owner, old.owner_by, run.now)
    images = [image.id for image in filed.images]
    drop_noted(connection, images, filing_of(filed.document), old)
    waits = is_moved and goes_into_plate(old)
    placed = {**document, UNPLACED: True} if waits else document
    store(connection, filed, placed, owner, keys_restored(restore["keys"]), is_by_hand=restore["is_by_hand"])
    earlier = {image["id"]: image for image in restore["images"]}
    for image in filed.images:
        if image.id in earlier:
            _restore_image(connection, image, earlier[image.id], filed, run.now)
            if is_moved and not waits:
                _link_back(connection, image.id, earlier[image.id], document, filed, run)
    if not waits:
        annotate_filed(connection, images, old, configuration_id=run.configuration_id, now=run.now)
    follow_sightings(connection, filed.fileset_id, old.rule, run.configuration_id)
    void_job(connection, filed.fileset_id)
    forget_pictures(connection, images, document.get("associated_images", "hide"))
    if "captured" in restore:
        captured = {bytes.fromhex(path): text for path, text in restore["captured"].items()}
        recapture(connection, filed.fileset_id, captured, keys_restored(restore["keys"]), run.now)
    elif restore.get("is_drawn_anew"):
        read_anew(connection, filed.fileset_id, run.now, are_pixels_others=False)


def _record_undone(
    connection: Connection,
    filed: Filed,
    document: Mapping[str, Any],
    owner: tuple[int, int],
    run: ApplyRun,
    *,
    is_other: bool,
) -> None:
    """Record that one fileset is filed again as it was."""
    after: dict[str, Any] = {"image": document["image"], "rule": document["rule"], "undone": run.id}
    if is_other:
        after |= {"owner_id": owner[0], "group_id": owner[1]}
    before = {"image": filed.document["image"], "rule": filed.document["rule"]}
    record(connection, event_of(filed, REOWNED if is_other else REFILED, run, before=before, after=after))


def _is_where_it_was(filed: Filed, restore: Mapping[str, Any]) -> bool:
    earlier = {image["id"]: image for image in restore["images"]}
    return not filed.is_unplaced and all(
        _place_of(image) == (earlier[image.id]["datasets"], earlier[image.id]["sample"])
        for image in filed.images
        if image.id in earlier
    )


def _place_of(image: FiledImage) -> tuple[list[int], list[int] | None]:
    sample = None if image.sample is None else [image.sample[0], *image.sample[2:]]
    return [dataset_id for dataset_id, _ in image.datasets], sample


def _restore_image(
    connection: Connection, image: FiledImage, earlier: Mapping[str, Any], filed: Filed, now: datetime
) -> None:
    values: dict[str, Any] = {
        "owner_by": earlier["owner_by"],
        "rule": earlier["rule"],
        "configuration_id": earlier["configuration_id"],
        "updated_at": now,
    }
    if not image.is_named_by_hand:
        # What a person named since keeps that name.
        values |= {"name": earlier["name"], "named_by": "hand" if earlier["is_named_by_hand"] else "rule"}
    if image.description == filing_of(filed.document).description:
        values["description"] = earlier["description"]
    connection.execute(update(Image).where(Image.id == image.id).values(values))


def _link_back(
    connection: Connection,
    image_id: int,
    earlier: Mapping[str, Any],
    document: Mapping[str, Any],
    filed: Filed,
    run: ApplyRun,
) -> None:
    """Put an image back into the very datasets it lay in; where one is gone, where the old placement files it."""
    owner_id, group_id = earlier["owner"]
    there = select(Dataset.id).where(Dataset.id.in_(earlier["datasets"]), Dataset.group_id == group_id)
    rows = [
        {
            "dataset_id": dataset_id,
            "image_id": image_id,
            "group_id": group_id,
            "owner_id": owner_id,
            "created_at": run.now,
        }
        for dataset_id in connection.scalars(there)
    ]
    if rows:
        connection.execute(insert_unless_there(connection, DatasetImageLink), rows)
    elif earlier["datasets"]:
        file_images(
            connection,
            [image_id],
            filing_of(document),
            fileset_id=filed.fileset_id,
            configuration_id=run.configuration_id,
            now=run.now,
        )


def place_back(connection: Connection, decisions: Sequence[Decision], run: ApplyRun) -> dict[int, str]:
    """Put images that wait back into the very wells, runs and fields; gives why one can't be, by fileset."""
    now_filed = filed_by_ids(connection, [one.fileset_id for one in decisions], is_locking=True)
    taken: dict[int, str] = {}
    for decision in decisions:
        filed = now_filed.get(decision.fileset_id)
        if filed is None or not filed.is_unplaced:
            continue
        document = {name: value for name, value in filed.document.items() if name != UNPLACED}
        earlier = {image["id"]: image for image in decision.before[RESTORE]["images"]}
        left = [
            image.id for image in filed.images if not _sample_back(connection, image, earlier.get(image.id), run.now)
        ]
        filing = filing_of(document)
        reason = None
        if left:
            reason = file_images(
                connection,
                left,
                filing,
                fileset_id=filed.fileset_id,
                configuration_id=run.configuration_id,
                now=run.now,
            )
        if reason is not None:
            taken[filed.fileset_id] = reason
        images = [image.id for image in filed.images]
        annotate_filed(connection, images, filing, configuration_id=run.configuration_id, now=run.now)
        connection.execute(update(Fileset).where(Fileset.id == filed.fileset_id).values(placement=document))
    return taken


def _sample_back(connection: Connection, image: FiledImage, earlier: Mapping[str, Any] | None, now: datetime) -> bool:
    if earlier is None or earlier["sample"] is None:
        return False
    plate_id, well_id, run_id, number = earlier["sample"]
    owner_id, group_id = earlier["owner"]
    parts = (
        select(Plate.id).where(Plate.id == plate_id, Plate.group_id == group_id),
        select(Well.id).where(Well.id == well_id, Well.plate_id == plate_id),
        select(PlateAcquisition.id).where(PlateAcquisition.id == run_id, PlateAcquisition.plate_id == plate_id),
    )
    place = (WellSample.plate_acquisition_id == run_id, WellSample.well_id == well_id, WellSample.field == number)
    is_taken = connection.scalar(select(WellSample.image_id).where(*place)) is not None
    if is_taken or any(connection.scalar(part) is None for part in parts):
        return False
    row = {
        "image_id": image.id,
        "plate_id": plate_id,
        "well_id": well_id,
        "plate_acquisition_id": run_id,
        "field": number,
        "group_id": group_id,
        "owner_id": owner_id,
        "created_at": now,
    }
    connection.execute(insert(WellSample).values(row))
    return True
