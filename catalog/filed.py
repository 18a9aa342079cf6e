"""How filesets are filed: placement, images, where these lie and what people changed; read in pages, frozen.

Two pictures of one fileset are equal only if nothing that a change of the rules builds on is another.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, RowMapping, select

from catalog.filings import filing_of
from catalog.models.base import AnySelect
from catalog.models.containers import Dataset, DatasetImageLink, Plate, WellSample
from catalog.models.images import Image
from catalog.models.ingest import Directory, Fileset, Sighting
from catalog.places import Place, at_or_below

#: A mark in a placement: the images were taken out of their place and are not put into the new one yet.
UNPLACED = "unplaced"


class FilesetKeys(NamedTuple):
    """By what a fileset is found when further files come; ``grouping`` says what tells which files are its own.

    The others are as in `catalog.models.ingest.Fileset`.
    """

    key: bytes
    grouping: str = "file"
    neighbour: bytes | None = None
    plate_key: bytes | None = None
    marker: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FiledImage:
    """An image of a fileset, and the containers in which it lies, by their origin keys (None: they have none)."""

    id: int
    series: int
    name: str
    is_named_by_hand: bool
    description: str | None
    owner_id: int
    group_id: int
    owner_by: str
    datasets: tuple[tuple[int, bytes | None], ...] = ()
    #: Plate, its origin key, well, run, field; None: in no plate.
    sample: tuple[int, bytes | None, int, int, int] | None = None
    #: What its file was found to be when it was read.
    format: str = ""

    @property
    def is_owned_by_hand(self) -> bool:
        """Tell whether a person's word made it whose it is."""
        return self.owner_by.endswith("hand")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filed:
    """A catalogued fileset. ``paths`` are those of its members, relative to the root; ``captured`` what each captured.

    ``paths`` and ``captured`` go together; the second is as `catalog.captured` writes it.
    """

    fileset_id: int
    root_id: int
    document: Mapping[str, Any]
    is_by_hand: bool
    owner_id: int
    group_id: int
    owner_differs: bool
    keys: FilesetKeys
    paths: tuple[bytes, ...]
    captured: tuple[str | None, ...]
    images: tuple[FiledImage, ...]

    @property
    def is_unplaced(self) -> bool:
        """Tell whether a change of its place began and has not ended."""
        return bool(self.document.get(UNPLACED))

    @property
    def is_in_place(self) -> bool:
        """Tell whether all images lie where the placement says, and nowhere else that counts as their place.

        If not, a person moved them.
        """
        containers = filing_of(self.document).containers
        key = containers[-1].origin_key if containers else None
        kind = containers[-1].kind if containers else None
        return all(_is_in(image, kind, key) for image in self.images)


def _is_in(image: FiledImage, kind: str | None, key: bytes | None) -> bool:
    if kind is None:
        return not image.datasets and image.sample is None
    if kind == "dataset":
        return key in {origin_key for _, origin_key in image.datasets}
    return image.sample is not None and image.sample[1] == key


def filed_page(connection: Connection, root_id: int, *, after_id: int, limit: int) -> list[Filed]:
    """Give the next catalogued filesets of a root, by id; what a person removed is not among them."""
    query = _FILESETS.where(Fileset.root_id == root_id, Fileset.id > after_id).order_by(Fileset.id).limit(limit)
    return _filed(connection, connection.execute(query).mappings().all())


def filed_below(connection: Connection, place: Place, *, after_id: int, limit: int) -> list[Filed]:
    """Give the next catalogued filesets with a file at a path or below it, by id."""
    here = (
        select(Sighting.fileset_id)
        .join(Directory, Directory.id == Sighting.directory_id)
        .where(at_or_below(place), Sighting.fileset_id.is_not(None))
    )
    query = _FILESETS.where(Fileset.id.in_(here), Fileset.id > after_id).order_by(Fileset.id).limit(limit)
    return _filed(connection, connection.execute(query).mappings().all())


def filed_by_ids(connection: Connection, ids: Sequence[int], *, is_locking: bool = False) -> dict[int, Filed]:
    """Give filesets by id as they are now; ``is_locking``: they stay so until the transaction ends."""
    query = _FILESETS.where(Fileset.id.in_(list(ids))).order_by(Fileset.id)
    rows = connection.execute(query.with_for_update() if is_locking else query).mappings().all()
    return {filed.fileset_id: filed for filed in _filed(connection, rows, is_locking=is_locking)}


