"""Stored pictures: one image's, a plate's by well, a dataset's by name."""

from sqlalchemy import Connection, RowMapping, func, select

from catalog.documents import DatasetPictures, GridPicture, NamedPicture, Picture, PlateGrid
from catalog.models.base import AnySelect
from catalog.models.containers import DatasetImageLink, PlateAcquisition, Well, WellSample
from catalog.models.images import Image, Thumbnail
from catalog.names import natural_key
from catalog.permissions import Acting
from catalog.plate_sizes import grid_size
from catalog.queries.objects import find_object
from catalog.references import ObjectReference
from catalog.visibility import visible

#: Pictures on one contact sheet of a dataset.
PICTURES_AT_MOST = 400


def thumbnail(connection: Connection, acting: Acting, image_id: int) -> Picture:
    """Give an image's stored picture, or why there is none; raises NotFound for an image out of sight."""
    find_object(connection, acting, ObjectReference(type="image", id=image_id))
    query = _pictures().where(Image.id == image_id, visible(acting, Image))
    return _picture(connection.execute(query).mappings().one())


def plate_grid(connection: Connection, acting: Acting, plate_id: int, *, run: str | None = None) -> PlateGrid:
    """Give a plate's pictures by well and field (of one run, when named); raises NotFound for a plate out of sight.

    The size of the grid is the plate's where it is known and large enough, else the smallest usual plate that holds
    all its wells.
    """
    found = find_object(connection, acting, ObjectReference(type="plate", id=plate_id))
    fields = tuple(
        GridPicture(
            row=row["row"],
            column=row["column"],
            field=row["field"],
            run=row["run"],
            name=row["name"],
            picture=_picture(row),
        )
        for row in connection.execute(_samples(acting, plate_id, run)).mappings()
    )
    rows, columns = grid_size(
        found.row["rows"], found.row["columns"], [(field.row + 1, field.column + 1) for field in fields]
    )
    return PlateGrid(id=plate_id, name=found.name, rows=rows, columns=columns, fields=fields)


def dataset_pictures(
    connection: Connection, acting: Acting, dataset_id: int, *, limit: int = PICTURES_AT_MOST
) -> DatasetPictures:
    """Give a dataset's pictures by name in natural order, up to ``limit``; raises NotFound for one out of sight."""
    found = find_object(connection, acting, ObjectReference(type="dataset", id=dataset_id))
    linked = (
        select(DatasetImageLink.image_id)
        .where(DatasetImageLink.dataset_id == dataset_id, visible(acting, DatasetImageLink))
        .subquery()
    )
    names = select(Image.id, Image.name).where(Image.id.in_(select(linked.c.image_id)), visible(acting, Image))
    in_order = sorted(((natural_key(name), image_id) for image_id, name in connection.execute(names)))
    ids = [image_id for _, image_id in in_order[:limit]]
    rows = connection.execute(_pictures().where(Image.id.in_(ids), visible(acting, Image))).mappings()
    by_id = {row["id"]: NamedPicture(name=row["name"], picture=_picture(row)) for row in rows}
    pictures = tuple(by_id[image_id] for image_id in ids)
    return DatasetPictures(id=dataset_id, name=found.name, pictures=pictures, total=len(in_order))


def _pictures() -> AnySelect:
    """Select images beside their thumbnails: the caller filters by sight."""
    return select(
        Image.id,
        Image.name,
        Thumbnail.media_type,
        Thumbnail.width_px,
        Thumbnail.height_px,
        Thumbnail.data,
        func.coalesce(Thumbnail.failure, "no picture has been made").label("failure"),
    ).outerjoin_from(Image, Thumbnail, Thumbnail.image_id == Image.id)


def _samples(acting: Acting, plate_id: int, run: str | None) -> AnySelect:
    query = (
        _pictures()
        .add_columns(Well.row, Well.column, WellSample.field, PlateAcquisition.name.label("run"))
        .join(WellSample, WellSample.image_id == Image.id)
        .join(Well, Well.id == WellSample.well_id)
        .join(PlateAcquisition, PlateAcquisition.id == WellSample.plate_acquisition_id)
        .where(WellSample.plate_id == plate_id, visible(acting, WellSample), visible(acting, Image))
        .order_by(Well.row, Well.column, PlateAcquisition.id, WellSample.field)
    )
    return query if run is None else query.where(PlateAcquisition.name == run)


def _picture(row: RowMapping) -> Picture:
    return Picture(
        image_id=row["id"],
        media_type=row["media_type"],
        width_px=row["width_px"],
        height_px=row["height_px"],
        data=row["data"],
        failure=row["failure"] if row["data"] is None else None,
    )
