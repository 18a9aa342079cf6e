"""What leaves the catalogue about its objects: frozen documents with CLI's field names; absent is None.

Everything in a document has been filtered by what its viewer may see. Times are aware UTC datetimes.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from catalog.permissions import Rights


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """The extent of an image in each dimension."""

    x: int
    y: int
    z: int
    c: int
    t: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PhysicalSize:
    """The size of a pixel (voxel) in um."""

    x: float | None
    y: float | None
    z: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelDocument:
    """A channel; ``color`` is "#RRGGBB"."""

    name: str | None
    color: str | None
    emission_nm: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDocument:
    """A location of an original file; ``path`` is relative to the root, as `catalog.names.display` shows it.

    ``root`` and ``path`` are None where the file is nowhere to be found at present.
    """

    root: str | None
    path: str | None
    size_bytes: int
    hash: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageDocument:
    """An image. Of several datasets (projects, screens) the names are those of the oldest link the viewer sees.

    ``field`` counts from 1, as people do; ``files`` are all known locations; ``state`` is that of its files.
    """

    id: int
    name: str
    description: str | None
    owner: str
    group: str
    project: str | None
    dataset: str | None
    screen: str | None
    plate: str | None
    run: str | None
    well: str | None
    field: int | None
    acquired_at: datetime | None
    imported_at: datetime
    sizes: Sizes
    pixels_type: str
    physical_size_um: PhysicalSize
    channels: tuple[ChannelDocument, ...]
    files: tuple[FileDocument, ...]
    tags: tuple[str, ...]
    key_values: tuple[tuple[str, str], ...]
    rule: str | None
    owner_by: str
    state: str
    permissions: Rights


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePage:
    """A page of images, newest first; ``next_after`` continues it, None at the end."""

    images: tuple[ImageDocument, ...]
    next_after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WellCount:
    """How full a plate is: wells with images that the viewer sees, of how many the plate has.

    Where nothing tells the plate's size, it is the smallest usual plate that holds its wells.
    """

    filled: int
    of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FillingPlate:
    """A plate to which images came lately and that has empty wells."""

    id: int
    name: str
    wells: WellCount


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeRow:
    """A node of the tree; ``images`` counts, once each, the images below it that the viewer sees.

    ``type`` is project, dataset, screen, plate or orphaned (images in no dataset and no plate: one row without id,
    owner, group and permissions). ``is_dormant`` marks a row that hangs here by a link out of force, which only
    group owners and administrators see. ``wells`` tells of plates how full they are.
    """

    id: int | None
    type: str
    name: str
    owner: str | None
    group: str | None
    images: int
    permissions: Rights | None
    children: tuple["TreeRow", ...] = ()
    is_dormant: bool = False
    wells: WellCount | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotationDocument:
    """A tag, key-values or comment on an object. ``owner`` owns the annotation, ``linked_by`` the link."""

    id: int
    link_id: int
    kind: str
    value: str | None
    pairs: tuple[tuple[str, str], ...]
    namespace: str | None
    owner: str
    linked_by: str
    made_by: str
    created_at: datetime
    linked_at: datetime
    is_dormant: bool
    can_edit: bool
    can_unlink: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Another object, named: ``type`` and ``id`` as in ``dataset:3``."""

    type: str
    id: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedReference(Reference):
    """What an object lies in, or holds.

    ``is_dormant``: the link is out of force, and only group owners and administrators see it.
    """

    is_dormant: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerDocument:
    """Everything about a project, dataset, screen, plate or well.

    ``rows`` and ``columns`` belong to plates; ``images`` counts what the viewer sees. A well's name is "B3", its
    owner and group are the plate's, and its children are its images in the order of run and field.
    """

    type: str
    id: int
    name: str
    description: str | None
    owner: str
    group: str
    owner_by: str | None
    created_at: datetime | None
    updated_at: datetime | None
    images: int
    rows: int | None
    columns: int | None
    #: Of plates: how full it is.
    wells: WellCount | None
    runs: tuple[str, ...]
    parents: tuple[LinkedReference, ...]
    children: tuple[LinkedReference, ...]
    tags: tuple[str, ...]
    key_values: tuple[tuple[str, str], ...]
    annotations: tuple[AnnotationDocument, ...]
    permissions: Rights


@dataclass(frozen=True, slots=True, kw_only=True)
class FullChannel:
    """A channel with all that is known; exposure in s, contrast window as the file stores it."""

    name: str | None
    color: str | None
    emission_nm: float | None
    excitation_nm: float | None
    exposure_time_s: float | None
    window: tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AssociatedDocument:
    """A label, macro, overview or thumbnail picture that is kept beside an image; ``failure``: why there is none."""

    name: str
    width_px: int | None
    height_px: int | None
    failure: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageDetails:
    """Everything about one image: the document of the lists, and what only `show` tells."""

    type: str
    image: ImageDocument
    series: int
    format: str
    significant_bits: int | None
    is_rgb: bool
    time_increment_s: float | None
    channels: tuple[FullChannel, ...]
    acquisition: dict[str, Any] | None
    parents: tuple[LinkedReference, ...]
    annotations: tuple[AnnotationDocument, ...]
    marks: tuple[str, ...]
    reason: str
    #: Images with the same content that the viewer sees, too.
    copy_of: tuple[Reference, ...]
    updated_at: datetime
    pixels_replaced_at: datetime | None
    thumbnail_failure: str | None
    #: Empty unless the rule keeps them.
    associated_images: tuple[AssociatedDocument, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow:
    """One event; ``actor`` is None for the site itself (`system`)."""

    at: datetime
    actor: str | None
    acting_as: str | None
    via: str
    what: str
    object: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    configuration_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An encoded picture as it is stored, or why there is none."""

    image_id: int
    media_type: str | None
    width_px: int | None
    height_px: int | None
    data: bytes | None
    failure: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GridPicture:
    """A field of a well for a plate's contact sheet; ``row``, ``column`` and ``field`` are zero-based."""

    row: int
    column: int
    field: int
    run: str
    name: str
    picture: Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateGrid:
    """A plate as its grid of wells; ``rows`` and ``columns`` cover at least every well that has a picture."""

    id: int
    name: str
    rows: int
    columns: int
    fields: tuple[GridPicture, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedPicture:
    """An image's picture under its name, for a dataset's contact sheet."""

    name: str
    picture: Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetPictures:
    """The pictures of a dataset (or of images without one), by name in natural order; ``total`` counts all."""

    id: int
    name: str
    pictures: tuple[NamedPicture, ...]
    total: int
