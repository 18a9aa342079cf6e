"""Everything about one object, as its viewer may see it."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, false, func, select

from catalog.associated_images import associated_of
from catalog.documents import ContainerDocument, FullChannel, ImageDetails, LinkedReference, Reference
from catalog.lost_originals import originals_of
from catalog.models.containers import (
    Dataset,
    DatasetImageLink,
    Plate,
    PlateAcquisition,
    Project,
    ProjectDatasetLink,
    Screen,
    ScreenPlateLink,
    Well,
    WellSample,
)
from catalog.models.images import Channel, Image, Thumbnail
from catalog.names import natural_key, well_name
from catalog.permissions import Acting, rights
from catalog.queries.annotations import annotations_of
from catalog.queries.image_documents import annotation_texts, image_with_state
from catalog.queries.objects import LINK_COLUMNS, FoundObject, find_object
from catalog.queries.plate_fill import well_counts
from catalog.queries.tree import dataset_counts, plate_counts, project_count, screen_count
from catalog.references import ObjectReference
from catalog.states import Mark
from catalog.visibility import dormant, visible

#: So many children are named by `show`; `images` lists them all.
CHILDREN_AT_MOST = 1000


def show(connection: Connection, acting: Acting, reference: ObjectReference) -> ImageDetails | ContainerDocument:
    """Give everything about an object; raises NotFound for what the viewer may not see."""
    found = find_object(connection, acting, reference)
    if reference.type == "image":
        return _image(connection, acting, found)
    return _container(connection, acting, found)


def _image(connection: Connection, acting: Acting, found: FoundObject) -> ImageDetails:
    row = found.row
    document, state = image_with_state(connection, acting, found.reference.id)
    copies = copies_of(connection, acting, row["fileset_id"])
    # That it is a copy is told only to whoever sees the other one, too.
    marks = state.marks - {Mark.COPY_OF} | ({Mark.COPY_OF} if copies else set())
    return ImageDetails(
        type="image",
        image=document,
        series=row["series"],
        format=row["format"],
        significant_bits=row["significant_bits"],
        is_rgb=row["is_rgb"],
        time_increment_s=row["time_increment_s"],
        channels=_full_channels(connection, acting, found.reference.id),
        acquisition=row["acquisition"],
        parents=_parents_of_image(connection, acting, found.reference.id),
        annotations=annotations_of(connection, acting, found),
        marks=tuple(mark.value for mark in Mark if mark in marks),
        reason=state.reason,
        copy_of=copies,
        updated_at=row["updated_at"],
        pixels_replaced_at=row["pixels_replaced_at"],
        associated_images=associated_of(connection, acting, found.reference.id),
        thumbnail_failure=connection.scalar(
            select(Thumbnail.failure).where(Thumbnail.image_id == found.reference.id, visible(acting, Thumbnail))
        ),
    )


def _full_channels(connection: Connection, acting: Acting, image_id: int) -> tuple[FullChannel, ...]:
    query = (
        select(Channel.__table__)
        .where(Channel.image_id == image_id, visible(acting, Channel))
        .order_by(Channel.ordinal)
    )
    return tuple(
        FullChannel(
            name=row["name"],
            color=row["color"],
            emission_nm=row["emission_wavelength_nm"],
            excitation_nm=row["excitation_wavelength_nm"],
            exposure_time_s=row["exposure_time_s"],
            window=None if row["window_start"] is None else (row["window_start"], row["window_end"]),
        )
        for row in connection.execute(query).mappings()
    )


def copies_of(connection: Connection, acting: Acting, fileset_id: int) -> tuple[Reference, ...]:
    """Give the images in sight of which this fileset's are copies: of the same content, and there before it."""
    query = select(Image.id, Image.name).where(
        Image.fileset_id.in_(originals_of(connection, fileset_id)), visible(acting, Image)
    )
    found = connection.execute(query.order_by(Image.id))
    return tuple(Reference(type="image", id=row.id, name=row.name) for row in found)


def _references(kind: str, connection: Connection, query: Any) -> tuple[LinkedReference, ...]:
    """Give what a query finds as id, name and whether the link is dormant."""
    found = connection.execute(query)
    return tuple(LinkedReference(type=kind, id=row[0], name=row[1], is_dormant=bool(row[2])) for row in found)


def _well_references(connection: Connection, query: Any) -> tuple[LinkedReference, ...]:
    """Give wells that a query finds as id, row, column and whether the link is dormant."""
    found = connection.execute(query)
    return tuple(
        LinkedReference(type="well", id=row[0], name=well_name(row[1], row[2]), is_dormant=bool(row[3]))
        for row in found
    )


def _linked(
    connection: Connection, acting: Acting, kind: str, model: Any, link: Any, on: str, where: ColumnElement[bool]
) -> tuple[LinkedReference, ...]:
    """Give the objects at the other end of links in sight, by name."""
    query = (
        select(model.id, model.name, dormant(acting, link))
        .join(link, getattr(link, on) == model.id)
        .where(where, visible(acting, link), visible(acting, model))
        .order_by(model.name, model.id)
        .limit(CHILDREN_AT_MOST)
    )
    return tuple(sorted(_references(kind, connection, query), key=lambda found: (natural_key(found.name), found.id)))


