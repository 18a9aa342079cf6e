"""``coverslip images``: the images that somebody sees, newest first, by filters."""

from collections.abc import Iterator
from datetime import datetime

import click

from catalog.documents import ImageDocument, ImagePage
from catalog.engine import Catalogue
from catalog.permissions import Acting
from catalog.queries.filters import ImageFilters
from catalog.queries.images import images
from daemon.context import Context, with_context
from daemon.options import command as coverslip_command
from daemon.output import Output
from daemon.values import Moment, Pair

FOR_PEOPLE = 100
PAGE = 500
COLUMNS = ("image", "name", "in", "owner", "group", "size", "imported", "state")


def pages(
    catalogue: Catalogue, acting: Acting, filters: ImageFilters, *, limit: int | None, after: str | None
) -> Iterator[ImagePage]:
    """Give the images in pages, each read in a transaction of its own; ``limit`` None gives all."""
    left = limit
    while left is None or left > 0:
        with catalogue.reading() as connection:
            page = images(connection, acting, filters, limit=PAGE if left is None else min(PAGE, left), after=after)
        yield page
        after = page.next_after
        if after is None:
            return
        left = None if left is None else left - len(page.images)


def place_of(image: ImageDocument) -> str:
    """Give where an image is filed, for a column: ``project / dataset`` or ``screen / plate / B3 field 2``."""
    parts = [part for part in (image.project, image.dataset, image.screen, image.plate, image.run) if part]
    if image.well:
        parts.append(image.well if image.field is None else f"{image.well} field {image.field}")
    return " / ".join(parts)


def size_of(image: ImageDocument) -> str:
    """Give the sizes that say something: ``2048 x 2048, z 30, c 3``."""
    sizes = image.sizes
    more = [f"{axis} {size}" for axis, size in (("z", sizes.z), ("c", sizes.c), ("t", sizes.t)) if size > 1]
    return ", ".join([f"{sizes.x} x {sizes.y}", *more])


def show_page(page: ImagePage, output: Output) -> None:
    """Print a page as a table."""
    if not page.images:
        output.message("no image that you may see fits; `coverslip status` tells what is on its way")
        return
    rows = [
        (
            i.id,
            i.name,
            place_of(i),
            i.owner,
            i.group,
            size_of(i),
            i.imported_at,
            "" if i.state == "imported" else i.state,
        )
        for i in page.images
    ]
    output.table(COLUMNS, rows, right=("image",))


@coverslip_command(
    "images",
    examples=(
        "coverslip images --dataset mitosis --since 7d",
        "coverslip images --plate 'plate 1' --well B3 --json",
        "coverslip images --tag good --key Stain=DAPI --name 'cell_*'",
    ),
    answers=ImageDocument,
    is_stream=True,
    only_reads=True,
)
@click.option("--project", metavar="NAME", help="In this project (its name, or project:ID).")
@click.option("--dataset", metavar="NAME", help="In this dataset.")
@click.option("--screen", metavar="NAME", help="In this screen.")
@click.option("--plate", metavar="NAME", help="On this plate.")
@click.option("--well", metavar="B3", help="In wells of this name.")
@click.option("--owner", metavar="USER", help="Owned by this user.")
@click.option("--group", metavar="GROUP", help="Of this group.")
@click.option(
    "--tag", "tags", metavar="TAG", multiple=True, help="With this tag; may be given again: all must be there."
)
@click.option(
    "--key", "key_values", type=Pair(), metavar="K=V", multiple=True, help="With this key and value; likewise."
)
@click.option("--name", metavar="GLOB", help="Whose name fits this pattern of * ? and [..].")
@click.option("--since", type=Moment(), metavar="WHEN", help="Imported at or after this: 2026-05-04, or 7d ago.")
@click.option("--until", type=Moment(), metavar="WHEN", help="Imported before this.")
@click.option("--orphaned", is_flag=True, help="In no dataset and on no plate.")
@click.option("--text", metavar="WORDS", help="With these words in name, description or annotations.")
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="N", help="At most so many (100 for people, all with --json)."
)
@click.option("--after", metavar="CURSOR", help="Go on after an earlier list, from what that one said.")
@with_context
def command(
    context: Context,
    /,
    *,
    tags: tuple[str, ...],
    key_values: tuple[tuple[str, str], ...],
    since: datetime | None,
    until: datetime | None,
    orphaned: bool,
    limit: int | None,
    after: str | None,
    **names: str | None,
) -> None:
    """List the images that you may see, newest first."""
    filters = ImageFilters(tags=tags, key_values=key_values, since=since, until=until, orphaned=orphaned, **names)
    if context.output.as_json:
        for page in pages(context.catalogue, context.acting, filters, limit=limit, after=after):
            context.tell_of_look(*{image.group for image in page.images})
            context.output.stream(page.images)
        return
    found = list(pages(context.catalogue, context.acting, filters, limit=limit or FOR_PEOPLE, after=after))
    rows = ImagePage(images=tuple(image for page in found for image in page.images), next_after=found[-1].next_after)
    context.tell_of_look(*{image.group for image in rows.images})
    show_page(rows, context.output)
    if rows.next_after is not None:
        context.output.message(f"there are more: go on with --after {rows.next_after}, or see all with --json")
