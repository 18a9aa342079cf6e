"""``coverslip show``: everything about one object."""

from collections.abc import Iterator

import click

from catalog.documents import (
    AnnotationDocument,
    ContainerDocument,
    FullChannel,
    ImageDetails,
    LinkedReference,
    Reference,
)
from catalog.queries.show import show as show_object
from catalog.references import ObjectReference
from daemon.annotation_rows import content
from daemon.commands.images import place_of, size_of
from daemon.context import Context, with_context
from daemon.options import command as coverslip_command
from daemon.output import Output
from daemon.tables import DORMANT, cell, size_text
from daemon.values import Object

CHILDREN_SHOWN = 30
#: So many files of an image are listed.
FILES_SHOWN = 20
Line = tuple[str, object]


def show(document: ImageDetails | ContainerDocument, output: Output) -> None:
    """Print an object as names and values."""
    lines = image_lines(document) if isinstance(document, ImageDetails) else container_lines(document)
    filled = [(name, text) for name, text in ((name, cell(value)) for name, value in lines) if text]
    width = max(len(name) for name, _ in filled)
    for name, text in filled:
        output.line(f"{name:{width}}  {text}")


def image_lines(details: ImageDetails) -> Iterator[Line]:
    """Give what is known about an image, name by name."""
    image = details.image
    yield "image", f"{image.id}  {image.name}"
    yield "description", image.description
    yield "in", place_of(image)
    yield "linked with", tuple(_marked(parent) for parent in details.parents if parent.is_dormant)
    yield "owner", f"{image.owner}, group {image.group} ({image.owner_by})"
    yield "state", ", ".join([image.state, *details.marks])
    yield "because", details.reason
    yield "sizes", f"{size_of(image)}  {image.pixels_type}" + ("  RGB" if details.is_rgb else "")
    size = image.physical_size_um
    yield "pixel", " x ".join(f"{length:g} um" for length in (size.x, size.y, size.z) if length is not None)
    yield "interval", None if details.time_increment_s is None else f"{details.time_increment_s:g} s"
    for number, channel in enumerate(details.channels, 1):
        yield f"channel {number}", channel_text(channel)
    yield "acquired", image.acquired_at
    yield "imported", image.imported_at
    yield "pixels replaced", details.pixels_replaced_at
    yield "format", details.format + (f", series {details.series}" if details.series else "")
    for file in image.files[:FILES_SHOWN]:
        where = f"{file.root}: {file.path}" if file.path is not None else "nowhere to be found at present"
        yield "file", f"{where}  ({size_text(file.size_bytes)})"
        yield "hash", file.hash
    if len(image.files) > FILES_SHOWN:
        yield "file", f"... and {len(image.files) - FILES_SHOWN} more, {len(image.files)} in all (--json names them)"
    yield "rule", image.rule
    yield "copy of", tuple(map(_named, details.copy_of))
    yield "picture", details.thumbnail_failure
    for picture in details.associated_images:
        yield "beside it", f"{picture.name}  {picture.failure or f'{picture.width_px} x {picture.height_px}'}"
    yield from annotation_lines(details.annotations)


def channel_text(channel: FullChannel) -> str:
    """Give what is known about a channel on one line."""
    lengths = (("ex", channel.excitation_nm), ("em", channel.emission_nm))
    parts = [channel.name, channel.color, *(f"{name} {nm:g} nm" for name, nm in lengths if nm is not None)]
    exposure = None if channel.exposure_time_s is None else f"{channel.exposure_time_s:g} s"
    return "  ".join(part for part in (*parts, exposure) if part)


def container_lines(container: ContainerDocument) -> Iterator[Line]:
    """Give what is known about a project, dataset, screen, plate or well, name by name."""
    yield container.type, f"{container.id}  {container.name}"
    yield "description", container.description
    yield (
        "owner",
        f"{container.owner}, group {container.group}" + (f" ({container.owner_by})" if container.owner_by else ""),
    )
    yield "images", container.images
    yield "wells", None if container.wells is None else f"{container.wells.filled} of {container.wells.of} wells"
    yield "grid", None if container.rows is None else f"{container.rows} x {container.columns} wells"
    yield "runs", container.runs
    yield "in", tuple(_marked(parent) for parent in container.parents)
    for child in container.children[:CHILDREN_SHOWN]:
        yield "holds", _marked(child)
    if len(container.children) > CHILDREN_SHOWN:
        yield "holds", f"... and {len(container.children) - CHILDREN_SHOWN} more"
    yield "made", container.created_at
    yield from annotation_lines(container.annotations)


def _marked(linked: LinkedReference) -> str:
    """Name what an object lies in or holds, marked where members of the group do not see that it does."""
    return _named(linked) + (f" ({DORMANT})" if linked.is_dormant else "")


def _named(one: Reference) -> str:
    return f"{one.type}:{one.id} {one.name}"


def annotation_lines(annotations: tuple[AnnotationDocument, ...]) -> Iterator[Line]:
    """Give the annotations, one a line."""
    for annotation in annotations:
        kind = {"map": "pairs"}.get(annotation.kind, annotation.kind)
        dormant = f", {DORMANT}" if annotation.is_dormant else ""
        yield kind, f"{content(annotation)}  ({annotation.owner}{dormant})"


@coverslip_command(
    "show",
    examples=("coverslip show image:7", "coverslip show plate:2 --json"),
    answers=ImageDetails | ContainerDocument,
    only_reads=True,
)
@click.argument("target", metavar="OBJECT", type=Object())
@with_context
def command(context: Context, target: ObjectReference) -> None:
    """Show everything about an object: image:7, dataset:3, plate:2 ...

    A link of a private group between objects of different owners is dormant: members do not see it, and group owners
    and administrators see it marked so.
    """
    with context.catalogue.reading() as connection:
        document = show_object(connection, context.acting, target)
    context.tell_of_look(document.image.group if isinstance(document, ImageDetails) else document.group)
    context.output.document(document, show)