def _parents_of_image(connection: Connection, acting: Acting, image_id: int) -> tuple[LinkedReference, ...]:
    in_datasets = DatasetImageLink.image_id == image_id
    in_plate = WellSample.image_id == image_id
    wells = (
        select(Well.id, Well.row, Well.column, dormant(acting, WellSample))
        .join(WellSample, WellSample.well_id == Well.id)
        .where(in_plate, visible(acting, WellSample))
    )
    return (
        *_linked(connection, acting, "dataset", Dataset, DatasetImageLink, "dataset_id", in_datasets),
        *_linked(connection, acting, "plate", Plate, WellSample, "plate_id", in_plate),
        *_well_references(connection, wells),
    )


def _container(connection: Connection, acting: Acting, found: FoundObject) -> ContainerDocument:
    kind, object_id, row = found.reference.type, found.reference.id, found.row
    tags, pairs = annotation_texts(connection, acting, LINK_COLUMNS[kind], [object_id])
    return ContainerDocument(
        type=kind,
        id=object_id,
        name=found.name,
        description=row.get("description"),
        owner=found.owner,
        group=found.group,
        owner_by=row.get("owner_by"),
        created_at=row.get("created_at"),
        updated_at=row.get("updated_at"),
        images=_count(connection, acting, found),
        rows=row.get("rows"),
        columns=row.get("columns"),
        wells=well_counts(connection, acting, object_id).get(object_id) if kind == "plate" else None,
        runs=_runs(connection, acting, found),
        parents=_parents(connection, acting, found),
        children=_children(connection, acting, found),
        tags=tuple(tags[object_id]),
        key_values=tuple(pairs[object_id]),
        annotations=annotations_of(connection, acting, found),
        permissions=rights(acting, group_id=found.group_id, owner_id=found.owner_id),
    )


def _count(connection: Connection, acting: Acting, found: FoundObject) -> int:
    object_id = found.reference.id
    match found.reference.type:
        case "project":
            return project_count(connection, acting, object_id)
        case "dataset":
            return dataset_counts(connection, acting, object_id).get(object_id, 0)
        case "screen":
            return screen_count(connection, acting, object_id)
        case "plate":
            return plate_counts(connection, acting, object_id).get(object_id, 0)
        case _:
            in_well = select(func.count()).where(WellSample.well_id == object_id, visible(acting, WellSample))
            return connection.scalar(in_well) or 0


def _runs(connection: Connection, acting: Acting, found: FoundObject) -> tuple[str, ...]:
    if found.reference.type != "plate":
        return ()
    query = select(PlateAcquisition.name).where(
        PlateAcquisition.plate_id == found.reference.id, visible(acting, PlateAcquisition)
    )
    return tuple(connection.scalars(query.order_by(PlateAcquisition.id)))


def _parents(connection: Connection, acting: Acting, found: FoundObject) -> tuple[LinkedReference, ...]:
    object_id = found.reference.id
    match found.reference.type:
        case "dataset":
            where = ProjectDatasetLink.dataset_id == object_id
            return _linked(connection, acting, "project", Project, ProjectDatasetLink, "project_id", where)
        case "plate":
            where = ScreenPlateLink.plate_id == object_id
            return _linked(connection, acting, "screen", Screen, ScreenPlateLink, "screen_id", where)
        case "well":
            plate = select(Plate.id, Plate.name, false()).where(
                Plate.id == found.row["plate_id"], visible(acting, Plate)
            )
            return _references("plate", connection, plate)
        case _:
            return ()


def _children(connection: Connection, acting: Acting, found: FoundObject) -> tuple[LinkedReference, ...]:
    object_id = found.reference.id
    match found.reference.type:
        case "project":
            where = ProjectDatasetLink.project_id == object_id
            return _linked(connection, acting, "dataset", Dataset, ProjectDatasetLink, "dataset_id", where)
        case "dataset":
            where = DatasetImageLink.dataset_id == object_id
            return _linked(connection, acting, "image", Image, DatasetImageLink, "image_id", where)
        case "screen":
            where = ScreenPlateLink.screen_id == object_id
            return _linked(connection, acting, "plate", Plate, ScreenPlateLink, "plate_id", where)
        case "plate":
            return _wells(connection, acting, object_id)
        case _:
            return _fields(connection, acting, object_id)


def _wells(connection: Connection, acting: Acting, plate_id: int) -> tuple[LinkedReference, ...]:
    query = (
        select(Well.id, Well.row, Well.column, false())
        .where(Well.plate_id == plate_id, visible(acting, Well))
        .order_by(Well.row, Well.column)
    )
    return _well_references(connection, query)


def _fields(connection: Connection, acting: Acting, well_id: int) -> tuple[LinkedReference, ...]:
    query = (
        select(Image.id, Image.name, dormant(acting, WellSample))
        .join(WellSample, WellSample.image_id == Image.id)
        .where(WellSample.well_id == well_id, visible(acting, WellSample), visible(acting, Image))
        .order_by(WellSample.plate_acquisition_id, WellSample.field)
    )
    return _references("image", connection, query)
