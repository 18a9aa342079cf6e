"""Files images in plates: wells, runs and fields, and what happens when a field is taken."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from catalog.looks import Filing
from catalog.models.containers import Plate, PlateAcquisition, Well, WellSample
from catalog.models.images import Image
from catalog.models.ingest import Fileset, Sighting
from catalog.names import well_name
from catalog.neighbours import missing_dimensions, without
from catalog.upserts import insert_unless_there

RUNS_AT_MOST = 1000


def place_in_plate(
    connection: Connection, plate_id: int, images: list[int], filing: Filing, *, fileset_id: int, now: datetime
) -> str | None:
    """Make the well, the run and the fields that show the images; gives why not, when the place is taken.

    A rule that captures no field numbers the files of a well as they come. The same field in another folder is
    another run; in the same folder the first stays.
    """
    if filing.well is None:
        return "its rule files it in a plate but tells no well, and the file itself tells none"
    note_size(connection, plate_id, filing)
    well_id = _find_or_make_well(connection, plate_id, *filing.well)
    mates = _runs_of_folder(connection, plate_id, fileset_id)
    for name in _run_names(filing, mates):
        run_id = _find_or_make_run(connection, plate_id, name, now)
        place = _Place(plate_id=plate_id, well_id=well_id, run_id=run_id, run=name)
        if filing.field is not None:
            place = _beside_neighbour(connection, place, filing, now)
        fields = _free_fields(connection, well_id, place.run_id, filing, len(images))
        if fields is not None:
            _insert_samples(connection, place, images, fields, filing, now)
            return None
        if name in mates:
            where = f"well {well_name(*filing.well)}"
            tile = f", tile {filing.tile}" if filing.tile else ""
            return f"same {where}, field {filing.field or 0}{tile} as another file of this folder"
    return f"more than {RUNS_AT_MOST} runs of one plate"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A well in a run of a plate."""

    plate_id: int
    well_id: int
    run_id: int
    run: str


def _beside_neighbour(connection: Connection, place: _Place, filing: Filing, now: datetime) -> _Place:
    """Give the place of an image beside one that captured more or fewer dimensions: a projection beside its stack.

    What captured fewer goes to a run "RUN without z", whichever of the two came first.
    """
    sample = _sample_at(connection, place, filing)
    if sample is None:
        return place
    other = tuple(sample.placement.get("dimensions", ()))
    missing = missing_dimensions(filing.dimensions, other)
    if missing:
        name = without(place.run, missing)
        return replace(place, run=name, run_id=_find_or_make_run(connection, place.plate_id, name, now))
    missing = missing_dimensions(other, filing.dimensions)
    if missing:
        run_id = _find_or_make_run(connection, place.plate_id, without(place.run, missing), now)
        connection.execute(
            update(WellSample).where(WellSample.image_id == sample.image_id).values(plate_acquisition_id=run_id)
        )
    return place


def _sample_at(connection: Connection, place: _Place, filing: Filing) -> Any:
    query = (
        select(WellSample.image_id, Fileset.placement)
        .join(Image, Image.id == WellSample.image_id)
        .join(Fileset, Fileset.id == Image.fileset_id)
        .where(
            WellSample.plate_acquisition_id == place.run_id,
            WellSample.well_id == place.well_id,
            WellSample.field == filing.field,
            WellSample.tile == filing.tile,
        )
    )
    return connection.execute(query).one_or_none()


def note_size(connection: Connection, plate_id: int, filing: Filing) -> None:
    """Note how large a plate is, the first time that an index tells."""
    if filing.plate_size is not None:
        rows, columns = filing.plate_size
        unknown = (Plate.id == plate_id, Plate.rows.is_(None))
        connection.execute(update(Plate).where(*unknown).values(rows=rows, columns=columns))


def note_plate(connection: Connection, images: list[int], filing: Filing) -> None:
    """Note how large the plate is that shows these images."""
    plate_id = connection.scalar(select(WellSample.plate_id).where(WellSample.image_id.in_(images)).limit(1))
    if plate_id is not None:
        note_size(connection, plate_id, filing)


def _run_names(filing: Filing, mates: list[str]) -> list[str]:
    base = filing.run
    if base is None:
        names = [f"Run {number}" for number in range(1, RUNS_AT_MOST)]
    else:
        names = [base, *(f"{base} ({number})" for number in range(2, RUNS_AT_MOST))]
    known = set(names)
    first = [name for name in mates if name in known]
    return [*first, *(name for name in names if name not in first)]


def _runs_of_folder(connection: Connection, plate_id: int, fileset_id: int) -> list[str]:
    """Name a run of this plate that holds files of the same folder: one is enough, and cheap in a large folder."""
    own = select(Sighting.directory_id).where(Sighting.fileset_id == fileset_id).distinct()
    query = (
        select(PlateAcquisition.name)
        .join(WellSample, WellSample.plate_acquisition_id == PlateAcquisition.id)
        .join(Image, Image.id == WellSample.image_id)
        .join(Sighting, Sighting.fileset_id == Image.fileset_id)
        .where(
            PlateAcquisition.plate_id == plate_id,
            WellSample.plate_id == plate_id,
            Sighting.directory_id.in_(own),
            Sighting.fileset_id != fileset_id,
        )
        .limit(1)
    )
    return list(connection.scalars(query))


def _find_or_make_well(connection: Connection, plate_id: int, row: int, column: int) -> int:
    query = select(Well.id).where(Well.plate_id == plate_id, Well.row == row, Well.column == column)
    found = connection.scalar(query)
    if found is None:
        values = {"plate_id": plate_id, "row": row, "column": column}
        connection.execute(insert_unless_there(connection, Well).values(values))
        found = connection.scalar(query)
    assert found is not None  # noqa: S101 - inserted here, or by the one that was faster
    return found


def _find_or_make_run(connection: Connection, plate_id: int, name: str, now: datetime) -> int:
    query = select(PlateAcquisition.id).where(PlateAcquisition.plate_id == plate_id, PlateAcquisition.name == name)
    found = connection.scalar(query)
    if found is None:
        values = {"plate_id": plate_id, "name": name, "created_at": now}
        connection.execute(insert_unless_there(connection, PlateAcquisition).values(values))
        found = connection.scalar(query)
    assert found is not None  # noqa: S101 - inserted here, or by the one that was faster
    return found


def _free_fields(connection: Connection, well_id: int, run_id: int, filing: Filing, count: int) -> range | None:
    field = filing.field
    mine = (WellSample.well_id == well_id, WellSample.plate_acquisition_id == run_id)
    if field is None:
        last = connection.scalar(select(func.max(WellSample.field)).where(*mine))
        first = 0 if last is None else last + 1
        return range(first, first + count)
    wanted = range(field, field + count)
    taken = connection.scalar(
        select(func.count())
        .select_from(WellSample)
        .where(*mine, WellSample.field.in_(list(wanted)), WellSample.tile == filing.tile)
    )
    return None if taken else wanted


def _insert_samples(
    connection: Connection, place: _Place, images: list[int], fields: range, filing: Filing, now: datetime
) -> None:
    rows = [
        {
            "image_id": image_id,
            "plate_id": place.plate_id,
            "well_id": place.well_id,
            "plate_acquisition_id": place.run_id,
            "field": field,
            "tile": filing.tile,
            "group_id": filing.group_id,
            "owner_id": filing.owner_id,
            "created_at": now,
        }
        for image_id, field in zip(images, fields, strict=True)
    ]
    connection.execute(insert(WellSample), rows)
