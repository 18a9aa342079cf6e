"""``coverslip tree``: projects, datasets, screens and plates with the number of images that somebody sees."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from catalog.documents import TreeRow
from catalog.queries.tree import tree
from daemon.context import Context, with_context
from daemon.options import command as coverslip_command
from daemon.output import Output
from daemon.tables import DORMANT

T = TypeVar("T")
COLUMNS = ("name", "object", "images", "wells", "owner", "group")
_WELLS = COLUMNS.index("wells")


def rows_of(nodes: Sequence[TreeRow], indent: str = "") -> Iterator[tuple[object, ...]]:
    """Give the table's rows, children indented below their parents."""
    for node in nodes:
        reference = f"{node.type}:{node.id}" if node.id is not None else node.type
        dormant = f" ({DORMANT})" if node.is_dormant else ""
        wells = None if node.wells is None else f"{node.wells.filled} of {node.wells.of}"
        yield (f"{indent}{node.name}{dormant}", reference, node.images, wells, node.owner, node.group)
        yield from rows_of(node.children, indent + "  ")


def groups_of(nodes: Sequence[TreeRow]) -> frozenset[str]:
    """Give the names of all groups whose objects stand in these rows."""
    below = (groups_of(node.children) for node in nodes)
    return frozenset(node.group for node in nodes if node.group is not None).union(*below)


def show(nodes: tuple[TreeRow, ...], output: Output) -> None:
    """Print the tree."""
    if not nodes:
        output.message("nothing that you may see is in the catalogue yet; `coverslip status` tells what is on its way")
        return
    rows = list(rows_of(nodes))
    if all(row[_WELLS] is None for row in rows):  # no plate, no wells
        output.table(_without_wells(COLUMNS), map(_without_wells, rows), right=("images",))
    else:
        output.table(COLUMNS, rows, right=("images", "wells"))


def _without_wells(row: tuple[T, ...]) -> tuple[T, ...]:
    return row[:_WELLS] + row[_WELLS + 1 :]


@coverslip_command(
    "tree", examples=("coverslip tree", "coverslip tree --as ab3c --json"), answers=tuple[TreeRow, ...], only_reads=True
)
@with_context
def command(context: Context) -> None:
    """Show projects, datasets, screens and plates with counts.

    What hangs below another by a link that is dormant (in a private group, between objects of different owners) is
    marked so: members do not see it there.
    """
    with context.catalogue.reading() as connection:
        found = tree(connection, context.acting)
    context.tell_of_look(*groups_of(found))
    context.output.document(found, show)
