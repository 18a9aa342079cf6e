"""Takes back what `apply` merged and divided, unless the files were read since: then the rules have to change back."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from catalog.applies import Decision
from catalog.events import NewEvent, record
from catalog.models.annotations import Annotation, AnnotationLink
from catalog.models.containers import Dataset, DatasetImageLink, WellSample
from catalog.models.images import Channel, Image, OriginalFile, Thumbnail
from catalog.models.ingest import Fileset, Sighting
from catalog.queries.history import DIVIDED, RESTORE
from catalog.queries.objects import MERGED
from catalog.refiling import TAKEN_KEY, ApplyRun
from catalog.regroup_rows import generation_of, number_anew, read_anew
from catalog.row_documents import row_of
from catalog.set_mains import MAIN, give_main_back
from catalog.store import drop_filesets
from catalog.upserts import insert_unless_there

READ_SINCE = "its files were read since, as the new rules group them; change the rules back and run `coverslip apply`"
_SINCE = "it was changed since, and stays as it is"
_TO_BE_DRAWN = "it is drawn when its file was read again"


def ungroup_page(connection: Connection, decisions: Sequence[Decision], run: ApplyRun) -> dict[int, str | None]:
    """Take back merges and divisions, newest first; what was taken back already is not among the results.

    Gives None by the fileset that is again, or is no more; the reason by the one that stays as it is.
    """
    results: dict[int, str | None] = {}
    changed: set[int] = set()
    for decision in decisions:
        restore = decision.before[RESTORE]
        if MAIN in restore:
            back = give_main_back(connection, restore, run, read_since=READ_SINCE)
            results |= {} if back is None else dict([back])
            continue
        is_merge = decision.what == MERGED
        gone = restore["fileset"]["id"] if is_merge else restore["to"]
        if (generation_of(connection, gone) is None) != is_merge:
            continue
        problem = (_unmerge if is_merge else _undivide)(connection, restore, run)
        left = restore["keeper" if is_merge else "from"]
        results[gone if problem is None else left] = problem
        if problem is None:
            changed.add(left)
    for fileset_id in changed:
        number_anew(connection, fileset_id)
        read_anew(connection, fileset_id, run.now)
    return results


def _unmerge(connection: Connection, restore: Mapping[str, Any], run: ApplyRun) -> str | None:
    keeper_id = restore["keeper"]
    if generation_of(connection, keeper_id) != restore["generation"]:
        return READ_SINCE
    fileset = row_of(Fileset, restore["fileset"])
    taken = select(Fileset.id).where(Fileset.root_id == fileset["root_id"], Fileset.key == fileset["key"])
    if connection.scalar(taken) is not None:
        return TAKEN_KEY
    connection.execute(insert(Fileset).values(fileset))
    for image in restore["images"]:
        _make_again(connection, image, run)
    _give_back(connection, keeper_id, fileset["id"], restore["files"])
    read_anew(connection, fileset["id"], run.now)
    _told(connection, MERGED, keeper_id, fileset["root_id"], run)
    return None


def _make_again(connection: Connection, image: Mapping[str, Any], run: ApplyRun) -> None:
    """Make an image that went once more, under its id, with what lay on it."""
    row = row_of(Image, image["row"])
    connection.execute(insert(Image).values(row))
    for channel in image["channels"]:
        connection.execute(insert(Channel).values(row_of(Channel, channel)))
    picture = {"image_id": row["id"], "failure": _TO_BE_DRAWN, "made_at": run.now}
    connection.execute(insert(Thumbnail).values(picture))
    _links_back(connection, image, row["group_id"])
    datasets = [row_of(DatasetImageLink, one) for one in image["datasets"]]
    ids = select(Dataset.id).where(Dataset.id.in_([one["dataset_id"] for one in datasets]))
    there = set(connection.scalars(ids.where(Dataset.group_id == row["group_id"])))
    for one in datasets:
        moved = (DatasetImageLink.image_id == image["to"], DatasetImageLink.dataset_id == one["dataset_id"])
        same = (DatasetImageLink.owner_id == one["owner_id"], DatasetImageLink.created_at == one["created_at"])
        connection.execute(delete(DatasetImageLink).where(*moved, *same))
        if one["dataset_id"] in there:
            connection.execute(insert_unless_there(connection, DatasetImageLink), one)
    for sample in image["samples"]:
        _sample_back(connection, row_of(WellSample, sample))
    _edits_back(connection, image)


def _links_back(connection: Connection, image: Mapping[str, Any], group_id: int) -> None:
    for document in image["links"]:
        link = row_of(AnnotationLink, document)
        mine = (AnnotationLink.id == link["id"], AnnotationLink.image_id == image["to"])
        moved = connection.execute(update(AnnotationLink).where(*mine).values(image_id=link["image_id"]))
        of_group = (Annotation.id == link["annotation_id"], Annotation.group_id == group_id)
        is_there = connection.scalar(select(Annotation.id).where(*of_group)) is not None
        is_known = connection.scalar(select(AnnotationLink.id).where(AnnotationLink.id == link["id"])) is not None
        is_dropped = document["id"] not in image["moved"]
        if not moved.rowcount and is_dropped and is_there and not is_known:
            connection.execute(insert(AnnotationLink).values(link))


def _sample_back(connection: Connection, sample: Mapping[str, Any]) -> None:
    """Put an image back into its field, where nothing else lies now."""
    place = (
        WellSample.plate_acquisition_id == sample["plate_acquisition_id"],
        WellSample.well_id == sample["well_id"],
        WellSample.field == sample["field"],
        WellSample.tile == sample["tile"],
    )
    if connection.scalar(select(WellSample.image_id).where(*place)) is None:
        connection.execute(insert(WellSample).values(dict(sample)))


def _edits_back(connection: Connection, image: Mapping[str, Any]) -> None:
    """Give the kept image the name and description that it had, where it has those of the one that went."""
    row, was = image["row"], image["was"]
    kept = connection.execute(select(Image.name, Image.named_by, Image.description).where(Image.id == image["to"]))
    now = kept.mappings().one_or_none()
    if now is None:
        return
    values: dict[str, Any] = {}
    if was["named_by"] != "hand" and (now["name"], now["named_by"]) == (row["name"], "hand"):
        values |= {"name": was["name"], "named_by": was["named_by"]}
    if was["description"] is None and now["description"] == row["description"]:
        values["description"] = None
    if values:
        connection.execute(update(Image).where(Image.id == image["to"]).values(values))


def _undivide(connection: Connection, restore: Mapping[str, Any], run: ApplyRun) -> str | None:
    from_id, to_id = restore["from"], restore["to"]
    generations = generation_of(connection, from_id), generation_of(connection, to_id)
    if generations != (restore["generation"], restore["to_generation"]):
        return READ_SINCE
    if not _give_back(connection, to_id, from_id, restore["files"]):
        return _SINCE
    root_id = connection.scalar(select(Fileset.root_id).where(Fileset.id == from_id)) or 0
    number_anew(connection, to_id)
    read_anew(connection, to_id, run.now)
    drop_filesets(connection, [to_id])
    _told(connection, DIVIDED, from_id, root_id, run)
    return None


def _give_back(connection: Connection, from_id: int, to_id: int, files: Sequence[Mapping[str, Any]]) -> int:
    """Let files belong to the fileset again that they came from, as far as they are there; gives how many."""
    count = 0
    for one in files:
        here = (Sighting.directory_id == one["directory"], Sighting.name == bytes.fromhex(one["name"]))
        values = {"fileset_id": to_id, "captured": one["captured"], "rule": one["rule"]}
        given = connection.execute(update(Sighting).where(*here, Sighting.fileset_id == from_id).values(values))
        count += given.rowcount
    known = [(one["file"], one["ordinal"]) for one in files if one["file"] is not None]
    for file_id, ordinal in sorted(known, key=lambda pair: pair[1]):
        mine = (OriginalFile.id == file_id, OriginalFile.fileset_id == from_id)
        taken = select(OriginalFile.id).where(OriginalFile.fileset_id == to_id, OriginalFile.ordinal == ordinal)
        number = ordinal if connection.scalar(taken) is None else _next(connection, to_id)
        connection.execute(update(OriginalFile).where(*mine).values(fileset_id=to_id, ordinal=number))
    return count


def _next(connection: Connection, fileset_id: int) -> int:
    numbers = connection.scalars(select(OriginalFile.ordinal).where(OriginalFile.fileset_id == fileset_id))
    return max(numbers, default=-1) + 1


def _told(connection: Connection, what: str, fileset_id: int, root_id: int, run: ApplyRun) -> None:
    event = NewEvent(
        what=what,
        at=run.now,
        via=run.via,
        acting=run.acting,
        object_type="fileset",
        object_id=fileset_id,
        fileset_id=fileset_id,
        root_id=root_id,
        after={"undone": run.id},
        configuration_id=run.configuration_id,
    )
    record(connection, event)
