"""Pictures for files: the stored thumbnail, a smaller or larger one, contact sheets of datasets and plates."""

import os
from collections import defaultdict
from pathlib import Path

from catalog.documents import DatasetPictures, Picture, PlateGrid
from catalog.queries.pixels import ImagePixels
from catalog.records import ThumbnailRecord
from catalog.references import ObjectReference
from config.settings import Settings
from daemon.drawing import draw_apart
from daemon.errors import Failed
from daemon.output import Output
from ingest.contact_sheets import Drawn, Sheet, Tile, dataset_sheet, plate_sheet
from ingest.pixels import DrawTask, source_of
from ingest.thumbnails import converted

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


def drawn_again(
    pixels: ImagePixels | None, reference: ObjectReference, settings: Settings, media_type: str, size_px: int
) -> ThumbnailRecord:
    """Draw an image's picture from its files, which are only read, in a bounded process."""
    watch = next((watch for watch in settings.watch if pixels is not None and watch.name == pixels.root), None)
    if pixels is None or watch is None:
        raise Failed(f"{reference}: its file is not there at present, so no larger picture can be drawn")
    source = source_of(pixels, os.fsencode(watch.root))
    try:
        made = draw_apart(DrawTask(source=source, size_px=size_px, projection=settings.thumbnails.projection))
    except Failed as problem:
        raise Failed(f"{reference}: no larger picture can be drawn: {problem}") from problem
    if made.data is None:
        raise Failed(f"{reference}: {made.failure}")
    return made if made.media_type == media_type else converted(made.data, media_type=media_type, size_px=None)


def sheet_of(found: DatasetPictures | PlateGrid, output: Output) -> Sheet:
    """Draw the contact sheet of a dataset or a plate, with a bar for whoever waits."""
    if isinstance(found, DatasetPictures):
        with output.progress("drawing", len(found.pictures)) as drawn:
            return sheet_of_dataset(found, drawn)
    with output.progress("drawing", sum(field.picture.data is not None for field in found.fields)) as drawn:
        return sheet_of_plate(found, drawn)


def sheet_of_dataset(found: DatasetPictures, drawn: Drawn) -> Sheet:
    """Draw a dataset's contact sheet."""
    tiles = [Tile(name=p.name, thumbnail=p.picture.data, note=p.picture.failure) for p in found.pictures]
    shown = f"the first {len(tiles)} of {found.total} images" if found.total > len(tiles) else f"{found.total} images"
    return dataset_sheet(found.name, tiles, subtitle=shown, drawn=drawn)


def sheet_of_plate(found: PlateGrid, drawn: Drawn) -> Sheet:
    """Draw a plate as its grid of wells; of several runs each well shows its fields one after the other."""
    wells: dict[tuple[int, int], list[bytes]] = defaultdict(list)
    for field in found.fields:
        if field.picture.data is not None:
            wells[(field.row, field.column)].append(field.picture.data)
    subtitle = f"{len(wells)} of {found.rows * found.columns} wells have pictures"
    return plate_sheet(found.name, found.rows, found.columns, wells, subtitle=subtitle, drawn=drawn)
