"""The rows of a read fileset: original files, images, channels, thumbnails, and their links."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from catalog.associated_images import write_associated
from catalog.containers import innermost_container, link_images
from catalog.file_rows import content_of, original_file_row
from catalog.looks import Filing, ReadFileset
from catalog.models.base import WrittenDocument
from catalog.models.images import AssociatedImage, Channel, Image, OriginalFile, Thumbnail
from catalog.models.ingest import Directory, Sighting
from catalog.names import path_hash
from catalog.plates import place_in_plate
from catalog.records import Acquisition, FileRecord, ImageRecord, ThumbnailRecord
from catalog.rule_marks import annotate_filed
from catalog.set_rows import write_planes, write_set_files

#: So many acquisitions are remembered with their document: images that come together are often told the same of.
ACQUISITIONS_KEPT = 64


def image_names(filing: Filing, images: Sequence[ImageRecord]) -> list[str]:
    """Name the images of a file: as the rule says; several series are "NAME [series]"."""
    if len(images) == 1:
        return [filing.image]
    return [f"{filing.image} [{image.name or image.series + 1}]" for image in images]


def image_names_of(name: str, old: Filing, new: Filing) -> str:
    """Rename one image of a file whose rule now gives another name, keeping its "[series]"."""
    return new.image + name.removeprefix(old.image) if name.startswith(old.image) else new.image


def write_files(connection: Connection, read: ReadFileset, *, now: datetime) -> None:
    """Insert or update the original files by ordinal, and point the sightings to them."""
    query = select(OriginalFile.ordinal, OriginalFile.id).where(OriginalFile.fileset_id == read.fileset_id)
    known = {row.ordinal: row.id for row in connection.execute(query)}
    if read.grouping != "file":
        write_set_files(connection, read, now=now)
        return
    for ordinal, file in enumerate(read.files):
        if ordinal in known:
            file_id = known[ordinal]
            connection.execute(update(OriginalFile).where(OriginalFile.id == file_id).values(content_of(file)))
        else:
            row = original_file_row(read.fileset_id, ordinal, file, now)
            file_id = connection.scalar(insert(OriginalFile).returning(OriginalFile.id), row)
        _point_sighting(connection, read.root_id, file, file_id)


def _point_sighting(connection: Connection, root_id: int, file: FileRecord, file_id: int) -> None:
    folder, _, name = file.path.rpartition(b"/")
    directory = select(Directory.id).where(Directory.root_id == root_id, Directory.path_hash == path_hash(folder))
    connection.execute(
        update(Sighting)
        .where(Sighting.directory_id == directory.scalar_subquery(), Sighting.name == name)
        .values(original_file_id=file_id)
    )


def insert_images(connection: Connection, read: ReadFileset, *, now: datetime) -> tuple[list[int], str | None]:
    """Insert the images with what hangs on them but planes; gives their ids, and why they can't be filed, or None."""
    rows = image_rows(read, now=now)
    ids = list(connection.scalars(insert(Image).returning(Image.id, sort_by_parameter_order=True), rows))
    _insert_details(connection, ids, read, now)
    return ids, _file(connection, ids, read, now)


def image_rows(read: ReadFileset, *, now: datetime) -> list[dict[str, Any]]:
    """Give the rows of all images of a fileset that is new."""
    names = image_names(read.filing, read.images)
    return [
        _image_row(read, image, now) | _filed(read, name, image, now)
        for image, name in zip(read.images, names, strict=True)
    ]


def _file(connection: Connection, ids: list[int], read: ReadFileset, now: datetime) -> str | None:
    reason = file_images(
        connection,
        ids,
        read.filing,
        fileset_id=read.fileset_id,
        configuration_id=read.configuration_id,
        now=now,
    )
    if reason is None:
        annotate_filed(connection, ids, read.filing, configuration_id=read.configuration_id, now=now)
    return reason


