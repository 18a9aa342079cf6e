"""``coverslip thumbnail``: the picture of one image, as a file."""

from dataclasses import dataclass
from pathlib import Path

import click

from catalog.associated_images import associated_picture
from catalog.queries.objects import find_object
from catalog.queries.pictures import thumbnail
from catalog.queries.pixels import image_pixels
from catalog.references import ObjectReference
from daemon.context import Context, with_context
from daemon.errors import Failed
from daemon.files import chosen_file, write_new
from daemon.options import command as coverslip_command
from daemon.output import Output
from daemon.pictures import drawn_again, media_type_of, thumbnail_data
from daemon.values import ANY_PATH, Object

LARGEST_PX = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureDocument:
    """A picture that was written: its file, and its size in px."""

    file: str
    width: int
    height: int


def show(document: PictureDocument, output: Output) -> None:
    """Print where the picture is."""
    output.line(f"{document.file}  {document.width} x {document.height}")


def _write_associated(
    context: Context, target: ObjectReference, target_file: Path, size: int | None, name: str
) -> None:
    with context.catalogue.reading() as connection:
        find_object(connection, context.acting, target)
        stored = associated_picture(connection, context.acting, target.id, name)
    context.tell_of_look_at(target)
    if stored is None:
        raise Failed(f"{target}: no picture '{name}' is kept beside it; `coverslip show {target}` names those that are")
    path = chosen_file(target_file, f"image-{target.id}-{name.strip().lower().replace(' ', '-')}.jpg")
    smaller = min(size or LARGEST_PX, max(stored.width_px or 1, stored.height_px or 1))
    made = thumbnail_data(stored, media_type_of(path), smaller)
    if made is None or made.data is None or made.width_px is None or made.height_px is None:
        raise Failed(f"{target}: {stored.failure or 'no picture could be made of it'}")
    write_new(path, made.data, watched=context.watched_folders)
    context.output.document(PictureDocument(file=str(path), width=made.width_px, height=made.height_px), show)


@coverslip_command(
    "thumbnail",
    examples=("coverslip thumbnail image:7 -o cell.jpg", "coverslip thumbnail image:7 -o cell.png --size 1024"),
    answers=PictureDocument,
    only_reads=True,
)
@click.argument("target", metavar="IMAGE", type=Object("image"))
@click.option(
    "-o",
    "--output",
    "target_file",
    required=True,
    metavar="FILE",
    type=ANY_PATH,
    help="The new file, .jpg or .png, or a folder for it; never written over another.",
)
@click.option(
    "--size",
    type=click.IntRange(16, LARGEST_PX),
    metavar="PX",
    help="The longer side; larger than the stored picture is drawn from the image's file.",
)
@click.option(
    "--associated",
    metavar="NAME",
    help="Instead, a label, macro or overview picture that is kept beside the image, by its name in `show`.",
)
@with_context
def command(
    context: Context, target: ObjectReference, target_file: Path, size: int | None, associated: str | None
) -> None:
    """Write the picture of an image to a new file."""
    acting = context.acting
    if associated is not None:
        _write_associated(context, target, target_file, size, associated)
        return
    with context.catalogue.reading() as connection:
        stored = thumbnail(connection, acting, target.id)
        pixels = image_pixels(connection, acting, target.id)
    context.tell_of_look_at(target)
    path = chosen_file(target_file, f"image-{target.id}.jpg")
    media_type = media_type_of(path)
    made = thumbnail_data(stored, media_type, size)
    if made is None and size is not None:
        settings = context.whole_settings("a picture larger than the stored one")
        made = drawn_again(pixels, target, settings, media_type, size)
    if made is None or made.data is None or made.width_px is None or made.height_px is None:
        raise Failed(f"{target}: no picture could be made of it")
    write_new(path, made.data, watched=context.watched_folders)
    context.output.document(PictureDocument(file=str(path), width=made.width_px, height=made.height_px), show)
