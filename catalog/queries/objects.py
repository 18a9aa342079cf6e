"""Finding one object that the viewer sees: what does not exist and what is hidden look alike."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from catalog.errors import NotFound
from catalog.models.annotations import AnnotationLink
from catalog.models.containers import Dataset, Plate, Project, Screen, Well
from catalog.models.images import Image
from catalog.models.ingest import Event
from catalog.models.people import Experimenter, ExperimenterGroup
from catalog.names import well_name
from catalog.permissions import Acting
from catalog.references import ObjectReference
from catalog.visibility import visible

MODELS: dict[str, Any] = {
    "project": Project,
    "dataset": Dataset,
    "screen": Screen,
    "plate": Plate,
    "image": Image,
}
#: What happened to an image whose files became part of another one, or to that one.
MERGED = "merged"
#: The column of an annotation link that points to an object of this type.
LINK_COLUMNS: dict[str, Any] = {
    "project": AnnotationLink.project_id,
    "dataset": AnnotationLink.dataset_id,
    "screen": AnnotationLink.screen_id,
    "plate": AnnotationLink.plate_id,
    "image": AnnotationLink.image_id,
    "well": AnnotationLink.well_id,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundObject:
    """An object in sight. A well's owner and group are its plate's; ``row`` has all columns of the table."""

    reference: ObjectReference
    name: str
    owner_id: int
    group_id: int
    owner: str
    group: str
    row: RowMapping


def find_object(connection: Connection, acting: Acting, reference: ObjectReference) -> FoundObject:
    """Give an object that the viewer sees, or raise NotFound."""
    row = connection.execute(_query(acting, reference)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no {reference}{_where_it_went(connection, acting, reference)}")
    name = well_name(row["row"], row["column"]) if reference.type == "well" else row["name"]
    return FoundObject(
        reference=reference,
        name=name,
        owner_id=row["object_owner_id"],
        group_id=row["object_group_id"],
        owner=row["owner_name"],
        group=row["group_name"],
        row=row,
    )


def _where_it_went(connection: Connection, acting: Acting, reference: ObjectReference) -> str:
    """Say which image one is a part of that `apply` merged, to whoever sees that one."""
    if reference.type != "image":
        return ""
    passed = {reference.id}
    found = _merged_into(connection, reference.id)
    while found is not None and found not in passed:
        if connection.scalar(select(Image.id).where(Image.id == found, visible(acting, Image))) is not None:
            return f" any more: changed rules made it a part of image:{found}"
        passed.add(found)
        found = _merged_into(connection, found)
    return ""


def _merged_into(connection: Connection, image_id: int) -> int | None:
    query = select(Event.after).where(Event.object_type == "image", Event.object_id == image_id, Event.what == MERGED)
    after = connection.scalar(query.order_by(Event.id.desc()).limit(1))
    return after["into"] if after else None


def _query(acting: Acting, reference: ObjectReference) -> Any:
    is_well = reference.type == "well"
    model: Any = Well if is_well else MODELS[reference.type]
    owned: Any = Plate if is_well else model
    query = select(
        model.__table__,
        owned.owner_id.label("object_owner_id"),
        owned.group_id.label("object_group_id"),
        Experimenter.name.label("owner_name"),
        ExperimenterGroup.name.label("group_name"),
    ).select_from(model)
    if is_well:
        query = query.join(Plate, Plate.id == Well.plate_id)
    return (
        query.join(Experimenter, Experimenter.id == owned.owner_id)
        .join(ExperimenterGroup, ExperimenterGroup.id == owned.group_id)
        .where(model.id == reference.id, visible(acting, owned))
    )