def file_images(
    connection: Connection,
    images: list[int],
    filing: Filing,
    *,
    fileset_id: int,
    configuration_id: int | None,
    now: datetime,
) -> str | None:
    """Put images where the rule files them; gives why not, when their place in a plate is taken."""
    container = innermost_container(connection, filing, configuration_id=configuration_id, now=now)
    match container:
        case None:
            return None
        case ("dataset", container_id):
            link_images(connection, container_id, images, filing, now=now)
            return None
        case (_, container_id):
            return place_in_plate(connection, container_id, images, filing, fileset_id=fileset_id, now=now)


def replace_images(
    connection: Connection, read: ReadFileset, *, now: datetime, are_pixels_replaced: bool = True
) -> list[int]:
    """Update images in place, by series: ids, names, places and annotations stay, channels are replaced.

    A new series is a new image. A series that is gone keeps its image, marked partial: people may have annotated it.
    Planes that were added replace no pixels.
    """
    query = select(Image.id, Image.series).where(Image.fileset_id == read.fileset_id)
    known = {row.series: row.id for row in connection.execute(query)}
    kept = [image for image in read.images if image.series in known]
    for image in kept:
        values = _image_row(read, image, now) | {"is_partial": False}
        if are_pixels_replaced:
            values |= {"pixels_replaced_at": now}
        connection.execute(update(Image).where(Image.id == known[image.series]).values(values))
    gone = [known[series] for series in known.keys() - {image.series for image in read.images}]
    connection.execute(update(Image).where(Image.id.in_(gone)).values(is_partial=True, updated_at=now))
    ids = [known[image.series] for image in kept]
    connection.execute(delete(Channel).where(Channel.image_id.in_(ids)))
    connection.execute(delete(Thumbnail).where(Thumbnail.image_id.in_(ids)))
    connection.execute(delete(AssociatedImage).where(AssociatedImage.image_id.in_(ids)))
    _insert_details(connection, ids, _part(read, kept), now)
    new = [image for image in read.images if image.series not in known]
    if new:
        ids += _insert_new_series(connection, read, new, now)
    series = [image.series for image in (*kept, *new)]
    write_planes(connection, read, dict(zip(series, ids, strict=True)))
    return ids


#: What an instrument's index tells of an image, and of a channel.
_TOLD = (
    "acquired_at", "physical_size_x_um", "physical_size_y_um", "physical_size_z_um", "time_increment_s", "acquisition",
)  # fmt: skip


def is_told_anew(connection: Connection, read: ReadFileset) -> bool:
    """Tell whether an instrument's index says of images something else than what is catalogued."""
    images = [image for image in read.images if image.acquisition.index is not None]
    if not images:
        return False
    known = {
        row["series"]: row
        for row in connection.execute(select(Image.__table__).where(Image.fileset_id == read.fileset_id)).mappings()
    }
    return any(_is_told_anew(connection, read, image, known.get(image.series)) for image in images)


def _is_told_anew(connection: Connection, read: ReadFileset, image: ImageRecord, known: Any) -> bool:
    if known is None:
        return False
    row = json.loads(json.dumps(_document(image.acquisition)))
    said = _image_row(read, image, known["updated_at"]) | {"acquisition": row}
    if any(said[name] != known[name] for name in _TOLD):
        return True
    query = select(Channel.__table__).where(Channel.image_id == known["id"]).order_by(Channel.ordinal)
    channels = [dict(one) for one in connection.execute(query).mappings()]
    wanted = [_channel_row(known["id"], ordinal, channel) for ordinal, channel in enumerate(image.channels)]
    return [{name: one.get(name) for name in row_} for one, row_ in zip(channels, wanted, strict=False)] != wanted


def _insert_new_series(
    connection: Connection, read: ReadFileset, new: Sequence[ImageRecord], now: datetime
) -> list[int]:
    names = dict(zip((image.series for image in read.images), image_names(read.filing, read.images), strict=True))
    rows = [_image_row(read, image, now) | _filed(read, names[image.series], image, now) for image in new]
    ids = list(connection.scalars(insert(Image).returning(Image.id, sort_by_parameter_order=True), rows))
    _insert_details(connection, ids, _part(read, new), now)
    # A place in a plate that is taken leaves the new series an orphan: the file is catalogued already.
    _file(connection, ids, read, now)
    return ids