_FILESETS: AnySelect = select(
    Fileset.id,
    Fileset.root_id,
    Fileset.placement,
    Fileset.filed_by,
    Fileset.owner_id,
    Fileset.group_id,
    Fileset.owner_differs,
    Fileset.key,
    Fileset.grouping,
    Fileset.neighbour,
    Fileset.plate_key,
    Fileset.marker,
).where(Fileset.done_digest.is_not(None), Fileset.removed_at.is_(None))


def _filed(connection: Connection, rows: Sequence[RowMapping], *, is_locking: bool = False) -> list[Filed]:
    ids = [row["id"] for row in rows]
    if not ids:
        return []
    images, members = _images(connection, ids, is_locking=is_locking), _members(connection, ids)
    return [
        Filed(
            fileset_id=row["id"],
            root_id=row["root_id"],
            document=row["placement"],
            is_by_hand=row["filed_by"] == "hand",
            owner_id=row["owner_id"],
            group_id=row["group_id"],
            owner_differs=row["owner_differs"] is not None,
            keys=_keys(row),
            paths=tuple(path for path, _ in members.get(row["id"], ())),
            captured=tuple(captured for _, captured in members.get(row["id"], ())),
            images=tuple(images.get(row["id"], ())),
        )
        for row in rows
    ]


def _keys(row: RowMapping) -> FilesetKeys:
    return FilesetKeys(
        key=bytes(row["key"]),
        grouping=row["grouping"],
        neighbour=_bytes(row["neighbour"]),
        plate_key=_bytes(row["plate_key"]),
        marker=row["marker"],
    )


def _members(connection: Connection, ids: Sequence[int]) -> dict[int, list[tuple[bytes, str | None]]]:
    query = (
        select(Sighting.fileset_id, Directory.path, Sighting.name, Sighting.captured)
        .join(Directory, Directory.id == Sighting.directory_id)
        .where(Sighting.fileset_id.in_(ids))
        .order_by(Sighting.fileset_id, Directory.path, Sighting.name)
    )
    found: dict[int, list[tuple[bytes, str | None]]] = {}
    for row in connection.execute(query):
        folder, name = bytes(row.path), bytes(row.name)
        path = folder + b"/" + name if folder else name
        found.setdefault(row.fileset_id, []).append((path, row.captured))
    return found


def _images(connection: Connection, ids: Sequence[int], *, is_locking: bool) -> dict[int, list[FiledImage]]:
    query = (
        select(Image.id, Image.fileset_id, Image.series, Image.name, Image.named_by, Image.description)
        .add_columns(Image.owner_id, Image.group_id, Image.owner_by, Image.format)
        .where(Image.fileset_id.in_(ids))
        .order_by(Image.fileset_id, Image.series)
    )
    rows = connection.execute(query.with_for_update() if is_locking else query).all()
    datasets, samples = _datasets(connection, ids), _samples(connection, ids)
    found: dict[int, list[FiledImage]] = {}
    for row in rows:
        image = FiledImage(
            id=row.id,
            series=row.series,
            name=row.name,
            is_named_by_hand=row.named_by == "hand",
            description=row.description,
            owner_id=row.owner_id,
            group_id=row.group_id,
            owner_by=row.owner_by,
            datasets=tuple(datasets.get(row.id, ())),
            sample=samples.get(row.id),
            format=row.format,
        )
        found.setdefault(row.fileset_id, []).append(image)
    return found


def _datasets(connection: Connection, ids: Sequence[int]) -> dict[int, list[tuple[int, bytes | None]]]:
    query = (
        select(DatasetImageLink.image_id, Dataset.id, Dataset.origin_key)
        .join(Dataset, Dataset.id == DatasetImageLink.dataset_id)
        .join(Image, Image.id == DatasetImageLink.image_id)
        .where(Image.fileset_id.in_(ids))
        .order_by(DatasetImageLink.image_id, Dataset.id)
    )
    found: dict[int, list[tuple[int, bytes | None]]] = {}
    for row in connection.execute(query):
        found.setdefault(row.image_id, []).append((row.id, _bytes(row.origin_key)))
    return found


def _samples(connection: Connection, ids: Sequence[int]) -> dict[int, tuple[int, bytes | None, int, int, int]]:
    query = (
        select(WellSample.image_id, Plate.id, Plate.origin_key, WellSample.well_id)
        .add_columns(WellSample.plate_acquisition_id, WellSample.field)
        .join(Plate, Plate.id == WellSample.plate_id)
        .join(Image, Image.id == WellSample.image_id)
        .where(Image.fileset_id.in_(ids))
    )
    return {
        row.image_id: (row.id, _bytes(row.origin_key), row.well_id, row.plate_acquisition_id, row.field)
        for row in connection.execute(query)
    }


def _bytes(key: Any) -> bytes | None:
    return None if key is None else bytes(key)
