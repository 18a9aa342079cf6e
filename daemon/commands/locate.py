"""``coverslip locate``: where the files of an object lie, here and on other computers."""

import click

from catalog.queries.locate import PlaceDocument, locate
from catalog.references import ObjectReference
from daemon.context import Context, with_context
from daemon.options import command as coverslip_command
from daemon.output import Output
from daemon.values import Object

Places = tuple[PlaceDocument, ...]


def show(places: Places, output: Output) -> None:
    """Print the places, and below each how other computers call it."""
    for place in places:
        path = place.path or "nowhere to be found at present"
        output.line(f"image:{place.image_id}  {path}" + ("" if place.is_there else "  (missing)"))
        for name, other in sorted(place.seen_as.items()):
            output.line(f"  {name}: {other}")


@coverslip_command(
    "locate",
    examples=("coverslip locate image:7", "coverslip locate plate:2 --json"),
    answers=Places,
    only_reads=True,
)
@click.argument("target", metavar="OBJECT", type=Object())
@with_context
def command(context: Context, target: ObjectReference) -> None:
    """Tell where the files of an object lie, as each computer sees them.

    All known places are told, those in storage too; how other computers call a folder is its `seen_as` in the
    configuration.
    """
    seen_as = {watch.name: watch.seen_as for watch in context.settings.watch}
    if context.is_place_only:
        context.output.message("how other computers call these folders stands in the configuration, and is left out")
    with context.catalogue.reading() as connection:
        places = locate(connection, context.acting, target, seen_as)
    context.tell_of_look_at(target)
    context.output.document(places, show)
