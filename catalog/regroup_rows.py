"""The rows of files that go from one fileset to another: which they are, what their names capture, what was seen."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, select, update

from catalog.looks import TO_BE_READ, due_at_once
from catalog.member_digests import sum_of
from catalog.models.images import Image, OriginalFile, PlaneLocation
from catalog.models.ingest import Directory, Fileset, Job, Sighting
from catalog.set_files import LOOK, digest_before

_BATCH = 500


def generation_of(connection: Connection, fileset_id: int) -> int | None:
    """Tell how often a fileset was read; None where there is none."""
    return connection.scalar(select(Fileset.generation).where(Fileset.id == fileset_id))


def read_anew(connection: Connection, fileset_id: int, now: datetime, *, are_pixels_others: bool = True) -> None:
    """Have a fileset read again whole.

    ``are_pixels_others``: what is noted on its images was noted on earlier pixels.
    """
    rows = sightings_of(connection, fileset_id)
    there = [digest_before(path, row) for path, row in rows.items() if row.missing_since is None]
    is_done = Fileset.done_digest.is_not(None)
    due = {"seen_digest": sum_of(there), "due_at": due_at_once(now)}
    connection.execute(update(Fileset).where(Fileset.id == fileset_id).values(due))
    connection.execute(update(Fileset).where(Fileset.id == fileset_id, is_done).values(done_digest=TO_BE_READ))
    if are_pixels_others:
        images = update(Image).where(Image.fileset_id == fileset_id)
        connection.execute(images.values(pixels_replaced_at=now, updated_at=now))
    void = (Job.fileset_id == fileset_id, Job.kind.in_(("import", "hash")))
    connection.execute(delete(Job).where(*void, Job.state != "started"))
    connection.execute(update(Job).where(*void, Job.state == "started").values(digest=b"", reason=None))


def sightings_of(connection: Connection, fileset_id: int) -> dict[bytes, Any]:
    """Give the rows of the files of a fileset, by path."""
    query = (
        select(Directory.path, Sighting.directory_id, Sighting.name, Sighting.captured, Sighting.missing_since)
        .add_columns(Sighting.original_file_id, Sighting.rule, *(getattr(Sighting, column) for column in LOOK))
        .join(Directory, Directory.id == Sighting.directory_id)
        .where(Sighting.fileset_id == fileset_id)
    )
    found = {}
    for row in connection.execute(query):
        folder, name = bytes(row.path), bytes(row.name)
        found[folder + b"/" + name if folder else name] = row
    return found


def capture(connection: Connection, rows: Mapping[bytes, Any], captured: Mapping[bytes, str | None]) -> None:
    """Write down what names capture now."""
    values = [
        {"b_directory": rows[path].directory_id, "b_name": bytes(rows[path].name), "b_captured": text}
        for path, text in captured.items()
        if path in rows and rows[path].captured != text
    ]
    if values:
        connection.execute(_CAPTURE, values)


_HERE = (Sighting.directory_id == bindparam("b_directory"), Sighting.name == bindparam("b_name"))
_CAPTURE = (
    update(Sighting).where(*_HERE).values(captured=bindparam("b_captured")).execution_options(synchronize_session=False)
)
_TAKE = (
    update(Sighting)
    .where(*_HERE)
    .values(
        fileset_id=bindparam("b_fileset"),
        captured=bindparam("b_captured"),
        rule=bindparam("b_rule"),
        configuration_id=bindparam("b_configuration"),
    )
    .execution_options(synchronize_session=False)
)


def take(
    connection: Connection,
    rows: Mapping[bytes, Any],
    captured: Mapping[bytes, str | None],
    fileset_id: int,
    *,
    rule: str | None,
    configuration_id: int | None,
) -> None:
    """Let files, with what is known of their content, belong to a fileset."""
    values = [
        {
            "b_directory": rows[path].directory_id,
            "b_name": bytes(rows[path].name),
            "b_fileset": fileset_id,
            "b_captured": text,
            "b_rule": rule,
            "b_configuration": configuration_id,
        }
        for path, text in captured.items()
    ]
    connection.execute(_TAKE, values)
    files = [rows[path].original_file_id for path in captured if rows[path].original_file_id is not None]
    last = connection.scalar(select(func.max(OriginalFile.ordinal)).where(OriginalFile.fileset_id == fileset_id))
    first = 0 if last is None else last + 1
    for number, file_id in enumerate(dict.fromkeys(files), first):
        values_now = {"fileset_id": fileset_id, "ordinal": number, "read_as": None, "holds": None}
        connection.execute(update(OriginalFile).where(OriginalFile.id == file_id).values(values_now))


def forget_contents(connection: Connection, fileset_id: int, file_ids: Sequence[int]) -> None:
    """Forget what was read of files that leave a fileset, and where planes of its images lay in them."""
    images = select(Image.id).where(Image.fileset_id == fileset_id)
    for start in range(0, len(file_ids), _BATCH):
        part = file_ids[start : start + _BATCH]
        planes = delete(PlaneLocation).where(PlaneLocation.image_id.in_(images))
        connection.execute(planes.where(PlaneLocation.original_file_id.in_(part)))
        places = update(Sighting).where(Sighting.original_file_id.in_(part))
        connection.execute(places.values(original_file_id=None))
        connection.execute(delete(OriginalFile).where(OriginalFile.id.in_(part)))


def number_anew(connection: Connection, fileset_id: int) -> None:
    """Count the files of a fileset that lost some from 0 again, and forget where planes lay in those that left."""
    query = select(OriginalFile.id, OriginalFile.ordinal).where(OriginalFile.fileset_id == fileset_id)
    files = connection.execute(query.order_by(OriginalFile.ordinal)).all()
    for number, file in enumerate(files):
        if file.ordinal != number:
            connection.execute(update(OriginalFile).where(OriginalFile.id == file.id).values(ordinal=number))
    images = select(Image.id).where(Image.fileset_id == fileset_id)
    own = select(OriginalFile.id).where(OriginalFile.fileset_id == fileset_id)
    connection.execute(
        delete(PlaneLocation).where(PlaneLocation.image_id.in_(images), PlaneLocation.original_file_id.not_in(own))
    )
