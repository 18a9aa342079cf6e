"""Images as documents: a page of ids, and a few statements for all of them together, each filtered by sight."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from catalog.documents import ChannelDocument, FileDocument, ImageDocument, PhysicalSize, Sizes
from catalog.models.annotations import Annotation, AnnotationLink, MapPair
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
from catalog.models.images import Channel, Image
from catalog.models.people import Experimenter, ExperimenterGroup
from catalog.names import well_name
from catalog.permissions import Acting, rights
from catalog.queries.files import FilesetFiles, files_of
from catalog.states import FileState
from catalog.visibility import visible

#: Ids in one statement.
_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """The names around an image."""

    project: str | None = None
    dataset: str | None = None
    screen: str | None = None
    plate: str | None = None
    run: str | None = None
    well: str | None = None
    field: int | None = None


def image_documents(connection: Connection, acting: Acting, ids: Sequence[int]) -> tuple[ImageDocument, ...]:
    """Give the documents of these images in the order asked; what the viewer may not see is left out."""
    found: list[ImageDocument] = []
    for start in range(0, len(ids), _AT_ONCE):
        found.extend(document for document, _ in _chunk(connection, acting, ids[start : start + _AT_ONCE]))
    return tuple(found)


def image_with_state(connection: Connection, acting: Acting, image_id: int) -> tuple[ImageDocument, FileState]:
    """Give the document of an image in sight and the state of its files, which may be very many: asked for once."""
    (found,) = _chunk(connection, acting, [image_id])
    return found


def _chunk(connection: Connection, acting: Acting, ids: Sequence[int]) -> list[tuple[ImageDocument, FileState]]:
    rows = {row["id"]: row for row in _image_rows(connection, acting, ids)}
    places = _places(connection, acting, rows)
    channels = _channels(connection, acting, rows)
    tags, pairs = annotation_texts(connection, acting, AnnotationLink.image_id, rows)
    files = files_of(connection, acting, {row["fileset_id"] for row in rows.values()})
    found = []
    for image_id in ids:
        row = rows.get(image_id)
        if row is not None:
            own, place = files[row["fileset_id"]], places.get(image_id, _Place())
            texts = channels[image_id], tags[image_id], pairs[image_id]
            found.append((_document(acting, row, place, *texts, own), own.state))
    return found


def _image_rows(connection: Connection, acting: Acting, ids: Sequence[int]) -> Iterable[RowMapping]:
    query = (
        select(
            Image.__table__,
            Experimenter.name.label("owner_name"),
            ExperimenterGroup.name.label("group_name"),
        )
        .join(Experimenter, Experimenter.id == Image.owner_id)
        .join(ExperimenterGroup, ExperimenterGroup.id == Image.group_id)
        .where(Image.id.in_(ids), visible(acting, Image))
    )
    return connection.execute(query).mappings()


def _document(
    acting: Acting,
    row: RowMapping,
    place: _Place,
    channels: list[ChannelDocument],
    tags: list[str],
    pairs: list[tuple[str, str]],
    files: FilesetFiles,
) -> ImageDocument:
    return ImageDocument(
        id=row["id"],
        name=row["name"],
        description=row["description"],
        owner=row["owner_name"],
        group=row["group_name"],
        project=place.project,
        dataset=place.dataset,
        screen=place.screen,
        plate=place.plate,
        run=place.run,
        well=place.well,
        field=place.field,
        acquired_at=row["acquired_at"],
        imported_at=row["created_at"],
        sizes=Sizes(x=row["size_x"], y=row["size_y"], z=row["size_z"], c=row["size_c"], t=row["size_t"]),
        pixels_type=row["pixels_type"],
        physical_size_um=PhysicalSize(
            x=row["physical_size_x_um"], y=row["physical_size_y_um"], z=row["physical_size_z_um"]
        ),
        channels=tuple(channels),
        files=tuple(
            FileDocument(root=f.root, path=f.path, size_bytes=f.size_bytes, hash=f.hash) for f in files.locations
        ),
        tags=tuple(tags),
        key_values=tuple(pairs),
        rule=row["rule"],
        owner_by=row["owner_by"],
        state=files.state.state.value,
        permissions=rights(acting, group_id=row["group_id"], owner_id=row["owner_id"]),
    )


def _places(connection: Connection, acting: Acting, ids: Iterable[int]) -> dict[int, _Place]:
    return {**_in_datasets(connection, acting, list(ids)), **_in_plates(connection, acting, list(ids))}


def _in_datasets(connection: Connection, acting: Acting, ids: list[int]) -> dict[int, _Place]:
    """Name the dataset and project of each image: those of the oldest links in sight."""
    links = (
        select(DatasetImageLink.image_id, Dataset.id, Dataset.name)
        .join(Dataset, Dataset.id == DatasetImageLink.dataset_id)
        .where(DatasetImageLink.image_id.in_(ids), visible(acting, DatasetImageLink), visible(acting, Dataset))
        .order_by(DatasetImageLink.created_at.desc(), Dataset.id.desc())
    )
    datasets = {image_id: (dataset_id, name) for image_id, dataset_id, name in connection.execute(links)}
    projects = _first_parents(
        connection,
        select(ProjectDatasetLink.dataset_id, Project.name)
        .join(Project, Project.id == ProjectDatasetLink.project_id)
        .where(
            ProjectDatasetLink.dataset_id.in_({dataset_id for dataset_id, _ in datasets.values()}),
            visible(acting, ProjectDatasetLink),
            visible(acting, Project),
        )
        .order_by(ProjectDatasetLink.created_at.desc(), Project.id.desc()),
    )
    return {i: _Place(dataset=name, project=projects.get(dataset_id)) for i, (dataset_id, name) in datasets.items()}


def _first_parents(connection: Connection, newest_first: Any) -> dict[int, str]:
    # The later row replaces the earlier one: what stays is the oldest.
    return {row[0]: row[1] for row in connection.execute(newest_first)}


def _in_plates(connection: Connection, acting: Acting, ids: list[int]) -> dict[int, _Place]:
    samples = (
        select(
            WellSample.image_id,
            WellSample.field,
            WellSample.plate_id,
            Well.row,
            Well.column,
            Plate.name,
            PlateAcquisition.name.label("run"),
        )
        .join(Well, Well.id == WellSample.well_id)
        .join(Plate, Plate.id == WellSample.plate_id)
        .join(PlateAcquisition, PlateAcquisition.id == WellSample.plate_acquisition_id)
        .where(WellSample.image_id.in_(ids), visible(acting, WellSample), visible(acting, Plate))
    )
    rows = connection.execute(samples).mappings().all()
    screens = _first_parents(
        connection,
        select(ScreenPlateLink.plate_id, Screen.name)
        .join(Screen, Screen.id == ScreenPlateLink.screen_id)
        .where(
            ScreenPlateLink.plate_id.in_({row["plate_id"] for row in rows}),
            visible(acting, ScreenPlateLink),
            visible(acting, Screen),
        )
        .order_by(ScreenPlateLink.created_at.desc(), Screen.id.desc()),
    )
    return {
        row["image_id"]: _Place(
            screen=screens.get(row["plate_id"]),
            plate=row["name"],
            run=row["run"],
            well=well_name(row["row"], row["column"]),
            field=row["field"],
        )
        for row in rows
    }


def _channels(connection: Connection, acting: Acting, ids: Iterable[int]) -> dict[int, list[ChannelDocument]]:
    found: dict[int, list[ChannelDocument]] = defaultdict(list)
    query = (
        select(Channel.image_id, Channel.name, Channel.color, Channel.emission_wavelength_nm)
        .where(Channel.image_id.in_(list(ids)), visible(acting, Channel))
        .order_by(Channel.image_id, Channel.ordinal)
    )
    for image_id, name, color, emission_nm in connection.execute(query):
        found[image_id].append(ChannelDocument(name=name, color=color, emission_nm=emission_nm))
    return found


def annotation_texts(
    connection: Connection, acting: Acting, column: Any, ids: Iterable[int]
) -> tuple[dict[int, list[str]], dict[int, list[tuple[str, str]]]]:
    """Give the tags (sorted, each once) and the key-value pairs (in order) of objects, by the id in ``column``."""
    wanted = list(ids)
    links = (
        select(column, AnnotationLink.id.label("link_id"), Annotation.id.label("annotation_id"))
        .add_columns(Annotation.kind, Annotation.value)
        .join(Annotation, Annotation.id == AnnotationLink.annotation_id)
        .where(column.in_(wanted), visible(acting, AnnotationLink), visible(acting, Annotation))
        .order_by(AnnotationLink.id)
    )
    tags: dict[int, set[str]] = defaultdict(set)
    maps: list[tuple[int, int]] = []
    for object_id, _, annotation_id, kind, value in connection.execute(links):
        if kind == "tag":
            tags[object_id].add(value)
        elif kind == "map":
            maps.append((object_id, annotation_id))
    pairs: dict[int, list[tuple[str, str]]] = defaultdict(list)
    by_annotation = pairs_of(connection, acting, {annotation_id for _, annotation_id in maps})
    for object_id, annotation_id in maps:
        pairs[object_id].extend(by_annotation[annotation_id])
    return defaultdict(list, {i: sorted(found) for i, found in tags.items()}), pairs


def pairs_of(connection: Connection, acting: Acting, annotation_ids: Iterable[int]) -> dict[int, list[tuple[str, str]]]:
    """Give the pairs of map annotations, in order."""
    found: dict[int, list[tuple[str, str]]] = defaultdict(list)
    query = (
        select(MapPair.annotation_id, MapPair.key, MapPair.value)
        .where(MapPair.annotation_id.in_(list(annotation_ids)), visible(acting, MapPair))
        .order_by(MapPair.annotation_id, MapPair.ordinal)
    )
    for annotation_id, key, value in connection.execute(query):
        found[annotation_id].append((key, value))
    return found
