"""``coverslip contact-sheet``: a dataset's pictures on one sheet, a plate as its grid of wells."""

from pathlib import Path

import click

from catalog.queries.pictures import dataset_pictures, plate_grid
from catalog.references import ObjectReference
from daemon.commands.thumbnail import PictureDocument, show
from daemon.context import Context, with_context
from daemon.errors import Failed
from daemon.files import chosen_file, write_new
from daemon.options import command as coverslip_command
from daemon.pictures import PNG, media_type_of, sheet_of
from daemon.values import ANY_PATH, Object


@coverslip_command(
    "contact-sheet",
    examples=("coverslip contact-sheet dataset:3 -o mitosis.png", "coverslip contact-sheet plate:2 -o plate.png"),
    answers=PictureDocument,
    only_reads=True,
)
@click.argument("target", metavar="OBJECT", type=Object("dataset", "plate"))
@click.option(
    "-o",
    "--output",
    "target_file",
    required=True,
    metavar="FILE",
    type=ANY_PATH,
    help="The new file, .png, or a folder for it; never written over another.",
)
@click.option("--run", metavar="NAME", help="Of a plate with several runs, only this one.")
@with_context
def command(context: Context, target: ObjectReference, target_file: Path, run: str | None) -> None:
    """Draw a dataset, or a plate as its grid of wells, on one sheet."""
    path = chosen_file(target_file, f"{target.type}-{target.id}.png")
    if media_type_of(path) != PNG:
        raise Failed(f"{path}: contact sheets are PNG; name the file .png")
    acting = context.acting
    with context.catalogue.reading() as connection:
        found = (
            plate_grid(connection, acting, target.id, run=run)
            if target.type == "plate"
            else dataset_pictures(connection, acting, target.id)
        )
    context.tell_of_look_at(target)
    sheet = sheet_of(found, context.output)
    write_new(path, sheet.data, watched=context.watched_folders)
    context.output.document(PictureDocument(file=str(path), width=sheet.width_px, height=sheet.height_px), show)
