"""How full a plate is: its wells with images that the viewer sees, of how many. A plate fills while it is acquired."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from catalog.documents import FillingPlate, WellCount
from catalog.models.containers import Plate, Well, WellSample
from catalog.permissions import Acting
from catalog.plate_sizes import grid_size
from catalog.visibility import visible

#: A plate to which nothing came for longer is not filling any more.
FILLING_WITHIN = timedelta(hours=24)


def well_counts(connection: Connection, acting: Acting, plate_id: int | None = None) -> dict[int, WellCount]:
    """Count the wells in which the viewer sees an image, of each plate (or of one), with how many the plate has."""
    query = (
        select(
            WellSample.plate_id,
            Plate.rows,
            Plate.columns,
            func.count(WellSample.well_id.distinct()),
            func.max(Well.row),
            func.max(Well.column),
        )
        .join(Plate, Plate.id == WellSample.plate_id)
        .join(Well, Well.id == WellSample.well_id)
        .where(visible(acting, WellSample))
        .group_by(WellSample.plate_id, Plate.rows, Plate.columns)
    )
    if plate_id is not None:
        query = query.where(WellSample.plate_id == plate_id)
    found = {}
    for key, rows, columns, count, last_row, last_column in connection.execute(query):
        height, width = grid_size(rows, columns, [(last_row + 1, last_column + 1)])
        found[key] = WellCount(filled=count, of=height * width)
    return found


def filling_plates(connection: Connection, acting: Acting, *, now: datetime) -> tuple[FillingPlate, ...]:
    """Give the plates in sight to which images came lately and that have empty wells, by name."""
    query = (
        select(Plate.id, Plate.name)
        .join(WellSample, WellSample.plate_id == Plate.id)
        .where(WellSample.created_at > now - FILLING_WITHIN, visible(acting, WellSample), visible(acting, Plate))
        .group_by(Plate.id, Plate.name)
        .order_by(Plate.name, Plate.id)
    )
    lately = {row.id: row.name for row in connection.execute(query)}
    if not lately:
        return ()
    counts = {key: well_counts(connection, acting, key).get(key) for key in lately}
    return tuple(
        FillingPlate(id=key, name=name, wells=count)
        for key, name in lately.items()
        if (count := counts[key]) is not None and count.filled < count.of
    )