def _part(read: ReadFileset, images: Sequence[ImageRecord]) -> ReadFileset:
    pictures = dict(zip((image.series for image in read.images), read.pictures, strict=True))
    return ReadFileset(
        fileset_id=read.fileset_id,
        root_id=read.root_id,
        claim=read.claim,
        digest=read.digest,
        format=read.format,
        filing=read.filing,
        files=read.files,
        images=tuple(images),
        pictures=tuple(pictures[image.series] for image in images),
        planes=read.planes,
        grouping=read.grouping,
        configuration_id=read.configuration_id,
    )


def _image_row(read: ReadFileset, image: ImageRecord, now: datetime) -> dict[str, Any]:
    return {
        "acquired_at": image.acquired_at,
        "size_x": image.size_x,
        "size_y": image.size_y,
        "size_z": image.size_z,
        "size_c": image.size_c,
        "size_t": image.size_t,
        "pixels_type": image.pixels_type,
        "significant_bits": image.significant_bits,
        "is_rgb": image.is_rgb,
        "physical_size_x_um": image.physical_size_x_um,
        "physical_size_y_um": image.physical_size_y_um,
        "physical_size_z_um": image.physical_size_z_um,
        "time_increment_s": image.time_increment_s,
        "acquisition": _document(image.acquisition),
        "format": read.format,
        "updated_at": now,
    }


_NOTHING_TOLD = Acquisition()


@lru_cache(maxsize=ACQUISITIONS_KEPT)
def _document(acquisition: Acquisition) -> WrittenDocument | None:
    """Give what is told of an acquisition as a document, written once for images of which the same is told."""
    if acquisition == _NOTHING_TOLD:
        return None
    document = WrittenDocument((key, value) for key, value in asdict(acquisition).items() if value is not None)
    document.text = json.dumps(document)
    return document or None


def _filed(read: ReadFileset, name: str, image: ImageRecord, now: datetime) -> dict[str, Any]:
    filing = read.filing
    return {
        "fileset_id": read.fileset_id,
        "series": image.series,
        "name": name,
        "description": filing.description or image.description,
        "owner_id": filing.owner_id,
        "group_id": filing.group_id,
        "owner_by": filing.owner_by,
        "rule": filing.rule,
        "configuration_id": read.configuration_id,
        "created_at": now,
    }


def _insert_details(connection: Connection, ids: Sequence[int], read: ReadFileset, now: datetime) -> None:
    channels, pictures = detail_rows(ids, read, now)
    if channels:
        connection.execute(insert(Channel), channels)
    if pictures:
        connection.execute(insert(Thumbnail), pictures)
    write_associated(connection, ids, read.images)


def detail_rows(
    ids: Sequence[int], read: ReadFileset, now: datetime
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Give the rows of the channels and of the thumbnails of images."""
    channels = [
        _channel_row(image_id, ordinal, channel)
        for image_id, image in zip(ids, read.images, strict=True)
        for ordinal, channel in enumerate(image.channels)
    ]
    pictures = [_picture_row(image_id, picture, now) for image_id, picture in zip(ids, read.pictures, strict=True)]
    return channels, pictures


def _channel_row(image_id: int, ordinal: int, channel: Any) -> dict[str, Any]:
    start, end = channel.window or (None, None)
    return {
        "image_id": image_id,
        "ordinal": ordinal,
        "name": channel.name,
        "color": channel.color,
        "emission_wavelength_nm": channel.emission_wavelength_nm,
        "excitation_wavelength_nm": channel.excitation_wavelength_nm,
        "exposure_time_s": channel.exposure_time_s,
        "window_start": start,
        "window_end": end,
    }


def _picture_row(image_id: int, picture: ThumbnailRecord, now: datetime) -> dict[str, Any]:
    failure = picture.failure if picture.data is not None or picture.failure else "no picture was made"
    return {
        "image_id": image_id,
        "media_type": picture.media_type,
        "width_px": picture.width_px,
        "height_px": picture.height_px,
        "data": picture.data,
        "failure": None if picture.data is not None else failure,
        "made_at": now,
    }
