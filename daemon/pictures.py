"""Pictures for files: the stored thumbnail, a smaller or larger one, contact sheets of datasets and plates."""

import os
from collections import defaultdict
from pathlib import Path

from catalog.documents import DatasetPictures, ImageDetails, Picture, PlateGrid
from catalog.names import undisplay
from catalog.records import ThumbnailRecord
from config.settings import Settings
from daemon.drawing import read_apart
from daemon.errors import Failed
from ingest.contact_sheets import Sheet, Tile, dataset_sheet, plate_sheet
from ingest.thumbnails import converted
from ingest.work import Look, Member, Outcome, ReadTask

JPEG, PNG = "image/jpeg", "image/png"
MEDIA_TYPES = {".jpg": JPEG, ".jpeg": JPEG, ".png": PNG}


def media_type_of(path: Path) -> str:
    """Give the kind of picture that a file's name asks for."""
    try:
        return MEDIA_TYPES[path.suffix.lower()]
    except KeyError:
        raise Failed(f"{path}: name the picture .jpg or .png") from None


def thumbnail_data(picture: Picture, media_type: str, size_px: int | None) -> ThumbnailRecord | None:
    """Give the stored thumbnail in this kind and size; None when it has to be drawn larger from the file."""
    if picture.data is None:
        raise Failed(f"image:{picture.image_id}: {picture.failure or 'there is no picture of it'}")
    longest = max(picture.width_px or 0, picture.height_px or 0)
    if size_px is not None and size_px > longest:
        return None
    if size_px in (None, longest) and picture.media_type == media_type:
        return ThumbnailRecord(
            media_type=media_type, width_px=picture.width_px, height_px=picture.height_px, data=picture.data
        )
    return converted(picture.data, media_type=media_type, size_px=size_px)


def drawn_again(details: ImageDetails, settings: Settings, media_type: str, size_px: int) -> ThumbnailRecord:
    """Draw an image's picture from its file, which is only read, in a bounded process."""
    reference = f"image:{details.image.id}"
    file = next((file for file in details.image.files if file.path is not None), None)
    watch = next((watch for watch in settings.watch if file is not None and watch.name == file.root), None)
    if file is None or file.path is None or watch is None:
        raise Failed(f"{reference}: its file is not there at present, so no larger picture can be drawn")
    path = undisplay(file.path)
    try:
        result = read_apart(_task(watch.root, path, settings, size_px))
    except Failed as problem:
        raise Failed(f"{reference}: no larger picture can be drawn: {problem}") from problem
    if result.outcome is not Outcome.READ:
        raise Failed(f"{reference}: no larger picture can be drawn: {result.reason}")
    for record, made in zip(result.images, result.thumbnails, strict=True):
        if record.series == details.series:
            if made.data is None:
                raise Failed(f"{reference}: {made.failure}")
            return made if made.media_type == media_type else converted(made.data, media_type=media_type, size_px=None)
    raise Failed(f"{reference}: its file no longer holds this image; `coverslip why` tells more")


def _task(root: Path, path: bytes, settings: Settings, size_px: int) -> ReadTask:
    folder = os.fsencode(root)
    found = os.lstat(folder.rstrip(b"/") + b"/" + path)
    look = Look(size_bytes=found.st_size, mtime_ns=found.st_mtime_ns, ctime_ns=found.st_ctime_ns, inode=found.st_ino)
    return ReadTask(
        fileset_id=0,
        claim=0,
        digest=b"",
        root=folder,
        members=(Member(path=path, look=look),),
        hasher="xxh3-128",
        hash_now_bytes=-1,
        thumbnail_px=size_px,
        projection=settings.thumbnails.projection,
        associated_images="keep",
    )


def sheet_of_dataset(found: DatasetPictures) -> Sheet:
    """Draw a dataset's contact sheet."""
    tiles = [Tile(name=p.name, thumbnail=p.picture.data, note=p.picture.failure) for p in found.pictures]
    shown = f"the first {len(tiles)} of {found.total} images" if found.total > len(tiles) else f"{found.total} images"
    return dataset_sheet(found.name, tiles, subtitle=shown)


def sheet_of_plate(found: PlateGrid) -> Sheet:
    """Draw a plate as its grid of wells; of several runs each well shows its fields one after the other."""
    wells: dict[tuple[int, int], list[bytes]] = defaultdict(list)
    for field in found.fields:
        if field.picture.data is not None:
            wells[(field.row, field.column)].append(field.picture.data)
    subtitle = f"{len(wells)} of {found.rows * found.columns} wells have pictures"
    return plate_sheet(found.name, found.rows, found.columns, wells, subtitle=subtitle)
