"""What is needed to read the pixels of an image that the viewer sees: its files as last seen, and where planes lie."""

from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, select

from catalog.looks import MemberRow
from catalog.models.images import Channel, Image, OriginalFile, PlaneLocation
from catalog.models.ingest import Directory, Fileset, Root, Sighting
from catalog.permissions import Acting
from catalog.queries.objects import find_object
from catalog.records import Channel as ChannelRecord
from catalog.records import ImageRecord, PlaneRecord
from catalog.references import ObjectReference
from catalog.visibility import visible


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePixels:
    """Where the pixels of an image lie. ``files`` are those that are there, of one root, the image's main file first.

    ``planes`` is empty for an image that lies in one file: its reader knows. ``is_by_names`` as for `ReadTask`.
    """

    root: str
    grouping: str
    is_by_names: bool
    record: ImageRecord
    files: tuple[MemberRow, ...]
    planes: tuple[PlaneRecord, ...] = ()


def image_pixels(connection: Connection, acting: Acting, image_id: int) -> ImagePixels | None:
    """Give where an image's pixels lie; None when none of its files is there. Raises NotFound for one out of sight."""
    find_object(connection, acting, ObjectReference(type="image", id=image_id))
    row = connection.execute(_IMAGE.where(Image.id == image_id, visible(acting, Image))).mappings().one()
    files: dict[int, tuple[str, MemberRow]] = {}
    query = _FILES.where(OriginalFile.fileset_id == row["fileset_id"], Sighting.missing_since.is_(None))
    for found in connection.execute(query).mappings():
        files.setdefault(found["id"], (found["root"], _member(found)))
    if not files:
        return None
    root = next(iter(files.values()))[0]
    here = {file_id: member for file_id, (name, member) in files.items() if name == root}
    return ImagePixels(
        root=root,
        grouping=row["grouping"],
        is_by_names=row["placement"].get("by") == "names",
        record=_record(connection, acting, image_id, row),
        files=tuple(here.values()),
        planes=_planes(connection, image_id, row["series"], {key: one.path for key, one in here.items()}),
    )


_IMAGE = select(Image.__table__, Fileset.grouping, Fileset.placement).join(Fileset, Fileset.id == Image.fileset_id)
_FILES = (
    select(
        OriginalFile.id, Root.name.label("root"), Directory.path, Sighting.name, Sighting.size_bytes,
        Sighting.mtime_ns, Sighting.ctime_ns, Sighting.inode,
    )
    .join(Sighting, Sighting.original_file_id == OriginalFile.id)
    .join(Directory, Directory.id == Sighting.directory_id)
    .join(Root, Root.id == Directory.root_id)
    .order_by(OriginalFile.ordinal, Root.id, Directory.path, Sighting.name)
)  # fmt: skip


def _member(row: RowMapping) -> MemberRow:
    folder, name = bytes(row["path"]), bytes(row["name"])
    return MemberRow(
        path=folder + b"/" + name if folder else name,
        size_bytes=row["size_bytes"],
        mtime_ns=row["mtime_ns"],
        ctime_ns=row["ctime_ns"],
        inode=row["inode"],
    )


def _record(connection: Connection, acting: Acting, image_id: int, row: RowMapping) -> ImageRecord:
    query = select(Channel.__table__).where(Channel.image_id == image_id, visible(acting, Channel))
    channels = tuple(
        ChannelRecord(
            name=one["name"],
            color=one["color"],
            emission_wavelength_nm=one["emission_wavelength_nm"],
            window=None if one["window_start"] is None else (one["window_start"], one["window_end"]),
        )
        for one in connection.execute(query.order_by(Channel.ordinal)).mappings()
    )
    sizes = {f"size_{axis}": row[f"size_{axis}"] for axis in "xyzct"}
    microns = {f"physical_size_{axis}_um": row[f"physical_size_{axis}_um"] for axis in "xyz"}
    return ImageRecord(
        series=row["series"],
        **sizes,
        **microns,
        pixels_type=row["pixels_type"],
        is_rgb=bool(row["is_rgb"]),
        significant_bits=row["significant_bits"],
        name=row["name"],
        channels=channels,
    )


def _planes(
    connection: Connection, image_id: int, image_series: int, paths: dict[int, bytes]
) -> tuple[PlaneRecord, ...]:
    """Give the planes; one in a file that is not there keeps its place, under a path that nothing has."""
    query = select(PlaneLocation.__table__).where(PlaneLocation.image_id == image_id)
    return tuple(
        PlaneRecord(
            image_series=image_series,
            the_c=row["the_c"],
            the_z=row["the_z"],
            the_t=row["the_t"],
            path=paths.get(row["original_file_id"], b""),
            series=row["series"],
            plane=row["plane"],
        )
        for row in connection.execute(query).mappings()
    )
