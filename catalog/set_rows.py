"""The rows of files and planes of images of many files: only what differs is written, so that a plane more is cheap."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from catalog.file_rows import content_of, original_file_row
from catalog.looks import ReadFileset
from catalog.models.images import OriginalFile, PlaneLocation
from catalog.models.ingest import Directory, Sighting
from catalog.records import FileRecord, PlaneRecord


def write_set_files(connection: Connection, read: ReadFileset, *, now: datetime) -> None:
    """Insert files that are new and update those that were read again; the sightings point to them.

    A file keeps its row and number for good; the main file of a fileset comes first.
    """
    known = {path: row.original_file_id for path, row in _sightings(connection, read.fileset_id).items()}
    new = [file for file in read.files if known.get(file.path) is None]
    changed = [file for file in read.files if known.get(file.path) is not None and file.is_read]
    _write_contents(connection, {known[file.path]: content_of(file) for file in changed})
    numbers = _free_numbers(connection, read.fileset_id, len(new))
    rows = [original_file_row(read.fileset_id, number, file, now) for number, file in zip(numbers, new, strict=True)]
    if rows:
        statement = insert(OriginalFile).returning(OriginalFile.id, sort_by_parameter_order=True)
        ids = connection.scalars(statement, rows).all()
        _point(connection, read, dict(zip((file.path for file in new), ids, strict=True)))


def _free_numbers(connection: Connection, fileset_id: int, count: int) -> list[int]:
    """Give the next numbers of files; 0 first, where it waits for the main file of a set."""
    if not count:
        return []
    query = select(func.min(OriginalFile.ordinal).label("first"), func.max(OriginalFile.ordinal).label("last"))
    row = connection.execute(query.where(OriginalFile.fileset_id == fileset_id)).mappings().one()
    first, last = row["first"], row["last"]
    if last is None:
        return list(range(count))
    return ([] if first == 0 else [0]) + list(range(last + 1, last + 1 + count - (first != 0)))


def _write_contents(connection: Connection, contents: Mapping[int, Mapping[str, Any]]) -> None:
    """Write what was read of files, by id; those of one set of columns together."""
    by_columns: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for file_id, content in contents.items():
        by_columns.setdefault(tuple(content), []).append({"b_id": file_id, **content})
    for rows in by_columns.values():
        connection.execute(_WRITE, rows)


_WRITE = update(OriginalFile).where(OriginalFile.id == bindparam("b_id")).execution_options(synchronize_session=False)


def _sightings(connection: Connection, fileset_id: int) -> dict[bytes, Any]:
    query = (
        select(Directory.path, Sighting.directory_id, Sighting.name, Sighting.original_file_id)
        .join(Directory, Directory.id == Sighting.directory_id)
        .where(Sighting.fileset_id == fileset_id)
    )
    found = {}
    for row in connection.execute(query):
        folder, name = bytes(row.path), bytes(row.name)
        found[folder + b"/" + name if folder else name] = row
    return found


def _point(connection: Connection, read: ReadFileset, ids: Mapping[bytes, int]) -> None:
    rows = _sightings(connection, read.fileset_id)
    pointed = [
        {"b_directory": rows[path].directory_id, "b_name": bytes(rows[path].name), "b_file": file_id}
        for path, file_id in ids.items()
        if path in rows
    ]
    if pointed:
        connection.execute(_POINT, pointed)


_POINT = (
    update(Sighting)
    .where(Sighting.directory_id == bindparam("b_directory"), Sighting.name == bindparam("b_name"))
    .values(original_file_id=bindparam("b_file"))
    .execution_options(synchronize_session=False)
)


def write_planes(connection: Connection, read: ReadFileset, images: Mapping[int, int]) -> None:
    """Write where the planes of images (ids by series) lie, where that is new or different; holes have no row."""
    if read.grouping == "file":
        return
    files = {path: row.original_file_id for path, row in _sightings(connection, read.fileset_id).items()}
    for series, image_id in images.items():
        wanted = {
            (one.the_c, one.the_z, one.the_t): (files[one.path], one.series, one.plane)
            for one in read.planes
            if one.image_series == series and files.get(one.path) is not None
        }
        _write_differences(connection, image_id, wanted)


_Place = tuple[int, int, int]


def _write_differences(connection: Connection, image_id: int, wanted: Mapping[_Place, tuple[int, int, int]]) -> None:
    stored = planes_of(connection, image_id)
    gone = [place for place, lies in stored.items() if wanted.get(place) != lies]
    new = [place for place, lies in wanted.items() if stored.get(place) != lies]
    if gone:
        connection.execute(_FORGET, [_key(image_id, place) for place in gone])
    if new:
        columns = ("original_file_id", "series", "plane")
        rows = [
            {"image_id": image_id, "the_c": c, "the_z": z, "the_t": t}
            | dict(zip(columns, wanted[c, z, t], strict=True))
            for c, z, t in new
        ]
        connection.execute(insert(PlaneLocation), rows)


_FORGET = delete(PlaneLocation).where(
    PlaneLocation.image_id == bindparam("b_image"),
    PlaneLocation.the_c == bindparam("b_c"),
    PlaneLocation.the_z == bindparam("b_z"),
    PlaneLocation.the_t == bindparam("b_t"),
)


def _key(image_id: int, place: _Place) -> dict[str, int]:
    c, z, t = place
    return {"b_image": image_id, "b_c": c, "b_z": z, "b_t": t}


def planes_of(connection: Connection, image_id: int) -> dict[_Place, tuple[int, int, int]]:
    """Give where the planes of an image of many files lie: (original file, series, plane) by (c, z, t)."""
    query = select(
        PlaneLocation.the_c,
        PlaneLocation.the_z,
        PlaneLocation.the_t,
        PlaneLocation.original_file_id,
        PlaneLocation.series,
        PlaneLocation.plane,
    ).where(PlaneLocation.image_id == image_id)
    return {(row[0], row[1], row[2]): (row[3], row[4], row[5]) for row in connection.execute(query)}


def are_pixels_replaced(connection: Connection, read: ReadFileset) -> bool:
    """Tell whether files that were catalogued hold other content now; files that were added replace none."""
    query = (
        select(Directory.path, Sighting.name, OriginalFile.size_bytes, OriginalFile.fingerprint)
        .add_columns(OriginalFile.hash, OriginalFile.hasher)
        .join(Directory, Directory.id == Sighting.directory_id)
        .join(OriginalFile, OriginalFile.id == Sighting.original_file_id)
        .where(Sighting.fileset_id == read.fileset_id)
    )
    known = {}
    for row in connection.execute(query):
        folder, name = bytes(row.path), bytes(row.name)
        path = folder + b"/" + name if folder else name
        known[path] = (row.size_bytes, bytes(row.fingerprint), row.hasher, row.hash)
    return any(_is_other(file, known[file.path]) for file in read.files if file.is_read and file.path in known)


def _is_other(file: FileRecord, known: tuple[int, bytes, str | None, str | None]) -> bool:
    size_bytes, fingerprint, hasher, content = known
    if (file.size_bytes, file.fingerprint) != (size_bytes, fingerprint):
        return True
    is_known = content is not None and file.hash is not None and hasher == file.hasher
    return not is_known or content != file.hash


def are_planes_the_same(connection: Connection, read: ReadFileset, images: Mapping[int, int]) -> bool:
    """Tell whether the planes of images (ids by series) lie where they lay."""
    files = {path: row.original_file_id for path, row in _sightings(connection, read.fileset_id).items()}
    return all(
        planes_of(connection, image_id) == _as_stored([p for p in read.planes if p.image_series == series], files)
        for series, image_id in images.items()
    )


def _as_stored(planes: Sequence[PlaneRecord], files: Mapping[bytes, int]) -> dict[_Place, tuple[int | None, int, int]]:
    return {(one.the_c, one.the_z, one.the_t): (files.get(one.path), one.series, one.plane) for one in planes}
